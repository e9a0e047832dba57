"""One device, one driver: a lock file in the system's folder for temporary files.

The kernel holds the lock for as long as the process lives, so a file that was left behind by a
process that crashed locks nothing. The file is never removed: that would let two processes lock
two files of one name.
"""

from __future__ import annotations

import fcntl
import os
import re
import tempfile
from contextlib import suppress
from pathlib import Path

from .errors import BusyError, DeviceError


class DeviceLock:
    """The right to drive the device called ``key``; ``BusyError`` where another has it."""

    def __init__(self, key: str) -> None:
        name = re.sub(r"[^\w.-]", "_", key)[:100]
        self.path = Path(tempfile.gettempdir()) / f"bitfpga-{name}.lock"
        self._handle = _open(self.path)
        try:
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            holder = os.pread(self._handle, 20, 0).decode("ascii", "replace").strip()
            os.close(self._handle)
            raise BusyError(
                f"the device {key!r} is driven by {_who(holder)}: close that Accelerator or "
                f"notebook first (lock: {self.path})"
            ) from None
        os.ftruncate(self._handle, 0)
        os.pwrite(self._handle, f"{os.getpid()}\n".encode(), 0)

    def release(self) -> None:
        """Let others drive the device; a second call does nothing."""
        handle, self._handle = self._handle, -1
        if handle >= 0:
            os.close(handle)


def _who(holder: str) -> str:
    if holder == str(os.getpid()):
        return f"another Accelerator of this process (pid {holder})"
    return f"another process (pid {holder or 'unknown'})"


def _open(path: Path) -> int:
    """Return the lock file, open; made readable to every user where it is new."""
    flags = os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW
    try:
        with suppress(FileExistsError):
            handle = os.open(str(path), flags | os.O_CREAT | os.O_EXCL, 0o666)
            os.fchmod(handle, 0o666)
            return handle
        return os.open(str(path), flags)
    except OSError as error:
        raise DeviceError(
            f"cannot open the lock file {path}: {error.strerror}; remove it if no process "
            "drives the device"
        ) from None
