"""Walks: the gaps that PEs step through, job after job, and the waits between them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from bitfpga.plan.gaps import SplitTaps, element_gaps
from bitfpga.plan.jobs import Jobs
from bitfpga.plan.staggering import WaitCosts, stagger

Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]
Bool = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Walk:
    """The gaps of all PEs one after the other, int32 [n], and their taps' signs, bool [n].

    ``bounds``: first gap of each job and the end, int64 [n_jobs + 1].
    """

    gaps: Int32
    negate: Bool
    bounds: Int64


def walk_of(parts: SplitTaps, jobs: Jobs) -> Walk:
    """Return the walk of ``jobs`` without waits."""
    n_taps = jobs.end - jobs.first
    ends = np.cumsum(n_taps)
    order = np.repeat(jobs.first - (ends - n_taps), n_taps) + np.arange(len(parts.output))
    first = np.zeros(len(order), bool)
    first[ends - n_taps] = True
    gaps, places = element_gaps(parts.plane[order], parts.index[order], first, parts.span)
    negate = np.zeros(len(gaps), bool)
    negate[places] = parts.negate[order]
    return Walk(gaps, negate, np.append(0, places + 1)[np.append(0, ends)])


def staggered(parts: SplitTaps, jobs: Jobs, walk: Walk, cycle_cost: Int32) -> tuple[Jobs, Walk]:
    """Return the jobs in another order, and their walk, so that no two end in one cycle.

    ``walk``: of ``jobs``; ``cycle_cost``: of each gap, int32. Null taps stand at index ``span``.
    """
    first, plane = walk.bounds[:-1], parts.span + 1
    to_end = parts.span - parts.index[jobs.end - 1]
    costs = WaitCosts(
        (cycle_cost[walk.gaps[first] + plane] - cycle_cost[walk.gaps[first]]).astype(np.int64),
        int(cycle_cost[plane]),
        cycle_cost[to_end].astype(np.int64),
    )
    waits = stagger(sums_of(cycle_cost[walk.gaps], walk.bounds), jobs.pe_bounds, costs)
    order = waits.order
    jobs = jobs.reordered(order)
    walk = walk_of(parts, jobs)
    before, after = waits.before[order], waits.after[order]
    walk.gaps[walk.bounds[:-1]] += (plane * waits.planes[order]).astype(np.int32)
    return jobs, _with_null_taps(walk, before, after, plane, to_end[order])


def _with_null_taps(walk: Walk, before: Int64, after: Int64, plane: int, to_end: Int32) -> Walk:
    """Return ``walk`` with null taps before and after its jobs, int64 [n_jobs] each."""
    if not (before + after).any():
        return walk
    first, last = walk.bounds[:-1], walk.bounds[1:]
    places = np.concatenate([np.repeat(last, after), np.repeat(first, before)])
    gaps = [np.repeat(to_end, after), np.full(int(before.sum()), plane)]
    order = np.argsort(places, kind="stable")
    return Walk(
        np.insert(walk.gaps, places[order], np.concatenate(gaps)[order].astype(np.int32)),
        np.insert(walk.negate, places[order], False),
        walk.bounds + np.append(0, np.cumsum(before + after)),
    )


def sums_of(values: npt.NDArray[np.signedinteger[Any]], bounds: Int64) -> Int64:
    """Return the sums of ``values`` between two ``bounds``, int64."""
    sums: Int64 = np.diff(np.append(0, np.cumsum(values, dtype=np.int64))[bounds])
    return sums
