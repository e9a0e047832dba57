"""Proven widths of accumulators: no order of taps and no cut into parts leaves them."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby, permutations, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from tap_cases import SYSTEMS

from bitfpga.digits import NumberSystem, to_digits
from bitfpga.ir import TensorType
from bitfpga.plan.widths import HornerRange, horner_range, signed_bits

VALUES = st.integers(-256, 255) | st.sampled_from((0, 1, -1, -128, 127, -256, 255, 85, 171, 11))
ROWS = hnp.arrays(np.int16, st.integers(1, 4), elements=VALUES)
MATRICES = hnp.arrays(np.int16, st.tuples(st.integers(1, 3), st.integers(1, 4)), elements=VALUES)
INPUTS = st.builds(TensorType, st.just((4,)), st.integers(1, 16), st.booleans())
Tap = tuple[int, int, int]  # plane, input, sign


@pytest.mark.parametrize(
    ("low", "high", "bits"),
    [(0, 0, 1), (-1, 0, 1), (0, 1, 2), (-2, 1, 2), (-3, 0, 3), (-128, 127, 8), (0, 128, 9)],
)
def test_signed_bits_are_the_fewest(low: int, high: int, bits: int) -> None:
    assert signed_bits(low, high) == bits


def taps_of(row: np.ndarray, system: NumberSystem) -> list[Tap]:
    """Return the taps of one output from the highest plane down, in a plane by rising input."""
    digits = to_digits(row, system)
    return [
        (plane, i, (int(digits.positive[i]) >> plane & 1) - (int(digits.negative[i]) >> plane & 1))
        for plane in reversed(digits.planes)
        for i in range(len(row))
        if (digits.positive[i] | digits.negative[i]) >> plane & 1
    ]


def extremes(coefficients: dict[int, int], x: TensorType) -> tuple[int, int]:
    """Return the least and the greatest sum_i c_i x_i over all inputs."""
    ends = [(c * x.low, c * x.high) for c in coefficients.values()]
    return sum(map(min, ends)), sum(map(max, ends))


def walk(taps: list[Tap]) -> Iterator[dict[int, int]]:
    """Yield the input coefficients of the accumulator after every shift and every tap."""
    acc: dict[int, int] = {}
    plane = taps[0][0] if taps else 0
    for place, i, sign in taps:
        while plane > place:
            acc = {key: 2 * c for key, c in acc.items()}
            plane -= 1
            yield acc
        acc = {**acc, i: acc.get(i, 0) + sign}
        yield acc


def check_parts(taps: list[Tap], x: TensorType, found: HornerRange) -> None:
    """Assert that no run of ``taps``, and no sum of runs one after the other, leaves ``found``."""
    last = taps[-1][0] if taps else 0
    for first in range(len(taps)):
        for acc in walk(taps[first:]):
            assert -found.magnitude <= extremes(acc, x)[0]
            assert extremes(acc, x)[1] <= found.magnitude
    done: dict[int, int] = {}
    for place, i, sign in taps:  # at every cut the parts before it are summed, shifted
        done = {**done, i: done.get(i, 0) + (sign << (place - last))}
        assert -found.magnitude <= extremes(done, x)[0]
        assert extremes(done, x)[1] <= found.magnitude


@given(MATRICES, SYSTEMS, INPUTS)
@settings(max_examples=150)
def test_whole_outputs_stay_in_the_range_and_it_is_tight(weight, system, x) -> None:
    found = horner_range(to_digits(weight, system), x)
    seen = [0]
    for row in weight:
        for acc in walk(taps_of(row, system)):
            seen += extremes(acc, x)
    assert found.low <= min(seen) <= max(seen) <= found.high
    assert signed_bits(found.low, found.high) <= signed_bits(min(seen), max(seen)) + 1


@given(ROWS, SYSTEMS, INPUTS)
@settings(max_examples=200)
def test_every_part_and_every_sum_of_parts_stays_in_the_magnitude(row, system, x) -> None:
    found = horner_range(to_digits(row[None], system), x)
    check_parts(taps_of(row, system), x, found)
    assert found.magnitude >= max(-found.low, found.high)
    assert found.magnitude <= 2 * max(int(np.abs(row).sum()), 1) * max(-x.low, x.high)


@given(ROWS, SYSTEMS, INPUTS, st.integers(1, 3))
@settings(max_examples=100)
def test_splits_summed_one_after_the_other_stay_in_the_magnitude(row, system, x, cut) -> None:
    """Rows before ``cut`` are one split, the others the next; each is cut anywhere."""
    found = horner_range(to_digits(row[None], system), x)
    taps = taps_of(row, system)
    last = taps[-1][0] if taps else 0
    parts = [t for t in taps if t[1] < cut], [t for t in taps if t[1] >= cut]
    done: dict[int, int] = {}
    for part in parts:
        check_parts(part, x, found)
        for place, i, sign in part:
            done = {**done, i: done.get(i, 0) + (sign << (place - last))}
            assert max(map(abs, extremes(done, x))) <= found.magnitude


@given(hnp.arrays(np.int16, st.integers(1, 3), elements=VALUES), SYSTEMS, INPUTS)
@settings(max_examples=40)
def test_any_order_inside_a_plane_stays_in_the_range(row, system, x) -> None:
    found = horner_range(to_digits(row[None], system), x)
    planes = [list(group) for _, group in groupby(taps_of(row, system), key=lambda tap: tap[0])]
    shuffled = product(*(list(permutations(plane))[:4] for plane in planes[-3:]))
    for choice in shuffled:
        taps = [tap for plane in (*planes[:-3], *choice) for tap in plane]
        check_parts(taps, x, found)
        for acc in walk(taps):
            low, high = extremes(acc, x)
            assert found.low <= low <= high <= found.high


def test_the_range_of_one_weight_counts_no_trailing_plane() -> None:
    digits = to_digits(np.array([[128]], np.int16), NumberSystem.CSD)
    assert horner_range(digits, TensorType((1,), 8, False)) == HornerRange(0, 255, 255)


def test_a_csd_digit_may_pass_the_final_sum() -> None:
    digits = to_digits(np.array([[3]], np.int16), NumberSystem.CSD)
    assert horner_range(digits, TensorType((1,), 4, False)) == HornerRange(0, 60, 60)


def test_a_first_part_alone_may_pass_every_sum_of_the_whole_walk() -> None:
    """11 = 16 - 4 - 1: cut after its first tap, the sum of results starts at 16."""
    digits = to_digits(np.array([[11]], np.int16), NumberSystem.CSD)
    found = horner_range(digits, TensorType((1,), 8, True))
    assert found == HornerRange(-12 * 128, 12 * 127, 16 * 128)


def test_planes_above_and_below_an_outputs_own_count_nothing() -> None:
    digits = to_digits(np.array([[-256], [1]], np.int16), NumberSystem.BINARY)
    x = TensorType((1,), 5, True)
    assert horner_range(digits, x) == HornerRange(-16, 16, 16)


def test_no_taps_need_no_range() -> None:
    found = horner_range(
        to_digits(np.zeros((2, 3), np.int16), NumberSystem.CSD), TensorType((3,), 8, True)
    )
    assert found == HornerRange(0, 0, 0)
    assert found.joined(HornerRange(-3, 5, 6)) == HornerRange(-3, 5, 6)
    assert HornerRange(-9, 1, 9).joined(HornerRange(-3, 5, 6)) == HornerRange(-9, 5, 9)
