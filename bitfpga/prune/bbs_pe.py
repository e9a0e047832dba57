"""What columns of bits cost: ones, effectual bits, and a model of the BitVert processing element.

BBS (Chen et al., MICRO 2024), sections "bi-directional bit sparsity" and "BitVert": the sum of
the activations under a column's ones is the sum of all activations minus that of those under its
zeros, so each column adds only what its rarer symbol picks: at most half of its weights.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from bitfpga.ir.groups import SUB_GROUP

Integers = npt.NDArray[np.integer[Any]]
Counts = npt.NDArray[np.uint8]
ACTIVATIONS_A_CYCLE = 16


class PeResult(NamedTuple):
    """A group's dot product, the cycles it took and the activations its columns picked."""

    dot: int
    cycles: int
    n_picked: int


def column_ones(stored: Integers, n_columns: int) -> Counts:
    """Return the ones of each column of each sub-group of 8, uint8 [n_rows, n_sub, n_columns].

    ``stored``: integers [n_rows, n_inputs] of ``n_columns`` bits, two's complement, plane 0
    first; the last sub-group of a row may be shorter.
    """
    starts = np.arange(0, stored.shape[1], SUB_GROUP)
    columns = ((stored >> column & 1).astype(np.uint8) for column in range(n_columns))
    return np.stack(
        [np.add.reduceat(bits, starts, axis=1, dtype=np.uint8) for bits in columns], axis=-1
    )


def effectual_bits(stored: Integers, n_columns: int) -> Counts:
    """Return the bits of the rarer symbol, min(ones, size - ones), of each column as above."""
    ones = column_ones(stored, n_columns)
    n_inputs = stored.shape[1]
    sizes = np.minimum(SUB_GROUP, n_inputs - np.arange(0, n_inputs, SUB_GROUP)).astype(np.uint8)
    return np.asarray(np.minimum(ones, sizes[:, None] - ones))


def pe_dot(
    activations: Integers, stored: Integers, n_sparse: int, redundant: int = 0, constant: int = 0
) -> PeResult:
    """Return the dot product of one group, column by column, as the published BitVert PE does it.

    ``activations`` and ``stored``: integers [size]; ``stored`` has 8 - ``n_sparse`` bits (plain
    weights: 8, ``n_sparse`` 0). 16 activations enter at a time, in sub-groups of 8 with their
    sums; each cycle takes one column: a sub-group picks the activations of the rarer symbol and
    subtracts them from its sum where that is the zero; the sign's column counts negative. The
    constant meets the sum of all activations once.
    """
    n_columns = 8 - n_sparse
    total = cycles = n_picked = 0
    for start in range(0, len(stored), ACTIVATIONS_A_CYCLE):
        for column in range(n_columns):
            partial = 0
            for sub in range(start, min(start + ACTIVATIONS_A_CYCLE, len(stored)), SUB_GROUP):
                part = slice(sub, sub + SUB_GROUP)
                minority, picked = _minority_sum(activations[part], stored[part] >> column & 1)
                partial += minority
                n_picked += picked
            sign = -1 if column == n_columns - 1 else 1
            total += sign * partial << (column + n_sparse - redundant)
            cycles += 1
    return PeResult(total + constant * int(activations.sum()), cycles, n_picked)


def _minority_sum(activations: Integers, bits: Integers) -> tuple[int, int]:
    """Return the sum of the activations under ones, and how many activations it picked."""
    inverted = 2 * int(bits.sum()) > len(bits)
    picked = activations[bits != inverted]
    minority = int(picked.sum())
    if inverted:
        minority = int(activations.sum()) - minority
    return minority, len(picked)
