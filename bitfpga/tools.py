"""The one door to outside programs: argument list, time limit, exit code checked, log kept."""

from __future__ import annotations

import importlib.util
import logging
import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal

from bitfpga.errors import ToolError

logger = logging.getLogger(__name__)

_TAIL_LINES = 20
_LINE_CHARS = 400
_GRACE_S = 2.0
_PROBE_LIMIT_S = 60.0


@dataclass(frozen=True)
class Completed:
    """What a program that ended with exit code 0 left behind."""

    stdout: str
    stderr: str
    seconds: float  # wall clock
    cpu_seconds: float  # user and system, of the program and the children it waited for


@dataclass(frozen=True)
class Compiler:
    """A C++ compiler: how to call it, which one it is (for cache keys), and its peculiarities."""

    argv: tuple[str, ...]
    version: str
    family: Literal["gcc", "clang", "zig"]

    @property
    def extra_flags(self) -> tuple[str, ...]:
        """Return the flags to put before all others for a program that uses the C library only.

        zig 0.17 would first build libc++ and libunwind (60 s against 4 s for the C library's
        stubs), and at -O0 it inserts undefined-behaviour traps nobody asked for. A -fsanitize=
        after these flags still counts.
        """
        return ("-nostdlib++", "-fno-sanitize=undefined") if self.family == "zig" else ()

    @property
    def sanitizers(self) -> tuple[str, ...]:
        """Return what ``-fsanitize=`` can link; zig 0.17 has no address sanitizer runtime."""
        return ("undefined",) if self.family == "zig" else ("address", "undefined")

    @property
    def builds_ap_int(self) -> bool:
        """Return whether the ap_int headers compile; they clash with the libc++ of zig 0.17."""
        return self.family != "zig"


def run_tool(
    argv: Sequence[str | Path],
    *,
    cwd: Path,
    limit_s: float,
    log: Path | None = None,
    env: Mapping[str, str] | None = None,
    stdin: bytes | None = None,
) -> Completed:
    """Return the output and times of a program run in ``cwd`` that ends with exit code 0.

    ``env`` is added to this process's environment. ``log`` receives the command, the output while
    the program runs, then its errors. Past ``limit_s`` seconds, or when this process is
    interrupted, the program and its children are ended. ToolError names the tool, how it ended, the
    log and its last lines.
    """
    command = [str(word) for word in argv]
    where = f"{shlex.join(command)[:_LINE_CHARS]} (in {cwd})"
    logger.debug("running %s", where)
    # Files and not pipes: no pipe can fill up, or be held open by a child that stays behind.
    with _open_log(log) as out, tempfile.TemporaryFile() as err, tempfile.TemporaryFile() as source:
        source.write(stdin or b"")
        source.seek(0)
        out.write(f"$ {where}\n".encode("utf-8", "replace"))
        out.flush()
        output_start = out.tell()
        started = time.monotonic()
        process = _start(command, cwd, env, (source, out, err))
        in_time, cpu_seconds = _wait(process, limit_s)
        done = Completed(
            _text(out, output_start), _text(err, 0), time.monotonic() - started, cpu_seconds
        )
        ending = _ending(process.returncode) if in_time else f"did not end within {limit_s:g} s"
        out.seek(0, os.SEEK_END)
        out.write(f"{done.stderr}\n$ {ending} after {done.seconds:.1f} s\n".encode())
    if in_time and process.returncode == 0:
        return done
    kept = f"\n  log: {log}" if log else ""
    raise ToolError(f"{command[0]} {ending}: {where}{kept}{_tail(done.stderr, done.stdout)}")


def find_cxx() -> Compiler:
    """Return the C++ compiler to use: ``$CXX``, else g++, clang++, or the PyPI package ziglang.

    ToolError says what was looked for and what to install; a ``$CXX`` that does not work is an
    error too.
    """
    named = os.environ.get("CXX", "").strip()
    if named:
        return _named_compiler(named)
    failures = []
    for argv in _compiler_candidates():
        try:
            return _probe(argv)
        except ToolError as error:
            failures.append(f"\n  {error}")
    raise ToolError(
        "no working C++ compiler; looked for g++ and clang++ on PATH and for the Python package "
        "ziglang; install one, for example: pip install ziglang; or set CXX" + "".join(failures)
    )


def _named_compiler(named: str) -> Compiler:
    """Return the compiler that ``$CXX`` names; ToolError if it does not work."""
    try:
        return _probe(tuple(shlex.split(named)))
    except (ToolError, ValueError) as error:
        raise ToolError(
            f"the environment variable CXX names no usable C++ compiler ({named!r}): {error}; "
            "correct it, or unset it so that g++, clang++ or ziglang is found"
        ) from error


def _compiler_candidates() -> list[tuple[str, ...]]:
    """Return the command of every compiler that seems to be installed, best first."""
    found = [(path,) for name in ("g++", "clang++") if (path := shutil.which(name))]
    zig = importlib.util.find_spec("ziglang") is not None
    return [*found, *([(sys.executable, "-m", "ziglang", "c++")] if zig else [])]


def _probe(argv: tuple[str, ...]) -> Compiler:
    """Return the compiler behind the command, after asking it for its version."""
    is_zig = len(argv) > 1 and argv[-1] == "c++" and "zig" in Path(argv[-2]).name
    question = (*argv[:-1], "version") if is_zig else (*argv, "--version")
    folder = Path(tempfile.gettempdir())
    answer = run_tool(question, cwd=folder, limit_s=_PROBE_LIMIT_S, env={"LC_ALL": "C"}).stdout
    version = answer.strip().partition("\n")[0]
    if is_zig:
        return Compiler(argv, f"zig {version}", "zig")
    if "clang" in answer.lower():
        return Compiler(argv, version, "clang")
    if "Free Software Foundation" in answer:
        return Compiler(argv, version, "gcc")
    raise ToolError(f"{shlex.join(argv)} is not g++, clang++ or zig; it says {version[:100]!r}")


def _open_log(log: Path | None) -> IO[bytes]:
    """Return the log, emptied and open for reading too, or a nameless file where none is kept."""
    if log is None:
        return tempfile.TemporaryFile()
    try:
        log.parent.mkdir(parents=True, exist_ok=True)
        return log.open("w+b")
    except OSError as error:
        raise ToolError(f"cannot write the log {log}: {error.strerror}") from error


def _start(
    command: list[str],
    cwd: Path,
    env: Mapping[str, str] | None,
    streams: tuple[IO[bytes], IO[bytes], IO[bytes]],
) -> subprocess.Popen[bytes]:
    """Return the program, started at the head of a process group of its own."""
    if not cwd.is_dir():
        raise ToolError(f"cannot run {command[0]}: there is no folder {cwd}")
    stdin, stdout, stderr = streams
    merged = {**os.environ, **(env or {})}
    try:
        return subprocess.Popen(
            command,
            cwd=cwd,
            env=merged,
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            start_new_session=True,
        )
    except FileNotFoundError as error:
        path = merged.get("PATH", "")
        raise ToolError(f"{command[0]} was not found; looked on PATH: {path}") from error
    except (OSError, ValueError) as error:  # ValueError: a null character in an argument
        reason = getattr(error, "strerror", None) or str(error)
        raise ToolError(f"cannot run {command[0]!r}: {reason}") from error


def _wait(process: subprocess.Popen[bytes], limit_s: float) -> tuple[bool, float]:
    """Return whether the program ended in time, and its CPU seconds; it has ended in any case."""
    cpu_seconds: list[float] = []

    def reap() -> None:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        cpu_seconds.append(usage.ru_utime + usage.ru_stime)

    waiter = threading.Thread(target=reap, name=f"wait-{process.pid}", daemon=True)
    waiter.start()
    try:
        waiter.join(min(max(limit_s, 0.0), threading.TIMEOUT_MAX))
        in_time = not waiter.is_alive()
    except BaseException:
        _end_group(process.pid, waiter)
        raise
    if not in_time:
        _end_group(process.pid, waiter)
    return in_time, cpu_seconds[0]


def _end_group(group: int, waiter: threading.Thread) -> None:
    """End a program and its children: ask first and then, after a moment, force."""
    with suppress(ProcessLookupError, PermissionError):  # macOS: PermissionError once all are gone
        os.killpg(group, signal.SIGTERM)
    waiter.join(_GRACE_S)
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)
    waiter.join()


def _ending(returncode: int) -> str:
    """Return how a program ended, in words: its exit code or the name of the signal."""
    if returncode >= 0:
        return f"ended with exit code {returncode}"
    try:
        return f"was ended by signal {signal.Signals(-returncode).name}"
    except ValueError:
        return f"was ended by signal {-returncode}"


def _text(stream: IO[bytes], start: int) -> str:
    """Return what the stream holds from byte ``start`` on, bad bytes replaced."""
    stream.seek(start)
    return stream.read().decode("utf-8", errors="replace")


def _tail(stderr: str, stdout: str) -> str:
    """Return the last lines of the errors, or of the output if there are no errors, indented."""
    lines = (stderr if stderr.strip() else stdout).rstrip().splitlines()[-_TAIL_LINES:]
    return "".join(f"\n  | {line[:_LINE_CHARS]}" for line in lines)
