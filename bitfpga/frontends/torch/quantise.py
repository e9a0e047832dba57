"""A float graph and its tensor types into the layers of a ``Network``."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import singledispatchmethod
from typing import Any

import numpy as np
import torch

from bitfpga import ir
from bitfpga.errors import ModelError
from bitfpga.frontends.torch import graph as g
from bitfpga.frontends.torch.calibrate import TABLE_BITS
from bitfpga.frontends.torch.fit import fit_requantise
from bitfpga.frontends.torch.weights import FINEST, common_unit, quantise_weight
from bitfpga.ir import TensorType


class Quantiser:
    """Builds integer layers one by one; ``names`` leads from float tensors to integer ones."""

    def __init__(
        self, graph: g.FloatGraph, types: dict[str, TensorType], weight_bits: int, kind: str
    ) -> None:
        self.graph, self.types = graph, types
        self.weight_bits, self.kind = weight_bits, kind
        self.layers: list[ir.Layer] = []
        self.made = {ir.INPUT: types[g.INPUT]}

    def run(self) -> tuple[ir.Layer, ...]:
        """Return the integer layers, the network's output last."""
        instead: dict[str, str] = {}
        for layer in self.graph.layers:
            layer = replace(layer, inputs=tuple(instead.get(n, n) for n in layer.inputs))
            if self._changes_nothing(layer):
                instead[layer.name] = layer.inputs[0]
            else:
                self._emit(layer, [self.made[name] for name in layer.inputs])
        return tuple(self.layers)

    def _changes_nothing(self, layer: g.Layer) -> bool:
        """Whether the layer only repeats the grid its input is on already."""
        if not isinstance(layer, g.Affine) or layer.name == self.graph.output:
            return False
        same = self.made[layer.inputs[0]] == self.types[layer.name]
        whole = (self.types[layer.name].low, self.types[layer.name].high)
        return same and layer.is_clamp and clamp_range(layer, self.types[layer.name]) == whole

    def _add(self, layer: ir.Layer) -> None:
        self.layers.append(layer)
        self.made[layer.name] = layer.output

    def _requantise(
        self,
        layer: g.Computed,
        multiplier: g.Floats,
        offset: g.Floats,
        largest_sum: g.Floats | float,
    ) -> ir.Requantise:
        output = self.types[layer.name]
        return fit_requantise(
            layer.origin or layer.name,
            np.asarray(multiplier, np.float64),
            np.asarray(offset / output.scale, np.float64),
            largest_sum,
            clamp_range(layer, output),
        )

    def _converted(self, name: str, wanted: TensorType, origin: str) -> str:
        """Return the name of tensor ``name`` as ``wanted``, through a Scale layer if needed."""
        have = self.made[name]
        wanted = replace(wanted, shape=have.shape)
        if have == wanted:
            return name
        label = f"{name[:48]}_as_{len(self.layers)}"
        while label in self.graph.by_name or label in self.made:
            label += "_"
        ratio = np.full((1,) * len(have.shape), have.scale / wanted.scale)
        requantise = fit_requantise(
            origin, ratio, ratio * 0, _largest(have), (wanted.low, wanted.high)
        )
        self._add(ir.Scale(label, (name,), wanted, origin, requantise=requantise))
        return label

    @singledispatchmethod
    def _emit(self, layer: g.Layer, sources: list[TensorType]) -> None:
        raise NotImplementedError(type(layer).__name__)

    @_emit.register
    def _dense(self, layer: g.Dense, sources: list[TensorType]) -> None:
        self._linear(layer, sources[0], ir.Dense, (1,) * (len(layer.shape) - 1) + (-1,), {})

    @_emit.register
    def _conv(self, layer: g.Conv, sources: list[TensorType]) -> None:
        options = {name: getattr(layer, name) for name in ("stride", "padding", "dilation")}
        shape = (-1,) + (1,) * (len(layer.shape) - 1)
        self._linear(layer, sources[0], ir.Conv, shape, {**options, "groups": layer.groups})

    def _linear(
        self, layer: g.Linear, source: TensorType, cls: Any, shape: g.Ints, options: dict[str, Any]
    ) -> None:
        output = self.types[layer.name]
        if layer.integers is not None:
            values, scale = layer.integers.values, layer.integers.scale
        else:
            finest = output.scale / source.scale * FINEST
            values, scale = quantise_weight(layer.weight, self.weight_bits, self.kind, finest)
            dead = ~values.reshape(len(values), -1).any(axis=1)
            scale = np.where(dead, output.scale / source.scale, scale)
        gain = (scale * (source.scale / output.scale)).reshape(shape)
        rows = np.abs(values.astype(np.int64)).reshape(len(values), -1).sum(axis=1)
        largest = rows.reshape(shape) * _largest(source)
        requantise = self._requantise(layer, gain, layer.offset, largest)
        self._add(
            cls(
                layer.name,
                layer.inputs,
                output,
                layer.origin,
                weight=values,
                requantise=requantise,
                bit_groups=layer.integers and layer.integers.groups,
                **options,
            )
        )

    def _scaled(
        self, layer: g.Scaled, source: TensorType, count: int, cls: Any, **options: Any
    ) -> None:
        output = self.types[layer.name]
        gain = layer.multiplier * (source.scale / output.scale)
        requantise = self._requantise(layer, gain, layer.offset, count * _largest(source))
        self._add(
            cls(layer.name, layer.inputs, output, layer.origin, requantise=requantise, **options)
        )

    @_emit.register
    def _avg_pool(self, layer: g.AvgPool, sources: list[TensorType]) -> None:
        options = {name: getattr(layer, name) for name in ("kernel", "stride", "padding")}
        self._scaled(layer, sources[0], math.prod(layer.kernel), ir.AvgPool, **options)

    @_emit.register
    def _mean(self, layer: g.Mean, sources: list[TensorType]) -> None:
        count = math.prod(sources[0].shape[axis] for axis in layer.axes)
        self._scaled(layer, sources[0], count, ir.Mean, axes=layer.axes)

    @_emit.register
    def _affine(self, layer: g.Affine, sources: list[TensorType]) -> None:
        self._scaled(layer, sources[0], 1, ir.Scale)

    @_emit.register
    def _sum(self, layer: g.Add, sources: list[TensorType]) -> None:
        output = self.types[layer.name]
        units = np.array([w * t.scale for w, t in zip(layer.weights, sources, strict=True)])
        weights, unit = common_unit(units)
        gain = layer.multiplier * (unit / output.scale)
        largest = sum(abs(w) * _largest(t) for w, t in zip(weights, sources, strict=True))
        requantise = self._requantise(layer, gain, layer.offset, largest)
        self._add(
            ir.Add(
                layer.name,
                layer.inputs,
                output,
                layer.origin,
                weights=weights,
                requantise=requantise,
            )
        )

    @_emit.register
    def _table(self, layer: g.Table, sources: list[TensorType]) -> None:
        (name,), source, output = layer.inputs, sources[0], self.types[layer.name]
        if source.bits > TABLE_BITS:
            scale = source.scale * 2.0 ** (source.bits - TABLE_BITS)
            name = self._converted(
                name, replace(source, bits=TABLE_BITS, scale=scale), layer.origin
            )
            source = self.made[name]
        codes = np.arange(source.low, source.high + 1, dtype=np.float64) * source.scale
        values = layer.function(torch.from_numpy(codes)).numpy()
        if np.isnan(values).any():
            raise ModelError(
                f"layer '{layer.origin}': is not defined at {codes[np.isnan(values)][0]:g}, which "
                "its quantised input can reach; clamp its input to where it is defined"
            )
        low, high = clamp_range(layer, output)
        steps = np.clip(np.floor(np.clip(values / output.scale, -1e9, 1e9) + 0.5), low, high)
        self._add(
            ir.Table(
                layer.name,
                (name,),
                output,
                layer.origin,
                low=source.low,
                table=steps.astype(np.int32),
            )
        )

    @_emit.register
    def _concat(self, layer: g.Concat, sources: list[TensorType]) -> None:
        output = self.types[layer.name]
        names = tuple(self._converted(name, output, layer.origin) for name in layer.inputs)
        self._add(ir.Concat(layer.name, names, output, layer.origin, axis=layer.axis))

    @_emit.register
    def _max_pool(self, layer: g.MaxPool, sources: list[TensorType]) -> None:
        self._move(layer, ir.MaxPool, "kernel", "stride", "padding", "dilation")

    @_emit.register
    def _reshape(self, layer: g.Reshape, sources: list[TensorType]) -> None:
        self._move(layer, ir.Reshape)

    @_emit.register
    def _transpose(self, layer: g.Transpose, sources: list[TensorType]) -> None:
        self._move(layer, ir.Transpose, "axes")

    @_emit.register
    def _pad(self, layer: g.Pad, sources: list[TensorType]) -> None:
        self._move(layer, ir.Pad, "padding")

    @_emit.register
    def _slice(self, layer: g.Slice, sources: list[TensorType]) -> None:
        self._move(layer, ir.Slice, "starts", "stops", "steps")

    def _move(self, layer: g.Layer, cls: Any, *fields: str) -> None:
        options = {name: getattr(layer, name) for name in fields}
        self._add(cls(layer.name, layer.inputs, self.types[layer.name], layer.origin, **options))


def clamp_range(layer: g.Computed, output: TensorType) -> tuple[int, int]:
    """Return the integers that the layer's clamp and grid leave of ``output``'s range."""
    low, high = output.low, output.high
    if layer.grid is not None:
        low, high = layer.grid.low, layer.grid.high
    bounds = np.clip([layer.low, layer.high], low * output.scale, high * output.scale)
    first, last = np.clip(np.floor(bounds / output.scale + 0.5), low, high)
    return int(first), int(last)


def _largest(source: TensorType) -> float:
    return float(max(-source.low, source.high))
