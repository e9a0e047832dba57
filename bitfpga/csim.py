"""C simulation: compile a project's sources with the C++ compiler at hand and run them on arrays.

The program is kept under ``csim/`` in the project, named by the hash of sources, flags and
compiler, so an unchanged project is never compiled twice. It runs as a child process.
"""

from __future__ import annotations

import hashlib
import importlib.util
import platform
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from bitfpga.errors import CsimError, ToolError
from bitfpga.ir import IntArray, Network, check_batch
from bitfpga.paths import testbench_dir
from bitfpga.project_folder import CACHE, INTERFACE, read_interface
from bitfpga.reference import run, run_all
from bitfpga.tools import Compiler, find_cxx, run_tool

BLACK_BOXES = "black_box"  # models of RTL black boxes, below hls/
COMPILE_LIMIT_S = 600.0
RUN_LIMIT_S = 3600.0
WARNINGS = ("-Wall", "-Wextra", "-Werror", "-Wno-unknown-pragmas", "-Wno-unused-label")


@dataclass(frozen=True, eq=False)
class CsimResult:
    """Outputs, integers [n, *output shape], and what they cost in CPU seconds."""

    y: IntArray
    compiled: bool
    compile_cpu_seconds: float
    run_cpu_seconds: float


def simulate(
    folder: Path,
    network: Network,
    x: npt.ArrayLike,
    *,
    checked: bool = False,
    sanitize: bool = False,
    bounded: bool = False,
) -> CsimResult:
    """Compile the project in ``folder`` if need be, run it on ``x`` and return the outputs.

    The program calls the top function as a host does, and checks what it reports and refuses.
    ``x``: integers [n, *input shape]. ``checked``: ap_int types, as synthesis has them.
    ``sanitize``: address and undefined-behaviour checks and warnings as errors. ``bounded``: every
    process at once, with FIFOs of exactly the planned depths, without the top function; slow.
    ``ToolError`` when the compiler or the program fails, ``CsimError`` where it cannot write.
    """
    batch = np.ascontiguousarray(check_batch(network, x).astype(network.input.dtype))
    if not (folder / "hls").is_dir():
        raise CsimError(f"{folder} holds no hls/ to simulate; give a folder of 'bitfpga build'")
    interface = read_interface(folder)
    try:
        (folder / CACHE).mkdir(exist_ok=True)
    except OSError as error:
        reason = f"cannot write {folder / CACHE}: {error.strerror}"
        raise CsimError(f"{reason}; copy the project to a place where csim may write") from None
    compiler = find_cxx()
    sources = _sources(folder, checked, bounded)
    flags = _flags(compiler, checked, sanitize)
    program = folder / CACHE / _key(folder / "hls", compiler, flags) / Path(sources[0]).stem
    compile_cpu_seconds, compiled = 0.0, not program.is_file()
    if compiled:
        compile_cpu_seconds = _compile(folder / "hls", compiler, flags, sources, program)
    with tempfile.TemporaryDirectory(dir=folder / CACHE, prefix="run-") as scratch:
        arguments = ("x.bin", "y.bin", folder.absolute() / "hls" / "taps.bin")
        (Path(scratch) / "x.bin").write_bytes(batch.tobytes())
        done = run_tool([program.absolute(), *arguments], cwd=Path(scratch), limit_s=RUN_LIMIT_S)
        y = np.fromfile(Path(scratch) / "y.bin", network.output.dtype)
    expected = len(batch) * network.output.size
    if y.size != expected:
        raise CsimError(f"C simulation of {folder} gave {y.size} values, expected {expected}")
    if not bounded and done.stdout != f"id {interface.id}\n":
        raise CsimError(
            f"the core in {folder} reports {done.stdout.strip()[:40]!r}, but {INTERFACE} has id "
            f"{interface.id}: its sources are another project's; build it again"
        )
    shaped = y.reshape(len(batch), *network.output.shape)
    return CsimResult(shaped, compiled, compile_cpu_seconds, done.cpu_seconds)


def compile_server(hls: Path, cache: Path) -> Path:
    """Return the program that answers batches on its standard input, compiled if need be.

    ``hls``: the folder of the project's sources. ``cache``: where the program is kept, by a hash.
    Its requests are described in ``hls_templates/testbench/serve.cpp``. ``ToolError`` when the
    compiler fails, ``CsimError`` where ``cache`` cannot be written.
    """
    source = testbench_dir() / "serve.cpp"
    compiler = find_cxx()
    flags = _flags(compiler, False, False)
    program = cache / _key(hls, compiler, (*flags, source.read_text("utf-8"))) / "serve"
    if not program.is_file():
        try:
            program.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise CsimError(f"cannot write {cache}: {error.strerror}") from None
        _compile(hls, compiler, flags, (str(source.absolute()),), program)
    return program.absolute()


def check(folder: Path, network: Network, x: npt.ArrayLike, y: IntArray) -> None:
    """Raise ``CsimError`` unless ``y`` equals the reference on ``x``, value for value.

    The error names the first layer, sample and index that differ, expected and got.
    """
    expected = run(network, x)
    if np.array_equal(expected, y):
        return
    sample, *index = (int(i) for i in np.argwhere(expected != y)[0])
    place = (sample, *index)
    layer = _trace_difference(folder, network, np.asarray(x)[sample : sample + 1])
    found = f"output: sample {sample}, index {index}, expected {expected[place]}, got {y[place]}"
    count = int((expected != y).reshape(len(y), -1).any(axis=1).sum())
    raise CsimError(
        f"C simulation of {folder} differs from the reference on {count} of {len(y)} samples\n"
        f"  {layer or 'no layer differs in native integers: only the last step, or exact widths'}\n"
        f"  {found}"
    )


def _trace_difference(folder: Path, network: Network, x: IntArray) -> str | None:
    """Return where the first layer goes wrong for one sample, from a trace of the simulation."""
    compiler = find_cxx()
    flags = _flags(compiler, False, False)
    program = folder / CACHE / _key(folder / "hls", compiler, flags) / "simulate"
    if not program.is_file():
        _compile(folder / "hls", compiler, flags, _sources(folder, False, False), program)
    with tempfile.TemporaryDirectory(dir=folder / CACHE, prefix="trace-") as scratch:
        (Path(scratch) / "x.bin").write_bytes(x.astype(network.input.dtype).tobytes())
        taps = folder.absolute() / "hls" / "taps.bin"
        arguments = ("x.bin", "y.bin", taps, "--trace", "layers.bin")
        run_tool([program.absolute(), *arguments], cwd=Path(scratch), limit_s=RUN_LIMIT_S)
        values = np.fromfile(Path(scratch) / "layers.bin", np.int64)
    return _first_difference(network, run_all(network, x), values)


def _first_difference(
    network: Network, tensors: dict[str, IntArray], values: npt.NDArray[np.int64]
) -> str | None:
    """Return a line on the first value that is wrong in a trace: layer number, its values, ..."""
    at = 0
    while at < len(values):
        layer = network.layers[int(values[at])]
        expected = tensors[layer.name].reshape(-1).astype(np.int64)
        got = values[at + 1 : at + 1 + expected.size]
        at += 1 + expected.size
        wrong = np.flatnonzero(expected[: got.size] != got)
        if wrong.size:
            index = [
                int(i) for i in np.unravel_index(wrong[0] % layer.output.size, layer.output.shape)
            ]
            return (
                f"layer '{layer.label}' ({layer.kind}): index {index}, "
                f"expected {expected[wrong[0]]}, got {got[wrong[0]]}"
            )
    return None


def ap_int_headers() -> Path:
    """Return the folder of ``ap_int.h`` in the installed hls4ml package, which is not imported."""
    spec = importlib.util.find_spec("hls4ml")
    for place in (spec.submodule_search_locations or []) if spec else []:
        folder = Path(place) / "templates" / "vivado" / "ap_types"
        if (folder / "ap_int.h").is_file():
            return folder
    raise ToolError(
        "--checked needs the ap_int headers of hls4ml, which is not installed: "
        "pip install 'bitfpga[checked]'; without --checked csim needs nothing"
    )


def _flags(compiler: Compiler, checked: bool, sanitize: bool) -> tuple[str, ...]:
    flags = [*compiler.extra_flags, "-std=c++14", "-Iinclude", "-I.", "-pthread"]
    if checked:
        if not compiler.builds_ap_int:
            raise ToolError(
                f"--checked needs g++ or clang++: the ap_int headers do not compile with "
                f"{compiler.version}; install one, or leave --checked out"
            )
        return (*flags, "-O1", "-w", "-isystem", str(ap_int_headers()))
    flags.append("-fno-exceptions")
    if sanitize:
        checks = ",".join(compiler.sanitizers)
        return (*flags, "-O1", "-g", *WARNINGS, f"-fsanitize={checks}", "-fno-sanitize-recover=all")
    native = platform.machine() in ("x86_64", "AMD64") and compiler.family != "zig"
    return (*flags, "-O3", *(("-march=native",) if native else ()))


def _sources(folder: Path, checked: bool, bounded: bool) -> tuple[str, ...]:
    """Return the sources of a simulation, the one it is named by first, relative to ``hls/``."""
    if bounded:
        return ("testbench/threads.cpp",)
    if not checked:
        return ("testbench/simulate.cpp",)
    models = sorted((folder / "hls" / BLACK_BOXES).glob("*.cpp"))
    return ("testbench/testbench.cpp", "top.cpp", *(f"{BLACK_BOXES}/{p.name}" for p in models))


def _key(hls: Path, compiler: Compiler, flags: tuple[str, ...]) -> str:
    """Return the hash of all that decides the program: sources, flags, compiler, processor."""
    digest = hashlib.sha256(repr((compiler.argv, compiler.version, flags)).encode())
    digest.update(platform.processor().encode() + platform.node().encode())
    for path in sorted(hls.rglob("*.[ch]pp")):
        digest.update(path.relative_to(hls).as_posix().encode() + b"\0")
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:16]


def _compile(
    hls: Path,
    compiler: Compiler,
    flags: tuple[str, ...],
    sources: tuple[str, ...],
    program: Path,
) -> float:
    """Compile into ``program`` (it appears whole or not at all); return the CPU seconds taken."""
    program.parent.mkdir(parents=True, exist_ok=True)
    log = program.parent / "compile.log"
    with tempfile.TemporaryDirectory(dir=program.parent, prefix="compile-") as scratch:
        partial = Path(scratch).absolute() / program.name  # another csim may compile the same
        command: list[str | Path] = [*compiler.argv, *flags, *sources, "-o", partial]
        done = run_tool(command, cwd=hls, limit_s=COMPILE_LIMIT_S, log=log)
        partial.replace(program)
    return done.cpu_seconds
