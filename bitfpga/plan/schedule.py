"""``Schedule``: how a ``Network`` runs on one board, as plain data that can be saved and read.

Cycles are what the schedule says the hardware takes; LUT, FF and BRAM are the estimates of
``resources.py``, never the report of a tool.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bitfpga.boards import Board
from bitfpga.digits import NumberSystem
from bitfpga.plan.streams import LayerStream

SCHEDULE_VERSION = 4


@dataclass(frozen=True)
class Resources:
    """Estimated use of a board: LUTs, flip-flops and 36 kbit block RAMs (halves count)."""

    luts: int = 0
    ffs: int = 0
    bram36: float = 0.0

    def __add__(self, other: Resources) -> Resources:
        return Resources(self.luts + other.luts, self.ffs + other.ffs, self.bram36 + other.bram36)

    def __sub__(self, other: Resources) -> Resources:
        return Resources(self.luts - other.luts, self.ffs - other.ffs, self.bram36 - other.bram36)


@dataclass(frozen=True)
class LayerSchedule:
    """How one layer runs. Counts are per sample, cycles per block of ``n_samples`` samples.

    ``process``: the kind of process that computes it (``plan.steps``). ``n_taps``: digits of its
    weights, each used once for every one of ``n_pixels`` output pixels.

    Of array layers only: ``source``: where the taps lie, ``rom`` (on chip), ``memory`` (read over
    AXI) or ``none``. ``tile_pixels`` output pixels share every tap; ``n_tiles`` cover the map.
    ``n_rows`` window rows are cut into ``n_splits`` of ``split_rows``. ``n_slots``: most sums any
    PE makes of a tile; ``n_entries``: sums the requantiser takes a pixel; ``n_pruned``: outputs
    without any tap. ``symbol_bits``: of the stream's cells, 0 where it is tap words; ``tap_bits``:
    stored bits of it and of the list of its jobs, ``entropy`` in bits per tap.
    ``fill_cycles``, ``walk_cycles``, ``emit_cycles``: of one tile, its three processes overlap.
    ``memories``: by name (``plan.array_memories``, and ``lines``), ``block`` or ``distributed``.
    ``line_kind``: what the line buffer is, ``banks`` or ``copies``; empty without one.

    ``interval_cycles``: between two blocks if nothing else held the layer up, ``bound`` by what.
    ``first_cycle``, ``last_cycle``: of the first sample's first and last result in the pipeline.
    """

    name: str
    kind: str
    origin: str
    shape: tuple[int, ...]
    process: str
    n_samples: int
    n_pixels: int
    n_outputs: int
    interval_cycles: int
    bound: str
    resources: Resources
    accumulator_bits: int = 0
    scaled_bits: int = 0
    buffer_rows: int = 0
    tile_pixels: int = 1
    n_tiles: int = 1
    n_rows: int = 0
    n_splits: int = 0
    split_rows: int = 0
    source: str = "none"
    n_pes: int = 0
    n_slots: int = 0
    n_entries: int = 0
    n_pruned: int = 0
    n_weights: int = 0
    n_taps: int = 0
    symbol_bits: int = 0
    n_tap_rows: int = 0
    tap_bits: int = 0
    entropy: float = 0.0
    fill_cycles: int = 0
    walk_cycles: int = 0
    emit_cycles: int = 0
    first_cycle: int = 0
    last_cycle: int = 0
    memories: dict[str, str] = field(default_factory=dict)
    line_kind: str = ""

    @property
    def n_columns(self) -> int:
        """Accumulators of a PE: pixels of a tile times samples side by side."""
        return self.tile_pixels * self.n_samples

    @property
    def utilisation(self) -> float:
        """Share of the PEs' cycles that carry a tap while the array walks."""
        cycles = self.n_pes * self.walk_cycles
        return self.n_taps / cycles if cycles else 0.0

    @property
    def bits_per_tap(self) -> float:
        """Stored bits of the index stream for each tap."""
        return self.tap_bits / self.n_taps if self.n_taps else 0.0


@dataclass(frozen=True)
class FifoSchedule:
    """A FIFO between two processes: ``depth`` beats of ``bits`` bits."""

    name: str
    depth: int
    bits: int


@dataclass(frozen=True)
class Schedule:
    """The whole plan. ``interval_cycles`` and ``latency_cycles`` are per block of samples.

    ``beat_pixels``: pixels that travel side by side between processes. ``simulated``: whether
    the cycles come of the pipeline simulated with exactly these FIFOs, beat by beat, or, where a
    network is too large for that, of its longest process and longest path. ``streams``: the index
    streams that planning built, by layer, for who writes the project next; not saved, and None in
    a schedule that was read.
    """

    network: str
    board: Board
    clock_ns: float
    number_system: NumberSystem
    n_samples: int
    beat_pixels: int
    layers: tuple[LayerSchedule, ...]
    fifos: tuple[FifoSchedule, ...]
    interval_cycles: int
    latency_cycles: int
    simulated: bool
    resources: Resources
    streams: Mapping[str, LayerStream] | None = field(default=None, compare=False, repr=False)

    @property
    def latency_us(self) -> float:
        """Microseconds from the first input of a block to its last output."""
        return self.latency_cycles * self.clock_ns / 1000

    @property
    def samples_per_second(self) -> float:
        """Samples a second once the pipeline is full."""
        return self.n_samples * 1e9 / (self.interval_cycles * self.clock_ns)

    @property
    def n_taps(self) -> int:
        """Additions per sample: non-zero digits of every weight, for every pixel it meets."""
        return sum(layer.n_taps * layer.n_pixels for layer in self.layers)

    @property
    def n_multiplies(self) -> int:
        """Multiplications per sample of the same layers computed densely."""
        return sum(layer.n_weights * layer.n_pixels for layer in self.layers)

    @property
    def digits_per_weight(self) -> float:
        """Mean non-zero digits of a weight."""
        n_weights = sum(layer.n_weights for layer in self.layers)
        return sum(layer.n_taps for layer in self.layers) / max(n_weights, 1)

    def layer(self, name: str) -> LayerSchedule:
        """Return the schedule of the layer of this name."""
        return next(layer for layer in self.layers if layer.name == name)

    def depth(self, fifo: str) -> int:
        """Return the depth of the FIFO of this name, in beats."""
        return next(found.depth for found in self.fifos if found.name == fifo)

    def to_json(self) -> str:
        """Return the schedule as JSON text, the same for the same schedule."""
        saved = dataclasses.asdict(dataclasses.replace(self, streams=None))
        del saved["streams"]
        document = {"version": SCHEDULE_VERSION, **saved}
        document["board"] = self.board.model_dump(mode="json")
        document["number_system"] = self.number_system.value
        return json.dumps(document, indent=1) + "\n"


def schedule_from_json(text: str) -> Schedule:
    """Return the schedule ``to_json`` wrote; ValueError, KeyError or TypeError if it is not one."""
    document: dict[str, Any] = json.loads(text)
    if document.pop("version") != SCHEDULE_VERSION:
        raise ValueError(f"schedule version is not {SCHEDULE_VERSION}")
    layers = tuple(
        LayerSchedule(
            **{
                **layer,
                "shape": tuple(layer["shape"]),
                "resources": Resources(**layer["resources"]),
            }
        )
        for layer in document.pop("layers")
    )
    fifos = tuple(FifoSchedule(**fifo) for fifo in document.pop("fifos"))
    board = Board.model_validate(document.pop("board"))
    system = NumberSystem(document.pop("number_system"))
    resources = Resources(**document.pop("resources"))
    return Schedule(
        board=board,
        number_system=system,
        layers=layers,
        fifos=fifos,
        resources=resources,
        **document,
    )


@dataclass(frozen=True)
class Target:
    """What the folding aims at: a latency in us, a rate in samples/s, or neither (fastest)."""

    latency_us: float | None = None
    fps: float | None = None
    shares: dict[str, float] = field(
        default_factory=lambda: {"luts": 0.85, "ffs": 0.85, "bram36": 0.90}
    )
