"""What an RTL simulation must show: the reference's values in the cycles of the plan."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from bitfpga.errors import SynthError
from bitfpga.ir import Network
from bitfpga.plan import Schedule, lower, replay
from bitfpga.plan.steps import STORE
from bitfpga.reference import run
from bitfpga.synth.simulation import RtlResult

MOST_BEATS = 2_000_000
"""Beats, over all FIFOs, that the plan's own simulation is asked for; a few seconds."""


def check_values(folder: Path, network: Network, x: npt.ArrayLike, result: RtlResult) -> None:
    """Raise ``SynthError`` unless the outputs equal the reference on ``x``, value for value."""
    expected = run(network, x)
    wrong = np.argwhere(expected != result.y)
    if not len(wrong):
        return
    sample, *index = (int(i) for i in wrong[0])
    place = (sample, *index)
    count = len(np.unique(wrong[:, 0]))
    raise SynthError(
        f"RTL simulation of {folder} differs from the reference on {count} of {len(expected)} "
        f"samples\n  output: sample {sample}, index {index}, expected {expected[place]}, got "
        f"{result.y[place]}\n  this is a fault of bitfpga"
    )


def check_cycles(folder: Path, network: Network, schedule: Schedule, result: RtlResult) -> int:
    """Raise ``SynthError`` unless blocks came out in the very cycles that the plan says.

    The plan's simulation is run for as many blocks, up to ``MOST_BEATS`` beats; first and last
    element of each are compared. Returns the blocks compared: 0 where gaps were asked for, or
    where the schedule's figures are bounds (``schedule.simulated``).
    """
    n_blocks = min(len(result.last_out), _most_blocks(network, schedule))
    if result.gaps or not schedule.simulated or not n_blocks:
        return 0
    planned = replay(network, schedule, max(n_blocks, 2))
    stored = planned.processes[STORE]
    for block in range(n_blocks):
        for what, plan, rtl in (
            ("first", stored.first[block], int(result.first_out[block])),
            ("last", stored.last[block], int(result.last_out[block])),
        ):
            if plan != rtl:
                raise SynthError(
                    f"RTL simulation of {folder}: the {what} element of output block {block} came "
                    f"in cycle {rtl}, planned was cycle {plan}; this is a fault of bitfpga"
                )
    if planned.latency_cycles != schedule.latency_cycles:
        raise SynthError(
            f"RTL simulation of {folder}: the latency is {planned.latency_cycles} cycles, but the "
            f"schedule says {schedule.latency_cycles}; build the project again"
        )
    return n_blocks


def _most_blocks(network: Network, schedule: Schedule) -> int:
    pipeline = lower(network, schedule.beat_pixels)
    n_beats = sum(pipeline.streams[queue.stream].n_beats for queue in pipeline.fifos)
    return max(2, MOST_BEATS // n_beats)
