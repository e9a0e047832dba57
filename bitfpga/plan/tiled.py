"""The processes that work tile by tile, and the vector array, for ``plan.timing``.

They are made of double-buffered parts; ``plan.processes`` says how these hand over.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from bitfpga.plan.processes import Process

WALK_RESTART = 2
"""Cycles at a tile's start in which every PE fetches the first row of its stream."""
WALK_STAGES = 7
"""Cycles from a PE's last tap to its result in the result memory."""
EMIT_STAGES = 3
"""Reading a result, picking a block of its pixels, shifting and adding it to the sum."""
POOL_STAGES = 5
"""Cycles from reading a window's last row to its result in the result memory."""
POOL_READ_STAGES = 1
"""Reading a sum from the result memory."""

Counts = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Tiled(Process):
    """A line buffer and its reader, which go their own ways.

    The writer reads ``n_beats`` beats an image, one a cycle, each as soon as it is there and its
    row's place in the buffer is free: beat i of an image is let in by the first tile t with
    ``limit[t]`` > i, from the cycle after the tile before t read its last row (``limit`` counts
    from the image's start and may pass its end: then it lets in beats of the next images).
    The reader's tile t starts in the cycle after the image's ``need[t]``-th beat was written, and
    reads one row in each of ``fill_cycles`` cycles.

    ``need``, ``limit``: int64 [n_tiles] from ``plan.windows``. ``blocks``: int64 [n_tiles], blocks
    of beats that each tile makes. ``stages``: from the last step of a sum to its beat's write.
    """

    n_beats: int
    need: Counts
    limit: Counts
    fill_cycles: int
    blocks: Counts

    @property
    def beats_in(self) -> tuple[int, ...]:
        return (self.n_beats,)


@dataclass(frozen=True, eq=False)
class Array(Tiled):
    """Fill, walk, emit, tile by tile, double-buffered.

    A walk takes ``WALK_RESTART`` cycles before its ``walk_cycles`` steps; meanwhile the last rows
    arrive in the tile memory. PEs start one after the other: the last one ends ``skew`` cycles
    after the first is free for the next tile. The results are in their memory ``WALK_STAGES``
    cycles after the last step. Emit takes one step for each entry of the emission list in each
    block; ``entry_last``: bool [n_entries], the entries that make a beat (the last one does).
    """

    walk_cycles: int
    entry_last: Flags
    skew: int = field(default=0, kw_only=True)

    @property
    def beats_out(self) -> int:
        return int(self.blocks.sum()) * int(self.entry_last.sum())

    @property
    def busy_cycles(self) -> int:
        walk = WALK_RESTART + max(self.walk_cycles, 1)
        tiled = max(self.fill_cycles, walk) * len(self.need)
        return max(self.n_beats, tiled, int(self.blocks.sum()) * len(self.entry_last))


@dataclass(frozen=True, eq=False)
class Pool(Tiled):
    """Reads ``fill_cycles`` = channels x kernel rows of each tile, reducing them into one of two
    result memories (complete ``POOL_STAGES`` cycles after the last row was read); then makes
    the tile's blocks of ``n_channels`` beats, one a cycle."""

    n_channels: int

    @property
    def beats_out(self) -> int:
        return int(self.blocks.sum()) * self.n_channels

    @property
    def busy_cycles(self) -> int:
        return max(self.n_beats, self.fill_cycles * len(self.need), self.beats_out)


@dataclass(frozen=True, eq=False)
class VectorArray(Process):
    """An ``Array`` of one tile and one block whose ``n_beats`` beats are the rows: no line buffer.

    A beat is in the tile memory in the cycle it was read. ``rows_after``: rows that are written
    behind those that arrive (of shared sums and of zeros), one in each cycle after the last beat.
    """

    n_beats: int
    walk_cycles: int
    entry_last: Flags
    rows_after: int = field(default=0, kw_only=True)
    skew: int = field(default=0, kw_only=True)

    @property
    def beats_in(self) -> tuple[int, ...]:
        return (self.n_beats,)

    @property
    def beats_out(self) -> int:
        return int(self.entry_last.sum())

    @property
    def busy_cycles(self) -> int:
        filled = self.n_beats + self.rows_after
        return max(filled, WALK_RESTART + max(self.walk_cycles, 1), len(self.entry_last))
