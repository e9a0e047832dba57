"""What a folded array layer is estimated to cost; sizes may be numbers or arrays of choices."""

from __future__ import annotations

import numpy as np

from bitfpga.plan.array_memories import ArraySizes, accumulator_bits, array_memories
from bitfpga.plan.facts import ArrayFacts
from bitfpga.plan.resources import (
    LANE_ADDRESS,
    LAYER_CONTROL,
    Numbers,
    Prices,
    ceil_div,
    lane_rotator,
    lut_ram,
    lut_rom,
    requantiser,
)

JOB_BITS = 12  # of a job in a PE's list: its cycles, and where its rows begin


def array_cost(
    facts: ArrayFacts,
    sizes: ArraySizes,
    source: str,
    beat_pixels: int,
    n_samples: int,
    prices: Prices,
) -> tuple[Numbers, Numbers]:
    """Return (LUTs, RAMB36): PEs with their memories, requantiser, line buffer and constants.

    A PE's sums pass, one PE a cycle, into one memory of results.
    """
    lanes, out_lanes = sizes.tile_pixels * n_samples, beat_pixels * n_samples
    acc = accumulator_bits(facts, sizes.in_parts)
    memories = array_memories(facts, sizes, source, n_samples, prices).values()
    bram36 = sum(memory.count * memory.bram36 for memory in memories)
    luts = sum(memory.count * memory.luts for memory in memories)
    to_results = np.where(np.asarray(sizes.n_pes) > 1, lanes * acc // 4, 0)
    jobs = lut_rom(ceil_div(sizes.n_entries, sizes.n_pes), JOB_BITS)
    luts = luts + sizes.n_pes * (lanes * acc + sizes.decoder_luts + jobs + to_results)
    luts = luts + out_lanes * acc * (ceil_div(sizes.tile_pixels, beat_pixels) - 1) // 4
    luts = luts + _shared_luts(facts, out_lanes, sizes)
    if facts.window is not None:
        luts = luts + sizes.line_memories * LANE_ADDRESS
        luts = luts + lane_rotator(sizes.tile_pixels, facts.input_bits * n_samples)
    return luts + _sum_luts(facts, lanes), bram36


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
