"""Real numbers to integers and back at a network's ends; types; what a network prints."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_layers import I8, dense, one_layer, scale
from strategies import networks

from bitfpga.errors import ModelError
from bitfpga.ir import Network, TensorType, TestVectors


@pytest.mark.parametrize(
    ("bits", "signed", "low", "high", "dtype"),
    [
        (1, False, 0, 1, "uint8"),
        (1, True, -1, 0, "int8"),
        (8, False, 0, 255, "uint8"),
        (8, True, -128, 127, "int8"),
        (9, False, 0, 511, "uint16"),
        (9, True, -256, 255, "int16"),
        (16, False, 0, 65535, "uint16"),
        (16, True, -32768, 32767, "int16"),
    ],
)
def test_types(bits: int, signed: bool, low: int, high: int, dtype: str) -> None:
    tensor = TensorType((3, 5), bits, signed)
    assert (tensor.low, tensor.high, tensor.dtype, tensor.size) == (low, high, dtype, 15)
    assert np.array([low, high]).astype(tensor.dtype).tolist() == [low, high]
    assert tensor.label == f"{'int' if signed else 'uint'}{bits}[3, 5]"


def test_quantise_rounds_half_up_and_clamps() -> None:
    network = one_layer(scale(), replace(I8, scale=0.5))
    x = [[0.25, -0.25, 0.2499, -0.2501, 0.75], [1e30, -1e30, np.inf, -np.inf, 63.5]]
    q = network.quantise(x)
    assert q.dtype == np.int8
    assert q.tolist() == [[1, 0, 0, -1, 2], [127, -128, 127, -128, 127]]
    assert network.dequantise(q).tolist()[0] == [1.0, 0.0, 0.0, -1.0, 2.0]


def test_quantise_of_values_far_beyond_a_small_scale() -> None:
    network = one_layer(scale(), replace(I8, scale=1e-300))
    assert network.quantise(np.full((1, 5), 1e300)).tolist() == [[127] * 5]


@given(data=st.data())
def test_integers_survive_the_way_through_real_numbers(data: st.DataObject) -> None:
    source = TensorType((4,), data.draw(st.integers(1, 16)), data.draw(st.booleans()))
    source = replace(source, scale=data.draw(st.floats(1e-9, 1e9)))
    network = Network("net", source, (replace(scale(), output=source, requantise=clamp(source)),))
    values = st.lists(st.integers(source.low, source.high), min_size=4, max_size=4)
    q = np.array([data.draw(values)])
    np.testing.assert_array_equal(network.quantise(network.dequantise(q)), q)


def clamp(source: TensorType) -> Any:
    return replace(scale().requantise, low=source.low, high=source.high)


@pytest.mark.parametrize(
    ("x", "words"),
    [
        (np.zeros(5), r"shape \(5,\): expected \(batch, 5\)"),
        (np.zeros((2, 3)), r"shape \(2, 3\): expected \(batch, 5\)"),
        (np.array([[0, 1, np.nan, 2, 3]]), "NaN: clean the data"),
        ([[1.0], [1.0, 2.0]], "not an array of real numbers"),
        ([["a", "b", "c", "d", "e"]], "not an array of real numbers"),
        (None, "shape"),
    ],
)
def test_quantise_refuses(x: Any, words: str) -> None:
    with pytest.raises(ModelError, match=words):
        one_layer(scale()).quantise(x)


def test_a_network_prints_itself() -> None:
    fc = replace(dense(), name="fc1")
    network = Network("jets", I8, (fc, replace(dense(fc.output, 2), name="fc2", inputs=("fc1",))))
    assert str(network) == (
        "network jets: int8[5] -> int8[2]\n"
        "  fc1 = dense(input) -> int8[3]\n"
        "  fc2 = dense(fc1) -> int8[2]"
    )


@given(network=networks())
def test_types_by_name(network: Network) -> None:
    assert network.types["input"] == network.input
    assert network.output == network.layers[-1].output == network.types[network.layers[-1].name]
    for layer in network.layers:
        assert network.input_types(layer) == tuple(network.types[name] for name in layer.inputs)


def test_networks_are_frozen() -> None:
    network = one_layer(scale())
    with pytest.raises(FrozenInstanceError):
        network.name = "other"  # type: ignore[misc]
    with pytest.raises(FrozenInstanceError):
        network.layers[0].name = "other"  # type: ignore[misc]


X = np.zeros((4, 5), np.int8)


@pytest.mark.parametrize(
    ("vectors", "words"),
    [
        (TestVectors(X.astype(float)), "dtype float64"),
        (TestVectors(X[:, 1:]), r"shape \(4, 4\)"),
        (TestVectors(X + np.int16(200)), r"values 200\.\.200"),
        (TestVectors(X.astype(np.uint32)), r"x is uint32, allowed: .*'uint8'"),
        (TestVectors(X, np.zeros(3, int)), r"labels has shape \(3,\), expected \(4,\)"),
        (TestVectors(X, np.zeros(4)), "labels is float64, allowed: .*'int64'"),  # type: ignore[arg-type]
        (
            TestVectors(X, None, np.zeros((4, 3), np.float32)),
            r"float_outputs has shape \(4, 3\), expected \(4, 5\)",
        ),
        (TestVectors(X, None, X), "float_outputs is int8, allowed: .*'float32'"),  # type: ignore[arg-type]
        (TestVectors(X, None, X.astype(np.float16)), "float_outputs is float16"),  # type: ignore[arg-type]
    ],
)
def test_bad_test_vectors(vectors: TestVectors, words: str) -> None:
    with pytest.raises(ModelError, match=words):
        Network("net", I8, (scale(),), vectors=vectors)
