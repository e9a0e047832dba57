"""The memories of an array layer, each in LUT RAM or block RAM, whichever costs less."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from bitfpga.plan.facts import ArrayFacts
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
    ``line_luts``, ``line_bram36``: of the line buffer. ``n_results``: sums that the PEs make in
    ``walk_cycles``. ``shift_bits``: those in which the shifts of results differ.
    """

    tile_pixels: Numbers
    split_rows: Numbers
    n_pes: Numbers
    n_entries: Numbers
    in_parts: Any
    tap_rows: Numbers
    tap_bits: Numbers
    decoder_luts: Numbers
    n_results: Numbers
    line_luts: Numbers
    line_bram36: Numbers
    walk_cycles: Numbers
    shift_bits: Numbers


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


def tile_words(split_rows: Numbers, at_once: int) -> Numbers:
    """Return the words of a PE's tile memory (``pe.v``), of ``at_once`` rows each.

    Rows lie from their end, so that one word more is there where they fill no power of two.
    """
    if at_once > 1:
        return ceil_div(2 * np.asarray(split_rows), at_once)
    rows = np.asarray(split_rows)
    return 2 * np.where(rows & (rows - 1), rows + 1, rows)


def array_memories(
    facts: ArrayFacts, sizes: ArraySizes, source: str, n_samples: int, prices: Prices
) -> dict[str, Memory]:
    """Return the memories by name.

    ``tile``: a PE's window rows, double-buffered. ``taps``: a PE's stream, or a queue of what
    arrives of it. ``results``: the sums of two tiles.
    """
    at_once = facts.step.inputs[0].lanes if facts.window is None else 1
    columns = sizes.tile_pixels * n_samples
    tile = cheaper_memory(
        tile_words(sizes.split_rows, at_once), columns * at_once * facts.input_bits, prices
    )
    row_bits = columns * accumulator_bits(facts, sizes.in_parts)
    results = cheaper_memory(2 * np.maximum(sizes.n_results, 1), row_bits, prices)
    return {
        "tile": Memory(sizes.n_pes, *tile),
        "taps": Memory(sizes.n_pes, *_tap_memory(sizes, source, prices)),
        "results": Memory(1, *results),
    }


def _tap_memory(sizes: ArraySizes, source: str, prices: Prices) -> tuple[Numbers, Numbers]:
    if source == "memory":
        return lut_ram(16, ROW_BITS["memory"]), 0.0
    return cheaper_memory(sizes.tap_rows, sizes.tap_bits, prices, read_only=True)
