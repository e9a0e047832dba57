"""Handlers of pooling and reductions, with torch's own rules for the last window."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import torch

from bitfpga.frontends.torch import graph as g
from bitfpga.frontends.torch.lower import Activation, Lowering
from bitfpga.frontends.torch.ops_linear import spread
from bitfpga.frontends.torch.ops_move import reshape_to

aten = torch.ops.aten


def _windows(
    size: int, kernel: int, stride: int, padding: int, dilation: int, ceil_mode: bool
) -> tuple[int, int]:
    """Return (number of windows, zeros needed after the map) along one axis."""
    span = dilation * (kernel - 1) + 1
    room = size + 2 * padding - span
    count = (-(-room // stride) if ceil_mode else room // stride) + 1
    if ceil_mode and (count - 1) * stride >= size + padding:
        count -= 1
    return count, max(0, (count - 1) * stride + span - size - padding)


def _map_windows(
    x: Activation, kernel: g.Ints, stride: g.Ints, before: g.Ints, dilation: g.Ints, ceil: bool
) -> tuple[g.Ints, g.Pairs]:
    sizes = x.shape[-len(kernel) :]
    both = [
        _windows(*axis, ceil_mode=ceil)
        for axis in zip(sizes, kernel, stride, before, dilation, strict=True)
    ]
    pairs = tuple((b, after) for b, (_, after) in zip(before, both, strict=True))
    return tuple(count for count, _ in both), pairs


def max_pool(
    rank: int,
    context: Lowering,
    *,
    self: Any,
    kernel_size: Any,
    stride: Any,
    padding: Any,
    dilation: Any,
    ceil_mode: Any,
) -> Activation:
    x, kernel = context.activation(self), spread(kernel_size, rank)
    steps = spread(stride, rank) if stride else kernel
    before, spacing = spread(padding, rank), spread(dilation, rank)
    counts, pairs = _map_windows(x, kernel, steps, before, spacing, bool(ceil_mode))
    shape = (*x.shape[:-rank], *counts)
    options = {"kernel": kernel, "stride": steps, "padding": pairs, "dilation": spacing}
    return context.add(g.MaxPool, (x,), shape, **options)


def max_pool_and_indices(rank: int, context: Lowering, **arguments: Any) -> list[Any]:
    """Return [values, None]: whoever reads the indices is refused."""
    return [max_pool(rank, context, **arguments), None]


def avg_pool(
    rank: int,
    context: Lowering,
    *,
    self: Any,
    kernel_size: Any,
    stride: Any,
    padding: Any,
    ceil_mode: Any,
    count_include_pad: Any,
    divisor_override: Any = None,
) -> Activation:
    x, kernel = context.activation(self), spread(kernel_size, rank)
    steps, before = spread(stride, rank) if stride else kernel, spread(padding, rank)
    counts, pairs = _map_windows(x, kernel, steps, before, (1,) * rank, bool(ceil_mode))
    divisors = np.ones(())
    for size, k, s, p, count in zip(x.shape[-rank:], kernel, steps, before, counts, strict=True):
        starts = np.arange(count) * s - p
        ends = np.minimum(starts + k, size + p)
        inside = np.minimum(ends, size) - np.maximum(starts, 0)
        lengths = ends - starts if count_include_pad else inside
        divisors = divisors[..., None] * lengths
    if divisor_override is not None:
        divisors = np.full(divisors.shape, float(divisor_override))
    if (divisors == divisors.flat[0]).all():
        divisors = divisors.reshape(-1)[:1].reshape((1,) * rank)
    multiplier = 1.0 / divisors.reshape((1,) * (len(x.shape) - rank) + divisors.shape)
    offset = np.zeros((1,) * len(x.shape))
    shape = (*x.shape[:-rank], *counts)
    options = {"kernel": kernel, "stride": steps, "padding": pairs}
    return context.add(g.AvgPool, (x,), shape, multiplier=multiplier, offset=offset, **options)


def adaptive_pool(
    pool: Callable[..., Any], context: Lowering, *, self: Any, output_size: Any
) -> Any:
    x = context.activation(self)
    rank = len(output_size)
    sizes = x.shape[-rank:]
    if any(size % n for size, n in zip(sizes, output_size, strict=True)):
        context.fail(
            f"output size {tuple(output_size)} does not divide the map {sizes}; choose one that "
            "does, or an explicit pooling layer"
        )
    kernel = tuple(size // n for size, n in zip(sizes, output_size, strict=True))
    return pool(context, x, kernel)


def _adaptive_average(context: Lowering, x: Activation, kernel: g.Ints) -> Activation:
    rank = len(kernel)
    if kernel == x.shape[-rank:]:
        return _summed(context, x, tuple(range(len(x.shape)))[-rank:], 1 / np.prod(kernel))
    return avg_pool(
        rank,
        context,
        self=x,
        kernel_size=kernel,
        stride=kernel,
        padding=0,
        ceil_mode=False,
        count_include_pad=True,
    )


def _adaptive_largest(context: Lowering, x: Activation, kernel: g.Ints) -> list[Any]:
    options: dict[str, Any] = {"kernel_size": kernel, "stride": kernel, "padding": 0}
    return [max_pool(len(kernel), context, self=x, dilation=1, ceil_mode=False, **options), None]


def _axes(context: Lowering, x: Activation, dim: Any) -> g.Ints:
    dims = list(dim) if isinstance(dim, list | tuple) else [] if dim is None else [dim]
    if not dims:
        context.fail("reduces over everything, the batch too; name the axes (dim=...) instead")
    return tuple(sorted({context.axis(x, d) for d in dims}))


def _summed(context: Lowering, x: Activation, axes: g.Ints, factor: float) -> Activation:
    shape = tuple(1 if i in axes else n for i, n in enumerate(x.shape))
    multiplier = np.full((1,) * len(shape), float(factor))
    return context.add(g.Mean, (x,), shape, axes=axes, multiplier=multiplier, offset=multiplier * 0)


def _reduced(context: Lowering, x: Activation, axes: g.Ints, keepdim: Any) -> Activation:
    kept = tuple(n for i, n in enumerate(x.shape) if i not in axes)
    if keepdim:
        return x
    if not kept:
        context.fail("leaves no axis but the batch; keep one (keepdim=True)")
    return reshape_to(context, x, kept)


def _check_dtype(context: Lowering, dtype: Any) -> None:
    if dtype is not None and not dtype.is_floating_point:
        context.fail(f"dtype={dtype}: only float results are supported")


def mean(context: Lowering, *, self: Any, dim: Any, keepdim: Any, dtype: Any) -> Activation:
    x = context.activation(self)
    _check_dtype(context, dtype)
    axes = _axes(context, x, dim)
    count = int(np.prod([x.shape[axis] for axis in axes]))
    return _reduced(context, _summed(context, x, axes, 1 / count), axes, keepdim)


def total(context: Lowering, *, self: Any, dim: Any, keepdim: Any, dtype: Any) -> Activation:
    x = context.activation(self)
    _check_dtype(context, dtype)
    axes = _axes(context, x, dim)
    return _reduced(context, _summed(context, x, axes, 1.0), axes, keepdim)


def largest(context: Lowering, *, self: Any, dim: Any, keepdim: Any) -> Activation:
    x = context.activation(self)
    axes = _axes(context, x, dim)
    sizes = x.shape[axes[0] :]
    kernel = tuple(n if i in axes else 1 for i, n in enumerate(x.shape))[axes[0] :]
    counts = tuple(n // k for n, k in zip(sizes, kernel, strict=True))
    pooled = context.add(
        g.MaxPool,
        (x,),
        (*x.shape[: axes[0]], *counts),
        kernel=kernel,
        stride=kernel,
        padding=((0, 0),) * len(kernel),
        dilation=(1,) * len(kernel),
    )
    return _reduced(context, pooled, axes, keepdim)


def largest_and_index(context: Lowering, *, self: Any, dim: Any, keepdim: Any) -> list[Any]:
    return [largest(context, self=self, dim=dim, keepdim=keepdim), None]


HANDLERS = {
    aten.max_pool1d.default: partial(max_pool, 1),
    aten.max_pool2d.default: partial(max_pool, 2),
    aten.max_pool1d_with_indices.default: partial(max_pool_and_indices, 1),
    aten.max_pool2d_with_indices.default: partial(max_pool_and_indices, 2),
    aten.avg_pool1d.default: partial(avg_pool, 1),
    aten.avg_pool2d.default: partial(avg_pool, 2),
    aten.adaptive_avg_pool1d.default: partial(adaptive_pool, _adaptive_average),
    aten.adaptive_avg_pool2d.default: partial(adaptive_pool, _adaptive_average),
    aten.adaptive_max_pool1d.default: partial(adaptive_pool, _adaptive_largest),
    aten.adaptive_max_pool2d.default: partial(adaptive_pool, _adaptive_largest),
    aten.mean.dim: mean,
    aten.sum.dim_IntList: total,
    aten.amax.default: largest,
    aten.max.dim: largest_and_index,
}
