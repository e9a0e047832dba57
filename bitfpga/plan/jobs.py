"""Jobs: runs of taps of one output, dealt to PEs.

A PE serves one split. An output's taps in a split are one job, unless the split's PEs can only be
filled evenly by cutting outputs into several.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bitfpga.plan.cells import gap_costs
from bitfpga.plan.dealing import cut_evenly, deal_whole, run_cycles, share_pes
from bitfpga.plan.gaps import SplitTaps, element_gaps

Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]
_WHOLE_SLACK = 0.02


@dataclass(frozen=True, eq=False)
class Jobs:
    """Runs of ``SplitTaps``, by PE and then by slot: int64 [n_jobs] each.

    Job j is taps ``first[j]`` to ``end[j]`` - 1 on PE ``pe[j]``. ``pe_split``: split of each PE,
    int64 [n_pes].
    """

    first: Int64
    end: Int64
    pe: Int64
    pe_split: Int64

    @property
    def pe_bounds(self) -> Int64:
        """First job of each PE and the end, int64 [n_pes + 1]."""
        return np.searchsorted(self.pe, np.arange(len(self.pe_split) + 1))

    def reordered(self, order: Int64) -> Jobs:
        """Return the jobs ``order`` (int64 [n_jobs]), which stay on their PEs."""
        return Jobs(self.first[order], self.end[order], self.pe[order], self.pe_split)

    @property
    def slot(self) -> Int64:
        """Place of each job among its PE's jobs, int64 [n_jobs]."""
        slot: Int64 = np.arange(len(self.pe)) - self.pe_bounds[self.pe]
        return slot


def deal_jobs(parts: SplitTaps, n_pes: int, symbol_bits: int) -> Jobs:
    """Return the jobs on ``n_pes`` PEs: PEs shared among splits by their cycles, then dealt."""
    gaps, places = element_gaps(parts.plane, parts.index, parts.first, parts.span)
    cost = gap_costs(2 * parts.span + 1, symbol_bits)[1]
    done = np.cumsum(cost[gaps], dtype=np.int64)[places]
    restart = cost[parts.index + 1]
    total = np.append(0, done)[parts.bounds]
    shares = share_pes(np.diff(total), n_pes)
    first_pe = np.cumsum(shares) - shares
    columns = [
        _deal_split(parts, split, int(shares[split]), restart, done)
        for split in range(parts.n_splits)
    ]
    first = np.concatenate([first for first, _, _ in columns])
    end = np.concatenate([end for _, end, _ in columns])
    pe = np.concatenate([pe + base for (_, _, pe), base in zip(columns, first_pe, strict=True)])
    jobs = Jobs(first, end, pe, np.repeat(np.arange(parts.n_splits), shares))
    return _by_work(jobs, restart[first] + done[end - 1] - done[first])


def _by_work(jobs: Jobs, cycles: Int64) -> Jobs:
    """Return ``jobs`` with the longest of every PE first, and the PEs by rising ``cycles`` in all.

    PEs start one after the other, so that all then end one after the other, too. PEs whose longest
    job would end before the last PE has started come last (plan.staggering).
    """
    n_pes = len(jobs.pe_split)
    longest = np.zeros(n_pes, np.int64)
    np.maximum.at(longest, jobs.pe, cycles)
    is_short = longest < n_pes
    total = np.bincount(jobs.pe, cycles, n_pes)
    pes = np.lexsort((np.where(is_short, -longest, total), is_short))
    pe = np.argsort(pes)[jobs.pe]
    order = np.lexsort((-cycles, pe))
    return Jobs(jobs.first[order], jobs.end[order], pe[order], jobs.pe_split[pes])


def _deal_split(
    parts: SplitTaps, split: int, n_pes: int, restart: Int32, done: Int64
) -> tuple[Int64, Int64, Int64]:
    """Return first tap, end and PE (from 0 on) of one split's jobs, by PE and then by tap."""
    low, high = parts.bounds[split : split + 2].tolist()
    if low == high:
        return (np.zeros(0, np.int64),) * 3
    inside = (parts.starts >= low) & (parts.starts <= high)
    cuts = parts.starts[inside]
    lengths = run_cycles(restart, done, cuts)
    pe = deal_whole(lengths, n_pes)
    longest = int(np.bincount(pe, lengths).max())
    mean = int(lengths.sum()) / n_pes
    if longest > (1 + _WHOLE_SLACK) * mean:
        ends, shortest = cut_evenly(restart[low:high], done[low:high], n_pes)
        if shortest < longest:
            cuts = np.union1d(cuts, ends + low)
            pe = np.searchsorted(ends + low, cuts[:-1], side="right") - 1
    return cuts[:-1], cuts[1:], pe
