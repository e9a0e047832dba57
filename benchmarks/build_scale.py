"""Time and memory of ``bitfpga build`` as the network grows, each size in a process of its own.

MLPs of about 100 thousand, 1 million and 10 million seeded uniform 8-bit weights are saved, then
built by the command line (`bitfpga build NET -o DIR`), written and C-simulated on 64 samples. Wall
seconds and peak resident memory are those of the build process, start of Python included.

    python benchmarks/build_scale.py [--sizes small,medium,large] [--json]
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from measure import machine_line, markdown_table

from bitfpga.csim import check, simulate
from bitfpga.ir import Dense, Network, Requantise, TensorType

SIZES = {
    "small": (200, 200, 200, 100),
    "medium": (640, 640, 640, 320),
    "large": (2000, 2000, 2000, 1000),
}


def mlp(dimensions: tuple[int, ...]) -> Network:
    """Return an MLP of uniform weights in -127..127 with one shift per layer."""
    rng = np.random.default_rng(0)
    layers, previous = [], "input"
    for i, (n_inputs, n_outputs) in enumerate(itertools.pairwise(dimensions)):
        weight = rng.integers(-127, 128, (n_outputs, n_inputs)).astype(np.int16)
        output = TensorType((n_outputs,), 8, False)
        shift = int(np.log2(np.sqrt(n_inputs) * 64))
        one = np.ones(n_outputs, np.int64)
        scale = Requantise(one, one * 3, shift, output.low, output.high)
        name = f"fc{i}"
        layers.append(Dense(name, (previous,), output, weight=weight, requantise=scale))
        previous = name
    return Network("mlp", TensorType((dimensions[0],), 8, False), tuple(layers))


def timed_build(file: Path, folder: Path) -> tuple[float, float]:
    """Return wall seconds and peak resident GiB of one ``bitfpga build`` process."""
    command = [sys.executable, "-m", "bitfpga", "build", str(file), "-o", str(folder), "--json"]
    started = time.monotonic()
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise SystemExit(f"bitfpga build ended with exit code {process.returncode}")
    return time.monotonic() - started, usage.ru_maxrss / 2**20


def measure(size: str) -> dict[str, Any]:
    """Return the figures of one size; the C simulation is checked against the reference."""
    network = mlp(SIZES[size])
    n_weights = sum(layer.weight.size for layer in network.layers if isinstance(layer, Dense))
    with tempfile.TemporaryDirectory() as scratch:
        file, folder = Path(scratch) / "net.bitfpga", Path(scratch) / "build"
        network.save(file)
        seconds, peak = timed_build(file, folder)
        x = np.random.default_rng(1).integers(0, 256, (64, network.input.size)).astype(np.uint8)
        result = simulate(folder, network, x)
        check(folder, network, x, result.y)
        n_bytes = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    return {
        "size": size,
        "weights": n_weights,
        "build_seconds": seconds,
        "microseconds_per_weight": seconds / n_weights * 1e6,
        "peak_gib": peak,
        "csim_compile_cpu_seconds": result.compile_cpu_seconds,
        "folder_megabytes": n_bytes / 1e6,
    }


def main() -> None:
    """Measure and print a Markdown table, or JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", default=",".join(SIZES))
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    found = [measure(size) for size in options.sizes.split(",")]
    if options.json:
        print(json.dumps(found, indent=1))
        return
    header = ["weights", "build, s", "us per weight", "peak, GiB", "csim compile, CPU s", "MB"]
    rows = [
        [
            f"{row['weights']:,}",
            f"{row['build_seconds']:.2f}",
            f"{row['microseconds_per_weight']:.2f}",
            f"{row['peak_gib']:.2f}",
            f"{row['csim_compile_cpu_seconds']:.2f}",
            f"{row['folder_megabytes']:.1f}",
        ]
        for row in found
    ]
    print(machine_line())
    print(markdown_table(header, rows))
    print("aims: 10 million weights in <= 10 s and <= 2 GiB, csim compile <= 5 s, and no more")
    print("per weight than at 100 thousand")


if __name__ == "__main__":
    main()
