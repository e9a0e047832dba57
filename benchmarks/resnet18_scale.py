"""ResNet-18 in CIFAR geometry through ``bitfpga build`` and ``bitfpga csim``, each a process.

Random weights of 0.8 and 1.3 digits (``cnn_nets.random_network``, 11.2 million weights, 555 million
multiply-adds an image). Wall and CPU seconds and peak resident memory are those of the whole
process, start of Python included; ``csim`` compiles, simulates and compares every output with the
reference. Its rate is that of the simulation alone. The plan is for ``--board``; its cycles and
resources are estimates, nothing was synthesised.

    python benchmarks/resnet18_scale.py [--board zcu104] [--digits 0.8,1.3] [--images N] [--json]
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from cnn_nets import random_network
from measure import machine_line, markdown_table

SECONDS_AIM, IMAGES_AIM, GIB_AIM = 20.0, 3.0, 3.0


@dataclass(frozen=True)
class Ran:
    """What a process of bitfpga printed as JSON, and what it took; ``peak``: GiB, children too."""

    answer: dict[str, Any]
    wall: float
    cpu: float
    peak: float


def ran(*arguments: str | Path) -> Ran:
    """Run ``bitfpga`` with ``--json`` and these arguments; SystemExit if it fails."""
    command = [sys.executable, "-m", "bitfpga", *map(str, arguments), "--json"]
    with tempfile.TemporaryFile() as out:
        started = time.monotonic()
        with subprocess.Popen(command, stdout=out) as process:
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        wall = time.monotonic() - started
        if process.returncode != 0:
            raise SystemExit(f"bitfpga {arguments[0]} ended with exit code {process.returncode}")
        out.seek(0)
        answer = json.loads(out.read())
    return Ran(answer, wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 2**20)


def measure(name: str, digits: float, board: str, images: int) -> dict[str, Any]:
    """Return the figures of one network, built and simulated on random images."""
    network = random_network(name, digits)
    shape = (images, *network.input.shape)
    x = np.random.default_rng(1).integers(0, network.input.high, shape, endpoint=True)
    with tempfile.TemporaryDirectory() as scratch:
        file, folder = Path(scratch) / "net.bitfpga", Path(scratch) / "build"
        samples = Path(scratch) / "x.npy"
        network.save(file)
        np.save(samples, x.astype(network.input.dtype))
        built = ran("build", file, "--board", board, "-o", folder)
        n_bytes = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
        simulated = ran("csim", folder, "--input", samples)
    plan, run = built.answer, simulated.answer
    estimate, limits = plan["estimate"], plan["board_has"]
    return {
        "network": name,
        "digits": plan["digits_per_weight"],
        "board": plan["board"],
        "build": [built.wall, built.cpu, built.peak],
        "megabytes": n_bytes / 1e6,
        "compile_cpu_seconds": run["compile_cpu_seconds"],
        "images_per_cpu_second": images / run["run_cpu_seconds"],
        "csim": [simulated.wall, simulated.cpu, simulated.peak],
        "exact": run["bit_exact"],
        "ms": 1000 / plan["samples_per_second"],
        "latency_ms": plan["latency_us"] / 1000,
        "simulated": plan["simulated"],
        "luts": estimate["luts"] / limits["luts"],
        "bram36": estimate["bram36"] / limits["bram36"],
    }


def build_table(found: list[dict[str, Any]]) -> str:
    """Return what building and simulating took."""
    header = ["digits per weight", "build, s", "CPU s", "peak, GiB", "MB", "csim compile, CPU s"]
    header += ["images per CPU s", "csim process, s", "CPU s", "peak, GiB", "exact"]
    rows = [
        [
            f"{row['digits']:.2f}",
            *(f"{value:.1f}" for value in row["build"][:2]),
            f"{row['build'][2]:.2f}",
            f"{row['megabytes']:.0f}",
            f"{row['compile_cpu_seconds']:.1f}",
            f"{row['images_per_cpu_second']:.2f}",
            *(f"{value:.1f}" for value in row["csim"][:2]),
            f"{row['csim'][2]:.2f}",
            "yes" if row["exact"] else "NO",
        ]
        for row in found
    ]
    return markdown_table(header, rows)


def plan_table(found: list[dict[str, Any]]) -> str:
    """Return what the plan says; a share above its limit is a plan that does not fit."""
    header = ["digits per weight", "board", "ms per image", "latency, ms", "simulated beat by beat"]
    header += ["LUT", "BRAM"]
    rows = [
        [
            f"{row['digits']:.2f}",
            row["board"],
            f"{row['ms']:.2f}",
            f"{row['latency_ms']:.1f}",
            "yes" if row["simulated"] else "no, bounds",
            *(f"{100 * row[key]:.0f} %" for key in ("luts", "bram36")),
        ]
        for row in found
    ]
    return markdown_table(header, rows)


def main() -> None:
    """Measure and print Markdown tables, or JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--board", default="zcu104", help="a board's name or TOML file")
    parser.add_argument("--digits", default="0.8,1.3")
    parser.add_argument("--images", type=int, default=32)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    found = [
        measure("resnet18", float(digits), options.board, options.images)
        for digits in options.digits.split(",")
    ]
    if options.json:
        print(json.dumps(found, indent=1))
        return
    print(machine_line())
    print(build_table(found))
    print(plan_table(found))
    print(f"aims: build <= {SECONDS_AIM:.0f} s, csim >= {IMAGES_AIM:.0f} images per second,")
    print(f"either process <= {GIB_AIM:.0f} GiB")


if __name__ == "__main__":
    main()
