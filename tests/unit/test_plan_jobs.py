"""Jobs: every tap in one of them, each on a PE of its split, the PEs evenly filled."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tap_cases import SYSTEMS, grouped_weights, random_weight

from bitfpga.digits import NumberSystem
from bitfpga.plan.cells import stored_bits
from bitfpga.plan.costs import StreamCost, stream_costs
from bitfpga.plan.dealing import share_pes
from bitfpga.plan.folding import WAITS
from bitfpga.plan.gaps import element_gaps, gap_counts, split_taps
from bitfpga.plan.jobs import deal_jobs
from bitfpga.plan.streams import build_stream
from bitfpga.plan.tap_words import NO_CODE
from bitfpga.plan.taps import Taps, layer_taps


def csd_taps(weight: np.ndarray, n_groups: int = 1) -> Taps:
    return layer_taps(weight, n_groups, NumberSystem.CSD)


@given(grouped_weights(), SYSTEMS, st.integers(1, 30))
def test_splits_hold_every_tap_once_at_its_row(drawn, system, split_rows) -> None:
    taps = layer_taps(*drawn, system)
    parts = split_taps(taps, split_rows)
    assert parts.n_splits == -(-taps.n_rows // split_rows)
    split = np.repeat(np.arange(parts.n_splits), np.diff(parts.bounds))
    assert ((parts.index >= 0) & (parts.index < parts.span)).all()
    assert (parts.base + parts.index < split_rows).all()
    row = split * split_rows + parts.base + parts.index
    columns = split, parts.output, -parts.plane, row, parts.negate
    found = list(zip(*(column.tolist() for column in columns), strict=True))
    assert found == sorted(found)
    whole = taps.row // split_rows, taps.output, -taps.plane, taps.row, taps.negate
    assert found == sorted(zip(*(column.tolist() for column in whole), strict=True))
    runs = {(s, o): b for s, o, b in zip(split, parts.output, parts.base, strict=True)}
    assert len(runs) == len(parts.starts) - 1
    assert all(
        (parts.base[split == s][parts.output[split == s] == o] == b).all()
        for (s, o), b in runs.items()
    )


@pytest.mark.parametrize(
    ("split_rows", "span"), [(24, 6), (12, 6), (6, 6), (3, 3), (2, 2), (5, 5), (9, 9)]
)
def test_the_span_is_a_group_where_splits_hold_whole_groups(split_rows: int, span: int) -> None:
    taps = csd_taps(random_weight((8, 6), 30), 4)
    assert split_taps(taps, split_rows).span == span


def test_splits_of_no_rows_are_refused() -> None:
    with pytest.raises(ValueError, match="splits of 0 rows"):
        split_taps(csd_taps(np.ones((1, 1), np.int16)), 0)


def gaps_of(*weights: int) -> tuple[list[int], list[int]]:
    """Return the gaps and the places of the taps of one output."""
    parts = split_taps(csd_taps(np.array([weights], np.int16)), len(weights))
    gaps, places = element_gaps(parts.plane, parts.index, parts.first, parts.span)
    return gaps.tolist(), places.tolist()


def test_gaps_by_hand() -> None:
    assert gaps_of(0, 0, 0) == ([], [])
    assert gaps_of(0, 0, 4) == ([3], [0])
    assert gaps_of(2, 1, 0) == ([1, 5], [0, 1])
    assert gaps_of(1, 2, 0) == ([2, 3], [0, 1])
    # Row 0 at plane 2, one null tap at index 3, row 0 at plane 0: 5 = 4 + 1.
    assert gaps_of(5, 0, 0) == ([1, 7, 1], [0, 2])
    # Three null taps: to the first 7, between them a whole plane of 4 places.
    assert gaps_of(0, 17, 0) == ([2, 6, 4, 4, 2], [0, 4])


@given(grouped_weights(), SYSTEMS, st.integers(1, 12))
def test_gap_counts_are_those_of_every_output_in_a_split(drawn, system, split_rows) -> None:
    parts = split_taps(layer_taps(*drawn, system), split_rows)
    expected = np.zeros((parts.n_splits, 2 * parts.span + 2), np.int64)
    for low, high in zip(parts.starts[:-1], parts.starts[1:], strict=True):
        run = slice(low, high)
        first = np.arange(high - low) == 0
        gaps, _ = element_gaps(parts.plane[run], parts.index[run], first, parts.span)
        split = np.searchsorted(parts.bounds, low, side="right") - 1
        np.add.at(expected[split], gaps, 1)
    np.testing.assert_array_equal(gap_counts(parts), expected)


@given(grouped_weights(), SYSTEMS, st.integers(1, 20), st.integers(0, 20), st.integers(1, 4))
def test_jobs_hold_every_tap_once_on_a_pe_of_their_split(
    drawn, system, split_rows, spare, symbol_bits
) -> None:
    parts = split_taps(layer_taps(*drawn, system), split_rows)
    n_live = int(np.count_nonzero(np.diff(parts.bounds)))
    jobs = deal_jobs(parts, n_live + spare, symbol_bits)
    assert len(jobs.pe_split) == n_live + spare
    assert (jobs.end > jobs.first).all()
    order = np.argsort(jobs.first)
    ends = jobs.end[order]
    assert [0, *ends.tolist()] == [*jobs.first[order].tolist(), len(parts.output)]
    assert set(parts.starts.tolist()) <= {*jobs.first.tolist(), len(parts.output)}
    split = np.searchsorted(parts.bounds, jobs.first, side="right") - 1
    assert jobs.pe_split[jobs.pe].tolist() == split.tolist()
    assert (np.diff(jobs.pe) >= 0).all()
    assert [jobs.slot[jobs.pe == pe].tolist() for pe in range(n_live + spare)] == [
        list(range(n)) for n in np.bincount(jobs.pe, minlength=n_live + spare)
    ]
    for part in range(parts.n_splits):
        n_cuts = np.count_nonzero(split == part) - np.count_nonzero(
            (parts.starts[:-1] >= parts.bounds[part]) & (parts.starts[:-1] < parts.bounds[part + 1])
        )
        assert 0 <= n_cuts <= max(0, np.count_nonzero(jobs.pe_split == part) - 1)


def test_outputs_stay_whole_where_that_fills_the_pes() -> None:
    parts = split_taps(csd_taps(random_weight((64, 40), 30)), 40)
    assert len(deal_jobs(parts, 4, 4).first) == 64
    assert len(deal_jobs(parts, 1, 4).first) == 64
    same = split_taps(csd_taps(np.full((6, 5), 3, np.int16)), 5)
    assert len(deal_jobs(same, 6, 4).first) == 6
    ones = split_taps(csd_taps(np.array([[0, 1, 1], [1, 1, 1], [1, 1, 1]], np.int16)), 3)
    assert len(deal_jobs(ones, 3, 4).first) == 3


def test_outputs_are_cut_where_that_fills_the_pes_better() -> None:
    ones = split_taps(csd_taps(np.ones((3, 8), np.int16)), 8)
    jobs = deal_jobs(ones, 4, 4)
    # PEs by rising work, in each the longest job first
    assert jobs.first.tolist() == [0, 8, 6, 12, 16, 18]
    assert jobs.end.tolist() == [6, 12, 8, 16, 18, 24]
    assert jobs.pe.tolist() == [0, 1, 1, 2, 2, 3]


def walk_cycles(cost: StreamCost, n_pes: int) -> int:
    """Return the cycles of the longest PE if every split is dealt evenly."""
    cycles = np.array(cost.split_cycles, np.int64)
    return int((-(-cycles // np.maximum(share_pes(cycles, n_pes), 1))).max())


@given(grouped_weights(), SYSTEMS, st.integers(1, 12), st.sampled_from((36, 64)), st.booleans())
def test_the_cost_of_a_stream_is_what_its_stream_takes(
    drawn, system, split_rows, row_bits, words
) -> None:
    taps = layer_taps(*drawn, system)
    cost = stream_costs(taps, split_rows, row_bits)[words]
    assert (cost.symbol_bits == NO_CODE) == words
    n_splits = len(cost.split_cycles)
    stream = build_stream(
        taps, split_rows=split_rows, n_pes=n_splits, row_bits=row_bits, symbol_bits=cost.symbol_bits
    )
    assert cost.bits == -(-cost.n_cells // stream.cells_per_row) * cost.row_bits
    assert (cost.row_bits, cost.span) == (stream.row_bits, stream.span)
    assert words or cost.row_bits == stored_bits(row_bits, cost.symbol_bits)
    if (np.bincount(stream.pe_split, minlength=n_splits) == 1).all():
        cycles = np.array(cost.split_cycles)[stream.pe_split]
        assert cost.n_jobs == stream.n_jobs.sum()
        assert (cycles <= stream.pe_cycles).all()
        if n_splits == 1:  # others may have to wait so that no two jobs end together
            assert cycles.tolist() == stream.pe_cycles.tolist()
            assert cost.n_cells == stream.n_cells.sum()
            assert cost.cycles == len(taps) + stream.n_null


@pytest.mark.parametrize("n_pes", [1, 3, 16, 50, 100])
@pytest.mark.parametrize("n_splits", [1, 2, 3])
@pytest.mark.parametrize("words", [False, True])
def test_the_estimated_walk_is_close(n_pes: int, n_splits: int, words: bool) -> None:
    taps = csd_taps(random_weight((20, 288), 30))
    n_pes, split_rows = max(n_pes, n_splits), 288 // n_splits
    cost = stream_costs(taps, split_rows, 36)[words]
    stream = build_stream(
        taps, split_rows=split_rows, n_pes=n_pes, row_bits=36, symbol_bits=cost.symbol_bits
    )
    walk = walk_cycles(cost, n_pes)
    waits = len(stream.entry_output) ** 2 / walk / WAITS
    assert stream.pe_cycles.max() == pytest.approx(walk + waits / 2, rel=0.06, abs=waits / 2)
