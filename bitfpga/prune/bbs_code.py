"""Binary pruning of groups of 8-bit weights: rounded averaging and zero-point shifting.

BBS, "Bi-directional Bit-level Sparsity for Deep Learning Acceleration" (Chen et al., MICRO 2024),
section "binary pruning", written from the paper's formulas. A group loses N of its 8 columns of
bits: r redundant ones below the sign bit, which only repeat it, and the N - r lowest, which become
the same in all its weights. What the paper leaves open is decided here: r never exceeds N, and
halves are rounded up.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from bitfpga.errors import PruneError
from bitfpga.ir.groups import (
    GROUP_MODES,
    MAX_REDUNDANT,
    MAX_SHIFT_CONSTANT,
    MAX_SPARSE,
    ROUNDED_AVERAGING,
    Int16s,
)

Integers = npt.NDArray[np.integer[Any]]
WEIGHT_LOW, WEIGHT_HIGH = -128, 127
_GROUPS_AT_A_TIME = 4096  # what the search works on stays in the cache


class GroupCode(NamedTuple):
    """Pruned groups: ``weight == (stored << (n_sparse - redundant)) + constant``.

    ``weight``: int16 [n_groups, size]; ``redundant``: uint8 [n_groups], 0..3; ``constant``:
    int8 [n_groups], what decoding adds (zero-point shifting: minus what encoding added).
    """

    weight: Int16s
    redundant: npt.NDArray[np.uint8]
    constant: npt.NDArray[np.int8]


def redundant_columns(groups: Integers, most: int = MAX_REDUNDANT) -> npt.NDArray[np.uint8]:
    """Return how many columns below the sign bit equal it across each group, uint8 [n_groups].

    ``groups``: int8 values [n_groups, size]; the count stops at ``most``. ``PruneError`` for
    other arrays.
    """
    _check_weights(groups)
    return _redundant(groups.min(axis=1), groups.max(axis=1), most)


def rounded_averaging(groups: Integers, n_sparse: int) -> GroupCode:
    """Return groups whose low k = n_sparse - r bits are their average's, halves rounded up.

    ``groups``: int8 values [n_groups, size], ``n_sparse``: 0..6, else ``PruneError``.
    """
    _check_arguments(groups, n_sparse)
    values = groups.astype(np.int16)
    redundant = redundant_columns(values, min(n_sparse, MAX_REDUNDANT))
    shifts = n_sparse - redundant.astype(np.int16)
    low_bits = values & ((1 << shifts) - 1)[:, None]
    size = values.shape[1]
    average = (2 * low_bits.sum(axis=1, dtype=np.int64) + size) // (2 * size)
    pruned = values - low_bits + average[:, None].astype(np.int16)
    return GroupCode(pruned, redundant, average.astype(np.int8))


def zero_point_shifting(groups: Integers, n_sparse: int) -> GroupCode:
    """Return groups shifted by the added constant, of -31..31, that gives the least squared error.

    The first such constant wins. The paper's range starts at -32, but the 6-bit code holds minus
    the added constant, and 32 does not fit. ``groups``: int8 values [n_groups, size],
    ``n_sparse``: 0..6, else ``PruneError``. Weights may come out beyond 8 bits, as -159..159.
    """
    _check_arguments(groups, n_sparse)
    columns = np.ascontiguousarray(groups.T, np.int16)
    added = np.zeros(len(groups), np.int16)
    for start in range(0, len(groups), _GROUPS_AT_A_TIME):
        part = slice(start, start + _GROUPS_AT_A_TIME)
        added[part] = _best_added(np.ascontiguousarray(columns[:, part]), n_sparse)
    return zero_point_step(groups, n_sparse, added)


def zero_point_step(groups: Integers, n_sparse: int, added: Integers) -> GroupCode:
    """Return groups after one step of the search: ``added`` (-31..31, int [n_groups]) as it is.

    T = clip(W + added); T is rounded to a multiple of 2^(n_sparse - r), halves up, inside the
    8 - r bits that T needs; the weight is T minus ``added``. ``PruneError`` as above.
    """
    _check_arguments(groups, n_sparse)
    if np.abs(added).max(initial=0) > MAX_SHIFT_CONSTANT:
        raise PruneError(f"added constants beyond ±{MAX_SHIFT_CONSTANT} do not fit in 6 bits")
    columns = np.ascontiguousarray(groups.T, np.int16)
    constants = added.astype(np.int16)
    redundant = _shifted_redundant(columns.min(axis=0), columns.max(axis=0), constants, n_sparse)
    pruned = _shifted(columns, constants, n_sparse - redundant.astype(np.int16), n_sparse)
    return GroupCode(np.ascontiguousarray(pruned.T), redundant, (-constants).astype(np.int8))


def prune_matrix(weight: Integers, n_sparse: int, mode: str, group_size: int) -> GroupCode:
    """Return the pruned matrix, with redundant and constant as [n_outputs, n_groups].

    ``weight``: int8 values [n_outputs, n_inputs], cut into groups of ``group_size`` along the
    inputs; the last group of each output may be shorter. ``mode``: one of ``ir.GROUP_MODES``.
    ``PruneError`` as above.
    """
    _check_arguments(weight, n_sparse)
    if mode not in GROUP_MODES or group_size < 1:
        raise PruneError(f"mode {mode!r}, groups of {group_size}: {GROUP_MODES} and 1 up are known")
    prune = rounded_averaging if mode == ROUNDED_AVERAGING else zero_point_shifting
    n_outputs, n_inputs = weight.shape
    n_whole = n_inputs // group_size * group_size
    parts = []
    for part in (weight[:, :n_whole], weight[:, n_whole:]):
        if part.size:
            code = prune(part.reshape(-1, min(group_size, part.shape[1])), n_sparse)
            parts.append([array.reshape(n_outputs, -1) for array in code])
    return GroupCode(*(np.hstack(arrays) for arrays in zip(*parts, strict=True)))


def _check_weights(weights: Integers) -> None:
    if weights.dtype.kind not in "iu" or weights.ndim != 2 or weights.size == 0:
        got = f"{weights.dtype} {list(weights.shape)}"
        raise PruneError(f"weights are {got}: integers with two axes, not empty, are needed")
    low, high = int(weights.min()), int(weights.max())
    if low < WEIGHT_LOW or high > WEIGHT_HIGH:
        raise PruneError(
            f"weights {low}..{high} are beyond 8 bits ({WEIGHT_LOW}..{WEIGHT_HIGH}); "
            "quantise them to 8 bits or fewer"
        )


def _check_arguments(weights: Integers, n_sparse: int) -> None:
    _check_weights(weights)
    if not 0 <= n_sparse <= MAX_SPARSE:
        raise PruneError(f"{n_sparse} sparse columns: 0 to {MAX_SPARSE} are allowed")


def _redundant(low: Integers, high: Integers, most: int) -> npt.NDArray[np.uint8]:
    """Return the redundant columns of groups with these least and greatest values, uint8."""
    count = np.zeros(low.shape, np.uint8)
    for r in range(1, most + 1):
        reach = 1 << (7 - r)
        count += (low >= -reach) & (high < reach)
    return count


def _shifted_redundant(
    low: Int16s, high: Int16s, added: Int16s | int, n_sparse: int
) -> npt.NDArray[np.uint8]:
    """Return the redundant columns of T; what clipping changes has none either way."""
    return _redundant(low + added, high + added, min(n_sparse, MAX_REDUNDANT))


def _shifted(columns: Int16s, added: Int16s | int, shifts: Int16s, n_sparse: int) -> Int16s:
    """Return the weights that ``added`` leads to, int16 [size, n_groups].

    Clamping what is stored to its 8 - n_sparse bits clips T as well: both are monotone.
    """
    reach = 1 << (7 - n_sparse)
    half = (1 << shifts) >> 1
    stored = np.clip((columns + (half + added)) >> shifts, -reach, reach - 1)
    return np.asarray((stored << shifts) - added)


def _best_added(columns: Int16s, n_sparse: int) -> Int16s:
    """Return the added constant with the least squared error, int16 [n_groups], first wins."""
    low, high = columns.min(axis=0), columns.max(axis=0)
    best = np.zeros(len(low), np.int16)
    least = np.full(len(low), np.iinfo(np.int64).max)
    for added in range(-MAX_SHIFT_CONSTANT, MAX_SHIFT_CONSTANT + 1):
        redundant = _shifted_redundant(low, high, added, n_sparse)
        shifted = _shifted(columns, added, n_sparse - redundant.astype(np.int16), n_sparse)
        error = ((shifted - columns) ** 2).sum(axis=0, dtype=np.int64)  # |shifted - columns| < 96
        better = error < least
        best[better], least[better] = added, error[better]
    return best
