"""Proven widths: the bits no accumulator or scaled sum of the hardware can leave."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from bitfpga.digits import Digits
from bitfpga.ir import TensorType

Int32 = npt.NDArray[np.int32]


def signed_bits(low: int, high: int) -> int:
    """Return the fewest bits of a signed integer that holds low..high."""
    return max(int(high).bit_length(), (-int(low) - 1).bit_length() if low < 0 else 0) + 1


def horner_range(digits: Digits, x: TensorType) -> tuple[int, int]:
    """Return bounds of every accumulator at every step, whatever the order inside a plane.

    ``digits`` of weights [n_outputs, n_inputs]. While plane p is walked, input i counts with
    weight c_i, which is either twice its weight so far or that plus its digit at p: each partial
    sum is at most sum_i max over the two of max(c_i x.low, c_i x.high), and likewise below.
    """
    weight: Int32 = np.zeros(digits.positive.shape, np.int32)
    used = np.bitwise_or.reduce(digits.positive | digits.negative, axis=1)
    low = high = 0
    for plane in reversed(digits.planes):
        reached = (used & ((1 << (plane + 1)) - 1)) != 0
        before = weight * 2
        weight = before + (digits.positive >> plane & 1) - (digits.negative >> plane & 1)
        ends = [c * bound for c in (before, weight) for bound in (x.low, x.high)]
        greatest = np.maximum.reduce(ends).sum(axis=1, dtype=np.int64)
        least = np.minimum.reduce(ends).sum(axis=1, dtype=np.int64)
        high = max(high, int(greatest[reached].max(initial=0)))
        low = min(low, int(least[reached].min(initial=0)))
    return low, high
