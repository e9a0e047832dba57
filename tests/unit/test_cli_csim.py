"""`bitfpga csim`: its inputs and outputs, what it proves, and what it says when it cannot."""

from __future__ import annotations

import io
import os
import pickle
import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cli_runs import cli, refused, small_mlp

from bitfpga.csim import ap_int_headers
from bitfpga.errors import ToolError
from bitfpga.ir import Network
from bitfpga.project import build
from bitfpga.project_folder import CACHE
from bitfpga.reference import run


@pytest.fixture(scope="module")
def network() -> Network:
    return small_mlp(n_vectors=23)


@pytest.fixture(scope="module")
def simulated(network: Network, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a project that has been simulated once, not to be changed."""
    folder = build(network).write(tmp_path_factory.mktemp("csim") / "project")
    assert cli("csim", folder).code == 0
    return folder


@pytest.fixture
def project(simulated: Path, tmp_path: Path) -> Path:
    """Return a copy of the simulated project that a test may spoil."""
    return Path(shutil.copytree(simulated, tmp_path / "project"))


def random_inputs(network: Network, n_samples: int = 7) -> Any:
    x = network.input
    shape = (n_samples, *x.shape)
    return np.random.default_rng(5).integers(x.low, x.high, shape, x.dtype, endpoint=True)


def npy(header: str, data: bytes = b"") -> bytes:
    text = header.encode() + b"\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text + data


def saved(save: Any, *arrays: Any, **options: Any) -> bytes:
    buffer = io.BytesIO()
    save(buffer, *arrays, **options)
    return buffer.getvalue()


def test_the_test_vectors_are_simulated_by_default(simulated: Path) -> None:
    ran = cli("csim", simulated)
    assert (ran.code, ran.err) == (0, "")
    lines = [line.split() for line in ran.out.splitlines()]
    assert lines[0] == "C simulation of small".split()
    assert "samples 23".split() in lines
    assert "equal to the reference yes, bit for bit".split() in lines
    assert "compiled nothing to do".split() in lines


def test_without_vectors_a_thousand_random_samples_are_simulated(tmp_path: Path) -> None:
    folder = build(small_mlp((3, 2))).write(tmp_path / "project")
    document = cli("csim", folder, "--json").json
    assert (document["n_samples"], document["bit_exact"]) == (1000, True)
    assert (document["compiled"], document["types"]) == (True, "native")
    assert cli("csim", folder, "--json").json["compiled"] is False


@pytest.mark.parametrize("dtype", ["int8", "int64", ">i4", "float16", "float64"])
def test_input_and_output_files(
    simulated: Path, network: Network, tmp_path: Path, dtype: str
) -> None:
    integers = random_inputs(network)
    kind = np.dtype(dtype)
    x = integers.astype(kind) * (network.input.scale if kind.kind == "f" else 1)
    np.save(tmp_path / "x.npy", np.asfortranarray(x.astype(kind)))
    ran = cli("csim", simulated, "--input", tmp_path / "x.npy", "--output", tmp_path / "y.npy")
    assert ran.code == 0, ran
    y = np.load(tmp_path / "y.npy")
    assert y.dtype == network.output.dtype
    np.testing.assert_array_equal(y, run(network, integers))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["x.npy", "y.npy"]


def test_checked_simulates_ap_int_types(simulated: Path) -> None:
    try:
        ap_int_headers()
    except ToolError:
        pytest.skip("needs the ap_int headers of hls4ml")
    document = cli("csim", simulated, "--checked", "--json").json
    assert (document["types"], document["bit_exact"]) == ("ap_int", True)
    assert len(list((simulated / CACHE).glob("*/testbench"))) == 1


@pytest.mark.parametrize(
    ("content", "code", "words"),
    [
        (None, 2, ("No such file",)),
        (b"", 2, ("numpy.save",)),
        (b"1 2 3\n", 2, ("numpy.save",)),
        (pickle.dumps([1, 2]), 2, ("numpy.save",)),
        (saved(np.savez, np.zeros(3)), 2, (".npz",)),
        (saved(np.save, np.zeros((2, 11), np.int8))[:-5], 2, ("not a whole .npy",)),
        (saved(np.save, np.array([{}], object)), 2, ("plain numbers",)),
        (saved(np.save, np.zeros((2, 11), bool)), 2, ("bool",)),
        (saved(np.save, np.zeros((2, 11), complex)), 2, ("complex128",)),
        (saved(np.save, np.zeros((0, 11), np.int8)), 2, ("no samples",)),
        (npy("{'descr':'|i1','fortran_order':False,'shape':(99999999999999,11)}"), 2, ()),
        (npy("{'descr':'|i1','fortran_order':False,'shape':(-1,11)}"), 2, ()),
        (npy("{'descr':__import__('os').abort(),'shape':(1,11)}"), 2, ()),
        (saved(np.save, np.int8(3)), 1, ("shape", "(batch, 11)")),
        (saved(np.save, np.zeros((2, 12), np.int8)), 1, ("(2, 12)", "(batch, 11)")),
        (saved(np.save, np.zeros((2, 12))), 1, ("(2, 12)", "(batch, 11)")),
        (saved(np.save, np.full((2, 11), 128)), 1, ("128", "-128..127")),
        (saved(np.save, np.full((2, 11), 2**63, np.uint64)), 1, ("-128..127",)),
        (saved(np.save, np.full((2, 11), np.nan)), 1, ("NaN",)),
    ],
)
def test_bad_input_is_one_error(
    simulated: Path, tmp_path: Path, content: bytes | None, code: int, words: tuple[str, ...]
) -> None:
    path = tmp_path / "x.npy"
    if content is not None:
        path.write_bytes(content)
    ran = cli("csim", simulated, "--input", path, "--output", tmp_path / "y.npy")
    refused(ran, code, *words)
    assert not (tmp_path / "y.npy").exists()


def test_a_pipe_or_folder_is_no_input(simulated: Path, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", tmp_path):
        refused(cli("csim", simulated, "--input", path), 2, "not a file")


def test_output_is_refused_before_anything_is_compiled(project: Path, tmp_path: Path) -> None:
    shutil.rmtree(project / CACHE)
    (tmp_path / "taken").mkdir()
    (tmp_path / "file").write_text("mine", encoding="utf-8")
    (tmp_path / "link").symlink_to(tmp_path / "taken")
    os.mkfifo(tmp_path / "pipe")  # and never a device: a test that fails as root would replace it
    before = sorted(tmp_path.iterdir())
    for name in ("pipe", "taken", "link", "absent/y.npy", "file/y.npy"):
        refused(cli("csim", project, "--output", tmp_path / name), 2, "--output", name)
    assert not (project / CACHE).exists()
    assert sorted(tmp_path.iterdir()) == before
    assert (tmp_path / "pipe").is_fifo()
    assert (tmp_path / "file").read_text(encoding="utf-8") == "mine"


def test_output_through_a_link_is_written_to_its_target(simulated: Path, tmp_path: Path) -> None:
    (tmp_path / "link.npy").symlink_to("y.npy")
    assert cli("csim", simulated, "--output", tmp_path / "link.npy").code == 0
    assert (tmp_path / "link.npy").is_symlink()
    assert np.load(tmp_path / "y.npy").shape == (23, 5)
    assert (tmp_path / "y.npy").stat().st_mode & 0o777 == 0o644


def flip_a_tap(project: Path, layer: str) -> None:
    """Change which row the first tap of ``layer`` adds, in the C++ text."""
    data = project / "hls" / "network_data.hpp"
    text = data.read_text(encoding="utf-8")
    found = re.search(rf"tap_rows_{layer}\[\d+\]\[\d+\] = {{\s*{{(\d+)", text)
    assert found is not None
    start, end = found.span(1)
    data.write_text(f"{text[:start]}{int(found[1]) ^ 4}{text[end:]}", encoding="utf-8")


@pytest.mark.parametrize(("layer", "label"), [("fc0", "body.0"), ("fc1", "body.1")])
def test_a_flipped_tap_is_found_and_named(
    project: Path, network: Network, tmp_path: Path, layer: str, label: str
) -> None:
    flip_a_tap(project, layer)
    (tmp_path / "y.npy").write_bytes(b"of yesterday")
    ran = cli("csim", project, "--output", tmp_path / "y.npy", "--json")
    assert (ran.code, ran.out) == (1, "")
    note, error, where, found = ran.err.splitlines()
    assert note == "note: changed since the build: hls/network_data.hpp"
    assert re.fullmatch(r"error: .* differs from the reference on \d+ of 23 samples", error)
    assert re.fullmatch(
        rf"  layer '{label}' \(dense\): index \[\d+\], expected -?\d+, got -?\d+", where
    )
    match = re.fullmatch(
        r"  output: sample (\d+), index \[(\d+)\], expected (-?\d+), got (-?\d+)", found
    )
    assert match is not None
    sample, index, expected, got = map(int, match.groups())
    assert network.vectors is not None
    assert run(network, network.vectors.x)[sample, index] == expected != got
    assert (tmp_path / "y.npy").read_bytes() == b"of yesterday"


def test_changed_files_are_noted_and_still_simulated(project: Path) -> None:
    (project / "README.md").write_text("mine now\n", encoding="utf-8")
    (project / "hls" / "hls_config.cfg").unlink()
    for verb in ("csim", "report"):
        ran = cli(verb, project, "--json")
        assert ran.code == 0
        assert ran.err == "note: changed since the build: README.md, hls/hls_config.cfg\n"
        assert ran.json["changed"] == ["README.md", "hls/hls_config.cfg"]


def test_a_failing_compiler_ends_with_3(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = tmp_path / "fake-g++"
    fake.write_text(
        "#!/bin/sh\n"
        'if [ "$1" = --version ]; then echo "g++ Free Software Foundation"; exit 0; fi\n'
        "echo 'the disk is on fire' >&2; exit 4\n",
        encoding="utf-8",
    )
    fake.chmod(0o755)
    monkeypatch.setenv("CXX", str(fake))
    shutil.rmtree(project / CACHE)
    refused(cli("csim", project), 3, "exit code 4", "compile.log", "the disk is on fire")
    monkeypatch.setenv("CXX", str(tmp_path / "absent"))
    refused(cli("csim", project), 3, "CXX", "absent")


def test_no_compiler_ends_with_3(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CXX", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    refused(cli("csim", project), 3, "no working C++ compiler", "pip install ziglang")


def test_broken_sources_end_with_3(project: Path) -> None:
    (project / "hls" / "network.hpp").write_text("#error no more\n", encoding="utf-8")
    ran = cli("csim", project)
    assert (ran.code, ran.out) == (3, "")
    assert "changed since the build: hls/network.hpp" in ran.err
    assert "exit code 1" in ran.err
    assert "compile.log" in ran.err
