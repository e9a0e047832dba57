"""A program that stays alive: what it answers, how it fails, and that nothing stays behind."""

from __future__ import annotations

import gc
import os
import sys
import time
from pathlib import Path

import pytest

from bitfpga.errors import ToolError
from bitfpga.tool_server import ToolServer

REVERSE = """
import sys
while line := sys.stdin.buffer.readline():
    sys.stdout.buffer.write(line[::-1])
    sys.stdout.buffer.flush()
"""


def server(program: str, folder: Path) -> ToolServer:
    return ToolServer([sys.executable, "-c", program], cwd=folder)


def is_running(process_id: int) -> bool:
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    return True


def test_every_request_is_answered_and_the_end_is_quiet(tmp_path: Path) -> None:
    with server(REVERSE, tmp_path) as tool:
        process_id = tool._process.pid
        for n in (1, 7, 300_000):
            line = os.urandom(n).replace(b"\n", b"x") + b"\n"
            assert tool.ask(line, n + 1, limit_s=30) == line[::-1]
        assert tool.ask(b"", 0, limit_s=30) == b""
        assert is_running(process_id)
    assert not is_running(process_id)
    tool.close()


def test_a_forgotten_server_is_ended(tmp_path: Path) -> None:
    tool = server(REVERSE, tmp_path)
    process_id = tool._process.pid
    del tool
    gc.collect()
    assert not is_running(process_id)


def test_a_program_that_ends_early_is_shown_with_what_it_said(tmp_path: Path) -> None:
    program = "import sys; sys.stdin.readline(); sys.exit('bad taps')"
    tool = server(program, tmp_path)
    with pytest.raises(ToolError, match=r"ended early \(exit code 1\)\n  bad taps$"):
        tool.ask(b"go\n", 4, limit_s=30)


def test_a_program_that_is_gone_is_shown(tmp_path: Path) -> None:
    tool = server("raise SystemExit(3)", tmp_path)
    tool._process.wait()
    with pytest.raises(ToolError, match=r"ended early \(exit code 3\)"):
        tool.ask(b"x" * 1_000_000, 4, limit_s=30)


def test_a_program_that_says_nothing_is_ended_in_time(tmp_path: Path) -> None:
    tool = server("import time; print('half', end='', flush=True); time.sleep(99)", tmp_path)
    process_id, started = tool._process.pid, time.monotonic()
    with pytest.raises(ToolError, match=r"did not answer within 0\.5 s \(exit code -9\)"):
        tool.ask(b"", 5, limit_s=0.5)
    assert 0.5 <= time.monotonic() - started < 10
    assert not is_running(process_id)


def test_a_program_that_does_not_start_is_named(tmp_path: Path) -> None:
    with pytest.raises(ToolError, match=r"cannot start .*/none: No such file"):
        ToolServer([tmp_path / "none"], cwd=tmp_path)
