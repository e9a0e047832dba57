"""The folder for Vivado: its script, run with a stand-in for Vivado, and that it stands alone."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from cli_runs import cli, refused, small_mlp
from foldings import any_schedule
from rtl_runs import needs_verilator

from bitfpga.boards import load_board
from bitfpga.emit import emit_rtl
from bitfpga.emit.rtl_ip import package_script
from bitfpga.errors import ProjectError
from bitfpga.ir import Network
from bitfpga.plan import Schedule, plan
from bitfpga.project import build, emit, emit_verilog
from bitfpga.project_folder import MANIFEST, open_project
from bitfpga.reference import run
from bitfpga.synth import simulate_rtl
from bitfpga.synth.sources import RtlSources

STUB = Path(__file__).parents[1] / "vivado_stub.tcl"
needs_tclsh = pytest.mark.skipif(shutil.which("tclsh") is None, reason="needs tclsh")


@pytest.fixture(scope="module")
def network() -> Network:
    return small_mlp(n_vectors=7)


@pytest.fixture(scope="module")
def schedule(network: Network) -> Schedule:
    return plan(network, load_board("pynq-z2"))


@pytest.fixture(scope="module")
def built(network: Network, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a project; nothing writes into it."""
    return build(network).write(tmp_path_factory.mktemp("ip") / "project")


def packaged(folder: Path, failing: str = "") -> tuple[int, list[str], str]:
    """Run the script of ``folder`` without Vivado: exit code, commands, and what it said."""
    log = folder.parent / "log"
    command = ["tclsh", STUB, folder / "package_ip.tcl", log, failing]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=60, cwd=folder.parent)
    return ran.returncode, log.read_text().splitlines(), ran.stderr


def test_the_same_schedule_gives_the_same_script(network: Network, schedule: Schedule) -> None:
    text = package_script(network, schedule, [])
    assert text == package_script(network, schedule, [])
    assert text == emit_rtl(network, schedule)["package_ip.tcl"]
    assert text.isascii()


def test_names_are_plain(network: Network, schedule: Schedule) -> None:
    text = package_script(network, schedule, []).decode()
    assert f"\nset name {network.name}\nset part {schedule.board.part}\n" in text
    board = schedule.board.model_copy(update={"part": "xc7z020; exec rm"})
    hostile = Schedule(**{**vars(schedule), "board": board})
    with pytest.raises(ProjectError, match="cannot stand in a settings file"):
        package_script(network, hostile, [])


def test_tables_have_bare_names_that_only_they_have(network: Network, schedule: Schedule) -> None:
    files = emit_rtl(network, schedule)
    tables = [name for name in files if name.endswith(".mem")]
    assert tables
    assert not any("/" in name for name in tables)
    assert len({Path(name).name.lower() for name in files}) == len(files)
    named = set(re.findall(r'"([^"]+\.mem)"', files["bitfpga_top.v"].decode()))
    assert named == set(tables)


@needs_tclsh
def test_the_script_packages_every_file(
    network: Network, schedule: Schedule, tmp_path: Path
) -> None:
    written = emit_verilog(network, schedule)
    folder = written.write(tmp_path / "a folder [with] $odd name")
    for _ in range(2):  # again: what is there is replaced
        code, commands, said = packaged(folder)
        assert (code, said) == (0, "")
    ip = folder / "ip" / network.name
    sources = {Path(name).name for name in written.files if name.endswith((".v", ".mem"))}
    assert {path.name for path in (ip / "src").iterdir()} == sources
    assert (ip / "component.xml").is_file()
    assert not (folder / "ip_project").exists()
    expected = [
        "set_property top bitfpga_top sources_1",
        f"set_property -dict {{name {network.name} version 1.0",
        "ipx::infer_bus_interface rst xilinx.com:signal:reset_rtl:1.0",
        "ipx::associate_bus_interfaces -busif s_axis -clock clk core",
        "ipx::associate_bus_interfaces -busif m_axis -clock clk core",
        "ipx::associate_bus_interfaces -clock clk -reset rst core",
        "set_property value ACTIVE_HIGH rst.POLARITY",
        "ipx::save_core core",
    ]
    places = [next(i for i, c in enumerate(commands) if c.startswith(e)) for e in expected]
    assert places == sorted(places)
    assert not any(command.startswith("ipx::add_file") for command in commands)


@needs_tclsh
def test_tables_that_the_packager_left_out_are_added(
    network: Network, schedule: Schedule, tmp_path: Path
) -> None:
    written = emit_verilog(network, schedule)
    code, commands, said = packaged(written.write(tmp_path / "rtl"), "tables")
    assert (code, said) == (0, "")
    for group in ("xilinx_anylanguagesynthesis", "xilinx_anylanguagebehavioralsimulation"):
        added = {c.split()[1] for c in commands if c.startswith("ipx::add_file") and group in c}
        assert added == {f"src/{name}" for name in written.files if name.endswith(".mem")}


@needs_tclsh
@pytest.mark.parametrize(
    ("failing", "words"),
    [
        ("part", "does not know the part xc7z020clg400-1"),
        ("s_axis", "no AXI-Stream s_axis"),
        ("integrity", "the IP is not sound"),
        ("component", "wrote no component.xml"),
    ],
)
def test_a_failure_ends_with_exit_code_1(
    failing: str, words: str, network: Network, schedule: Schedule, tmp_path: Path
) -> None:
    code, _, said = packaged(emit_verilog(network, schedule).write(tmp_path / "rtl"), failing)
    assert code == 1
    assert re.fullmatch(rf"ERROR: .*{words}\n", said)


@needs_verilator
@pytest.mark.parametrize("in_memory", [False, True])
def test_the_folder_is_all_that_a_simulation_needs(
    in_memory: bool, network: Network, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = emit(network, any_schedule(network, in_memory=in_memory))
    written = project.write(tmp_path / "project")
    ran = cli("synth", written, "--tool", "verilog", "-o", tmp_path / "rtl", "--json")
    assert ran.code == 0, ran.err
    folder = Path(ran.json["output"])
    assert ran.json["n_files"] == sum(path.is_file() for path in folder.rglob("*"))
    project = open_project(folder)
    (tmp_path / "cache").mkdir()
    monkeypatch.setattr(
        "bitfpga.synth.simulation.rtl_sources",
        lambda *_: RtlSources(folder, tmp_path / "cache"),
    )
    assert network.vectors is not None
    x = network.vectors.x
    before = sorted(folder.rglob("*"))
    result = simulate_rtl(folder, project.network, project.schedule, x)
    np.testing.assert_array_equal(result.y, run(network, x))
    assert sorted(folder.rglob("*")) == before


def test_only_a_folder_of_its_own_is_replaced(built: Path, tmp_path: Path) -> None:
    folder = tmp_path / "rtl"
    write = ("synth", built, "--tool", "verilog", "-o", folder)
    shown = cli(*write)
    assert shown.code == 0, shown.err
    assert "vivado -mode batch -source package_ip.tcl" in shown.out
    assert (folder / MANIFEST).is_file()
    refused(cli(*write), 1, "exists; use --force")
    assert cli(*write, "--force").code == 0
    (folder / "ip").mkdir()
    (folder / "ip" / "mine.v").write_text("mine")
    refused(cli(*write, "--force"), 1, "ip/mine.v", "left alone")
    refused(cli("synth", built, "--tool", "verilog", "-o", tmp_path), 1, "not made by bitfpga")
    refused(cli("csim", folder), 1, "holds no hls/", "bitfpga build")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--tool", "verilog"), "name it with -o DIR"),
        (("-o", "rtl"), "--output and --force are for --tool verilog and black-box"),
        (
            ("--tool", "yosys", "--force"),
            "--output and --force are for --tool verilog and black-box",
        ),
        (("--tool", "verilog", "-o", "rtl", "--gaps", "1"), "are for --tool verilator"),
    ],
)
def test_options_that_make_no_sense(built: Path, options: tuple[str, ...], words: str) -> None:
    refused(cli("synth", built, *options), 2, words)


@needs_tclsh
def test_streams_of_taps_are_ports_of_the_ip(network: Network, tmp_path: Path) -> None:
    written = emit_verilog(network, any_schedule(network, in_memory=True))
    folder = written.write(tmp_path / "rtl")
    ports = sorted(name[:-4] for name in written.files if name.endswith(".bin"))
    assert len(ports) == len(network.layers)
    code, commands, said = packaged(folder)
    assert (code, said) == (0, "")
    for port in ports:
        assert f"ipx::associate_bus_interfaces -busif {port} -clock clk core" in commands
