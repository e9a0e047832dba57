"""What an array costs beside its memories: each part grows with what it is built for."""

from __future__ import annotations

from dataclasses import replace

import pytest
from conv_nets import conv_layer, conv_net

from bitfpga.digits import NumberSystem
from bitfpga.ir import Network, TensorType
from bitfpga.plan import lower
from bitfpga.plan.array_cost import COUNTER_BIT, PE_CONTROL, array_cost
from bitfpga.plan.array_memories import ArraySizes, accumulator_bits
from bitfpga.plan.facts import ArrayFacts, array_facts
from bitfpga.plan.resources import Prices
from bitfpga.plan.scale_cost import ScaleCost
from bitfpga.plan.steps import ARRAYS

PRICES = Prices(1.0, 0.0)  # memories in block RAM
SIZES = ArraySizes(
    tile_pixels=9,
    split_rows=27,
    n_pes=4,
    n_entries=12,
    in_parts=False,
    tap_rows=40,
    tap_bits=18,
    decoder_luts=50,
    n_results=12,
    line_luts=100,
    line_bram36=0.0,
    walk_cycles=100,
    shift_bits=0,
)


def facts_of(network: Network, beat_pixels: int = 1) -> ArrayFacts:
    """Return the facts of the first array of ``network``."""
    step = next(step for step in lower(network, beat_pixels).steps if step.kind in ARRAYS)
    return array_facts(step, NumberSystem.CSD)


CONV = facts_of(conv_net(12))
EACH = facts_of(
    Network(
        "each",
        TensorType((6, 9, 7), 8, False),
        (conv_layer("a", "input", (6, 6, 9, 7), 3, groups=6),),
    )
)


def luts(facts: ArrayFacts = CONV, beat_pixels: int = 3, n_samples: int = 2, **sizes: int) -> int:
    return int(array_cost(facts, replace(SIZES, **sizes), "rom", beat_pixels, n_samples, PRICES)[0])


def test_results_are_shifted_by_two_bits_a_level() -> None:
    level = 3 * 2 * int(accumulator_bits(CONV, False))
    more = [luts(shift_bits=n) - luts() for n in (0, 1, 2, 3)]
    assert more == [0, level + 1, level + 2, 2 * level + 3]  # and a bit of each entry


def test_results_that_are_added_are_shifted_or_left_out() -> None:
    wide, narrow = (int(accumulator_bits(CONV, parts)) for parts in (True, False))
    columns = 4 * 9 * 2 + 9 * 2  # of PEs, and of the tree
    whole = luts() + (columns + 3 * 2 * (1 + 2)) * (wide - narrow)  # added, picked in two levels
    assert luts(in_parts=True) - whole == 3 * 2 * wide - 3 * 2 * (wide - narrow)


def test_words_of_taps_have_one_address_for_all_pes() -> None:
    assert luts() - luts(decoder_luts=0) == 4 * 50 + 3 * 6


def test_a_walk_is_counted_bit_by_bit() -> None:
    assert luts(walk_cycles=129) - luts(walk_cycles=128) == COUNTER_BIT + 1  # and in the table


def test_a_pe_has_columns_a_decoder_an_address_and_control() -> None:
    columns = 9 * 2 * int(accumulator_bits(CONV, False))
    assert luts(n_pes=4) - luts(n_pes=3) == columns + 50 + 6 + PE_CONTROL
    tree, number = columns, 1  # of six PEs one LUT for each bit; of seven two, and their number
    assert luts(n_pes=7) - luts(n_pes=6) == columns + 50 + 6 + PE_CONTROL + tree
    assert luts(n_pes=5) - luts(n_pes=4) == columns + 50 + 6 + PE_CONTROL + number


@pytest.mark.parametrize(("beat_pixels", "parts"), [(1, 3), (3, 1), (9, 0)])
def test_a_block_is_picked_from_a_row_of_results(beat_pixels: int, parts: int) -> None:
    lanes, acc = 2 * beat_pixels, int(accumulator_bits(CONV, False))
    lane = acc + CONV.scale.lane_luts
    picked = luts(beat_pixels=beat_pixels) - luts(beat_pixels=9) + (18 - lanes) * lane
    assert picked == parts * lanes * acc


def test_rows_of_a_group_have_a_base() -> None:
    without = replace(EACH, taps=replace(EACH.taps, n_groups=1))
    base = 5  # bits of 27 rows
    assert luts(EACH) - luts(without) == 4 * base + base  # in each PE, and in the list of events


def test_a_scale_costs_a_lane_and_a_table() -> None:
    scales = [ScaleCost(30, 1, 9), ScaleCost(31, 1, 9), ScaleCost(30, 12, 9)]
    plain, wider, table = (luts(replace(CONV, scale=scale)) for scale in scales)
    assert (wider - plain, table - plain) == (3 * 2, 9)
