"""No two jobs of an array end in one cycle, and none before the last PE has started."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from tap_cases import SYSTEMS, grouped_weights

from bitfpga.plan.staggering import WaitCosts, stagger
from bitfpga.plan.streams import build_stream
from bitfpga.plan.taps import layer_taps


def ends_of(cycles: np.ndarray, bounds: np.ndarray) -> np.ndarray:
    """Return when each job ends, counted from the last PE's first cycle."""
    n_pes = len(bounds) - 1
    runs = [np.cumsum(cycles[bounds[pe] : bounds[pe + 1]]) + pe for pe in range(n_pes)]
    return np.concatenate(runs) - n_pes


JOBS = st.lists(st.lists(st.integers(1, 9), max_size=4), min_size=1, max_size=12)


@given(JOBS, st.integers(1, 3), st.data())
def test_no_two_jobs_end_together(jobs, before_cost, data) -> None:
    bounds = np.append(0, np.cumsum([len(run) for run in jobs]))
    cycles = np.array([length for run in jobs for length in run], np.int64)
    costs = st.lists(st.integers(0, 2), min_size=len(cycles), max_size=len(cycles))
    plane, after = (np.array(data.draw(costs), np.int64) for _ in range(2))
    waits = stagger(cycles, bounds, WaitCosts(plane, before_cost, after))
    assert set(waits.planes.tolist()) | set(waits.after.tolist()) <= {0, 1}
    assert not (waits.planes * waits.before).any()
    assert not waits.after[after == 0].any()
    total = waits.planes * plane + waits.before * before_cost + waits.after * after
    order = waits.order
    pe_of = np.repeat(np.arange(len(jobs)), np.diff(bounds))
    assert sorted(order.tolist()) == list(range(len(cycles)))
    assert pe_of[order].tolist() == pe_of.tolist()
    ends = ends_of((cycles + total)[order], bounds)
    assert len(np.unique(ends)) == len(ends)
    assert (ends >= -1).all()


def test_jobs_that_end_apart_do_not_wait() -> None:
    cycles = np.array([5, 3, 9, 1], np.int64)
    waits = stagger(cycles, np.array([0, 2, 3, 4]), WaitCosts(cycles * 0, 1, cycles * 0))
    assert not (waits.planes + waits.before + waits.after).any()


def test_equal_jobs_of_pes_that_start_one_after_the_other_do_not_wait() -> None:
    cycles = np.full(6, 10, np.int64)
    waits = stagger(cycles, np.arange(7), WaitCosts(cycles * 0, 1, cycles * 0))
    assert not waits.before.any()


def test_the_pe_with_less_work_left_waits() -> None:
    cycles = np.array([5, 4, 50], np.int64)  # PE 1 starts a cycle later
    waits = stagger(cycles, np.array([0, 1, 3]), WaitCosts(cycles * 0, 1, cycles * 0))
    assert waits.before.tolist() == [1, 0, 0]


def test_jobs_of_a_pe_change_places_before_one_waits() -> None:
    cycles = np.array([5, 9, 4, 3], np.int64)  # both PEs' first jobs would end in cycle 5
    waits = stagger(cycles, np.array([0, 2, 4]), WaitCosts(cycles * 0, 1, cycles * 0))
    assert not (waits.planes + waits.before + waits.after).any()
    assert waits.order.tolist() == [0, 1, 3, 2]


@given(grouped_weights(), SYSTEMS, st.integers(1, 20), st.integers(0, 20))
def test_the_results_of_a_stream_arrive_one_by_one(drawn, system, split_rows, spare) -> None:
    taps = layer_taps(*drawn, system)
    n_live = len(np.unique(taps.row // split_rows))
    stream = build_stream(taps, split_rows=split_rows, n_pes=max(n_live + spare, 1), row_bits=36)
    is_job = np.arange(stream.job_cycles.shape[1]) < stream.n_jobs[:, None]
    ends, arrivals = stream.job_ends[is_job], stream.arrivals[is_job]
    assert len(np.unique(ends)) == len(ends)
    assert (ends >= 0).all()
    assert np.argsort(ends).tolist() == np.argsort(arrivals).tolist()
    assert sorted(arrivals.tolist()) == list(range(len(ends)))
    assert (stream.job_ends[~is_job] == -1).all()
    assert (stream.arrivals[~is_job] == -1).all()
    assert ends.max(initial=0) < max(stream.pe_cycles.max(initial=0), 1)
