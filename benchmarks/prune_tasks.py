"""The data sets and float networks that the pruning methods are measured on.

Data files are not part of this repository: ``BITFPGA_DATA`` names their folder (default:
shared/data beside the checkout). scikit-learn's digits come with scikit-learn.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn

DATA = Path(os.environ.get("BITFPGA_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))

MNIST_HELD_OUT = 10_000
Augment = Callable[[torch.Tensor], torch.Tensor]


@dataclass(frozen=True, eq=False)
class Task:
    """A data set, a float network, and how long both are trained.

    ``x``: float32 [n, ...]; ``y``: int64 [n]. ``held_out`` is what settings are chosen by: a part
    of the training data, or the test data where there is too little of it. ``epochs``: of the
    float network, then of each pruned one.
    """

    name: str
    train: tuple[torch.Tensor, torch.Tensor]
    held_out: tuple[torch.Tensor, torch.Tensor]
    test: tuple[torch.Tensor, torch.Tensor]
    make: Callable[[], nn.Module]
    epochs: tuple[int, int]
    lr: float
    batch_size: int


def digits(seed: int) -> Task:
    """Return scikit-learn's 8x8 digits, a quarter held out by ``seed``, and an MLP 64-96-10."""
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    pixels, labels = load_digits(return_X_y=True)
    x, x_test, y, y_test = train_test_split(
        (pixels / 16).astype(np.float32),
        labels.astype(np.int64),
        test_size=0.25,
        random_state=seed,
        stratify=labels,
    )
    train, test = _tensors(x, y), _tensors(x_test, y_test)
    return Task("digits", train, test, test, _mlp, (60, 60), 4e-3, 64)


def mnist(seed: int) -> Task:
    """Return MNIST, official split, 10,000 held out by ``seed``, and a CNN of 29,936 weights."""
    with np.load(DATA / "mnist.npz", allow_pickle=False) as data:
        train, test = (
            _tensors(data[f"x_{part}"][:, None].astype(np.float32) / 256, data[f"y_{part}"])
            for part in ("train", "test")
        )
    order = torch.randperm(len(train[0]), generator=torch.Generator().manual_seed(seed))
    kept, held = order[:-MNIST_HELD_OUT], order[-MNIST_HELD_OUT:]
    held_out = train[0][held], train[1][held]
    train = train[0][kept], train[1][kept]
    return Task("mnist", train, held_out, test, cnn, (5, 3), 4e-3, 256)


def fsdd(seed: int) -> Task:
    """Return spoken digits as 49x10 MFCC, official split, and a DS-CNN of 6,920 weights."""
    with np.load(DATA / "fsdd_mfcc49x10.npz", allow_pickle=False) as data:
        x = {part: data[f"x_{part}"].astype(np.float32)[:, None] for part in ("train", "test")}
        y = {part: data[f"y_{part}"] for part in ("train", "test")}
    mean, deviation = x["train"].mean((0, 2)), x["train"].std((0, 2))
    train, test = (
        _tensors((x[part] - mean) / (2 * deviation), y[part]) for part in ("train", "test")
    )
    return Task("fsdd", train, test, test, _ds_cnn, (25, 15), 4e-3, 64)


TASKS: dict[str, Callable[[int], Task]] = {"digits": digits, "mnist": mnist, "fsdd": fsdd}


def _tensors(
    x: np.ndarray[tuple[int, ...], np.dtype[np.float32]],
    y: np.ndarray[tuple[int], np.dtype[np.int64]],
) -> tuple[torch.Tensor, torch.Tensor]:
    return torch.from_numpy(np.ascontiguousarray(x)), torch.from_numpy(y.astype(np.int64))


def _mlp() -> nn.Module:
    return nn.Sequential(nn.Linear(64, 96), nn.ReLU(), nn.Linear(96, 10))


def cnn() -> nn.Module:
    return nn.Sequential(
        *(nn.Conv2d(1, 8, 5, stride=2, padding=2, bias=False), nn.BatchNorm2d(8), nn.ReLU()),
        *(nn.Conv2d(8, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16), nn.ReLU()),
        nn.MaxPool2d(2),
        *(nn.Flatten(), nn.Linear(784, 36), nn.ReLU(), nn.Linear(36, 10)),
    )


def _ds_cnn() -> nn.Module:
    blocks: list[nn.Module] = [nn.Conv2d(1, 40, 4, (3, 2), bias=False)]
    blocks += [nn.BatchNorm2d(40), nn.ReLU()]
    for _ in range(3):
        for convolution in (
            nn.Conv2d(40, 40, 3, padding=1, groups=40, bias=False),
            nn.Conv2d(40, 40, 1, bias=False),
        ):
            blocks += [convolution, nn.BatchNorm2d(40), nn.ReLU()]
    return nn.Sequential(*blocks, nn.AvgPool2d((16, 4)), nn.Flatten(), nn.Linear(40, 10))


def trained(task: Task, seed: int) -> nn.Module:
    """Return the float network after its training, in eval mode."""
    torch.manual_seed(seed)
    model = task.make()
    x, y = task.train
    optimizer = torch.optim.AdamW(model.parameters(), task.lr, weight_decay=1e-2)
    steps = task.epochs[0] * -(-len(x) // task.batch_size)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    model.train()
    for _ in range(task.epochs[0]):
        for rows in torch.randperm(len(x)).split(task.batch_size):
            loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
    return model.eval()


def accuracy(model: nn.Module, data: tuple[torch.Tensor, torch.Tensor]) -> float:
    """Return the share of samples whose largest output is the label's."""
    with torch.no_grad():
        batches = zip(data[0].split(500), data[1].split(500), strict=True)
        return sum(int((model(x).argmax(1) == y).sum()) for x, y in batches) / len(data[0])
