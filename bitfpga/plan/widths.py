"""Proven widths: the bits no accumulator or scaled sum of the hardware can leave."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bitfpga.digits import Digits
from bitfpga.ir import TensorType

Int32 = npt.NDArray[np.int32]


def signed_bits(low: int, high: int) -> int:
    """Return the fewest bits of a signed integer that holds low..high."""
    return max(int(high).bit_length(), (-int(low) - 1).bit_length() if low < 0 else 0) + 1


@dataclass(frozen=True)
class HornerRange:
    """Bounds of every accumulator at every step, whatever the order inside a plane.

    ``low``..``high``: where an output's taps are walked whole. ``magnitude``: bounds the absolute
    value of any contiguous part of them, and of any sum of such parts at the plane they end in.
    """

    low: int
    high: int
    magnitude: int

    def joined(self, other: HornerRange) -> HornerRange:
        """Return the range that holds both."""
        return HornerRange(
            min(self.low, other.low),
            max(self.high, other.high),
            max(self.magnitude, other.magnitude),
        )


def horner_range(digits: Digits, x: TensorType) -> HornerRange:
    """Return the bounds for ``digits`` of weights [n_outputs, n_inputs] and inputs of type ``x``.

    While plane p is walked, input i counts with weight c_i, which is either twice its weight so
    far or that plus its digit at p: each partial sum is at most sum_i max over the two of
    max(c_i x.low, c_i x.high), and likewise below. A part that starts later counts input i with
    less than that in magnitude, but maybe with the other sign; a sum of parts that lacks the last
    ones counts it with its weight so far at any plane before, shifted to this one.
    """
    weight: Int32 = np.zeros(digits.positive.shape, np.int32)
    widest = weight
    used = np.bitwise_or.reduce(digits.positive | digits.negative, axis=1)
    largest = max(-x.low, x.high)
    low = high = magnitude = 0
    for plane in reversed(digits.planes):
        reached = (used & ((1 << (plane + 1)) - 1)) != 0
        before = weight * 2
        weight = before + (digits.positive >> plane & 1) - (digits.negative >> plane & 1)
        ends = [c * bound for c in (before, weight) for bound in (x.low, x.high)]
        greatest = np.maximum.reduce(ends).sum(axis=1, dtype=np.int64)
        least = np.minimum.reduce(ends).sum(axis=1, dtype=np.int64)
        widest = np.maximum(widest * 2, np.abs(weight))
        reach = widest.sum(axis=1, dtype=np.int64)
        high = max(high, int(greatest[reached].max(initial=0)))
        low = min(low, int(least[reached].min(initial=0)))
        magnitude = max(magnitude, int(reach[reached].max(initial=0)) * largest)
    return HornerRange(low, high, magnitude)
