"""Arrays as RTL black boxes: what the JSON says, what the C models compute, what is refused."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from bbs_nets import coded_network
from cli_runs import cli, refused, small_mlp
from foldings import any_schedule
from hostile import HOSTILE
from hostile_maps import HOSTILE_MAPS
from rtl_black_boxes import array_steps, boxed

from bitfpga.digits import NumberSystem
from bitfpga.emit.black_boxes import emit_black_boxes
from bitfpga.errors import PlanError
from bitfpga.ir import ROUNDED_AVERAGING, Network
from bitfpga.plan import Schedule, alone
from bitfpga.project import Project, build, emit
from bitfpga.prune.bbs import BbsConfig

NETS = HOSTILE | HOSTILE_MAPS
FIFO_IN = {"FIFO_empty_flag": "input", "FIFO_read_enable": "output", "FIFO_data_read_in": "input"}
FIFO_OUT = {
    "FIFO_full_flag": "input",
    "FIFO_write_enable": "output",
    "FIFO_data_write_out": "output",
}
COMMON = {
    "module_clock": "input",
    "module_reset": "input",
    "module_clock_enable": "input",
    "ap_ctrl_chain_protocol_idle": "output",
    "ap_ctrl_chain_protocol_start": "input",
    "ap_ctrl_chain_protocol_ready": "output",
    "ap_ctrl_chain_protocol_done": "output",
    "ap_ctrl_chain_protocol_continue": "input",
}


def hls(project: Project) -> dict[str, bytes]:
    return {name[4:]: data for name, data in project.files.items() if name.startswith("hls/")}


def descriptions(files: dict[str, bytes]) -> dict[str, dict[str, Any]]:
    return {name: json.loads(data) for name, data in files.items() if name.endswith(".json")}


@pytest.mark.parametrize("name", ["names_that_mean_something_in_cpp", "shortcuts_that_shrink"])
def test_the_json_is_as_documented_and_all_it_names_is_there(name: str) -> None:
    project = boxed(name, beat_pixels=2, n_samples=2)
    files = hls(project)
    found = descriptions(files)
    steps = array_steps(project.network, project.schedule)
    assert set(found) == {f"box_{name}.json" for name in steps}
    assert len(found) >= 3
    for file, box in found.items():
        function = box["c_function_name"]
        assert file == f"{function}.json"
        assert box["rtl_top_module_name"] == function
        (c_file,) = box["c_files"]
        assert set(c_file) == {"c_file", "cflag"}
        for path in (c_file["c_file"], *box["rtl_files"]):
            assert path in files
            assert re.fullmatch(r"(\w+/)+\w+\.(v|cpp)", path)
        assert len({path.rpartition("/")[2] for path in box["rtl_files"]}) == len(box["rtl_files"])
        wrapper = files[box["rtl_files"][0]].decode()
        check_ports(box, wrapper)
        for key, names in (
            ("rtl_performance", {"latency", "II"}),
            ("rtl_resource_usage", {"FF", "LUT", "BRAM", "URAM", "DSP"}),
        ):
            assert set(box[key]) == names
            assert all(re.fullmatch(r"\d+", value) for value in box[key].values())
        planned = alone(steps[function.removeprefix("box_")], project.schedule)
        cycles = (planned.latency_cycles, planned.interval_cycles)
        assert tuple(int(box["rtl_performance"][key]) for key in ("latency", "II")) == cycles


def check_ports(box: dict[str, Any], wrapper: str) -> None:
    """Assert that a wrapper has just the ports that the JSON tells of, each once and its way."""
    assert set(box) == {
        "c_function_name",
        "rtl_top_module_name",
        "c_files",
        "rtl_files",
        "c_parameters",
        "rtl_common_signal",
        "rtl_performance",
        "rtl_resource_usage",
    }
    ports = [(box["rtl_common_signal"], COMMON)]
    ways = {"x": ("in", FIFO_IN), "y": ("out", FIFO_OUT)}
    for parameter in box["c_parameters"]:
        direction, roles = ways.pop(parameter["c_name"])
        assert set(parameter) == {"c_name", "c_port_direction", "rtl_ports"}
        assert parameter["c_port_direction"] == direction
        ports.append((parameter["rtl_ports"], roles))
    assert not ways
    expected = {names[role]: way for names, roles in ports for role, way in roles.items()}
    assert all(set(names) == set(roles) for names, roles in ports)
    assert f"\nmodule {box['rtl_top_module_name']} #(" in wrapper
    declared = re.findall(r"^ +(input|output) +wire +(?:\[\d+:0\] +)?(\w+),?$", wrapper, re.M)
    assert {name: way for way, name in declared} == expected
    assert len(declared) == len(expected)


def test_the_verilog_has_each_module_once_and_reads_no_file() -> None:
    files = hls(boxed("depthwise_then_pointwise", beat_pixels=2))
    found = descriptions(files)
    verilog = {path for box in found.values() for path in box["rtl_files"]}
    texts = [files[path].decode() for path in sorted(verilog)]
    modules = [name for text in texts for name in re.findall(r"^module (\w+)", text, re.M)]
    assert len(modules) == len(set(modules))
    assert {name.removesuffix(".json") for name in found} <= set(modules)
    assert not [text for text in texts if "$readmem" in text]
    assert all(text.startswith("`timescale 1 ns / 1 ps\n") for text in texts)
    settings = files["hls_config.cfg"].decode().splitlines()
    named = [line.partition("=")[2] for line in settings if line.startswith("syn.blackbox.file=")]
    assert named == sorted(found)


def test_a_project_without_black_boxes_has_none() -> None:
    network = small_mlp()
    files = emit(network, any_schedule(network)).files
    assert not [name for name in files if "box" in name and not name.endswith("black_box.hpp")]
    assert b"blackbox" not in files["hls/hls_config.cfg"]


def test_the_same_schedule_gives_the_same_bytes() -> None:
    name, folding = "groups_with_a_pruned_one", {"beat_pixels": 4}
    assert boxed(name, **folding).files == boxed(name, **folding).files


def test_words_wider_than_the_default_are_announced() -> None:
    wide = boxed("sixteen_bits_in_and_one_out", beat_pixels=8, n_samples=11)
    text = hls(wide)["black_boxes.hpp"].decode()
    assert text.index("#define AP_INT_MAX_W 1408") < text.index("#include")
    narrow = boxed("sixteen_bits_in_and_one_out", beat_pixels=8, n_samples=8)
    assert "AP_INT_MAX_W" not in hls(narrow)["black_boxes.hpp"].decode()


@pytest.mark.parametrize(
    ("network", "folding", "words"),
    [
        (
            small_mlp(),
            {"in_memory": True},
            r"read from memory.*layers 'body.0', 'body.1', 'body.2'",
        ),
        (
            coded_network(BbsConfig(4, ROUNDED_AVERAGING, False, 32)),
            {"system": NumberSystem.BBS},
            r"shared sums.*--number-system csd",
        ),
        (
            NETS["sixteen_bits_in_and_one_out"](),
            {"beat_pixels": 8, "n_samples": 33},
            "beats of more than 4096 bits",
        ),
        (NETS["only_reshapes"](), {}, "no dense layer and no convolution"),
    ],
)
def test_what_cannot_be_a_black_box(network: Network, folding: dict[str, Any], words: str) -> None:
    schedule: Schedule = any_schedule(network, **folding)
    with pytest.raises(PlanError, match=words):
        emit_black_boxes(network, schedule)


def test_the_command_line_writes_a_project_of_its_own(tmp_path: Path) -> None:
    network = small_mlp(n_vectors=5)
    built = build(network).write(tmp_path / "built")
    write = ("synth", built, "--tool", "black-box", "-o", tmp_path / "boxed")
    document = cli(*write, "--json").json
    assert document["tool"] == "black-box"
    assert document["n_files"] == len([p for p in (tmp_path / "boxed").rglob("*") if p.is_file()])
    assert (tmp_path / "boxed" / "hls" / "box_fc0.json").is_file()
    refused(cli(*write), 1, "exists; use --force")
    shown = cli(*write, "--force")
    assert shown.code == 0, shown.err
    assert "--checked" in shown.out
    assert cli("csim", tmp_path / "boxed").code == 0
    refused(cli("synth", built, "--tool", "black-box"), 2, "name it with -o DIR")
