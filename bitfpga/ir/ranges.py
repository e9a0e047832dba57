"""Exact worst-case ranges: what proves that no accumulator can wrap."""

from __future__ import annotations

from functools import singledispatch

import numpy as np
import numpy.typing as npt

from bitfpga.errors import ModelError
from bitfpga.ir.layers import Add, AvgPool, Conv, Dense, Layer, Mean
from bitfpga.ir.tensors import TensorType

Types = tuple[TensorType, ...]
Range = tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]

MAX_ACCUMULATOR = 1 << 62


def _matrix_range(weight: npt.NDArray[np.int16], low: int, high: int) -> Range:
    rows = weight.reshape(weight.shape[0], -1)
    positive = np.maximum(rows, 0).sum(axis=1, dtype=np.int64)
    negative = np.minimum(rows, 0).sum(axis=1, dtype=np.int64)
    return positive * low + negative * high, positive * high + negative * low


@singledispatch
def accumulator_range(layer: Layer, types: Types) -> Range:
    """Return the least and greatest accumulator before requantising, int64.

    One entry per output channel for dense and convolution layers, one entry for the others.
    Activations are taken at any value of their type, zero padding included.
    """
    return np.array([types[0].low]), np.array([types[0].high])


@accumulator_range.register
def _dense(layer: Dense, types: Types) -> Range:
    return _matrix_range(layer.weight, types[0].low, types[0].high)


@accumulator_range.register
def _conv(layer: Conv, types: Types) -> Range:
    return _matrix_range(layer.weight, types[0].low, types[0].high)


@accumulator_range.register
def _avg_pool(layer: AvgPool, types: Types) -> Range:
    count = int(np.prod(layer.kernel))
    return np.array([count * types[0].low]), np.array([count * types[0].high])


@accumulator_range.register
def _mean(layer: Mean, types: Types) -> Range:
    count = int(np.prod([types[0].shape[axis] for axis in layer.axes]))
    return np.array([count * types[0].low]), np.array([count * types[0].high])


@accumulator_range.register
def _add(layer: Add, types: Types) -> Range:
    ends = [(w * t.low, w * t.high) for w, t in zip(layer.weights, types, strict=True)]
    return np.array([sum(map(min, ends))]), np.array([sum(map(max, ends))])


def _magnitude(values: npt.NDArray[np.int64]) -> int:
    """Return the largest absolute value; right for the least int64 too, where np.abs wraps."""
    return max(abs(int(values.min())), abs(int(values.max())))


def check_requantise(layer: Layer, types: Types) -> None:
    """Raise ``ModelError`` where requantising ``layer`` could leave 62 bits or its shapes."""
    requantise = getattr(layer, "requantise", None)
    if requantise is None:
        return
    for name in ("multiplier", "bias"):
        shape = getattr(requantise, name).shape
        try:
            fits = np.broadcast_shapes(shape, layer.output.shape) == layer.output.shape
        except ValueError:
            fits = False
        if not fits:
            raise ModelError(
                f"layer '{layer.label}': {name} of shape {shape} does not broadcast to "
                f"{layer.output.shape}"
            )
    if requantise.low < layer.output.low or requantise.high > layer.output.high:
        raise ModelError(
            f"layer '{layer.label}': clamp [{requantise.low}, {requantise.high}] leaves the "
            f"range of {layer.output.label}"
        )
    largest = max(map(_magnitude, accumulator_range(layer, types)))
    factor = max(_magnitude(requantise.multiplier), 1)
    offset = _magnitude(requantise.bias) + requantise.half
    if largest * factor + offset >= MAX_ACCUMULATOR:
        raise ModelError(
            f"layer '{layer.label}': requantising may reach {largest * factor + offset}, beyond "
            "62 bits; use fewer bits or a coarser multiplier"
        )
