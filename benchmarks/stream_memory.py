"""What the memories of a plan hold, and how near their ports come to what the chip can deliver.

Every adder of an array reads one activation a cycle. A RAMB36 delivers 72 bits a cycle from one
port, so 9 activations of 8 bits: block RAM bounds the adds a cycle, whatever the PEs cost.
"""

from __future__ import annotations

from dataclasses import dataclass

from bitfpga import Network
from bitfpga.boards import Board
from bitfpga.plan import LayerSchedule, Schedule, Step, line_memory, lower, step_window
from bitfpga.plan.array_memories import tile_words
from bitfpga.plan.resources import block_ram

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
    """Return the memories of all array layers, as the plan lays them."""
    steps = {step.name: step for step in lower(network, schedule.beat_pixels).steps}
    arrays = [layer for layer in schedule.layers if layer.n_pes]
    streams = schedule.streams
    assert streams is not None
    found = [_layer_memories(steps[at.name], at, streams[at.name].row_bits) for at in arrays]
    return sum(found, Memories())


def _layer_memories(step: Step, layer: LayerSchedule, tap_bits: int) -> Memories:
    x = step.inputs[0].tensor
    is_window = layer.process == "window_array"
    at_once = 1 if is_window else step.inputs[0].lanes
    bits = layer.n_columns * x.bits
    blocks = dict.fromkeys(("tile", "taps", "results", "lines"), 0.0)
    sizes = {
        "tile": (tile_words(layer.split_rows, at_once), bits * at_once),
        "taps": (layer.n_tap_rows, tap_bits),
        "results": (
            2 * (layer.n_entries - layer.n_pruned),
            layer.n_columns * layer.accumulator_bits,
        ),
    }
    copies = {"tile": layer.n_pes, "taps": layer.n_pes, "results": 1, "lines": 0}
    if is_window:
        shape = (layer.tile_pixels, step.inputs[0].lanes, layer.buffer_rows)
        lines = line_memory(step_window(step), *shape, banks=layer.line_kind == "banks")
        sizes["lines"] = lines.rows, lines.pixels_a_word * x.bits * layer.n_samples
        copies["lines"] = lines.n_memories
    for name, size in sizes.items():
        if layer.memories[name] == "block":
            blocks[name] = copies[name] * float(block_ram(*size))
    from_blocks = layer.n_pes * bits if blocks["tile"] else 0
    named = (blocks[name] for name in ("tile", "lines", "taps", "results"))
    return Memories(*named, from_blocks)


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
