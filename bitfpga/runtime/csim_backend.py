"""The C simulation as a device: the bundle's own C++ sources, compiled once, run as a program.

A program of its own and not a library: what goes wrong in it can be told, and ended in time.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import platform
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from .bundle import TAPS, Bundle
from .errors import BundleError, DeviceError, TimeoutFault

SOURCES, SOURCE, PROGRAM = "csim", "testbench/simulate.cpp", "simulate"
CACHE = "build"
COMPILE_LIMIT_S = 600.0
FIRST_SAMPLES = 64
_PROBE_LIMIT_S = 60.0
_FLAGS = ("-std=c++14", "-O3", "-Iinclude", "-I.", "-pthread", "-fno-exceptions")
_TAIL_LINES = 12


class CsimBackend:
    """Runs a bundle's C simulation, ``max_samples`` a call: few at first, more while that is fast.

    So the time limit of a call means the same for small networks and for large ones.
    """

    def __init__(self, bundle: Bundle, timeout_s: float) -> None:
        self.max_samples = min(FIRST_SAMPLES, bundle.interface.max_samples)
        self._bundle, self._timeout_s = bundle, timeout_s
        self._scratch: tempfile.TemporaryDirectory[str] | None = None
        self._command: list[str] = []

    def open(self) -> None:
        """Find or compile the program; ``DeviceError`` without a C++ compiler."""
        taps = self._bundle.interface.taps_file
        taps_path = self._bundle.file(TAPS) if taps else self._bundle.path / TAPS
        program = compiled_program(self._bundle)
        self._scratch = tempfile.TemporaryDirectory(prefix="bitfpga-")
        self._command = [str(program), "x.bin", "y.bin", str(taps_path)]

    def run(self, x: np.ndarray[Any, Any], y: np.ndarray[Any, Any]) -> dict[str, float]:
        """Fill ``y`` [n, *output shape] from ``x`` [n, *input shape]; return seconds a phase."""
        if self._scratch is None:
            raise DeviceError("the C simulation is closed")
        folder = Path(self._scratch.name)
        times = [time.perf_counter()]
        (folder / "x.bin").write_bytes(x.tobytes())
        times.append(time.perf_counter())
        done = _run(self._command, folder, self._timeout_s)
        if done is None:
            raise TimeoutFault(
                f"the C simulation of {len(x)} samples did not end within {self._timeout_s:g} s: "
                "it is far slower than the hardware; give fewer samples, or a larger timeout_s"
            )
        if done[0]:
            raise DeviceError(f"the C simulation ended with code {done[0]}{_tail(done[1])}")
        times.append(time.perf_counter())
        if times[2] - times[1] < self._timeout_s / 8:
            self.max_samples = min(2 * self.max_samples, self._bundle.interface.max_samples)
        values = np.fromfile(str(folder / "y.bin"), y.dtype)
        if values.size != y.size:
            raise DeviceError(f"the C simulation gave {values.size} values, not {y.size}")
        y[...] = values.reshape(y.shape)
        times.append(time.perf_counter())
        return {
            name: times[i + 1] - times[i] for i, name in enumerate(("copy_in", "run", "copy_out"))
        }

    def power(self) -> dict[str, float]:
        """Raise ``DeviceError``: there is nothing to measure."""
        raise DeviceError("power: the C simulation has no sensors; run this on a board")

    def close(self) -> None:
        """Remove what the runs left behind; a second call does nothing."""
        scratch, self._scratch = self._scratch, None
        if scratch is not None:
            scratch.cleanup()


def compiled_program(bundle: Bundle) -> Path:
    """Return the simulation's program, compiled if it is not in the cache; all or nothing."""
    sources = [name for name in bundle.files if name.startswith(f"{SOURCES}/")]
    if f"{SOURCES}/{SOURCE}" not in sources:
        raise BundleError(f"{bundle.path} holds no C simulation: deploy the project again")
    for name in sources:
        bundle.file(name)
    compiler, version = find_compiler()
    key = hashlib.sha256(
        repr((compiler, version, platform.machine(), platform.node())).encode()
        + repr(sorted((name, bundle.files[name]) for name in sources)).encode()
    ).hexdigest()[:16]
    folder = _cache_folder(bundle, key)
    program = folder / PROGRAM
    if program.is_file():
        return program
    with tempfile.TemporaryDirectory(dir=str(folder), prefix="compile-") as scratch:
        partial = Path(scratch) / PROGRAM  # another process may compile the same
        command = [*compiler, *_FLAGS, *_target_flags(compiler), SOURCE, "-o", str(partial)]
        done = _run(command, bundle.path / SOURCES, COMPILE_LIMIT_S)
        if done is None:
            raise TimeoutFault(f"{compiler[0]} did not end within {COMPILE_LIMIT_S:g} s")
        if done[0]:
            raise DeviceError(f"{shlex.join(command)} ended with code {done[0]}{_tail(done[1])}")
        if not partial.is_file():
            raise DeviceError(f"{shlex.join(command)} ended with code 0 and made no program")
        os.replace(str(partial), str(program))
    return program


def find_compiler() -> tuple[tuple[str, ...], str]:
    """Return the command and the version of a C++ compiler: ``$CXX``, else the first that runs."""
    named = os.environ.get("CXX", "").strip()
    try:
        candidates = [tuple(shlex.split(named))] if named else _candidates()
    except ValueError as error:
        raise DeviceError(f"CXX={named!r} is no command ({error}): set another") from None
    for command in candidates:
        question = (*command[:-1], "version") if _is_zig(command) else (*command, "--version")
        done = _run(list(question), Path(tempfile.gettempdir()), _PROBE_LIMIT_S)
        if done is not None and done[0] == 0:
            return command, done[1].partition("\n")[0]
    looked = f"CXX={named!r}" if named else "g++, clang++ and c++ on PATH, and the package ziglang"
    raise DeviceError(
        f"no working C++ compiler for device='csim' (looked for {looked}): install one, for "
        "example 'apt install g++' or 'pip install ziglang'"
    )


def _candidates() -> list[tuple[str, ...]]:
    paths = [shutil.which(name) for name in ("g++", "clang++", "c++")]
    found: list[tuple[str, ...]] = [(path,) for path in paths if path]
    if importlib.util.find_spec("ziglang") is not None:
        found.append((sys.executable, "-m", "ziglang", "c++"))
    return found


def _is_zig(command: tuple[str, ...]) -> bool:
    return len(command) > 1 and command[-1] == "c++" and "zig" in Path(command[-2]).name


def _target_flags(command: tuple[str, ...]) -> tuple[str, ...]:
    if _is_zig(command):  # no C++ library is needed, and building it takes a minute
        return ("-nostdlib++", "-fno-sanitize=undefined")
    return ("-march=native",) if platform.machine() in ("x86_64", "AMD64") else ()


def _cache_folder(bundle: Bundle, key: str) -> Path:
    """Return a folder of this program's own: in the bundle, else where only this user may write."""
    folder = bundle.path / SOURCES / CACHE / key
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if os.access(str(folder), os.W_OK) or (folder / PROGRAM).is_file():
            return folder
    except OSError:
        pass
    own = Path(tempfile.gettempdir()) / f"bitfpga-csim-{os.getuid()}"
    own.mkdir(mode=0o700, exist_ok=True)
    facts = own.lstat()
    if own.is_symlink() or facts.st_uid != os.getuid() or facts.st_mode & 0o077:
        raise DeviceError(f"{own} is not this user's own folder: remove it")
    (own / key).mkdir(exist_ok=True)
    return own / key


def _run(command: list[str], folder: Path, limit_s: float) -> tuple[int, str] | None:
    """Return exit code and output of a program; None where it took longer than ``limit_s``."""
    try:
        done = subprocess.run(
            command,
            cwd=str(folder),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=limit_s,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return None
    except OSError as error:
        return 127, f"{command[0]}: {error.strerror}"
    return done.returncode, done.stdout.decode("utf-8", "replace")


def _tail(text: str) -> str:
    return "".join(f"\n  | {line[:400]}" for line in text.rstrip().splitlines()[-_TAIL_LINES:])
