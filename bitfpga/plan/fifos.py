"""``size_fifos``: how many places the FIFOs between processes get."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from bitfpga.errors import PlanError
from bitfpga.plan.processes import Process
from bitfpga.plan.timing import Timing, fifo_beats, simulate

WORTH_SHRINKING = 64
"""Beats above which a FIFO's depth is lowered by an eighth as long as that costs nothing."""


MOST_TRIALS = 4
"""FIFOs for which it is tried whether ``default_depth`` would do, the deepest first."""


def size_fifos(
    processes: Sequence[Process],
    join_fifos: Collection[str],
    default_depth: int,
    n_images: int = 3,
    *,
    shrink: bool = True,
) -> dict[str, int]:
    """Return the depth of each FIFO: ``default_depth``, more where ``join_fifos`` need it.

    ``join_fifos``: FIFOs into processes with several inputs. With these depths the network does
    not stop, and its latency and interval over ``n_images`` images are no longer than those of
    unlimited ``join_fifos``. A FIFO that gets more than ``default_depth`` would cost time with
    that, or was not among the first tried; it gets the most beats it holds when only such FIFOs
    are unlimited, or fewer if ``shrink`` finds that fewer do. PlanError and ValueError as in
    ``simulate``.
    """
    depths: dict[str, int | None] = dict.fromkeys(fifo_beats(processes), default_depth)
    unlimited = depths | dict.fromkeys(join_fifos)
    timing = free = simulate(processes, unlimited, n_images)
    deepest_first = sorted(join_fifos, key=lambda name: (-free.occupancy[name], name))
    n_trials = 0
    for name in deepest_first:
        limited = unlimited | {name: default_depth}
        if timing.occupancy[name] <= default_depth:
            unlimited = limited
            continue
        n_trials += 1
        if n_trials > MOST_TRIALS:
            continue
        trial = _timing(processes, limited, n_images)
        if trial is not None and _is_as_fast(trial, free):
            unlimited, timing = limited, trial
    sizes = {name: depth or timing.occupancy[name] for name, depth in unlimited.items()}
    for name in deepest_first:
        while shrink and sizes[name] > max(default_depth, WORTH_SHRINKING):
            smaller = sizes | {name: max(sizes[name] * 7 // 8, default_depth)}
            trial = _timing(processes, smaller, n_images)
            if trial is None or not _is_as_fast(trial, free):
                break
            sizes = smaller
    return sizes


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
