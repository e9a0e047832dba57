"""Integer multipliers as short sums of shifted terms, so that no multiplier is ever built."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bitfpga.errors import PlanError

MULTIPLIER_LIMIT = 1 << 62
Int64 = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Terms:
    """``sum_d signs[d] * 2^shifts[d]`` for each multiplier: int64 [n, n_terms], sign 0 unused."""

    shifts: Int64
    signs: Int64

    @property
    def n_terms(self) -> int:
        """Terms of the longest multiplier, at least 1."""
        return int(self.shifts.shape[1])

    @property
    def magnitude(self) -> Int64:
        """``sum_d 2^shifts[d]`` over the used terms, int64 [n]: bounds every partial sum."""
        return np.asarray((np.abs(self.signs) << self.shifts).sum(axis=1), np.int64)


def to_terms(multipliers: Int64) -> Terms:
    """Return the signed-digit terms of ``multipliers`` (int64 [n]), largest first.

    ``PlanError`` from ±2^62 on: terms and their sums would leave 64 bits.
    """
    low, high = multipliers.min(initial=0), multipliers.max(initial=0)
    if max(-int(low), int(high)) >= MULTIPLIER_LIMIT:
        raise PlanError("a multiplier of 2^62 or more has no hardware; use a smaller shift")
    rest = multipliers.astype(np.int64).copy()
    columns: list[tuple[Int64, Int64]] = []
    while rest.any() or not columns:
        odd = rest != 0
        place = np.bitwise_count((rest & -rest) - odd).astype(np.int64) * odd
        reduced = rest >> place
        sign = np.where(odd, 2 - (reduced & 3), 0)
        columns.append((place, sign))
        rest = rest - (sign << place)
    shifts, signs = (np.stack(part, axis=1)[:, ::-1] for part in zip(*columns, strict=True))
    return Terms(np.ascontiguousarray(shifts), np.ascontiguousarray(signs))
