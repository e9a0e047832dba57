"""What the bit_pruning penalty adds to a training step, beside plain quantisation, in one run.

``python benchmarks/prune_step.py`` takes the steps of the two by turns on the CPU (one thread);
``--cuda`` takes ResNet-18 in CIFAR geometry at batch 512 on a GPU and adds the peak memory.
"""

from __future__ import annotations

import argparse
import time
from statistics import median

import torch
from measure import machine_line, markdown_table
from prune_tasks import cnn
from torch import nn
from torch.nn import functional as F

from bitfpga import prune


class Block(nn.Module):
    """Two 3x3 convolutions and a shortcut."""

    def __init__(self, before: int, after: int, stride: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(before, after, 3, stride, 1, bias=False),
            nn.BatchNorm2d(after),
            nn.ReLU(),
            nn.Conv2d(after, after, 3, 1, 1, bias=False),
            nn.BatchNorm2d(after),
        )
        self.shortcut: nn.Module = nn.Identity()
        if before != after:
            projection = nn.Conv2d(before, after, 1, stride, bias=False)
            self.shortcut = nn.Sequential(projection, nn.BatchNorm2d(after))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.relu(self.body(x) + self.shortcut(x))


def resnet18() -> nn.Module:
    """Return ResNet-18 with a 3x3 stem and no first pooling, for 3x32x32 images."""
    blocks = [
        Block(before, after, stride)
        for before, after, stride in (
            *((64, 64, 1), (64, 64, 1), (64, 128, 2), (128, 128, 1)),
            *((128, 256, 2), (256, 256, 1), (256, 512, 2), (512, 512, 1)),
        )
    ]
    stem = [nn.Conv2d(3, 64, 3, 1, 1, bias=False), nn.BatchNorm2d(64), nn.ReLU()]
    return nn.Sequential(*stem, *blocks, nn.AvgPool2d(4), nn.Flatten(), nn.Linear(512, 10))


class Stepper:
    """One model with its optimiser; ``step`` trains on one batch and returns the seconds."""

    def __init__(self, model: nn.Module, method: str, device: str) -> None:
        torch.manual_seed(0)
        self.model = prune.prepare(model, method).to(device).train()
        self.eta = float(method != "plain")
        self.optimizer = torch.optim.AdamW(prune.parameter_groups(self.model, 1e-3))
        self.device = device

    def step(self, x: torch.Tensor, y: torch.Tensor) -> float:
        """Take one step, waiting for the device before and after."""
        self._wait()
        started = time.perf_counter()
        loss = F.cross_entropy(self.model(x), y)
        if self.eta:
            loss = loss + self.eta * prune.penalty(self.model)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        prune.step(self.model, self.optimizer)
        self._wait()
        return time.perf_counter() - started

    def _wait(self) -> None:
        if self.device == "cuda":
            torch.cuda.synchronize()


def measure(
    model: nn.Module, shape: tuple[int, ...], steps: int, device: str
) -> dict[str, list[float]]:
    """Return (median seconds, least seconds, peak GiB or 0) per step of both methods."""
    x = torch.rand(shape, device=device)
    y = torch.randint(0, 10, (shape[0],), device=device)
    steppers = {name: Stepper(model, name, device) for name in ("plain", "bit_pruning")}
    seconds: dict[str, list[float]] = {name: [] for name in steppers}
    peaks = dict.fromkeys(steppers, 0.0)
    for turn in range(steps + 3):
        for name, stepper in steppers.items():
            if device == "cuda":
                torch.cuda.reset_peak_memory_stats()
            taken = stepper.step(x, y)
            if turn >= 3:  # the first steps allocate
                seconds[name].append(taken)
            if device == "cuda":
                peaks[name] = torch.cuda.max_memory_allocated() / 2**30
    return {name: [median(s), min(s), peaks[name]] for name, s in seconds.items()}


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--batch", type=int, help="samples a step (256; with --cuda 512)")
    parser.add_argument("--cuda", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(1)
    device = "cuda" if options.cuda else "cpu"
    cases: dict[str, tuple[nn.Module, tuple[int, ...]]] = {
        "MNIST CNN": (cnn(), (options.batch or 256, 1, 28, 28))
    }
    if options.cuda:
        cases = {"ResNet-18, 3x32x32": (resnet18(), (options.batch or 512, 3, 32, 32))}
    print(machine_line() + (torch.cuda.get_device_name() + "\n" if options.cuda else ""))
    table = []
    for label, (model, shape) in cases.items():
        found = measure(model, shape, options.steps, device)
        ratio = found["bit_pruning"][0] / found["plain"][0]
        for name, (middle, least, peak) in found.items():
            memory = f"{peak:.2f}" if options.cuda else ""
            row = [label, str(shape[0]), name, f"{1e3 * middle:.1f}", f"{1e3 * least:.1f}"]
            table.append([*row, f"{ratio:.2f}x" if name != "plain" else "", memory])
    header = ["network", "batch", "method", "ms per step", "least", "of plain", "peak, GiB"]
    print(markdown_table(header, table))


if __name__ == "__main__":
    main()
