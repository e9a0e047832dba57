"""Tap rows that come from memory, a row a cycle for all PEs of a layer: queues, and what waits.

Rows arrive in the order of memory, row after row, in each every PE's, from the walk's start on.
All PEs stand still while one of them asks for a row that has not come, because their results
share one tree; a row whose queue is full stops those behind it. So queues must be deep enough
that a row that is asked for never waits behind such a row.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby

import numpy as np
import numpy.typing as npt

from bitfpga.plan.streams import LayerStream
from bitfpga.plan.tiled import WALK_RESTART, WALK_STAGES

Int64 = npt.NDArray[np.int64]

LEAST_QUEUE = 16
FIRST_ARRIVAL = 2
"""Cycles from a walk's start until the first row enters its queue."""


@dataclass(frozen=True, eq=False)
class TapFeed:
    """How a tile's rows come. ``n_rows``: rows that each PE uses, int64 [n_pes], at least 1.

    ``queue``: places of each PE's queue. ``n_steps``: cycles of a walk in which PEs move, until
    the last result is stored; ``n_waits``: cycles in which they stand still, if a row comes in
    every cycle.
    """

    n_rows: Int64
    queue: int
    n_steps: int
    n_waits: int

    @property
    def walk_cycles(self) -> int:
        """Cycles of a walk, without those of ``WALK_RESTART``."""
        return self.n_steps + self.n_waits


def tap_feed(stream: LayerStream) -> TapFeed:
    """Return how the rows of ``stream`` come from memory."""
    per_row = stream.cells_per_row
    n_rows = np.maximum(-(-stream.n_cells // per_row), 1)
    asked = _asked(stream, n_rows, per_row)
    queue = _queue(asked, n_rows)
    waits, last = _waits(asked, n_rows, queue)
    steps = max(int(stream.pe_cycles.max(initial=0)), 1) + stream.skew + WALK_STAGES
    return TapFeed(n_rows, queue, max(steps, last - waits - WALK_RESTART + 1), waits)


def _asked(stream: LayerStream, n_rows: Int64, per_row: int) -> Int64:
    """Return the step of the walk in which a PE takes each row, int64 [n_tap_rows, n_pes].

    Counted from the walk's start; rows that are not used are far away. A PE takes its first rows
    in its first two steps, and then row t + 1 in the step in which row t becomes its current one.
    """
    n_pes, n_all = len(n_rows), stream.tap_rows.shape[1]
    asked = np.full((n_all, n_pes), np.iinfo(np.int64).max, np.int64)
    for pe in range(n_pes):
        used = int(n_rows[pe])
        ends = _cells_taken(stream, pe, per_row)
        loads = np.searchsorted(ends, np.arange(1, used - 1) * per_row)
        first = np.arange(min(used, WALK_RESTART))
        asked[:used, pe] = pe + np.concatenate([first, WALK_RESTART + loads])
    return asked


def _cells_taken(stream: LayerStream, pe: int, per_row: int) -> Int64:
    """Return the cells that a PE has taken after each of its cycles."""
    width, n_cells = stream.symbol_bits + 1, int(stream.n_cells[pe])
    places = np.arange(per_row, dtype=np.uint64) * np.uint64(width)
    cells = (stream.tap_rows[pe][:, None] >> places).reshape(-1)[:n_cells]
    symbols = cells >> np.uint64(1) & np.uint64((1 << stream.symbol_bits) - 1)
    escapes = symbols == (1 << stream.symbol_bits) - 1
    # Escapes in a row go two and two; the last of an odd number goes with the tap behind it.
    number = np.arange(n_cells)
    before = np.concatenate([[-1], np.maximum.accumulate(np.where(escapes, -1, number))])[:-1]
    starts = np.flatnonzero((number - before) % 2 == 1)
    return np.append(starts[1:], n_cells)


def _queue(asked: Int64, n_rows: Int64) -> int:
    """Return the places that every queue needs, a power of two."""
    n_all, n_pes = asked.shape
    earliest, most = asked.min(axis=1), 1
    for pe in range(n_pes):
        used = int(n_rows[pe])
        taken = np.searchsorted(asked[:used, pe], earliest)
        most = max(most, int((np.minimum(np.arange(1, n_all + 1), used) - taken).max()))
    return max(LEAST_QUEUE, 1 << (most - 1).bit_length())


def _waits(asked: Int64, n_rows: Int64, queue: int) -> tuple[int, int]:
    """Return the cycles in which PEs wait, and the cycle in which the last row is stored.

    Counted from the walk's start, which asks for the first row.
    """
    n_all, n_pes = asked.shape
    steps = asked.reshape(-1).tolist()
    used = (np.arange(n_all)[:, None] < n_rows).reshape(-1)
    order = np.argsort(asked, axis=None, kind="stable")[: int(used.sum())].tolist()
    uses, stored, taken = used.tolist(), [FIRST_ARRIVAL - 1], [0] * len(steps)
    waits = 0

    def store(until: int) -> None:
        for row in range(len(stored) - 1, until + 1):
            before = row - queue * n_pes
            room = taken[before] + 1 if uses[row] and before >= 0 else 0
            stored.append(max(stored[-1] + 1, room))

    for step, together in groupby(order, key=steps.__getitem__):
        rows = list(together)
        store(max(rows))
        waits = max(waits, stored[max(rows) + 1] + 1 - step)
        for row in rows:
            taken[row] = step + waits
    store(len(steps) - 1)
    return waits, stored[-1]
