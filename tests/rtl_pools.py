"""Pools to test max_pool.v and sum_pool.v with, and their results in plain numpy."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from line_cases import LineCase, rows_of

from bitfpga.plan.windows import Window

TERMS, SHIFT, SCALED_BITS, SHIFT_MIN, SHIFT_BITS = 2, 4, 28, (0, 3), 2
SCALE_BITS = SCALED_BITS + TERMS * (SHIFT_BITS + 2)
OUT_BITS = 6


@dataclass(frozen=True)
class PoolCase:
    """``lines.outside`` is set by the pool. ``mode``: of the scale, None for a max pool."""

    lines: LineCase
    signed: bool
    mode: int | None = None

    @property
    def stages(self) -> int:
        return 2 if self.mode is None else 3 + TERMS

    @property
    def n_beats(self) -> int:
        return len(self.lines.limits()[0]) * self.lines.window.channels


def pool(
    kind: str, window: Window, lanes: int, beat: int, *, samples: int = 1, bits: int = 8
) -> LineCase:
    return LineCase(window, lanes, beat, samples=samples, bits=bits, kind=kind)


def values_of(bits: np.ndarray, case: PoolCase) -> np.ndarray:
    """Return what bit patterns mean."""
    half = 1 << (case.lines.bits - 1)
    return (bits ^ half) - half if case.signed else bits


def reduced(case: PoolCase, image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the results [beat, lane, sample] of one image's bit patterns, and which count."""
    least = (-1 << (case.lines.bits - 1)) if case.signed and case.mode is None else 0
    rows, counts = rows_of(replace(case.lines, outside=least), values_of(image, case))
    n_tiles, _, lanes, samples = rows.shape
    taps = rows.reshape(n_tiles, case.lines.window.channels, -1, lanes, samples)
    results = taps.max(2) if case.mode is None else taps.sum(2)
    n_channels = case.lines.window.channels
    return results.reshape(-1, lanes, samples), np.repeat(counts, n_channels, axis=0)


@dataclass(frozen=True)
class Scales:
    """One scale each: ``bias`` [n], and shift and sign of every term [n, term]."""

    bias: np.ndarray
    shifts: np.ndarray
    signs: np.ndarray

    @staticmethod
    def random(n: int, rng: np.random.Generator) -> Scales:
        shifts = rng.integers(0, 1 << SHIFT_BITS, (n, TERMS)) + SHIFT_MIN
        return Scales(rng.integers(-300, 300, n), shifts, rng.integers(-1, 2, (n, TERMS)))

    def word(self, k: int) -> int:
        word = int(self.bias[k]) & ((1 << SCALED_BITS) - 1)
        for t in reversed(range(TERMS)):
            sign, places = int(self.signs[k, t]), int(self.shifts[k, t]) - SHIFT_MIN[t]
            word = word << 2 | (sign < 0) << 1 | (sign != 0)
            word = word << SHIFT_BITS | places
        return word

    def apply(self, k: np.ndarray, sums: np.ndarray) -> np.ndarray:
        multiplier = (self.signs << self.shifts).sum(1)
        scaled = (sums * multiplier[k] + self.bias[k]) >> SHIFT
        return np.clip(scaled, -(1 << (OUT_BITS - 1)), (1 << (OUT_BITS - 1)) - 1)
