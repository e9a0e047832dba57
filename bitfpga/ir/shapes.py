"""The output shape of each layer from its input types; a ``ModelError`` where it has none."""

from __future__ import annotations

import math
from functools import singledispatch

import numpy as np

from bitfpga.errors import ModelError
from bitfpga.ir.layers import (
    Add,
    AvgPool,
    Concat,
    Conv,
    Dense,
    Ints,
    Layer,
    MaxPool,
    Mean,
    Pad,
    Pairs,
    Reshape,
    Scale,
    Slice,
    Table,
    Transpose,
)
from bitfpga.ir.tensors import MAX_ELEMENTS, TensorType

Types = tuple[TensorType, ...]


def _require(condition: bool, layer: Layer, message: str) -> None:
    if not condition:
        raise ModelError(f"layer '{layer.label}' ({layer.kind}): {message}")


def window_shape(
    layer: Layer, spatial: Ints, kernel: Ints, stride: Ints, padding: Pairs, dilation: Ints
) -> Ints:
    """Return the number of windows along each spatial axis."""
    rank = len(spatial)
    lengths = {len(kernel), len(stride), len(padding), len(dilation)}
    _require(lengths == {rank}, layer, f"window settings must have {rank} entries")
    positive = min((*kernel, *stride, *dilation)) >= 1
    _require(positive, layer, "kernel, stride, dilation must be >= 1")
    _require(all(p >= 0 for pair in padding for p in pair), layer, "padding must be >= 0")
    padded = math.prod(n + sum(pair) for n, pair in zip(spatial, padding, strict=True))
    _require(padded <= MAX_ELEMENTS, layer, f"padding {padding} makes {padded} elements")
    counts = []
    for size, k, s, (before, after), d in zip(
        spatial, kernel, stride, padding, dilation, strict=True
    ):
        room = size + before + after - d * (k - 1) - 1
        _require(room >= 0, layer, f"kernel {kernel} is larger than the padded map {spatial}")
        counts.append(room // s + 1)
    return tuple(counts)


@singledispatch
def output_shape(layer: Layer, types: Types) -> Ints:
    """Return the shape (without batch) that ``layer`` makes of inputs of these types."""
    raise ModelError(f"layer '{layer.label}': kind '{layer.kind}' is unknown")


@output_shape.register
def _dense(layer: Dense, types: Types) -> Ints:
    shape = types[0].shape
    _require(layer.weight.ndim == 2, layer, "weight must be [n_outputs, n_inputs]")
    n_outputs, n_inputs = layer.weight.shape
    _require(shape[-1] == n_inputs, layer, f"weight takes {n_inputs} inputs, got {shape[-1]}")
    return (*shape[:-1], n_outputs)


@output_shape.register
def _conv(layer: Conv, types: Types) -> Ints:
    channels, *spatial = types[0].shape
    rank = len(spatial)
    _require(rank in (1, 2), layer, f"input must be (C, T) or (C, H, W), got {types[0].shape}")
    _require(layer.weight.ndim == rank + 2, layer, f"weight must have {rank + 2} axes")
    n_outputs, per_group, *kernel = layer.weight.shape
    divides = layer.groups >= 1 and n_outputs % layer.groups == 0
    _require(divides, layer, f"{layer.groups} groups do not divide {n_outputs} outputs")
    _require(
        per_group * layer.groups == channels,
        layer,
        f"weight takes {per_group} x {layer.groups} channels, got {channels}",
    )
    windows = window_shape(
        layer, tuple(spatial), tuple(kernel), layer.stride, layer.padding, layer.dilation
    )
    return (n_outputs, *windows)


def _pool_shape(layer: MaxPool | AvgPool, types: Types, dilation: Ints) -> Ints:
    shape, rank = types[0].shape, len(layer.kernel)
    _require(1 <= rank <= len(shape), layer, f"kernel {layer.kernel} does not fit {shape}")
    lead, spatial = shape[: len(shape) - rank], shape[len(shape) - rank :]
    return lead + window_shape(layer, spatial, layer.kernel, layer.stride, layer.padding, dilation)


@output_shape.register
def _max_pool(layer: MaxPool, types: Types) -> Ints:
    shape = _pool_shape(layer, types, layer.dilation)
    rank = len(layer.kernel)
    for size, count, k, s, (before, _), d in zip(
        types[0].shape[-rank:],
        shape[-rank:],
        layer.kernel,
        layer.stride,
        layer.padding,
        layer.dilation,
        strict=True,
    ):
        last = (count - 1) * s - before
        ends_meet = before <= d * (k - 1) and last < size
        # A window that starts at p < 0 has its first element at or after 0 at p modulo d.
        early = range(-before, min(0, last + 1), s)
        inside = ends_meet and (d <= size or all(p % d < size for p in early))
        _require(inside, layer, "a window lies wholly in the padding; use less padding")
    return shape


@output_shape.register
def _avg_pool(layer: AvgPool, types: Types) -> Ints:
    return _pool_shape(layer, types, (1,) * len(layer.kernel))


@output_shape.register
def _mean(layer: Mean, types: Types) -> Ints:
    shape = types[0].shape
    valid = layer.axes and all(0 <= axis < len(shape) for axis in layer.axes)
    distinct = len(set(layer.axes)) == len(layer.axes)
    _require(bool(valid) and distinct, layer, f"axes {layer.axes} are not axes of {shape}")
    return tuple(1 if i in layer.axes else n for i, n in enumerate(shape))


@output_shape.register
def _add(layer: Add, types: Types) -> Ints:
    shapes = {t.shape for t in types}
    _require(len(shapes) == 1, layer, f"inputs must have one shape, got {sorted(shapes)}")
    _require(len(layer.weights) == len(types), layer, "one weight per input is needed")
    return types[0].shape


@output_shape.register
def _scale(layer: Scale, types: Types) -> Ints:
    return types[0].shape


@output_shape.register
def _table(layer: Table, types: Types) -> Ints:
    entries = 1 << types[0].bits
    _require(layer.table.dtype == np.int32, layer, "table dtype must be int32")
    _require(layer.table.shape == (entries,), layer, f"table must have {entries} entries")
    _require(layer.low == types[0].low, layer, f"table must start at {types[0].low}")
    inside = layer.output.low <= layer.table.min() and layer.table.max() <= layer.output.high
    _require(bool(inside), layer, f"table entries leave the range of {layer.output.label}")
    return types[0].shape


@output_shape.register
def _concat(layer: Concat, types: Types) -> Ints:
    rank, axis = len(types[0].shape), layer.axis
    _require(0 <= axis < rank, layer, f"axis {axis} is not an axis of {types[0].shape}")
    rests = {t.shape[:axis] + t.shape[axis + 1 :] for t in types if len(t.shape) == rank}
    same = len(rests) == 1 and all(len(t.shape) == rank for t in types)
    _require(same, layer, f"shapes {[t.shape for t in types]} do not join on axis {axis}")
    total = sum(t.shape[axis] for t in types)
    return (*types[0].shape[:axis], total, *types[0].shape[axis + 1 :])


@output_shape.register
def _reshape(layer: Reshape, types: Types) -> Ints:
    _require(
        layer.output.size == types[0].size, layer, f"{types[0].shape} has not {layer.output.shape}"
    )
    return layer.output.shape


@output_shape.register
def _transpose(layer: Transpose, types: Types) -> Ints:
    shape = types[0].shape
    valid = sorted(layer.axes) == list(range(len(shape)))
    _require(valid, layer, f"axes {layer.axes} do not permute {shape}")
    return tuple(shape[axis] for axis in layer.axes)


@output_shape.register
def _pad(layer: Pad, types: Types) -> Ints:
    shape, padding = types[0].shape, layer.padding
    valid = len(padding) == len(shape) and all(p >= 0 for pair in padding for p in pair)
    _require(valid, layer, f"padding {padding} does not fit {shape}")
    return tuple(n + before + after for n, (before, after) in zip(shape, padding, strict=True))


@output_shape.register
def _slice(layer: Slice, types: Types) -> Ints:
    shape = types[0].shape
    bounds = (layer.starts, layer.stops, layer.steps)
    _require(all(len(b) == len(shape) for b in bounds), layer, f"bounds do not fit {shape}")
    for size, start, stop, step in zip(shape, *bounds, strict=True):
        _require(0 <= start < stop <= size and step >= 1, layer, f"bounds leave {shape}")
    return tuple(len(range(*bound)) for bound in zip(*bounds, strict=True))
