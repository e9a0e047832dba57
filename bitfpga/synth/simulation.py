"""RTL simulation: the Verilog of a project run on arrays, with the cycle of every block of samples.

Verilator compiles it; the program is kept below ``synth/`` in the project, by content.
"""

from __future__ import annotations

import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from bitfpga.errors import SynthError
from bitfpga.ir import IntArray, Network, check_batch
from bitfpga.plan import Schedule
from bitfpga.synth.sources import rtl_sources
from bitfpga.synth.verilator import TRACES, Program, compile_simulation
from bitfpga.tools import run_tool

RUN_LIMIT_S = 3600.0
STANDSTILL_CYCLES = 20_000
Int64 = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class RtlResult:
    """Outputs, integers [n, *output shape], and when they came.

    Cycles count from the first element that went in; ``first_in``, ``first_out``, ``last_out``:
    int64 [n_blocks], of the first element in, the first and the last out of each block of
    samples. ``cycles``: of the whole run. ``gaps``: whether streams stood still at random.
    ``compile_seconds``: CPU time, 0 where nothing was compiled; ``seconds``: of the run.
    """

    y: IntArray
    first_in: Int64
    first_out: Int64
    last_out: Int64
    cycles: int
    gaps: bool
    compiled: bool
    compile_seconds: float
    seconds: float

    @property
    def latency_cycles(self) -> int | None:
        """Cycles from the first element in to the last of the first block out, both counted."""
        return int(self.last_out[0]) + 1 if len(self.last_out) else None

    @property
    def interval_cycles(self) -> int | None:
        """Mean cycles between two blocks over the second half of them, rounded up."""
        n_blocks = len(self.last_out)
        if n_blocks < 2:
            return None
        since = min(n_blocks // 2, n_blocks - 2)
        between = int(self.last_out[-1] - self.last_out[since])
        return -(-between // (n_blocks - 1 - since))


def simulate_rtl(
    folder: Path,
    network: Network,
    schedule: Schedule,
    x: npt.ArrayLike,
    *,
    gaps_seed: int | None = None,
    reset_at: int | None = None,
    waveform: Path | None = None,
    limit_s: float = RUN_LIMIT_S,
) -> RtlResult:
    """Compile the Verilog of the project in ``folder`` if need be and run it on ``x``.

    ``x``: integers [n, *input shape]. ``gaps_seed``: of random gaps in the input and of random
    stops of the output, none if None. ``reset_at``: cycle of a reset after which all is sent again.
    ``waveform``: a file to write, .fst or .vcd. ``limit_s``: wall-clock seconds of the run.
    Tap rows from memory come at full speed too, or with gaps of their own. ``ToolError`` where a
    tool is missing or fails, ``SynthError`` where the design stands still or breaks a rule of
    AXI-Stream.
    """
    batch = np.ascontiguousarray(check_batch(network, x).astype(network.input.dtype))
    suffix = _suffix(waveform)
    sources = rtl_sources(folder, network, schedule)
    program = compile_simulation(sources, suffix)
    n_blocks = -(-len(batch) // schedule.n_samples)
    padded = np.zeros((n_blocks * schedule.n_samples, *network.input.shape), batch.dtype)
    padded[: len(batch)] = batch
    options = _options(network, schedule, gaps_seed, reset_at)
    if waveform is not None:
        options.append(str(waveform.absolute()))
    started = time.monotonic()
    with tempfile.TemporaryDirectory(dir=sources.cache, prefix="run-") as scratch:
        files = [Path(scratch) / name for name in ("x.bin", "y.bin", "cycles.bin")]
        files[0].write_bytes(padded.tobytes())
        command = [program.path, *files, *options]
        said = run_tool(command, cwd=sources.rtl, limit_s=limit_s).stdout
        y = np.fromfile(files[1], network.output.dtype)
        times = np.fromfile(files[2], np.int64).reshape(-1, 4)
    cycles = _cycles(folder, said)
    shaped = y.reshape(len(padded), *network.output.shape)[: len(batch)]
    return _result(shaped, times, cycles, gaps_seed, program, time.monotonic() - started)


def _suffix(waveform: Path | None) -> str:
    if waveform is not None and waveform.suffix not in TRACES:
        raise SynthError(f"waveform {waveform}: the name must end in {' or '.join(TRACES)}")
    return waveform.suffix if waveform is not None else ""


def _options(
    network: Network, schedule: Schedule, gaps_seed: int | None, reset_at: int | None
) -> list[str | Path]:
    """Return the arguments of the testbench after its three files."""
    sizes = [tensor.size * schedule.n_samples for tensor in (network.input, network.output)]
    longest = max(schedule.latency_cycles, schedule.interval_cycles)
    gaps = 0 if gaps_seed is None else gaps_seed % 0xFFFFFFFE + 1
    reset = -1 if reset_at is None else reset_at
    return [str(n) for n in (*sizes, STANDSTILL_CYCLES + 8 * longest, gaps, reset)]


def _cycles(folder: Path, said: str) -> int:
    """Return the cycles of a run that went well."""
    verdict, _, rest = said.strip().partition(" ")
    if verdict == "ok":
        return int(rest)
    raise SynthError(
        f"RTL simulation of {folder} stopped: {said.strip().removeprefix('stopped: ')}; "
        "this is a fault of bitfpga; --waveform FILE.fst shows it"
    )


def _result(
    y: IntArray,
    times: Int64,
    cycles: int,
    gaps_seed: int | None,
    program: Program,
    seconds: float,
) -> RtlResult:
    first_in, _, first_out, last_out = (np.ascontiguousarray(column) for column in times.T)
    return RtlResult(
        y=y,
        first_in=first_in,
        first_out=first_out,
        last_out=last_out,
        cycles=cycles,
        gaps=gaps_seed is not None,
        compiled=program.compiled,
        compile_seconds=program.cpu_seconds,
        seconds=seconds,
    )
