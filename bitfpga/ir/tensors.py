"""Tensor types and requantisation: the integer contract every layer is written in."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from bitfpga.errors import ModelError

IntArray = npt.NDArray[np.integer[Any]]
FloatArray = npt.NDArray[np.floating[Any]]

MAX_ACTIVATION_BITS = 16
MAX_AXES = 8
MAX_ELEMENTS = 1 << 28
MAX_SHIFT = 62
FILE_DTYPES = frozenset("int8 uint8 int16 uint16 int32 int64 float32 float64".split())


@dataclass(frozen=True)
class TensorType:
    """The type of one activation tensor: integers of ``bits`` bits with one real scale.

    ``shape`` is without the batch axis, channels first: (C,), (C, T) or (C, H, W) for
    convolutions, (..., features) for dense layers. The real value of an integer q is q * scale.
    """

    shape: tuple[int, ...]
    bits: int
    signed: bool
    scale: float = 1.0

    def __post_init__(self) -> None:
        if len(self.shape) > MAX_AXES:
            raise ModelError(f"tensor of {len(self.shape)} axes: at most {MAX_AXES} are supported")
        if not self.shape or any(n < 1 for n in self.shape):
            raise ModelError(f"tensor shape {self.shape}: every axis must be at least 1")
        if math.prod(self.shape) > MAX_ELEMENTS:
            raise ModelError(f"tensor shape {self.shape}: more than {MAX_ELEMENTS} elements")
        if not 1 <= self.bits <= MAX_ACTIVATION_BITS:
            raise ModelError(
                f"activation of {self.bits} bits: 1 to {MAX_ACTIVATION_BITS} are supported"
            )
        if not (math.isfinite(self.scale) and self.scale > 0):
            raise ModelError(f"tensor scale {self.scale}: must be finite and above 0")

    @property
    def low(self) -> int:
        """Smallest integer of this type."""
        return -(1 << (self.bits - 1)) if self.signed else 0

    @property
    def high(self) -> int:
        """Largest integer of this type."""
        return (1 << (self.bits - 1)) - 1 if self.signed else (1 << self.bits) - 1

    @property
    def size(self) -> int:
        """Number of elements of one sample."""
        return math.prod(self.shape)

    @property
    def dtype(self) -> np.dtype[Any]:
        """The smallest numpy integer dtype that holds it: int8, uint8, int16 or uint16."""
        width = 8 if self.bits <= 8 else 16
        return np.dtype(f"{'int' if self.signed else 'uint'}{width}")

    @property
    def label(self) -> str:
        """Short name such as ``uint8[64]``."""
        kind = "int" if self.signed else "uint"
        return f"{kind}{self.bits}[{', '.join(map(str, self.shape))}]"


@dataclass(frozen=True, eq=False)
class Requantise:
    """``clamp((acc * multiplier + bias + half) >> shift, low, high)``, half = 2^(shift-1) or 0.

    ``multiplier`` and ``bias`` are int64 and broadcast against the layer's output shape
    (without the batch axis), so (n_out,) serves a dense layer and (C, 1, 1) a convolution.
    ``>>`` rounds towards minus infinity: the whole rounds half up. ``real_multiplier`` keeps the
    exact real multiplier where ``multiplier / 2^shift`` only approximates it.
    """

    multiplier: npt.NDArray[np.int64]
    bias: npt.NDArray[np.int64]
    shift: int
    low: int
    high: int
    real_multiplier: npt.NDArray[np.float64] | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.shift <= MAX_SHIFT:
            raise ModelError(f"requantise shift {self.shift}: 0 to {MAX_SHIFT} are supported")
        if self.low > self.high:
            raise ModelError(f"requantise clamp [{self.low}, {self.high}] is empty")
        for name in ("multiplier", "bias"):
            if getattr(self, name).dtype != np.int64:
                raise ModelError(f"requantise {name}: dtype must be int64")
        if self.real_multiplier is not None and self.real_multiplier.dtype != np.float64:
            raise ModelError("requantise real_multiplier: dtype must be float64")

    @property
    def half(self) -> int:
        """The rounding constant added before the shift."""
        return (1 << self.shift) >> 1

    def apply(self, accumulators: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Return requantised activations, int64 [batch, ...], from int64 [batch, ...]."""
        scaled = accumulators * self.multiplier + self.bias + self.half
        clamped: npt.NDArray[np.int64] = np.clip(scaled >> self.shift, self.low, self.high)
        return clamped
