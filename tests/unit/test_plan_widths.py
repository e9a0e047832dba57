"""Proven widths: no value of the hardware leaves them, and they are not wider than needed."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from mlps import one_dense, requantise

from bitfpga.boards import load_board
from bitfpga.digits import NumberSystem, to_digits
from bitfpga.ir import Add, Network, Requantise, TensorType
from bitfpga.plan import LayerSchedule, layer_stream, plan, to_terms
from bitfpga.plan.facts import scaled_width
from bitfpga.plan.streams import build_stream
from bitfpga.plan.widths import horner_range, signed_bits
from bitfpga.plan.words import INDEX_SHIFT, LAST, NEGATE, SHIFT

BOARD = load_board("pynq-z2")
SYSTEMS = st.sampled_from(list(NumberSystem))
WEIGHTS = st.integers(-256, 255) | st.sampled_from((0, 1, -1, -128, 127, -256, 255, 85))
MATRICES = hnp.arrays(np.int16, st.tuples(st.integers(1, 3), st.integers(1, 4)), elements=WEIGHTS)
INPUTS = st.builds(TensorType, st.just((4,)), st.integers(1, 16), st.booleans())


@pytest.mark.parametrize(
    ("low", "high", "bits"),
    [(0, 0, 1), (-1, 0, 1), (0, 1, 2), (-2, 1, 2), (-3, 0, 3), (-128, 127, 8), (0, 128, 9)],
)
def test_signed_bits_are_the_fewest(low: int, high: int, bits: int) -> None:
    assert signed_bits(low, high) == bits


def walked_values(weight: np.ndarray, system: NumberSystem, x: TensorType) -> list[int]:
    """Return what the accumulators hold after every word, for every corner of the inputs."""
    stream = build_stream(weight, system, 1, 16)
    corners = np.array(list(product((x.low, x.high, 0), repeat=weight.shape[1])))
    padded = np.pad(corners, ((0, 0), (0, 1))).T
    acc, seen = np.zeros(len(corners), np.int64), [0]
    for word in stream.words[0].tolist() if len(stream.words) else []:
        acc = acc * 2 if word & SHIFT else acc
        seen += [int(acc.min()), int(acc.max())]
        acc = acc + padded[word >> INDEX_SHIFT] * (-1 if word & NEGATE else 1)
        seen += [int(acc.min()), int(acc.max())]
        acc = acc * (not word & LAST)
    return seen


@given(MATRICES, SYSTEMS, INPUTS)
def test_the_range_holds_every_step_and_is_tight(weight, system, x) -> None:
    low, high = horner_range(to_digits(weight, system), x)
    seen = walked_values(weight, system, x)
    assert low <= min(seen) <= max(seen) <= high
    assert signed_bits(low, high) <= signed_bits(min(seen), max(seen)) + 1


def test_the_range_of_one_weight_counts_no_trailing_plane() -> None:
    x = TensorType((1,), 8, False)
    digits = to_digits(np.array([[128]], np.int16), NumberSystem.CSD)
    assert horner_range(digits, x) == (0, 255)


def test_a_csd_digit_may_pass_the_final_sum() -> None:
    x = TensorType((1,), 4, False)
    digits = to_digits(np.array([[3]], np.int16), NumberSystem.CSD)
    assert horner_range(digits, x) == (0, 4 * 15)


@st.composite
def scalings(draw) -> Requantise:
    """Draw a requantisation of one output: any multiplier, bias and clamp of a small range."""
    multiplier, bias = draw(st.integers(-999, 999)), draw(st.integers(-9999, 9999))
    ends = sorted(draw(st.tuples(*[st.integers(-(2**15), 2**16 - 1)] * 2)))
    arrays = (np.array([value], np.int64) for value in (multiplier, bias))
    return Requantise(*arrays, draw(st.integers(0, 20)), *ends)


@given(scalings(), st.integers(-(2**20), 2**20), st.integers(1, 2**20))
def test_scaled_bits_hold_every_partial_sum_and_the_clamp(scaling, low, span) -> None:
    terms = to_terms(scaling.multiplier)
    ends = np.array([low]), np.array([low + span])
    bits = scaled_width(terms, scaling.bias, scaling, *ends)
    seen = [scaling.low, scaling.high]
    for acc in (low, low + span):
        total = int(scaling.bias[0]) + scaling.half
        seen.append(total)
        for shift, sign in zip(terms.shifts[0].tolist(), terms.signs[0].tolist(), strict=True):
            total += sign * (acc << shift)
            seen += [total, sign * acc << shift]
    assert -(1 << (bits - 1)) <= min(seen) <= max(seen) < 1 << (bits - 1)
    assert bits <= max(map(abs, seen)).bit_length() + 3


@pytest.mark.parametrize(("bits", "signed"), [(16, False), (16, True), (9, False)])
def test_the_clamp_of_a_wide_output_fits_beside_a_narrow_sum(bits: int, signed: bool) -> None:
    output = TensorType((1,), bits, signed)
    network = one_dense([[1]], 1, False, output, requantise(output))
    (layer,) = plan(network, BOARD).layers
    assert layer.scaled_bits == signed_bits(output.low, output.high)


def test_the_sum_of_an_add_fits_whatever_the_order() -> None:
    source = TensorType((3,), 8, True)
    output = TensorType((3,), 16, True)
    add = Add("a", ("input", "input"), output, weights=(3, -3), requantise=requantise(output))
    (layer,) = plan(Network("n", source, (add,)), BOARD).layers
    assert layer.accumulator_bits == signed_bits(-2 * 5 * 128, 2 * 5 * 128)


def folded(network: Network, system: NumberSystem) -> tuple[LayerSchedule, list[int]]:
    schedule = plan(network, BOARD, number_system=system)
    layer = network.layers[0]
    return schedule.layers[0], layer_stream(layer, schedule).trailing.tolist()


@pytest.mark.parametrize("system", list(NumberSystem))
def test_the_planned_widths_hold_the_shifted_accumulator(system: NumberSystem) -> None:
    output = TensorType((2,), 8, True)
    weight = [[-256, 128], [64, 0]]
    scaling = requantise(output, [3, -5], [7, -7], 9)
    network = one_dense(weight, 8, True, output, scaling)
    layer, trailing = folded(network, system)
    assert sorted(trailing) == [6, 7]
    # 3 = 4 - 1 and -5 = -4 - 1 pass 5 times the accumulator on their way.
    largest = 5 * 128 * (256 + 128) + 7 + 256
    assert layer.scaled_bits == signed_bits(-largest, largest)
    assert layer.accumulator_bits == 10
