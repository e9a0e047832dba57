"""What ``from_torch`` was asked for, checked, and the calibration as float64."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from bitfpga.errors import ModelError
from bitfpga.frontends.torch.graph import Floats

SCALES = ("pow2", "float")
_LIMITS = {
    "input_bits": (1, 16),
    "weight_bits": (2, 9),
    "act_bits": (2, 16),
    "output_bits": (2, 16),
}


@dataclass(frozen=True)
class Options:
    """Bit widths and the kind of scales; ``ModelError`` lists everything that is off."""

    input_bits: int
    weight_bits: int
    act_bits: int
    output_bits: int
    scale: str
    input_scale: float | None

    def __post_init__(self) -> None:
        problems = [
            f"{name}={getattr(self, name)!r}: an integer from {low} to {high} is needed"
            for name, (low, high) in _LIMITS.items()
            if type(getattr(self, name)) is not int or not low <= getattr(self, name) <= high
        ]
        if self.scale not in SCALES:
            problems.append(f"scale={self.scale!r}: 'pow2' or 'float' is needed")
        problems += self._input_scale_problems()
        if problems:
            raise ModelError("; ".join(problems))

    def _input_scale_problems(self) -> list[str]:
        if self.input_scale is None:
            return []
        if type(self.input_scale) not in (int, float) or not 0 < self.input_scale < math.inf:
            return [f"input_scale={self.input_scale!r}: a finite number above 0 is needed"]
        if self.scale == "pow2" and math.frexp(self.input_scale)[0] != 0.5:
            return [
                f"input_scale={self.input_scale}: with scale='pow2' it must be a power of two; "
                "choose one, or use scale='float'"
            ]
        return []


def calibration_array(calibration: Any) -> Floats:
    """Return the calibration, float64 [n_samples, *sample shape], or ``ModelError``."""
    if isinstance(calibration, torch.Tensor):
        calibration = _numpy(calibration)
    if not isinstance(calibration, np.ndarray):
        raise ModelError(
            f"calibration is a {type(calibration).__name__}: give a numpy array or torch tensor "
            "of typical inputs, shape (n_samples, ...)"
        )
    if calibration.dtype.kind not in "fiu":
        raise ModelError(f"calibration dtype {calibration.dtype}: real numbers are needed")
    if calibration.ndim < 2 or calibration.size == 0:
        raise ModelError(
            f"calibration shape {calibration.shape}: (n_samples, features...) is needed, "
            "with at least one sample"
        )
    if not np.isfinite(calibration).all():
        raise ModelError("calibration holds NaN or infinity: clean the data first")
    if isinstance(calibration, np.ma.MaskedArray):
        raise ModelError("calibration is a masked array: give plain samples without holes")
    return np.ascontiguousarray(calibration, dtype=np.float64)


def _numpy(tensor: torch.Tensor) -> Any:
    try:
        plain = tensor.detach().cpu().resolve_conj().resolve_neg()
        return (plain.double() if plain.is_floating_point() else plain).numpy()
    except (TypeError, RuntimeError) as error:  # sparse, nested, quantised, without data ...
        raise ModelError(
            f"calibration is not a plain tensor ({str(error).splitlines()[0]}): give a dense one"
        ) from None
