"""``Schedule``: how a ``Network`` runs on one board, as plain data that can be saved and read.

Cycles are what the schedule says the hardware takes; LUT, FF and BRAM are the estimates of
``resources.py``, never the report of a tool.
"""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from bitfpga.boards import Board
from bitfpga.digits import NumberSystem

SCHEDULE_VERSION = 1


@dataclass(frozen=True)
class Resources:
    """Estimated use of a board: LUTs, flip-flops and 36 kbit block RAMs (halves count)."""

    luts: int = 0
    ffs: int = 0
    bram36: float = 0.0

    def __add__(self, other: Resources) -> Resources:
        return Resources(self.luts + other.luts, self.ffs + other.ffs, self.bram36 + other.bram36)


@dataclass(frozen=True)
class LayerSchedule:
    """How one layer runs. Counts are per sample, cycles per block of ``n_columns`` samples.

    ``engine``: ``stream`` (PE array fed by index streams) or ``move`` (one element a cycle).
    ``source``: where the taps lie, ``rom`` (on chip), ``memory`` (read over AXI) or ``none``.
    ``n_words``: words of the index stream, i.e. taps plus one for each empty plane inside an
    output. ``n_pruned``: outputs without any tap; ``n_slots``: most outputs any PE computes.
    ``walk_cycles``: words of the longest PE times rows. ``requantise_cycles``: one
    for each result.
    """

    name: str
    kind: str
    origin: str
    shape: tuple[int, ...]
    engine: str
    source: str
    n_rows: int
    n_inputs: int
    n_outputs: int
    n_pes: int
    n_columns: int
    n_slots: int
    n_pruned: int
    n_weights: int
    n_taps: int
    n_words: int
    word_bits: int
    accumulator_bits: int
    scaled_bits: int
    walk_cycles: int
    requantise_cycles: int
    latency_cycles: int
    resources: Resources

    @property
    def interval_cycles(self) -> int:
        """Cycles between two blocks of samples."""
        return max(self.walk_cycles, self.requantise_cycles)


@dataclass(frozen=True)
class Schedule:
    """The whole plan. ``interval_cycles`` and ``latency_cycles`` are per block of columns."""

    network: str
    board: Board
    clock_ns: float
    number_system: NumberSystem
    n_columns: int
    layers: tuple[LayerSchedule, ...]
    interval_cycles: int
    latency_cycles: int
    resources: Resources

    @property
    def latency_us(self) -> float:
        """Microseconds from the first input of a block to its last output."""
        return self.latency_cycles * self.clock_ns / 1000

    @property
    def samples_per_second(self) -> float:
        """Samples a second once the pipeline is full."""
        return self.n_columns * 1e9 / (self.interval_cycles * self.clock_ns)

    @property
    def n_taps(self) -> int:
        """Additions per sample: non-zero digits of every weight, for every row it meets."""
        return sum(layer.n_taps * layer.n_rows for layer in self.layers)

    @property
    def n_multiplies(self) -> int:
        """Multiplications per sample of the same layers computed densely."""
        return sum(layer.n_weights * layer.n_rows for layer in self.layers)

    @property
    def digits_per_weight(self) -> float:
        """Mean non-zero digits of a weight."""
        n_weights = sum(layer.n_weights for layer in self.layers)
        return sum(layer.n_taps for layer in self.layers) / max(n_weights, 1)

    def layer(self, name: str) -> LayerSchedule:
        """Return the schedule of the layer of this name."""
        return next(layer for layer in self.layers if layer.name == name)

    def to_json(self) -> str:
        """Return the schedule as JSON text, the same for the same schedule."""
        document = {"version": SCHEDULE_VERSION, **dataclasses.asdict(self)}
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
    board = Board.model_validate(document.pop("board"))
    system = NumberSystem(document.pop("number_system"))
    resources = Resources(**document.pop("resources"))
    return Schedule(
        board=board, number_system=system, layers=layers, resources=resources, **document
    )


@dataclass(frozen=True, eq=False)
class LayerStream:
    """The index stream of one dense layer and the order its results appear in.

    ``words``: uint16 or uint32 [n_pes, length]; rows shorter than ``length`` end in words that do
    nothing. ``lengths``: int64 [n_pes], real words. ``slots``: int64 [n_pes], results. ``order``:
    int64 [n_outputs], output index, PE by PE as results appear, then the fully pruned outputs,
    which have no words. ``trailing``: int64 [n_outputs], in ``order``, the plane of the last
    digit: the accumulator is to be read as acc * 2^trailing.
    """

    words: npt.NDArray[np.unsignedinteger[Any]]
    lengths: npt.NDArray[np.int64]
    order: npt.NDArray[np.int64]
    slots: npt.NDArray[np.int64]
    trailing: npt.NDArray[np.int64]


@dataclass(frozen=True)
class Target:
    """What the folding aims at: a latency in us, a rate in samples/s, or neither (fastest)."""

    latency_us: float | None = None
    fps: float | None = None
    shares: dict[str, float] = field(
        default_factory=lambda: {"luts": 0.85, "ffs": 0.85, "bram36": 0.90}
    )
