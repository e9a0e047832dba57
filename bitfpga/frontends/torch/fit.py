"""Real multipliers as integers with few signed digits: what a requantisation is made of."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from bitfpga.errors import ModelError
from bitfpga.frontends.torch.graph import Floats
from bitfpga.ir import Requantise

MAX_DIGITS = 4
MAX_SHIFT = 40
# Float64 holds integers exactly up to 2^53, so below it torch computes the same as hardware.
_EXACT_BITS = 52
_BIAS_BITS = 4
_LOST_STEPS = 0.5


def signed_digits(values: Floats, n_digits: int = MAX_DIGITS) -> Floats:
    """Return the sums of at most ``n_digits`` signed powers of two nearest to ``values``."""
    total = np.zeros_like(values)
    for _ in range(n_digits):
        rest = values - total
        mantissa, exponent = np.frexp(np.abs(rest))
        power = np.ldexp(1.0, exponent - (mantissa <= 0.75))
        total = total + np.where(rest == 0, 0.0, np.sign(rest) * power)
    return total


def lowest_digit(values: Floats) -> npt.NDArray[np.int64]:
    """Return the exponent of the lowest digit of each value (0 for the value 0)."""
    mantissa, exponent = np.frexp(values)
    odd = (mantissa * 2.0**53).astype(np.int64)
    lowest = odd & -odd
    zeros = np.where(lowest == 0, 53 - exponent, np.round(np.log2(np.maximum(lowest, 1))))
    return (zeros + exponent - 53).astype(np.int64)


def fit_requantise(
    label: str,
    multiplier: Floats,
    bias: Floats,
    largest_sum: Floats | float,
    clamp: tuple[int, int],
) -> Requantise:
    """Return ``floor(sum * multiplier + bias + 0.5)`` clamped, in integers.

    ``multiplier`` and ``bias`` are real, in steps of the output; ``largest_sum`` bounds |sum|
    (one number, or one for each multiplier).
    A power of two is met exactly; others by ``MAX_DIGITS`` digits, with the real value kept.
    For powers of two the result is that of real arithmetic, whatever the bias: below the last
    bit of the shifted sums a bias changes nothing, so it is rounded down to that bit.
    """
    largest = float(np.max(largest_sum)) * float(np.abs(multiplier).max())
    room = largest + float(np.abs(bias).max()) + 1.0
    limit = _EXACT_BITS - math.ceil(math.log2(room)) if math.isfinite(room) else -1
    if limit < 0:
        raise ModelError(
            f"layer '{label}': its sums reach {room:.1g} output steps, beyond {_EXACT_BITS} bits; "
            "its weights or constants are far larger than its outputs, rescale them"
        )
    fitted = signed_digits(multiplier)
    shift = max(0, -int(lowest_digit(fitted).min()))
    if (fitted != multiplier).any() and (bias != np.floor(bias)).any():
        shift = max(shift, _BIAS_BITS)
    shift = min(shift, limit, MAX_SHIFT)
    integers = np.round(np.ldexp(fitted, shift))
    _check_lost(label, np.abs(np.ldexp(integers, -shift) - fitted) * largest_sum)
    exact = (np.ldexp(integers, -shift) == multiplier).all()
    down = 0.0 if exact and shift else 0.5
    return Requantise(
        multiplier=integers.astype(np.int64),
        bias=np.floor(np.ldexp(bias, shift) + down).astype(np.int64),
        shift=shift,
        low=clamp[0],
        high=clamp[1],
        real_multiplier=None if exact else np.ascontiguousarray(multiplier, np.float64),
    )


def _check_lost(label: str, lost: Floats) -> None:
    """Refuse multipliers so far apart that one shift cannot hold the large and the small."""
    if lost.max() > _LOST_STEPS:
        raise ModelError(
            f"layer '{label}': its channels' gains lie too far apart, the small ones would be off "
            f"by {lost.max():.1g} output steps; rescale its weights or constants, or clamp less"
        )
