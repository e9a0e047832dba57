"""``size_fifos``: how many places the FIFOs between processes get."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping, Sequence

from bitfpga.errors import PlanError
from bitfpga.plan.processes import Load, Process
from bitfpga.plan.timing import Timing, fifo_beats, simulate

MOST_TRIALS = 2
"""FIFOs for which it is tried whether ``default_depth`` would do, the deepest first."""


def size_fifos(
    processes: Sequence[Process],
    join_fifos: Collection[str],
    default_depth: int,
    n_images: int = 3,
) -> tuple[dict[str, int], Timing]:
    """Return the depth of each FIFO, ``default_depth`` or more, and the timing with these depths.

    ``join_fifos``: FIFOs into processes with several inputs; only they get more. The network does
    not stop, and its latency and interval over ``n_images`` images are no longer than those of
    unlimited ``join_fifos``. What a FIFO gets is the most beats it holds when images come no
    faster than they leave, for what comes earlier only waits; or, where that would cost time, when
    they come as fast as they can. PlanError and ValueError as in ``simulate``.
    """
    base = dict.fromkeys(fifo_beats(processes), default_depth)
    unlimited: dict[str, int | None] = {**base, **dict.fromkeys(join_fifos)}
    free = simulate(processes, unlimited, n_images)
    paced = simulate([_paced(p, free.interval_cycles) for p in processes], unlimited, n_images)
    sizes = _held(paced, base, join_fifos)
    timing = _timing(processes, sizes, n_images)
    if timing is None or not _is_as_fast(timing, free):
        sizes = _held(free, base, join_fifos)
        timing = simulate(processes, sizes, n_images)
    deep = [name for name in join_fifos if sizes[name] > default_depth]
    for name in sorted(deep, key=lambda name: (-sizes[name], name))[:MOST_TRIALS]:
        smaller = sizes | {name: default_depth}
        trial = _timing(processes, smaller, n_images)
        if trial is not None and _is_as_fast(trial, free):
            sizes, timing = smaller, trial
    return sizes, timing


def _paced(process: Process, interval_cycles: int) -> Process:
    """Return a ``Load`` slowed down to one image in ``interval_cycles``; others as they are."""
    if not isinstance(process, Load):
        return process
    if process.n_elements:
        n_elements = max(process.n_elements, interval_cycles)
        return dataclasses.replace(process, n_elements=n_elements)
    cycles = max(process.cycles_per_beat, interval_cycles // process.n_beats)
    return dataclasses.replace(process, cycles_per_beat=cycles)


def _held(timing: Timing, base: Mapping[str, int], join_fifos: Collection[str]) -> dict[str, int]:
    """Return ``base`` with the most beats that each of ``join_fifos`` held where that is more."""
    return {
        name: max(depth, timing.occupancy[name]) if name in join_fifos else depth
        for name, depth in base.items()
    }


def _timing(
    processes: Sequence[Process], depths: Mapping[str, int | None], n_images: int
) -> Timing | None:
    try:
        return simulate(processes, depths, n_images)
    except PlanError:
        return None


def _is_as_fast(timing: Timing, other: Timing) -> bool:
    return (
        timing.interval_cycles <= other.interval_cycles
        and timing.latency_cycles <= other.latency_cycles
    )
