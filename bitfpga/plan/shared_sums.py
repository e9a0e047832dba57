"""Number system ``bbs``: minority digits of weight columns, and one shared sum for each group.

BBS (Chen et al., MICRO 2024, section 3.1): of a bit column of a group of weights, either the ones
or the zeros are at most half. Where ones are the majority, the zeros are subtracted from the sum
of the group's activations. Here that sum is made once for a window, in two rows that every output
may read: ``low`` bits of it, and what is above, so that they fit the lanes of any other row.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bitfpga.digits import Digits, NumberSystem, to_digits
from bitfpga.ir import BitGroups, TensorType

Int64 = npt.NDArray[np.int64]
Masks = npt.NDArray[np.uint32]


@dataclass(frozen=True, eq=False)
class GroupSums:
    """The sums that follow the rows of a window, two rows for each group: first low, then high.

    ``group``: int64 [n_rows], group of each row. ``low_bits``: the row ``low`` holds
    ``sum mod 2^low_bits``, the row ``high`` ``sum >> low_bits``.
    """

    group: Int64
    n_groups: int
    low_bits: int

    @property
    def n_rows(self) -> int:
        """Rows that follow the window's own."""
        return 2 * self.n_groups

    def bits(self, input_bits: int) -> int:
        """Return the bits of a sum of inputs of ``input_bits`` bits."""
        largest = int(np.bincount(self.group)[: self.n_groups].max())
        return input_bits + (largest - 1).bit_length()


def group_sums(arrival: Int64, groups: BitGroups, x: TensorType) -> GroupSums | None:
    """Return the sums of a layer whose row k is input ``arrival[k]`` (-1: none) of type ``x``.

    None where a sum does not fit two rows of the lanes of ``x``.
    """
    low_bits = x.bits - 1 if x.signed else x.bits
    group = np.maximum(arrival, 0) // groups.group_size
    n_groups = int(group.max()) + 1
    # A lane that holds no element never has a tap, but it must not enter a sum.
    group = np.where(arrival < 0, n_groups, group)
    largest = min(groups.group_size, len(arrival)) * max(-x.low, x.high)
    fits = (largest >> low_bits) <= x.high and x.bits > 1
    return GroupSums(group, n_groups, low_bits) if fits else None


def minority_digits(
    weight: npt.NDArray[np.int16], arrival: Int64, groups: BitGroups, sums: GroupSums
) -> Digits:
    """Return the digits of ``weight``, int16 [n_outputs, n_inputs], on rows [n_outputs, K + 2 G].

    Row k < K is input ``arrival[k]``; the rows after them are those of ``sums``. Masks are uint32.
    A group of an output whose csd digits are no more keeps those.
    """
    n_outputs, n_inputs = weight.shape
    positive, negative = (np.zeros((n_outputs, n_inputs), np.uint32) for _ in range(2))
    shared = np.zeros((n_outputs, sums.n_groups), np.int64)
    stored = groups.stored(weight).astype(np.int64)
    plain = groups.sensitive != 0
    for group in range(sums.n_groups):
        part = slice(group * groups.group_size, min((group + 1) * groups.group_size, n_inputs))
        shift = np.where(plain, 0, groups.n_sparse - groups.redundant[:, group].astype(np.int64))
        shared[:, group] = groups.constant[:, group]
        n_bits = np.where(plain, 8, 8 - groups.n_sparse)
        for column in range(8):
            ones = (stored[:, part] >> column & 1).astype(bool)
            kept = column < n_bits
            many = 2 * ones.sum(axis=1) > ones.shape[1]
            minus = column == n_bits - 1  # the sign column of two's complement
            place = (column + shift)[:, None]
            chosen = (ones != many[:, None]) & kept[:, None]
            bits = chosen.astype(np.uint32) << place.astype(np.uint32)
            below = (minus != many)[:, None]
            positive[:, part] |= np.where(below, 0, bits).astype(np.uint32)
            negative[:, part] |= np.where(below, bits, 0).astype(np.uint32)
            worth = np.where(minus, -1, 1) << (column + shift)
            shared[:, group] += np.where(many & kept, worth, 0)
    _take_shorter(weight, positive, negative, shared, groups.group_size)
    return _with_sums(positive, negative, shared, arrival, sums)


def _take_shorter(
    weight: npt.NDArray[np.int16], positive: Masks, negative: Masks, shared: Int64, size: int
) -> None:
    """Put csd digits, which need no sum, in the place of groups that have no more of them."""
    csd = to_digits(weight, NumberSystem.CSD)
    bounds = np.arange(0, weight.shape[1], size)
    n_csd = np.add.reduceat(csd.counts.astype(np.int64), bounds, axis=1)
    n_minority = np.add.reduceat(np.bitwise_count(positive | negative).astype(np.int64), bounds, 1)
    n_minority += 2 * to_digits(shared, NumberSystem.CSD).counts
    shorter = n_csd <= n_minority
    shared[shorter] = 0
    rows = np.repeat(shorter, size, axis=1)[:, : weight.shape[1]]
    positive[rows], negative[rows] = csd.positive[rows], csd.negative[rows]


def _with_sums(
    positive: Masks, negative: Masks, shared: Int64, arrival: Int64, sums: GroupSums
) -> Digits:
    """Return the digits in the order rows arrive, with those of the shared sums after them."""
    columns = []
    digits = to_digits(shared, NumberSystem.CSD)
    for masks, shares in ((positive, digits.positive), (negative, digits.negative)):
        rows = np.where(arrival < 0, np.uint32(0), masks[:, np.maximum(arrival, 0)])
        low = shares.astype(np.uint32)
        both = np.stack([low, low << np.uint32(sums.low_bits)], axis=2)
        columns.append(np.concatenate([rows, both.reshape(len(low), -1)], axis=1))
    return Digits(*columns)
