"""The first rung of exactness: a ``Network`` as a torch module on real values."""

from __future__ import annotations

from functools import singledispatchmethod
from typing import Any

import torch
import torch.nn.functional as functional

from bitfpga import ir

Tensor = torch.Tensor


def fake_quantised(network: ir.Network) -> torch.nn.Module:
    """Return a module on real inputs [batch, *shape] that rounds and clamps like ``network``.

    Everything is float64. With power-of-two scales its output equals
    ``network.dequantise(run(network, network.quantise(x)))`` exactly.
    """
    return FakeQuantised(network)


class FakeQuantised(torch.nn.Module):
    """``fake_quantised`` as a module; values are real, on the grid of each tensor's scale."""

    def __init__(self, network: ir.Network) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor) -> Tensor:
        """Return the real outputs, float64 [batch, *output shape]."""
        kind = self.network.input
        steps = torch.floor(x.double() / kind.scale + 0.5).clamp(kind.low, kind.high)
        tensors = {ir.INPUT: steps * kind.scale}
        for layer in self.network.layers:
            inputs = [tensors[name] for name in layer.inputs]
            tensors[layer.name] = self._layer(layer, inputs)
        return tensors[self.network.layers[-1].name]

    @singledispatchmethod
    def _layer(self, layer: ir.Layer, inputs: list[Tensor]) -> Tensor:
        raise NotImplementedError(layer.kind)

    def _rounded(self, layer: Any, total: Tensor, unit: float) -> Tensor:
        """Return ``total`` (real sums in steps of ``unit``) scaled, rounded, clamped, real."""
        requantise = layer.requantise
        gain = torch.from_numpy(requantise.multiplier).double()
        bias = torch.from_numpy(requantise.bias).double()
        sums = torch.round(total / unit)  # integers but for float noise, which would flip ties
        steps = torch.floor((sums * gain + bias) / 2.0**requantise.shift + 0.5)
        clamped: Tensor = steps.clamp(requantise.low, requantise.high) * layer.output.scale
        return clamped

    def _unit(self, layer: ir.Layer) -> float:
        return self.network.types[layer.inputs[0]].scale

    @_layer.register
    def _dense(self, layer: ir.Dense, inputs: list[Tensor]) -> Tensor:
        weight = torch.from_numpy(layer.weight).double()
        return self._rounded(layer, functional.linear(inputs[0], weight), self._unit(layer))

    @_layer.register
    def _conv(self, layer: ir.Conv, inputs: list[Tensor]) -> Tensor:
        weight = torch.from_numpy(layer.weight).double()
        x = functional.pad(inputs[0], _flat(layer.padding))
        convolve = functional.conv1d if len(layer.stride) == 1 else functional.conv2d
        total = convolve(x, weight, None, layer.stride, 0, layer.dilation, layer.groups)
        return self._rounded(layer, total, self._unit(layer))

    @_layer.register
    def _max_pool(self, layer: ir.MaxPool, inputs: list[Tensor]) -> Tensor:
        lowest = layer.output.low * layer.output.scale
        x = functional.pad(inputs[0], _flat(layer.padding), value=lowest)
        pools = (functional.max_pool1d, functional.max_pool2d, functional.max_pool3d)
        rank = len(layer.kernel)
        flat = x.reshape(len(x), -1, *x.shape[x.ndim - rank :])
        pooled = pools[rank - 1](flat, layer.kernel, layer.stride, 0, layer.dilation)
        result: Tensor = pooled.reshape(len(x), *layer.output.shape)
        return result

    @_layer.register
    def _avg_pool(self, layer: ir.AvgPool, inputs: list[Tensor]) -> Tensor:
        x = functional.pad(inputs[0], _flat(layer.padding))
        ones = torch.ones(1, 1, *layer.kernel, dtype=torch.float64)
        flat = x.reshape(-1, 1, *x.shape[x.ndim - len(layer.kernel) :])
        convolve = functional.conv1d if len(layer.stride) == 1 else functional.conv2d
        total = convolve(flat, ones, None, layer.stride).reshape(len(x), *layer.output.shape)
        return self._rounded(layer, total, self._unit(layer))

    @_layer.register
    def _mean(self, layer: ir.Mean, inputs: list[Tensor]) -> Tensor:
        total = inputs[0].sum(dim=[axis + 1 for axis in layer.axes], keepdim=True)
        return self._rounded(layer, total, self._unit(layer))

    @_layer.register
    def _add(self, layer: ir.Add, inputs: list[Tensor]) -> Tensor:
        units = [self.network.types[name].scale for name in layer.inputs]
        total = torch.zeros_like(inputs[0])
        for weight, x, unit in zip(layer.weights, inputs, units, strict=True):
            total = total + x * (weight / unit)
        return self._rounded(layer, total, 1.0)

    @_layer.register
    def _scale(self, layer: ir.Scale, inputs: list[Tensor]) -> Tensor:
        return self._rounded(layer, inputs[0], self._unit(layer))

    @_layer.register
    def _table(self, layer: ir.Table, inputs: list[Tensor]) -> Tensor:
        values = torch.from_numpy(layer.table).double() * layer.output.scale
        entries = torch.round(inputs[0] / self._unit(layer)).long() - layer.low
        return values[entries]

    @_layer.register
    def _concat(self, layer: ir.Concat, inputs: list[Tensor]) -> Tensor:
        return torch.cat(inputs, dim=layer.axis + 1)

    @_layer.register
    def _reshape(self, layer: ir.Reshape, inputs: list[Tensor]) -> Tensor:
        return inputs[0].reshape(len(inputs[0]), *layer.output.shape)

    @_layer.register
    def _transpose(self, layer: ir.Transpose, inputs: list[Tensor]) -> Tensor:
        return inputs[0].permute(0, *(axis + 1 for axis in layer.axes))

    @_layer.register
    def _pad(self, layer: ir.Pad, inputs: list[Tensor]) -> Tensor:
        return functional.pad(inputs[0], _flat(layer.padding))

    @_layer.register
    def _slice(self, layer: ir.Slice, inputs: list[Tensor]) -> Tensor:
        bounds = zip(layer.starts, layer.stops, layer.steps, strict=True)
        return inputs[0][(slice(None), *(slice(*bound) for bound in bounds))]


def _flat(padding: tuple[tuple[int, int], ...]) -> list[int]:
    return [p for pair in reversed(padding) for p in pair]
