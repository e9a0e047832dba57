"""The log of a running tool: shown while it grows, and its error lines when it failed."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

MAX_LINES, LINE_CHARS = 20, 400
MAX_LOG_BYTES = 64 << 20
POLL_S = 0.2
_ERROR = re.compile(r"\s*(ERROR|FATAL|FATAL_ERROR)\b")


@contextmanager
def following(log: Path, tell: Callable[[str], None]) -> Iterator[None]:
    """Give every whole line that is added to ``log`` meanwhile to ``tell``, in another thread."""
    log.unlink(missing_ok=True)
    ended = threading.Event()

    def follow() -> None:
        place = 0
        while True:
            last = ended.wait(POLL_S)
            place = _tell_new(log, place, tell)
            if last:
                return

    thread = threading.Thread(target=follow, name="log", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _tell_new(log: Path, place: int, tell: Callable[[str], None]) -> int:
    """Tell the whole lines from byte ``place`` on; return where the next one begins."""
    with suppress(OSError), log.open("rb") as stream:
        stream.seek(place)
        text, newline, _ = stream.read(MAX_LOG_BYTES).rpartition(b"\n")
        for line in text.decode("utf-8", "replace").splitlines():
            if line.strip():
                tell(line[:LINE_CHARS])
        place += len(text) + len(newline)
    return place


def error_lines(log: Path) -> list[str]:
    """Return the tool's own error lines, else the last lines of its log; none without a log."""
    try:
        with log.open("rb") as stream:
            lines = stream.read(MAX_LOG_BYTES).decode("utf-8", "replace").splitlines()
    except OSError:
        return []
    errors = list(dict.fromkeys(line.strip() for line in lines if _ERROR.match(line)))
    shown = errors[:MAX_LINES] or [line for line in lines if line.strip()][-MAX_LINES:]
    return [line[:LINE_CHARS] for line in shown]
