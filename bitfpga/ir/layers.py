"""The layers of a ``Network``, as frozen data. ``shapes.py`` and ``ranges.py`` check them.

Every layer names the tensors it reads (``inputs``: layer names, or the network's input) and
the type of the one tensor it writes (``output``). None of them holds text for a tool.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from bitfpga.ir.groups import BitGroups
from bitfpga.ir.tensors import Requantise, TensorType

Pairs = tuple[tuple[int, int], ...]
Ints = tuple[int, ...]

# Marks fields younger than version 1 of the file format: None is left out of files, so that
# networks without them keep their bytes.
LEFT_OUT_IF_NONE = {"left_out_if_none": True}


@dataclass(frozen=True, eq=False)
class Layer:
    """What all layers share. ``origin`` is the name the user knows it by (a module path)."""

    kind: ClassVar[str] = ""
    name: str
    inputs: tuple[str, ...]
    output: TensorType
    origin: str = ""

    @property
    def label(self) -> str:
        """The layer's name for messages: the user's own where it differs."""
        return self.origin or self.name


@dataclass(frozen=True, eq=False, kw_only=True)
class Dense(Layer):
    """``weight @ x`` over the last axis, requantised. ``weight``: int16 [n_outputs, n_inputs].

    ``bit_groups``: how the weights are coded, where they are bi-directionally sparse.
    """

    kind: ClassVar[str] = "dense"
    weight: npt.NDArray[np.int16]
    requantise: Requantise
    bit_groups: BitGroups | None = field(default=None, metadata=LEFT_OUT_IF_NONE)


@dataclass(frozen=True, eq=False, kw_only=True)
class Conv(Layer):
    """1-d or 2-d cross-correlation, requantised; out-of-map inputs are 0.

    ``weight``: int16 [n_outputs, n_inputs / groups, *kernel]; ``padding`` is (before, after) for
    each spatial axis; ``groups`` split the channels, ``bit_groups`` are as in ``Dense``.
    """

    kind: ClassVar[str] = "conv"
    weight: npt.NDArray[np.int16]
    requantise: Requantise
    stride: Ints
    padding: Pairs
    dilation: Ints
    groups: int
    bit_groups: BitGroups | None = field(default=None, metadata=LEFT_OUT_IF_NONE)


@dataclass(frozen=True, eq=False, kw_only=True)
class MaxPool(Layer):
    """Largest value of each window of the trailing axes; out-of-map inputs never win."""

    kind: ClassVar[str] = "max_pool"
    kernel: Ints
    stride: Ints
    padding: Pairs
    dilation: Ints


@dataclass(frozen=True, eq=False, kw_only=True)
class AvgPool(Layer):
    """Sum of each window of the trailing axes, requantised (the multiplier holds 1 / count)."""

    kind: ClassVar[str] = "avg_pool"
    kernel: Ints
    stride: Ints
    padding: Pairs
    requantise: Requantise


@dataclass(frozen=True, eq=False, kw_only=True)
class Mean(Layer):
    """Sum over ``axes`` (0 is the first after the batch), requantised; axes stay as size 1."""

    kind: ClassVar[str] = "mean"
    axes: Ints
    requantise: Requantise


@dataclass(frozen=True, eq=False, kw_only=True)
class Add(Layer):
    """``sum_i weights[i] * inputs[i]``, requantised: residual add, and subtraction by sign."""

    kind: ClassVar[str] = "add"
    weights: Ints
    requantise: Requantise


@dataclass(frozen=True, eq=False, kw_only=True)
class Scale(Layer):
    """The input, requantised: ReLU, batch norm or constants that no other layer absorbs."""

    kind: ClassVar[str] = "scale"
    requantise: Requantise


@dataclass(frozen=True, eq=False, kw_only=True)
class Table(Layer):
    """``table[x - low]``: any function of one activation. ``table``: int32 [2^bits].

    ``low`` is the smallest integer of the input's type.
    """

    kind: ClassVar[str] = "table"
    low: int
    table: npt.NDArray[np.int32]


@dataclass(frozen=True, eq=False, kw_only=True)
class Concat(Layer):
    """The inputs side by side along ``axis`` (0 is the first after the batch)."""

    kind: ClassVar[str] = "concat"
    axis: int


@dataclass(frozen=True, eq=False, kw_only=True)
class Reshape(Layer):
    """The same elements in row-major order with the output's shape (flatten, view, squeeze)."""

    kind: ClassVar[str] = "reshape"


@dataclass(frozen=True, eq=False, kw_only=True)
class Transpose(Layer):
    """Axes permuted: output axis i is input axis ``axes[i]`` (0 is the first after the batch)."""

    kind: ClassVar[str] = "transpose"
    axes: Ints


@dataclass(frozen=True, eq=False, kw_only=True)
class Pad(Layer):
    """Zeros (before, after) each axis."""

    kind: ClassVar[str] = "pad"
    padding: Pairs


@dataclass(frozen=True, eq=False, kw_only=True)
class Slice(Layer):
    """``x[start:stop:step]`` for each axis; 0 <= start < stop, step >= 1."""

    kind: ClassVar[str] = "slice"
    starts: Ints
    stops: Ints
    steps: Ints


LAYER_KINDS: dict[str, type[Layer]] = {
    cls.kind: cls
    for cls in (
        Dense,
        Conv,
        MaxPool,
        AvgPool,
        Mean,
        Add,
        Scale,
        Table,
        Concat,
        Reshape,
        Transpose,
        Pad,
        Slice,
    )
}
