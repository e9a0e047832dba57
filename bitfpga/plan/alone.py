"""One array layer alone: between a FIFO that is never empty and a reader that takes every beat."""

from __future__ import annotations

from dataclasses import dataclass

from bitfpga.plan.assemble import processes
from bitfpga.plan.processes import LOAD_STAGES, Load, Store
from bitfpga.plan.replay import folded_array
from bitfpga.plan.schedule import Schedule
from bitfpga.plan.steps import LOAD, STORE, Fifo, Pipeline, Step
from bitfpga.plan.timing import simulate

IN_FIFO, OUT_FIFO = "x", "y"
N_BLOCKS, LEAST_BLOCKS, MOST_BEATS = 8, 2, 1_000_000


@dataclass(frozen=True, eq=False)
class Alone:
    """``pipeline``: the layer, and the FIFOs ``x`` and ``y`` that it reads and writes.

    ``depth``: places of ``y``, enough for full speed. ``ends``: of each block, the cycle in which
    its last result leaves ``y``, 0 being that of the first read. ``interval_cycles``: from block
    to block, the mean over some blocks, rounded up.
    """

    pipeline: Pipeline
    depth: int
    ends: tuple[int, ...]
    interval_cycles: int

    @property
    def latency_cycles(self) -> int:
        """Cycles from the first read of a block to the last of its results, both counted."""
        return self.ends[0] + 1


def alone(step: Step, schedule: Schedule) -> Alone:
    """Return the array layer ``step`` of ``schedule`` alone, simulated for a few blocks."""
    source, output = step.inputs[0], step.output
    assert output is not None
    fifos = (
        Fifo(IN_FIFO, source.name, LOAD, step.name, 0),
        Fifo(OUT_FIFO, output.name, step.name, STORE, 0),
    )
    streams = {source.name: source, output.name: output}
    pipeline = Pipeline(schedule.beat_pixels, (step,), streams, fifos)
    arrays = {step.name: folded_array(step, schedule)}
    (array,) = processes(pipeline, arrays, schedule.n_samples)
    depth = array.stages + 2
    load = Load(LOAD, (), (IN_FIFO,), source.n_beats)
    store = Store(STORE, (OUT_FIFO,), (), output.n_beats)
    depths = {IN_FIFO: None, OUT_FIFO: depth}
    n_beats = max(source.n_beats, output.n_beats)
    n_blocks = max(LEAST_BLOCKS, min(N_BLOCKS, MOST_BEATS // n_beats))
    timing = simulate((load, array, store), depths, n_blocks)
    first_read = LOAD_STAGES + 1
    ends = tuple(last + 1 - first_read for last in timing.processes[step.name].last)
    return Alone(pipeline, depth, ends, timing.interval_cycles)
