"""The door to outside programs: what it returns and refuses, and that nothing is left running."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from bitfpga.errors import ToolError
from bitfpga.tools import Completed, run_tool

LIMIT_S = 60.0

# Starts a child that cannot be asked to end, and writes a beat to a file for as long as it lives.
STUBBORN_PARENT = """
import subprocess, sys, time
child = "import signal, time\\n"
child += "signal.signal(signal.SIGTERM, signal.SIG_IGN)\\n"
child += "while True:\\n open('beat', 'a').write('.'); time.sleep(0.02)\\n"
subprocess.Popen([sys.executable, "-c", child])
print("started", flush=True)
time.sleep(600)
"""


def run_python(program: str, cwd: Path, **options: Any) -> Completed:
    """Return what a Python program left behind."""
    return run_tool([sys.executable, "-c", program], cwd=cwd, **{"limit_s": LIMIT_S, **options})


def refusal(program: str, cwd: Path, **options: Any) -> str:
    """Return the message of the ToolError that a Python program ends in."""
    with pytest.raises(ToolError) as caught:
        run_python(program, cwd, **options)
    return str(caught.value)


def beats_after(folder: Path, pause_s: float) -> int:
    """Return how many beats were written during a pause."""
    before = (folder / "beat").stat().st_size
    time.sleep(pause_s)
    return (folder / "beat").stat().st_size - before


def wait_for(path: Path) -> None:
    """Return once the file has something in it."""
    until = time.monotonic() + LIMIT_S
    while not (path.is_file() and path.stat().st_size):
        assert time.monotonic() < until, f"{path} was never written"
        time.sleep(0.01)


def test_output_and_errors_come_back_apart(tmp_path: Path) -> None:
    done = run_python("import sys; print('out'); print('err', file=sys.stderr)", tmp_path)
    assert (done.stdout, done.stderr) == ("out\n", "err\n")


def test_arguments_reach_the_program_unchanged_by_any_shell(tmp_path: Path) -> None:
    words = ["$HOME; echo x", "a b", "*", "", "ä'\"", "--"]
    program = "import sys; print(sys.argv[1:])"
    done = run_tool([sys.executable, "-c", program, *words], cwd=tmp_path, limit_s=LIMIT_S)
    assert done.stdout == f"{words}\n"


def test_the_program_runs_in_its_folder_with_its_input_and_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KEPT", "kept")
    program = "import os, sys; print(os.getcwd(), os.environ['KEPT'], os.environ['ADDED'])"
    program += "; print(sys.stdin.buffer.read())"
    given = b"\0\xff in"
    done = run_python(program, tmp_path, env={"ADDED": "added"}, stdin=given)
    assert done.stdout == f"{tmp_path} kept added\n{given!r}\n"
    assert "ADDED" not in os.environ


def test_without_input_the_program_reads_nothing(tmp_path: Path) -> None:
    assert run_python("import sys; print(repr(sys.stdin.read()))", tmp_path).stdout == "''\n"


def test_much_output_on_both_streams_is_kept_and_bad_bytes_are_replaced(tmp_path: Path) -> None:
    program = (
        "import sys\nfor f in (sys.stderr, sys.stdout): f.buffer.write(b'\\xff' + b'x' * 300_007)"
    )
    done = run_python(program, tmp_path)
    assert done.stdout == done.stderr == "\ufffd" + "x" * 300_007


def test_times_are_of_the_program_and_its_children(tmp_path: Path) -> None:
    spin = "import time\nwhile time.process_time() < 0.4: pass"
    program = "import subprocess, sys, time; time.sleep(0.3)\n"
    program += f"subprocess.run([sys.executable, '-c', {spin!r}])"
    done = run_python(program, tmp_path)
    assert done.cpu_seconds >= 0.4
    assert done.seconds >= 0.7
    idle = run_python("import time; time.sleep(0.8)", tmp_path)
    assert idle.seconds >= 0.8
    assert idle.cpu_seconds < 0.8


def test_a_child_left_behind_does_not_hold_the_result_back(tmp_path: Path) -> None:
    done = run_tool(["/bin/sh", "-c", "sleep 300 & echo $!"], cwd=tmp_path, limit_s=LIMIT_S)
    os.kill(int(done.stdout), signal.SIGKILL)


def test_a_failure_tells_tool_code_folder_and_last_lines(tmp_path: Path) -> None:
    program = "import sys\nfor i in range(1, 31): print(f'line {i}', file=sys.stderr)\nsys.exit(7)"
    lines = refusal(program, tmp_path).splitlines()
    assert lines[0].startswith(f"{sys.executable} ended with exit code 7: ")
    assert f"(in {tmp_path})" in "\n".join(lines)
    assert lines[-20:] == [f"  | line {i}" for i in range(11, 31)]
    assert "line 10" not in "\n".join(lines[-21:])


def test_a_failure_without_errors_shows_the_output(tmp_path: Path) -> None:
    assert refusal("print('only word'); raise SystemExit(1)", tmp_path).endswith("\n  | only word")


def test_a_crash_is_named_by_its_signal(tmp_path: Path) -> None:
    message = refusal("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", tmp_path)
    assert message.startswith(f"{sys.executable} was ended by signal SIGSEGV: ")


def test_the_log_holds_command_output_errors_and_ending(tmp_path: Path) -> None:
    log = tmp_path / "logs" / "run.log"
    program = "import sys; print('out'); print('err', file=sys.stderr); sys.exit(4)"
    message = refusal(program, tmp_path, log=log)
    assert f"\n  log: {log}\n  | err" in message
    text = log.read_text(encoding="utf-8")
    assert re.fullmatch(
        r"\$ .*python.* -c .*\nout\nerr\n\n\$ ended with exit code 4 after \d+\.\d s\n", text
    )


def test_the_log_is_begun_anew_and_is_not_part_of_the_output(tmp_path: Path) -> None:
    log = tmp_path / "run.log"
    log.write_text("old " * 1000, encoding="utf-8")
    assert run_python("print('new')", tmp_path, log=log).stdout == "new\n"
    assert "old" not in log.read_text(encoding="utf-8")


def test_the_log_can_be_read_while_the_program_runs(tmp_path: Path) -> None:
    log = tmp_path / "run.log"
    program = (
        "import sys; print('ear' + 'ly', flush=True); print('early' in open('run.log').read())"
    )
    assert run_python(program, tmp_path, log=log).stdout == "early\nTrue\n"


def test_a_log_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ToolError, match=rf"^cannot write the log {tmp_path}: Is a directory$"):
        run_python("", tmp_path, log=tmp_path)


@pytest.mark.parametrize("name", ["no-such-tool", "./no-such-tool"])
def test_a_missing_tool_is_named_with_the_places_looked_at(tmp_path: Path, name: str) -> None:
    with pytest.raises(ToolError) as caught:
        run_tool([name], cwd=tmp_path, limit_s=LIMIT_S, env={"PATH": "/here:/there"})
    assert str(caught.value) == f"{name} was not found; looked on PATH: /here:/there"


def test_what_cannot_be_started_is_refused(tmp_path: Path) -> None:
    (tmp_path / "plain").write_text("no program", encoding="utf-8")
    with pytest.raises(ToolError, match=r"plain': Permission denied$"):
        run_tool([tmp_path / "plain"], cwd=tmp_path, limit_s=LIMIT_S)
    with pytest.raises(ToolError, match=r"^cannot run 'true': embedded null byte$"):
        run_tool(["true", "a\0b"], cwd=tmp_path, limit_s=LIMIT_S)
    with pytest.raises(ToolError, match=rf"^cannot run true: there is no folder {tmp_path}/gone$"):
        run_tool(["true"], cwd=tmp_path / "gone", limit_s=LIMIT_S)


def test_past_its_time_the_program_and_its_children_are_ended(tmp_path: Path) -> None:
    log = tmp_path / "run.log"
    started = time.monotonic()
    message = refusal(STUBBORN_PARENT, tmp_path, limit_s=3, log=log)
    assert time.monotonic() - started < LIMIT_S
    assert message.startswith(f"{sys.executable} did not end within 3 s: ")
    assert f"\n  log: {log}\n  | started" in message
    assert "$ did not end within 3 s after " in log.read_text(encoding="utf-8")
    assert beats_after(tmp_path, 0.5) == 0


def test_an_orderly_end_that_comes_too_late_is_no_success(tmp_path: Path) -> None:
    program = "import signal, sys, time; signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))"
    program += "; print('ready', flush=True); time.sleep(600)"
    assert "did not end within 3 s" in refusal(program, tmp_path, limit_s=3)


def test_an_interrupt_ends_the_program_and_its_children(tmp_path: Path) -> None:
    outer = (
        "import signal, sys; from pathlib import Path; from bitfpga.tools import run_tool\n"
        # Whoever starts the tests in the background may have the signal ignored.
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        f"run_tool([sys.executable, '-c', {STUBBORN_PARENT!r}], cwd=Path('.'), limit_s=600)"
    )
    # PYTHONPATH, because the folder the program runs in is not the checkout's.
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(entry for entry in sys.path if entry)}
    process = subprocess.Popen(
        [sys.executable, "-c", outer], cwd=tmp_path, env=env, stderr=subprocess.PIPE, text=True
    )
    wait_for(tmp_path / "beat")
    assert beats_after(tmp_path, 0.5) > 0
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=LIMIT_S)
    assert stderr.rstrip().endswith("KeyboardInterrupt")
    assert beats_after(tmp_path, 0.5) == 0


def test_a_program_on_path_is_found(tmp_path: Path) -> None:
    if shutil.which("true") is None:
        pytest.skip("needs the program 'true' on PATH")
    assert run_tool(["true"], cwd=tmp_path, limit_s=LIMIT_S).stdout == ""
