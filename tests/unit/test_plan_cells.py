"""Cells: every gap in the cells and cycles it is said to take, packed from the lowest bits up."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitfpga.plan.cells import (
    SYMBOL_BITS,
    cells_per_row,
    choose_symbol_bits,
    encode,
    gap_costs,
    pack,
    stored_bits,
)

GAPS = st.lists(st.integers(1, 300), max_size=20).map(lambda gaps: np.array(gaps, np.int32))


def followed(cells: list[int], symbol_bits: int) -> list[tuple[int, bool, int, int]]:
    """Return gap, sign, cells and cycles of every tap, reading as the hardware does."""
    most = 2**symbol_bits - 1
    taps = []
    gap = n_cells = cycles = 0
    waiting = iter(cells)
    for cell in waiting:
        cycles, n_cells = cycles + 1, n_cells + 1
        if cell // 2 == most:
            first, cell = cell % 2, next(waiting)
            n_cells += 1
            if cell // 2 == most:
                gap += 3 * most * 2 ** (2 * first + cell % 2)
                continue
            gap += most * (1 + first)
        taps.append((gap + cell // 2 + 1, cell % 2 == 1, n_cells, cycles))
        gap = n_cells = cycles = 0
    assert gap == n_cells == 0
    return taps


@pytest.mark.parametrize("symbol_bits", SYMBOL_BITS)
def test_every_gap_is_read_back_at_its_cost(symbol_bits: int) -> None:
    largest = min(20_000, 40 << symbol_bits)
    gaps = np.arange(1, largest + 1, dtype=np.int32)
    negate = gaps % 3 == 0
    cells = encode(gaps, negate, symbol_bits)
    assert cells.dtype == np.uint16
    n_cells, cycles = (cost[1:] for cost in gap_costs(largest, symbol_bits))
    columns = gaps.tolist(), negate.tolist(), n_cells.tolist(), cycles.tolist()
    assert followed(cells.tolist(), symbol_bits) == list(zip(*columns, strict=True))


@pytest.mark.parametrize("symbol_bits", [1, 2, 3])
def test_no_gap_takes_more_cycles_than_it_must(symbol_bits: int) -> None:
    most = 2**symbol_bits - 1
    _, cycles = gap_costs(50 * most, symbol_bits)
    reached = set(range(1, 3 * most + 1))
    for n_cycles in range(1, 5):
        assert all(cycles[gap] <= n_cycles for gap in reached if gap <= 50 * most)
        reached |= {gap + step * most for gap in reached for step in (3, 6, 12, 24)}


def test_cells_by_hand() -> None:
    gaps, negate = np.array([1, 3, 4, 9, 10, 55, 84], np.int32), np.arange(7) % 2 > 0
    tap, near, far = (lambda step, sign: (step - 1) * 2 + sign), 6, 7
    expected = [tap(1, 0), tap(3, 1), near, tap(1, 0), far, tap(3, 1), near, near, tap(1, 0)]
    expected += [far, near, near, far, tap(1, 1)]
    expected += [far, far, near, near, tap(3, 0)]
    assert encode(gaps, negate, 2).tolist() == expected


def test_no_gaps_make_no_cells() -> None:
    assert encode(np.zeros(0, np.int32), np.zeros(0, bool), 3).tolist() == []


@given(GAPS, st.sampled_from((4, 36, 64)))
def test_the_fewest_bits_are_chosen_among_those_that_cost_hardly_a_cycle(gaps, row_bits) -> None:
    counts = np.bincount(gaps, minlength=2)
    symbol_bits, n_cells, cycles = choose_symbol_bits(counts, row_bits)
    costs = {}
    for bits in range(1, min(row_bits // 2, 13)):
        taps = followed(encode(gaps, gaps > 9, bits).tolist(), bits)
        used = sum(tap[2] for tap in taps)
        rows = -(-used // cells_per_row(row_bits, bits))
        costs[bits] = rows * stored_bits(row_bits, bits), used, sum(tap[3] for tap in taps)
    assert costs[symbol_bits][1:] == (n_cells, cycles)
    allowed = 1.02 * min(cost[2] for cost in costs.values())
    assert cycles <= allowed
    best = min((cost[0], bits) for bits, cost in costs.items() if cost[2] <= allowed)
    assert best == (costs[symbol_bits][0], symbol_bits)


@pytest.mark.parametrize(("n_far", "symbol_bits"), [(20, 2), (21, 3)])
def test_one_cycle_in_fifty_is_what_a_code_may_cost(n_far: int, symbol_bits: int) -> None:
    counts = np.zeros(11, np.int64)
    counts[3], counts[10] = 1000 - n_far, n_far
    assert choose_symbol_bits(counts, 60)[0] == symbol_bits


@given(st.integers(1, 12), st.integers(13, 64), st.lists(st.integers(0, 30), max_size=4))
def test_rows_hold_the_cells_of_a_pe_from_the_lowest_bits_up(symbol_bits, row_bits, counts) -> None:
    width = symbol_bits + 1
    cells = np.random.default_rng(0).integers(0, 1 << width, sum(counts)).astype(np.uint16)
    rows = pack(cells, np.array(counts, np.int64), symbol_bits, row_bits)
    per_row = row_bits // width
    assert rows.dtype == np.uint64
    assert rows.shape == (len(counts), max(1, -(-max(counts, default=0) // per_row)))
    left = cells.tolist()
    for row, count in zip(rows.tolist(), counts, strict=True):
        mine, left = left[:count], left[count:]
        mine += [0] * (len(row) * per_row - count)
        packed = [mine[i : i + per_row] for i in range(0, len(mine), per_row)]
        assert row == [sum(cell << (i * width) for i, cell in enumerate(x)) for x in packed]


@pytest.mark.parametrize(("row_bits", "symbol_bits", "cells"), [(36, 3, 9), (64, 4, 12), (4, 3, 1)])
def test_the_cells_of_a_row(row_bits: int, symbol_bits: int, cells: int) -> None:
    assert cells_per_row(row_bits, symbol_bits) == cells


def test_a_cell_wider_than_a_row_is_refused() -> None:
    with pytest.raises(ValueError, match="a cell of 5 bits does not fit a row of 4 bits"):
        cells_per_row(4, 4)
