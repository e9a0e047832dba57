"""Folding: how many PEs and columns each layer gets for a target, within the board's limits."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from bitfpga.boards import Board
from bitfpga.plan.dealing import deal, fewest_pes, longest
from bitfpga.plan.facts import Facts
from bitfpga.plan.resources import (
    LAYER_CONTROL,
    activation_memory,
    pe_array,
    requantiser,
    rom,
)
from bitfpga.plan.schedule import LayerSchedule, Resources

PIPELINE_CYCLES = 6
ON_CHIP_WORDS = 1 << 16


def choose_sources(facts: tuple[Facts, ...], board: Board) -> dict[str, str]:
    """Return where each layer's taps lie: ``rom``, ``memory`` or ``none`` (no taps).

    Smallest layers first stay on chip, up to 65,536 words in all and half of the block RAM.
    """
    sources = {fact.layer.name: "none" for fact in facts}
    room_words, room_bits = ON_CHIP_WORDS, board.bram36 * 36864 // 2
    for fact in sorted((f for f in facts if f.n_words), key=lambda f: f.n_words):
        room_words -= fact.n_words
        room_bits -= fact.n_words * fact.stored_bits
        sources[fact.layer.name] = "rom" if min(room_words, room_bits) >= 0 else "memory"
    return sources


def memory_word_bits(facts: tuple[Facts, ...], sources: dict[str, str]) -> int:
    """Return the one word width, 16 or 32 bits, of all streams that are read from memory."""
    return max((f.word_bits for f in facts if sources[f.layer.name] == "memory"), default=16)


def fold_layer(
    fact: Facts, source: str, word_bits: int, limit: int, n_columns: int, board: Board
) -> LayerSchedule:
    """Return the layer folded to at most ``limit`` cycles a block, where it can be.

    A layer whose taps come from memory gets one PE for each word the port delivers a cycle. One
    requantiser serves a layer: the memory it writes takes one row a cycle.
    """
    n_pes = 0
    if source == "memory":
        n_live = int(np.count_nonzero(fact.lengths))
        n_pes = min(n_live, board.hp_port_bits // word_bits)
    elif source == "rom":
        shortest = int(fact.lengths.max())
        n_pes = fewest_pes(fact.lengths, max(limit // fact.n_rows, shortest))
    hands = deal(fact.lengths, n_pes)
    walk = longest(fact.lengths, hands) * fact.n_rows
    n_slots = max(map(len, hands), default=0)
    n_pruned = fact.n_outputs - sum(map(len, hands)) if fact.n_weights else 0
    requantise = fact.n_outputs * fact.n_rows
    return LayerSchedule(
        name=fact.layer.name,
        kind=fact.layer.kind,
        origin=fact.layer.label,
        shape=fact.layer.output.shape,
        engine="stream" if fact.layer.kind == "dense" else "move",
        source=source,
        n_rows=fact.n_rows,
        n_inputs=fact.n_inputs,
        n_outputs=fact.n_outputs,
        n_pes=n_pes,
        n_columns=n_columns,
        n_slots=n_slots,
        n_pruned=n_pruned,
        n_weights=fact.n_weights,
        n_taps=fact.n_taps,
        n_words=fact.n_words,
        word_bits=word_bits if source == "memory" else fact.word_bits,
        accumulator_bits=fact.accumulator_bits,
        scaled_bits=fact.scaled_bits,
        walk_cycles=walk,
        requantise_cycles=requantise,
        latency_cycles=walk + requantise + PIPELINE_CYCLES,
        resources=_resources(fact, source, n_pes, n_columns, n_slots, walk),
    )


def _resources(
    fact: Facts, source: str, n_pes: int, n_columns: int, n_slots: int, walk: int
) -> Resources:
    total = LAYER_CONTROL + requantiser(n_columns, fact.scaled_bits, fact.n_terms)
    total += pe_array(n_pes, n_columns, fact.accumulator_bits, fact.stored_bits)
    rows = fact.n_inputs * fact.n_rows + 1
    total += activation_memory(max(n_pes, 1), rows, n_columns * fact.input_bits)
    if n_pes:
        total += activation_memory(n_pes, n_slots, n_columns * fact.accumulator_bits)
    if source == "rom":
        one = rom(walk // fact.n_rows, fact.stored_bits)
        total += Resources(one.luts * n_pes, 0, one.bram36 * n_pes)
    if fact.layer.kind == "table":
        total += rom(1 << fact.input_bits, fact.layer.output.bits)
    return total


def smallest_true(low: int, high: int, holds: Callable[[int], bool]) -> int | None:
    """Return the least n in low..high for which ``holds``, which must be monotone; else None."""
    if low > high or not holds(high):
        return None
    while low < high:
        middle = (low + high) // 2
        if holds(middle):
            high = middle
        else:
            low = middle + 1
    return low
