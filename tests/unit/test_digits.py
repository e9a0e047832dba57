"""Digits are exact both ways, canonical and fewest, on every integer there is."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from bitfpga.digits import LARGEST, Digits, NumberSystem, from_digits, to_digits
from bitfpga.errors import ModelError

SYSTEMS = tuple(NumberSystem)
EVERY = np.arange(-LARGEST, LARGEST + 1)


def digit_list(digits: Digits) -> list[int]:
    """Return one integer's digits as 0, 1, -1, least first."""
    positive, negative = int(digits.positive), int(digits.negative)
    return [(positive >> p & 1) - (negative >> p & 1) for p in range(16)]


def fewest_digits(limit: int) -> dict[int, int]:
    """Return the least number of signed digits of 0..``limit``, by a shortest-path search."""
    reach = 4 * limit
    costs, frontier = {0: 0}, [0]
    steps = [sign << p for p in range(reach.bit_length()) for sign in (1, -1)]
    while frontier:
        following = []
        for value in frontier:
            for other in (value + step for step in steps):
                if abs(other) <= reach and other not in costs:
                    costs[other] = costs[value] + 1
                    following.append(other)
        frontier = following
    return {value: costs[value] for value in range(limit + 1)}


@pytest.mark.parametrize("system", SYSTEMS)
def test_every_integer_comes_back(system: NumberSystem) -> None:
    digits = to_digits(EVERY, system)
    np.testing.assert_array_equal(from_digits(digits), EVERY)
    assert not np.any(digits.positive & digits.negative)
    assert digits.positive.dtype == digits.negative.dtype == np.uint16


@pytest.mark.parametrize("system", SYSTEMS)
@given(
    weights=hnp.arrays(
        st.sampled_from([np.dtype(d) for d in ("int8", "uint8", "int16", "int32", "int64")]),
        hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=5),
    )
)
def test_arrays_of_any_shape_come_back(system: NumberSystem, weights: np.ndarray) -> None:
    weights = np.asarray(weights // 2 if weights.dtype.itemsize == 1 else weights % LARGEST)
    digits = to_digits(weights, system)
    back = from_digits(digits)
    np.testing.assert_array_equal(back, weights)
    assert back.shape == weights.shape
    assert digits.counts.shape == weights.shape
    assert digits.count == sum(int(n) for n in np.ravel(digits.counts))


def test_csd_has_no_neighbouring_digits() -> None:
    digits = to_digits(EVERY, NumberSystem.CSD)
    used = (digits.positive | digits.negative).astype(np.int64)
    assert not np.any(used & (used << 1))


def test_csd_is_the_fewest_digits() -> None:
    fewest = fewest_digits(512)
    for sign in (1, -1):
        weights = np.array([sign * w for w in fewest])
        counts = to_digits(weights, NumberSystem.CSD).counts
        np.testing.assert_array_equal(counts, list(fewest.values()))


def test_csd_never_needs_more_than_binary() -> None:
    csd, binary = (to_digits(EVERY, s).counts for s in (NumberSystem.CSD, NumberSystem.BINARY))
    assert np.all(csd <= binary)
    assert to_digits(EVERY, NumberSystem.CSD).count < to_digits(EVERY, NumberSystem.BINARY).count


def test_binary_counts_the_ones_of_the_magnitude() -> None:
    digits = to_digits(EVERY, NumberSystem.BINARY)
    np.testing.assert_array_equal(digits.counts, [abs(int(w)).bit_count() for w in EVERY])
    assert not np.any(digits.negative[EVERY >= 0])
    assert not np.any(digits.positive[EVERY <= 0])


@pytest.mark.parametrize("system", SYSTEMS)
def test_negation_swaps_the_signs(system: NumberSystem) -> None:
    digits, mirrored = to_digits(EVERY, system), to_digits(-EVERY, system)
    np.testing.assert_array_equal(digits.positive, mirrored.negative)
    np.testing.assert_array_equal(digits.negative, mirrored.positive)


@pytest.mark.parametrize(
    ("weight", "csd", "binary"),
    [
        (0, {}, {}),
        (1, {0: 1}, {0: 1}),
        (-1, {0: -1}, {0: -1}),
        (3, {2: 1, 0: -1}, {1: 1, 0: 1}),
        (-7, {3: -1, 0: 1}, {0: -1, 1: -1, 2: -1}),
        (85, {6: 1, 4: 1, 2: 1, 0: 1}, {6: 1, 4: 1, 2: 1, 0: 1}),
        (127, {7: 1, 0: -1}, dict.fromkeys(range(7), 1)),
        (128, {7: 1}, {7: 1}),
        (-128, {7: -1}, {7: -1}),
        (255, {8: 1, 0: -1}, dict.fromkeys(range(8), 1)),
        (256, {8: 1}, {8: 1}),
        (-256, {8: -1}, {8: -1}),
    ],
)
def test_known_digits(weight: int, csd: dict[int, int], binary: dict[int, int]) -> None:
    for system, expected in ((NumberSystem.CSD, csd), (NumberSystem.BINARY, binary)):
        digits = digit_list(to_digits(np.array(weight), system))
        assert {p: d for p, d in enumerate(digits) if d} == expected


@pytest.mark.parametrize("system", SYSTEMS)
@pytest.mark.parametrize("shape", [(0,), (3, 0), (0, 5, 2)])
def test_empty_arrays(system: NumberSystem, shape: tuple[int, ...]) -> None:
    digits = to_digits(np.zeros(shape, np.int16), system)
    assert (digits.count, len(digits.planes)) == (0, 0)
    assert from_digits(digits).shape == digits.counts.shape == shape


@pytest.mark.parametrize(
    ("weights", "csd_planes", "binary_planes"),
    [([0, 0], 0, 0), ([1], 1, 1), ([[-3], [0]], 3, 2), ([4, -127], 8, 7), (-256, 9, 9)],
)
def test_planes_reach_the_highest_digit(
    weights: object, csd_planes: int, binary_planes: int
) -> None:
    array = np.array(weights)
    assert to_digits(array, NumberSystem.CSD).planes == range(csd_planes)
    assert to_digits(array, NumberSystem.BINARY).planes == range(binary_planes)


@pytest.mark.parametrize("dtype", ["float64", "bool", "complex64", "object", "U1"])
def test_only_integers_have_digits(dtype: str) -> None:
    with pytest.raises(ModelError, match=r"weights of dtype .*integers are needed"):
        to_digits(np.zeros(3, dtype), NumberSystem.CSD)


@pytest.mark.parametrize("weight", [LARGEST + 1, -LARGEST - 1, 2**63 - 1, -(2**63), 2**64 - 1])
def test_larger_weights_are_refused(weight: int) -> None:
    with pytest.raises(ModelError, match=r"beyond ±16383 .*use fewer bits"):
        to_digits(np.array([weight]), NumberSystem.CSD)


def test_a_number_system_may_be_given_by_name() -> None:
    weights = np.array([7])
    assert to_digits(weights, "binary").count == 3  # type: ignore[arg-type]
    assert to_digits(weights, "csd").count == 2  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="not a valid NumberSystem"):
        to_digits(weights, "decimal")  # type: ignore[arg-type]


def test_input_is_left_alone() -> None:
    weights = EVERY.copy()
    weights.flags.writeable = False
    to_digits(weights, NumberSystem.CSD)
    np.testing.assert_array_equal(weights, EVERY)
