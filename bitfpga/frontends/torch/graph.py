"""The float graph: what a torch model computes, in a dozen kinds of layer, before quantising.

Shapes are without the batch axis, channels first. Arrays are float64. ``Computed`` layers make new
values and end in ``clamp(.., low, high)``; all others only move values.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import torch

from bitfpga.ir import BitGroups

Floats = npt.NDArray[np.float64]
Ints = tuple[int, ...]
Pairs = tuple[tuple[int, int], ...]
Function = Callable[[torch.Tensor], torch.Tensor]

INPUT = "input"


@dataclass(frozen=True)
class Grid:
    """An explicit quantiser: the values ``scale * (low..high)``."""

    scale: float
    low: int
    high: int


@dataclass(frozen=True, eq=False)
class IntegerWeight:
    """Weights a module brought along: ``values`` int16, real weight = values * scale[channel]."""

    values: npt.NDArray[np.int16]
    scale: Floats
    groups: BitGroups | None = None


@dataclass(frozen=True, eq=False)
class Layer:
    """One layer; ``inputs`` are names of layers above it or ``INPUT``; ``origin`` is the user's."""

    name: str
    inputs: tuple[str, ...]
    shape: Ints
    origin: str


@dataclass(frozen=True, eq=False, kw_only=True)
class Computed(Layer):
    """A layer that makes new values: clamped to low..high, then put on ``grid`` if there is one."""

    low: float = -math.inf
    high: float = math.inf
    grid: Grid | None = None

    @property
    def is_clamped(self) -> bool:
        """Whether values are changed after the sum."""
        return self.low > -math.inf or self.high < math.inf or self.grid is not None


@dataclass(frozen=True, eq=False, kw_only=True)
class Linear(Computed):
    """``weight * x + offset``: what dense and convolution layers share.

    ``offset`` broadcasts to ``shape`` and has as many axes.
    """

    weight: Floats
    offset: Floats
    integers: IntegerWeight | None = None


@dataclass(frozen=True, eq=False, kw_only=True)
class Dense(Linear):
    """``weight`` [n_outputs, n_inputs] over the last axis."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Conv(Linear):
    """``weight`` [n_outputs, n_inputs / groups, *kernel]; (before, after) zero padding."""

    stride: Ints
    padding: Pairs
    dilation: Ints
    groups: int


@dataclass(frozen=True, eq=False, kw_only=True)
class Scaled(Computed):
    """``multiplier * (some sum of inputs) + offset``; both broadcast and have all axes."""

    multiplier: Floats
    offset: Floats


@dataclass(frozen=True, eq=False, kw_only=True)
class Affine(Scaled):
    """The input itself: batch norm, constants, and (with multiplier 1, offset 0) clamps."""

    @property
    def is_clamp(self) -> bool:
        """Whether nothing but the clamp and the grid is left."""
        return bool((self.multiplier == 1).all() and (self.offset == 0).all())


@dataclass(frozen=True, eq=False, kw_only=True)
class AvgPool(Scaled):
    """Sums of windows of the trailing axes."""

    kernel: Ints
    stride: Ints
    padding: Pairs


@dataclass(frozen=True, eq=False, kw_only=True)
class Mean(Scaled):
    """Sums over ``axes``, which stay as size 1."""

    axes: Ints


@dataclass(frozen=True, eq=False, kw_only=True)
class Add(Scaled):
    """``sum_i weights[i] * inputs[i]``; weights are plus or minus powers of two."""

    weights: tuple[float, ...]


@dataclass(frozen=True, eq=False, kw_only=True)
class Table(Computed):
    """Any function of each single value."""

    function: Function


@dataclass(frozen=True, eq=False, kw_only=True)
class MaxPool(Layer):
    """Largest value of each window of the trailing axes; padding never wins."""

    kernel: Ints
    stride: Ints
    padding: Pairs
    dilation: Ints


@dataclass(frozen=True, eq=False, kw_only=True)
class Concat(Layer):
    """The inputs side by side."""

    axis: int


@dataclass(frozen=True, eq=False, kw_only=True)
class Reshape(Layer):
    """The same elements in row-major order."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Transpose(Layer):
    """Output axis i is input axis ``axes[i]``."""

    axes: Ints


@dataclass(frozen=True, eq=False, kw_only=True)
class Pad(Layer):
    """Zeros (before, after) each axis."""

    padding: Pairs


@dataclass(frozen=True, eq=False, kw_only=True)
class Slice(Layer):
    """``x[start:stop:step]`` of each axis."""

    starts: Ints
    stops: Ints
    steps: Ints


@dataclass(frozen=True, eq=False)
class FloatGraph:
    """Layers in the order they run; ``output`` names the layer that answers."""

    input_shape: Ints
    layers: tuple[Layer, ...]
    output: str

    @cached_property
    def by_name(self) -> dict[str, Layer]:
        """The layers by name; the input is none of them."""
        return {layer.name: layer for layer in self.layers}

    @cached_property
    def n_readers(self) -> Counter[str]:
        """How often each tensor is read; the network's output counts as one reading."""
        counts = Counter(name for layer in self.layers for name in layer.inputs)
        counts[self.output] += 1
        return counts

    def shape_of(self, name: str) -> Ints:
        """Shape of a tensor, ``INPUT`` included."""
        return self.input_shape if name == INPUT else self.by_name[name].shape


def live(graph: FloatGraph) -> FloatGraph:
    """Return the graph without layers the output does not need."""
    needed = {graph.output}
    for layer in reversed(graph.layers):
        if layer.name in needed:
            needed.update(layer.inputs)
    layers = tuple(layer for layer in graph.layers if layer.name in needed)
    return FloatGraph(graph.input_shape, layers, graph.output)
