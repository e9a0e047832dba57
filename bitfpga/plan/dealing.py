"""Outputs dealt to PEs so that the longest PE is as short as can be found."""

from __future__ import annotations

import heapq

import numpy as np
import numpy.typing as npt

Int64 = npt.NDArray[np.int64]


def deal(lengths: Int64, n_pes: int) -> list[Int64]:
    """Return, for each PE, the indices of its outputs in rising order.

    ``lengths``: words of each output, int64 [n_outputs]; outputs of length 0 are dealt to nobody.
    Longest first to the least loaded PE (Graham 1969): at most 4/3 of the optimum, and within a
    few percent of the mean when outputs are many.
    """
    hands: list[list[int]] = [[] for _ in range(n_pes)]
    loads = [(0, pe) for pe in range(n_pes)]
    for output in np.argsort(-lengths, kind="stable"):
        if lengths[output] == 0:
            break
        load, pe = loads[0]
        hands[pe].append(int(output))
        heapq.heapreplace(loads, (load + int(lengths[output]), pe))
    return [np.array(sorted(hand), np.int64) for hand in hands]


def longest(lengths: Int64, hands: list[Int64]) -> int:
    """Return the words of the fullest PE."""
    return max((int(lengths[hand].sum()) for hand in hands), default=0)


def fewest_pes(lengths: Int64, limit: int) -> int:
    """Return the fewest PEs whose fullest one has at most ``limit`` words (from 128 on, nearly).

    ``limit`` must not be below the longest output.
    """
    n_live = int(np.count_nonzero(lengths))
    n_pes = max(1, -(-int(lengths.sum()) // max(limit, 1)))
    while n_pes < n_live and longest(lengths, deal(lengths, n_pes)) > limit:
        n_pes += max(1, n_pes // 64)
    return max(1, min(n_pes, n_live))
