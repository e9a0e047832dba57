"""What the flow says when a tool is missing, fails, leaves nothing, hangs, or finds a fault."""

from __future__ import annotations

import json
import shutil
import time
from dataclasses import replace
from pathlib import Path

import pytest
from cli_runs import cli, refused, small_mlp
from vendor_fakes import ERRORS, Vendor

from bitfpga.boards import load_board
from bitfpga.ir import Network
from bitfpga.plan import plan
from bitfpga.project import build, emit, emit_verilog
from bitfpga.vitis.logs import error_lines

WHOLE = ["csynth", "package", "impl", "bitstream"]
FIRST_LEFT = {
    "csynth": "hls/work/hls/syn/report/csynth.xml",
    "package": "hls/work/hls/impl/ip/component.xml",
    "impl": "vivado/reports/utilization.rpt",
    "bitstream": "vivado/system.bit",
}


@pytest.fixture(scope="module")
def network() -> Network:
    return small_mlp((7, 5, 3))


@pytest.fixture(scope="module")
def made(network: Network, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a project; nothing writes into it."""
    return build(network).write(tmp_path_factory.mktemp("vitis") / "project")


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
    return ("synth", project, "--tool", "vitis", "--json", *options)


def failed(project: Path, code: int, *words: str, options: tuple[object, ...] = ()) -> str:
    """Run the flow, assert that it ends in one error with all words, and return the error."""
    ran = cli(*synth(project, *options))
    assert (ran.code, ran.out) == (code, ""), ran
    assert ran.err.count("error: ") == 1
    assert "Traceback" not in ran.err
    message = ran.err[ran.err.index("error: ") :]
    missing = [word for word in words if word not in message]
    assert not missing, f"{message!r} does not say {missing}"
    return message


def test_without_vitis(project: Path, vendor: Vendor) -> None:
    (vendor.bin / "vitis-run").unlink()
    message = failed(
        project,
        3,
        "Vitis HLS was not found (v++ with vitis-run, or vitis_hls; looked on PATH",
        "install AMD's Vitis and source its settings64.sh",
        "without it build, csim, report and synth --tool verilator or yosys all work",
    )
    assert len(message.splitlines()) == 1


def test_without_vivado_nothing_begins(project: Path, vendor: Vendor) -> None:
    (vendor.bin / "vivado").unlink()
    words = ("Vivado was not found", "install AMD's Vivado", "without it build, csim")
    assert len(failed(project, 3, *words).splitlines()) == 1
    assert vendor.steps == []
    assert cli(*synth(project, "--until", "package")).code == 0, "which needs no Vivado"


@pytest.mark.parametrize("step", WHOLE)
def test_a_failing_tool_shows_its_own_error_lines(project: Path, vendor: Vendor, step: str) -> None:
    vendor.tell(**{step: "fail"})
    log = project / "vitis" / "logs" / f"{step}.log"
    name = {"csynth": "v++", "package": "vitis-run"}.get(step, "vivado")
    assert failed(project, 3) == (
        f"error: {step}: {name} ended with exit code 1\n  log: {log}\n  | {ERRORS[step]}\n"
    )
    assert ERRORS[step] in log.read_text()


def test_a_crash_without_error_lines_shows_the_end_of_the_log(
    project: Path, vendor: Vendor
) -> None:
    vendor.tell(package="crash")
    message = failed(project, 3, "package: vitis-run was ended by signal SIGABRT\n  log: ")
    assert "  | core dumped somewhere deep\n" in message


@pytest.mark.parametrize("how", ["silent", "empty", "quiet errors"])
@pytest.mark.parametrize("step", WHOLE)
def test_exit_code_0_is_not_enough(project: Path, vendor: Vendor, step: str, how: str) -> None:
    vendor.tell(**{step: how})
    if how == "quiet errors":  # but all is there
        assert cli(*synth(project)).code == 0
        return
    name = {"csynth": "v++", "package": "vitis-run"}.get(step, "vivado")
    absent = project / "vitis" / FIRST_LEFT[step]
    failed(project, 3, f"{step}: {name} ended with exit code 0, but there is no {absent}\n  log: ")
    assert vendor.steps[-1] == step


@pytest.mark.parametrize("name", ["timing_summary.rpt", "system.hwh", "routed.dcp"])
def test_every_file_of_a_step_must_be_there(project: Path, vendor: Vendor, name: str) -> None:
    vendor.tell(impl=f"without {name}")
    failed(project, 3, "impl: vivado ended with exit code 0, but there is no", name)
    assert not (project / "vitis" / "small.bit").exists()


def test_the_report_of_the_core_alone_may_be_missing(project: Path, vendor: Vendor) -> None:
    vendor.tell(impl="without accelerator_utilization.rpt")
    assert cli(*synth(project)).json["impl"]["accelerator"] is None


def test_what_an_earlier_run_left_does_not_count(project: Path, vendor: Vendor) -> None:
    assert cli(*synth(project)).code == 0
    (project / "vitis" / "flow.json").unlink()
    vendor.tell(bitstream="silent")
    failed(project, 3, "bitstream: vivado ended with exit code 0, but there is no")
    assert not (project / "vitis" / "small.bit").exists()


@pytest.mark.parametrize("step", ["csynth", "impl"])
def test_the_time_limit_is_for_all_steps_and_ends_the_tool(
    project: Path, vendor: Vendor, step: str
) -> None:
    vendor.tell(**{step: "hang"})
    started = time.monotonic()
    log = project / "vitis" / "logs" / f"{step}.log"
    message = failed(project, 3, options=("--limit-s", "1.5"))
    name = "v++" if step == "csynth" else "vivado"
    assert message == (
        f"error: {step}: {name} did not end within the limit of 1.5 s for all steps; the steps "
        f"before it are kept: run it again with a higher --limit-s\n  log: {log}\n"
    )
    assert time.monotonic() - started < 20
    kept = {"csynth": [], "impl": ["csynth", "package"]}[step]
    state = project / "vitis" / "flow.json"
    assert (list(json.loads(state.read_text())["steps"]) if kept else []) == kept


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("csynth.xml", "<profile>", "csynth.xml (no element found"),
        ("csynth.xml", "<profile/>", "csynth.xml (no <AreaEstimates/Resources/LUT>)"),
        ("utilization.rpt", "nothing", "utilization.rpt (no row 'LUT as Logic')"),
        ("timing.rpt", "nothing", "timing_summary.rpt (no table with WNS(ns))"),
    ],
)
def test_a_report_of_another_form_is_one_error_and_the_step_is_not_done(
    project: Path, vendor: Vendor, name: str, text: str, words: str
) -> None:
    vendor.tell(**{name: text})
    failed(project, 3, "cannot read the report", words)
    n_calls = len(vendor.calls)
    vendor.reports()
    assert cli(*synth(project)).code == 0
    assert vendor.steps[n_calls] == vendor.steps[n_calls - 1]


@pytest.mark.parametrize("verdict", ["Fail", "NA"])
def test_a_cosimulation_that_differs_is_our_error(
    project: Path, vendor: Vendor, verdict: str
) -> None:
    vendor.reports(verdict=verdict)
    words = ("cosim: the RTL does not do what the C++ does", f"(verdict {verdict})")
    failed(project, 1, *words, options=("--until", "cosim"))


@pytest.mark.parametrize(
    ("slacks", "advice"),
    [
        ({"wns": "-0.333"}, "build it again with --clock-ns 10.4 or more"),
        ({"wns": "-0.333", "whs": "-0.041"}, "build it again with --clock-ns 10.4 or more"),
        ({"whs": "-0.041"}, "no clock helps against a negative hold slack"),
    ],
)
def test_a_missed_clock_ends_before_the_bitstream(
    project: Path, vendor: Vendor, slacks: dict[str, str], advice: str
) -> None:
    vendor.reports(**slacks)
    words = ("impl: the routed design does not keep its clock of 10 ns", advice)
    for _ in range(2):  # again without another place and route
        failed(project, 1, *words, *slacks.values())
    assert vendor.steps == ["csynth", "package", "impl"]


def test_no_slack_at_all_is_an_error(project: Path, vendor: Vendor) -> None:
    vendor.reports(wns="NA")
    failed(project, 3, "timing_summary.rpt (no slack: is no path timed?)")


def test_a_slow_estimate_is_a_warning(project: Path, vendor: Vendor) -> None:
    vendor.reports(period="10.4", latency="undef")
    ran = cli(*synth(project, "--until", "csynth"))
    assert ran.code == 0
    assert "warning: Vitis HLS estimates a period of 10.4 ns, the clock has 10 ns" in ran.err
    assert ran.json["csynth"]["latency_cycles"] is None
    assert (
        "depends on the number of samples"
        in cli("synth", project, "--tool", "vitis", "--until", "csynth").out
    )


@pytest.mark.parametrize("older", ["vivado", "v++"])
def test_tools_of_two_versions_are_a_warning(project: Path, vendor: Vendor, older: str) -> None:
    vendor.told["banners"][older] = vendor.told["banners"][older].replace("2023.2", "2022.1")
    vendor.tell()
    ran = cli(*synth(project))
    assert ran.code == 0
    first, last = ("2023.2", "2022.1") if older == "vivado" else ("2022.1", "2023.2")
    shown = f"warning: tools of different versions (Vitis HLS {first}, Vivado {last})"
    assert ran.err.startswith(shown), "before any tool may fail for it"
    assert ran.err.count("warning: ") == len(ran.json["warnings"]) == 1


def test_another_version_than_that_of_an_earlier_step_is_a_warning(
    project: Path, vendor: Vendor
) -> None:
    cli(*synth(project, "--until", "package"))
    for name, text in vendor.told["banners"].items():
        vendor.told["banners"][name] = text.replace("2023.2", "2024.1")
    vendor.tell()
    assert "(csynth 2023.2, package 2023.2, Vivado 2024.1)" in cli(*synth(project)).err
    with (project / "hls" / "top.cpp").open("a") as file:
        file.write("// edited, so that all is made again\n")
    assert "warning: " not in cli(*synth(project)).err


def test_a_tool_that_does_not_say_its_version_is_used_all_the_same(
    project: Path, vendor: Vendor
) -> None:
    vendor.tell(version="none")
    found = cli(*synth(project)).json
    assert {step["version"] for step in found["steps"].values()} == {None}
    assert found["warnings"] == []


def test_a_damaged_state_starts_anew(project: Path, vendor: Vendor) -> None:
    cli(*synth(project, "--until", "csynth"))
    for text in ("{", "[]", '{"format": "bitfpga-flow", "version": 1, "steps": {"csynth": 1}}'):
        (project / "vitis" / "flow.json").write_text(text)
        assert cli(*synth(project, "--until", "csynth")).code == 0
    assert vendor.steps == ["csynth"] * 4


def test_a_path_that_the_tools_do_not_take(project: Path, vendor: Vendor) -> None:
    moved = project.rename(project.with_name("my project"))
    refused(cli(*synth(moved)), 1, "take no path with spaces or special characters", "my project")
    assert not (moved / "vitis").exists()


def test_a_project_of_verilog_has_nothing_for_hls(
    network: Network, tmp_path: Path, vendor: Vendor
) -> None:
    folder = emit_verilog(network, plan(network, load_board("pynq-z2"))).write(tmp_path / "rtl")
    refused(cli(*synth(folder)), 1, "holds no hls/", "bitfpga build")


def test_a_board_without_a_processing_system_ends_at_the_package(
    network: Network, tmp_path: Path, vendor: Vendor
) -> None:
    schedule = plan(network, load_board("pynq-z2"))
    bare = replace(schedule, board=schedule.board.model_copy(update={"ps": None}))
    folder = emit(network, bare).write(tmp_path / "bare")
    words = ("board 'pynq-z2' has no table [ps]", "--until package works without")
    refused(cli(*synth(folder)), 1, *words)
    assert cli(*synth(folder, "--until", "package")).code == 0


@pytest.mark.parametrize("line", ["part=", "syn.file=", "package.ip.name="])
def test_a_config_without_what_is_needed(project: Path, vendor: Vendor, line: str) -> None:
    path = project / "hls" / "hls_config.cfg"
    kept = [text for text in path.read_text().splitlines() if not text.startswith(line)]
    path.write_text("\n".join(kept))
    failed(project, 1, f"hls_config.cfg has no {line}; build the project again")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--tool", "yosys", "--until", "csynth"), "--until is for --tool vitis"),
        (("--tool", "vitis", "--limit-s", "0"), "--limit-s 0: must be above 0"),
        (("--tool", "vitis", "-o", "x"), "--output and --force are for --tool verilog"),
        (("--tool", "vitis", "--gaps", "1"), "are for --tool verilator"),
        (("--tool", "vitis", "--until", "csim"), "'csim' is not one of"),
    ],
)
def test_options_that_make_no_sense(project: Path, options: tuple[str, ...], words: str) -> None:
    ran = cli("synth", project, *options)
    assert ran.code == 2
    assert words in ran.err


def test_error_lines_are_the_tools_own_each_once(tmp_path: Path) -> None:
    log = tmp_path / "log"
    errors = [f"ERROR: [Synth 8-{n}] wrong" for n in range(25)]
    log.write_text("\n".join(["INFO: a", *errors, errors[0], "  ERROR in a frame", "last"]))
    assert error_lines(log) == errors[:20]
    log.write_text("one\n\n" + "x" * 1000 + "\nnothing is an ERROR here\n")
    assert error_lines(log) == ["one", "x" * 400, "nothing is an ERROR here"]
    assert error_lines(tmp_path / "absent") == []
