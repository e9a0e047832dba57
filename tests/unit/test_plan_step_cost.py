"""Processes without PEs: every memory that the Verilog builds, and what grows with what."""

from __future__ import annotations

import numpy as np
import pytest
from conv_nets import conv_net
from hostile import network, unsigned
from hostile_maps import HOSTILE_MAPS, Chain
from mlps import mlp

from bitfpga.ir import Concat, Network, Pad, Slice, Table, Transpose
from bitfpga.plan import Order, Resources, Step, Stream, lower
from bitfpga.plan.moves import gather_places, gather_source
from bitfpga.plan.resources import Prices, block_ram, lut_ram, picker
from bitfpga.plan.step_cost import CONTROL, TURNS, StepCosts, pool_lines

PRICES = Prices(1 / 53_200, 1 / 140)
BLOCKS_DEAR, BLOCKS_CHEAP = Prices(1.0, 1e6), Prices(1.0, 1.0)


def only(net: Network, kind: str, beat_pixels: int = 1) -> Step:
    """Return the one step of this kind."""
    (step,) = [step for step in lower(net, beat_pixels).steps if step.kind == kind]
    return step


def cost(net: Network, kind: str, beat_pixels: int = 1, n_samples: int = 1) -> Resources:
    return StepCosts(n_samples).resources(only(net, kind, beat_pixels), PRICES)


def test_a_sequential_end_has_no_memory() -> None:
    net = mlp((23, 31, 7))
    assert cost(net, "load") == cost(net, "store") == Resources(CONTROL, int(CONTROL * 1.2), 0.0)


@pytest.mark.parametrize(
    ("beat_pixels", "n_samples", "memories", "rows"),
    [
        (1, 1, 1, 2 * 12 * 63),
        (1, 4, 4, 2 * 12 * 63),
        (4, 1, 4, 2 * 12 * 16),
        (2, 2, 4, 2 * 12 * 32),
    ],
)
def test_a_staged_load_has_a_memory_for_each_lane_and_sample(
    beat_pixels: int, n_samples: int, memories: int, rows: int
) -> None:
    found = cost(conv_net(12), "load", beat_pixels, n_samples)
    assert found.bram36 == memories * float(block_ram(rows, 8))


def test_lanes_past_the_last_pixel_have_no_memory() -> None:
    net = Chain(3, 1, 2).conv("c", 40, (1, 1)).network()
    few, all_ = (cost(net, "load", lanes, 40) for lanes in (8, 2))
    assert (few, few.bram36) == (all_, 0.0)
    assert few.luts >= 2 * 40 * int(lut_ram(6, 8))


def test_a_staged_store_has_one_memory_of_whole_beats() -> None:
    net = HOSTILE_MAPS["depthwise_then_pointwise"]()  # 10 maps of 35 pixels
    assert cost(net, "store", 1, 2).bram36 == float(block_ram(2 * 350, 2 * 8))
    assert cost(net, "store", 4).bram36 == float(block_ram(2 * 90, 4 * 8))


def test_a_single_beat_is_stored_in_registers() -> None:
    net = Chain(40, 1, 1).conv("c", 1, (1, 1), bits=16).network()
    assert cost(net, "store", 1, 8).bram36 == 0.0
    picked = int(picker(8, 16))
    assert cost(net, "store", 1, 8).luts == TURNS + picked + 8 * 16


def test_lanes_that_read_the_same_beats_share_a_copy() -> None:
    """All lanes of a transposed map read other beats; those of a slice of channels the same."""
    source = unsigned(8, 40, 4)
    swapped = Transpose("t", ("input",), unsigned(8, 4, 40), axes=(1, 0))
    part = Slice("s", ("input",), unsigned(8, 9, 4), starts=(3, 0), stops=(21, 4), steps=(2, 1))
    net = network(source, swapped)
    beats, _, _ = gather_places(only(net, "gather", 4))
    copies = len(np.unique(beats, axis=1).T)
    assert copies == 4
    assert cost(net, "gather", 4).bram36 == copies * float(block_ram(2 * 40, 8))
    assert cost(network(source, part), "gather", 4).bram36 == float(block_ram(2 * 40, 4 * 8))


def test_pixels_of_a_beat_that_nobody_reads_are_not_kept() -> None:
    source = unsigned(16, 40, 4)
    layer = Slice("s", ("input",), unsigned(16, 40, 2), starts=(0, 0), stops=(40, 4), steps=(1, 2))
    assert cost(network(source, layer), "gather", 4).bram36 == float(block_ram(2 * 40, 2 * 16))
    assert float(block_ram(2 * 40, 2 * 16)) < float(block_ram(2 * 40, 4 * 16))


def test_a_gather_counts_beats_over_its_inputs() -> None:
    tensor, order = unsigned(8, 3), Order(np.arange(3).reshape(1, 3))
    pairs = Stream("a", tensor, order, np.array([[0, 1], [2, -1]]))
    single = Stream("b", tensor, order, np.array([[2], [0], [1]]))
    output = Stream("y", unsigned(8, 6), order, np.array([[0, 5], [3, 2], [4, 1]]))
    source = gather_source((pairs, single), np.arange(6), output)
    step = Step("g", "gather", (pairs, single), (), (), output, source=source)
    beat, lane, is_zero = gather_places(step)
    assert beat.tolist() == [[0, 2], [3, 1], [4, 0]]
    assert lane.tolist() == [[0, 0], [0, 0], [0, 1]]
    assert not is_zero.any()


def test_a_gather_knows_beat_and_lane_of_each_element() -> None:
    """Pixel 0 of channel 0 is zero; the rest is the input from its second element on, in twos."""
    layer = Pad("p", ("input",), unsigned(8, 1, 8), padding=((0, 0), (1, 0)))
    beat, lane, is_zero = gather_places(only(network(unsigned(8, 1, 7), layer), "gather", 2))
    assert is_zero.reshape(-1).tolist() == [1] + 7 * [0]
    assert beat.reshape(-1).tolist() == [0, 0, 0, 1, 1, 2, 2, 3]
    assert lane.reshape(-1).tolist() == [0, 0, 1, 0, 1, 0, 1, 0]


def test_a_table_stands_in_every_lane() -> None:
    source = unsigned(9, 3, 8)
    table = (np.arange(512) % 251).astype(np.int32)
    layer = Table("t", ("input",), unsigned(8, 3, 8), table=table, low=0)
    net = network(source, layer)
    assert cost(net, "table", 4, 2).bram36 == 8 * 0.5
    assert cost(net, "table", 1, 1) == Resources(CONTROL, int(CONTROL * 1.2), 0.5)


@pytest.mark.parametrize(("beat_pixels", "n_samples"), [(1, 1), (4, 2)])
def test_a_pool_keeps_two_tiles_of_results(beat_pixels: int, n_samples: int) -> None:
    step = only(conv_net(40), "max_pool", beat_pixels)
    lines = pool_lines(step, n_samples, PRICES)
    assert lines is not None
    found = StepCosts(n_samples).resources(step, PRICES)
    results = float(block_ram(2 * 40, beat_pixels * n_samples * 8))
    assert found.bram36 - lines.bram36 == results > 0


def test_only_line_buffers_have_prices() -> None:
    costs = StepCosts(1)
    for step in lower(conv_net(12), 1).steps:
        if step.kind in ("load", "store", "add", "sum_map"):
            assert costs.resources(step, BLOCKS_CHEAP) == costs.resources(step, BLOCKS_DEAR)
    pool = only(conv_net(12), "max_pool")
    cheap, dear = (costs.resources(pool, prices) for prices in (BLOCKS_CHEAP, BLOCKS_DEAR))
    assert (cheap.bram36, dear.bram36) == (0.5, 0.0)
    assert cheap.luts < dear.luts


def test_sums_of_a_map_are_kept_for_each_channel() -> None:
    one = cost(conv_net(70), "sum_map")
    assert one.bram36 == 0.5
    assert cost(conv_net(64), "sum_map").bram36 == 0.0
    whole = cost(conv_net(70), "sum_map", 16)  # a channel in one beat: nothing to keep
    assert whole.bram36 == 0.0


def test_more_inputs_lanes_and_terms_cost_more() -> None:
    net = HOSTILE_MAPS["a_long_branch_and_a_short_one"]()
    two, three = (
        StepCosts(1).resources(step, PRICES) for step in lower(net, 1).steps if step.kind == "add"
    )
    assert three.luts > two.luts
    assert cost(conv_net(12), "add", 4).luts > 3 * cost(conv_net(12), "add").luts - 3 * CONTROL


def test_joined_channels_cost_a_lut_a_bit() -> None:
    net = HOSTILE_MAPS["branches_side_by_side"]()
    assert isinstance(only(net, "concat").layer, Concat)
    assert cost(net, "concat", 2, 3).luts - cost(net, "concat").luts == 5 * 8
