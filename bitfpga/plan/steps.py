"""The processes of a network and the streams between them, before any folding is chosen."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bitfpga.ir import Layer, TensorType
from bitfpga.plan.orders import Order

Int64 = npt.NDArray[np.int64]

LOAD, STORE = "@load", "@store"  # no layer can have these names

# Kinds of process. Arrays hold PEs; pools, like window arrays, hold a
# line buffer; joins may have several inputs.
ARRAYS = ("window_array", "vector_array")
POOLS = ("max_pool", "sum_pool")
JOINS = ("add", "concat", "gather")


@dataclass(frozen=True, eq=False)
class Stream:
    """A tensor as one process writes it. ``beats``: int64 [n_beats, lanes], row-major indices."""

    name: str
    tensor: TensorType
    order: Order
    beats: Int64

    @property
    def n_beats(self) -> int:
        """Beats of one sample."""
        return len(self.beats)

    @property
    def lanes(self) -> int:
        """Pixels side by side in a beat."""
        return int(self.beats.shape[1])

    @property
    def beat_bits(self) -> int:
        """Bits of a beat of one sample."""
        return self.lanes * self.tensor.bits


@dataclass(frozen=True, eq=False)
class Step:
    """One process. ``inputs``: streams it reads; ``views``: how it sees each (channels, pixels);
    ``types``: what the layer calls them (a reshape in between changes the shape only).

    ``source``: of a gather, for each element it writes (int64 [n_beats * lanes]) the arrived
    element (input after input, beat * lanes + lane) it comes from; one past them all is zero.
    ``layer`` is None for load, store and what only changes an order.
    """

    name: str
    kind: str
    inputs: tuple[Stream, ...]
    views: tuple[Order, ...]
    types: tuple[TensorType, ...]
    output: Stream | None
    layer: Layer | None = None
    source: Int64 | None = None

    @property
    def label(self) -> str:
        """The name a person knows the step by."""
        return self.layer.label if self.layer is not None else self.name


@dataclass(frozen=True)
class Fifo:
    """A queue of one stream's beats from process ``writer`` to process ``reader``.

    ``position``: which of the reader's inputs it is. Forks have the names of ``fork_name``.
    """

    name: str
    stream: str
    writer: str
    reader: str
    position: int


@dataclass(frozen=True, eq=False)
class Pipeline:
    """All processes of a network in an order in which data flows; load first, store last."""

    beat_pixels: int
    steps: tuple[Step, ...]
    streams: dict[str, Stream]
    fifos: tuple[Fifo, ...]

    def forks(self) -> dict[str, tuple[Fifo, ...]]:
        """Return the FIFOs each fork writes, by stream: streams without exactly one reader."""
        out: dict[str, list[Fifo]] = {
            f.stream: [] for f in self.fifos if f.reader == fork_name(f.stream)
        }
        for fifo in self.fifos:
            if fifo.writer == fork_name(fifo.stream):
                out[fifo.stream].append(fifo)
        return {name: tuple(fifos) for name, fifos in out.items()}

    def inputs_of(self, step: str) -> tuple[Fifo, ...]:
        """Return the FIFOs that process ``step`` reads, by position."""
        return tuple(sorted((f for f in self.fifos if f.reader == step), key=lambda f: f.position))


def fork_name(stream: str) -> str:
    """Return the name of the process that copies ``stream`` to several readers."""
    return f"@fork_{stream}"


def connect(steps: tuple[Step, ...]) -> tuple[Fifo, ...]:
    """Return the FIFOs between ``steps``; a stream without exactly one reader passes a fork."""
    readers: dict[str, list[tuple[str, int]]] = {}
    for step in steps:
        if step.output is not None:
            readers[step.output.name] = []
        for position, stream in enumerate(step.inputs):
            readers[stream.name].append((step.name, position))
    fifos = []
    for step in steps:
        if step.output is None:
            continue
        name = step.output.name
        uses = readers[name]
        if len(uses) == 1:
            fifos.append(Fifo(f"fifo_{name}", name, step.name, *uses[0]))
            continue
        fork = fork_name(name)
        fifos.append(Fifo(f"fifo_{name}", name, step.name, fork, 0))
        for number, use in enumerate(uses):
            fifos.append(Fifo(f"fifo{number}_{name}", name, fork, *use))
    return tuple(fifos)
