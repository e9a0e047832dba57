"""Trained and pruned networks through build and C simulation, on their whole test sets.

Takes the folder that ``cnn_train.py`` filled: every network of its ``results.json`` is planned for
pynq-z2 (xc7z020) at 150 MHz, built, and simulated on the whole test set of its task, and every
output must equal the integer reference. Accuracies of the float and of the pruned torch network are
those that training recorded; that of the simulation is counted here. Interval, latency, LUTs and
block RAM are the plan's; nothing was synthesised or ran on a board. The rate of the simulation is
that of the test set repeated until it takes about a second.

    python benchmarks/cnn_examples.py FOLDER [--only digits_pruned,...] [--samples N] [--json]
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from cnn_tasks import CNN_TASKS
from measure import machine_line, markdown_table

from bitfpga import Network, build
from bitfpga.csim import check, simulate

BOARD, CLOCK_NS = "pynq-z2", 1000 / 150
CPU_SECONDS, MOST_TIMES = 1.0, 100


@lru_cache(maxsize=1)
def test_set(task: str) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the task's test samples [n, ...], real numbers, and their classes [n]."""
    test: tuple[torch.Tensor, torch.Tensor] = CNN_TASKS[task].make(0).test
    return test


def measure(record: dict[str, Any], folder: Path, samples: int | None = None) -> dict[str, Any]:
    """Build and simulate the network of one record of ``results.json`` that lies in ``folder``.

    ``samples``: only so many of the test set. ``CsimError`` if an output is not the reference's.
    """
    network = Network.load(folder / record["file"])
    x, classes = (part[:samples] for part in test_set(record["task"]))
    integers = network.quantise(x.numpy())
    project = build(network, BOARD, clock_ns=CLOCK_NS)
    with tempfile.TemporaryDirectory() as scratch:
        written = project.write(Path(scratch) / "build")
        compiled = simulate(written, network, integers[:1])
        result = simulate(written, network, integers)
        check(written, network, integers, result.y)
        times = min(MOST_TIMES, max(1, round(CPU_SECONDS / result.run_cpu_seconds)))
        repeated = np.concatenate([integers] * times)
        seconds = simulate(written, network, repeated).run_cpu_seconds
    schedule = project.schedule
    hits = result.y.reshape(len(classes), -1).argmax(axis=1) == classes.numpy()
    return {
        "network": Path(record["file"]).stem,
        "weights": record["weights"],
        "digits": schedule.digits_per_weight,
        "float": record["float_accuracy"],
        "pruned": record["torch_accuracy"],
        "csim": float(np.mean(hits)),
        "samples": len(classes),
        "ms": 1000 / schedule.samples_per_second,
        "latency_ms": schedule.latency_us / 1000,
        "luts": schedule.resources.luts / schedule.board.luts,
        "bram36": schedule.resources.bram36 / schedule.board.bram36,
        "compile_cpu_seconds": compiled.compile_cpu_seconds,
        "rate": len(repeated) / seconds,
    }


def table(found: Sequence[dict[str, Any]]) -> str:
    """Return the figures as a Markdown table."""
    header = ["network", "weights", "digits per weight", "float, %", "pruned, %", "csim, %"]
    header += ["test samples, all equal", "ms per sample", "latency, ms", "LUT", "BRAM"]
    header += ["csim compile, CPU s", "samples per CPU s"]
    rows = [
        [
            row["network"],
            f"{row['weights']:,}",
            f"{row['digits']:.3f}",
            *(f"{100 * row[key]:.2f}" for key in ("float", "pruned", "csim")),
            f"{row['samples']:,}",
            f"{row['ms']:.5f}",
            f"{row['latency_ms']:.4f}",
            *(f"{100 * row[key]:.0f} %" for key in ("luts", "bram36")),
            f"{row['compile_cpu_seconds']:.2f}",
            f"{row['rate']:,.0f}",
        ]
        for row in found
    ]
    return markdown_table(header, rows)


def main() -> None:
    """Measure and print a Markdown table, or JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="where cnn_train.py left networks and JSON")
    parser.add_argument("--only", help="names of networks, separated by commas")
    parser.add_argument("--samples", type=int, help="only so many of each test set")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(1)
    records = json.loads((options.folder / "results.json").read_text())
    wanted = options.only.split(",") if options.only else None
    chosen = [r for r in records if wanted is None or Path(r["file"]).stem in wanted]
    try:
        found = [measure(record, options.folder, options.samples) for record in chosen]
    except FileNotFoundError as error:
        sys.exit(f"{error.filename} is not there: set BITFPGA_DATA to the folder of the data files")
    if options.json:
        print(json.dumps(found, indent=1))
        return
    print(machine_line())
    print(table(found))
    print("every output equals the integer reference")


if __name__ == "__main__":
    main()
