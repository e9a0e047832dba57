"""Facts of layers: window rows times their weights are the accumulators, and widths hold them."""

from __future__ import annotations

from itertools import product

import brute_force
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mlps import dense, one_dense, requantise
from strategies import networks
from streamed import only_step

from bitfpga.digits import NumberSystem
from bitfpga.ir import Conv, Network, Reshape, Scale, TensorType
from bitfpga.plan.facts import (
    array_facts,
    step_window,
    window_weight,
)
from bitfpga.plan.steps import ARRAYS, Step
from bitfpga.plan.widths import signed_bits

BEATS = st.sampled_from((1, 2, 4, 8))
CSD = NumberSystem.CSD


def window_rows(step: Step, x: np.ndarray) -> np.ndarray:
    """Return the rows [n_rows, n_pixels] of a row-major ``x``, as the array fills its tiles."""
    flat = x.reshape(-1).astype(np.int64)
    if step.kind == "vector_array":
        places = step.inputs[0].beats.reshape(-1, 1)
        return np.where(places >= 0, flat[np.maximum(places, 0)], 999)  # nothing to rely on
    window, maps = step_window(step), flat[step.views[0].index]
    maps = maps.reshape(window.channels, window.height, window.width)
    rows = []
    for c, ky, kx in product(range(window.channels), *map(range, window.kernel)):
        row = []
        for oy, ox in product(range(window.out_height), range(window.out_width)):
            y = oy * window.stride[0] - window.padding_before[0] + ky * window.dilation[0]
            x_at = ox * window.stride[1] - window.padding_before[1] + kx * window.dilation[1]
            inside = 0 <= y < window.height and 0 <= x_at < window.width
            row.append(maps[c, y, x_at] if inside else 0)
        rows.append(row)
    return np.array(rows)


def check_array(network: Network, beat_pixels: int, seed: int) -> None:
    step = only_step(network, beat_pixels)
    assert step.kind in ARRAYS
    layer, tensor = step.layer, step.types[0]
    x = np.random.default_rng(seed).integers(tensor.low, tensor.high + 1, tensor.shape)
    rows = window_rows(step, x)
    if step.kind == "window_array" and len(tensor.shape) == 2:
        assert step_window(step).height == 1
    weight, n_groups = window_weight(step)
    assert weight.dtype == np.int16
    n_outputs, per_group = weight.shape
    assert rows.shape == (n_groups * per_group, step.output.order.pixels)
    sums = np.empty((n_outputs, rows.shape[1]), np.int64)
    for output in range(n_outputs):
        first = output // (n_outputs // n_groups) * per_group
        sums[output] = weight[output].astype(np.int64) @ rows[first : first + per_group]
    right = brute_force.accumulators(layer, [x]).astype(np.int64).reshape(-1)
    np.testing.assert_array_equal(sums, right[step.output.order.index])


@given(networks(("conv",), 1, ranks=(2, 3)), BEATS, st.integers(0, 99))
@settings(max_examples=60)
def test_a_convolutions_window_holds_what_its_weights_want(network, beat_pixels, seed) -> None:
    check_array(network, beat_pixels, seed)


@given(networks(("dense",), 1, ranks=(1, 2, 3)), BEATS, st.integers(0, 99))
@settings(max_examples=40)
def test_a_dense_layer_reads_rows_of_features(network, beat_pixels, seed) -> None:
    check_array(network, beat_pixels, seed)


@pytest.mark.parametrize("shape", [(3, 5), (2, 3, 3), (1, 7), (4, 1)])
@pytest.mark.parametrize("beat_pixels", [1, 2, 4, 8])
def test_lanes_past_the_map_weigh_nothing_in_a_flattened_dense_layer(shape, beat_pixels) -> None:
    """The input comes as maps (a scale writes what it reads), in beats that are not all full."""
    source = TensorType(shape, 8, True)
    flat = TensorType((source.size,), 8, True)
    weight = np.random.default_rng(1).integers(-256, 256, (3, source.size))
    layers = (
        Scale("s", ("input",), source, requantise=requantise(source)),
        Reshape("r", ("s",), flat),
        dense("fc", "r", weight, TensorType((3,), 8, True)),
    )
    network = Network("n", source, layers)
    check_array(network, beat_pixels, 3)
    step = only_step(network, beat_pixels)
    facts = array_facts(step, CSD)
    assert facts.n_rows == step.inputs[0].beats.size
    assert facts.n_fill == 1 + step.inputs[0].n_beats


def test_facts_of_a_depthwise_convolution() -> None:
    network = depthwise()
    facts = array_facts(only_step(network, 2), CSD)
    assert (facts.n_outputs, facts.n_rows, facts.n_fill, facts.n_pixels) == (4, 36, 37, 20)
    assert (facts.n_weights, facts.taps.n_groups, facts.input_bits) == (36, 4, 8)
    assert facts.layer is network.layers[0]
    assert facts.accumulator_bits(False) == signed_bits(-9 * 3 * 128, 9 * 3 * 128) + 1
    assert facts.accumulator_bits(True) >= facts.accumulator_bits(False)


def depthwise() -> Network:
    out = TensorType((4, 4, 5), 8, True)
    options = {"stride": (1, 1), "padding": ((1, 1),) * 2, "dilation": (1, 1)}
    layer = Conv(
        "c",
        ("input",),
        out,
        weight=np.full((4, 1, 3, 3), 3, np.int16),
        requantise=requantise(out),
        groups=4,
        **options,
    )
    return Network("n", out, (layer,))


@pytest.mark.parametrize("system", list(NumberSystem))
def test_the_widths_of_an_array_hold_the_shifted_accumulator(system: NumberSystem) -> None:
    output = TensorType((2,), 8, True)
    scaling = requantise(output, [3, -5], [7, -7], 9)
    network = one_dense([[-256, 128], [64, 0]], 8, True, output, scaling)
    facts = array_facts(only_step(network), system)
    assert facts.taps.trailing.tolist() == [7, 6]
    # 3 = 4 - 1 and -5 = -4 - 1 pass 5 times the accumulator on their way.
    largest = 5 * 128 * (256 + 128) + 7 + 256
    assert facts.scaled_bits == signed_bits(-largest, largest)
    assert facts.accumulator_bits(False) == 10
    assert facts.n_terms == 2
