"""RTL black boxes in Verilator: their Verilog as the JSON lists it, between the FIFOs of a design.

The testbench, ``rtl/black_box_main.cpp``, plays what Vitis HLS makes around a black box.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from foldings import any_schedule
from hostile import HOSTILE
from hostile_maps import HOSTILE_MAPS
from rtl_bench import LIBRARY, verilator_environment

from bitfpga.ir import IntArray, Network
from bitfpga.plan import ARRAYS, Schedule, Step, Stream, lower
from bitfpga.project import Project, emit
from bitfpga.reference import run_all

MAIN = Path(__file__).parent / "rtl" / "black_box_main.cpp"


def boxed(name: str, **folding: Any) -> Project:
    """Return a hostile network's project with black boxes, folded like ``any_schedule``."""
    network = (HOSTILE | HOSTILE_MAPS)[name]()
    return emit(network, any_schedule(network, **folding), black_boxes=True)


@dataclass(frozen=True)
class Pace:
    """Percent of cycles: a word arrives, one leaves, ce is high, a call begins or is acknowledged.

    ``reset_at``: the cycle of a reset, after which all calls come again from the first.
    """

    arrives: int = 100
    leaves: int = 100
    ce: int = 100
    calls: int = 100
    seed: int = 1
    reset_at: int = -1


def array_steps(network: Network, schedule: Schedule) -> dict[str, Step]:
    """Return the processes that become black boxes by name."""
    steps = lower(network, schedule.beat_pixels).steps
    return {step.name: step for step in steps if step.kind in ARRAYS}


class BoxBench:
    """One black box of a written project, from what its JSON names and nothing else, or from
    ``gates`` that were made of it."""

    def __init__(
        self, hls: Path, step: Step, n_samples: int, work: Path, gates: Sequence[Path] = ()
    ) -> None:
        document = json.loads((hls / f"box_{step.name}.json").read_text())
        self.step, self.n_samples, self.work = step, n_samples, work
        work.mkdir(parents=True)
        top = document["rtl_top_module_name"]
        sources = [str(path) for path in gates or rtl_files(hls, step)]
        chosen = [] if gates else ['-GIMPL="generic"']
        flags = "--cc --exe -O3 --x-initial unique -Wno-fatal -Wno-lint -CFLAGS -O1"
        names = ["--prefix", "Vtop", "--top-module", top, "-o", "bench", "--Mdir", "obj"]
        self._build("verilator", *flags.split(), *names, *chosen, *sources, str(MAIN))
        for name, data in LIBRARY.items():
            (work / "obj" / name).write_bytes(data)
        made = "CFG_CXXFLAGS_PCH_I=-include"  # the wheel leaves it empty
        self._build("make", "-C", "obj", "-f", "Vtop.mk", made)
        for path in (work / "obj").glob("verilated*.o"):
            LIBRARY[path.name] = path.read_bytes()

    def _build(self, *command: str) -> None:
        environment = verilator_environment()
        done = subprocess.run(
            command, cwd=self.work, env=environment, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-6000:]

    def run(self, words: list[int], pace: Pace) -> list[tuple[int, int]]:
        """Send blocks of ``words`` and return (cycle, word) of all that comes out."""
        source, output = self.step.inputs[0], self.step.output
        assert output is not None
        digits = 2 * -(-source.beat_bits * self.n_samples // 8)
        (self.work / "in.hex").write_text("".join(f"{word:0{digits}x}\n" for word in words))
        numbers = (source.n_beats, output.n_beats, pace.arrives, pace.leaves, pace.ce, pace.calls)
        arguments = map(str, (*numbers, pace.seed, pace.reset_at))
        random = ["+verilator+rand+reset+2", f"+verilator+seed+{pace.seed}"]
        command = [self.work / "obj" / "bench", "in.hex", "out.txt", *arguments, *random]
        done = subprocess.run(command, cwd=self.work, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        lines = (line.split() for line in (self.work / "out.txt").read_text().splitlines())
        return [(int(cycle), int(word, 16)) for cycle, word in lines]


def rtl_files(hls: Path, step: Step) -> list[Path]:
    """Return the Verilog that the JSON of a box names."""
    document = json.loads((hls / f"box_{step.name}.json").read_text())
    return [hls / name for name in document["rtl_files"]]


def box_words(
    network: Network, step: Step, x: IntArray, n_samples: int
) -> tuple[list[int], list[int], list[int]]:
    """Return the words that go into a box for ``x`` and those that must come out, and of each of
    these the bits that count: lanes past the end of a map hold anything.

    ``x``: integers [n, *input shape], n a multiple of ``n_samples``.
    """
    tensors = run_all(network, x)
    layer, output = step.layer, step.output
    assert layer is not None
    assert output is not None
    source = step.inputs[0]
    into, _ = _words(source, tensors[layer.inputs[0]], n_samples, 0x5A5A)
    return into, *_words(output, tensors[layer.name], n_samples, 0)


def _words(
    stream: Stream, values: IntArray, n_samples: int, filler: int
) -> tuple[list[int], list[int]]:
    flat = values.reshape(len(values), -1).astype(object)
    ones, words, masks = (1 << stream.tensor.bits) - 1, [], []
    for first in range(0, len(flat), n_samples):
        for beat in stream.beats.tolist():
            word = mask = place = 0
            for index in beat:
                for sample in range(n_samples):
                    value = int(flat[first + sample, index]) if index >= 0 else filler
                    word |= (value & ones) << place
                    mask |= ones << place if index >= 0 else 0
                    place += stream.tensor.bits
            words.append(word)
            masks.append(mask)
    return words, masks


def assert_box_exact(bench: BoxBench, network: Network, x: IntArray, pace: Pace) -> np.ndarray:
    """Assert that a box gives the reference's results; return the cycle of each write, int64."""
    into, expected, masks = box_words(network, bench.step, x, bench.n_samples)
    got = bench.run(into, pace)
    assert [word & mask for (_, word), mask in zip(got, masks, strict=True)] == expected
    return np.array([cycle for cycle, _ in got])
