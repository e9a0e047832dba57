"""What users hand over, to integers: every refusal names its place."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from bitfpga_runtime import InputError
from bitfpga_runtime.bundle import TensorSpec
from bitfpga_runtime.convert import first_difference, to_integers, to_reals
from bitfpga_runtime.results import expected_outputs, validation
from runtime_bundles import INPUT, samples


def test_real_numbers_round_half_up_and_clamp() -> None:
    spec = TensorSpec((4,), 4, True, 0.5)
    x = [[0.25, 0.24, -0.25, -0.26], [3.5, 4.0, -4.0, -4.3], [1e300, -1e300, 3.24, 3.26]]
    integers, real = to_integers(spec, x)
    assert real
    assert integers.dtype == np.int8
    assert integers.tolist() == [[1, 0, 0, -1], [7, 7, -8, -8], [7, -8, 6, 7]]


def test_the_smallest_dtype_that_holds_it() -> None:
    names = [TensorSpec((1,), bits, True, 1.0).dtype.name for bits in (1, 8, 9, 16)]
    assert names == ["int8", "int8", "int16", "int16"]


def test_unsigned_and_wide_types_are_whole() -> None:
    spec = TensorSpec((2,), 16, False, 1.0)
    integers, real = to_integers(spec, [[0, 65535]])
    assert (integers.dtype, integers.tolist(), real) == (np.uint16, [[0, 65535]], False)
    assert (spec.low, spec.high, spec.label, spec.sample_bytes) == (0, 65535, "uint16[2]", 4)
    with pytest.raises(InputError, match=r"65536 at sample 1, index \(0,\): uint16\[2\] holds"):
        to_integers(spec, [[0, 0], [65536, 0]])


@pytest.mark.parametrize(
    "dtype", ["i1", "i2", "i4", "i8", ">i2", ">i8", "u1", "u8", "f2", "f4", ">f8"]
)
def test_every_number_type_gives_the_same_integers(dtype: str) -> None:
    x = np.minimum(np.abs(samples(3)), 31)
    scaled = x * INPUT.scale if "f" in dtype else x
    integers, _ = to_integers(INPUT, np.asfortranarray(scaled.astype(dtype)))
    assert integers.dtype == np.int8
    assert integers.flags.c_contiguous
    np.testing.assert_array_equal(integers, x)


def test_the_project_quantises_alike() -> None:
    network_module = pytest.importorskip("bitfpga.ir", reason="needs bitfpga itself")
    rng = np.random.RandomState(5)
    for bits, signed, scale in ((1, False, 0.3), (7, True, 2.0**-5), (16, True, 0.01)):
        given = network_module.TensorType((3, 5), bits, signed, scale)
        spec = TensorSpec(given.shape, bits, signed, scale)
        assert (spec.low, spec.high, spec.dtype) == (given.low, given.high, given.dtype)
        network = mock_network(given)
        x = rng.randn(50, 3, 5) * scale * 2.0 ** (bits - 1)
        x[0] = (np.arange(15).reshape(3, 5) - 7.5) * scale
        np.testing.assert_array_equal(to_integers(spec, x)[0], network.quantise(x))


def mock_network(given: Any) -> Any:
    from bitfpga.ir import Network, Reshape, TensorType

    flat = TensorType((15,), given.bits, given.signed, given.scale)
    return Network("n", given, (Reshape("r", ("input",), flat),))


@pytest.mark.parametrize(
    ("x", "words"),
    [
        (np.zeros((3, 5)), r"one sample without a batch axis: give x\[None\]"),
        (np.zeros((2, 5, 3)), r"input shape \(2, 5, 3\): expected \(n, 3, 5\)"),
        (np.zeros((2, 3)), r"input shape \(2, 3\): expected"),
        (np.float64(1), r"input shape \(\): expected"),
        (np.zeros((2, 3, 5), bool), "input dtype bool: give integers"),
        (np.zeros((2, 3, 5), complex), "input dtype complex128"),
        (np.full((1, 3, 5), "a"), "input dtype <U1"),
        (np.full((1, 3, 5), None), "input dtype object"),
        ([[1.0], [1.0, 2.0]], "not an array of numbers|dtype object"),
    ],
)
def test_what_is_no_batch_is_refused(x: Any, words: str) -> None:
    with pytest.raises(InputError, match=words):
        to_integers(INPUT, x)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("dtype", [np.float16, np.float64])
def test_nan_and_infinity_are_refused(value: float, dtype: Any) -> None:
    x = np.zeros((4, 3, 5), dtype)
    x[2, 1, 4] = value
    with pytest.raises(InputError, match=rf"holds {value} at sample 2, index \(1, 4\)"):
        to_integers(INPUT, x)


@pytest.mark.parametrize("dtype", [np.int8, np.uint64, np.int64])
def test_the_first_integer_out_of_range_is_named(dtype: Any) -> None:
    x = np.zeros((9, 3, 5), dtype)
    x[7, 0, 1], x[8, 2, 2] = 32, 127
    with pytest.raises(InputError, match=r"value 32 at sample 7, index \(0, 1\): int6\[3, 5\]"):
        to_integers(INPUT, x)
    if np.dtype(dtype).kind == "i":
        x[7, 0, 1], x[8, 2, 2] = 31, -33
        with pytest.raises(InputError, match="value -33 at sample 8"):
            to_integers(INPUT, x)
    x[7, 0, 1], x[8, 2, 2] = 31, 0
    np.testing.assert_array_equal(to_integers(INPUT, x)[0], x)


def test_places_are_counted_through_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bitfpga_runtime.convert._CHUNK_ELEMENTS", 31)
    x = samples(11) * INPUT.scale
    np.testing.assert_array_equal(to_integers(INPUT, x)[0], samples(11))
    x[9, 1, 1] = np.nan
    with pytest.raises(InputError, match="sample 9,"):
        to_integers(INPUT, x)


def test_results_to_real_numbers() -> None:
    spec = TensorSpec((2,), 8, True, 0.125)
    y = to_reals(spec, np.array([[-128, 127]], np.int8))
    assert (y.dtype, y.tolist()) == (np.float64, [[-16.0, 15.875]])


def test_the_first_difference_is_named() -> None:
    expected = np.arange(24).reshape(4, 3, 2)
    got = expected.copy()
    assert first_difference(expected, got) == ""
    got[1, 2, 0], got[3, 0, 0] = -1, -2
    text = "sample 1, index (2, 0): expected 10, got -1 (2 of 4 samples differ)"
    assert first_difference(expected, got) == text


def test_outputs_and_labels_are_compared() -> None:
    spec = TensorSpec((3,), 8, True, 1.0)
    got = np.array([[5, 5, 1], [0, 1, 2], [9, 0, 0]], np.int8)
    exact = validation(expected_outputs(spec, 3, got.astype(np.int64)), got)
    assert (exact.n_right, exact.accuracy, exact.by_label, exact.difference) == (3, 1.0, False, "")
    assert str(exact) == "3 of 3 samples equal bit for bit (100.00 %)"
    other = got.copy()
    other[2, 1] = 7
    wrong = validation(expected_outputs(spec, 3, other), got)
    assert wrong.n_right == 2
    assert str(wrong).endswith(
        "first difference: sample 2, index (1,): expected 7, got 0 (1 of 3 samples differ)"
    )
    labels = validation(expected_outputs(spec, 3, [0, 2, 1]), got)  # the first of equals is 0
    assert (labels.n_right, labels.by_label) == (2, True)
    assert str(labels) == "2 of 3 labels right (66.67 %)"


@pytest.mark.parametrize(
    "y", [[0.5, 1.0, 2.0], [[1, 2, 3]], [0, 1], np.zeros((3, 3)), [0, 1, 3], [-1, 0, 0]]
)
def test_what_cannot_be_compared_is_refused(y: Any) -> None:
    with pytest.raises(InputError, match=r"integer outputs|has the classes 0..2"):
        expected_outputs(TensorSpec((3,), 8, True, 1.0), 3, y)


def test_labels_need_more_than_one_output() -> None:
    with pytest.raises(InputError, match=r"integer outputs \(n, 1\)$"):
        expected_outputs(TensorSpec((1,), 8, True, 1.0), 2, [0, 0])
