"""Gaps: how far apart the taps lie that one PE walks one after the other.

The window's rows are cut into splits. In a split an output's taps are walked plane by plane from
the highest down, so a tap's place is its step down the planes times (span + 1) plus its index.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from bitfpga.plan.taps import Taps

Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]
Bool = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class SplitTaps:
    """A layer's taps by split; in a split by output, plane from the highest down, rising row.

    ``output``, ``plane``, ``index`` (row less the job's base, 0..span-1) and ``base`` are int32
    [n_taps], ``negate`` is bool. ``bounds``: first tap of each split and the end, int64
    [n_splits + 1]; ``starts``: first tap of each output in each split and the end, int64.
    """

    output: Int32
    plane: Int32
    negate: Bool
    index: Int32
    base: Int32
    bounds: Int64
    starts: Int64
    span: int

    @property
    def n_splits(self) -> int:
        return len(self.bounds) - 1

    @property
    def first(self) -> Bool:
        """Whether a tap is its output's first in its split, bool [n_taps]."""
        first = np.zeros(len(self.output), bool)
        first[self.starts[:-1]] = True
        return first


def split_taps(taps: Taps, split_rows: int) -> SplitTaps:
    """Return ``taps`` cut into splits of ``split_rows`` rows (the last may have fewer)."""
    if split_rows < 1:
        raise ValueError(f"splits of {split_rows} rows: at least 1 is needed")
    n_splits = max(1, -(-taps.n_rows // split_rows))
    whole_groups = split_rows % taps.rows_per_group == 0
    span = taps.rows_per_group if whole_groups else split_rows
    output, plane, negate, row = taps.output, taps.plane, taps.negate, taps.row
    split = (row // np.int32(split_rows)).astype(np.min_scalar_type(n_splits))
    if n_splits > 1:
        order = np.argsort(split, kind="stable")
        output, plane, negate, row = output[order], plane[order], negate[order], row[order]
    bounds = np.append(0, np.cumsum(np.bincount(split, minlength=n_splits)))
    new = np.diff(output, prepend=-1) != 0
    new[bounds[:-1][bounds[:-1] < len(new)]] = True
    starts = np.append(np.flatnonzero(new), len(output))
    row = row % np.int32(split_rows)
    index = row % np.int32(span)
    return SplitTaps(output, plane, negate, index, row - index, bounds, starts, span)


def element_gaps(plane: Int32, index: Int32, first: Bool, span: int) -> tuple[Int32, Int64]:
    """Return the gap before every tap and null tap, int32, and where the taps stand in it, int64.

    ``plane``, ``index`` int32 and ``first`` (begins a job) bool, [n_taps]. Each empty plane
    between two taps of a job is one null tap, at index ``span``, before the later one.
    """
    drop = -np.diff(plane, prepend=0)
    before = np.empty_like(index)
    before[:1], before[1:] = -1, index[:-1]
    drop[first], before[first] = 0, -1
    n_null = np.maximum(drop - 1, 0)
    if not n_null.any():
        plain: Int32 = index - before + (drop * np.int32(span + 1)).astype(np.int32)
        return plain, np.arange(len(plane), dtype=np.int64)
    places = np.arange(len(plane)) + np.cumsum(n_null, dtype=np.int64)
    n_elements = int(places[-1]) + 1 if len(places) else 0
    gaps = np.full(n_elements, span + 1, np.int32)
    gaps[places] = np.where(n_null > 0, index + 1, index - before + drop * np.int32(span + 1))
    jumps = np.flatnonzero(n_null)
    gaps[places[jumps] - n_null[jumps]] = 2 * span + 1 - before[jumps]
    return gaps, places


def gap_counts(parts: SplitTaps) -> Int64:
    """Return how often each gap occurs in each split, int64 [n_splits, 2 span + 2].

    Every output's taps in a split are walked in one go.
    """
    gaps, places = element_gaps(parts.plane, parts.index, parts.first, parts.span)
    bounds = np.append(0, places + 1)[parts.bounds]
    largest = 2 * parts.span + 1
    runs = pairwise(bounds.tolist())
    counts = [np.bincount(gaps[low:high], minlength=largest + 1) for low, high in runs]
    return np.array(counts, np.int64)
