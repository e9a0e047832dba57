"""The reference equals torch in float64, which is exact for integers this small."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_layers import one_layer

from bitfpga import reference
from bitfpga.ir import AvgPool, Conv, Dense, MaxPool, Mean, Requantise, TensorType
from bitfpga.ir.shapes import output_shape

torch = pytest.importorskip("torch", reason="torch is in the extra 'train'")
F = torch.nn.functional

SIZES = st.integers(1, 7)
WIDE = TensorType((1,), 16, True)


def run_one(layer: Any, x: np.ndarray, source: TensorType) -> np.ndarray:
    """Return the layer's outputs, its output type made to fit."""
    shape = output_shape(layer, (source,))
    layer = replace(layer, output=replace(layer.output, shape=shape))
    return reference.run(one_layer(layer, source), x)


def requantised(acc: Any, divisor: float = 1.0, channel_scale: Any = 1.0) -> np.ndarray:
    """Return torch's accumulators rounded half up and clamped to 16 bits."""
    values = torch.floor(acc * channel_scale / divisor + 0.5)
    return np.asarray(torch.clamp(values, -32768, 32767).numpy()).astype(np.int64)


def random_ints(data: st.DataObject, low: int, high: int, shape: tuple[int, ...]) -> np.ndarray:
    seed = data.draw(st.integers(0, 2**32 - 1))
    return np.random.default_rng(seed).integers(low, high + 1, shape)


@settings(max_examples=40)
@given(data=st.data(), rank=st.sampled_from((1, 2)))
def test_conv(data: st.DataObject, rank: int) -> None:
    draw = data.draw
    groups, per_group, outs = draw(st.integers(1, 3)), draw(st.integers(1, 3)), draw(SIZES)
    kernel, stride, dilation, padding = (
        tuple(draw(st.integers(least, 3)) for _ in range(rank)) for least in (1, 1, 1, 0)
    )
    spatial = tuple(d * (k - 1) + draw(SIZES) for d, k in zip(dilation, kernel, strict=True))
    source = TensorType((groups * per_group, *spatial), 8, draw(st.booleans()))
    x = random_ints(data, source.low, source.high, (2, *source.shape))
    weight = random_ints(data, -256, 255, (groups * outs, per_group, *kernel))
    channels = (groups * outs,) + (1,) * rank
    multiplier = random_ints(data, -9, 9, channels)
    layer = Conv(
        "c",
        ("input",),
        WIDE,
        weight=weight.astype(np.int16),
        requantise=Requantise(multiplier, multiplier * 0 + 3, 4, -32768, 32767),
        stride=stride,
        padding=tuple((p, p) for p in padding),
        dilation=dilation,
        groups=groups,
    )
    function = F.conv1d if rank == 1 else F.conv2d
    acc = function(
        torch.from_numpy(x).double(),
        torch.from_numpy(weight).double(),
        stride=stride,
        padding=padding,
        dilation=dilation,
        groups=groups,
    )
    expected = requantised(acc * torch.from_numpy(multiplier) + 3, 16)
    np.testing.assert_array_equal(run_one(layer, x, source), expected)


@settings(max_examples=40)
@given(data=st.data(), rank=st.sampled_from((1, 2)), largest=st.booleans())
def test_pools(data: st.DataObject, rank: int, largest: bool) -> None:
    draw = data.draw
    kernel = tuple(draw(st.integers(1, 4)) for _ in range(rank))
    stride = tuple(draw(st.integers(1, 3)) for _ in range(rank))
    padding = tuple(draw(st.integers(0, k // 2)) for k in kernel)
    dilation = tuple(draw(st.integers(1, 3)) if largest else 1 for _ in range(rank))
    spatial = tuple(d * (k - 1) + draw(SIZES) for d, k in zip(dilation, kernel, strict=True))
    source = TensorType((3, *spatial), 6, draw(st.booleans()))
    x = random_ints(data, source.low, source.high, (2, *source.shape))
    common: dict[str, Any] = {
        "kernel": kernel,
        "stride": stride,
        "padding": tuple((p, p) for p in padding),
    }
    values = torch.from_numpy(x).double()
    if largest:
        pool = MaxPool("p", ("input",), source, dilation=dilation, **common)
        function = F.max_pool1d if rank == 1 else F.max_pool2d
        expected = function(values, kernel, stride, padding, dilation).numpy()
    else:
        # A power of two stands for the count, so that torch's mean times it over 8 is exact.
        one = np.ones((1,) * (rank + 1), np.int64)
        requantise = Requantise(one, one * 0, 3, -32768, 32767)
        pool = AvgPool("p", ("input",), WIDE, requantise=requantise, **common)
        function = F.avg_pool1d if rank == 1 else F.avg_pool2d
        total = torch.round(function(values, kernel, stride, padding) * int(np.prod(kernel)))
        expected = requantised(total, 8)
    np.testing.assert_array_equal(run_one(pool, x, source), expected)


@settings(max_examples=30)
@given(data=st.data(), lead=st.sampled_from(((), (3,), (2, 5))))
def test_linear(data: st.DataObject, lead: tuple[int, ...]) -> None:
    n_inputs, n_outputs = data.draw(st.integers(1, 40)), data.draw(SIZES)
    source = TensorType((*lead, n_inputs), 8, data.draw(st.booleans()))
    x = random_ints(data, source.low, source.high, (2, *source.shape))
    weight = random_ints(data, -256, 255, (n_outputs, n_inputs))
    bias = random_ints(data, -999, 999, (n_outputs,))
    requantise = Requantise(np.ones(1, np.int64), bias, 5, -32768, 32767)
    layer = Dense("fc", ("input",), WIDE, weight=weight.astype(np.int16), requantise=requantise)
    values = (torch.from_numpy(a).double() for a in (x, weight, bias))
    expected = requantised(F.linear(*values), 32)
    np.testing.assert_array_equal(run_one(layer, x, source), expected)


@pytest.mark.parametrize("axes", [(1,), (2,), (1, 2), (0, 2)])
def test_mean_over_a_power_of_two(axes: tuple[int, ...]) -> None:
    source = TensorType((3, 4, 8), 8, True)
    x = np.random.default_rng(7).integers(-128, 128, (5, *source.shape))
    count = int(np.prod([source.shape[axis] for axis in axes]))
    one = np.ones((1, 1, 1), np.int64)
    # 1/3 of the axis of size 3 is left as a whole sum, the powers of two become shifts.
    shift = (count // (3 if 0 in axes else 1)).bit_length() - 1
    layer = Mean(
        "m", ("input",), WIDE, axes=axes, requantise=Requantise(one, one * 0, shift, -999, 999)
    )
    mean = torch.from_numpy(x).double().mean(dim=[axis + 1 for axis in axes], keepdim=True)
    expected = requantised(torch.round(mean * count), 2.0**shift)
    np.testing.assert_array_equal(run_one(layer, x, source), expected)
