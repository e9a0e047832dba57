"""The embedded demo: scikit-learn's 8x8 digits, built, C-simulated and compared."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from rich.table import Table

from bitfpga.csim import check, simulate
from bitfpga.errors import ModelError
from bitfpga.ir import Network
from bitfpga.paths import overlays_dir
from bitfpga.project import build
from bitfpga.reference import run
from bitfpga.report import facts_table, schedule_summary

BOARD = "pynq-z2"


@dataclass(frozen=True)
class DemoResult:
    """What the demo measured; ``folder`` is the project it wrote."""

    folder: Path
    n_files: int
    n_samples: int
    accuracies: dict[str, float]
    summary: dict[str, Any]


def demo_network() -> Network:
    """Return the shipped network with its test split as vectors."""
    return Network.load(overlays_dir() / "digits" / "digits.bitfpga")


def accuracy(outputs: npt.ArrayLike, labels: npt.NDArray[np.int64]) -> float:
    """Return the share of samples whose largest output is at the label, 0..1."""
    return float((np.asarray(outputs).argmax(axis=1) == labels).mean())


def run_demo(folder: Path) -> DemoResult:
    """Build the shipped network into ``folder`` and C-simulate its whole test split.

    ``CsimError`` unless the simulation equals the reference, value for value.
    """
    network = demo_network()
    vectors = network.vectors
    if vectors is None or vectors.labels is None or vectors.float_outputs is None:
        raise ModelError("the shipped demo network has lost its test vectors; install again")
    project = build(network, BOARD)
    written = project.write(folder, force=True)
    simulated = simulate(written, network, vectors.x).y
    check(written, network, vectors.x, simulated)
    accuracies = {
        "float": accuracy(vectors.float_outputs, vectors.labels),
        "integer": accuracy(run(network, vectors.x), vectors.labels),
        "C simulation": accuracy(simulated, vectors.labels),
    }
    return DemoResult(
        folder=written,
        n_files=len(project.files) + 1,
        n_samples=len(vectors.x),
        accuracies=accuracies,
        summary=schedule_summary(project.schedule),
    )


def demo_table(result: DemoResult) -> Table:
    """Return what the demo measured, line by line."""
    summary, board = result.summary, result.summary["board"]
    estimate = summary["estimate"]
    rows = [
        (f"accuracy, {name}", f"{value:.2%} of {result.n_samples}")
        for name, value in result.accuracies.items()
    ]
    adds, multiplies = summary["adds_per_sample"], summary["dense_multiplies_per_sample"]
    rows += [
        ("C simulation = integer model", "yes, bit for bit"),
        ("non-zero digits per weight", f"{summary['digits_per_weight']:.2f}"),
        ("adds per inference", f"{adds:,} (dense: {multiplies:,} multiplies)"),
        ("cycles per inference", f"{summary['latency_cycles']:,} (planned)"),
        ("cycles between inferences", f"{summary['interval_cycles']:,} (planned)"),
        (f"latency on {board}", f"{summary['latency_us']:.2f} us at {summary['clock_ns']:g} ns"),
        (
            "samples per second",
            f"{summary['samples_per_second']:,.0f} (planned, never on a board)",
        ),
        ("LUT / BRAM36", f"{estimate['luts']:,} / {estimate['bram36']:g} (estimate)"),
    ]
    return facts_table(rows)
