"""What a folded array layer is estimated to cost; sizes may be numbers or arrays of choices."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from bitfpga.plan.facts import ArrayFacts
from bitfpga.plan.resources import (
    LAYER_CONTROL,
    ROW_BITS,
    Numbers,
    Prices,
    ceil_div,
    cheaper_memory,
    line_buffer,
    lut_ram,
    lut_rom,
    requantiser,
)

JOB_BITS = 12  # of a job in a PE's list: its cycles, and where its rows begin


@dataclass(frozen=True, eq=False)
class ArraySizes:
    """The sizes of one folding, or of many side by side (int64 arrays of one length).

    ``in_parts``: whether several sums make an output. ``tap_rows``: of the fullest PE.
    """

    tile_pixels: Numbers
    split_rows: Numbers
    n_pes: Numbers
    n_entries: Numbers
    in_parts: Any
    tap_rows: Numbers
    decoder_luts: Numbers
    buffer_rows: Numbers


def array_cost(
    facts: ArrayFacts,
    sizes: ArraySizes,
    source: str,
    beat_pixels: int,
    n_samples: int,
    prices: Prices,
) -> tuple[Numbers, Numbers]:
    """Return (LUTs, RAMB36): PEs with their memories, requantiser, line buffer and constants.

    A PE's sums wait in flip-flops until they pass, one PE a cycle, into one memory of results.
    """
    lanes, out_lanes = sizes.tile_pixels * n_samples, beat_pixels * n_samples
    whole, parts = (facts.accumulator_bits(in_parts) for in_parts in (False, True))
    acc = np.where(sizes.in_parts, parts, whole)
    tile = cheaper_memory(2 * (sizes.split_rows + 1), lanes * facts.input_bits, prices)
    taps = _tap_memory(sizes.tap_rows, source, prices)
    to_results = np.where(np.asarray(sizes.n_pes) > 1, lanes * acc // 4, 0)
    jobs = lut_rom(ceil_div(sizes.n_entries, sizes.n_pes), JOB_BITS)
    a_pe = lanes * acc + sizes.decoder_luts + jobs + tile[0] + taps[0] + to_results
    results = cheaper_memory(2 * sizes.n_entries, lanes * acc, prices)
    to_requantiser = out_lanes * acc * (ceil_div(sizes.tile_pixels, beat_pixels) - 1) // 4
    luts = sizes.n_pes * a_pe + results[0] + to_requantiser
    luts = luts + _shared_luts(facts, out_lanes, sizes)
    bram36 = sizes.n_pes * (tile[1] + taps[1]) + results[1]
    if facts.window is not None:
        elements = facts.window.width * facts.window.channels * sizes.buffer_rows
        bits = facts.input_bits * n_samples
        line = line_buffer(sizes.tile_pixels, elements, bits, prices)
        luts, bram36 = luts + line[0], bram36 + line[1]
    return luts + _sum_luts(facts, lanes), bram36


def _tap_memory(tap_rows: Numbers, source: str, prices: Prices) -> tuple[Numbers, Numbers]:
    """Return the memory of one PE's tap rows: all of them, or a queue of those from memory."""
    if source == "memory":
        return lut_ram(16, ROW_BITS["memory"]), 0.0
    return cheaper_memory(tap_rows, ROW_BITS["rom"], prices, read_only=True)


def _sum_luts(facts: ArrayFacts, lanes: Numbers) -> Numbers:
    """Return the LUTs of the shared sums: an adder in each lane, and a memory of the sums.

    Lanes of a vector's beat add up on their own; ``lanes`` is one of them.
    """
    if facts.sums is None:
        return 0
    at_once = facts.step.inputs[0].lanes if facts.window is None else 1
    bits = lanes * at_once * facts.sums.bits(facts.input_bits)
    return bits + lut_ram(facts.sums.n_groups, bits)


def _shared_luts(facts: ArrayFacts, lanes: int, sizes: ArraySizes) -> Numbers:
    """Return the LUTs of control, requantiser, emission list and constants of the channels."""
    entry_bits = np.ceil(np.log2(sizes.n_entries + 1)) + 5
    scale_bits = facts.scaled_bits + 8 * facts.n_terms
    constants = lut_rom(sizes.n_entries, entry_bits) + lut_rom(facts.n_outputs, scale_bits)
    return LAYER_CONTROL + requantiser(lanes, facts.scaled_bits, facts.n_terms) + constants
