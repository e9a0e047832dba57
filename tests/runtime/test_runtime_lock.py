"""One device, one driver, also between processes; what a crash leaves behind locks nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from bitfpga_runtime import BusyError, DeviceError
from bitfpga_runtime.lock import DeviceLock

HOLD = """
import sys
sys.path.insert(0, sys.argv[1])
from bitfpga_runtime.lock import DeviceLock
lock = DeviceLock(sys.argv[2])
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    yield "board /0"
    monkeypatch.undo()
    tempfile.tempdir = None


def other_process(key: str) -> subprocess.Popen[str]:
    """Start a process that holds the lock until its stdin ends."""
    folder = str(Path(__file__).parents[1])
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, folder, key],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        universal_newlines=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


@pytest.mark.parametrize("crash", [False, True])
def test_two_processes_cannot_drive_one_device(key: str, crash: bool) -> None:
    process = other_process(key)
    try:
        with pytest.raises(
            BusyError, match=rf"'board /0' is driven by another process \(pid {process.pid}\)"
        ):
            DeviceLock(key)
        DeviceLock("board 1").release()
    finally:
        if crash:
            process.send_signal(signal.SIGKILL)
        process.communicate("")
    lock = DeviceLock(key)
    assert lock.path.name == "bitfpga-board__0.lock"
    assert lock.path.read_text(encoding="ascii") == f"{os.getpid()}\n"
    lock.release()


def test_a_released_lock_is_free(key: str) -> None:
    first = DeviceLock(key)
    with pytest.raises(BusyError, match="another Accelerator of this process"):
        DeviceLock(key)
    first.release()
    first.release()
    DeviceLock(key).release()


def test_a_long_pid_left_behind_is_not_told(key: str, tmp_path: Path) -> None:
    (tmp_path / "bitfpga-board__0.lock").write_text("4194304999\n", encoding="ascii")
    lock = DeviceLock(key)
    assert lock.path.read_text(encoding="ascii") == f"{os.getpid()}\n"
    lock.release()


def test_a_link_is_not_followed(key: str, tmp_path: Path) -> None:
    target = tmp_path / "precious"
    target.write_text("data", encoding="ascii")
    (tmp_path / "bitfpga-board__0.lock").symlink_to(target)
    with pytest.raises(DeviceError, match="cannot open the lock file"):
        DeviceLock(key)
    assert target.read_text(encoding="ascii") == "data"
