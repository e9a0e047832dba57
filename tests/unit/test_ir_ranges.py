"""``accumulator_range`` is exact: the least and greatest over all corner inputs, no more."""

from __future__ import annotations

from itertools import product
from typing import Any

import brute_force
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_layers import identity_requantise
from strategies import tensor_types

from bitfpga.ir import (
    Add,
    AvgPool,
    Conv,
    Dense,
    Layer,
    Mean,
    Scale,
    TensorType,
    accumulator_range,
)
from bitfpga.ir.shapes import output_shape


def finished(cls: type[Layer], types: tuple[TensorType, ...], **fields: Any) -> Layer:
    """Return the layer on inputs of these types, its output type filled in."""
    requantise = identity_requantise(types[0])
    names = tuple(f"t{i}" for i in range(len(types)))
    draft = cls("a", names, types[0], requantise=requantise, **fields)  # type: ignore[call-arg]
    output = TensorType(output_shape(draft, types), 16, True)
    return cls("a", names, output, requantise=requantise, **fields)  # type: ignore[call-arg]


def corner_range(layer: Layer, types: tuple[TensorType, ...]) -> tuple[Any, Any]:
    """Return the least and greatest accumulators over every corner, as ``layer`` has outputs."""
    sizes = [t.size for t in types]
    ends = [end for t in types for end in [(t.low, t.high)] * t.size]
    every = []
    for corner in product(*ends):
        flat = np.split(np.array(corner), np.cumsum(sizes)[:-1])
        inputs = [part.reshape(t.shape) for part, t in zip(flat, types, strict=True)]
        every.append(brute_force.accumulators(layer, inputs))
    return np.min(every, axis=0), np.max(every, axis=0)


def check(layer: Layer, types: tuple[TensorType, ...], channel_axis: int | None = None) -> None:
    """Assert equality, per channel where there is one, whatever the other axes."""
    low, high = accumulator_range(layer, types)
    least, greatest = corner_range(layer, types)
    others = tuple(i for i in range(least.ndim) if i != channel_axis)
    assert low.dtype == high.dtype == np.int64
    assert low.tolist() == np.ravel(np.min(least, axis=others)).tolist()
    assert high.tolist() == np.ravel(np.max(greatest, axis=others)).tolist()


WEIGHTS = st.sampled_from((-256, -255, -128, -3, -1, 0, 0, 1, 64, 127, 128, 255))


def weights(draw: Any, shape: tuple[int, ...]) -> np.ndarray:
    flat = [draw(WEIGHTS) for _ in range(int(np.prod(shape)))]
    return np.array(flat, np.int16).reshape(shape)


@settings(max_examples=15)
@given(data=st.data(), shape=st.sampled_from(((5,), (2, 3), (1,))))
def test_dense(data: st.DataObject, shape: tuple[int, ...]) -> None:
    types = (data.draw(tensor_types(shape)),)
    layer = finished(Dense, types, weight=weights(data.draw, (3, shape[-1])))
    check(layer, types, channel_axis=len(shape) - 1)


CONVS: list[tuple[tuple[int, ...], tuple[int, ...], dict[str, Any]]] = [
    ((2, 4), (3, 2, 2), {"stride": (1,), "dilation": (1,), "padding": ((0, 0),), "groups": 1}),
    ((2, 4), (4, 1, 2), {"stride": (2,), "dilation": (2,), "padding": ((0, 0),), "groups": 2}),
    ((1, 5), (2, 1, 3), {"stride": (1,), "dilation": (1,), "padding": ((2, 1),), "groups": 1}),
    (
        (1, 2, 4),
        (2, 1, 2, 3),
        {"stride": (1, 1), "dilation": (1, 1), "padding": ((0, 0), (1, 0)), "groups": 1},
    ),
]


@pytest.mark.parametrize(("shape", "weight_shape", "fields"), CONVS)
@settings(max_examples=12)
@given(data=st.data())
def test_conv(data: st.DataObject, shape: Any, weight_shape: Any, fields: Any) -> None:
    types = (data.draw(tensor_types(shape)),)
    check(finished(Conv, types, weight=weights(data.draw, weight_shape), **fields), types, 0)


@settings(max_examples=15)
@given(data=st.data())
def test_add(data: st.DataObject) -> None:
    types = tuple(data.draw(tensor_types((2,))) for _ in range(data.draw(st.integers(1, 3))))
    signs = tuple(data.draw(st.sampled_from((-128, -1, 0, 1, 3))) for _ in types)
    check(finished(Add, types, weights=signs), types)


@settings(max_examples=15)
@given(data=st.data())
def test_sums_over_windows_and_axes(data: st.DataObject) -> None:
    types = (data.draw(tensor_types((1, 2, 4))),)
    settings_ = {"kernel": (2, 3), "stride": (1, 1), "padding": ((1, 0), (0, 1))}
    check(finished(AvgPool, types, **settings_), types)
    for axes in ((0,), (1,), (2, 1), (0, 1, 2)):
        check(finished(Mean, types, axes=axes), types)
    check(finished(Scale, types), types)


def test_a_pruned_row_has_the_range_zero() -> None:
    source = TensorType((5,), 16, False)
    weight = np.array([[0] * 5, [-256] * 5, [255] * 5], np.int16)
    low, high = accumulator_range(finished(Dense, (source,), weight=weight), (source,))
    assert low.tolist() == [0, -256 * 5 * 65535, 0]
    assert high.tolist() == [0, 0, 255 * 5 * 65535]


def test_sums_are_wider_than_the_weights() -> None:
    """Sums of int16 weights and of int8 activations would wrap in their own dtypes."""
    source = TensorType((5000,), 8, False)
    weight = np.full((2, 5000), -256, np.int16)
    low, high = accumulator_range(finished(Dense, (source,), weight=weight), (source,))
    assert (low.tolist(), high.tolist()) == ([-256 * 5000 * 255] * 2, [0, 0])
