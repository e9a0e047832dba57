"""Runs a float graph in float64, with other torch calls than the ATen graph it came from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import singledispatch

import torch
import torch.nn.functional as functional

from bitfpga.frontends.torch import graph as g

Tensor = torch.Tensor


def run(
    graph: g.FloatGraph, x: Tensor, visit: Callable[[str, Tensor], None] | None = None
) -> Tensor:
    """Return the output, float64 [batch, *shape]; ``visit`` sees every tensor as it is made.

    Tensors are dropped as soon as no layer needs them.
    """
    tensors = {g.INPUT: x}
    last_use = {name: layer.name for layer in graph.layers for name in layer.inputs}
    if visit is not None:
        visit(g.INPUT, x)
    with torch.no_grad():
        for layer in graph.layers:
            tensors[layer.name] = run_layer(layer, [tensors[name] for name in layer.inputs])
            if visit is not None:
                visit(layer.name, tensors[layer.name])
            _drop(tensors, (n for n in set(layer.inputs) if last_use[n] == layer.name))
    return tensors[graph.output]


def _drop(tensors: dict[str, Tensor], names: Iterable[str]) -> None:
    for name in list(names):
        del tensors[name]


def run_layer(layer: g.Layer, inputs: Sequence[Tensor], pointwise: bool = False) -> Tensor:
    """Return what ``layer`` makes of ``inputs``; ``pointwise`` inputs are flat lists of values."""
    y = _raw(layer, inputs) if not pointwise else _pointwise(layer, inputs)
    if isinstance(layer, g.Computed):
        y = y.clamp(min=layer.low, max=layer.high)
        if layer.grid is not None:
            steps = torch.floor(y / layer.grid.scale + 0.5)
            y = steps.clamp(layer.grid.low, layer.grid.high) * layer.grid.scale
    return y


def _pointwise(layer: g.Layer, inputs: Sequence[Tensor]) -> Tensor:
    if isinstance(layer, g.Table):
        return layer.function(inputs[0])
    assert isinstance(layer, g.Affine | g.Add)
    weights = layer.weights if isinstance(layer, g.Add) else (1.0,)
    total = torch.zeros_like(inputs[0])
    for weight, x in zip(weights, inputs, strict=True):
        total = total + weight * x
    result: Tensor = total * layer.multiplier.item() + layer.offset.item()
    return result


@singledispatch
def _raw(layer: g.Layer, inputs: Sequence[Tensor]) -> Tensor:
    raise NotImplementedError(type(layer).__name__)


def _scaled(layer: g.Scaled, total: Tensor) -> Tensor:
    return total * torch.from_numpy(layer.multiplier) + torch.from_numpy(layer.offset)


def _flat(padding: g.Pairs) -> list[int]:
    return [p for pair in reversed(padding) for p in pair]


@_raw.register
def _dense(layer: g.Dense, inputs: Sequence[Tensor]) -> Tensor:
    return inputs[0] @ torch.from_numpy(layer.weight).T + torch.from_numpy(layer.offset)


@_raw.register
def _conv(layer: g.Conv, inputs: Sequence[Tensor]) -> Tensor:
    x, weight = functional.pad(inputs[0], _flat(layer.padding)), torch.from_numpy(layer.weight)
    convolve = functional.conv1d if len(layer.stride) == 1 else functional.conv2d
    y = convolve(x, weight, None, layer.stride, 0, layer.dilation, layer.groups)
    return y + torch.from_numpy(layer.offset)


def _shifted(x: Tensor, layer: g.MaxPool | g.AvgPool, dilation: g.Ints, fill: float) -> Tensor:
    """Return all windows: [..., n windows along each axis, kernel along each axis]."""
    x = functional.pad(x, _flat(layer.padding), value=fill)
    rank = len(layer.kernel)
    for i in range(rank):
        span = dilation[i] * (layer.kernel[i] - 1) + 1
        x = x.unfold(len(layer.shape) + 1 - rank + i, span, layer.stride[i])
        x = x[..., :: dilation[i]]
    return x


@_raw.register
def _max_pool(layer: g.MaxPool, inputs: Sequence[Tensor]) -> Tensor:
    windows = _shifted(inputs[0], layer, layer.dilation, float("-inf"))
    return windows.amax(dim=tuple(range(-len(layer.kernel), 0)))


@_raw.register
def _avg_pool(layer: g.AvgPool, inputs: Sequence[Tensor]) -> Tensor:
    windows = _shifted(inputs[0], layer, (1,) * len(layer.kernel), 0.0)
    return _scaled(layer, windows.sum(dim=tuple(range(-len(layer.kernel), 0))))


@_raw.register
def _mean(layer: g.Mean, inputs: Sequence[Tensor]) -> Tensor:
    axes = tuple(axis + 1 for axis in layer.axes)
    return _scaled(layer, inputs[0].sum(dim=axes, keepdim=True))


@_raw.register
def _add(layer: g.Add, inputs: Sequence[Tensor]) -> Tensor:
    total = torch.zeros_like(inputs[0])
    for weight, x in zip(layer.weights, inputs, strict=True):
        total = total + weight * x
    return _scaled(layer, total)


@_raw.register
def _affine(layer: g.Affine, inputs: Sequence[Tensor]) -> Tensor:
    return _scaled(layer, inputs[0])


@_raw.register
def _table(layer: g.Table, inputs: Sequence[Tensor]) -> Tensor:
    return layer.function(inputs[0])


@_raw.register
def _concat(layer: g.Concat, inputs: Sequence[Tensor]) -> Tensor:
    return torch.cat(list(inputs), dim=layer.axis + 1)


@_raw.register
def _reshape(layer: g.Reshape, inputs: Sequence[Tensor]) -> Tensor:
    return inputs[0].reshape(len(inputs[0]), *layer.shape)


@_raw.register
def _transpose(layer: g.Transpose, inputs: Sequence[Tensor]) -> Tensor:
    return inputs[0].permute(0, *(axis + 1 for axis in layer.axes))


@_raw.register
def _pad(layer: g.Pad, inputs: Sequence[Tensor]) -> Tensor:
    return functional.pad(inputs[0], _flat(layer.padding))


@_raw.register
def _slice(layer: g.Slice, inputs: Sequence[Tensor]) -> Tensor:
    bounds = zip(layer.starts, layer.stops, layer.steps, strict=True)
    return inputs[0][(slice(None), *(slice(*bound) for bound in bounds))]
