"""The Verilog in Verilator: equal to the reference and to the planned cycles, and how fast it runs.

``digits``: the demo's network on the whole test split of its digits (360 samples), compiling
included. ``resnet8``: ResNet-8 of random weights, planned for pynq-z2 (xc7z020) at 150 MHz, on
random images. Every output must equal the integer reference, and the first and last element of
every image must come in the cycle that the plan says.

    python benchmarks/rtl_simulation.py [--only digits,resnet8] [--images 4] [--json]
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path
from typing import Any

from cnn_nets import random_network
from measure import machine_line, markdown_table

from bitfpga import Network, build
from bitfpga.demo import demo_network
from bitfpga.project import golden_inputs
from bitfpga.synth.checks import check_cycles, check_values
from bitfpga.synth.simulation import simulate_rtl

BOARD, CLOCK_NS = "pynq-z2", 1000 / 150


def inputs(name: str, n_images: int) -> tuple[Network, Any]:
    """Return a network and integers to run it on."""
    if name == "digits":
        network = demo_network()
        assert network.vectors is not None
        return network, network.vectors.x
    network = random_network(name, 1.3)
    return network, golden_inputs(network, n_images)


def measure(name: str, n_images: int) -> dict[str, Any]:
    """Build, compile, run and compare; times are wall clock."""
    network, x = inputs(name, n_images)
    project = build(network, BOARD, clock_ns=CLOCK_NS)
    with tempfile.TemporaryDirectory() as scratch:
        folder = project.write(Path(scratch) / "build")
        started = time.monotonic()
        result = simulate_rtl(folder, network, project.schedule, x)
        seconds = time.monotonic() - started
        check_values(folder, network, x, result)
        n_compared = check_cycles(folder, network, project.schedule, result)
    return {
        "network": name,
        "n_images": len(x),
        "cycles": result.cycles,
        "latency_cycles": result.latency_cycles,
        "interval_cycles": result.interval_cycles,
        "planned_latency_cycles": project.schedule.latency_cycles,
        "planned_interval_cycles": project.schedule.interval_cycles,
        "blocks_compared_by_cycle": n_compared,
        "compile_cpu_seconds": result.compile_seconds,
        "run_seconds": result.seconds,
        "seconds": seconds,
        "images_per_minute": 60 * len(x) / result.seconds,
    }


def table(results: list[dict[str, Any]]) -> str:
    """Return the runs as a Markdown table."""
    header = ["network", "images", "latency (planned)", "interval (planned)", "equal by cycle"]
    header += ["compile, CPU s", "run, s", "whole, s", "images a minute"]
    rows = [
        [
            found["network"],
            f"{found['n_images']:,}",
            f"{found['latency_cycles']:,} ({found['planned_latency_cycles']:,})",
            f"{found['interval_cycles']:,} ({found['planned_interval_cycles']:,})",
            f"{found['blocks_compared_by_cycle']:,} images",
            f"{found['compile_cpu_seconds']:.0f}",
            f"{found['run_seconds']:.1f}",
            f"{found['seconds']:.1f}",
            f"{found['images_per_minute']:,.0f}",
        ]
        for found in results
    ]
    return markdown_table(header, rows)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--only", default="digits,resnet8")
    parser.add_argument("--images", type=int, default=4)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    results = [measure(name, options.images) for name in options.only.split(",")]
    print(machine_line())
    print(json.dumps(results, indent=1) if options.json else table(results))


if __name__ == "__main__":
    main()
