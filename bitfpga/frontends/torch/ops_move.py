"""Handlers of operations that only move values: reshapes, transposes, slices, concat, padding."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import torch

from bitfpga.frontends.torch import graph as g
from bitfpga.frontends.torch.lower import Activation, Lowering

aten = torch.ops.aten
_MIXES = "moves samples into other axes; keep the batch as the first axis (x.flatten(1))"


def reshape_to(context: Lowering, x: Activation, shape: Sequence[int]) -> Activation:
    """Return the same elements in row-major order with ``shape``."""
    same = tuple(shape) == x.shape
    return x if same else context.add(g.Reshape, (x,), tuple(shape))


def reshape(context: Lowering, *, self: Any, **traced: Any) -> Activation:
    """Any row-major reshape; the tracer has worked its arguments into the output's shape."""
    x, shape = context.activation(self), context.shape
    assert shape is not None
    if shape[:1] != (context.n_samples,):
        context.fail(_MIXES)
    if len(shape) == 1:
        context.fail("leaves no axis but the batch; keep one of size 1")
    return reshape_to(context, x, shape[1:])


def squeeze_all(context: Lowering, *, self: Any) -> Activation:
    context.fail("drops the batch axis too when there is one sample; name the axis: squeeze(-1)")


def permute(context: Lowering, *, self: Any, dims: Any) -> Activation:
    x = context.activation(self)
    order = [d % (len(x.shape) + 1) for d in dims]
    if order[0] != 0:
        context.fail(_MIXES)
    return _transposed(context, x, tuple(d - 1 for d in order[1:]))


def _transposed(context: Lowering, x: Activation, axes: g.Ints) -> Activation:
    if axes == tuple(range(len(axes))):
        return x
    return context.add(g.Transpose, (x,), tuple(x.shape[axis] for axis in axes), axes=axes)


def transpose(context: Lowering, *, self: Any, dim0: Any, dim1: Any) -> Activation:
    x = context.activation(self)
    axes = list(range(len(x.shape)))
    first, second = context.axis(x, dim0), context.axis(x, dim1)
    axes[first], axes[second] = axes[second], axes[first]
    return _transposed(context, x, tuple(axes))


def swapaxes(context: Lowering, *, self: Any, axis0: Any, axis1: Any) -> Activation:
    return transpose(context, self=self, dim0=axis0, dim1=axis1)


def movedim(context: Lowering, *, self: Any, source: Any, destination: Any) -> Activation:
    x = context.activation(self)
    start, stop = context.axis(x, source), context.axis(x, destination)
    axes = [axis for axis in range(len(x.shape)) if axis != start]
    axes.insert(stop, start)
    return _transposed(context, x, tuple(axes))


def cut(
    context: Lowering, x: Activation, axis: int, start: int, stop: int, step: int = 1
) -> Activation:
    """Return ``x[start:stop:step]`` along ``axis``."""
    if (start, stop, step) == (0, x.shape[axis], 1):
        return x
    if start >= stop:
        context.fail(f"takes nothing of {x.shape} along axis {axis + 1}")
    starts, stops, steps = [0] * len(x.shape), list(x.shape), [1] * len(x.shape)
    starts[axis], stops[axis], steps[axis] = start, stop, step
    shape = tuple(len(range(*b)) for b in zip(starts, stops, steps, strict=True))
    bounds = {"starts": tuple(starts), "stops": tuple(stops), "steps": tuple(steps)}
    return context.add(g.Slice, (x,), shape, **bounds)


def slice_(
    context: Lowering, *, self: Any, dim: Any, start: Any, end: Any, step: Any
) -> Activation:
    x = context.activation(self)
    if dim % (len(x.shape) + 1) == 0 and (start or 0) == 0 and step == 1:
        if end is None or end >= context.n_samples:
            return x
    axis = context.axis(x, dim)
    bounds = slice(start, end, step).indices(x.shape[axis])
    return cut(context, x, axis, *bounds)


def narrow(context: Lowering, *, self: Any, dim: Any, start: Any, length: Any) -> Activation:
    x = context.activation(self)
    axis = context.axis(x, dim)
    first = start % x.shape[axis] if start < 0 else start
    return cut(context, x, axis, first, first + length)


def select(context: Lowering, *, self: Any, dim: Any, index: Any) -> Activation:
    x = context.activation(self)
    axis = context.axis(x, dim)
    first = index % x.shape[axis]
    if len(x.shape) == 1:
        context.fail("leaves no axis but the batch; keep one with a slice x[:, i:i + 1]")
    one = cut(context, x, axis, first, first + 1)
    return reshape_to(context, one, (*x.shape[:axis], *x.shape[axis + 1 :]))


def unbind(context: Lowering, *, self: Any, dim: Any) -> list[Activation]:
    x = context.activation(self)
    n_parts = x.shape[context.axis(x, dim)]
    return [select(context, self=x, dim=dim, index=i) for i in range(n_parts)]


def split(context: Lowering, *, self: Any, split_size: Any, dim: Any) -> list[Activation]:
    x = context.activation(self)
    size = x.shape[context.axis(x, dim)]
    edges = [*range(0, size, split_size), size]
    return _parts(context, x, dim, edges)


def chunk(context: Lowering, *, self: Any, chunks: Any, dim: Any) -> list[Activation]:
    x = context.activation(self)
    size = -(-x.shape[context.axis(x, dim)] // chunks)
    return split(context, self=x, split_size=size, dim=dim)


def split_sizes(context: Lowering, *, self: Any, split_sizes: Any, dim: Any) -> list[Activation]:
    x = context.activation(self)
    edges = [0, *(int(n) for n in np.cumsum(split_sizes))]
    return _parts(context, x, dim, edges)


def split_into(context: Lowering, *, self: Any, split_size: Any, dim: Any) -> list[Activation]:
    return split_sizes(context, self=self, split_sizes=split_size, dim=dim)


def _parts(context: Lowering, x: Activation, dim: int, edges: list[int]) -> list[Activation]:
    axis = context.axis(x, dim)
    return [cut(context, x, axis, start, stop) for start, stop in pairwise(edges)]


def join(context: Lowering, parts: Sequence[Activation], axis: int) -> Activation:
    """Return ``parts`` side by side along ``axis``."""
    if len(parts) == 1:
        return parts[0]
    shape = list(parts[0].shape)
    shape[axis] = sum(part.shape[axis] for part in parts)
    return context.add(g.Concat, tuple(parts), tuple(shape), axis=axis)


def concat(context: Lowering, *, tensors: Any, dim: Any) -> Activation:
    parts = [context.activation(tensor, f"operand {i + 1}") for i, tensor in enumerate(tensors)]
    return join(context, parts, context.axis(parts[0], dim))


def stack(context: Lowering, *, tensors: Any, dim: Any) -> Activation:
    parts = [context.activation(tensor, f"operand {i + 1}") for i, tensor in enumerate(tensors)]
    axis = dim % (len(parts[0].shape) + 2) - 1
    if axis < 0:
        context.fail(_MIXES)
    shape = (*parts[0].shape[:axis], 1, *parts[0].shape[axis:])
    return join(context, [reshape_to(context, part, shape) for part in parts], axis)


def take(context: Lowering, x: Activation, axis: int, order: Sequence[int]) -> Activation:
    """Return the entries of ``axis`` in ``order``: one slice for each run of neighbours."""
    runs: list[list[int]] = []
    for index in order:
        if runs and runs[-1][1] == index:
            runs[-1][1] += 1
        else:
            runs.append([index, index + 1])
    return join(context, [cut(context, x, axis, *run) for run in runs], axis)


def flip(context: Lowering, *, self: Any, dims: Any) -> Activation:
    x = context.activation(self)
    for axis in sorted({context.axis(x, dim) for dim in dims}):
        x = take(context, x, axis, range(x.shape[axis])[::-1])
    return x


_RESHAPES = (
    aten.view.default,
    aten.reshape.default,
    aten._unsafe_view.default,
    aten.flatten.using_ints,
    aten.unflatten.int,
    aten.squeeze.dim,
    aten.squeeze.dims,
    aten.unsqueeze.default,
)
HANDLERS = {
    **dict.fromkeys(_RESHAPES, reshape),
    aten.squeeze.default: squeeze_all,
    aten.permute.default: permute,
    aten.transpose.int: transpose,
    aten.swapaxes.default: swapaxes,
    aten.movedim.int: movedim,
    aten.slice.Tensor: slice_,
    aten.narrow.default: narrow,
    aten.select.int: select,
    aten.unbind.int: unbind,
    aten.split.Tensor: split,
    aten.split.sizes: split_into,
    aten.split_with_sizes.default: split_sizes,
    aten.chunk.default: chunk,
    aten.cat.default: concat,
    aten.stack.default: stack,
    aten.flip.default: flip,
}
