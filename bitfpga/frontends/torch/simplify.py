"""Fewer layers with the same values: constants and clamps move into the layer that feeds them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import torch

from bitfpga.frontends.torch import float_run
from bitfpga.frontends.torch import graph as g
from bitfpga.frontends.torch.function import is_scalar

_ORDER_KEEPING = g.MaxPool | g.Reshape | g.Transpose | g.Slice


def simplify(graph: g.FloatGraph) -> g.FloatGraph:
    """Return the graph with batch norms, constants, clamps and chains of tables merged."""
    changed: g.FloatGraph | None = graph
    while changed is not None:
        graph = changed
        changed = next(filter(None, (_merge(graph, layer) for layer in graph.layers)), None)
    return graph


def _merge(graph: g.FloatGraph, layer: g.Layer) -> g.FloatGraph | None:
    if isinstance(layer, g.Affine):
        host = _host(graph, layer)
        merged = None if host is None else _absorb(host, layer)
        return None if merged is None else _without(graph, layer, merged)
    if isinstance(layer, g.Table):
        source = graph.by_name.get(layer.inputs[0])
        merged = None if source is None else _compose(graph, source, layer)
        return None if merged is None else _without(graph, layer, merged)
    return _merge_tables(graph, layer) if isinstance(layer, g.Add) else None


def _merge_tables(graph: g.FloatGraph, layer: g.Add) -> g.FloatGraph | None:
    """Return the graph with a sum of tables of one tensor, and of that tensor, as one table."""
    source = _only_source(graph, layer)
    if source is None or not is_scalar(layer):
        return None
    bare = replace(layer, low=-np.inf, high=np.inf, grid=None)
    parts = [None if name == source else graph.by_name[name] for name in layer.inputs]
    table = g.Table(
        layer.name,
        (source,),
        layer.shape,
        layer.origin,
        low=layer.low,
        high=layer.high,
        grid=layer.grid,
        function=partial(_summed, bare, parts),
    )
    layers = tuple(table if old is layer else old for old in graph.layers)
    return g.live(g.FloatGraph(graph.input_shape, layers, graph.output))


def _only_source(graph: g.FloatGraph, layer: g.Add) -> str | None:
    """Return the tensor of which every input is a table nobody else reads, or that itself."""
    tables = {
        name: table
        for name in layer.inputs
        if isinstance(table := graph.by_name.get(name), g.Table)
        and graph.n_readers[name] == 1
        and table.grid is None
    }
    for source in {table.inputs[0] for table in tables.values()}:
        maker = graph.by_name.get(source)
        trained = isinstance(maker, g.Computed) and maker.grid is not None
        known = {name for name, table in tables.items() if table.inputs == (source,)}
        if set(layer.inputs) <= (known if trained else known | {source}):
            return source
    return None


def _summed(layer: g.Add, parts: list[g.Layer | None], x: torch.Tensor) -> torch.Tensor:
    inputs = [x if part is None else float_run.run_layer(part, [x], True) for part in parts]
    return float_run.run_layer(layer, inputs, pointwise=True)


def _host(graph: g.FloatGraph, layer: g.Affine) -> g.Computed | None:
    """Return the layer that makes what ``layer`` reads, if nobody else reads it on the way."""
    name = layer.inputs[0]
    while name != g.INPUT and graph.n_readers[name] == 1:
        source = graph.by_name[name]
        if isinstance(source, g.Computed):
            return source if source.grid is None else None
        if not (layer.is_clamp and isinstance(source, _ORDER_KEEPING)):
            return None
        name = source.inputs[0]
    return None


def _absorb(host: g.Computed, layer: g.Affine) -> g.Computed | None:
    """Return ``host`` followed by ``layer`` as one layer, or None where that is not possible."""
    after: dict[str, Any] = {"low": layer.low, "high": layer.high, "grid": layer.grid}
    if layer.is_clamp:
        low, high = np.clip([host.low, host.high], layer.low, layer.high)
        return replace(host, low=float(low), high=float(high), grid=layer.grid)
    if isinstance(host, g.Table) and is_scalar(layer):
        return replace(host, function=_both(host, layer), **after)
    if host.is_clamped:
        return None
    if isinstance(host, g.Linear):
        return _absorb_gain(host, layer)
    if isinstance(host, g.Scaled):
        multiplier = host.multiplier * layer.multiplier
        offset = host.offset * layer.multiplier + layer.offset
        return replace(host, multiplier=multiplier, offset=offset, **after)
    return None


def _absorb_gain(host: g.Linear, layer: g.Affine) -> g.Computed | None:
    axis = 0 if isinstance(host, g.Conv) else len(host.shape) - 1
    if any(n != 1 for i, n in enumerate(layer.multiplier.shape) if i != axis):
        return None
    gain = np.broadcast_to(layer.multiplier.reshape(-1), (len(host.weight),))
    integers = host.integers
    if integers is not None:
        negative = gain < 0
        if integers.values[negative].min(initial=0) == -256:
            return None
        signs = np.sign(gain).astype(np.int16).reshape(-1, *(1,) * (host.weight.ndim - 1))
        scale = integers.scale * np.where(gain == 0, 1.0, np.abs(gain))
        groups = None if negative.any() else integers.groups  # they decode to these very weights
        integers = g.IntegerWeight(integers.values * signs, scale, groups)
    return replace(
        host,
        weight=host.weight * gain.reshape(-1, *(1,) * (host.weight.ndim - 1)),
        offset=host.offset * layer.multiplier + layer.offset,
        integers=integers,
        low=layer.low,
        high=layer.high,
        grid=layer.grid,
    )


def _compose(graph: g.FloatGraph, source: g.Layer, table: g.Table) -> g.Table | None:
    """Return one table for ``source`` (a table, or one number for all) followed by ``table``."""
    pointwise = isinstance(source, g.Table) or (isinstance(source, g.Affine) and is_scalar(source))
    if not pointwise or graph.n_readers[source.name] != 1:
        return None
    assert isinstance(source, g.Computed)
    if source.grid is not None:
        return None
    function = _both(source, table)
    return replace(table, name=source.name, inputs=source.inputs, function=function)


@dataclass(frozen=True, eq=False)
class _Chain:
    """Layers one after the other, value by value; the last one without its clamp."""

    layers: tuple[g.Computed, ...]

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        for layer in self.layers:
            x = float_run.run_layer(layer, [x], pointwise=True)
        return x


def _both(first: g.Computed, second: g.Computed) -> _Chain:
    """Return both layers as one function; the clamp of the second stays outside."""
    before: tuple[g.Computed, ...] = (first,)
    if isinstance(first, g.Table) and isinstance(first.function, _Chain):
        *inner, last = first.function.layers
        before = (*inner, replace(last, low=first.low, high=first.high))
    return _Chain((*before, replace(second, low=-np.inf, high=np.inf, grid=None)))


def _without(graph: g.FloatGraph, layer: g.Layer, merged: g.Layer) -> g.FloatGraph:
    """Return the graph with ``merged`` in its place and readers of ``layer`` led past it."""
    past = merged.name if isinstance(layer, g.Table) else layer.inputs[0]
    layers = []
    for old in graph.layers:
        if old is layer:
            continue
        new = merged if old.name == merged.name else old
        if layer.name in new.inputs:
            inputs = tuple(past if name == layer.name else name for name in new.inputs)
            new = replace(new, inputs=inputs)
        layers.append(new)
    output = past if graph.output == layer.name else graph.output
    return g.FloatGraph(graph.input_shape, tuple(layers), output)
