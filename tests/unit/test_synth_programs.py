"""Finding Yosys, what it is told, and errors that need no Yosys."""

from __future__ import annotations

import importlib.util
import shutil
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from bitfpga.boards import load_board
from bitfpga.errors import SynthError, ToolError
from bitfpga.plan import Resources
from bitfpga.synth import yosys
from bitfpga.synth.programs import (
    Yosys,
    delay_script,
    elaborate_script,
    find_yosys,
    map_script,
)


def test_a_missing_yosys_is_one_sentence_on_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(ToolError, match=r"^synthesis needs Yosys, .*: pip install pyosys .* work "):
        find_yosys()


def test_a_yosys_on_path_is_asked_for_its_version(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    program = tmp_path / "yosys"
    program.write_text("#!/bin/sh\necho Yosys 0.23 $1\n")
    program.chmod(0o755)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(shutil, "which", lambda name: str(program))
    assert find_yosys() == Yosys((str(program), "-s"), "Yosys 0.23 -V")


def test_the_log_is_kept_where_a_run_fails(tmp_path: Path) -> None:
    log, deadline = tmp_path / "map.log", time.monotonic() + 60
    tool = Yosys((sys.executable, "-c", "import sys; sys.exit(open(sys.argv[1]).read())"), "fake")
    with pytest.raises(ToolError, match=r"map\.log\n  \| one\n  \| two"):
        tool.run(["one", "two"], "map", tmp_path, log, deadline)
    assert log.is_file()
    quiet = Yosys((sys.executable, "-c", "print('much')"), "fake")
    quiet.run([], "map", tmp_path, log, deadline)
    assert not log.exists()


def test_scripts_follow_what_is_known_of_the_tool() -> None:
    mapping = map_script("xc7")
    synth = next(line for line in mapping if line.startswith("synth_xilinx"))
    assert {"-noiopad", "-noclkbuf", "-abc9", "-flatten"} < set(synth.split())
    assert "-widemux" not in synth  # it feeds MUXF7 from signals that are no LUT's
    delays = delay_script("net.il", "top", "block*")
    order = [line.split()[0] for line in delays]
    assert order[0] == "design"
    assert order.index("read_rtlil") > order.index("read_verilog")
    assert "-specify" in delays[1]
    assert delays[-1].endswith("sta block*")
    assert "flatten" in delay_script("net.il", "top", "")
    elaborate = elaborate_script(["a.v", "lib/b.v"], "top", ["layer_x"])
    assert "read_verilog -defer a.v lib/b.v" in elaborate
    assert any("c:taps*_layer_x" in line for line in elaborate)
    assert "submod top" not in elaborate_script(["a.v"], "top", [])


def test_a_cache_that_cannot_be_written_is_one_error(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(yosys, "find_yosys", lambda: Yosys(("false",), "none"))
    (tmp_path / "synth").write_text("a file")
    schedule: Any = SimpleNamespace(
        board=load_board("pynq-z2"), layers=(), fifos=(), resources=Resources()
    )
    with pytest.raises(SynthError, match=r"^cannot write .*synth: .*; copy the project"):
        yosys.synthesise({}, schedule, tmp_path / "synth", limit_s=5.0)
