"""What a folded array layer is estimated to cost; sizes may be numbers or arrays of choices."""

from __future__ import annotations

import numpy as np

from bitfpga.plan.array_memories import ArraySizes, accumulator_bits, array_memories
from bitfpga.plan.facts import ArrayFacts
from bitfpga.plan.resources import (
    LAYER_CONTROL,
    Numbers,
    Prices,
    ceil_div,
    decoder,
    lut_ram,
    requantiser,
    styled_memory,
)
from bitfpga.plan.tap_words import NO_CODE

PE_CONTROL = 18  # where a job ends and starts, the row's address, whether there is a tap
WALK_BITS = 10  # of an event's time
EVENT_CONTROL = 40  # when a walk starts, and what its list of events counts


def decoder_luts(symbol_bits: int, row_bits: int, span: int) -> int:
    """Return the LUTs of a PE that make taps of what its stream holds: none of tap words."""
    return 0 if symbol_bits == NO_CODE else int(decoder(row_bits, span.bit_length()))


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
    or_tree = lanes * acc * ceil_div(sizes.n_pes - 1, 5)  # a LUT6 takes five PEs more
    a_pe = lanes * acc + sizes.decoder_luts + PE_CONTROL + _pick_luts(facts, n_samples)
    luts = luts + sizes.n_pes * a_pe + or_tree
    blocks = ceil_div(sizes.tile_pixels, beat_pixels)
    luts = luts + out_lanes * acc * (blocks - 1) // 3 + 2 * out_lanes * acc * sizes.in_parts
    luts = luts + LAYER_CONTROL + requantiser(out_lanes, facts.scaled_bits, facts.n_terms)
    luts = luts + sizes.line_luts + _sum_luts(facts, lanes)
    tables = _tables(facts, sizes)
    return luts + tables[0], bram36 + tables[1] + sizes.line_bram36


def _pick_luts(facts: ArrayFacts, n_samples: int) -> int:
    """Return the LUTs that pick a row from a word of a vector's tile memory, of each PE."""
    at_once = facts.step.inputs[0].lanes if facts.window is None else 1
    return facts.input_bits * n_samples * (at_once - 1) // 3


def _tables(facts: ArrayFacts, sizes: ArraySizes) -> tuple[Numbers, Numbers]:
    """Return (LUTs, RAMB36) of the lists of events and of entries, and of the scales."""
    result_bits = np.ceil(np.log2(np.maximum(sizes.n_results, 2)))
    pe_bits = np.ceil(np.log2(np.maximum(sizes.n_pes, 2)))
    tables = (
        (sizes.n_results, WALK_BITS + pe_bits),
        (sizes.n_entries, 2 + result_bits),
        (facts.n_outputs, facts.scaled_bits + 5 * facts.n_terms),
    )
    found = [styled_memory(rows, bits, read_only=True) for rows, bits in tables]
    return EVENT_CONTROL + sum(luts for luts, _ in found), sum(blocks for _, blocks in found)


def _sum_luts(facts: ArrayFacts, lanes: Numbers) -> Numbers:
    """Return the LUTs of the shared sums: an adder in each lane, and a memory of the sums.

    Lanes of a vector's beat add up on their own; ``lanes`` is one of them.
    """
    if facts.sums is None:
        return 0
    at_once = facts.step.inputs[0].lanes if facts.window is None else 1
    bits = lanes * at_once * facts.sums.bits(facts.input_bits)
    return bits + lut_ram(facts.sums.n_groups, bits)
