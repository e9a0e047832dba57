"""Networks whose accumulators are LUT6_2 and CARRY4, with the cells' simulation models."""

from __future__ import annotations

from pathlib import Path

import pytest
from foldings import any_schedule
from hostile_maps import HOSTILE_MAPS
from rtl_cells import needs_pyosys, xilinx_cells
from rtl_runs import assert_exact, needs_verilator, samples

from bitfpga.digits import NumberSystem
from bitfpga.synth import verilator

pytestmark = [needs_verilator, needs_pyosys]


@pytest.fixture
def with_cells(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have Verilator compile designs as they are synthesised, and the cells with them."""
    real = verilator._flags

    def flags(waveform: str) -> list[str | Path]:
        plain = real(waveform)
        assert plain.count('-GIMPL="generic"') == 1
        others = [flag for flag in plain if flag != '-GIMPL="generic"']
        return [*others, '-GIMPL="xilinx"', xilinx_cells()]

    monkeypatch.setattr(verilator, "_flags", flags)


@pytest.mark.usefixtures("with_cells")
def test_a_network_of_xilinx_cells_is_exact(tmp_path: Path) -> None:
    network = HOSTILE_MAPS["shortcuts_that_shrink"]()
    schedule = any_schedule(network, NumberSystem.CSD, 2, 1, 0.5)
    assert_exact(tmp_path, network, schedule, samples(network))
