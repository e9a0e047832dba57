"""Work dealt to PEs: all of it once, evenly, and never more PEs or pieces than asked for."""

from __future__ import annotations

from itertools import combinations, pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitfpga.plan.dealing import cut_evenly, deal_whole, run_cycles, share_pes

LENGTHS = st.lists(st.integers(1, 40), min_size=1, max_size=30).map(np.array)


def longest_share(cycles: np.ndarray, shares: tuple[int, ...]) -> float:
    pairs = zip(cycles.tolist(), shares, strict=True)
    return max((work / n_pes for work, n_pes in pairs if work), default=0)


@given(st.lists(st.integers(0, 50), min_size=1, max_size=4).map(np.array), st.integers(0, 5))
def test_pes_are_shared_so_that_the_longest_is_as_short_as_possible(cycles, spare) -> None:
    n_live = int(np.count_nonzero(cycles))
    n_pes = n_live + spare
    shares = share_pes(cycles, n_pes)
    assert shares.sum() == n_pes
    assert (shares[cycles > 0] > 0).all()
    cuts = combinations(range(1, n_pes), n_live - 1) if n_live else []
    live = cycles[cycles > 0]
    ways = [np.diff([0, *cut, n_pes]) for cut in cuts]
    best = min((longest_share(live, tuple(way)) for way in ways), default=0)
    assert longest_share(cycles, tuple(shares.tolist())) == best


def test_fewer_pes_than_parts_with_work_are_refused() -> None:
    with pytest.raises(ValueError, match="1 PEs for 2 parts that each need one"):
        share_pes(np.array([3, 0, 5]), 1)


@given(LENGTHS, st.integers(1, 9))
def test_no_pe_is_longer_than_another_by_more_than_one_job(lengths, n_pes) -> None:
    pe = deal_whole(lengths, n_pes)
    assert pe.min() >= 0
    assert pe.max() < n_pes
    loads = np.bincount(pe, lengths, n_pes)
    assert loads.max() - loads.min() <= lengths.max()
    assert len(lengths) > n_pes or loads.max() == lengths.max()


def test_the_longest_are_dealt_first() -> None:
    assert deal_whole(np.array([1, 2, 1, 4, 2]), 3).tolist() == [1, 1, 2, 0, 2]


@pytest.mark.parametrize("n_pes", [2, 7, 16, 45])
@pytest.mark.parametrize("density", [0.05, 0.4, 1.0])
def test_many_outputs_are_dealt_within_five_percent_of_the_mean(n_pes, density) -> None:
    lengths = np.random.default_rng(n_pes).binomial(300, density, 16 * n_pes) + 1
    longest = np.bincount(deal_whole(lengths, n_pes), lengths).max()
    assert longest <= 1.05 * lengths.sum() / n_pes


@st.composite
def sequences(draw) -> tuple[np.ndarray, np.ndarray]:
    """Draw what taps cost at the start of a run, and the cycles done after each in one go."""
    n_taps = draw(st.integers(1, 12))
    costs = st.lists(st.integers(1, 4), min_size=n_taps, max_size=n_taps).map(np.array)
    restart, inside = draw(costs), draw(costs)
    inside[0] = restart[0]
    return restart, np.cumsum(inside)


@given(sequences(), st.integers(1, 14))
def test_a_sequence_is_cut_into_whole_runs(sequence, n_pes) -> None:
    restart, done = sequence
    cuts, longest = cut_evenly(restart, done, n_pes)
    assert (cuts[0], cuts[-1]) == (0, len(done))
    assert (np.diff(cuts) > 0).all()
    assert len(cuts) - 1 <= n_pes
    inside = np.diff(done, prepend=0)
    runs = pairwise(cuts.tolist())
    cycles = [int(restart[low] + inside[low + 1 : high].sum()) for low, high in runs]
    assert run_cycles(restart, done, cuts).tolist() == cycles
    assert longest == max(cycles) <= done[-1]


@given(st.integers(1, 40), st.integers(1, 14), st.integers(0, 9))
def test_equal_taps_are_cut_as_evenly_as_can_be(n_taps, n_pes, before) -> None:
    ones = np.ones(n_taps, np.int64)
    _, longest = cut_evenly(ones, before + np.cumsum(ones), n_pes)
    assert longest == -(-n_taps // n_pes)


@given(sequences(), st.integers(1, 5))
def test_no_cut_is_much_better(sequence, n_pes) -> None:
    restart, done = sequence
    _, longest = cut_evenly(restart, done, n_pes)
    n_taps = len(done)
    ways = [
        [0, *cut, n_taps]
        for n_runs in range(1, min(n_pes, n_taps) + 1)
        for cut in combinations(range(1, n_taps), n_runs - 1)
    ]
    best = min(int(run_cycles(restart, done, np.array(cuts)).max()) for cuts in ways)
    assert best <= longest <= best + restart.max()
