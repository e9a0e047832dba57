"""``simulate``: the exact cycles of a network of processes joined by bounded FIFOs.

``plan.processes`` and ``plan.tiled`` define what a process does in which cycle.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from bitfpga.errors import PlanError
from bitfpga.plan.events import Fifo, Ready, Series, run
from bitfpga.plan.parts import Parts
from bitfpga.plan.processes import Load, Process, Store


@dataclass(frozen=True)
class ProcessTiming:
    """``first``, ``last``: cycle of an image's first and last written beat, for every image (a
    ``Store``: of its elements). ``busy_cycles``: as of the process, per image."""

    first: tuple[int, ...]
    last: tuple[int, ...]
    busy_cycles: int


@dataclass(frozen=True)
class Timing:
    """Cycles of a network of processes.

    ``latency_cycles``: cycles from the first step of ``Load`` to the last element of image 0
    stored, both counted. ``interval_cycles``: from the last element of an image to that of the
    next, the mean over the second half of the images, rounded up. ``processes``: by name.
    ``occupancy``: by FIFO, the most places that were taken, those of beats on their way to it and
    of the one that is read in a cycle counted: with this depth and no less, no beat would have
    been made later.
    """

    latency_cycles: int
    interval_cycles: int
    processes: dict[str, ProcessTiming]
    occupancy: dict[str, int]


def simulate(
    processes: Sequence[Process], depths: Mapping[str, int | None], n_images: int = 3
) -> Timing:
    """Return the timing of ``n_images`` images, at least 2, sent in as fast as they are taken.

    ``depths``: places of each FIFO, at least 1; None if it is never full. PlanError if the
    processes wait for each other for ever: it names the FIFOs that are full and empty. ValueError
    if a FIFO has not one writer and one reader that agree on its beats, a depth is missing or
    below 1, or nothing is loaded or stored.
    """
    if n_images < 2:
        raise ValueError(f"{n_images} images have no interval, give at least 2")
    beats = fifo_beats(processes)
    ready: Ready = deque()
    fifos = {name: _fifo(name, depths, n * n_images, ready) for name, n in beats.items()}
    parts = {process.name: Parts(process, fifos, n_images, ready) for process in processes}
    coroutines = [coroutine for part in parts.values() for coroutine in part.coroutines]
    if not run(coroutines, ready):
        raise PlanError(_deadlock(fifos, depths))
    timings = {process.name: _timing(process, parts[process.name]) for process in processes}
    last = [timings[process.name].last for process in processes if isinstance(process, Store)]
    ends = [max(cycles) for cycles in zip(*last, strict=True)]
    stages = {name: process.stages for process in processes for name in process.outputs}
    occupancy = {name: _occupancy(fifo, stages[name]) for name, fifo in fifos.items()}
    since = min(n_images // 2, n_images - 2)  # the first images fill the pipeline
    interval = -(-(ends[-1] - ends[since]) // (n_images - 1 - since))
    return Timing(ends[0] + 1, interval, timings, occupancy)


def fifo_beats(processes: Sequence[Process]) -> dict[str, int]:
    """Return the beats of one image in each FIFO; ValueError as in ``simulate``."""
    writers: dict[str, int] = {}
    readers: dict[str, int] = {}
    for process in processes:
        beats_out = [process.beats_out] * len(process.outputs)
        for side, names, beats in (
            (writers, process.outputs, beats_out),
            (readers, process.inputs, process.beats_in),
        ):
            for name, n in zip(names, beats, strict=True):
                if name in side:
                    raise ValueError(f"FIFO {name} is used twice, again by {process.name}")
                side[name] = n
    for name in writers.keys() ^ readers.keys():
        raise ValueError(f"FIFO {name} has no {'reader' if name in writers else 'writer'}")
    for name, n in writers.items():
        if n != readers[name] or n < 1:
            raise ValueError(f"FIFO {name}: {n} beats are written and {readers[name]} read")
    for kind in (Load, Store):
        if not any(isinstance(process, kind) for process in processes):
            raise ValueError(f"the network has no {kind.__name__}")
    return writers


def _fifo(name: str, depths: Mapping[str, int | None], n_beats: int, ready: Ready) -> Fifo:
    if name not in depths:
        raise ValueError(f"FIFO {name} has no depth")
    depth = depths[name]
    if depth is None:
        depth = n_beats
    if depth < 1:
        raise ValueError(f"FIFO {name} has depth {depth}, it needs at least 1")
    return Fifo(depth, Series(ready), Series(ready, [-1] * depth))


def _deadlock(fifos: dict[str, Fifo], depths: Mapping[str, int | None]) -> str:
    waits = {name: len(f.freed.times) - len(f.written.times) for name, f in fifos.items()}
    full = [
        f"{name} ({depths[name]} beats)"
        for name, fifo in fifos.items()
        if fifo.freed.waiting and waits[name] == 0
    ]
    empty = [name for name, fifo in fifos.items() if fifo.written.waiting]
    return (
        f"the processes wait for each other for ever: full FIFOs {', '.join(full) or 'none'}; "
        f"empty FIFOs {', '.join(empty) or 'none'}; give the full ones more places"
    )


def _timing(process: Process, parts: Parts) -> ProcessTiming:
    if isinstance(process, Store):
        first, last = parts.stored[::2], parts.stored[1::2]
    else:
        times, n = parts.outputs[0].written.times, process.beats_out
        first, last = times[::n], times[n - 1 :: n]
    return ProcessTiming(tuple(first), tuple(last), process.busy_cycles)


def _occupancy(fifo: Fifo, stages: int) -> int:
    made = np.array(fifo.written.times) - stages
    n_read = np.searchsorted(np.array(fifo.reads), made, side="left")
    return int((np.arange(1, len(made) + 1) - n_read).max())
