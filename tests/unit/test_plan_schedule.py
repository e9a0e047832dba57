"""What a schedule says: exact counts, the same every time, saved and read back."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from conv_nets import conv_net
from hypothesis import given, settings
from hypothesis import strategies as st
from mlps import dense, mlp, one_dense, requantise
from strategies import networks

from bitfpga.boards import load_board
from bitfpga.digits import NumberSystem, to_digits
from bitfpga.errors import PlanError
from bitfpga.ir import MaxPool, Network, Reshape, Scale, TensorType
from bitfpga.plan import Schedule, Target, layer_stream, lower, plan, schedule_from_json
from bitfpga.plan.steps import ARRAYS, Step

BOARD = load_board("pynq-z2")
NETWORK = mlp((11, 7, 13, 5))
MAPS = conv_net(5)
SYSTEMS = st.sampled_from((NumberSystem.CSD, NumberSystem.BINARY))


@given(networks(max_layers=4), SYSTEMS)
@settings(max_examples=40)
def test_counts_and_cycles_follow_from_the_streams(network: Network, system) -> None:
    schedule = plan(network, BOARD, number_system=system)
    pipeline = lower(network, schedule.beat_pixels)
    steps = [step for step in pipeline.steps if step.kind not in ("load", "store")]
    assert [layer.name for layer in schedule.layers] == [step.name for step in steps]
    assert [queue.name for queue in schedule.fifos] == [queue.name for queue in pipeline.fifos]
    for queue, fifo in zip(schedule.fifos, pipeline.fifos, strict=True):
        stream = pipeline.streams[fifo.stream]
        assert queue.bits == stream.lanes * schedule.n_samples * stream.tensor.bits
        assert queue.depth >= 1
    for step, folded in zip(steps, schedule.layers, strict=True):
        assert step.output is not None
        assert folded.shape == step.output.tensor.shape
        assert folded.n_outputs * folded.n_pixels == step.output.tensor.size
        assert folded.interval_cycles <= schedule.interval_cycles
        assert 0 <= folded.first_cycle <= folded.last_cycle < schedule.latency_cycles
        if step.kind in ARRAYS:
            check_array(step, folded, system)
        else:
            assert (folded.n_pes, folded.n_taps, folded.walk_cycles) == (0, 0, 0)


def check_array(step: Step, folded, system: NumberSystem) -> None:
    layer = step.layer
    assert layer is not None
    assert step.output is not None
    rows = layer.weight.reshape(len(layer.weight), -1)
    stream = layer_stream(step, folded, system)
    assert folded.n_weights == rows.size
    assert folded.n_taps == stream.n_taps == to_digits(rows, system).count
    assert folded.n_pruned == int((~rows.any(axis=1)).sum())
    assert folded.n_pes == (len(stream.pe_split) if folded.n_taps else 0)
    assert folded.n_slots == stream.job_base.shape[1]
    assert folded.n_entries == len(stream.entry_output) >= folded.n_outputs
    assert folded.walk_cycles == int(stream.pe_cycles.max(initial=0))
    jobs = (stream.job_base, stream.job_cycles)
    job_bits = sum(int(table.max(initial=0)).bit_length() for table in jobs)
    stored = stream.tap_rows.size * stream.row_bits + stream.job_base.size * job_bits
    assert folded.tap_bits == (stored if stream.n_taps else 0)
    assert folded.symbol_bits == stream.symbol_bits
    assert folded.n_tiles == -(-folded.n_pixels // folded.tile_pixels)
    assert 0 <= folded.utilisation <= 1
    blocks = -(-min(folded.tile_pixels, folded.n_pixels) // step.output.lanes)
    assert folded.emit_cycles == blocks * folded.n_entries
    busiest = max(folded.fill_cycles, folded.walk_cycles) * folded.n_tiles
    assert folded.interval_cycles >= busiest
    assert folded.source == ("rom" if folded.n_taps else "none")


@pytest.mark.parametrize("network", [NETWORK, MAPS], ids=["vectors", "maps"])
@pytest.mark.parametrize("system", [NumberSystem.CSD, NumberSystem.BINARY])
def test_a_schedule_survives_json(network: Network, system: NumberSystem) -> None:
    schedule = plan(network, BOARD, clock_ns=7.5, number_system=system, target=Target(fps=2e4))
    text = schedule.to_json()
    assert schedule_from_json(text) == schedule
    assert schedule_from_json(text).to_json() == text


@pytest.mark.parametrize("make", [lambda: mlp((11, 7, 13, 5)), lambda: conv_net(5)])
def test_the_same_network_gives_the_same_schedule_and_streams(make) -> None:
    schedules = [plan(make(), BOARD) for _ in range(2)]
    assert schedules[0].to_json() == schedules[1].to_json()
    first, second = (streams(make(), schedule) for schedule in schedules)
    for one, other in zip(first, second, strict=True):
        assert one.tap_rows.tobytes() == other.tap_rows.tobytes()
        assert one.job_base.tobytes() == other.job_base.tobytes()
        assert one.entry_slot.tobytes() == other.entry_slot.tobytes()


def streams(network: Network, schedule: Schedule) -> list:
    return [
        layer_stream(step, schedule.layer(step.name), schedule.number_system)
        for step in lower(network, schedule.beat_pixels).steps
        if step.kind in ARRAYS
    ]


@pytest.mark.parametrize("network", [NETWORK, MAPS], ids=["vectors", "maps"])
def test_planning_edits_nothing(network: Network) -> None:
    arrays = [
        array
        for layer in network.layers
        for array in vars(layer).values()
        if hasattr(array, "tobytes")
    ]
    before = [array.tobytes() for array in arrays]
    streams(network, plan(network, BOARD))
    assert [array.tobytes() for array in arrays] == before


def edited(schedule: Schedule, **changes: object) -> str:
    return json.dumps({**json.loads(schedule.to_json()), **changes})


@pytest.mark.parametrize(
    "changes",
    [
        {"version": 1},
        {"version": "2"},
        {"layers": [{}]},
        {"more": 1},
        {"board": {}},
        {"fifos": [{"name": "a"}]},
        {"number_system": "roman"},
        {"resources": {"luts": 1, "gold": 2}},
    ],
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
    assert schedule.depth(schedule.fifos[0].name) == schedule.fifos[0].depth
    layer = replace(schedule.layers[0], n_pes=3, walk_cycles=7, n_taps=20, tap_bits=45)
    assert (layer.utilisation, layer.bits_per_tap) == (20 / 21, 2.25)
    assert replace(layer, n_samples=4, tile_pixels=6).n_columns == 24


def test_every_pixel_counts_every_tap_of_a_convolution() -> None:
    schedule = plan(MAPS, BOARD)
    for layer in schedule.layers:
        assert layer.n_taps * layer.n_pixels <= schedule.n_taps
    conv = schedule.layer("a")
    assert conv.n_pixels == 63
    each = sum(layer.n_taps * layer.n_pixels for layer in schedule.layers)
    assert schedule.n_taps == each > conv.n_taps


def test_a_layer_without_hardware_is_refused_by_name() -> None:
    out = TensorType((2, 2, 2), 8, True)
    options = {"stride": (1,) * 3, "padding": ((0, 0),) * 3, "dilation": (1,) * 3}
    layer = MaxPool("p", ("input",), out, "net.pool", kernel=(2,) * 3, **options)
    with pytest.raises(PlanError, match=r"^no hardware for layers: 'net.pool' pools over 3 axes"):
        plan(Network("n", TensorType((3, 3, 3), 8, True), (layer,)), BOARD)


def test_multipliers_that_differ_between_rows_have_no_hardware() -> None:
    output = TensorType((2, 3), 8, True)
    layer = dense("f", "input", [[1] * 4] * 3, output, requantise(output, [[1], [2]]))
    with pytest.raises(PlanError, match=r"^layer 'f': .* use one per output$"):
        plan(Network("n", TensorType((2, 4), 8, True), (layer,)), BOARD)


def test_a_reshape_is_only_wiring() -> None:
    layer = Reshape("r", ("input",), TensorType((2, 3), 8, True))
    schedule = plan(Network("n", TensorType((6,), 8, True), (layer,)), BOARD)
    assert schedule.layers == ()
    assert schedule.interval_cycles == 6  # one element a cycle in, one a cycle out
    assert 6 < schedule.latency_cycles <= 12


def test_pruned_layers_need_no_pe() -> None:
    (layer,) = plan(one_dense([[0] * 3] * 5), BOARD).layers
    assert (layer.n_pes, layer.n_pruned, layer.source, layer.walk_cycles) == (0, 5, "none", 0)
    assert (layer.emit_cycles, layer.utilisation, layer.bits_per_tap) == (5, 0, 0)


def test_the_row_of_zeros_takes_a_cycle_behind_a_vectors_beats() -> None:
    schedule = plan(one_dense([[1] * 9]), BOARD)
    (layer,) = schedule.layers
    assert (layer.fill_cycles, layer.interval_cycles, schedule.interval_cycles) == (10, 10, 10)


def test_progress_names_every_array_once() -> None:
    lines: list[str] = []
    plan(MAPS, BOARD, on_layer=lines.append)
    assert lines == [f"planning {name}" for name in ("a", "b", "each", "fc")]


def test_a_wide_output_is_clamped_in_bits_that_hold_it() -> None:
    for output in (TensorType((1,), 16, False), TensorType((1,), 9, False)):
        scaled = Scale("s", ("input",), output, requantise=requantise(output))
        network = Network("n", TensorType((1,), 1, False), (scaled,))
        assert plan(network, BOARD).layers[0].scaled_bits == output.bits + 1
