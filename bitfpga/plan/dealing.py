"""Work dealt to PEs so that the longest PE is as short as can be found."""

from __future__ import annotations

import heapq

import numpy as np
import numpy.typing as npt

Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]


def share_pes(cycles: Int64, n_pes: int) -> Int64:
    """Return how many of ``n_pes`` PEs each part of the work gets, int64 like ``cycles``.

    ``cycles``: work of each part, int64 [n_parts]. The largest share per PE is the least
    possible; every part with work gets a PE. ``ValueError`` if there are more such than PEs. PEs
    that nobody needs go to the first part.
    """
    shares = (cycles > 0).astype(np.int64)
    left = n_pes - int(shares.sum())
    if left < 0:
        raise ValueError(f"{n_pes} PEs for {int(shares.sum())} parts that each need one")
    heap = [(-float(cycles[part]), part) for part in np.flatnonzero(cycles).tolist()]
    if not heap:
        shares[0] = left
        return shares
    heapq.heapify(heap)
    for _ in range(left):
        part = heap[0][1]
        shares[part] += 1
        heapq.heapreplace(heap, (-int(cycles[part]) / int(shares[part]), part))
    return shares


def deal_whole(lengths: Int64, n_pes: int) -> Int64:
    """Return the PE of each job, int64 like ``lengths``: longest first to the least loaded PE.

    ``lengths``: cycles of each job, int64 [n_jobs] (Graham 1969: at most 4/3 of the optimum).
    """
    pe_of = np.zeros(len(lengths), np.int64)
    loads = [(0, pe) for pe in range(n_pes)]
    for job in np.argsort(-lengths, kind="stable").tolist():
        load, pe = loads[0]
        pe_of[job] = pe
        heapq.heapreplace(loads, (load + int(lengths[job]), pe))
    return pe_of


def cut_evenly(restart: Int32, done: Int64, n_pes: int) -> tuple[Int64, int]:
    """Return where a sequence of taps is cut into at most ``n_pes`` runs, and the longest run.

    ``done``: cycles up to and with each tap when the sequence is walked in one go, int64
    [n_taps]; ``restart``: cycles of each tap when a run begins with it, int32 [n_taps] (McNaughton
    1959, with a cost for each cut). The cuts are int64 [n_runs + 1]: 0, each further run's first
    tap, n_taps. No run is empty.
    """
    low, high = -(-len(done) // n_pes), int(done[-1] - done[0]) + int(restart[0]) - 1
    best = np.array([0, len(done)], np.int64)
    while low <= high:
        limit = (low + high) // 2
        cuts = _cut_at(restart, done, n_pes, limit)
        if cuts is None:
            low = limit + 1
        else:
            best, high = cuts, limit - 1
    return best, int(run_cycles(restart, done, best).max())


def run_cycles(restart: Int32, done: Int64, cuts: Int64) -> Int64:
    """Return the cycles of each run between two ``cuts``, int64 [n_runs]."""
    first = cuts[:-1]
    cycles: Int64 = restart[first] + done[cuts[1:] - 1] - done[first]
    return cycles


def _cut_at(restart: Int32, done: Int64, n_pes: int, limit: int) -> Int64 | None:
    """Return the cuts where no run is longer than ``limit``; None if the PEs do not suffice."""
    cuts = [0]
    while cuts[-1] < len(done):
        first = cuts[-1]
        room = limit - int(restart[first])
        if len(cuts) > n_pes or room < 0:
            return None
        cuts.append(int(np.searchsorted(done, done[first] + room, side="right")))
    return np.array(cuts, np.int64)
