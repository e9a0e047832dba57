"""What each process of the pipeline does in every cycle, as plain data for ``plan.timing``.

A network is a list of processes joined by FIFOs of beats; each FIFO has one writer and one
reader. Every process handles one image after the other and works in **steps**, at most one a
cycle. Some steps read a beat, some make one. Nothing stops a beat once it is made:

- a step that makes a beat in cycle t takes a place in the FIFO, and waits for one if all are
  taken; the beat is written in cycle t + ``stages``, through registers that never stop;
- a FIFO read in cycle t gives a beat written in t - 1 or before, and its place can be taken again
  in t + 1. Full speed needs a depth of ``stages`` + 2;
- a beat for several outputs (``Fork``) takes a place in all of them in the same cycle;
- a step that reads several inputs reads all in the same cycle.

**Double-buffered** parts (fill, walk, emit) hand their memories on: a part takes piece g (a tile
or an image) in the cycle after the part before finished it, when it is done with piece g - 1,
and when the part behind is done with piece g - 2, whose memory it writes. A part that takes no
step for a piece (nothing to walk) still spends one cycle on it. All times are clock cycles; all
counts of beats are per image.
"""

from __future__ import annotations

from dataclasses import dataclass, field

LOAD_STAGES = 1
"""Cycles from an element's arrival to its beat's write."""
MOVE_STAGES = 1
"""Fork and concatenation: one register."""
MEMORY_STAGES = 2
"""Gather, look-up table, greatest of a window: output register of a memory, and one more."""
SUM_STAGES = 2
"""The beats that a step reads, which may come out of block RAM; their weighted sum."""
MAP_SUM_STAGES = 2
"""Sum of a beat's pixels, then of all pixels so far."""


def requantise_stages(n_terms: int) -> int:
    """Return the registers of a requantiser: shift, one adder a term, clamp."""
    return 2 + n_terms


@dataclass(frozen=True, eq=False)
class Process:
    """``inputs`` and ``outputs`` name FIFOs, in the order of the process's arguments."""

    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    stages: int = field(default=1, kw_only=True)

    @property
    def beats_in(self) -> tuple[int, ...]:
        """Beats of one image in each input."""
        raise NotImplementedError

    @property
    def beats_out(self) -> int:
        """Beats of one image in every output."""
        raise NotImplementedError

    @property
    def busy_cycles(self) -> int:
        """Steps of one image in the part of the process that takes most: no interval is shorter."""
        return max((self.beats_out, *self.beats_in))


@dataclass(frozen=True, eq=False)
class Load(Process):
    """Reads images from memory; its first step is in cycle 0.

    ``n_elements`` 0: ``cycles_per_beat`` steps make a beat in the last of them. Otherwise the
    image is stored first, one element a cycle, then one beat a cycle is made (double-buffered).
    """

    n_beats: int
    n_elements: int = 0
    cycles_per_beat: int = 1
    stages: int = field(default=LOAD_STAGES, kw_only=True)

    @property
    def beats_in(self) -> tuple[int, ...]:
        return ()

    @property
    def beats_out(self) -> int:
        return self.n_beats

    @property
    def busy_cycles(self) -> int:
        return max(self.n_elements, self.n_beats * (1 if self.n_elements else self.cycles_per_beat))


@dataclass(frozen=True, eq=False)
class Store(Process):
    """Writes images to memory.

    ``n_elements`` 0: a beat is read and stored in ``cycles_per_beat`` steps, the first of which
    reads it. Otherwise the image is stored on chip first, one beat a cycle, then written out one
    element a cycle (double-buffered). ``outputs`` is empty; the times of ``plan.timing`` are those
    of the elements.
    """

    n_beats: int
    n_elements: int = 0
    cycles_per_beat: int = 1

    @property
    def beats_in(self) -> tuple[int, ...]:
        return (self.n_beats,)

    @property
    def beats_out(self) -> int:
        return 0

    @property
    def busy_cycles(self) -> int:
        return max(self.n_elements, self.n_beats * (1 if self.n_elements else self.cycles_per_beat))


@dataclass(frozen=True, eq=False)
class Map(Process):
    """Every step reads one beat of each input and makes one (``add``, ``look_up``, scaling)."""

    n_beats: int

    @property
    def beats_in(self) -> tuple[int, ...]:
        return (self.n_beats,) * len(self.inputs)

    @property
    def beats_out(self) -> int:
        return self.n_beats


@dataclass(frozen=True, eq=False)
class Fork(Map):
    """Copies its input to every output."""

    stages: int = field(default=MOVE_STAGES, kw_only=True)


@dataclass(frozen=True, eq=False)
class Concat(Process):
    """Each of ``n_blocks`` blocks: ``channels[k]`` beats of input k, input after input."""

    channels: tuple[int, ...]
    n_blocks: int
    stages: int = field(default=MOVE_STAGES, kw_only=True)

    @property
    def beats_in(self) -> tuple[int, ...]:
        return tuple(self.n_blocks * channels for channels in self.channels)

    @property
    def beats_out(self) -> int:
        return self.n_blocks * sum(self.channels)


@dataclass(frozen=True, eq=False)
class Gather(Process):
    """Reads ``n_beats[k]`` beats of input k, input after input, into one of two memories;
    then makes ``n_out`` beats, one a cycle."""

    n_beats: tuple[int, ...]
    n_out: int
    stages: int = field(default=MEMORY_STAGES, kw_only=True)

    @property
    def beats_in(self) -> tuple[int, ...]:
        return self.n_beats

    @property
    def beats_out(self) -> int:
        return self.n_out

    @property
    def busy_cycles(self) -> int:
        return max(sum(self.n_beats), self.n_out)


@dataclass(frozen=True, eq=False)
class Sum(Process):
    """Reads ``n_blocks`` blocks of ``n_channels`` beats, one a cycle; each step of the last block
    makes its channel's beat. Nothing is double-buffered."""

    n_channels: int
    n_blocks: int

    @property
    def beats_in(self) -> tuple[int, ...]:
        return (self.n_blocks * self.n_channels,)

    @property
    def beats_out(self) -> int:
        return self.n_channels
