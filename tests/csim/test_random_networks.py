"""C simulation equals the reference on networks nobody thought of."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st
from strategies import batches, dense_networks, extreme_batches

from bitfpga.csim import ap_int_headers, simulate
from bitfpga.errors import PlanError, ToolError
from bitfpga.ir import Network
from bitfpga.project import Project, build
from bitfpga.reference import run
from bitfpga.tools import find_cxx

Builds = st.fixed_dictionaries(
    {
        "number_system": st.sampled_from(("csd", "binary")),
        "target_fps": st.sampled_from((None, 1.0)),
    }
)


def few(count: int) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Return the settings for a test that compiles in every example: no shrinking."""
    checks = [HealthCheck.too_slow, HealthCheck.filter_too_much]
    phases = [Phase.explicit, Phase.generate]
    return settings(max_examples=count, phases=phases, suppress_health_check=checks)


def built(network: Network, options: dict) -> Project:
    """Return the project; networks that are refused with a reason are left out."""
    try:
        return build(network, **options)
    except PlanError as error:
        assume("differs between positions" not in str(error))
        raise


def assert_equal(project: Project, x: np.ndarray, **mode: bool) -> None:
    both = np.concatenate([extreme_batches(project.network), x])
    with tempfile.TemporaryDirectory() as folder:
        path = project.write(Path(folder) / "p")
        y = simulate(path, project.network, both, **mode).y
    np.testing.assert_array_equal(y, run(project.network, both))


@given(dense_networks(), Builds, st.data())
@few(12)
def test_native(network: Network, options: dict, data: st.DataObject) -> None:
    assert_equal(built(network, options), data.draw(batches(network)))


@given(dense_networks(), Builds, st.data())
@few(6)
def test_sanitised(network: Network, options: dict, data: st.DataObject) -> None:
    assert_equal(built(network, options), data.draw(batches(network)), sanitize=True)


@given(dense_networks(), Builds, st.data())
@few(6)
def test_exact_widths(network: Network, options: dict, data: st.DataObject) -> None:
    try:
        ap_int_headers()
    except ToolError as error:
        pytest.skip(str(error))
    if not find_cxx().builds_ap_int:
        pytest.skip("the ap_int headers do not compile here")
    assert_equal(built(network, options), data.draw(batches(network)), checked=True)
