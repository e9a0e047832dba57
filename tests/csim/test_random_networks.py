"""C simulation equals the reference on networks and foldings nobody thought of."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from foldings import FOLDINGS, any_schedule
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st
from strategies import batches, extreme_batches, networks

from bitfpga.csim import ap_int_headers, simulate
from bitfpga.errors import PlanError, ToolError
from bitfpga.interface import Kind
from bitfpga.ir import Network
from bitfpga.project import Project, emit
from bitfpga.reference import run
from bitfpga.tools import find_cxx

REFUSED = ("differs between positions", "pools over 3 axes")
KINDS = st.sampled_from([kind.value for kind in Kind])
WINDOWS = ("conv", "max_pool", "avg_pool", "add", "concat", "dense")


def few(count: int) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Return the settings for a test that compiles in every example: no shrinking."""
    checks = [HealthCheck.too_slow, HealthCheck.filter_too_much]
    phases = [Phase.explicit, Phase.generate]
    return settings(max_examples=count, phases=phases, suppress_health_check=checks)


def built(network: Network, folding: dict[str, Any], kind: str = "m_axi") -> Project:
    """Return the project; networks that are refused with a reason are left out."""
    try:
        return emit(network, any_schedule(network, **folding), interface=kind)
    except PlanError as error:
        assume(not any(reason in str(error) for reason in REFUSED))
        raise


def assert_equal(project: Project, x: np.ndarray, **mode: bool) -> None:
    both = np.concatenate([extreme_batches(project.network), x])
    with tempfile.TemporaryDirectory() as folder:
        path = project.write(Path(folder) / "p")
        y = simulate(path, project.network, both, **mode).y
    np.testing.assert_array_equal(y, run(project.network, both))


@given(networks(), FOLDINGS, KINDS, st.data())
@few(10)
def test_native(network: Network, folding: dict[str, Any], kind: str, data: st.DataObject) -> None:
    assert_equal(built(network, folding, kind), data.draw(batches(network)))


@given(networks(WINDOWS, ranks=(2, 3)), FOLDINGS, st.data())
@few(10)
def test_windows(network: Network, folding: dict[str, Any], data: st.DataObject) -> None:
    assert_equal(built(network, folding), data.draw(batches(network)))


@given(networks(), FOLDINGS, KINDS, st.data())
@few(5)
def test_sanitised(
    network: Network, folding: dict[str, Any], kind: str, data: st.DataObject
) -> None:
    assert_equal(built(network, folding, kind), data.draw(batches(network)), sanitize=True)


@given(networks(), FOLDINGS, KINDS, st.data())
@few(8)
def test_exact_widths(
    network: Network, folding: dict[str, Any], kind: str, data: st.DataObject
) -> None:
    try:
        ap_int_headers()
    except ToolError as error:
        pytest.skip(str(error))
    if not find_cxx().builds_ap_int:
        pytest.skip("the ap_int headers do not compile here")
    assert_equal(built(network, folding, kind), data.draw(batches(network)), checked=True)


@given(networks(("conv", "add", "concat", "max_pool", "scale"), 6, (2, 3)), FOLDINGS, st.data())
@few(8)
def test_fifos_of_the_planned_depths(
    network: Network, folding: dict[str, Any], data: st.DataObject
) -> None:
    assert_equal(built(network, folding), data.draw(batches(network)), bounded=True)
