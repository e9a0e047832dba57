"""Verilog of the shared sums of ``bbs``: which rows of a window each of them adds up."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from bitfpga.emit.rtl_words import Parameter, address_bits, hex_file, pack
from bitfpga.plan import GroupSums, memory_style

Int64 = npt.NDArray[np.int64]
NOTHING, ZERO, MADE_LAST, STORED = range(4)
KIND_BITS = 2


def sums_of_rows(
    sums: GroupSums, lanes: int, input_bits: int
) -> tuple[dict[str, Parameter], dict[str, bytes]]:
    """Return the parameters of ``fill_rows.v`` and its table, none where groups are neighbours.

    ``lanes``: rows that arrive at once. ``input_bits``: of a row's value.
    """
    size = int(np.count_nonzero(sums.group == 0))
    parameters: dict[str, Parameter] = {
        "SUM_GROUPS": sums.n_groups,
        "SUM_BITS": sums.bits(input_bits),
        "SUM_LOW_BITS": sums.low_bits,
        "SUM_STYLE": memory_style(sums.n_groups),
    }
    if lanes == 1 and np.array_equal(sums.group, np.arange(len(sums.group)) // size):
        return parameters | {"SUM_ROWS": size}, {}
    table = _table(sums.group.reshape(-1, lanes), sums.n_groups)
    style = memory_style(len(sums.group) // lanes + sums.n_groups, read_only=True)
    return parameters | {"SUM_FILE": "sums", "SUM_TABLE_STYLE": style}, {"sums": table}


def _table(group: Int64, n_groups: int) -> bytes:
    """Return the table of ``beat_sums.v`` for rows of ``group``, int64 [n_beats, n_lanes]."""
    n_beats, n_lanes = group.shape
    bits = address_bits(n_groups)
    last = np.arange(n_beats + n_groups) == n_beats - 1
    fields: list[tuple[npt.NDArray[np.generic], int]] = [(last, 1)]
    for lane in reversed(range(n_lanes)):
        kinds = _kinds(group[:, lane], n_groups)
        has_row = np.isin(np.arange(n_groups), group[:, lane])
        fields += [
            (np.concatenate([kinds, has_row * STORED]), KIND_BITS),
            (np.concatenate([group[:, lane] % n_groups, np.arange(n_groups)]), bits),
        ]
    return hex_file(pack(fields), 1 + n_lanes * (KIND_BITS + bits))


def _kinds(group: Int64, n_groups: int) -> Int64:
    """Return what a lane adds each of its rows to, int64 [n_beats]."""
    kinds = np.full(len(group), NOTHING, np.int64)
    rows = np.flatnonzero(group < n_groups)
    kinds[rows] = np.where(np.diff(group[rows], prepend=-1) == 0, MADE_LAST, STORED)
    _, first = np.unique(group[rows], return_index=True)
    kinds[rows[first]] = ZERO
    return kinds
