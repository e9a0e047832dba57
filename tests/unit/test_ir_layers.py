"""Every way a layer can be wrong is one ``ModelError`` that says what, where and what next."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import pytest
from small_layers import (
    I8,
    MAP,
    avg_pool,
    conv,
    cut,
    dense,
    identity_requantise,
    ints,
    max_pool,
    mean,
    one_layer,
    refused,
    scale,
    table,
)

from bitfpga.ir import (
    Add,
    Concat,
    Layer,
    MaxPool,
    Pad,
    Reshape,
    TensorType,
    Transpose,
)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"shape": ()}, ["()", "at least 1"]),
        ({"shape": (3, 0)}, ["(3, 0)", "at least 1"]),
        ({"shape": (-2,)}, ["(-2,)", "at least 1"]),
        ({"shape": (1 << 15, 1 << 14)}, ["32768", "more than 268435456"]),
        ({"shape": (1,) * 9}, ["9 axes", "at most 8"]),
        ({"bits": 0}, ["0 bits", "1 to 16"]),
        ({"bits": 17}, ["17 bits", "1 to 16"]),
        ({"scale": 0.0}, ["0.0", "above 0"]),
        ({"scale": -1.0}, ["-1.0", "above 0"]),
        ({"scale": float("inf")}, ["inf", "finite"]),
        ({"scale": float("nan")}, ["nan", "finite"]),
    ],
)
def test_tensor_types(fields: dict[str, Any], words: list[str]) -> None:
    refused(lambda: replace(I8, **fields), *words)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"shift": -1}, ["shift -1", "0 to 62"]),
        ({"shift": 63}, ["shift 63", "0 to 62"]),
        ({"low": 4, "high": 3}, ["[4, 3]", "empty"]),
        ({"multiplier": np.ones(1, np.int32)}, ["multiplier", "int64"]),
        ({"bias": np.ones(1)}, ["bias", "int64"]),
        ({"real_multiplier": np.ones(1, np.float32)}, ["real_multiplier", "float64"]),
    ],
)
def test_requantise(fields: dict[str, Any], words: list[str]) -> None:
    refused(lambda: replace(identity_requantise(I8), **fields), *words)


BAD_LAYERS: dict[str, tuple[TensorType, Callable[[], Layer], list[str]]] = {
    "dense axes": (I8, lambda: dense(weight=np.ones(5, np.int16)), ["[n_outputs, n_inputs]"]),
    "dense inputs": (I8, lambda: dense(weight=np.ones((3, 4), np.int16)), ["4 inputs", "got 5"]),
    "weight dtype": (I8, lambda: dense(weight=np.ones((3, 5), np.int8)), ["int16"]),
    "weight empty": (I8, lambda: dense(weight=np.ones((0, 5), np.int16)), ["weight is empty"]),
    "weight 256": (
        I8,
        lambda: dense(weight=np.full((3, 5), 256, np.int16)),
        ["256..256", "9 bits signed", "-256..255", "quantise them"],
    ),
    "weight -257": (I8, lambda: dense(weight=np.full((3, 5), -257, np.int16)), ["-257..-257"]),
    "wrong output": (
        I8,
        lambda: dense(output=TensorType((4,), 8, True)),
        ["makes (3,)", "says (4,)"],
    ),
    "conv rank": (I8, lambda: conv(), ["c1", "(C, T) or (C, H, W)", "(5,)"]),
    "conv axes": (MAP, lambda: conv(weight=np.ones((2, 3, 2), np.int16)), ["4 axes"]),
    "conv groups": (MAP, lambda: conv(groups=3), ["3 groups", "2 outputs"]),
    "conv groups 0": (MAP, lambda: conv(groups=0), ["0 groups"]),
    "conv channels": (
        MAP,
        lambda: conv(weight=np.ones((2, 2, 2, 3), np.int16)),
        ["2 x 1 channels", "got 3"],
    ),
    "conv stride": (MAP, lambda: conv(stride=(0, 1)), ["stride", ">= 1"]),
    "conv dilation": (MAP, lambda: conv(dilation=(1, 0)), ["dilation", ">= 1"]),
    "conv settings": (MAP, lambda: conv(stride=(1,)), ["settings", "2 entries"]),
    "conv padding": (MAP, lambda: conv(padding=((0, -1), (0, 0))), ["padding must be >= 0"]),
    "conv large": (MAP, lambda: conv(dilation=(4, 1)), ["kernel (2, 3)", "larger", "(4, 5)"]),
    "conv vast": (
        MAP,
        lambda: conv(padding=((0, 1 << 62), (0, 0)), stride=(1 << 61, 1)),
        ["padding", "elements"],
    ),
    "pool rank 0": (MAP, lambda: max_pool(kernel=()), ["kernel ()", "(3, 4, 5)"]),
    "pool rank 4": (MAP, lambda: max_pool(kernel=(1, 1, 1, 1)), ["kernel (1, 1, 1, 1)"]),
    "pool settings": (MAP, lambda: avg_pool(stride=(1, 1, 1)), ["settings", "2 entries"]),
    "pool kernel 0": (MAP, lambda: avg_pool(kernel=(0, 3)), ["kernel", ">= 1"]),
    "pool before": (MAP, lambda: max_pool(padding=((2, 0), (0, 0))), ["wholly in the padding"]),
    "pool after": (
        MAP,
        lambda: max_pool(padding=((0, 2), (0, 0))),
        ["wholly in the padding", "use less"],
    ),
    "pool between": (
        TensorType((1,), 4, False),
        lambda: max_pool(kernel=(2,), stride=(1,), padding=((1, 1),), dilation=(2,)),
        ["wholly in the padding"],
    ),
    "pool vast kernel": (
        MAP,
        lambda: max_pool(kernel=(1 << 40, 1), padding=((1 << 40, 0), (0, 0))),
        ["elements"],
    ),
    "mean axis": (MAP, lambda: mean((3,)), ["axes (3,)", "(3, 4, 5)"]),
    "mean negative": (MAP, lambda: mean((-1,)), ["axes (-1,)"]),
    "mean none": (MAP, lambda: mean(()), ["axes ()"]),
    "mean twice": (MAP, lambda: mean((1, 1)), ["axes (1, 1)"]),
    "add weights": (
        I8,
        lambda: Add("s", ("input",), I8, weights=(1, 1), requantise=identity_requantise(I8)),
        ["one weight per input"],
    ),
    "table entries": (I8, lambda: table(np.zeros(255, np.int32)), ["256 entries"]),
    "table dtype": (I8, lambda: table(np.zeros(256)), ["int32"]),
    "table low": (I8, lambda: table(np.zeros(256, np.int32), low=0), ["start at -128"]),
    "table high": (I8, lambda: table(np.full(256, 128, np.int32)), ["leave the range", "int8[5]"]),
    "concat axis": (I8, lambda: Concat("j", ("input",), I8, axis=1), ["axis 1", "(5,)"]),
    "reshape": (
        I8,
        lambda: Reshape("r", ("input",), TensorType((2, 3), 8, True)),
        ["(5,)", "(2, 3)"],
    ),
    "transpose": (MAP, lambda: Transpose("t", ("input",), MAP, axes=(0, 1, 1)), ["permute"]),
    "pad rank": (I8, lambda: Pad("z", ("input",), I8, padding=()), ["padding ()", "(5,)"]),
    "pad below 0": (I8, lambda: Pad("z", ("input",), I8, padding=((0, -1),)), ["padding"]),
    "slice rank": (I8, lambda: cut((0, 0), (1, 1), (1, 1)), ["bounds do not fit", "(5,)"]),
    "slice start": (I8, lambda: cut((-1,), (3,), (1,)), ["bounds leave", "(5,)"]),
    "slice empty": (I8, lambda: cut((3,), (3,), (1,)), ["bounds leave"]),
    "slice stop": (I8, lambda: cut((3,), (6,), (1,)), ["bounds leave"]),
    "slice step": (I8, lambda: cut((3,), (4,), (0,)), ["bounds leave"]),
    "moved bits": (I8, lambda: cut((0,), (5,), (1,), bits=7), ["only moves values", "int7[5]"]),
    "moved sign": (I8, lambda: cut((0,), (5,), (1,), signed=False), ["only moves", "uint8[5]"]),
    "moved scale": (I8, lambda: cut((0,), (5,), (1,), scale=0.5), ["only moves", "0.5"]),
    "multiplier shape": (I8, lambda: scale(multiplier=ints(1, 1)), ["multiplier", "(2,)", "(5,)"]),
    "multiplier axes": (I8, lambda: scale(multiplier=ints(1)[None]), ["multiplier", "(1, 1)"]),
    "bias shape": (I8, lambda: scale(bias=ints(1, 2, 3)), ["bias", "(3,)", "(5,)"]),
    "bias empty": (I8, lambda: scale(bias=ints()), ["bias", "(0,)"]),
    "clamp low": (I8, lambda: scale(low=-129), ["[-129, 127]", "int8[5]"]),
    "clamp high": (I8, lambda: scale(high=128), ["[-128, 128]", "int8[5]"]),
    "unknown kind": (I8, lambda: Layer("odd", ("input",), I8), ["'odd'", "unknown"]),
    "long origin": (I8, lambda: replace(scale(), origin="a" * 256), ["origin", "255"]),
    "origin lines": (I8, lambda: replace(scale(), origin="a\nb"), ["origin", "printable"]),
    "origin type": (I8, lambda: replace(scale(), origin=7), ["origin", "printable"]),
}


@pytest.mark.parametrize("name", BAD_LAYERS)
def test_bad_layers(name: str) -> None:
    source, make, words = BAD_LAYERS[name]
    refused(lambda: one_layer(make(), source), "layer '", *words)


def test_the_good_ones_beside_the_bad_ones_pass() -> None:
    one_layer(dense())
    one_layer(conv(), MAP)
    one_layer(max_pool(), MAP)
    one_layer(avg_pool(), MAP)
    one_layer(table(np.zeros(256, np.int32)))
    one_layer(replace(scale(), origin="body.0.fc's näme"))


def test_the_users_own_name_is_in_the_message() -> None:
    layer = dense(weight=np.ones((3, 4), np.int16), origin="body.0.fc")
    refused(lambda: one_layer(layer), "layer 'body.0.fc' (dense)")


@pytest.mark.parametrize("size", [1, 2, 5])
def test_max_pool_windows_wholly_in_the_padding(size: int) -> None:
    refusals = 0
    for s, before, after, d, k in product((1, 2), range(4), range(4), (1, 2, 3), (1, 2, 3)):
        count = (size + before + after - d * (k - 1) - 1) // s + 1
        if count < 1:
            continue
        source = TensorType((size,), 4, True)
        settings = {"kernel": (k,), "stride": (s,), "dilation": (d,), "padding": ((before, after),)}
        layer = MaxPool("p", ("input",), replace(source, shape=(count,)), **settings)
        starts = (window * s - before for window in range(count))
        if all(any(0 <= p + d * i < size for i in range(k)) for p in starts):
            one_layer(layer, source)
        else:
            refusals += 1
            refused(lambda: one_layer(layer, source), "wholly in the padding")  # noqa: B023
    assert refusals > 10
