"""The memories of an array layer, each in LUT RAM or block RAM, whichever costs less."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from bitfpga.plan.facts import ArrayFacts
from bitfpga.plan.line_memory import LineMemory
from bitfpga.plan.resources import (
    ROW_BITS,
    Numbers,
    Prices,
    ceil_div,
    cheaper_memory,
    lut_ram,
)


@dataclass(frozen=True, eq=False)
class ArraySizes:
    """The sizes of one folding, or of many side by side (int64 arrays of one length).

    ``in_parts``: whether several sums make an output. ``tap_rows`` of ``tap_bits``: of the fullest
    PE.
    ``line_memories`` of ``line_rows`` words of ``line_pixels`` pixels make the line buffer.
    """

    tile_pixels: Numbers
    split_rows: Numbers
    n_pes: Numbers
    n_entries: Numbers
    in_parts: Any
    tap_rows: Numbers
    tap_bits: Numbers
    decoder_luts: Numbers
    line_memories: Numbers
    line_rows: Numbers
    line_pixels: Numbers


@dataclass(frozen=True, eq=False)
class Memory:
    """``count`` equal memories of ``luts`` LUTs and ``bram36`` RAMB36 each; one of both is 0."""

    count: Numbers
    luts: Numbers
    bram36: Numbers

    @property
    def style(self) -> str:
        """What RTL calls it: ``block`` or ``distributed``."""
        return "block" if np.any(self.bram36) else "distributed"


def accumulator_bits(facts: ArrayFacts, in_parts: Any) -> Numbers:
    """Return the bits of an accumulator, for one folding or for each of many."""
    whole, parts = (facts.accumulator_bits(cut) for cut in (False, True))
    return np.where(in_parts, parts, whole)


def line_sizes(lines: list[LineMemory]) -> dict[str, Numbers]:
    """Return the sizes of line buffers as ``ArraySizes`` has them."""
    return {
        "line_memories": np.array([line.n_memories for line in lines], np.int64),
        "line_rows": np.array([line.rows for line in lines], np.int64),
        "line_pixels": np.array([line.pixels_a_word for line in lines], np.int64),
    }


def array_memories(
    facts: ArrayFacts, sizes: ArraySizes, source: str, n_samples: int, prices: Prices
) -> dict[str, Memory]:
    """Return the memories by name.

    ``tile``: a PE's window rows, double-buffered. ``taps``: a PE's stream, or a queue of what
    arrives of it. ``results``: the sums of two tiles. ``lines``: the line buffer.
    """
    at_once = facts.step.inputs[0].lanes if facts.window is None else 1
    columns = sizes.tile_pixels * n_samples
    rows = ceil_div(2 * sizes.split_rows, at_once)
    tile = cheaper_memory(rows, columns * at_once * facts.input_bits, prices)
    row_bits = columns * accumulator_bits(facts, sizes.in_parts)
    results = cheaper_memory(2 * sizes.n_entries, row_bits, prices)
    memories = {
        "tile": Memory(sizes.n_pes, *tile),
        "taps": Memory(sizes.n_pes, *_tap_memory(sizes, source, prices)),
        "results": Memory(1, *results),
    }
    if facts.window is not None:
        bits = sizes.line_pixels * n_samples * facts.input_bits
        lines = cheaper_memory(sizes.line_rows, bits, prices)
        memories["lines"] = Memory(sizes.line_memories, *lines)
    return memories


def _tap_memory(sizes: ArraySizes, source: str, prices: Prices) -> tuple[Numbers, Numbers]:
    if source == "memory":
        return lut_ram(16, ROW_BITS["memory"]), 0.0
    return cheaper_memory(sizes.tap_rows, sizes.tap_bits, prices, read_only=True)
