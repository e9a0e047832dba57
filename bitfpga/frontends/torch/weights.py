"""Real weights as integers times a scale."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from bitfpga.frontends.torch import graph as g
from bitfpga.frontends.torch.calibrate import scale_candidates
from bitfpga.frontends.torch.fit import signed_digits

# A weight's step is at least 2^-20 of an output step: finer is lost in rounding anyway.
FINEST = 2.0**-20
_ADD_BITS = 12


def quantise_weight(weight: g.Floats, bits: int, kind: str, finest: float) -> tuple[Any, g.Floats]:
    """Return (int16 weights, scale per output channel), least squared error, symmetric."""
    top = (1 << (bits - 1)) - 1
    rows = weight.reshape(len(weight), -1)
    scale, values = np.ones(len(rows)), np.zeros(rows.shape, np.int16)
    power = 2.0 ** math.ceil(math.log2(finest)) if kind == "pow2" else finest
    for i, row in enumerate(rows):
        candidates = scale_candidates(float(np.abs(row).max()) / top, kind)
        candidates = sorted({max(candidate, power) for candidate in candidates}, reverse=True)
        best = math.inf
        for candidate in candidates:
            steps = np.clip(np.floor(row / candidate + 0.5), -top, top)
            error = float(np.square(steps * candidate - row).sum())
            if error < best:
                best, scale[i], values[i] = error, candidate, steps
    return values.reshape(weight.shape), scale


def common_unit(units: g.Floats) -> tuple[tuple[int, ...], float]:
    """Return (integer weights, unit) with weights * unit equal or nearest to ``units``."""
    unit = max(float(np.abs(units).min()), float(np.abs(units).max()) * FINEST)
    ratios = units / unit
    if (ratios == np.floor(ratios)).all():
        return tuple(int(r) for r in ratios), unit
    unit = float(np.abs(units).max()) / (1 << _ADD_BITS)
    return tuple(int(w) for w in np.round(signed_digits(units / unit))), unit
