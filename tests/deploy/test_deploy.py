"""`bitfpga deploy`: what a bundle holds, when one is written, and what is refused."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pytest
from bitfpga_runtime.bundle import TensorSpec, read_bundle
from cli_runs import cli, contents, refused, small_mlp

from bitfpga import run
from bitfpga.deploy import make_bundle
from bitfpga.paths import include_dir, runtime_dir
from bitfpga.project import build
from bitfpga.project_folder import open_project


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("deploy") / "project"
    return build(small_mlp(n_vectors=21)).write(folder)


@pytest.fixture
def project(built: Path, tmp_path: Path) -> Path:
    import shutil

    return Path(shutil.copytree(built, tmp_path / "project"))


HWH = b"<MODULE VLNV='bitfpga:hls:small:1.0'/>"


def with_bitstream(project: Path, bit: bytes = b"bits", hwh: bytes = HWH) -> None:
    vitis = project / "vitis"
    vitis.mkdir()
    (vitis / "small.bit").write_bytes(bit)
    (vitis / "small.hwh").write_bytes(
        b"<MODULE VLNV='bitfpga:hls:small:1.0'/>" if hwh is None else hwh
    )


def manifest(bundle: Path) -> Any:
    return json.loads((bundle / "manifest.json").read_text("utf-8"))


def test_a_bundle_without_a_bitstream_says_how_to_make_one(project: Path, tmp_path: Path) -> None:
    bundle = tmp_path / "new" / "bundle"
    ran = cli("deploy", project, "-o", bundle)
    assert (ran.code, ran.err) == (0, "")
    assert "bitstream: still missing, so only device='csim' works" in ran.out
    assert f"'bitfpga synth {project} --tool vitis --until bitstream'" in ran.out
    assert ran.out.splitlines()[-1] == f"next: python3 {bundle}/validate.py --csim"
    assert manifest(bundle)["bitstream"] == {"bit": None, "hwh": None, "sha256": None}


def test_the_manifest_tells_board_interface_and_every_file(project: Path, tmp_path: Path) -> None:
    with_bitstream(project)
    ran = cli("deploy", project, "-o", tmp_path / "b")
    assert (ran.code, ran.err) == (0, "")
    found, document = contents(tmp_path / "b"), manifest(tmp_path / "b")
    del found["manifest.json"]
    assert document["files"] == {n: hashlib.sha256(d).hexdigest() for n, d in found.items()}
    digest = hashlib.sha256(b"bits").hexdigest()
    stem = f"small-{digest[:12]}"
    assert document["bitstream"] == {"bit": f"{stem}.bit", "hwh": f"{stem}.hwh", "sha256": digest}
    assert found[f"{stem}.bit"] == b"bits"
    assert f"bitstream: {stem}.bit" in ran.out
    assert ran.out.splitlines()[-1] == f"next: python3 {tmp_path}/b/validate.py"
    facts = [document[key] for key in ("format", "version", "name", "board", "part", "family")]
    assert facts == ["bitfpga-bundle", 1, "small", "pynq-z2", "xc7z020clg400-1", "zynq7000"]
    assert document["clock_mhz"] == 100.0
    assert document["pynq"][0] == "2.7"


def test_golden_vectors_are_those_of_the_reference(project: Path, tmp_path: Path) -> None:
    network = open_project(project).network
    assert cli("deploy", project, "-o", tmp_path / "b").code == 0
    x, y = (np.load(tmp_path / "b" / f"golden_{name}.npy") for name in "xy")
    assert (x.dtype, x.shape, y.dtype) == (np.int8, (16, 11), np.int8)
    np.testing.assert_array_equal(y, run(network, x))


def test_the_runtime_and_the_simulation_are_inside(project: Path, tmp_path: Path) -> None:
    assert cli("deploy", project, "-o", tmp_path / "b").code == 0
    found = contents(tmp_path / "b")
    runtime = {p.name: p.read_bytes() for p in runtime_dir().glob("*.py")}
    prefix = "bitfpga_runtime/"
    assert {n[len(prefix) :]: d for n, d in found.items() if n.startswith(prefix)} == runtime
    headers = {f"csim/include/bitfpga/{p.name}" for p in (include_dir() / "bitfpga").iterdir()}
    assert headers <= set(found)
    assert found["csim/top.cpp"] == (project / "hls" / "top.cpp").read_bytes()
    assert "taps.bin" not in found


def test_streams_in_memory_go_with_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bitfpga.plan.search.ON_CHIP_ROWS", 0)
    project = build(small_mlp()).write(tmp_path / "p")
    assert cli("deploy", project, "-o", tmp_path / "b").code == 0
    document = manifest(tmp_path / "b")
    assert document["interface"]["taps_file"] == "hls/taps.bin"
    assert document["interface"]["registers"][:3] == ["x", "y", "taps"]
    taps = (tmp_path / "b" / "taps.bin").read_bytes()
    assert taps == (project / "hls" / "taps.bin").read_bytes()
    (project / "hls" / "taps.bin").unlink()
    ran = cli("deploy", project, "-o", tmp_path / "c")
    assert "taps.bin is missing" in ran.err
    assert ran.code == 1


def test_the_same_project_gives_the_same_bytes(project: Path) -> None:
    opened = open_project(project)
    first, second = (make_bundle(opened, wheel=True).files for _ in range(2))
    assert first == second


def test_a_notebook_goes_with_it_where_there_is_one(project: Path, tmp_path: Path) -> None:
    for folder, files in (("none", {}), ("one", {"quick_start.ipynb": b"{}"})):
        place = tmp_path / folder
        place.mkdir()
        for name, data in files.items():
            (place / name).write_bytes(data)
        with mock.patch("bitfpga.deploy.bundle.overlays_dir", return_value=place):
            made = make_bundle(open_project(project))
        assert {n: d for n, d in made.files.items() if n.endswith(".ipynb")} == files


def test_the_interface_is_that_of_the_project(tmp_path: Path) -> None:
    project = build(small_mlp(), interface="axi_dma").write(tmp_path / "p")
    assert cli("deploy", project, "-o", tmp_path / "b").code == 0
    interface = json.loads((project / "interface.json").read_text("utf-8"))
    assert interface["kind"] == "axi_dma"
    assert manifest(tmp_path / "b")["interface"] == interface
    assert (
        read_bundle(tmp_path / "b").interface._asdict().items()
        <= {
            **interface,
            "input": TensorSpec((11,), 8, True, 2.0**-6),
            "output": TensorSpec((5,), 8, True, 2.0**-5),
            "registers": tuple(interface["registers"]),
        }.items()
    )


def test_a_project_of_verilog_has_no_core(project: Path, tmp_path: Path) -> None:
    assert cli("synth", project, "--tool", "verilog", "-o", tmp_path / "v").code == 0
    refused(cli("deploy", tmp_path / "v", "-o", tmp_path / "b"), 1, "has no core for a host")


def test_half_a_bitstream_is_refused(project: Path, tmp_path: Path) -> None:
    with_bitstream(project)
    (project / "vitis" / "small.hwh").unlink()
    ran = cli("deploy", project, "-o", tmp_path / "b")
    refused(ran, 1, "small.bit is there, but", "small.hwh is not: make both again with 'bitfpga")
    assert not (tmp_path / "b").exists()


@pytest.mark.parametrize(("bit", "hwh"), [(b"", HWH), (b"bits", b"<MODULE VLNV='a:b:c:1.0'/>")])
def test_a_bitstream_of_something_else_is_refused(
    project: Path, tmp_path: Path, bit: bytes, hwh: bytes
) -> None:
    with_bitstream(project, bit, hwh)
    refused(cli("deploy", project, "-o", tmp_path / "b"), 1, "is empty, or", "names no core")


def test_a_bundle_is_replaced_only_when_forced(project: Path, tmp_path: Path) -> None:
    bundle = tmp_path / "b"
    assert cli("deploy", project, "-o", bundle, "--wheel").code == 0
    before = contents(bundle)
    refused(cli("deploy", project, "-o", bundle), 1, "exists; use --force")
    assert contents(bundle) == before
    left = ["csim/build/0123456789abcdef/simulate", "bitfpga_runtime/__pycache__/a.cpython-38.pyc"]
    for name in left:
        (bundle / name).parent.mkdir(parents=True, exist_ok=True)
        (bundle / name).write_bytes(b"left behind")
    assert cli("deploy", project, "-o", bundle, "--force").code == 0
    assert set(contents(bundle)) == {n for n in before if not n.startswith("wheel/")}


def test_what_is_not_ours_stays(project: Path, tmp_path: Path) -> None:
    bundle = tmp_path / "b"
    assert cli("deploy", project, "-o", bundle).code == 0
    (bundle / "notes.txt").write_text("mine", encoding="utf-8")
    ran = cli("deploy", project, "-o", bundle, "--force")
    refused(ran, 1, "holds files bitfpga did not make (notes.txt)")
    other = tmp_path / "other"
    other.mkdir()
    (other / "file").write_text("mine", encoding="utf-8")
    refused(cli("deploy", project, "-o", other, "--force"), 1, "is no bundle of bitfpga")
    refused(cli("deploy", project, "-o", project, "--force"), 1, "is no bundle of bitfpga")
    (tmp_path / "link").symlink_to(bundle)
    refused(cli("deploy", project, "-o", tmp_path / "link", "--force"), 1, "is no bundle")
    assert (other / "file").read_text("utf-8") == "mine"


def test_a_project_without_sources_is_refused(project: Path, tmp_path: Path) -> None:
    (project / "hls" / "testbench" / "simulate.cpp").unlink()
    ran = cli("deploy", project, "-o", tmp_path / "b")
    assert ran.code == 1
    assert "simulate.cpp is missing: give a folder of 'bitfpga build'" in ran.err


def test_changed_sources_are_told(project: Path, tmp_path: Path) -> None:
    (project / "hls" / "top.cpp").write_text("// mine", encoding="utf-8")
    ran = cli("deploy", project, "-o", tmp_path / "b")
    assert ran.code == 0
    assert ran.err == "note: changed since the build: hls/top.cpp\n"
    with_bitstream(project)
    ran = cli("deploy", project, "-o", tmp_path / "with")
    assert ran.code == 0
    assert "the bitstream may be older than they are" in " ".join(ran.err.split())


def test_json(project: Path, tmp_path: Path) -> None:
    document = cli("deploy", project, "-o", tmp_path / "b", "--wheel", "--json").json
    assert document["n_files"] == len(contents(tmp_path / "b"))
    assert (tmp_path / "b" / document["wheel"]).is_file()
    assert document["bitstream"] is None
    assert document["make_bitstream"].startswith("bitfpga synth")
