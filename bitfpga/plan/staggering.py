"""Waits that keep the PEs of an array from finishing two jobs in one cycle.

One result a cycle goes from the PEs to the memory of results, and no PE holds one back. PE p starts
a tile p cycles after the first, so PEs with equal work do not end it together. A job that would
still end with another one ends later, as does one that would end before the last PE has started:
results of a tile come after all of the tile before. Cycles without a tap take up the time: the way
to the first tap goes through one plane more, while the sum is zero; null taps stand before it; or
one null tap stands after the last tap, in the same plane.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Int64 = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Waits:
    """Of each job, int64 [n_jobs]: planes more on the way to its first tap (0 or 1), null taps
    ``before`` it, and null taps ``after`` its last (0 or 1)."""

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
    """Return waits with which no two jobs end in one cycle.

    ``cycles``: int64 [n_jobs] of each job, PE by PE from ``pe_bounds`` (int64 [n_pes + 1]) on. Of
    jobs that end together, that of the PE with most work left does not wait.
    """
    waits = Waits(*(np.zeros_like(cycles) for _ in range(3)))
    lasts, length = pe_bounds[1:].tolist(), cycles.tolist()
    plane, after = costs.plane.tolist(), costs.after.tolist()
    work = np.diff(np.append(0, np.cumsum(cycles))[pe_bounds]).tolist()
    firsts = enumerate(pe_bounds[:-1].tolist())
    heap = [(pe + length[job], -work[pe], pe, job) for pe, job in firsts if job < lasts[pe]]
    heapq.heapify(heap)
    taken = _Taken(len(lasts))
    while heap:
        end, left, pe, job = heap[0]
        time = taken.first_free(end, 1)
        if time > end:
            choices = _choices(taken, end, (plane[job], costs.before, after[job]))
            time, *chosen = min(choices)
            waits.planes[job], waits.before[job], waits.after[job] = chosen
        taken.take(time)
        if job + 1 == lasts[pe]:
            heapq.heappop(heap)
        else:
            heapq.heapreplace(heap, (time + length[job + 1], left + length[job], pe, job + 1))
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
