"""What the memories of a plan hold, and how near their ports come to what the chip can deliver.

Every adder of an array reads one activation a cycle. A RAMB36 delivers 72 bits a cycle from one
port, so 9 activations of 8 bits: block RAM bounds the adds a cycle, whatever the PEs cost.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bitfpga import Network
from bitfpga.boards import Board
from bitfpga.plan import LayerSchedule, Schedule
from bitfpga.plan.finish import MEMORY_WEIGHTS
from bitfpga.plan.resources import (
    ROW_BITS,
    Prices,
    board_prices,
    cheaper_memory,
    line_buffer,
)

PORT_BITS = 72


@dataclass(frozen=True)
class Memories:
    """RAMB36 of one layer or of several by what they hold.

    ``from_blocks``: bits of activations that its PEs read from block RAM in a cycle.
    """

    activations: float = 0.0
    lines: float = 0.0
    taps: float = 0.0
    results: float = 0.0
    from_blocks: int = 0

    @property
    def bram36(self) -> float:
        """All of them."""
        return self.activations + self.lines + self.taps + self.results

    def __add__(self, other: Memories) -> Memories:
        return Memories(
            self.activations + other.activations,
            self.lines + other.lines,
            self.taps + other.taps,
            self.results + other.results,
            self.from_blocks + other.from_blocks,
        )


def memories_of(network: Network, schedule: Schedule) -> Memories:
    """Return the memories of all array layers, as the plan's own resource model counts them.

    The plan does not say at which prices it chose between block RAM and LUTs, so those are taken
    that give every layer the block RAM it has in the plan. ``ValueError`` if none do.
    """
    arrays = [layer for layer in schedule.layers if layer.n_pes]
    for weight in MEMORY_WEIGHTS:
        prices = board_prices(schedule.board, weight)
        found = [_layer_memories(network, layer, prices) for layer in arrays]
        pairs = zip(found, arrays, strict=True)
        if all(memories.bram36 == layer.resources.bram36 for memories, layer in pairs):
            return sum(found, Memories())
    raise ValueError(f"{schedule.network}: no prices give the block RAM of the plan")


def _layer_memories(network: Network, layer: LayerSchedule, prices: Prices) -> Memories:
    x = network.input_types(next(found for found in network.layers if found.name == layer.name))[0]
    bits = layer.n_columns * x.bits
    tile = _blocks(cheaper_memory(2 * (layer.split_rows + 1), bits, prices))
    taps, lines = 0.0, 0.0
    if layer.source == "rom":
        rows = max(layer.n_tap_rows, 1)
        taps = _blocks(cheaper_memory(rows, ROW_BITS["rom"], prices, read_only=True))
    if layer.process == "window_array":
        elements = x.shape[0] * x.shape[-1] * layer.buffer_rows
        lines = _blocks(line_buffer(layer.tile_pixels, elements, x.bits, prices))
    sums = layer.n_columns * layer.accumulator_bits
    results = _blocks(cheaper_memory(2 * layer.n_entries, sums, prices))
    from_blocks = layer.n_pes * bits if tile else 0
    return Memories(layer.n_pes * tile, lines, layer.n_pes * taps, results, from_blocks)


def _blocks(cost: tuple[np.ndarray, np.ndarray]) -> float:
    return float(cost[1])


def adds_of_all_ports(board: Board, bits: int = 8) -> int:
    """Return the adds a cycle if every block RAM held activations: the wall."""
    return int(board.bram36) * (PORT_BITS // bits)


def memory_row(network: Network, schedule: Schedule) -> dict[str, float]:
    """Return what the adders read, of which ports, and the shares of the block RAM used."""
    found, board = memories_of(network, schedule), schedule.board
    arrays = [layer for layer in schedule.layers if layer.n_pes]
    adders = sum(layer.n_pes * layer.n_columns for layer in arrays)
    used = schedule.resources.bram36
    ports = found.activations * PORT_BITS
    return {
        "adders": adders,
        "adds_per_cycle": schedule.n_taps * schedule.n_samples / schedule.interval_cycles,
        "all_ports": adds_of_all_ports(board),
        "bits_read": found.from_blocks,
        "bits_of_ports": ports,
        "ports_filled": found.from_blocks / ports if ports else 0.0,
        "activations": found.activations / used,
        "lines": found.lines / used,
        "taps": found.taps / used,
        "results": found.results / used,
        "rest": 1 - found.bram36 / used,
    }
