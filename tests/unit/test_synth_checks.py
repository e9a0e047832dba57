"""What an RTL simulation is held against: the reference's values, the plan's cycles."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from foldings import any_schedule
from mlps import mlp

from bitfpga.errors import SynthError
from bitfpga.plan import Schedule, replay
from bitfpga.plan.steps import STORE
from bitfpga.reference import run
from bitfpga.synth import RtlResult, check_cycles, check_values

NETWORK = mlp((7, 5, 3))
X = np.random.default_rng(1).integers(-128, 128, (5, 7))
HERE = Path("build")


@cache
def schedule() -> Schedule:
    return any_schedule(NETWORK, n_samples=2)


def result(**changes: Any) -> RtlResult:
    """Return what a simulation of ``X`` that is right gives, but for ``changes``."""
    stored = replay(NETWORK, schedule(), 3).processes[STORE]
    first, last = np.array(stored.first), np.array(stored.last)
    right = RtlResult(run(NETWORK, X), first * 0, first, last, 99, False, True, 1.0, 1.0)
    return replace(right, **changes)


def test_what_is_right_passes() -> None:
    check_values(HERE, NETWORK, X, result())
    assert check_cycles(HERE, NETWORK, schedule(), result()) == 3
    assert result().latency_cycles == schedule().latency_cycles


def test_a_wrong_value_is_named() -> None:
    y = run(NETWORK, X)
    y[3, 1] ^= 1
    with pytest.raises(SynthError, match=r"on 1 of 5 samples\n.*sample 3, index \[1\], expected"):
        check_values(HERE, NETWORK, X, result(y=y))


@pytest.mark.parametrize("which", ["first", "last"])
def test_a_cycle_late_is_named(which: str) -> None:
    times = getattr(result(), f"{which}_out").copy()
    times[2] += 1
    late = result(**{f"{which}_out": times})
    with pytest.raises(SynthError, match=rf"the {which} element of output block 2 came in cycle"):
        check_cycles(HERE, NETWORK, schedule(), late)


def test_a_schedule_of_another_plan_is_seen() -> None:
    other = replace(schedule(), latency_cycles=schedule().latency_cycles + 1)
    with pytest.raises(SynthError, match="but the schedule says"):
        check_cycles(HERE, NETWORK, other, result())


def test_nothing_is_compared_with_gaps_without_a_simulated_plan_and_without_samples() -> None:
    assert check_cycles(HERE, NETWORK, schedule(), result(gaps=True)) == 0
    assert check_cycles(HERE, NETWORK, replace(schedule(), simulated=False), result()) == 0
    none = np.zeros(0, np.int64)
    empty = result(y=run(NETWORK, X[:0]), first_in=none, first_out=none, last_out=none)
    assert check_cycles(HERE, NETWORK, schedule(), empty) == 0
    assert (empty.latency_cycles, empty.interval_cycles) == (None, None)


def test_no_more_blocks_are_compared_than_the_plan_simulates_quickly(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("bitfpga.synth.checks.MOST_BEATS", 1)
    assert check_cycles(HERE, NETWORK, schedule(), result()) == 2


def test_a_schedule_that_was_read_replays_as_the_one_that_was_made() -> None:
    read = replace(schedule(), streams=None)
    assert replay(NETWORK, read, 3) == replay(NETWORK, schedule(), 3)


def test_the_interval_is_the_mean_of_the_second_half() -> None:
    assert result(last_out=np.array([9, 30, 41, 53, 64])).interval_cycles == 12
