"""Shared sums of ``bbs``: digits on rows and sums are the weights, wherever rows arrive."""

from __future__ import annotations

import numpy as np
import pytest
from bbs_nets import MODES, coded, coded_network, conv, dense
from streamed import only_step

from bitfpga.boards import load_board
from bitfpga.digits import NumberSystem, to_digits
from bitfpga.ir import Network, Reshape, TensorType
from bitfpga.plan import layer_stream, lower, plan, read_stream, step_sums
from bitfpga.plan.array_cost import array_cost
from bitfpga.plan.array_memories import ArraySizes
from bitfpga.plan.facts import array_facts, window_weight
from bitfpga.plan.resources import Prices
from bitfpga.plan.shared_sums import GroupSums
from bitfpga.plan.steps import ARRAYS, Step
from bitfpga.plan.streams import build_stream
from bitfpga.prune.bbs import BbsConfig

BBS, CSD = NumberSystem.BBS, NumberSystem.CSD
TYPES = [(4, False), (5, True), (6, False), (7, True), (8, False), (8, True)]


def config(n_sparse: int = 4, mode: str = MODES[1], group_size: int = 8) -> BbsConfig:
    return BbsConfig(n_sparse, mode, 0.0, group_size)


def decoded_weight(step: Step, sums: GroupSums, rows: np.ndarray) -> np.ndarray:
    """Return the weights, int64 [n_outputs, n_inputs], that the taps on all rows stand for."""
    n_window = len(sums.group)
    low, high = rows[:, n_window::2], rows[:, n_window + 1 :: 2]
    np.testing.assert_array_equal(high, low << sums.low_bits)
    shared = np.concatenate([low, np.zeros((len(low), 1), np.int64)], axis=1)
    return rows[:, :n_window] + shared[:, sums.group]


def check_stream(step: Step, split_rows: int, n_pes: int) -> None:
    sums = step_sums(step, BBS)
    assert sums is not None
    facts = array_facts(step, BBS)
    assert facts.n_rows == len(sums.group) + 2 * sums.n_groups
    stream = build_stream(facts.taps, split_rows=split_rows, n_pes=n_pes, row_bits=36)
    weight, n_groups = window_weight(step)
    rows = read_stream(stream, facts.n_rows)
    np.testing.assert_array_equal(decoded_weight(step, sums, rows), weight)
    assert n_groups == 1


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("n_sparse", range(1, 7))
@pytest.mark.parametrize(("bits", "signed"), TYPES)
def test_the_stream_of_a_convolution_is_its_weights(mode, n_sparse, bits, signed) -> None:
    source, output = TensorType((5, 4, 3), bits, signed), TensorType((7, 4, 3), 8, True)
    for group_size in (8, 16):  # 45 inputs: the last group is shorter
        layer = coded(conv("fc", source, output), config(n_sparse, mode, group_size), n_sparse)
        step = only_step(Network("net", source, (layer,)), 1)
        if step_sums(step, BBS) is None:
            assert (group_size, bits, signed) == (16, 5, True)
            continue
        n_rows = 45 + 2 * -(-45 // group_size)
        check_stream(step, n_rows, 3)
        check_stream(step, 10, 9)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("beat_pixels", [1, 2, 4])
@pytest.mark.parametrize("n_sensitive", [0, 2, 6])
def test_the_stream_of_a_flattened_map_is_its_weights(mode, beat_pixels, n_sensitive) -> None:
    source, flat = TensorType((3, 5, 1), 6, True), TensorType((15,), 6, True)
    output = TensorType((6,), 8, True)
    layer = coded(dense("fc", flat, output, "flat"), config(3, mode), 1, n_sensitive)
    network = Network("net", source, (Reshape("flat", ("input",), flat), layer))
    (step,) = (step for step in lower(network, beat_pixels).steps if step.kind == "vector_array")
    places = step.inputs[0].beats.reshape(-1)
    assert (beat_pixels == 1) == bool((places >= 0).all())
    assert not np.array_equal(places, np.arange(len(places)))
    check_stream(step, len(places) + 4, 2)
    check_stream(step, 2 * beat_pixels, 12)
    sums = step_sums(step, BBS)
    assert sums is not None
    np.testing.assert_array_equal(sums.group, np.where(places < 0, 2, places // 8))


def test_layers_without_sums_have_the_taps_of_csd() -> None:
    network = coded_network(config())
    found = {}
    for step in lower(network, 2).steps:
        if step.kind in ARRAYS:
            found[step.name] = step_sums(step, BBS) is not None
            assert step_sums(step, CSD) is None
            if not found[step.name]:
                bbs, csd = (array_facts(step, system) for system in (BBS, CSD))
                np.testing.assert_array_equal(bbs.taps.row, csd.taps.row)
                assert bbs.n_fill == csd.n_fill
    assert found == {"a": True, "each": False, "b": True, "c": True, "d": True}


@pytest.mark.parametrize(
    ("bits", "signed", "group_size", "fits"),
    [
        (2, False, 8, False),
        (4, False, 16, True),
        (4, False, 32, False),
        (4, True, 8, False),
        (5, True, 8, True),
        (8, True, 128, False),
        (8, True, 120, True),
        (1, False, 8, False),
    ],
)
def test_sums_too_large_for_two_rows_are_not_made(bits, signed, group_size, fits) -> None:
    source, output = TensorType((200,), bits, signed), TensorType((3,), 8, True)
    layer = coded(dense("fc", source, output, "input"), config(group_size=group_size))
    step = only_step(Network("net", source, (layer,)), 1)
    assert (step_sums(step, BBS) is not None) == fits
    if fits:
        check_stream(step, 1000, 1)


def test_the_bits_of_a_sum_hold_its_largest_group() -> None:
    group = np.array([0, 0, 1, 1, 1, 2, 2, 2, 2, 2])
    assert GroupSums(group, 2, 4).bits(4) == 6
    assert GroupSums(group[:1], 1, 4).bits(4) == 4
    assert GroupSums(group[5:9] - 2, 1, 7).bits(8) == 10


def test_sums_cost_an_adder_and_a_memory_in_every_lane() -> None:
    source, output = TensorType((40,), 8, True), TensorType((3,), 8, True)
    layer = coded(dense("fc", source, output, "input"), config(group_size=16))
    step = only_step(Network("net", source, (layer,)), 1)
    facts, prices = array_facts(step, BBS), Prices(1.0, 100.0)
    sizes = ArraySizes(1, 46, 2, 3, False, 10, 36, 50, 3, 0, 0.0, 90, 0)
    luts, _ = array_cost(facts, sizes, "rom", 1, 2, prices)
    object.__setattr__(facts, "sums", None)
    without, _ = array_cost(facts, sizes, "rom", 1, 2, prices)
    assert luts - without == 2 * 12 + 4 * 4  # 2 samples of 8 + 4 bits; 24 bits in RAM32M of 6


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("group_size", [8, 24])
def test_a_group_has_minority_digits_where_they_are_fewer(mode, group_size) -> None:
    source, output = TensorType((43,), 8, True), TensorType((30,), 8, True)
    layer = coded(dense("fc", source, output, "input"), config(4, mode, group_size))
    step = only_step(Network("net", source, (layer,)), 1)
    taps = array_facts(step, BBS).taps
    group = np.where(taps.row < 43, taps.row // group_size, (taps.row - 43) // 2)
    csd = to_digits(layer.weight, NumberSystem.CSD).counts
    shared = 0
    for output_index, number in np.ndindex(30, -(-43 // group_size)):
        own = (taps.output == output_index) & (group == number)
        n_csd = int(csd[output_index, number * group_size : (number + 1) * group_size].sum())
        assert own.sum() <= n_csd
        if (taps.row[own] >= 43).any():
            assert own.sum() < n_csd
            _, per_column = np.unique(taps.plane[own & (taps.row < 43)], return_counts=True)
            assert (2 * per_column <= group_size).all()
            shared += 1
    assert 0 < shared < 30 * -(-43 // group_size)


@pytest.mark.parametrize("mode", MODES)
def test_a_schedule_counts_the_rows_and_taps_of_its_sums(mode) -> None:
    network = coded_network(config(4, mode))
    schedule = plan(network, load_board("pynq-z2"), number_system=BBS)
    for step in lower(network, schedule.beat_pixels).steps:
        if step.kind in ARRAYS:
            folded, facts = schedule.layer(step.name), array_facts(step, BBS)
            stream = layer_stream(step, folded, BBS)
            assert folded.n_rows == facts.n_rows
            assert folded.n_taps == len(facts.taps) == stream.n_taps
            assert stream.n_splits * stream.split_rows >= facts.n_rows
