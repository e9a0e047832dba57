"""Integers as signed digits and back, vectorised, and their counts.

A digit is ±2^p. ``binary`` takes the bits of |w| with w's sign; ``csd`` is the canonical signed
digit form (no two neighbouring digits, the fewest possible; Reitwiesner 1960), found for all
weights at once from the bit identity: the digits of w sit where 3w and w differ, one place up.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any

import numpy as np
import numpy.typing as npt

from bitfpga.errors import ModelError

Masks = npt.NDArray[np.unsignedinteger[Any]]
LARGEST = (1 << 14) - 1


class NumberSystem(str, Enum):
    """How a weight becomes digits.

    ``bbs`` counts minority digits of layers whose weights are coded in groups (``ir.BitGroups``),
    which only ``plan`` can: by themselves weights have the digits of ``csd``.
    """

    BINARY = "binary"
    CSD = "csd"
    BBS = "bbs"


@dataclass(frozen=True, eq=False)
class Digits:
    """Digits of an array of integers: bit p of ``positive`` is +2^p, of ``negative`` -2^p.

    Both have the shape of the integers (uint16 from ``to_digits``), and never share a bit.
    """

    positive: Masks
    negative: Masks

    @property
    def planes(self) -> range:
        """Every p that any digit has, as a range from 0."""
        used = int(np.bitwise_or.reduce(self.positive | self.negative, axis=None, initial=0))
        return range(used.bit_length())

    @property
    def count(self) -> int:
        """Number of digits of the whole array."""
        return int(self.counts.sum(dtype=np.int64))

    @property
    def counts(self) -> npt.NDArray[np.uint8]:
        """Number of digits of each integer, uint8."""
        counts: npt.NDArray[np.uint8] = np.bitwise_count(self.positive | self.negative)
        return counts


def to_digits(weights: npt.NDArray[np.integer[Any]], system: NumberSystem) -> Digits:
    """Return the digits of ``weights`` (integers, |w| <= 16383); exact both ways.

    ``ModelError`` for other dtypes or larger weights.
    """
    if weights.dtype.kind not in "iu":
        raise ModelError(f"weights of dtype {weights.dtype}: integers are needed")
    if weights.size and max(abs(int(weights.min())), abs(int(weights.max()))) > LARGEST:
        raise ModelError(f"weights beyond ±{LARGEST} have no digits here; use fewer bits")
    values = weights.astype(np.int16)
    magnitude = np.abs(values).astype(np.uint16)
    plus: Any
    minus: Any
    if NumberSystem(system) is NumberSystem.BINARY:
        plus, minus = magnitude, np.zeros_like(magnitude)
    else:
        half = magnitude >> 1
        tripled = magnitude + half
        places = half ^ tripled
        plus, minus = tripled & places, half & places
    below_zero = values < 0
    return Digits(np.where(below_zero, minus, plus), np.where(below_zero, plus, minus))


def from_digits(digits: Digits) -> npt.NDArray[np.int32]:
    """Return the integers of ``digits``, int32."""
    return digits.positive.astype(np.int32) - digits.negative.astype(np.int32)
