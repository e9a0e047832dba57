"""The resource model: known memories, never less for more, and numbers and arrays alike."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitfpga.boards import load_board
from bitfpga.plan.line_buffers import line_buffer
from bitfpga.plan.resources import (
    FFS_PER_LUT,
    RAM_ROWS,
    Prices,
    address_bits,
    as_resources,
    block_ram,
    board_prices,
    ceil_div,
    cheaper_memory,
    decoder,
    fifo,
    lut_ram,
    lut_rom,
    memory_style,
    picker,
    styled_memory,
    table,
)
from bitfpga.plan.schedule import Resources
from bitfpga.plan.windows import Window

ROWS, BITS = st.integers(1, 40_000), st.integers(1, 600)
PRICES = Prices(1 / 53_200, 1 / 140)


@pytest.mark.parametrize(
    ("rows", "bits", "blocks"),
    [
        (1, 1, 0.5),
        (512, 36, 0.5),
        (513, 36, 1.0),
        (1024, 18, 0.5),
        (512, 72, 1.0),
        (16384, 1, 0.5),
        (16385, 1, 1.0),
        (2048, 18, 1.0),
    ],
)
def test_block_rams_of_memories_that_are_known(rows: int, bits: int, blocks: float) -> None:
    assert float(block_ram(rows, bits)) == blocks


@pytest.mark.parametrize(
    ("rows", "bits", "luts"),
    [(32, 6, 4), (32, 7, 8), (64, 3, 4), (33, 3, 4), (65, 3, 12), (86, 8, 36)],
)
def test_lut_rams_of_memories_that_are_known(rows: int, bits: int, luts: int) -> None:
    assert int(lut_ram(rows, bits)) == luts
    assert int(lut_rom(64, 5)) == 5
    assert int(lut_rom(65, 5)) == 10
    assert [int(table(n, 20)) for n in (0, 1, 2, 3, 5, 6, 32)] == [0, 0, 1, 3, 15, 20, 20]
    assert [int(table(n, 20)) for n in (33, 64, 65, 129)] == [40, 40, 80, 120]


@given(ROWS, BITS)
def test_memories_hold_their_bits_and_larger_ones_cost_no_less(rows: int, bits: int) -> None:
    assert block_ram(rows, bits) * 36864 >= rows * bits
    assert lut_ram(rows, bits) * 64 >= rows * bits
    assert lut_rom(rows, bits) * 64 >= rows * bits
    assert table(rows, bits) * 64 >= rows * min(bits, 2 ** (rows - 1) - 1)
    for memory in (block_ram, lut_rom, table):
        assert memory(rows + 1, bits) >= memory(rows, bits)
        assert memory(rows, bits + 1) >= memory(rows, bits)
    if rows != 32:  # small LUT RAMs hold twice the bits for one more row of addresses
        assert lut_ram(rows + 1, bits) >= lut_ram(rows, bits)


@given(st.lists(st.tuples(ROWS, BITS), min_size=1, max_size=5), st.booleans())
def test_arrays_of_choices_give_what_each_choice_gives(choices, read_only: bool) -> None:
    rows, bits = (np.array(column) for column in zip(*choices, strict=True))
    luts, blocks = cheaper_memory(rows, bits, PRICES, read_only=read_only)
    for i, (row, bit) in enumerate(choices):
        one = cheaper_memory(row, bit, PRICES, read_only=read_only)
        assert (int(luts[i]), float(blocks[i])) == (int(one[0]), float(one[1]))


@given(ROWS, BITS, st.sampled_from((0.25, 1.0, 4.0)))
def test_a_memory_is_where_it_costs_least(rows: int, bits: int, weight: float) -> None:
    prices = board_prices(load_board("pynq-z2"), weight)
    luts, blocks = cheaper_memory(rows, bits, prices)
    assert (luts == 0) != (blocks == 0)
    in_luts, in_blocks = prices.cost(lut_ram(rows, bits), 0), prices.cost(0, block_ram(rows, bits))
    assert prices.cost(luts, blocks) == pytest.approx(min(in_luts, in_blocks))


def test_a_board_without_block_ram_is_priced() -> None:
    board = load_board("pynq-z2").model_copy(update={"bram36": 0})
    luts, blocks = cheaper_memory(4096, 64, board_prices(board, 1.0))
    assert (luts > 0, float(blocks)) == (True, 0.0)


def test_fifos_are_shift_registers_until_they_are_deep() -> None:
    assert fifo(2, 16) == fifo(32, 16) == Resources(32, 16)
    assert fifo(RAM_ROWS, 8) == Resources(28, 16)
    assert fifo(RAM_ROWS + 1, 16).bram36 == 0.5
    assert fifo(76, 16).luts == 57
    assert fifo(896, 8).luts == 64
    assert fifo(4096, 16).bram36 == 2.0


def test_a_line_buffer_is_what_costs_least() -> None:
    window = Window(16, 32, 32, 32, 32, (3, 3), (1, 1), (1, 1), (1, 1))
    dear, cheap = (
        line_buffer(window, 24, 1, 4, 8, Prices(1.0, price)) for price in (10_000.0, 10.0)
    )
    assert (dear.kind, dear.style, dear.bram36) == ("banks", "distributed", 0.0)
    assert (cheap.kind, cheap.style, cheap.bram36) == ("copies", "block", 12.0)
    assert cheap.luts < dear.luts
    one = line_buffer(window, 1, 1, 4, 8, PRICES)
    assert one.luts < cheap.luts


def test_wider_rows_and_indices_cost_more() -> None:
    assert decoder(18, 10) > decoder(16, 10) > 0
    assert decoder(16, 11) > decoder(16, 10)


def test_a_lut_more_picks_from_three_words_more() -> None:
    assert [int(picker(n, 5)) for n in (1, 2, 4, 5, 8, 16)] == [0, 5, 5, 10, 15, 25]
    assert picker(np.array([1, 4, 7]), 2).tolist() == [0, 2, 4]


def test_address_bits_number_every_row() -> None:
    numbers = [0, 1, 2, 3, 4, 5, 64, 65, 1 << 20]
    assert address_bits(np.array(numbers)).tolist() == [0, 0, 1, 2, 2, 3, 6, 7, 20]
    assert int(address_bits(65)) == 7


def test_flip_flops_go_with_luts() -> None:
    found = as_resources(99.2, np.float64(1.5))
    assert found == Resources(100, int(100 * FFS_PER_LUT), 1.5)
    assert found + Resources(1, 2, 0.5) == Resources(101, int(100 * FFS_PER_LUT) + 2, 2.0)


@given(st.integers(0, 10**12), st.integers(1, 10**6))
def test_ceil_div_rounds_up(a: int, b: int) -> None:
    assert (ceil_div(a, b) - 1) * b < a <= ceil_div(a, b) * b
    assert ceil_div(np.array([a]), b)[0] == ceil_div(a, b)


def test_small_memories_are_made_of_luts() -> None:
    assert [memory_style(rows) for rows in (64, 65)] == ["distributed", "block"]
    assert [memory_style(rows, read_only=True) for rows in (256, 257)] == ["distributed", "block"]
    for rows in (64, 65, 256, 257):
        for read_only in (False, True):
            in_luts = memory_style(rows, read_only=read_only) == "distributed"
            luts, blocks = styled_memory(rows, 20, read_only=read_only)
            assert (luts > 0, blocks > 0) == (in_luts, not in_luts)
