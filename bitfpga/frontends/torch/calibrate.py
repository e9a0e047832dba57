"""A ``TensorType`` for every tensor of a float graph: bits, sign and scale."""

from __future__ import annotations

import math
from collections import defaultdict

import numpy as np
import torch

from bitfpga.errors import ModelError
from bitfpga.frontends.torch import float_run
from bitfpga.frontends.torch import graph as g
from bitfpga.frontends.torch.options import Options
from bitfpga.frontends.torch.verify import chunks
from bitfpga.ir import TensorType

TABLE_BITS = 10
_TINY = 1e-280
# Where rounding costs less than 2^-10 of the values, range for unseen inputs is worth more.
_NEGLIGIBLE = 2.0**-20
_HEADROOM = (4.0, 2.0)
_FRACTIONS = (1.0, 0.95, 0.9, 0.8, 0.7, 0.6, 0.5)
_PROBES = 4097
# Ranges see every value; the squared error of a scale is measured on so many, evenly spread.
_MEASURED_SAMPLES = 256
_MEASURED_VALUES = 1 << 16
Range = tuple[float, float]


def tensor_types(graph: g.FloatGraph, samples: g.Floats, options: Options) -> dict[str, TensorType]:
    """Return the type of every tensor by name, the least squared error on ``samples``.

    Layers that only move values share one type with their input; explicit grids stay exact.
    """
    fixed = fixed_grids(graph)
    groups = _groups(graph, fixed)
    ranges = _ranges(graph, samples)
    signed = _may_be_negative(graph, ranges)
    members = defaultdict(list)
    for name, group in groups.items():
        members[group].append(name)
    open_types: dict[str, tuple[int, bool]] = {}
    for group, names in members.items():
        if not any(name in fixed for name in names):
            bits = _bits(graph, names, options)
            open_types[group] = bits, any(signed[name] for name in names)
    scales = _scales(graph, samples, options, ranges, members, open_types)
    types = {}
    for group, names in members.items():
        grid = next((fixed[name] for name in names if name in fixed), None)
        for name in names:
            shape = graph.shape_of(name)
            bits, sign = open_types[group] if grid is None else grid_bits(grid)
            scale = scales[group] if grid is None else grid.scale
            types[name] = TensorType(shape, bits, sign, scale)
    return types


def grid_bits(grid: g.Grid) -> tuple[int, bool]:
    """Return (bits, signed) of the smallest type that holds low..high."""
    if grid.low >= 0:
        return max(1, grid.high.bit_length()), False
    return max((-grid.low - 1).bit_length(), max(grid.high, 0).bit_length()) + 1, True


def fixed_grids(graph: g.FloatGraph) -> dict[str, g.Grid]:
    """Return the explicit grid of each tensor that has one; of the input, if read through one."""
    grids = {x.name: x.grid for x in graph.layers if isinstance(x, g.Computed) and x.grid}
    readers = [layer for layer in graph.layers if g.INPUT in layer.inputs]
    first = readers[0]
    only = len(readers) == 1 and isinstance(first, g.Affine) and first.is_clamp
    if only and isinstance(first, g.Affine) and first.grid and first.low == -math.inf:
        bits, signed = grid_bits(first.grid)
        whole = TensorType((1,), bits, signed)
        if first.high == math.inf and (whole.low, whole.high) == (first.grid.low, first.grid.high):
            grids[g.INPUT] = first.grid
    return grids


def _groups(graph: g.FloatGraph, fixed: dict[str, g.Grid]) -> dict[str, str]:
    parent = {name: name for name in [g.INPUT, *graph.by_name]}

    def find(name: str) -> str:
        while parent[name] != name:
            name = parent[name]
        return name

    moving = [layer for layer in graph.layers if not isinstance(layer, g.Computed)]
    for layer in moving:
        if not isinstance(layer, g.Concat):
            parent[layer.name] = find(layer.inputs[0])
    closed = {g.INPUT, *fixed}
    for layer in moving:
        if isinstance(layer, g.Concat):
            roots = sorted({find(name) for name in layer.inputs} - {find(layer.name)})
            free = [root for root in roots if root not in closed]
            if len({fixed.get(root) for root in roots}) == 1 and roots and roots[0] in fixed:
                roots = roots[:1]  # one trained grid for all: the joined tensor is on it, too
            for root in free if free or len(roots) > 1 else roots:
                parent[find(layer.name)] = root
    return {name: find(name) for name in parent}


def _ranges(graph: g.FloatGraph, samples: g.Floats) -> dict[str, Range]:
    ranges: dict[str, Range] = {}

    def visit(name: str, x: torch.Tensor) -> None:
        if not bool(torch.isfinite(x).all()):
            origin = graph.by_name[name].origin
            raise ModelError(
                f"layer '{origin}': gives NaN or infinity on the calibration; keep its input "
                "where it is defined (for example with a clamp)"
            )
        low, high = ranges.get(name, (math.inf, -math.inf))
        ranges[name] = min(low, float(x.min())), max(high, float(x.max()))

    for batch in chunks(graph, samples):
        float_run.run(graph, batch, visit)
    return ranges


def _may_be_negative(graph: g.FloatGraph, ranges: dict[str, Range]) -> dict[str, bool]:
    """Return for each tensor whether an input of the calibrated sign can make it negative."""
    negative = {g.INPUT: ranges[g.INPUT][0] < 0}
    for layer in graph.layers:
        sources = any(negative[name] for name in layer.inputs)
        if isinstance(layer, g.Computed) and layer.low >= 0:
            sources = False
        elif isinstance(layer, g.Linear) or (isinstance(layer, g.Computed) and layer.high < 0):
            sources = True
        elif isinstance(layer, g.Table):
            sources = _table_is_negative(layer, ranges, negative[layer.inputs[0]])
        elif isinstance(layer, g.Scaled):
            weights = layer.weights if isinstance(layer, g.Add) else ()
            rising = min(weights, default=1.0) > 0 and bool((layer.multiplier >= 0).all())
            sources = sources or not rising or bool((layer.offset < 0).any())
        negative[layer.name] = sources or ranges[layer.name][0] < 0
    return negative


def _table_is_negative(layer: g.Table, ranges: dict[str, Range], signed: bool) -> bool:
    end = max(map(abs, ranges[layer.inputs[0]])) * 4 + _TINY
    values = layer.function(torch.linspace(-end if signed else 0.0, end, _PROBES).double())
    return bool((values < 0).any())


def _bits(graph: g.FloatGraph, names: list[str], options: Options) -> int:
    if g.INPUT in names:
        return options.input_bits
    if graph.output in names:
        return options.output_bits
    readers = [
        layer
        for layer in graph.layers
        if set(layer.inputs) & set(names) and layer.name not in names
    ]
    only_tables = all(isinstance(layer, g.Table) for layer in readers)
    return min(TABLE_BITS, options.act_bits + 2) if only_tables else options.act_bits


def _feeds_table(graph: g.FloatGraph, names: list[str]) -> bool:
    return any(isinstance(x, g.Table) and x.inputs[0] in names for x in graph.layers)


def _scales(
    graph: g.FloatGraph,
    samples: g.Floats,
    options: Options,
    ranges: dict[str, Range],
    members: dict[str, list[str]],
    open_types: dict[str, tuple[int, bool]],
) -> dict[str, float]:
    candidates: dict[str, list[float]] = {}
    measured = _measured(graph, members)
    for group, (bits, signed) in open_types.items():
        whole = TensorType((1,), bits, signed)
        low = min(ranges[name][0] for name in members[group])
        high = max(ranges[name][1] for name in members[group])
        base = max(high / max(whole.high, 1), low / min(whole.low, -1), 0.0)
        # Tables read the upper bits only: headroom would come out of those.
        headroom = bits <= TABLE_BITS or not _feeds_table(graph, members[group])
        candidates[group] = scale_candidates(base, options.scale, headroom)
        if group == g.INPUT and options.input_scale is not None:
            candidates[group] = [float(options.input_scale)]
    errors = {group: np.zeros(len(scales)) for group, scales in candidates.items()}
    energies = dict.fromkeys(candidates, 0.0)

    def visit(name: str, x: torch.Tensor) -> None:
        x = x.reshape(-1)[:: x.numel() // _MEASURED_VALUES | 1]
        for group in measured[name]:
            if len(candidates.get(group, ())) < 2:
                continue
            whole = TensorType((1,), *open_types[group])
            unit = candidates[group][0]
            energies[group] += float((x / unit).square().sum())
            for i, scale in enumerate(candidates[group]):
                steps = torch.floor(x / scale + 0.5).clamp(whole.low, whole.high)
                errors[group][i] += float(((steps * scale - x) / unit).square().sum())

    for batch in chunks(graph, samples[:: -(-len(samples) // _MEASURED_SAMPLES)]):
        float_run.run(graph, batch, visit)
    return _choose(candidates, errors, energies)


def _measured(graph: g.FloatGraph, members: dict[str, list[str]]) -> dict[str, set[str]]:
    """Return for each tensor the groups whose scale it is put on: its own, and of its concats."""
    measured: dict[str, set[str]] = {name: set() for name in [g.INPUT, *graph.by_name]}
    for group, names in members.items():
        for name in names:
            layer = graph.by_name.get(name)
            if layer is None or isinstance(layer, g.Computed):
                measured[name].add(group)
            elif isinstance(layer, g.Concat):
                for source in set(layer.inputs) - set(names):
                    measured[source].add(group)
    return measured


def _choose(
    candidates: dict[str, list[float]], errors: dict[str, g.Floats], energies: dict[str, float]
) -> dict[str, float]:
    """Return the best scale of each group; a tensor that is always 0 gets a neighbour's."""
    scales: dict[str, float] = {}
    for group, values in candidates.items():
        if values:
            good_enough = max(errors[group].min(), _NEGLIGIBLE * energies[group])
            scales[group] = values[int(np.argmax(errors[group] <= good_enough))]
    fallback = next(iter(scales.values()), 1.0)
    return {group: scales.get(group, fallback) for group in candidates}


def scale_candidates(base: float, kind: str, headroom: bool = False) -> list[float]:
    """Return scales to try, the largest first: ``base`` just covers everything; [] for 0."""
    if base < _TINY:
        return []
    if kind == "float":
        return [base * f for f in ((*_HEADROOM, *_FRACTIONS) if headroom else _FRACTIONS)]
    mantissa, exponent = math.frexp(base)
    top = exponent - 1 if mantissa == 0.5 else exponent
    return [math.ldexp(1.0, top - i) for i in range(-len(_HEADROOM) * headroom, 4)]
