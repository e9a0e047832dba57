"""The scripts for Vivado and vitis_hls: run with stand-ins, and checked by tclint."""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from cli_runs import small_mlp

from bitfpga.boards import board_names, load_board
from bitfpga.emit.rtl_ip import package_script
from bitfpga.emit.vendor import Core, hls_script, vivado_settings
from bitfpga.errors import ProjectError
from bitfpga.ir import Network
from bitfpga.paths import vivado_dir
from bitfpga.plan import Schedule, plan
from bitfpga.project import build
from bitfpga.project_folder import open_project
from bitfpga.vitis.core import core_of, read_config

STUB = Path(__file__).parents[1] / "vivado_bd_stub.tcl"
SPEC = Path(__file__).parents[1] / "vivado_commands.json"
VLNV = "bitfpga:hls:small:1.0"
needs_tclsh = pytest.mark.skipif(shutil.which("tclsh") is None, reason="needs tclsh")
# In an environment of its own, as its pathspec is too old for mypy (the Makefile makes it).
OWN = Path(sys.prefix) / "tclint" / "bin" / "tclint"
TCLINT = str(OWN) if OWN.is_file() else shutil.which("tclint")
needs_tclint = pytest.mark.skipif(TCLINT is None, reason="needs tclint (pipx install tclint)")


@pytest.fixture(scope="module")
def network() -> Network:
    return small_mlp((7, 5, 3))


@pytest.fixture(scope="module")
def schedule(network: Network) -> Schedule:
    return plan(network, load_board("pynq-z2"))


@pytest.fixture(scope="module")
def built(network: Network, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a project; nothing writes into it."""
    return build(network).write(tmp_path_factory.mktemp("tcl") / "project")


def on_board(schedule: Schedule, name: str, clock_ns: float = 10.0) -> Schedule:
    """Return the schedule as if it were of another board."""
    return replace(schedule, board=load_board(name), clock_ns=clock_ns)


def core(kind: str = "m_axi", bits: int = 8) -> Core:
    return Core(VLNV, "axi_dma" if kind == "axi_dma" else "m_axi", bits)


def scripts(folder: Path, settings: bytes) -> Path:
    """Write everything Vivado runs into ``folder``, and return it."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in vivado_dir().glob("*.tcl"):
        shutil.copy(path, folder)
    (folder / "settings.tcl").write_bytes(settings)
    return folder


def implemented(
    folder: Path, schedule: Schedule, kind: str = "m_axi", failing: str = "", script: str = ""
) -> tuple[int, list[str], str]:
    """Run a script without Vivado: exit code, what it did, and what it said."""
    scripts(folder, vivado_settings(schedule, core(kind)))
    log = folder.parent / "log"
    command = ["tclsh", STUB, folder / (script or "implement.tcl"), log, kind, failing]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=60, cwd=folder)
    return ran.returncode, log.read_text().splitlines(), ran.stderr


def joined(did: list[str]) -> list[str]:
    """Return every connection."""
    return sorted(line for line in did if line.startswith(("bus ", "net ")))


@needs_tclsh
def test_a_core_with_two_masters_on_zynq_7000(schedule: Schedule, tmp_path: Path) -> None:
    folder = tmp_path / "a folder [with] $odd name" / "vivado"
    code, did, said = implemented(folder, schedule)
    assert (code, said) == (0, "")
    clocks = [
        "accelerator/ap_clk",
        "ps/M_AXI_GP0_ACLK",
        "ps/S_AXI_HP0_ACLK",
        "ps/S_AXI_HP1_ACLK",
        "reset/slowest_sync_clk",
    ]
    resets = ["accelerator/ap_rst_n"]
    for bridge in ("control", "memory0", "memory1"):
        clocks += [f"{bridge}/{name}ACLK" for name in ("", "S00_", "M00_")]
        resets += [f"{bridge}/{name}ARESETN" for name in ("", "S00_", "M00_")]
    assert joined(did) == sorted(
        [
            "bus ps/M_AXI_GP0 control/S00_AXI",
            "bus control/M00_AXI accelerator/s_axi_control",
            "bus accelerator/m_axi_gmem_x memory0/S00_AXI",
            "bus memory0/M00_AXI ps/S_AXI_HP0",
            "bus accelerator/m_axi_gmem_y memory1/S00_AXI",
            "bus memory1/M00_AXI ps/S_AXI_HP1",
            "net ps/FCLK_RESET0_N reset/ext_reset_in",
            *[f"net ps/FCLK_CLK0 {pin}" for pin in clocks],
            *[f"net reset/peripheral_aresetn {pin}" for pin in resets],
        ]
    )
    assert f"cell accelerator {VLNV}" in did
    assert "cell control xilinx.com:ip:axi_interconnect:2.1" in did
    (ps,) = [line for line in did if line.startswith("automation ")]
    assert ps == (
        "automation xilinx.com:bd_rule:processing_system7 apply_board_preset 1 make_external "
        "{FIXED_IO, DDR} Master Disable Slave Disable ps"
    )
    (config,) = [line for line in did if "CONFIG.PCW_FPGA0_PERIPHERAL_FREQMHZ 100 " in line]
    assert "CONFIG.PCW_CRYSTAL_PERIPHERAL_FREQMHZ 50 " in config
    assert "HP2" not in config, "a port that nothing uses stays off"
    assert "set_property board_part tul.com.tw:pynq-z2:part0:1.10 project" in did
    for name in ("routed.dcp", "system.hwh", "reports/timing_summary.rpt"):
        assert (folder / name).is_file()
    flow = ["validate", "generate_target", "synth_design", "place_design", "route_design"]
    places = [next(i for i, line in enumerate(did) if line.startswith(word)) for word in flow]
    assert places == sorted(places)
    code, did, said = implemented(folder, schedule, script="bitstream.tcl")
    assert (code, said, (folder / "system.bit").read_text()) == (0, "", "bits")


@needs_tclsh
def test_four_masters_share_three_ports(schedule: Schedule, tmp_path: Path) -> None:
    code, did, said = implemented(tmp_path / "vivado", schedule, "m_axi_taps")
    assert (code, said) == (0, "")
    memory = [line for line in joined(did) if " memory" in line and line.startswith("bus acc")]
    assert memory == [
        "bus accelerator/m_axi_gmem_more memory0/S00_AXI",
        "bus accelerator/m_axi_gmem_taps memory1/S00_AXI",
        "bus accelerator/m_axi_gmem_x memory2/S00_AXI",
        "bus accelerator/m_axi_gmem_y memory0/S01_AXI",
    ]


@needs_tclsh
def test_a_core_with_streams_gets_a_dma_on_ultrascale(schedule: Schedule, tmp_path: Path) -> None:
    board = on_board(schedule, "kv260", 4.0)
    code, did, said = implemented(tmp_path / "vivado", board, "axi_dma")
    assert (code, said) == (0, "")
    assert [line for line in joined(did) if line.startswith("bus ")] == [
        "bus accelerator/y dma/S_AXIS_S2MM",
        "bus control/M00_AXI accelerator/s_axi_control",
        "bus control/M01_AXI dma/S_AXI_LITE",
        "bus dma/M_AXIS_MM2S accelerator/x",
        "bus dma/M_AXI_MM2S memory0/S00_AXI",
        "bus dma/M_AXI_S2MM memory1/S00_AXI",
        "bus memory0/M00_AXI ps/S_AXI_HP0_FPD",
        "bus memory1/M00_AXI ps/S_AXI_HP1_FPD",
        "bus ps/M_AXI_HPM0_FPD control/S00_AXI",
    ]
    (dma,) = [line for line in did if "CONFIG.c_sg_length_width 26" in line]
    assert "CONFIG.c_include_sg 0 " in dma
    assert "CONFIG.c_m_axis_mm2s_tdata_width 8" in dma
    assert "CONFIG.c_m_axi_mm2s_data_width 128" in dma
    assert any("CONFIG.PSU__CRL_APB__PL0_REF_CTRL__FREQMHZ 250 " in line for line in did)
    assert "cell ps xilinx.com:ip:zynq_ultra_ps_e:3.10" in did, "the newest, by number"
    assert "automation xilinx.com:bd_rule:zynq_ultra_ps_e apply_board_preset 1 ps" in did


@needs_tclsh
@pytest.mark.parametrize("kind", ["m_axi", "axi_dma"])
@pytest.mark.parametrize("name", board_names())
def test_every_board_has_a_block_design_with_no_pin_left_open(
    schedule: Schedule, tmp_path: Path, name: str, kind: str
) -> None:
    code, did, said = implemented(tmp_path / "vivado", on_board(schedule, name), kind)
    assert (code, said) == (0, "")
    assert "validate" in did


@needs_tclsh
def test_what_this_vivado_lacks_is_done_without(schedule: Schedule, tmp_path: Path) -> None:
    code, did, _ = implemented(tmp_path / "vivado", schedule, failing="no board files")
    assert code == 0
    assert any("apply_board_preset 0 " in line for line in did)
    assert not any("board_part" in line for line in did)
    code, did, _ = implemented(tmp_path / "vivado", schedule, failing="axi_interconnect")
    assert (code, "cell control xilinx.com:ip:smartconnect:1.0" in did) == (0, True)
    assert implemented(tmp_path / "vivado", schedule, failing="no cell")[0] == 0
    assert implemented(tmp_path / "vivado", schedule, failing="old place")[0] == 0
    assert (tmp_path / "vivado" / "system.hwh").read_text() == "hand-off"


@needs_tclsh
@pytest.mark.parametrize(
    ("failing", "words"),
    [
        ("part", "this Vivado does not know the part xc7z020clg400-1"),
        ("processing_system7", "this Vivado has no IP called processing_system7"),
        ("small", f"no IP {VLNV} in ../ip"),
        ("masters", f"the core {VLNV} has no way to memory"),
        ("registers", f"the core {VLNV} has no registers on AXI-Lite"),
        ("validate", "validation failed"),
        ("hwh", "Vivado wrote no hardware hand-off system.hwh"),
        ("place_design", "place_design failed"),
    ],
)
def test_a_failure_ends_with_exit_code_1(
    schedule: Schedule, tmp_path: Path, failing: str, words: str
) -> None:
    code, _, said = implemented(tmp_path / "vivado", schedule, failing=failing)
    assert (code, said) == (1, f"ERROR: {words}\n")
    assert not (tmp_path / "vivado" / "routed.dcp").exists()


@needs_tclsh
def test_a_bitstream_that_is_not_written_ends_with_exit_code_1(
    schedule: Schedule, tmp_path: Path
) -> None:
    ran = implemented(tmp_path / "vivado", schedule, failing="bits", script="bitstream.tcl")
    assert (ran[0], ran[2]) == (1, "ERROR: DRC failed\n")


def test_settings_are_the_same_again_and_plain(schedule: Schedule) -> None:
    text = vivado_settings(schedule, core())
    assert text == vivado_settings(schedule, core())
    assert text.isascii()
    assert b"\nset clock_mhz 100\n" in text
    slower = vivado_settings(replace(schedule, clock_ns=7.0), core())
    assert b"\nset clock_mhz 142.857143\n" in slower
    hostile = replace(
        schedule, board=schedule.board.model_copy(update={"part": "xc7z020; exec rm"})
    )
    with pytest.raises(ProjectError, match="cannot stand in a settings file"):
        vivado_settings(hostile, core())


HLS_STUB = """
set log [open [lindex $argv 1] w]
foreach command {
  open_project set_top add_files open_solution set_part create_clock set_clock_uncertainty
  csynth_design cosim_design export_design
} {
  proc $command args "puts \\$::log \\[list $command {*}\\$args\\]; flush \\$::log
    if {\\$::env(FAILING) eq {$command}} { error {$command failed} }"
}
source [lindex $argv 0]
"""


@needs_tclsh
@pytest.mark.parametrize("step", ["csynth", "cosim", "package"])
def test_the_steps_of_vitis_hls(built: Path, tmp_path: Path, step: str) -> None:
    (tmp_path / "stub.tcl").write_text(HLS_STUB)
    (tmp_path / "step.tcl").write_bytes(hls_script(read_config(built), step))
    command = ["tclsh", tmp_path / "stub.tcl", tmp_path / "step.tcl", tmp_path / "log"]
    for failing in ("", "open_project"):
        env = {"PATH": "/usr/bin:/bin", "FAILING": failing}
        ran = subprocess.run(command, capture_output=True, text=True, timeout=60, env=env)
        assert ran.returncode == (1 if failing else 0), ran.stderr
        assert ran.stderr == ("ERROR: open_project failed\n" if failing else "")
        if not failing:
            did = (tmp_path / "log").read_text().splitlines()
    flags = "{-std=c++14 -Iinclude -I. -DBITFPGA_VITIS}"
    sources = [
        "open_project -reset project",
        "set_top bitfpga_top",
        f"add_files top.cpp -cflags {flags}",
        f"add_files -tb testbench/testbench.cpp -cflags {flags}",
        f"add_files -tb testbench/golden_x.bin -cflags {flags}",
        f"add_files -tb testbench/golden_y.bin -cflags {flags}",
        "open_solution -reset -flow_target vivado solution",
        "set_part xc7z020clg400-1",
        "create_clock -period 10.0ns -name default",
        "set_clock_uncertainty 1.25ns",
        "csynth_design",
    ]
    opened = ["open_project project", "open_solution solution"]
    export = "export_design -format ip_catalog -vendor bitfpga -library hls -ipname small"
    assert (
        did
        == {
            "csynth": sources,
            "cosim": [*opened, "cosim_design -ldflags -lpthread"],
            "package": [*opened, f"{export} -version 1.0"],
        }[step]
    )


def test_the_core_is_what_the_interface_says(built: Path) -> None:
    config, found = read_config(built), open_project(built).interface
    assert found is not None
    for kind in ("m_axi", "axi_dma"):
        assert core_of(replace(found, kind=kind), config) == Core(VLNV, kind, 8)
    with pytest.raises(ProjectError, match="do not belong together: build the project again"):
        core_of(replace(found, name="another"), config)


@needs_tclint
def test_tclint_has_nothing_to_say(
    built: Path, network: Network, schedule: Schedule, tmp_path: Path
) -> None:
    folder = scripts(tmp_path / "tcl", vivado_settings(schedule, core("axi_dma")))
    for step in ("csynth", "cosim", "package"):
        (folder / f"{step}.tcl").write_bytes(hls_script(read_config(built), step))
    (folder / "package_ip.tcl").write_bytes(package_script(network, schedule, ["s_axis_taps_a"]))
    assert linted(folder) == (0, "")
    (folder / "wrong.tcl").write_text("write_bitstream -farce system.bit\n")
    code, said = linted(folder)
    assert code == 1
    assert "wrong.tcl:1" in said
    assert "-farce" in said


def linted(folder: Path) -> tuple[int, str]:
    """Return how tclint ends on all scripts of a folder, and what it says."""
    command = [str(TCLINT), "--style-line-length", "120", "--commands", SPEC, folder]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=60, cwd=folder)
    return ran.returncode, ran.stdout
