"""Hypothesis strategies for one layer on top of given tensors, as ``strategies`` uses them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from hypothesis import strategies as st
from small_layers import identity_requantise

from bitfpga.errors import ModelError
from bitfpga.ir import (
    Add,
    AvgPool,
    Concat,
    Conv,
    Dense,
    Layer,
    MaxPool,
    Mean,
    Pad,
    Requantise,
    Reshape,
    Scale,
    Slice,
    Table,
    TensorType,
    Transpose,
    accumulator_range,
)
from bitfpga.ir.shapes import output_shape

TABLE_BITS = 10
NAMES = ("int", "class", "x", "X", "main", "std", "ap_int", "template", "l0", "EOF", "layer")
Draw = Callable[[Any], Any]
Tensors = dict[str, TensorType]


@st.composite
def tensor_types(draw: Draw, shape: tuple[int, ...], max_bits: int = 16) -> TensorType:
    """Draw a type of this shape: 1..``max_bits`` bits, signed or not, a power-of-two scale."""
    bits = min(draw(st.integers(1, 16) | st.sampled_from((8, 8, 4, 1, 16))), max_bits)
    return TensorType(shape, bits, draw(st.booleans()), 2.0 ** draw(st.integers(-9, 3)))


@st.composite
def layers_on(
    draw: Draw, tensors: Tensors, kinds: Sequence[str], rng: np.random.Generator
) -> Layer:
    """Draw a valid layer that reads some of ``tensors``; the newest tensor most often."""
    makers = [(kind, name) for kind in kinds for name in tensors if _can_read(kind, tensors[name])]
    newest = [pair for pair in makers if pair[1] == list(tensors)[-1]]
    kind, source = draw(st.sampled_from((newest or makers) if draw(st.booleans()) else makers))
    base = draw(st.sampled_from(NAMES))
    name = base if base not in tensors else f"{base}_{len(tensors)}"
    common = {"name": name, "origin": draw(st.sampled_from(("", "body.0.fc", f"{name}'s")))}
    return _finished(draw, _MAKERS[kind](draw, rng, tensors, source, common), tensors, rng)


def _can_read(kind: str, source: TensorType) -> bool:
    if kind == "conv":
        return len(source.shape) in (2, 3)
    return kind != "table" or source.bits <= TABLE_BITS


def _finished(draw: Draw, layer: Layer, tensors: Tensors, rng: np.random.Generator) -> Layer:
    """Return ``layer`` with its output type, and a requantisation that fits its accumulators."""
    types = tuple(tensors[name] for name in layer.inputs)
    shape = output_shape(layer, types)
    if layer.kind == "table":
        return replace(layer, output=replace(layer.output, shape=shape))
    if not hasattr(layer, "requantise"):
        return replace(layer, output=replace(types[0], shape=shape))
    output = draw(tensor_types(shape))
    low, high = accumulator_range(layer, types)
    reach = max(abs(int(low.min())), abs(int(high.max())), 1)
    return replace(layer, output=output, requantise=_requantise(draw, rng, layer, output, reach))


def _requantise(
    draw: Draw, rng: np.random.Generator, layer: Layer, output: TensorType, reach: int
) -> Requantise:
    rank = len(output.shape)
    axis = rank - 1 if layer.kind == "dense" else 0
    per_channel = tuple(n if i == axis else 1 for i, n in enumerate(output.shape))
    if layer.kind == "dense" and draw(st.booleans()):
        per_channel = per_channel[axis:]
    shape = draw(st.sampled_from((per_channel, (1,) * rank)))
    digits = draw(st.integers(0, 9))
    if draw(st.booleans()):
        multiplier = rng.integers(-(1 << digits), (1 << digits) + 1, shape)
    else:
        multiplier = np.full(shape, 1 << digits)
    spread = reach << digits
    bias = rng.integers(-spread // 4, spread // 4 + 1, shape)
    shift = spread.bit_length() - output.bits + draw(st.integers(-5, 1))
    ends = sorted((output.low, output.high, draw(st.integers(output.low, output.high))))
    whole = (output.low, output.high)
    clamp = draw(st.sampled_from((whole, whole, (ends[0], ends[1]), (ends[1], ends[2]))))
    real = rng.random(shape) if draw(st.booleans()) else None
    return Requantise(multiplier, bias, min(max(shift, 0), 62), *clamp, real)


def _weights(draw: Draw, rng: np.random.Generator, shape: tuple[int, ...]) -> Any:
    """Return int16 weights: random, extreme or sparse, often with fully pruned rows."""
    style = draw(
        st.sampled_from(("8 bits", "9 bits", "edges", "8 bits", "sparse", "powers", "zero"))
    )
    choices = {
        "8 bits": np.arange(-128, 129),
        "9 bits": np.arange(-256, 256),
        "edges": np.array([-256, -128, -1, 0, 1, 127, 128, 255]),
        "sparse": np.array([0] * 12 + [-128, -3, 1, 64, 85]),
        "powers": np.array([0, 1, -2, 4, -8, 16, -32, 64, -128]),
        "zero": np.array([0]),
    }
    weight = rng.choice(choices[style], shape).astype(np.int16)
    if draw(st.booleans()):
        weight[rng.integers(shape[0])] = 0
    return weight


def _with_requantise(source: TensorType) -> dict[str, Any]:
    return {"output": source, "requantise": identity_requantise(source)}


def _dense(draw: Draw, rng: Any, tensors: Tensors, name: str, common: dict[str, Any]) -> Layer:
    source = tensors[name]
    shape = (draw(st.sampled_from((1, 2, 3, 6, 11))), source.shape[-1])
    weight = _weights(draw, rng, shape)
    return Dense(inputs=(name,), weight=weight, **common, **_with_requantise(source))


def _windows(draw: Draw, spatial: tuple[int, ...], dilated: bool = True) -> dict[str, Any]:
    """Draw kernel, stride, padding and dilation that fit ``spatial``, each axis on its own."""
    axes = []
    for size in spatial:
        dilation = draw(st.integers(1, 3)) if dilated else 1
        before, after = draw(st.integers(0, 2)), draw(st.integers(0, 3))
        room = (size + before + after - 1) // dilation + 1
        kernel = draw(st.integers(1, min(room, 4)))
        axes.append((kernel, draw(st.integers(1, 3)), (before, after), dilation))
    kernel, stride, padding, dilation = zip(*axes, strict=True)
    settings = {"kernel": kernel, "stride": stride, "padding": padding}
    return {**settings, "dilation": dilation} if dilated else settings


def _conv(draw: Draw, rng: Any, tensors: Tensors, name: str, common: dict[str, Any]) -> Layer:
    source = tensors[name]
    channels = source.shape[0]
    groups = draw(st.sampled_from([g for g in range(1, channels + 1) if channels % g == 0]))
    settings = _windows(draw, source.shape[1:])
    shape = (groups * draw(st.integers(1, 3)), channels // groups, *settings.pop("kernel"))
    return Conv(
        inputs=(name,),
        weight=_weights(draw, rng, shape),
        groups=groups,
        **settings,
        **common,
        **_with_requantise(source),
    )


def _max_pool(draw: Draw, rng: Any, tensors: Tensors, name: str, common: dict[str, Any]) -> Layer:
    source = tensors[name]
    spatial = source.shape[-draw(st.integers(1, min(2, len(source.shape)))) :]
    layer = MaxPool(inputs=(name,), output=source, **_windows(draw, spatial), **common)
    try:
        output_shape(layer, (source,))
    except ModelError:
        return replace(layer, padding=((0, 0),) * len(spatial), kernel=(1,) * len(spatial))
    return layer


def _avg_pool(draw: Draw, rng: Any, tensors: Tensors, name: str, common: dict[str, Any]) -> Layer:
    source = tensors[name]
    spatial = source.shape[-draw(st.integers(1, min(2, len(source.shape)))) :]
    settings = _windows(draw, spatial, dilated=False)
    return AvgPool(inputs=(name,), **settings, **common, **_with_requantise(source))


def _mean(draw: Draw, rng: Any, tensors: Tensors, name: str, common: dict[str, Any]) -> Layer:
    source = tensors[name]
    every = range(len(source.shape))
    axes = draw(st.lists(st.sampled_from(every), min_size=1, max_size=3, unique=True))
    return Mean(inputs=(name,), axes=tuple(axes), **common, **_with_requantise(source))


def _add(draw: Draw, rng: Any, tensors: Tensors, name: str, common: dict[str, Any]) -> Layer:
    source = tensors[name]
    alike = [other for other, t in tensors.items() if t.shape == source.shape]
    inputs = (name, *draw(st.lists(st.sampled_from(alike), max_size=2)))
    weights = tuple(draw(st.sampled_from((1, 1, -1, 3, 16, -128))) for _ in inputs)
    return Add(inputs=inputs, weights=weights, **common, **_with_requantise(source))


def _scale(draw: Draw, rng: Any, tensors: Tensors, name: str, common: dict[str, Any]) -> Layer:
    return Scale(inputs=(name,), **common, **_with_requantise(tensors[name]))


def _table(draw: Draw, rng: Any, tensors: Tensors, name: str, common: dict[str, Any]) -> Layer:
    source, output = tensors[name], draw(tensor_types((1,)))
    table = rng.integers(output.low, output.high + 1, 1 << source.bits).astype(np.int32)
    return Table(inputs=(name,), output=output, low=source.low, table=table, **common)


def _concat(draw: Draw, rng: Any, tensors: Tensors, name: str, common: dict[str, Any]) -> Layer:
    source = tensors[name]
    axis = draw(st.integers(0, len(source.shape) - 1))
    alike = [
        other
        for other, t in tensors.items()
        if replace(t, shape=(1,)) == replace(source, shape=(1,))
        and t.shape[:axis] + t.shape[axis + 1 :] == source.shape[:axis] + source.shape[axis + 1 :]
        and len(t.shape) == len(source.shape)
    ]
    inputs = (name, *draw(st.lists(st.sampled_from(alike), max_size=2)))
    return Concat(inputs=inputs, output=source, axis=axis, **common)


def _reshape(draw: Draw, rng: Any, tensors: Tensors, name: str, common: dict[str, Any]) -> Layer:
    source = tensors[name]
    first = draw(st.sampled_from([n for n in range(1, source.size + 1) if source.size % n == 0]))
    shapes = [(source.size,), (first, source.size // first), (first, 1, source.size // first)]
    output = replace(source, shape=draw(st.sampled_from(shapes)))
    return Reshape(inputs=(name,), output=output, **common)


def _transpose(draw: Draw, rng: Any, tensors: Tensors, name: str, common: dict[str, Any]) -> Layer:
    source = tensors[name]
    axes = tuple(draw(st.permutations(range(len(source.shape)))))
    return Transpose(inputs=(name,), output=source, axes=axes, **common)


def _pad(draw: Draw, rng: Any, tensors: Tensors, name: str, common: dict[str, Any]) -> Layer:
    source, amount = tensors[name], st.integers(0, 2)
    padding = tuple((draw(amount), draw(amount)) for _ in source.shape)
    return Pad(inputs=(name,), output=source, padding=padding, **common)


def _slice(draw: Draw, rng: Any, tensors: Tensors, name: str, common: dict[str, Any]) -> Layer:
    source = tensors[name]
    bounds = []
    for size in source.shape:
        start = draw(st.integers(0, size - 1))
        bounds.append((start, draw(st.integers(start + 1, size)), draw(st.integers(1, 3))))
    starts, stops, steps = zip(*bounds, strict=True)
    return Slice(inputs=(name,), output=source, starts=starts, stops=stops, steps=steps, **common)


_MAKERS: dict[str, Callable[..., Layer]] = {
    "dense": _dense,
    "conv": _conv,
    "max_pool": _max_pool,
    "avg_pool": _avg_pool,
    "mean": _mean,
    "add": _add,
    "scale": _scale,
    "table": _table,
    "concat": _concat,
    "reshape": _reshape,
    "transpose": _transpose,
    "pad": _pad,
    "slice": _slice,
}
