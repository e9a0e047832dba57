"""The reference equals loops over Python integers, for every layer kind; and its own corners."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from math import floor
from typing import Any

import brute_force
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from small_layers import I8, dense, identity_requantise, one_layer, scale
from strategies import DENSE_KINDS, batches, dense_networks, extreme_batches, networks

from bitfpga import reference
from bitfpga.errors import ModelError
from bitfpga.ir import (
    INPUT,
    LAYER_KINDS,
    Add,
    Network,
    Requantise,
    TensorType,
    accumulator_range,
)


def check_every_layer(network: Network, x: np.ndarray) -> None:
    """Assert that each layer's tensor is the brute-force one, and its accumulators in range."""
    tensors = reference.run_all(network, x)
    assert list(tensors) == [INPUT, *(layer.name for layer in network.layers)]
    for layer in network.layers:
        types = network.input_types(layer)
        actual = tensors[layer.name]
        assert actual.dtype == layer.output.dtype
        assert actual.shape == (len(x), *layer.output.shape)
        for i in range(len(x)):
            inputs = [tensors[name][i] for name in layer.inputs]
            assert brute_force.outputs(layer, inputs).tolist() == actual[i].tolist(), layer
            if hasattr(layer, "requantise"):
                acc = brute_force.accumulators(layer, inputs)
                low, high = accumulator_range(layer, types)
                assert int(low.min()) <= acc.min()
                assert acc.max() <= int(high.max())
    np.testing.assert_array_equal(reference.run(network, x), tensors[network.layers[-1].name])


@pytest.mark.parametrize("kind", LAYER_KINDS)
@settings(max_examples=80)
@given(data=st.data())
def test_each_kind_equals_brute_force(kind: str, data: st.DataObject) -> None:
    network = data.draw(networks((kind,), max_layers=2))
    assert {layer.kind for layer in network.layers} == {kind}
    check_every_layer(network, data.draw(batches(network, max_samples=3)))


@settings(max_examples=80)
@given(data=st.data())
def test_mixed_networks_equal_brute_force(data: st.DataObject) -> None:
    network = data.draw(networks(max_layers=6))
    check_every_layer(network, data.draw(batches(network, max_samples=2)))


@settings(max_examples=80)
@given(network=networks(max_layers=3))
def test_extreme_inputs_equal_brute_force(network: Network) -> None:
    x = extreme_batches(network, max_hot=2)
    assert x.min() == network.input.low
    assert x.max() == network.input.high
    check_every_layer(network, x)


@settings(max_examples=80)
@given(network=dense_networks())
def test_dense_networks_hold_dense_kinds_only(network: Network) -> None:
    assert {layer.kind for layer in network.layers} <= set(DENSE_KINDS)


@given(
    acc=st.integers(-(2**40), 2**40),
    multiplier=st.integers(-(2**12), 2**12),
    bias=st.integers(-(2**50), 2**50),
    shift=st.integers(0, 62),
)
def test_requantise_rounds_half_up(acc: int, multiplier: int, bias: int, shift: int) -> None:
    one = np.ones(1, np.int64)
    requantise = Requantise(one * multiplier, one * bias, shift, -(2**60), 2**60)
    expected = floor(Fraction(acc * multiplier + bias, 2**shift) + Fraction(1 if shift else 0, 2))
    assert requantise.apply(np.array([[acc]]))[0, 0] == expected


@pytest.mark.parametrize(
    ("acc", "shift", "low", "high", "expected"),
    [
        (-1, 1, -9, 9, 0),
        (-2, 1, -9, 9, -1),
        (-3, 1, -9, 9, -1),
        (1, 1, -9, 9, 1),
        (3, 1, -9, 9, 2),
        (-6, 2, -9, 9, -1),
        (-7, 2, -9, 9, -2),
        (6, 2, -9, 9, 2),
        (5, 2, -9, 9, 1),
        (7, 0, -9, 9, 7),
        (-7, 0, -9, 9, -7),
        (10, 0, -9, 9, 9),
        (-10, 0, -9, 9, -9),
        (-7, 0, 0, 9, 0),
        (9, 0, 3, 3, 3),
    ],
)
def test_requantise_by_hand(acc: int, shift: int, low: int, high: int, expected: int) -> None:
    one = np.ones(1, np.int64)
    requantise = Requantise(one, one * 0, shift, low, high)
    np.testing.assert_array_equal(requantise.apply(np.array([[acc]])), [[expected]])


def test_multiplier_and_bias_go_by_channel() -> None:
    requantise = Requantise(np.array([2, -1, 0]), np.array([1, 0, -5]), 1, -100, 100)
    result = requantise.apply(np.array([[7, 7, 7], [-2, -2, -2]]))
    np.testing.assert_array_equal(result, [[8, -3, -2], [-1, 1, -2]])


@given(
    x=hnp.arrays(np.int64, (3, 5), elements=st.integers(-(2**15), 2**16 - 1)),
    matrix=hnp.arrays(np.int16, (5, 2)),
)
def test_exact_matmul(x: np.ndarray, matrix: np.ndarray) -> None:
    expected = x.astype(object) @ matrix.astype(object)
    actual = reference.exact_matmul(x, matrix)
    assert actual.dtype == np.int64
    np.testing.assert_array_equal(actual, expected)


@pytest.mark.parametrize("largest", [2**53 // (2 * 32768), 2**40, 2**47])
def test_exact_matmul_beyond_what_float64_holds(largest: int) -> None:
    x = np.array([[largest, 1], [-largest, -1]])
    matrix = np.array([[32767, -32767, 256], [1, 2, 255]], np.int16)
    expected = x.astype(object) @ matrix.astype(object)
    np.testing.assert_array_equal(reference.exact_matmul(x, matrix), expected)
    odd = 2**53 + 1
    in_floats = np.float64(odd) * 1.0
    assert int(in_floats) != odd
    exact = reference.exact_matmul(np.array([[odd]]), np.ones((1, 1), np.int16))
    assert exact.tolist() == [[odd]]


def test_a_wide_dense_layer_keeps_its_last_bit() -> None:
    n_inputs = 1 << 17
    source = TensorType((n_inputs,), 16, False)
    output = TensorType((2,), 16, True)
    weight = np.full((2, n_inputs), -256, np.int16)
    weight[1] = 255
    weight[:, 0] = 1
    requantise = replace(identity_requantise(output), bias=np.array([0, 0]), shift=0)
    layer = dense(source, 2, weight=weight, output=output, requantise=requantise)
    total = 65535 * (n_inputs - 1)
    offset = np.array([256 * total - 65535 + 7, -255 * total - 65535 - 9])
    network = one_layer(replace(layer, requantise=replace(requantise, bias=offset)), source)
    y = reference.run(network, np.full((1, n_inputs), 65535, np.uint16))
    assert y.tolist() == [[7, -9]]


@settings(max_examples=20)
@given(network=networks(max_layers=4))
def test_a_batch_may_be_empty(network: Network) -> None:
    y = reference.run(network, np.zeros((0, *network.input.shape), np.int64))
    assert y.shape == (0, *network.output.shape)
    assert y.dtype == network.output.dtype


@settings(max_examples=20)
@given(data=st.data())
def test_samples_do_not_touch_each_other_or_the_input(data: st.DataObject) -> None:
    network = data.draw(networks(max_layers=4))
    x = data.draw(batches(network))
    assume(len(x) > 1)
    before = x.copy()
    x.flags.writeable = False
    whole = reference.run(network, x)
    single = np.concatenate([reference.run(network, x[i : i + 1]) for i in range(len(x))])
    np.testing.assert_array_equal(whole, single)
    np.testing.assert_array_equal(x, before)


def test_every_integer_dtype_and_lists_are_inputs() -> None:
    network = one_layer(scale())
    expected = reference.run(network, [[1, 0, 127, 2, 3]])
    for dtype in ("int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64", ">i4"):
        x = np.array([[1, 0, 127, 2, 3]], dtype)
        np.testing.assert_array_equal(reference.run(network, x), expected)
        assert reference.run_all(network, x)[INPUT].dtype == np.int8


@pytest.mark.parametrize(
    ("x", "words"),
    [
        (np.zeros((2, 5)), r"dtype float64.*integers.*network\.quantise"),
        (np.zeros((2, 5), bool), r"dtype bool.*integers"),
        (np.zeros((2, 5), object), r"dtype object.*integers"),
        (np.zeros(5, int), r"shape \(5,\): expected \(batch, 5\)"),
        (np.zeros((2, 4), int), r"shape \(2, 4\): expected \(batch, 5\)"),
        (np.zeros((1, 2, 5), int), r"shape \(1, 2, 5\): expected"),
        (np.full((1, 5), 128), r"values 128\.\.128: int8\[5\] holds -128\.\.127"),
        (np.full((1, 5), -129), r"values -129\.\.-129"),
        (np.full((1, 5), 2**64 - 1, np.uint64), r"values 18446744073709551615"),
        ([[1, 2], [3]], "not an array of integers"),
    ],
)
def test_bad_inputs(x: Any, words: str) -> None:
    with pytest.raises(ModelError, match=words):
        reference.run(one_layer(scale()), x)


def test_one_tensor_may_be_read_twice() -> None:
    layer = Add("s", (INPUT, INPUT), I8, weights=(1, -1), requantise=identity_requantise(I8))
    x = np.array([[-128, 127, 0, 1, -1]])
    np.testing.assert_array_equal(reference.run(one_layer(layer), x), np.zeros((1, 5)))
