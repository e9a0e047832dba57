"""Train, bit-prune and save the convolutional networks that are built and simulated.

Run ``python benchmarks/cnn_train.py cifar --output nets --json nets/results.json``. The float
network is trained once for a seed and kept beside the others; each setting then starts from it
and ends in ``nets/cifar_pruned.bitfpga``. Accuracy is that of the whole test set, from torch and
from the integer reference. The tasks are those of ``cnn_tasks``; all but scikit-learn's digits need
data files (``BITFPGA_DATA``).
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import torch
from cnn_tasks import CNN_TASKS, float_network, shown
from measure import machine_line, markdown_table
from prune_runs import pruned
from prune_tasks import Task, accuracy
from torch import nn

import bitfpga
from bitfpga import Network, TestVectors, prune, reference

N_VECTORS = 32
_CALIBRATION = 64
_BATCH = 100


@dataclass(frozen=True)
class Trained:
    """A saved network. Accuracies are shares of the whole test set, seconds those of pruning."""

    task: str
    setting: str
    method: str
    seed: int
    epochs: tuple[int, int]
    weights: int
    digits_per_weight: float
    float_accuracy: float
    torch_accuracy: float
    integer_accuracy: float
    equal_outputs: float
    float_seconds: float
    seconds: float
    file: str


def outputs_of(
    network: Network, x: torch.Tensor
) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """Return what the integer reference answers, as real numbers, float64 [n, n_classes]."""
    parts = [network.quantise(part.numpy()) for part in x.split(_BATCH)]
    found = [reference.run(network, part) for part in shown(parts, "reference")]
    return network.dequantise(np.concatenate(found))


def with_vectors(network: Network, task: Task, model: nn.Module) -> Network:
    """Return ``network`` with the first test samples, their labels and the float outputs."""
    x, y = task.test[0][:N_VECTORS], task.test[1][:N_VECTORS]
    with torch.no_grad():
        floats = model(x).numpy()
    vectors = TestVectors(network.quantise(x.numpy()), y.numpy(), floats)
    return Network(network.name, network.input, network.layers, network.metadata, vectors)


def train(
    name: str, kind: str, task: Task, seed: int, folder: Path, file: Path | None = None
) -> Trained:
    """Train setting ``kind`` of the task ``name`` and save the network in ``folder``."""
    whole, label = CNN_TASKS[name], f"{name}_{kind}"
    setting = whole.settings[kind]
    model, float_seconds = float_network(task, whole.augment, seed, folder / f"{name}_float")
    began = time.perf_counter()
    small = pruned(task, setting, model, seed, augment=whole.augment)
    seconds = time.perf_counter() - began
    network = bitfpga.from_torch(small, task.train[0][:_CALIBRATION].numpy(), name=label)
    path = file or folder / f"{label}.bitfpga"
    with_vectors(network, task, model).save(path)
    found, x, y = prune.summary(small), *task.test
    with torch.no_grad():
        expected = torch.cat([small(part) for part in x.split(_BATCH)]).numpy()
    got = outputs_of(network, x)
    return Trained(
        task=name,
        setting=kind,
        method=f"{setting.family}, {setting.label}",
        seed=seed,
        epochs=task.epochs,
        weights=found.n_weights,
        digits_per_weight=found.digits_per_weight("csd"),
        float_accuracy=accuracy(model, task.test),
        torch_accuracy=float(np.mean(expected.argmax(1) == y.numpy())),
        integer_accuracy=float(np.mean(got.argmax(1) == y.numpy())),
        equal_outputs=float(np.mean(got == expected)),
        float_seconds=float_seconds,
        seconds=seconds,
        file=path.name,
    )


def table(results: Sequence[Trained]) -> str:
    """Return the results as a Markdown table."""
    header = ["network", "method", "weights", "CSD digits per weight", "float, %", "torch, %"]
    header += ["integers, %", "equal outputs, %", "epochs", "s"]
    rows = [
        [
            f"{r.task}_{r.setting}",
            r.method,
            f"{r.weights:,}",
            f"{r.digits_per_weight:.3f}",
            *(f"{100 * share:.2f}" for share in (r.float_accuracy, r.torch_accuracy)),
            *(f"{100 * share:.2f}" for share in (r.integer_accuracy, r.equal_outputs)),
            " + ".join(map(str, r.epochs)),
            f"{r.float_seconds:.0f} + {r.seconds:.0f}",
        ]
        for r in results
    ]
    return machine_line() + "\n" + markdown_table(header, rows)


def keep(path: Path, result: Trained) -> None:
    """Put ``result`` into the JSON list of ``path``, in the place of an earlier one of its file."""
    known = json.loads(path.read_text()) if path.exists() else []
    kept = [row for row in known if row["file"] != result.file] + [asdict(result)]
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps(kept, indent=1) + "\n")
    partial.replace(path)


def _arguments(values: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("task", choices=CNN_TASKS)
    parser.add_argument("settings", nargs="*", help="names of its settings; default: all")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--epochs", type=int, nargs=2, metavar=("FLOAT", "PRUNED"))
    parser.add_argument("--samples", type=int, help="only so many of the training and test set")
    folder = Path(tempfile.gettempdir()) / "bitfpga-nets"
    where = "folder, or NAME.bitfpga for a single setting (default: %(default)s)"
    parser.add_argument("--output", type=Path, default=folder, help=where)
    parser.add_argument("--json", type=Path, help="list of results that these are added to")
    found = parser.parse_args(values)
    known = CNN_TASKS[found.task].settings
    found.settings = found.settings or list(known)
    unknown = [name for name in found.settings if name not in known]
    if unknown:
        parser.error(f"{found.task} has no setting {', '.join(unknown)}, but {', '.join(known)}")
    if found.output.suffix == ".bitfpga" and len(found.settings) > 1:
        parser.error("one file holds one network: name one setting, or give a folder")
    return found


def main(values: Sequence[str] | None = None) -> None:
    """Train what the command line asks for and print a table."""
    options = _arguments(values)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    torch.set_num_threads(1)
    try:
        task = CNN_TASKS[options.task].make(options.seed)
    except FileNotFoundError as error:
        sys.exit(f"{error.filename} is not there: set BITFPGA_DATA to the folder of the data files")
    if options.epochs:
        task = replace(task, epochs=tuple(options.epochs))
    if options.samples:
        train_part, test = (
            (x[: options.samples], y[: options.samples]) for x, y in (task.train, task.test)
        )
        task = replace(task, train=train_part, test=test)
    is_file = options.output.suffix == ".bitfpga"
    folder = options.output.parent if is_file else options.output
    folder.mkdir(parents=True, exist_ok=True)
    results = []
    for kind in options.settings:
        file = options.output if is_file else None
        results.append(train(options.task, kind, task, options.seed, folder, file))
        if options.json:
            keep(options.json, results[-1])
    print(table(results))


if __name__ == "__main__":
    main()
