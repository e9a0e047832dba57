"""Folding one array layer: pixels of a tile, splits and PEs, the cheapest that meet a limit."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from bitfpga.plan.array_cost import array_cost, decoder_luts
from bitfpga.plan.array_memories import ArraySizes
from bitfpga.plan.costs import StreamCost, split_costs
from bitfpga.plan.facts import ArrayFacts
from bitfpga.plan.line_buffers import line_buffer
from bitfpga.plan.resources import ROW_BITS, Prices, as_resources, ceil_div
from bitfpga.plan.schedule import Resources
from bitfpga.plan.tap_words import NO_CODE
from bitfpga.plan.tiled import WALK_RESTART
from bitfpga.plan.windows import least_buffer_rows

Int64 = npt.NDArray[np.int64]
MAX_TILE_PIXELS = 72
MAX_PES = 4096
DEALT = 99  # percent of its longest PE's cycles that the PEs of a split have on average
WHOLE_JOBS = 34  # jobs a PE from which on dealing them whole leaves no PE 3 % longer than others
CUT_SHIFT_BITS = 2  # in which the planes differ that outputs are cut at
WAITS = 2  # n jobs that end in m cycles wait about n * n / m / WAITS cycles
BUSY_COST = 1.25
BUSY = 0.95


@dataclass(frozen=True)
class Folding:
    """One choice for a layer and what it is estimated to cost. ``coded``: cells, not tap words."""

    tile_pixels: int
    split_rows: int
    coded: bool
    n_pes: int
    buffer_rows: int
    source: str
    cost: float
    resources: Resources


class ArrayOptions:
    """Every tiling and splitting of one layer as parallel arrays, int64 [n_options].

    ``source``: ``rom`` or ``memory``. ``port_share``: of the memory port's rows, this layer's.
    ``beat_pixels``, ``n_samples``: of the whole network.
    ``like``: options of the same layer, from which the costs of splits are taken if they hold.
    """

    def __init__(
        self,
        facts: ArrayFacts,
        source: str,
        beat_pixels: int,
        n_samples: int,
        like: ArrayOptions | None = None,
    ) -> None:
        self.facts, self.source = facts, source
        self.port_share = 1.0
        self.beat_pixels = beat_pixels if facts.n_pixels > 1 else 1
        self.n_samples = n_samples
        self.in_lanes = facts.step.inputs[0].lanes
        same = like is not None and like.facts.taps is facts.taps and like.source == source
        self.costs: list[StreamCost] = like.costs if like and same else split_costs(facts, source)
        pixels = _tile_choices(facts.n_pixels, self.beat_pixels)
        self.tile_pixels = np.repeat(pixels, len(self.costs))
        self.split_rows = self._of_costs([cost.split_rows for cost in self.costs])
        self.n_tiles = ceil_div(facts.n_pixels, self.tile_pixels)
        self._lines: dict[Prices, tuple[Int64, npt.NDArray[np.float64]]] = {}

    def _of_costs(self, values: list[int]) -> Int64:
        return np.tile(np.array(values, np.int64), len(self.tile_pixels) // len(values))

    @cached_property
    def cycles(self) -> Int64:
        """PE cycles of one tile, over all PEs."""
        return self._of_costs([cost.cycles for cost in self.costs])

    @cached_property
    def split_cycles(self) -> Int64:
        """PE cycles of one tile by split, int64 [n_options, most splits], padded with 0."""
        rows = [cost.split_cycles for cost in self.costs]
        padded = np.zeros((len(rows), max(map(len, rows))), np.int64)
        for row, cycles in zip(padded, rows, strict=True):
            row[: len(cycles)] = cycles
        return np.tile(padded, (len(self.tile_pixels) // len(rows), 1))

    @cached_property
    def n_jobs(self) -> Int64:
        """Sums the requantiser takes a pixel if no output is cut, pruned outputs included."""
        n_pruned = self.facts.n_outputs - len(np.unique(self.facts.taps.output))
        return self.n_results + n_pruned

    @cached_property
    def n_results(self) -> Int64:
        """Sums that PEs make of a tile if no output is cut."""
        return self._of_costs([cost.n_jobs for cost in self.costs])

    @cached_property
    def least_pes(self) -> Int64:
        """PEs that give every split with taps one of its own."""
        used = [sum(map(bool, cost.split_cycles)) for cost in self.costs]
        return self._of_costs([max(1, n) for n in used])

    @cached_property
    def stored_bits(self) -> Int64:
        """Bits of the index stream."""
        return self._of_costs([cost.bits for cost in self.costs])

    @cached_property
    def row_bits(self) -> Int64:
        """Bits of a tap row as it is stored."""
        return self._of_costs([cost.row_bits for cost in self.costs])

    @cached_property
    def _is_coded(self) -> npt.NDArray[np.bool_]:
        is_coded: npt.NDArray[np.bool_]
        is_coded = self._of_costs([cost.symbol_bits for cost in self.costs]) != NO_CODE
        return is_coded

    @cached_property
    def decoder_luts(self) -> Int64:
        """LUTs of a PE's tap decoder."""
        return self._of_costs(
            [decoder_luts(cost.symbol_bits, cost.row_bits, cost.span) for cost in self.costs]
        )

    @cached_property
    def shortest(self) -> int:
        """The fewest cycles a block that any option allows, whatever its PEs."""
        blocks = ceil_div(self.tile_pixels, self.beat_pixels)
        sums = np.maximum(blocks * self.n_jobs, self.n_results + WALK_RESTART)
        tile = np.maximum(self.facts.n_fill, sums)
        return int((self.n_tiles * tile).min())

    @cached_property
    def slowest(self) -> int:
        """The cycles a block in which one PE does any option, whatever waits for what."""
        return int((self.n_tiles * (self.cycles + WALK_RESTART + self.n_results)).max())

    @property
    def _stored_rows(self) -> Int64:
        return ceil_div(self.stored_bits, ROW_BITS["memory"])

    @cached_property
    def least_rows(self) -> int:
        """Tap rows that a block reads from memory at least."""
        return int((self.n_tiles * self._stored_rows).min()) if self.source == "memory" else 0

    def fold(self, limit: int, prices: Prices) -> Folding | None:
        """Return the cheapest folding of at most ``limit`` cycles a block; None if there is none.

        The PEs are those of a dealing that is nearly perfect; ``finish`` checks the real one. A
        folding whose PEs carry a tap in ``BUSY`` of their cycles may cost a quarter more.
        """
        budget = np.maximum(limit // self.n_tiles, 1)
        waits = self.n_results**2 // (WAITS * budget)  # so that no two jobs end together
        walk = np.maximum(budget - WALK_RESTART - waits, 1)
        shares = ceil_div(ceil_div(self.split_cycles * 100, DEALT), walk[:, None])
        n_pes = np.maximum(shares.sum(axis=1), 1)
        cut = self.n_jobs < WHOLE_JOBS * n_pes
        entries = self.n_jobs + np.where(cut, n_pes - self.least_pes, 0)
        emit = ceil_div(self.tile_pixels, self.beat_pixels) * entries
        fits = (np.maximum(self.facts.n_fill, emit) <= budget) & (n_pes <= MAX_PES)
        fits &= entries - self.n_jobs + self.n_results <= walk  # one sum a cycle leaves the PEs
        if self.source == "memory":
            fits &= self._stored_rows <= budget * self.port_share
        if not fits.any():
            return None
        sizes = self._sizes(n_pes, entries, prices)
        shape = (self.source, self.beat_pixels, self.n_samples, prices)
        luts, bram36 = array_cost(self.facts, sizes, *shape)
        longest = ceil_div(self.split_cycles, np.maximum(shares, 1)).max(axis=1)
        busy = fits & (len(self.facts.taps) >= BUSY * n_pes * longest)
        cost = np.where(fits, prices.cost(luts, bram36), np.inf)
        best, busiest = int(np.argmin(cost)), int(np.argmin(np.where(busy, cost, np.inf)))
        if busy.any() and cost[busiest] <= cost[best] * BUSY_COST:
            best = busiest
        resources = as_resources(luts[best], bram36[best])
        return Folding(
            int(self.tile_pixels[best]),
            int(self.split_rows[best]),
            bool(self._is_coded[best]),
            int(n_pes[best]),
            int(self.buffer_rows[best]),
            self.source,
            float(cost[best]),
            resources,
        )

    def _sizes(self, n_pes: Int64, entries: Int64, prices: Prices) -> ArraySizes:
        line_luts, line_bram36 = self._line_costs(prices)
        return ArraySizes(
            tile_pixels=self.tile_pixels,
            split_rows=self.split_rows,
            n_pes=n_pes,
            n_entries=entries,
            in_parts=entries > self.facts.n_outputs,
            tap_rows=np.maximum(ceil_div(self.stored_bits, self.row_bits * n_pes), 1),
            tap_bits=self.row_bits,
            decoder_luts=self.decoder_luts,
            n_results=entries - self.n_jobs + self.n_results,
            line_luts=line_luts,
            line_bram36=line_bram36,
            walk_cycles=np.maximum(ceil_div(self.cycles, n_pes), 1),
            shift_bits=CUT_SHIFT_BITS * (entries > self.n_jobs),
        )

    def _line_costs(self, prices: Prices) -> tuple[Int64, npt.NDArray[np.float64]]:
        """Return LUTs and RAMB36 of the line buffer, each [n_options]."""
        window, bits = self.facts.window, self.facts.input_bits * self.n_samples
        if prices not in self._lines:
            rows = dict(zip(self.tile_pixels.tolist(), self.buffer_rows.tolist(), strict=True))
            costs = {pixels: (0, 0.0) for pixels in rows}
            if window is not None:
                for pixels, n in rows.items():
                    found = line_buffer(window, pixels, self.in_lanes, n, bits, prices)
                    costs[pixels] = found.luts, found.bram36
            luts, blocks = zip(*(costs[n] for n in self.tile_pixels.tolist()), strict=True)
            self._lines[prices] = np.array(luts, np.int64), np.array(blocks)
        return self._lines[prices]

    @cached_property
    def buffer_rows(self) -> Int64:
        """Rows of the line buffer; 0 without one."""
        window = self.facts.window
        if window is None:
            return np.zeros_like(self.tile_pixels)
        rows = {
            pixels: least_buffer_rows(window, pixels, self.in_lanes)
            for pixels in np.unique(self.tile_pixels).tolist()
        }
        return np.array([rows[pixels] for pixels in self.tile_pixels.tolist()], np.int64)


def _tile_choices(n_pixels: int, beat_pixels: int) -> Int64:
    """Return tile sizes, multiples of ``beat_pixels``, the smallest of each number of tiles."""
    if n_pixels == 1:
        return np.ones(1, np.int64)
    most = min(MAX_TILE_PIXELS, ceil_div(n_pixels, beat_pixels) * beat_pixels)
    sizes = np.arange(beat_pixels, max(most, beat_pixels) + 1, beat_pixels)
    _, first = np.unique(ceil_div(n_pixels, sizes), return_index=True)
    return np.sort(sizes[first])
