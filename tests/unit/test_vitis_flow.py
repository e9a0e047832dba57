"""From a project to a bitstream with fake tools: calls, results, and going on where it stopped."""

from __future__ import annotations

import json
import os
import shutil
import signal
from pathlib import Path
from typing import Any

import pytest
from cli_runs import cli, contents, ended, refused, small_mlp, start, wait_for
from vendor_fakes import Vendor

from bitfpga.project import build
from bitfpga.project_folder import open_project
from bitfpga.tools import Completed, run_tool
from bitfpga.vitis import Step, run_flow
from bitfpga.vitis.logs import following

WHOLE = ["csynth", "package", "impl", "bitstream"]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a project; nothing writes into it."""
    return build(small_mlp((7, 5, 3))).write(tmp_path_factory.mktemp("vitis") / "project")


@pytest.fixture
def project(made: Path, tmp_path: Path) -> Path:
    """Return a copy of the project."""
    return shutil.copytree(made, tmp_path / "project")


@pytest.fixture
def vendor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Vendor:
    """Return fake tools of the config flow and Vivado, on PATH and nothing else of theirs."""
    fakes = Vendor(tmp_path / "vendor")
    monkeypatch.setenv("PATH", fakes.path)
    for name in ("XILINX_VITIS", "XILINX_HLS", "XILINX_VIVADO"):
        monkeypatch.delenv(name, raising=False)
    return fakes


def synth(project: Path, *options: object) -> tuple[object, ...]:
    return ("synth", project, "--tool", "vitis", *options)


def test_the_config_flow_makes_a_bitstream(project: Path, vendor: Vendor) -> None:
    before = contents(project)
    found = cli(*synth(project, "--json")).json
    vitis = project / "vitis"
    calls = vendor.calls
    settings = ["--config", "hls_config.cfg", "--work_dir", "work"]
    assert [(call["name"], call["args"]) for call in calls] == [
        ("v++", ["-c", "--mode", "hls", *settings]),
        ("vitis-run", ["--mode", "hls", "--package", *settings]),
        *[
            ("vivado", ["-mode", "batch", "-nojournal", "-nolog", "-notrace", "-source", script])
            for script in ("implement.tcl", "bitstream.tcl")
        ],
    ]
    folders = [Path(call["cwd"]).relative_to(vitis).as_posix() for call in calls]
    assert folders == ["hls", "hls", "vivado", "vivado"]
    assert (found["bit"], found["hwh"]) == (str(vitis / "small.bit"), str(vitis / "small.hwh"))
    assert (vitis / "small.bit").read_text() == "bits"
    assert (vitis / "small.hwh").read_text() == "hand-off 0"
    assert (vitis / "ip" / "hdl" / "top.v").read_text() == "v"
    assert (found["core"], found["kind"]) == ("bitfpga:hls:small:1.0", "m_axi")
    assert list(found["steps"]) == WHOLE
    assert all(step["ran"] and step["version"] == "2023.2" for step in found["steps"].values())
    assert found["warnings"] == []
    after = contents(project)
    assert {name: data for name, data in after.items() if not name.startswith("vitis/")} == before
    assert open_project(project).changed == ()


def test_figures_for_people(project: Path, vendor: Vendor) -> None:
    shown = cli(*synth(project))
    assert shown.code == 0, shown.err
    lines = [" ".join(line.split()) for line in shown.out.splitlines()]
    for line in (
        "small for xc7z020clg400-1 by the vendor's tools, until bitstream",
        "Vitis HLS 2023.2, estimate 6,841 7,919 11.5 1 3",
        "routed, core alone 5,992 8,984 11.5 0 2",
        "routed, with PS and buses 5,992 8,984 11.5 0 2",
        "the board has 53,200 106,400 140 0 220",
        "HLS: estimated period 8.123 of 10 ns",
        "HLS: latency 977 cycles",
        "routed: worst slack setup 0.221 ns, hold 0.018 ns: every path is in time",
    ):
        assert line in lines
    assert "co-simulation" not in shown.out
    assert [line.split(":")[0] for line in shown.err.splitlines()] == [
        step for step in WHOLE for _ in range(2)
    ]
    assert f"its log is {project / 'vitis' / 'logs' / 'impl.log'}" in shown.err


def test_a_second_run_has_nothing_to_do(project: Path, vendor: Vendor) -> None:
    cli(*synth(project))
    shutil.rmtree(vendor.bin)  # and so needs no tool
    found = cli(*synth(project, "--json"))
    assert found.code == 0, found.err
    assert not any(step["ran"] for step in found.json["steps"].values())
    assert vendor.steps == WHOLE
    assert found.err.count("done before, kept") == 4


@pytest.mark.parametrize(
    ("until", "steps"),
    [
        ("csynth", ["csynth"]),
        ("cosim", ["csynth", "cosim"]),
        ("package", ["csynth", "package"]),
        ("impl", ["csynth", "package", "impl"]),
    ],
)
def test_until_names_the_last_step(
    project: Path, vendor: Vendor, until: str, steps: list[str]
) -> None:
    found = cli(*synth(project, "--until", until, "--json")).json
    assert vendor.steps == steps == list(found["steps"])
    assert found["bit"] is None
    assert found["cosim"] == ("Pass" if until == "cosim" else None)
    assert (found["impl"] is not None) == (until == "impl")
    assert found["csynth"]["total"]["luts"] == 6841
    rest = cli(*synth(project, "--json")).json
    assert [step for step, how in rest["steps"].items() if not how["ran"]] == [
        step for step in steps if step != "cosim"
    ]
    assert sorted(vendor.steps) == sorted({*steps, *WHOLE})


def test_the_cosimulation_is_shown_as_what_it_is(project: Path, vendor: Vendor) -> None:
    assert "equal to the C++, value by value" in cli(*synth(project, "--until", "cosim")).out


def test_vitis_hls_where_there_is_no_config_flow(project: Path, vendor: Vendor) -> None:
    (vendor.bin / "vitis-run").unlink()  # as in Vitis 2022, which has a v++ without --mode hls
    vendor.add("vitis_hls")
    assert cli(*synth(project)).code == 0
    assert cli(*synth(project, "--until", "cosim")).code == 0
    assert [(call["name"], call["args"]) for call in vendor.calls if call["name"] != "vivado"] == [
        ("vitis_hls", ["-f", f"{step}.tcl"]) for step in ("csynth", "package", "cosim")
    ]
    assert (project / "vitis" / "small.bit").is_file()


def test_tools_below_the_folders_of_the_environment(
    project: Path, vendor: Vendor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for root, *names in (("XILINX_VITIS", "v++", "vitis-run"), ("XILINX_VIVADO", "vivado")):
        (tmp_path / root / "bin").mkdir(parents=True)
        for name in names:
            (vendor.bin / name).rename(tmp_path / root / "bin" / name)
        monkeypatch.setenv(root, str(tmp_path / root))
        shutil.copy(vendor.home / "behaviour.json", tmp_path / root)
    assert cli(*synth(project)).code == 0


@pytest.mark.parametrize("step", WHOLE)
def test_a_run_goes_on_at_the_step_that_failed(project: Path, vendor: Vendor, step: str) -> None:
    vendor.tell(**{step: "fail"})
    assert cli(*synth(project)).code == 3
    assert vendor.steps == WHOLE[: WHOLE.index(step) + 1]
    vendor.tell(**{step: "ok"})
    assert cli(*synth(project)).code == 0
    assert vendor.steps == [*WHOLE[: WHOLE.index(step) + 1], *WHOLE[WHOLE.index(step) :]]


@pytest.mark.parametrize(
    ("lost", "first"),
    [
        ("small.bit", "bitstream"),
        ("vivado/routed.dcp", "impl"),
        ("reports/utilization.rpt", "impl"),
        ("ip/component.xml", "package"),
        ("reports/csynth.xml", "csynth"),
        ("flow.json", "csynth"),
    ],
)
def test_what_is_lost_is_made_again_and_all_after_it(
    project: Path, vendor: Vendor, lost: str, first: str
) -> None:
    cli(*synth(project))
    (project / "vitis" / lost).unlink()
    assert cli(*synth(project)).code == 0
    assert vendor.steps[4:] == WHOLE[WHOLE.index(first) :]


def test_packaging_synthesises_again_where_its_folder_is_lost(
    project: Path, vendor: Vendor
) -> None:
    cli(*synth(project, "--until", "csynth"))
    shutil.rmtree(project / "vitis" / "hls")
    assert cli(*synth(project, "--until", "package")).code == 0
    assert vendor.steps == ["csynth", "csynth", "package"]


def test_packaging_synthesises_again_with_another_tool(project: Path, vendor: Vendor) -> None:
    cli(*synth(project, "--until", "csynth"))
    (vendor.bin / "v++").unlink()
    vendor.add("vitis_hls")
    assert cli(*synth(project, "--until", "package")).code == 0
    assert [call["name"] for call in vendor.calls] == ["v++", "vitis_hls", "vitis_hls"]


def test_an_edited_source_starts_anew_an_edited_testbench_only_the_cosimulation(
    project: Path, vendor: Vendor
) -> None:
    cli(*synth(project))
    cli(*synth(project, "--until", "cosim"))
    with (project / "hls" / "testbench" / "testbench.cpp").open("a") as file:
        file.write("// edited\n")
    assert cli(*synth(project, "--until", "cosim")).code == 0
    assert cli(*synth(project)).code == 0
    assert vendor.steps[5:] == ["cosim"]
    stale = project / "vitis" / "hls" / "work" / "stale"
    stale.touch()
    copied = project / "vitis" / "hls" / "testbench" / "testbench.cpp"
    assert copied.read_text().endswith("// edited\n")
    with (project / "hls" / "top.cpp").open("a") as file:
        file.write("// edited\n")
    ran = cli(*synth(project))
    assert "note: changed since the build: hls/testbench/testbench.cpp, hls/top.cpp" in ran.err
    assert vendor.steps[6:] == WHOLE
    assert not stale.exists(), "synthesis begins in an empty folder"


@pytest.mark.parametrize("until", ["csynth", "package", "impl"])
def test_steps_behind_an_edit_run_in_a_later_run(project: Path, vendor: Vendor, until: str) -> None:
    cli(*synth(project))
    with (project / "hls" / "top.cpp").open("a") as file:
        file.write("// edited\n")
    assert cli(*synth(project, "--until", until)).code == 0
    assert cli(*synth(project)).code == 0
    assert vendor.steps[4:] == WHOLE


def test_a_failure_leaves_nothing_that_was_made_of_older_sources(
    project: Path, vendor: Vendor
) -> None:
    assert cli(*synth(project)).code == 0
    made = [project / "vitis" / f"small.{ending}" for ending in ("bit", "hwh")]
    assert all(path.is_file() for path in made)
    with (project / "hls" / "top.cpp").open("a") as file:
        file.write("// edited\n")
    assert cli(*synth(project, "--until", "csynth")).code == 0
    assert not any(path.exists() for path in made)
    assert cli(*synth(project)).code == 0
    assert all(path.is_file() for path in made)


def test_the_block_design_has_the_kind_of_the_interface(tmp_path: Path, vendor: Vendor) -> None:
    for kind in ("m_axi", "axi_dma"):
        project = build(small_mlp((7, 5, 3)), interface=kind).write(tmp_path / kind)
        assert cli(*synth(project, "--json")).json["kind"] == kind
        settings = (project / "vitis" / "vivado" / "settings.tcl").read_text()
        assert f"set kind {kind}\nset stream_bits 8\n" in settings


def test_another_script_of_the_last_step_needs_only_that_step(
    project: Path, vendor: Vendor, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    cli(*synth(project))
    scripts = tmp_path / "scripts"
    real = __import__("bitfpga.paths", fromlist=["paths"]).vivado_dir()
    shutil.copytree(real, scripts)
    with (scripts / "bitstream.tcl").open("a") as file:
        file.write("# edited\n")
    for module in ("run", "running"):
        monkeypatch.setattr(f"bitfpga.vitis.{module}.vivado_dir", lambda: scripts)
    assert cli(*synth(project)).code == 0
    assert vendor.steps[4:] == ["bitstream"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interruption_ends_the_tool_and_keeps_what_is_done(
    project: Path, vendor: Vendor, tmp_path: Path, number: int
) -> None:
    vendor.tell(impl="hang")
    process = start(*synth(project), cwd=tmp_path, env={"PATH": vendor.path})
    wait_for(vendor.home / "pid", process)
    process.send_signal(number)
    ran = ended(process)
    assert (ran.code, ran.out) == (128 + number, "")
    with pytest.raises(ProcessLookupError):
        os.kill(int((vendor.home / "pid").read_text()), 0)
    document = json.loads((project / "vitis" / "flow.json").read_text())
    assert list(document["steps"]) == ["csynth", "package"]
    vendor.tell(impl="ok")
    assert cli(*synth(project)).code == 0
    assert vendor.steps == ["csynth", "package", "impl", "impl", "bitstream"]


def test_two_runs_at_once_are_one_too_many(project: Path, vendor: Vendor, tmp_path: Path) -> None:
    vendor.tell(csynth="hang")
    process = start(*synth(project), cwd=tmp_path, env={"PATH": vendor.path})
    wait_for(vendor.home / "pid", process)
    refused(cli(*synth(project)), 1, "another synth is at work in", "wait until it ends")
    process.send_signal(signal.SIGINT)
    assert ended(process).code == 130


def test_every_line_of_the_log_is_told(project: Path, vendor: Vendor) -> None:
    lines: list[str] = []
    result = run_flow(open_project(project), Step.PACKAGE, limit_s=60.0, on_line=lines.append)
    told = [line for line in lines if line.startswith("INFO: ")]
    assert told == [
        "INFO: [v++] the step csynth begins",
        "INFO: [vitis-run] the step package begins",
    ]
    assert result.bit is None
    assert result.ran == (Step.CSYNTH, Step.PACKAGE)


def test_an_earlier_log_is_not_told_again(tmp_path: Path) -> None:
    lines: list[str] = []
    log = tmp_path / "log"
    log.write_text("of an earlier run\n")
    with following(log, lines.append):
        log.write_text("one\n\nhalf a li")
    assert lines == ["one"]
    log.write_text("of an earlier run\n")
    with following(log, lines.append):
        pass
    assert lines == ["one"]


def test_all_steps_share_one_limit(
    project: Path, vendor: Vendor, monkeypatch: pytest.MonkeyPatch
) -> None:
    limits: list[float] = []

    def limited(*arguments: Any, limit_s: float, **options: Any) -> Completed:
        limits.append(limit_s)
        return run_tool(*arguments, limit_s=limit_s, **options)

    monkeypatch.setattr("bitfpga.vitis.running.run_tool", limited)
    assert cli(*synth(project, "--limit-s", "1000")).code == 0
    assert len(limits) == 4
    assert 1000 > limits[0] > limits[1] > limits[2] > limits[3] > 500


def test_a_project_with_results_is_replaced_when_forced(project: Path, vendor: Vendor) -> None:
    cli(*synth(project))
    rebuilt = build(small_mlp((7, 5, 3)))
    rebuilt.write(project, force=True)
    assert not (project / "vitis").exists()
