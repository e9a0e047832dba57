"""Plans of convolutional networks for one chip: cycles, resources, and what bounds them.

Networks of random weights (``cnn_nets.random_network``) and the pruned MNIST networks are planned
for pynq-z2 (xc7z020) at 150 MHz within 85 % of its LUTs and 90 % of its block RAM; no DSP is used
by construction. Cycles are those of the pipeline simulated beat by beat by ``bitfpga.plan``. LUTs
and block RAM are its estimates: nothing here was synthesised or ran on a board.

    python benchmarks/stream_plan.py [--nets FOLDER] [--only rates,halves,mnist] [--json]

``--nets``: where the trained MNIST networks lie; what is missing is trained by ``cnn_train``.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise, product
from pathlib import Path
from typing import Any

import torch
from cnn_nets import random_network
from measure import cpu_seconds, machine_line
from safetensors.torch import load_file
from stream_memory import memory_row
from stream_tables import half_table, memory_table, mnist_table, rate_table

from bitfpga import Network, from_torch
from bitfpga.boards import load_board
from bitfpga.digits import NumberSystem
from bitfpga.errors import PlanError
from bitfpga.plan import Schedule, Target, plan

BOARD, CLOCK_NS = "pynq-z2", 1000 / 150
RATES = (
    ("resnet8", 1.3, 0.15),
    ("resnet8", 0.8, 0.10),
    ("ds_cnn", 1.0, 0.05),
    ("autoencoder", 0.8, 0.010),
)
CHIPS: dict[str, dict[str, Any]] = {
    "xc7z020": {},
    "xc7z010": {"part": "xc7z010clg400-1", "luts": 17600, "ffs": 35200, "bram36": 60, "dsps": 80},
}
HALVES = ("resnet8", "ds_cnn", "autoencoder", "lenet", "mnist_cnn")
HALVED = (2.4, 1.2, 0.6)
MNIST = {"bitpruner": "bitpruner, B 1", "bbs": "bbs, moderate"}
PUBLISHED = "published best of ResNet-8 on this chip: 0.411 ms with 211 DSP blocks"


@dataclass(frozen=True, eq=False)
class Planned:
    """A network's schedule, how it was asked for, and the CPU seconds that asking took."""

    network: Network
    schedule: Schedule
    asked: str
    seconds: float


def planned(
    network: Network,
    fps: float | None = None,
    system: NumberSystem = NumberSystem.CSD,
    chip: str = "xc7z020",
) -> Planned:
    """Return the plan for the board: the fastest, or the smallest that reaches ``fps``."""
    board, target = load_board(BOARD).model_copy(update=CHIPS[chip]), Target(fps=fps)
    seconds, schedule = cpu_seconds(
        lambda: plan(network, board, clock_ns=CLOCK_NS, number_system=system, target=target)
    )
    return Planned(network, schedule, "fastest" if fps is None else f"{fps:,.0f} fps", seconds)


def milliseconds(schedule: Schedule) -> float:
    """Return the interval of one sample."""
    return 1000 / schedule.samples_per_second


def best(network: Network, aim_ms: float) -> Planned:
    """Return the fastest plan; if it misses ``aim_ms``, the better of it and the one at the aim."""
    found = planned(network)
    if milliseconds(found.schedule) <= aim_ms:
        return found
    try:
        other = planned(network, 1000 / aim_ms)
    except PlanError:
        return replace(found, asked=f"{found.asked}; {1000 / aim_ms:,.0f} fps are refused")
    return min(found, other, key=lambda option: milliseconds(option.schedule))


def bound(found: Planned) -> str:
    """Return what bounds the interval: the port's one element a cycle, or the slowest layer."""
    schedule, network = found.schedule, found.network
    for name, tensor in (("input", network.input), ("output", network.output)):
        if schedule.interval_cycles <= tensor.size * schedule.n_samples:
            return f"{name}: {tensor.size} elements, one a cycle"
    layer = max(schedule.layers, key=lambda layer: layer.interval_cycles)
    return f"{layer.bound} of {layer.name}"


def figures(found: Planned) -> dict[str, Any]:
    """Return the figures of one plan; shares are of the whole board."""
    schedule, layers = found.schedule, [x for x in found.schedule.layers if x.n_pes]
    adds = schedule.n_taps * schedule.n_samples / schedule.interval_cycles
    n_taps = sum(layer.n_taps for layer in layers)
    stored = sum(layer.tap_bits for layer in layers)
    least = sum(layer.n_taps * layer.entropy for layer in layers)
    return {
        "network": schedule.network,
        "digits": schedule.digits_per_weight,
        "asked": found.asked,
        "ms": milliseconds(schedule),
        "latency_ms": schedule.latency_us / 1000,
        "cycles": schedule.interval_cycles,
        "luts": schedule.resources.luts / schedule.board.luts,
        "bram36": schedule.resources.bram36 / schedule.board.bram36,
        "adds_per_cycle": adds,
        "utilisation": adds / sum(layer.n_pes * layer.n_columns for layer in layers),
        "bits_per_tap": stored / n_taps,
        "of_entropy": stored / least,
        "seconds": found.seconds,
        "simulated": schedule.simulated,
        "bound": bound(found),
        "samples": schedule.n_samples,
    }


def rates(cases: Sequence[tuple[str, float, float]] = RATES) -> list[dict[str, Any]]:
    """Plan networks (name, digits per weight, ms aimed at) and say what their memories hold."""
    found = []
    for name, digits, aim in cases:
        network = random_network(name, digits)
        option = best(network, aim)
        memory = memory_row(network, option.schedule)
        found.append({**figures(option), "aim": aim, "memory": memory})
    return found


def halves(names: Sequence[str] = HALVES, digits: Sequence[float] = HALVED) -> list[dict[str, Any]]:
    """Plan networks for speed with ``digits`` per weight, each half of the one before.

    8-bit weights that are not pruned have about 2.4. On the smaller chip the autoencoder's taps
    lie in memory at all of them, so it is left out there.
    """
    found = []
    for chip, name in product(CHIPS, names):
        if (chip, name) == ("xc7z010", "autoencoder"):
            continue
        plans = [figures(planned(random_network(name, d), chip=chip)) for d in digits]
        for whole, half in pairwise(plans):
            ratio = half["ms"] / whole["ms"]
            found.append({"chip": chip, "whole": whole, "half": half, "ratio": ratio})
    return found


def mnist(folder: Path) -> list[dict[str, Any]]:
    """Plan the MNIST CNN as it is pruned by each method, and without pruning."""
    networks = mnist_networks(folder)
    plans = {name: planned(network) for name, network in networks.items()}
    own = "bbs, moderate, as minority digits"
    plans[own] = planned(networks["bbs, moderate"], system=NumberSystem.BBS)
    return [{**figures(found), "network": name} for name, found in plans.items()]


def mnist_networks(folder: Path) -> dict[str, Network]:
    """Return the MNIST CNN in 8 bit, from the float network in ``folder``, and pruned.

    What is not there yet is trained by ``cnn_train``.
    """
    from cnn_tasks import CNN_TASKS
    from cnn_train import train

    folder.mkdir(parents=True, exist_ok=True)
    task = CNN_TASKS["mnist"].make(0)
    for kind in MNIST:
        if not (folder / f"mnist_{kind}.bitfpga").exists():
            train("mnist", kind, task, 0, folder)
    tensors = load_file(next(folder.glob("mnist_float_seed0_*.safetensors")))
    tensors.pop("seconds")
    model = task.make().eval()
    model.load_state_dict(tensors)
    plain = from_torch(model, task.train[0][:64].numpy(), name="mnist_8bit")
    pruned = {name: Network.load(folder / f"mnist_{kind}.bitfpga") for kind, name in MNIST.items()}
    return {"8 bit, not pruned": plain, **pruned}


def main() -> None:
    """Plan, and print Markdown tables or JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--nets", type=Path, default=Path(tempfile.gettempdir()) / "bitfpga-nets")
    parser.add_argument("--only", default="rates,halves,mnist")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(1)
    tables = {
        "rates": (rates, rate_table),
        "halves": (halves, half_table),
        "mnist": (lambda: mnist(options.nets), mnist_table),
    }
    found = {name: tables[name][0]() for name in options.only.split(",")}
    if options.json:
        print(json.dumps(found, indent=1))
        return
    print(machine_line())
    for name, rows in found.items():
        print(tables[name][1](rows))
        if name == "rates":
            print(memory_table(rows))
            print(PUBLISHED)
            print()


if __name__ == "__main__":
    main()
