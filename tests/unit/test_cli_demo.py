"""`bitfpga demo`: the shipped digits, and what happens where they are damaged."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cli_runs import cli, contents, refused, small_mlp

from bitfpga.csim import CsimResult, simulate
from bitfpga.demo import demo_network
from bitfpga.digits import NumberSystem, to_digits
from bitfpga.ir import Dense
from bitfpga.output import _program
from bitfpga.project_folder import open_project


def test_the_demo_measures_the_shipped_network(tmp_path: Path) -> None:
    ran = cli("demo", "-o", tmp_path / "demo")
    assert (ran.code, ran.err) == (0, "")
    lines = ran.out.splitlines()
    assert lines[0] == "bitfpga demo: 8x8 digits, C simulation"
    facts = {line[:28].strip(): line[28:].strip() for line in lines[1:-2]}
    assert facts["accuracy, integer"] == facts["accuracy, C simulation"]
    assert facts["accuracy, float"].endswith("% of 360")
    assert facts["C simulation = integer model"] == "yes, bit for bit"
    n_files = len(contents(tmp_path / "demo")) - 2  # without the compiled program and its log
    assert lines[-2:] == [
        f"wrote {n_files} files to {tmp_path / 'demo'}",
        f"next: bitfpga report {tmp_path / 'demo'}",
    ]
    assert max(map(len, lines[:-2])) <= 80


def test_json_of_the_demo_adds_up(tmp_path: Path) -> None:
    document = cli("demo", "-o", tmp_path / "demo", "--json").json
    network = demo_network()
    weights = [layer.weight for layer in network.layers if isinstance(layer, Dense)]
    assert (document["n_samples"], document["bit_exact"]) == (360, True)
    assert document["board"] == "pynq-z2"
    accuracy = document["accuracy"]
    assert accuracy["integer"] == accuracy["C simulation"] >= accuracy["float"] - 0.005
    assert accuracy["integer"] >= 0.98
    assert document["dense_multiplies_per_sample"] == sum(w.size for w in weights)
    n_digits = sum(to_digits(w, NumberSystem.CSD).count for w in weights)
    assert document["adds_per_sample"] == n_digits
    again = cli("demo", "-o", tmp_path / "demo", "--json")  # over its own folder
    assert again.json == document


def test_the_demo_folder_is_a_project(tmp_path: Path) -> None:
    cli("demo", "-o", tmp_path / "demo")
    assert open_project(tmp_path / "demo").changed == ()
    assert cli("report", tmp_path / "demo").code == 0
    assert cli("csim", tmp_path / "demo", "--json").json["compiled"] is False


def test_a_wrong_simulation_is_never_called_exact(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def wrong(*arguments: Any) -> CsimResult:
        result = simulate(*arguments)
        result.y[7, 3] += 1
        return result

    monkeypatch.setattr("bitfpga.demo.simulate", wrong)
    words = ("differs from the reference on 1 of 360", "sample 7, index [3]")
    refused(cli("demo", "-o", tmp_path / "demo", "--json"), 1, *words)


def test_the_demo_leaves_foreign_folders_alone(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    refused(cli("demo", "-o", tmp_path / "mine"), 1, "not made by bitfpga")


def test_a_network_without_vectors_is_one_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bitfpga.demo.demo_network", lambda: replace(small_mlp(), vectors=None))
    refused(cli("demo", "-o", tmp_path / "demo"), 1, "test vectors")
    assert not (tmp_path / "demo").exists()


@pytest.mark.parametrize(
    ("on_path", "called", "expected"),
    [
        ("/usr/bin/bitfpga", ".venv/bin/bitfpga", "bitfpga"),
        (None, ".venv/bin/bitfpga", ".venv/bin/bitfpga"),
        (None, "/somewhere/bitfpga/__main__.py", f"{sys.executable} -m bitfpga"),
    ],
)
def test_the_next_command_can_be_typed(
    on_path: str | None, called: str, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shutil.which", lambda _: on_path)
    monkeypatch.setattr(sys, "argv", [called])
    assert _program() == expected
