"""Reports of Vitis HLS and Vivado as figures: every count in its place, nothing counted twice."""

from __future__ import annotations

from pathlib import Path

import pytest
from cli_runs import small_mlp
from vendor_reports import COSIM, CSYNTH, TIMING, UTILIZATION_7, UTILIZATION_PLUS

from bitfpga.boards import load_board
from bitfpga.errors import ToolError
from bitfpga.plan import Schedule, plan
from bitfpga.vitis.reports import cosim_verdict, read_csynth, read_implementation


@pytest.fixture(scope="module")
def schedule() -> Schedule:
    return plan(small_mlp((7, 5, 3)), load_board("pynq-z2"))


def written(folder: Path, **texts: str) -> Path:
    """Write reports under their names and return their folder."""
    for name, text in texts.items():
        (folder / f"{name}.rpt").write_text(text)
    return folder


def test_what_c_synthesis_estimates(schedule: Schedule, tmp_path: Path) -> None:
    path = tmp_path / "csynth.xml"
    path.write_text(CSYNTH.format(version="2022.2", period="8.123", latency="977"))
    found = read_csynth(path, schedule)
    total = found.area.total
    assert (total.luts, total.ffs, total.bram36, total.dsp, total.uram) == (6841, 7919, 11.5, 3, 1)
    assert (found.target_ns, found.estimated_ns) == (10.0, 8.123)
    assert (found.latency_cycles, found.interval_cycles) == ((977, 977), (977, 977))
    document = found.to_document()
    assert document["tool"] == "Vitis HLS 2022.2"
    assert document["family"] == "zynq7000"
    assert document["estimate"]["luts"] == schedule.resources.luts
    assert [part["role"] for part in document["parts"]] == ["top"]


def test_a_latency_that_is_not_known(schedule: Schedule, tmp_path: Path) -> None:
    path = tmp_path / "csynth.xml"
    path.write_text(CSYNTH.format(version="2022.2", period="8.123", latency="?"))
    assert read_csynth(path, schedule).latency_cycles is None
    without_uram = CSYNTH.replace("<URAM>1</URAM>", "")
    path.write_text(without_uram.format(version="2022.2", period="8.123", latency="1"))
    assert read_csynth(path, schedule).area.total.uram == 0


def test_a_routed_design_of_7_series(schedule: Schedule, tmp_path: Path) -> None:
    folder = written(
        tmp_path,
        utilization=UTILIZATION_7.format(version="2023.2"),
        accelerator_utilization=UTILIZATION_PLUS,
        timing_summary=TIMING.format(wns="0.221", tns="-0.013", whs="0.018"),
    )
    found = read_implementation(folder, schedule)
    total = found.area.total
    assert (total.lut_logic, total.lut_ram, total.srl) == (5140, 228, 624)
    assert total.luts == 5992, "the row Slice LUTs"
    assert (total.ffs, total.latches, total.dsp, total.uram) == (8984, 3, 2, 0)
    assert (total.ramb36, total.ramb18, total.bram36) == (9, 5, 11.5)
    assert (total.muxf7, total.muxf8) == (560, 0)
    assert found.area.tool == "Vivado 2023.2"
    assert (found.wns_ns, found.tns_ns, found.whs_ns, found.ths_ns) == (0.221, -0.013, 0.018, 0.0)
    assert found.timing_met
    assert found.accelerator is not None
    assert found.accelerator.luts == 5365
    assert (found.accelerator.uram, found.accelerator.carry8, found.accelerator.muxf9) == (
        7,
        353,
        1,
    )


@pytest.mark.parametrize(
    ("wns", "whs", "met"),
    [("0.000", "0.000", True), ("-0.001", "0.018", False), ("0.221", "-0.001", False)],
)
def test_timing_is_met_or_not(
    schedule: Schedule, tmp_path: Path, wns: str, whs: str, met: bool
) -> None:
    folder = written(
        tmp_path,
        utilization=UTILIZATION_7.format(version="2023.2"),
        timing_summary=TIMING.format(wns=wns, tns="0.000", whs=whs),
    )
    found = read_implementation(folder, schedule)
    assert found.timing_met is met
    assert found.to_document()["timing_met"] is met
    assert found.accelerator is None


@pytest.mark.parametrize("verdict", ["Pass", "Fail", "NA"])
def test_the_verdict_of_a_cosimulation(tmp_path: Path, verdict: str) -> None:
    path = tmp_path / "cosim.rpt"
    path.write_text(COSIM.format(verdict=verdict))
    assert cosim_verdict(path) == verdict


def test_a_report_that_is_not_there(schedule: Schedule, tmp_path: Path) -> None:
    for read in (cosim_verdict, lambda path: read_csynth(path, schedule)):
        with pytest.raises(ToolError, match=r"cannot read the report .*No such file"):
            read(tmp_path / "absent")
    with pytest.raises(ToolError, match=r"cannot read the report .*utilization.rpt \(No such file"):
        read_implementation(tmp_path, schedule)


@pytest.mark.parametrize("row", ["LUT as Logic", "RAMB18", "DSPs"])
def test_a_row_that_is_missing_is_named(schedule: Schedule, tmp_path: Path, row: str) -> None:
    lines = UTILIZATION_7.format(version="2023.2").splitlines()
    kept = [line for line in lines if f"{row} " not in line or "only" in line]
    folder = written(tmp_path, utilization="\n".join(kept), timing_summary=TIMING)
    with pytest.raises(ToolError, match=f"no row '{row}'"):
        read_implementation(folder, schedule)


def test_the_first_table_with_a_row_counts(schedule: Schedule, tmp_path: Path) -> None:
    again = "| LUT as Logic               |  4711 |     0 |          0 |     53200 |  8.85 |\n"
    folder = written(
        tmp_path,
        utilization=UTILIZATION_7.format(version="2023.2") + again,
        timing_summary=TIMING.format(wns="0.1", tns="0.0", whs="0.1"),
    )
    assert read_implementation(folder, schedule).area.total.lut_logic == 5140
