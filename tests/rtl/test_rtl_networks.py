"""Whole networks as Verilog: equal to the reference bit for bit, to the plan cycle by cycle."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from foldings import FOLDINGS, any_schedule
from hostile import HOSTILE
from hostile_maps import HOSTILE_MAPS
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st
from rtl_runs import assert_exact, needs_verilator, samples
from strategies import batches, extreme_batches, networks

from bitfpga.boards import load_board
from bitfpga.demo import demo_network
from bitfpga.digits import NumberSystem
from bitfpga.errors import PlanError, SynthError
from bitfpga.ir import Network
from bitfpga.plan import Schedule, plan
from bitfpga.synth import simulate_rtl

pytestmark = needs_verilator

REFUSED = ("differs between positions", "pools over 3 axes")
WINDOWS = ("conv", "max_pool", "avg_pool", "add", "concat", "dense")
MOVES = ("scale", "table", "add", "concat", "mean", "transpose", "pad", "slice", "reshape")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder that keeps what is compiled: Verilator's library is compiled but once."""
    return tmp_path_factory.mktemp("rtl")


def few(count: int) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Return the settings for a test that compiles in every example: no shrinking."""
    slow = [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.function_scoped_fixture]
    phases = [Phase.explicit, Phase.generate]
    return settings(max_examples=count, phases=phases, suppress_health_check=slow)


def folded(network: Network, folding: dict[str, Any]) -> Schedule:
    """Return a schedule; networks that are refused with a reason are left out."""
    try:
        return any_schedule(network, **folding)
    except PlanError as error:
        assume(not any(reason in str(error) for reason in REFUSED))
        raise


def test_the_demo(folder: Path) -> None:
    network = demo_network()
    assert network.vectors is not None
    x = network.vectors.x[:40]
    assert_exact(folder, network, plan(network, load_board("pynq-z2")), x)


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_vectors(name: str, folder: Path) -> None:
    network, n = HOSTILE[name](), len(name)
    system = (NumberSystem.CSD, NumberSystem.BINARY)[n % 2]
    schedule = any_schedule(network, system, (1, 2, 4, 8)[n % 4], (1, 1, 2)[n % 3], (n % 5) / 4)
    assert_exact(folder, network, schedule, samples(network), gaps=n)


@pytest.mark.parametrize("name", HOSTILE_MAPS)
def test_hostile_maps(name: str, folder: Path) -> None:
    network, n = HOSTILE_MAPS[name](), len(name)
    shape = ((1, 2, 4, 8)[n % 4], (1, 1, 1, 2)[n % 3])
    schedule = any_schedule(network, NumberSystem.CSD, *shape, (n % 5) / 4)
    assert_exact(folder, network, schedule, samples(network), gaps=n)


def test_a_fifo_that_is_too_shallow_ends_in_a_standstill_that_is_told(folder: Path) -> None:
    network = HOSTILE_MAPS["a_long_branch_and_a_short_one"]()
    schedule = any_schedule(network)
    shallow = tuple(replace(fifo, depth=1) for fifo in schedule.fifos)
    with pytest.raises(SynthError, match=r"nothing moved for \d+ cycles.*0 of 3 came out"):
        simulate_rtl(folder, network, replace(schedule, fifos=shallow), samples(network)[:1])


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_vectors_with_taps_in_memory(name: str, folder: Path) -> None:
    network, n = HOSTILE[name](), len(name)
    system = (NumberSystem.BINARY, NumberSystem.CSD)[n % 2]
    folding = (1, 4, 2, 8)[n % 4], (1, 2, 1)[n % 3], (n % 4) / 4
    schedule = any_schedule(network, system, *folding, in_memory=True)
    assert_exact(folder, network, schedule, samples(network), gaps=n)


@pytest.mark.parametrize("name", HOSTILE_MAPS)
def test_hostile_maps_with_taps_in_memory(name: str, folder: Path) -> None:
    network, n = HOSTILE_MAPS[name](), len(name)
    folding = (2, 1, 4, 8)[n % 4], (1, 1, 2, 1)[n % 4], (n % 4) / 4
    schedule = any_schedule(network, NumberSystem.CSD, *folding, in_memory=True)
    assert_exact(folder, network, schedule, samples(network), gaps=n)


@given(networks(MOVES), FOLDINGS, st.data())
@few(3)
def test_random_moves(
    folder: Path, network: Network, folding: dict[str, Any], data: st.DataObject
) -> None:
    x = np.concatenate([extreme_batches(network, 2), data.draw(batches(network))])
    assert_exact(folder, network, folded(network, folding), x)


@given(networks(WINDOWS, ranks=(2, 3)), FOLDINGS, st.data())
@few(4)
def test_random_windows(
    folder: Path, network: Network, folding: dict[str, Any], data: st.DataObject
) -> None:
    x = np.concatenate([extreme_batches(network, 2), data.draw(batches(network))])
    assert_exact(folder, network, folded(network, folding), x)


@given(networks(), FOLDINGS, st.data())
@few(4)
def test_random_networks(
    folder: Path, network: Network, folding: dict[str, Any], data: st.DataObject
) -> None:
    x = np.concatenate([extreme_batches(network, 2), data.draw(batches(network))])
    assert_exact(folder, network, folded(network, folding), x)
