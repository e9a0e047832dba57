"""The pruning methods on real data: accuracy against digits and energy, and gates to pass.

Run ``python benchmarks/prune_methods.py digits mnist fsdd --jobs 2``. Every network is trained from
the float network of its seed; integers are those that ``from_torch`` builds, and torch's outputs
must equal the integer network's. ``--smoke`` is what CI runs: one seed, two methods, few samples.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, replace
from itertools import product
from multiprocessing import get_context
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import torch
from measure import machine_line, markdown_table
from prune_gates import gates, multiplies
from prune_runs import Point, run, settings
from prune_tasks import TASKS, accuracy, trained

from bitfpga.prune.plot import SweepPoint, plot_sweep

HEADER = [
    "method",
    "setting",
    "accuracy, %",
    "non-zero",
    "one-bits",
    "CSD digits",
    "stored bits",
    "lock-step cycles",
    "multiply-add, nJ",
    "add-shift-add, nJ",
    "exact",
]


def one_seed(
    name: str, seed: int, smoke: bool, done: frozenset[tuple[str, str]] = frozenset()
) -> tuple[float, list[Point]]:
    """Return the float accuracy and the pruned networks, but those ``done``, of a task and seed."""
    torch.set_num_threads(1)
    task, chosen = TASKS[name](seed), settings(name)
    if smoke:
        train, test = ((x[:256], y[:256]) for x, y in (task.train, task.test))
        task = replace(task, train=train, held_out=test, test=test, epochs=(8, 4))
        chosen = [s for s in chosen if s.label in ("8 bit", "lambda 4, eta 1", "conservative")]
    model = trained(task, seed)
    points = []
    for setting in chosen:
        if (setting.family, setting.label) not in done:
            points.append(run(task, setting, model, seed))
            print(f"{name} {seed}: {points[-1]}", file=sys.stderr, flush=True)
    return accuracy(model, task.test), points


class Kept:
    """Results by task and seed, kept in a file (if there is one) so that a run can go on later."""

    def __init__(self, path: Path | None) -> None:
        self.path = path
        is_there = path is not None and path.exists()
        self.found: dict[str, dict[str, Any]] = json.loads(path.read_text()) if is_there else {}

    def add(self, name: str, seed: int, float_accuracy: float, points: Sequence[Point]) -> None:
        """Keep one more result."""
        known = self.found.setdefault(name, {}).setdefault(str(seed), {"points": []})
        known["float"] = float_accuracy
        known["points"] += [asdict(point) for point in points]
        if self.path is not None:
            partial = self.path.with_suffix(".partial")
            partial.write_text(json.dumps(self.found, indent=1))
            partial.replace(self.path)

    def done(self, name: str, seed: int) -> frozenset[tuple[str, str]]:
        """Return (family, label) of what is kept already."""
        result = self.found.get(name, {}).get(str(seed), {"points": []})
        return frozenset((point["family"], point["label"]) for point in result["points"])

    def floats(self, name: str, seeds: int) -> list[float]:
        """Return the accuracies of the float networks."""
        return [self.found[name][str(seed)]["float"] for seed in range(seeds)]

    def points(self, name: str, seeds: int) -> list[Point]:
        """Return every pruned network of the seeds."""
        results = [self.found[name][str(seed)] for seed in range(seeds)]
        return [Point(**point) for result in results for point in result["points"]]


def measure(kept: Kept, names: Sequence[str], seeds: int, jobs: int, smoke: bool) -> None:
    """Train what ``kept`` does not hold yet."""
    with ProcessPoolExecutor(jobs, get_context("spawn")) as pool:
        work = {}
        for name, seed in product(names, range(seeds)):
            done = kept.done(name, seed)
            if smoke or len(done) < len(settings(name)):
                work[pool.submit(one_seed, name, seed, smoke, done)] = name, seed
        for finished in as_completed(work):
            kept.add(*work[finished], *finished.result())


def by_setting(points: Sequence[Point]) -> list[list[Point]]:
    """Return the points of each setting, over all seeds, in the order they were trained."""
    groups: dict[tuple[str, str], list[Point]] = {}
    for point in sorted(points, key=lambda p: (p.family, p.seed)):
        groups.setdefault((point.family, point.label), []).append(point)
    return list(groups.values())


def rows(points: Sequence[Point]) -> list[list[str]]:
    """Return the table's rows: means over seeds, and the deviation of the accuracy."""
    table = []
    for group in by_setting(points):
        values = [100 * point.accuracy for point in group]
        spread = f" ± {stdev(values):.2f}" if len(values) > 1 else ""
        figures = [
            f"{mean(getattr(point, field) for point in group):.{places}f}"
            for field, places in (
                ("density", 3),
                ("bits", 3),
                ("csd", 3),
                ("storage_bits", 2),
                ("lockstep", 2),
                ("mult_nj", 3),
                ("add_nj", 3),
            )
        ]
        exact = "yes" if all(point.exact for point in group) else "NO"
        table.append(
            [group[0].family, group[0].label, f"{mean(values):.2f}{spread}", *figures, exact]
        )
    return table


def plot(name: str, points: Sequence[Point], folder: Path) -> None:
    """Write the sweep of one task as SVG."""
    swept = [
        SweepPoint(
            f"{group[0].family} ({'mult' if multiplies(group[0]) else 'add'})",
            group[0].label,
            mean(point.accuracy for point in group),
            1e3 * mean(point.mult_nj if multiplies(point) else point.add_nj for point in group),
            mean(point.csd for point in group),
        )
        for group in by_setting(points)
    ]
    plot_sweep(swept, folder / f"prune_{name}.svg", "asic45")


def main() -> None:
    """Measure, then print tables and gates."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tasks", nargs="*", default=["digits"], choices=list(TASKS))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--jobs", type=int, default=1, help="processes of one thread each")
    parser.add_argument("--smoke", action="store_true", help="a quick run of a few settings")
    parser.add_argument("--keep", type=Path, help="JSON file of results; what it holds is not run")
    parser.add_argument("--plots", type=Path, help="folder for one SVG per task")
    options = parser.parse_args()
    kept = Kept(options.keep)
    measure(kept, options.tasks, options.seeds, options.jobs, options.smoke)
    print(machine_line())
    for name in options.tasks:
        points = kept.points(name, options.seeds)
        floats = ", ".join(f"{100 * value:.2f}" for value in kept.floats(name, options.seeds))
        print(f"### {name}: {options.seeds} seeds, float network {floats} %\n")
        print(markdown_table(HEADER, rows(points)))
        if not options.smoke:
            print(markdown_table(["gate", "found", "passed"], gates(name, points)))
        if options.plots:
            plot(name, points, options.plots)


if __name__ == "__main__":
    main()
