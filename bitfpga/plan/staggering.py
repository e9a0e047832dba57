"""Waits that keep the PEs of an array from finishing two jobs in one cycle.

One result a cycle goes from the PEs to the memory of results, and no PE holds one back. PE p starts
a tile p cycles after the first, so PEs with equal work do not end it together. A job that would
still end with another one ends later, as does one that would end before the last PE has started:
results of a tile come after all of the tile before. First the jobs of a PE change places; where
that does not help, cycles without a tap take up the time: the way
to the first tap goes through one plane more, while the sum is zero; null taps stand before it; or
one null tap stands after the last tap, in the same plane.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

Int64 = npt.NDArray[np.int64]
MOST_TRIED = 32  # jobs of a PE


@dataclass(frozen=True, eq=False)
class Waits:
    """The jobs in the order in which their PEs walk them, PE by PE, and of each job its waits:
    planes more on the way to its first tap (0 or 1), null taps ``before`` it, and null taps
    ``after`` its last (0 or 1). All are int64 [n_jobs]; ``order`` holds indices of jobs."""

    order: Int64
    planes: Int64
    before: Int64
    after: Int64


@dataclass(frozen=True, eq=False)
class WaitCosts:
    """Cycles of each wait; of ``plane`` and ``after`` (int64 [n_jobs]), 0 where there is none."""

    plane: Int64
    before: int
    after: Int64


def stagger(cycles: Int64, pe_bounds: Int64, costs: WaitCosts) -> Waits:
    """Return an order and waits with which no two jobs end in one cycle.

    ``cycles``: int64 [n_jobs] of each job, PE by PE from ``pe_bounds`` (int64 [n_pes + 1]) on. A
    job that would end with another one makes way for one of its PE that would not. If none is
    left it waits, unless its PE is that with most work left.
    """
    waits = Waits(np.arange(len(cycles)), *(np.zeros_like(cycles) for _ in range(3)))
    length, bounds = cycles.tolist(), pe_bounds.tolist()
    plane, after = costs.plane.tolist(), costs.after.tolist()
    work = np.diff(np.append(0, np.cumsum(cycles))[pe_bounds]).tolist()
    left = [list(range(low, high)) for low, high in pairwise(bounds)]
    heap = [(pe + length[jobs[0]], -work[pe], pe, pe) for pe, jobs in enumerate(left) if jobs]
    heapq.heapify(heap)
    taken = _Taken(len(left))
    while heap:
        _, rest, pe, start = heap[0]
        jobs = left[pe]
        ends = (start + length[job] for job in jobs[:MOST_TRIED])
        place, time = next(((i, end) for i, end in enumerate(ends) if taken.is_free(end)), (0, 0))
        job = jobs.pop(place)
        if not time:
            choices = _choices(taken, start + length[job], (plane[job], costs.before, after[job]))
            time, *chosen = min(choices)
            waits.planes[job], waits.before[job], waits.after[job] = chosen
        taken.take(time)
        waits.order[bounds[pe + 1] - len(jobs) - 1] = job
        if not jobs:
            heapq.heappop(heap)
        else:
            heapq.heapreplace(heap, (time + length[jobs[0]], rest + length[job], pe, time))
    return waits


def _choices(
    taken: _Taken, end: int, costs: tuple[int, int, int]
) -> list[tuple[int, int, int, int]]:
    """Return ways to end at a free time: (time, planes, null taps before, after)."""
    plane, before, after = costs
    found = []
    for n_after in (0, 1) if after else (0,):
        start = end + n_after * after
        time = taken.first_free(start, before)
        found.append((time, 0, (time - start) // before, n_after))
        # A null tap steps a whole plane, so that nothing can be added to the tap's way after it.
        if taken.first_free(start + plane, before) == start + plane:
            found.append((start + plane, 1, 0, n_after))
    return found


class _Taken:
    """Ends of jobs, and where to look on from each of them; none is before ``first``."""

    def __init__(self, first: int) -> None:
        self._next = dict.fromkeys(range(first), first)

    def take(self, time: int) -> None:
        self._next[time] = time + 1

    def is_free(self, time: int) -> bool:
        return self._free(time) == time

    def first_free(self, time: int, step: int) -> int:
        """Return the first of ``time``, ``time + step``, ... that is free."""
        start = time
        while (free := self._free(time)) != time:
            time = start + -(-(free - start) // step) * step
        return time

    def _free(self, time: int) -> int:
        passed = []
        while time in self._next:
            passed.append(time)
            time = self._next[time]
        for cycle in passed:
            self._next[cycle] = time
        return time
