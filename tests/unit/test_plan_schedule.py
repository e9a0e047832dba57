"""What a schedule says: exact counts, the same every time, saved and read back."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mlps import mlp, one_dense, random_weights, requantise
from strategies import dense_networks

from bitfpga.boards import load_board
from bitfpga.digits import NumberSystem, to_digits
from bitfpga.errors import PlanError
from bitfpga.ir import Add, Dense, MaxPool, Mean, Network, Pad, Reshape, Scale, Slice, TensorType
from bitfpga.ir import Transpose as Permute
from bitfpga.plan import Schedule, Target, layer_streams, plan, schedule_from_json

BOARD = load_board("pynq-z2")
NETWORK = mlp((11, 7, 13, 5))
FIXED_CYCLES = 6


@given(dense_networks(), st.sampled_from(list(NumberSystem)))
@settings(max_examples=40)
def test_counts_and_cycles_follow_from_the_streams(network: Network, system) -> None:
    try:
        schedule = plan(network, BOARD, number_system=system)
    except PlanError as error:
        assert "differs between positions" in str(error)  # noqa: PT017
        return
    streams = layer_streams(network, schedule)
    hardware = [layer for layer in network.layers if layer.kind != "reshape"]
    assert [layer.name for layer in schedule.layers] == [layer.name for layer in hardware]
    for layer, folded in zip(hardware, schedule.layers, strict=True):
        assert folded.shape == layer.output.shape
        assert folded.interval_cycles <= schedule.interval_cycles
        if isinstance(layer, Dense):
            check_dense(layer, folded, streams[layer.name], system)
        else:
            assert (folded.n_pes, folded.n_words, folded.walk_cycles) == (0, 0, 0)
            assert folded.requantise_cycles == layer.output.size
        both = folded.walk_cycles + folded.requantise_cycles
        assert folded.latency_cycles == both + FIXED_CYCLES


def check_dense(layer: Dense, folded, stream, system) -> None:
    live = int(layer.weight.any(axis=1).sum())
    assert folded.n_words == int(stream.lengths.sum())
    assert folded.n_taps == to_digits(layer.weight, system).count
    assert folded.n_taps <= folded.n_words
    assert folded.n_pes == len(stream.words) <= live
    assert folded.n_rows * folded.n_outputs == layer.output.size
    assert folded.walk_cycles == int(stream.lengths.max(initial=0)) * folded.n_rows
    assert folded.n_slots == int(stream.slots.max(initial=0))
    assert folded.n_pruned == len(layer.weight) - live
    assert folded.requantise_cycles == layer.output.size


def test_nearly_every_cycle_of_a_wide_layer_carries_a_tap() -> None:
    network = one_dense(random_weights(256, 64, 0.6))
    (layer,) = plan(network, BOARD, target=Target(fps=1e5)).layers
    assert 4 < layer.n_pes < 64
    assert layer.n_taps >= 0.95 * layer.walk_cycles * layer.n_pes


def test_half_the_digits_take_half_the_cycles() -> None:
    full = one_dense(np.full((16, 32), 5, np.int16))
    half = one_dense(np.full((16, 32), 4, np.int16))
    walks = [plan(n, BOARD, target=Target(fps=1)).layers[0].walk_cycles for n in (full, half)]
    assert walks == [16 * (2 * 32 + 1), 16 * 32]


@pytest.mark.parametrize("system", list(NumberSystem))
def test_a_schedule_survives_json(system: NumberSystem) -> None:
    schedule = plan(NETWORK, BOARD, clock_ns=7.5, number_system=system, target=Target(fps=2e5))
    text = schedule.to_json()
    assert schedule_from_json(text) == schedule
    assert schedule_from_json(text).to_json() == text


def test_the_same_network_gives_the_same_schedule_and_streams() -> None:
    first, second = (plan(mlp((11, 7, 13, 5)), BOARD) for _ in range(2))
    assert first.to_json() == second.to_json()
    for one, other in zip(
        *(layer_streams(NETWORK, s).values() for s in (first, second)), strict=True
    ):
        assert one.words.tobytes() == other.words.tobytes()
        assert one.order.tolist() == other.order.tolist()


def test_planning_edits_nothing() -> None:
    network = mlp((5, 3))
    before = network.layers[0].weight.copy()
    layer_streams(network, plan(network, BOARD))
    np.testing.assert_array_equal(network.layers[0].weight, before)


def edited(schedule: Schedule, **changes: object) -> str:
    return json.dumps({**json.loads(schedule.to_json()), **changes})


@pytest.mark.parametrize(
    "changes", [{"version": 2}, {"version": "1"}, {"layers": [{}]}, {"more": 1}, {"board": {}}]
)
def test_other_json_is_no_schedule(changes: dict[str, object]) -> None:
    text = edited(plan(mlp((3, 2)), BOARD), **changes)
    with pytest.raises((ValueError, KeyError, TypeError)):
        schedule_from_json(text)


def test_a_schedule_sums_up_its_layers() -> None:
    schedule = plan(NETWORK, BOARD, clock_ns=5.0)
    weights = [layer.weight for layer in NETWORK.layers]
    assert schedule.n_multiplies == sum(w.size for w in weights)
    assert schedule.n_taps == sum(to_digits(w, NumberSystem.CSD).count for w in weights)
    assert schedule.digits_per_weight == schedule.n_taps / schedule.n_multiplies
    assert schedule.samples_per_second == pytest.approx(1e9 / 5 / schedule.interval_cycles)
    assert schedule.latency_us == pytest.approx(schedule.latency_cycles * 0.005)
    assert schedule.layer("fc2") is schedule.layers[1]


def unsupported() -> list[Network]:
    source = TensorType((2, 3), 8, True)
    pool = TensorType((2, 2), 8, True)
    options = {"stride": (1,), "padding": ((0, 0),), "dilation": (1,)}
    mean = TensorType((1, 3), 8, True)
    return [
        Network("n", source, (MaxPool("p", ("input",), pool, "net.pool", kernel=(2,), **options),)),
        Network(
            "n", source, (Mean("m", ("input",), mean, axes=(0,), requantise=requantise(mean)),)
        ),
    ]


@pytest.mark.parametrize("network", unsupported(), ids=lambda n: n.layers[0].kind)
def test_layers_without_hardware_are_named_in_one_sentence(network: Network) -> None:
    layer = network.layers[0]
    with pytest.raises(PlanError) as caught:
        plan(network, BOARD)
    message = str(caught.value)
    assert message.startswith(f"no hardware yet for layers '{layer.label}' ({layer.kind}): ")
    assert "\n" not in message


def test_multipliers_that_differ_between_rows_have_no_hardware() -> None:
    output = TensorType((2, 3), 8, True)
    scaling = requantise(output, [[1], [2]])
    layer = Dense("f", ("input",), output, weight=np.ones((3, 4), np.int16), requantise=scaling)
    with pytest.raises(PlanError, match=r"^layer 'f': .* use one per output$"):
        plan(Network("n", TensorType((2, 4), 8, True), (layer,)), BOARD)


def test_a_reshape_is_only_wiring() -> None:
    source = TensorType((6,), 8, True)
    layer = Reshape("r", ("input",), TensorType((2, 3), 8, True))
    schedule = plan(Network("n", source, (layer,)), BOARD)
    assert schedule.layers == ()
    # One element a cycle in, one a cycle out.
    assert (schedule.interval_cycles, schedule.latency_cycles) == (6, 12)


def test_moves_take_a_cycle_for_each_element() -> None:
    source = TensorType((2, 3), 8, True)
    wide = TensorType((2, 5), 8, True)
    turned = TensorType((5, 2), 8, True)
    cut = TensorType((2, 2), 8, True)
    layers = (
        Pad("p", ("input",), wide, padding=((0, 0), (1, 1))),
        Permute("t", ("p",), turned, axes=(1, 0)),
        Slice("s", ("t",), cut, starts=(0, 0), stops=(4, 2), steps=(2, 1)),
        Scale("q", ("s",), cut, requantise=requantise(cut)),
    )
    schedule = plan(Network("n", source, layers), BOARD, target=Target(fps=1))
    assert [layer.requantise_cycles for layer in schedule.layers] == [10, 10, 4, 4]
    assert {layer.engine for layer in schedule.layers} == {"move"}


def test_a_tensor_with_two_readers_costs_a_copy() -> None:
    source = TensorType((5,), 8, True)
    same = requantise(source, 1)
    double = Scale("a", ("input",), source, requantise=same)
    residual = Add("b", ("a", "input"), source, weights=(1, 1), requantise=same)
    chain = Scale("b", ("a",), source, requantise=same)
    latencies = [
        plan(Network("n", source, (double, last)), BOARD).latency_cycles
        for last in (residual, chain)
    ]
    assert latencies[0] - latencies[1] == source.size + 1
