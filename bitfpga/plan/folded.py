"""A folded array layer with its real index stream: what the schedule, the timing and emit need."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from bitfpga.plan.array_cost import array_cost, decoder_luts
from bitfpga.plan.array_memories import ArraySizes, array_memories
from bitfpga.plan.facts import ArrayFacts
from bitfpga.plan.feeding import TapFeed, tap_feed
from bitfpga.plan.folding import Folding
from bitfpga.plan.line_buffers import LineBuffer, line_buffer
from bitfpga.plan.resources import ROW_BITS, Prices, as_resources, ceil_div
from bitfpga.plan.scale_cost import differing_bits
from bitfpga.plan.schedule import Resources
from bitfpga.plan.streams import LayerStream, build_stream
from bitfpga.plan.tap_words import NO_CODE
from bitfpga.plan.taps import Taps
from bitfpga.plan.tiled import WALK_RESTART
from bitfpga.plan.windows import tile_blocks

Int64 = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class FoldedArray:
    """One array layer as it will run; cycles are of one tile. ``beat_pixels``: of its output."""

    facts: ArrayFacts
    folding: Folding
    stream: LayerStream
    beat_pixels: int
    n_samples: int

    @property
    def n_tiles(self) -> int:
        """Tiles that cover the output map."""
        return ceil_div(self.facts.n_pixels, self.folding.tile_pixels)

    @property
    def _blocks(self) -> Int64:
        return tile_blocks(self.facts.n_pixels, self.folding.tile_pixels, self.beat_pixels)

    @property
    def in_parts(self) -> bool:
        """Whether some output is the sum of several results."""
        return len(self.stream.entry_output) > self.facts.n_outputs

    @property
    def accumulator_bits(self) -> int:
        """Bits of an accumulator."""
        return self.facts.accumulator_bits(self.in_parts)

    @property
    def walk_cycles(self) -> int:
        """Cycles of the longest PE; with rows from memory, of all PEs and of what they wait for."""
        return self.feed.walk_cycles if self.feed else int(self.stream.pe_cycles.max(initial=0))

    @property
    def skew(self) -> int:
        """Cycles from the first PE's end of a walk until their memory is free."""
        return 0 if self.feed else self.stream.skew

    @cached_property
    def feed(self) -> TapFeed | None:
        """How tap rows come from memory, None if they are on chip."""
        from_memory = self.folding.source == "memory" and self.stream.n_taps > 0
        return tap_feed(self.stream) if from_memory else None

    @property
    def emit_cycles(self) -> int:
        """Cycles of the requantiser for a full tile."""
        return int(self._blocks[0]) * len(self.stream.entry_output)

    @property
    def interval_cycles(self) -> int:
        """Cycles between two blocks of samples if nothing else holds the layer up."""
        return max(self.demands.values())

    @property
    def demands(self) -> dict[str, int]:
        """Return the cycles of a block that each part needs by what bounds it."""
        fill = self.facts.n_fill * self.n_tiles
        walk = (WALK_RESTART + max(self.walk_cycles, 1)) * self.n_tiles
        emit = int(self._blocks.sum())
        longest = int(self.stream.pe_cycles.max(initial=0))
        from_memory = self.feed is not None and self.stream.tap_rows.size > longest
        return {
            "taps from memory" if from_memory else "PEs": walk,
            "window rows" if self.facts.window is not None else "input": fill,
            "outputs": emit * len(self.stream.entry_output),
        }

    def lines(self, prices: Prices) -> LineBuffer | None:
        """Return the line buffer, None without a window."""
        window, folding = self.facts.window, self.folding
        if window is None:
            return None
        lanes, bits = self.facts.step.inputs[0].lanes, self.facts.input_bits * self.n_samples
        sizes = (folding.tile_pixels, lanes, folding.buffer_rows, bits)
        return line_buffer(window, *sizes, prices)

    def _sizes(self, prices: Prices) -> ArraySizes:
        lines = self.lines(prices)
        return ArraySizes(
            tile_pixels=self.folding.tile_pixels,
            split_rows=self.folding.split_rows,
            n_pes=max(len(self.stream.pe_split), 1),
            n_entries=len(self.stream.entry_output),
            in_parts=self.in_parts,
            tap_rows=max(self.stream.tap_rows.shape[1], 1),
            tap_bits=self.stream.row_bits,
            decoder_luts=decoder_luts(
                self.stream.symbol_bits, self.stream.row_bits, self.stream.span
            ),
            n_results=int(self.stream.n_jobs.sum()),
            line_luts=lines.luts if lines else 0,
            line_bram36=lines.bram36 if lines else 0.0,
            walk_cycles=max(self.walk_cycles, 1),
            shift_bits=differing_bits(self.stream.entry_shift),
        )

    def styles(self, prices: Prices) -> dict[str, str]:
        """Return where each memory lies, ``block`` or ``distributed`` RAM."""
        shape = (self.folding.source, self.n_samples, prices)
        memories = array_memories(self.facts, self._sizes(prices), *shape)
        styles = {name: memory.style for name, memory in memories.items()}
        lines = self.lines(prices)
        return {**styles, "lines": lines.style} if lines else styles

    def resources(self, prices: Prices) -> Resources:
        """Return the estimate for these very streams."""
        shape = (self.folding.source, self.beat_pixels, self.n_samples, prices)
        return as_resources(*array_cost(self.facts, self._sizes(prices), *shape))


class StreamCache:
    """Builds each stream once: a search tries the same folding of a layer many times."""

    def __init__(self) -> None:
        self._streams: dict[tuple[Taps, int, int, int, bool], LayerStream] = {}

    def stream(self, taps: Taps, folding: Folding) -> LayerStream:
        """Return the stream of ``taps`` folded so."""
        row_bits = ROW_BITS[folding.source]
        key = (taps, folding.split_rows, folding.n_pes, row_bits, folding.coded)
        if key not in self._streams:
            self._streams[key] = build_stream(
                taps,
                split_rows=folding.split_rows,
                n_pes=folding.n_pes,
                row_bits=row_bits,
                symbol_bits=None if folding.coded else NO_CODE,
            )
        return self._streams[key]


def fold_array(
    facts: ArrayFacts, folding: Folding, beat_pixels: int, n_samples: int, streams: StreamCache
) -> FoldedArray:
    """Return the layer folded so, with its stream."""
    lanes = beat_pixels if facts.n_pixels > 1 else 1
    stream = streams.stream(facts.taps, folding)
    return FoldedArray(facts, folding, stream, lanes, n_samples)
