"""What a folded array layer is estimated to cost; sizes may be numbers or arrays of choices."""

from __future__ import annotations

import numpy as np

from bitfpga.plan.array_memories import ArraySizes, accumulator_bits, array_memories
from bitfpga.plan.facts import ArrayFacts
from bitfpga.plan.resources import (
    Numbers,
    Prices,
    address_bits,
    ceil_div,
    decoder,
    lut_ram,
    picker,
    styled_memory,
)
from bitfpga.plan.tap_words import NO_CODE

PE_CONTROL = 9  # when it walks, where a job ends and starts, whether there is a tap
ARRAY_CONTROL = 10  # when a tile is filled, walked and emitted
COUNTER_BIT = 4  # a bit of the cycles of a walk, counted and compared


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
    a_pe = lanes * acc + sizes.decoder_luts + _row_luts(facts, sizes, n_samples)
    luts = luts + sizes.n_pes * (a_pe + PE_CONTROL) + or_tree
    n_counters = np.where(np.asarray(sizes.decoder_luts) > 0, sizes.n_pes, 1)  # of tap rows
    luts = luts + n_counters * address_bits(sizes.tap_rows)
    blocks = ceil_div(sizes.tile_pixels, beat_pixels)
    # What is added to the output's sum is shifted, or at least left out where nothing is.
    added = acc * (1 + np.maximum(ceil_div(sizes.shift_bits, 2), sizes.in_parts))
    luts = luts + out_lanes * (picker(blocks, acc) + added + facts.scale.lane_luts)
    luts = luts + ARRAY_CONTROL + COUNTER_BIT * address_bits(sizes.walk_cycles)
    luts = luts + sizes.line_luts + _sum_luts(facts, lanes)
    tables = _tables(facts, sizes)
    return luts + tables[0], bram36 + tables[1] + sizes.line_bram36


def _row_luts(facts: ArrayFacts, sizes: ArraySizes, n_samples: int) -> Numbers:
    """Return the LUTs of each PE that find a row from a base, or in a word of several rows."""
    at_once = facts.step.inputs[0].lanes if facts.window is None else 1
    from_base = address_bits(sizes.split_rows) * (at_once > 1 or facts.taps.n_groups > 1)
    return from_base + picker(at_once, facts.input_bits * n_samples)


def _tables(facts: ArrayFacts, sizes: ArraySizes) -> tuple[Numbers, Numbers]:
    """Return (LUTs, RAMB36) of the lists of events and of entries, and of the scales."""
    time, pe = address_bits(sizes.walk_cycles), address_bits(sizes.n_pes)
    base = address_bits(sizes.split_rows) * (facts.taps.n_groups > 1)
    tables = (
        (sizes.n_results, time + pe + base),
        (sizes.n_entries, 2 + sizes.shift_bits + address_bits(sizes.n_results)),
        (facts.scale.rows, facts.scale.word_bits),
    )
    found = [styled_memory(rows, bits, read_only=True) for rows, bits in tables]
    return sum(luts for luts, _ in found), sum(blocks for _, blocks in found)


def _sum_luts(facts: ArrayFacts, lanes: Numbers) -> Numbers:
    """Return the LUTs of the shared sums: an adder in each lane, and a memory of the sums.

    Lanes of a vector's beat add up on their own; ``lanes`` is one of them.
    """
    if facts.sums is None:
        return 0
    at_once = facts.step.inputs[0].lanes if facts.window is None else 1
    bits = lanes * at_once * facts.sums.bits(facts.input_bits)
    return bits + lut_ram(facts.sums.n_groups, bits)
