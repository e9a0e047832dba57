"""Values of few one-bits, and how a bit budget is dealt to lock-step groups (``bitpruner``)."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from bitfpga.errors import PruneError
from bitfpga.prune.work import check_weights

_BYTE = 8
_ROWS_AT_ONCE = 64


def bit_sparsity(levels: Any, twos_complement: bool = False) -> float:
    """Return the share of zero bits in int8 ``levels`` of any shape, 0 to 1.

    Bits are those of |q|, seven a weight (levels -127..127), or with ``twos_complement`` those of
    the byte, eight a weight (-128..127). ``PruneError`` for levels outside, reals, or none.
    """
    values = check_weights("bit sparsity", levels)
    lowest = -128 if twos_complement else -127
    if values.min() < lowest or values.max() > 127:
        raise PruneError(
            f"bit sparsity: levels from {values.min()} to {values.max()}, but {lowest}..127 is "
            "needed; give the integers of integer_weight() of a bitpruner layer"
        )
    wide = values.astype(np.int64)
    bits = wide & 0xFF if twos_complement else np.abs(wide)
    n_bits = _BYTE if twos_complement else _BYTE - 1
    return 1.0 - float(np.bitwise_count(bits).sum()) / (n_bits * bits.size)


def nearest_table(bits: int) -> npt.NDArray[np.uint8]:
    """Return the value nearest to i / 2 of at most c one-bits, uint8 [c = 0..bits-1, i].

    Values run over 0..2^(bits-1) - 1, i over 0..twice the largest; ties go upward. Midpoints
    between whole values are multiples of 1/2, so the nearest to any real x >= 0 is in column
    floor(2 x).
    """
    values = np.arange(1 << (bits - 1))
    ones = np.bitwise_count(values)
    doubled = np.arange(2 * values[-1] + 1)
    rows = []
    for most in range(bits):
        allowed = values[ones <= most][::-1]
        distance = np.abs(doubled[:, None] - 2 * allowed[None, :])
        rows.append(allowed[distance.argmin(axis=1)])
    return np.stack(rows).astype(np.uint8)


def grouped(per_weight: npt.NDArray[Any], group: int) -> npt.NDArray[Any]:
    """Return sums over lock-step groups, [..., n_groups], of [..., n_inputs]."""
    return np.add.reduceat(per_weight, np.arange(0, per_weight.shape[-1], group), axis=-1)


def deal_caps(errors: npt.NDArray[np.float64], n_bits: int) -> npt.NDArray[np.uint8]:
    """Return the cap of every group, uint8 [n_outputs, n_groups], that costs least in sum.

    ``errors``: what cap c costs each group, float [n_caps, n_outputs, n_groups]; the caps of one
    output sum to ``n_bits`` at most. Exact, by dynamic programming over the groups.
    """
    n_outputs = errors.shape[1]
    rows = range(0, n_outputs, _ROWS_AT_ONCE)
    return np.concatenate([_deal_rows(errors[:, i : i + _ROWS_AT_ONCE], n_bits) for i in rows])


def _deal_rows(errors: npt.NDArray[np.float64], n_bits: int) -> npt.NDArray[np.uint8]:
    n_caps, n_outputs, n_groups = errors.shape
    least = np.zeros((n_outputs, n_bits + 1))  # by the bits that are left to the groups so far
    picks = np.empty((n_groups, n_outputs, n_bits + 1), dtype=np.uint8)
    for group in range(n_groups):
        sums = np.full((n_caps, n_outputs, n_bits + 1), np.inf)
        for cap in range(min(n_caps, n_bits + 1)):
            rest = least[:, : n_bits + 1 - cap]
            sums[cap, :, cap:] = rest + errors[cap, :, group, None]
        picks[group] = sums.argmin(axis=0)
        least = sums.min(axis=0)
    caps = np.empty((n_outputs, n_groups), dtype=np.uint8)
    left = np.full(n_outputs, n_bits)
    for group in reversed(range(n_groups)):
        caps[:, group] = picks[group, np.arange(n_outputs), left]
        left -= caps[:, group]
    return caps
