"""The top function as a host calls it, of both kinds: what it answers and refuses."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from foldings import any_schedule
from hostile import HOSTILE
from hostile_maps import HOSTILE_MAPS
from mlps import mlp
from rtl_runs import samples

from bitfpga.csim import ap_int_headers, simulate
from bitfpga.errors import CsimError, ProjectError, ToolError
from bitfpga.interface import Kind
from bitfpga.ir import Network
from bitfpga.project import Project, build, emit
from bitfpga.project_folder import INTERFACE
from bitfpga.reference import run
from bitfpga.tools import find_cxx

KINDS = [kind.value for kind in Kind]
MODES = ({"sanitize": True}, {"checked": True})


def need_ap_int() -> None:
    """Skip where nothing compiles with the ap_int headers."""
    if not find_cxx().builds_ap_int:
        pytest.skip("the ap_int headers do not compile with this compiler")
    try:
        ap_int_headers()
    except ToolError as error:
        pytest.skip(str(error))


def assert_equal(project: Project, folder: Path, x: np.ndarray, **mode: bool) -> None:
    y = simulate(project.write(folder), project.network, x, **mode).y
    np.testing.assert_array_equal(y, run(project.network, x))


@pytest.mark.parametrize("mode", MODES, ids=["native", "exact"])
@pytest.mark.parametrize(
    ("name", "folding"),
    [
        ("sixteen_bits_in_and_one_out", {"n_samples": 11}),
        ("a_layer_pruned_whole", {"in_memory": True}),
        ("shortcuts_that_shrink", {"beat_pixels": 4, "n_samples": 2}),
        ("strides_beyond_the_kernel", {"in_memory": True, "slowness": 0.5}),
    ],
)
def test_streams_of_words_equal_the_reference(
    name: str, folding: dict[str, Any], mode: dict[str, bool], tmp_path: Path
) -> None:
    if "checked" in mode:
        need_ap_int()
    network = (HOSTILE | HOSTILE_MAPS)[name]()
    project = emit(network, any_schedule(network, **folding), interface="axi_dma")
    assert_equal(project, tmp_path / "p", samples(network), **mode)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("mode", MODES, ids=["native", "exact"])
def test_more_samples_than_a_call_takes(
    kind: str, mode: dict[str, bool], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if "checked" in mode:
        need_ap_int()
    monkeypatch.setattr("bitfpga.interface.MAX_CALL_BYTES", 7 * 3 + 6)
    network = mlp((7, 5, 3))
    project = emit(network, any_schedule(network, n_samples=2), interface=kind)
    assert b"kMaxSamples = 3U" in project.files["hls/top.hpp"]
    x = np.random.default_rng(5).integers(-128, 128, (11, 7))
    assert_equal(project, tmp_path / "p", x, **mode)


@pytest.mark.parametrize("kind", KINDS)
def test_one_sample_a_call(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bitfpga.interface.MAX_CALL_BYTES", 7)
    project = build(mlp((7, 5, 3)), interface=kind)
    assert_equal(project, tmp_path / "p", np.arange(-14, 14).reshape(4, 7), sanitize=True)


@pytest.mark.parametrize("kind", KINDS)
def test_black_boxes_under_both_kinds(kind: str, tmp_path: Path) -> None:
    need_ap_int()
    network = HOSTILE_MAPS["shortcuts_that_shrink"]()
    schedule = any_schedule(network, beat_pixels=2, n_samples=2)
    project = emit(network, schedule, interface=kind, black_boxes=True)
    for mode in ({}, *MODES):
        y = simulate(project.write(tmp_path / "p", force=True), network, samples(network), **mode).y
        np.testing.assert_array_equal(y, run(network, samples(network)))


FAULTS = [
    ("*id_low = network::kIdLow", "*id_low = network::kIdHigh", "id_low: expected"),
    ("*id_high = network::kIdHigh", "*id_high = 1", "id_high: expected"),
    ("bitfpga::kInterfaceVersion;", "2;", "interface_version: expected 00000001, got 00000002"),
    ("*status = faults", "*status = 0", "status: expected 00000001, got 00000000"),
    ("faults = bitfpga::kBadCount", "faults = 3", "status: expected 00000001, got 00000003"),
    ("faults = bitfpga::kGood;", "", "status: expected"),
    (
        "is_good_count(n_samples, network::kMaxSamples)",
        "is_good_count(n_samples % network::kMaxSamples, network::kMaxSamples)",
        "ended by signal",  # it runs on with 4,294,967,295 samples
    ),
]
FAULTS_OF_STREAMS = [
    ("kIn>(x, n_samples,", "kIn>(x, 1,", "FIFO that stays empty"),
    ("kOut>(elements_out, n_samples, y)", "kOut>(elements_out, 1, y)", "TLAST, TKEEP or TSTRB"),
    ("elements_in, faults", "elements_in, unused", "status: expected 00000002, got 00000000"),
]


def faulty(kind: str, folder: Path, right: str, wrong: str) -> Project:
    """Return a project, written to ``folder``, whose top function has a fault."""
    project = build(mlp((7, 5, 3)), interface=kind)
    text = project.files["hls/top.cpp"].decode()
    assert text.count(right) == 1
    text = text.replace(right, wrong)
    if "unused" in wrong:
        text = text.replace("uint32_t& faults) {", "uint32_t&) {\n  uint32_t unused;")
    Project(
        project.network, project.schedule, {**project.files, "hls/top.cpp": text.encode()}
    ).write(folder)
    return project


@pytest.mark.parametrize(
    ("kind", "right", "wrong", "message"),
    [("m_axi", *fault) for fault in FAULTS] + [("axi_dma", *fault) for fault in FAULTS_OF_STREAMS],
)
def test_a_fault_of_the_top_function_is_found(
    kind: str, right: str, wrong: str, message: str, tmp_path: Path
) -> None:
    project = faulty(kind, tmp_path / "p", right, wrong)
    with pytest.raises(ToolError, match=re.escape(message)):
        simulate(tmp_path / "p", project.network, np.zeros((5, 7), int))


HEADER_FAULTS = [
    ("if (ended && !is_final) found = kEarlyLast;", "", "expected 00000002, got 00000000"),
    ("if (!ended && is_final) found = kMissingLast;", "", "expected 00000004, got 00000000"),
    ("      if (!ended) {", "      {", "FIFO that stays empty"),
    (
        "n + 1 == n_samples && i + 1 == kSize));",
        "i + 1 == kSize));",
        "TLAST, TKEEP or TSTRB of output word 2",
    ),
]


@pytest.mark.parametrize(("right", "wrong", "message"), HEADER_FAULTS)
def test_a_fault_of_the_streams_is_found(
    right: str, wrong: str, message: str, tmp_path: Path
) -> None:
    project = build(mlp((7, 5, 3)), interface="axi_dma")
    header = project.write(tmp_path / "p") / "hls" / "include" / "bitfpga" / "axi_words.hpp"
    text = header.read_text("utf-8")
    assert text.count(right) == 1
    header.write_text(text.replace(right, wrong), encoding="utf-8")
    with pytest.raises(ToolError, match=message):
        simulate(tmp_path / "p", project.network, np.zeros((5, 7), int))


def test_sources_of_another_project_are_found_by_their_id(tmp_path: Path) -> None:
    network = mlp((7, 5, 3))
    project = build(network)
    folder = project.write(tmp_path / "p")
    text = (folder / "hls" / "top.hpp").read_text("utf-8")
    (folder / "hls" / "top.hpp").write_text(text.replace("kIdHigh = 0x", "kIdHigh = 0x1^0x"))
    own = json.loads(project.files[INTERFACE])["id"]
    other = f"{int(own, 16) ^ 1 << 32:016x}"
    with pytest.raises(CsimError, match=f"reports 'id {other}', but interface.json has id {own}"):
        simulate(folder, network, np.zeros((2, 7), int))
    simulate(folder, network, np.zeros((2, 7), int), bounded=True)
    (folder / INTERFACE).unlink()
    with pytest.raises(ProjectError, match=r"no file .*interface\.json; build the project again"):
        simulate(folder, network, np.zeros((2, 7), int))


def test_the_same_network_has_another_core_for_each_kind() -> None:
    network: Network = mlp((7, 5, 3))
    of_memory, of_streams = (build(network, interface=kind).files for kind in KINDS)
    different = {name for name in of_memory if of_memory[name] != of_streams[name]}
    assert different == {
        "interface.json",
        "hls/network.hpp",
        "hls/testbench/host.hpp",
        "hls/top.cpp",
        "hls/top.hpp",
    }
