"""Requantisers of layers: multipliers in the stream's order, and widths that hold every sum."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mlps import dense, requantise
from strategies import networks
from streamed import only_step

from bitfpga.errors import PlanError
from bitfpga.ir import Add, Network, Requantise, Scale, TensorType
from bitfpga.plan.multipliers import to_terms
from bitfpga.plan.requantising import (
    channel_multipliers,
    element_multipliers,
    scaled_width,
    sum_widths,
)
from bitfpga.plan.steps import Step
from bitfpga.plan.widths import signed_bits

BEATS = st.sampled_from((1, 2, 4, 8))


def test_multipliers_of_channels() -> None:
    output = TensorType((2, 3), 8, True)
    scaling = Requantise(np.array([[3, -1, 7]]), np.array(5), 4, -8, 7)
    layer = dense("f", "input", np.ones((3, 4)), output, scaling)
    multiplier, bias = channel_multipliers(layer)
    assert multiplier.tolist() == [3, -1, 7]
    assert bias.tolist() == [5, 5, 5]
    one = replace(layer, output=TensorType((1, 3), 8, True))
    assert channel_multipliers(one)[0].tolist() == [3, -1, 7]
    for other in (np.array([[1], [2]]), np.array([[1, 2, 3], [1, 2, 4]])):
        for fields in ({"multiplier": other}, {"bias": other}):
            bad = replace(layer, origin="net.f", requantise=replace(scaling, **fields))
            with pytest.raises(PlanError, match=r"^layer 'net.f': .* use one per output$"):
                channel_multipliers(bad)


@pytest.mark.parametrize("beat_pixels", [1, 4])
@pytest.mark.parametrize(
    ("shape", "mode"),
    [((1, 1), 0), ((3, 1), 1), ((1, 5), 2), ((3, 5), 2), ((5,), 2)],
)
def test_multipliers_of_elements_come_in_the_streams_order(shape, mode, beat_pixels) -> None:
    source = TensorType((3, 5), 8, True)
    rng = np.random.default_rng(7)
    scaling = Requantise(rng.integers(-9, 9, shape), rng.integers(-99, 99, shape), 3, -128, 127)
    layer = Scale("s", ("input",), source, requantise=scaling)
    step = only_step(Network("n", source, (layer,)), beat_pixels)
    multiplier, bias, found = element_multipliers(step, scaling)
    assert found == mode
    assert multiplier.dtype == bias.dtype == np.int64
    beats = step.output.beats
    beat, lane = np.indices(beats.shape)
    number = {0: beat * 0, 1: beat % 3, 2: beat * beats.shape[1] + lane}[mode]
    for values, array in ((multiplier, scaling.multiplier), (bias, scaling.bias)):
        right = np.broadcast_to(array, source.shape).reshape(-1)
        assert len(values) == {0: 1, 1: 3, 2: beats.size}[mode]
        assert (values[number] == right[beats])[beats >= 0].all()


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
    bits = scaled_width(terms, scaling.bias, scaling, np.array([low]), np.array([low + span]))
    seen = [scaling.low, scaling.high]
    for acc in (low, low + span):
        total = int(scaling.bias[0]) + scaling.half
        seen.append(total)
        for shift, sign in zip(terms.shifts[0].tolist(), terms.signs[0].tolist(), strict=True):
            total += sign * (acc << shift)
            seen += [total, sign * acc << shift]
    assert -(1 << (bits - 1)) <= min(seen) <= max(seen) < 1 << (bits - 1)
    assert bits <= max(map(abs, seen)).bit_length() + 3


@given(networks(("add", "mean", "avg_pool", "scale"), 1), BEATS)
@settings(max_examples=80)
def test_widths_of_sums_hold_every_partial_sum(network: Network, beat_pixels: int) -> None:
    step = only_step(network, beat_pixels)
    layer = step.layer
    accumulator, scaled = sum_widths(step)
    for ends in product(*((t.low, t.high) for t in step.types)):
        total, seen = 0, list(ends)
        for value, count, weight in _terms(layer, step, ends):
            terms = to_terms(np.array([weight]))
            for _ in range(count):
                for place, sign in zip(terms.shifts[0], terms.signs[0], strict=True):
                    total += int(sign) * (value << int(place))
                    seen.append(total)
        assert -(1 << (accumulator - 1)) <= min(seen) <= max(seen) < 1 << (accumulator - 1)
        multiplier, bias, _ = element_multipliers(step, layer.requantise)
        wide = 1 << (scaled - 1)
        results = np.append(total * multiplier + bias + layer.requantise.half, seen)
        assert -wide <= results.min() <= results.max() < wide


def _terms(layer, step: Step, ends: tuple[int, ...]) -> list[tuple[int, int, int]]:
    """Return (value, how often, weight) of what is summed for one output."""
    if isinstance(layer, Add):
        return [(end, 1, weight) for end, weight in zip(ends, layer.weights, strict=True)]
    if layer.kind == "avg_pool":
        return [(ends[0], int(np.prod(layer.kernel)), 1)]
    if layer.kind == "mean":
        return [(ends[0], step.views[0].pixels, 1)]
    return [(ends[0], 1, 1)]


def test_the_sum_of_an_add_fits_whatever_the_order() -> None:
    source, output = TensorType((3,), 8, True), TensorType((3,), 16, True)
    add = Add("a", ("input", "input"), output, weights=(3, -3), requantise=requantise(output))
    found = sum_widths(only_step(Network("n", source, (add,))))
    assert found[0] == signed_bits(-2 * 5 * 128, 2 * 5 * 128)
