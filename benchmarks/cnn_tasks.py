"""What the convolutional benchmarks train: data, float networks, and how each is pruned.

``prune_tasks`` has MNIST and the spoken digits; here are CIFAR-10 (a subset, decoded from JPEG:
compare with its own float network only), scikit-learn's digits as images, and the keyword spotter
of MLPerf Tiny on the spoken digits.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from cnn_nets import digits_cnn, ds_cnn, lenet, resnet8
from prune_runs import Setting
from prune_tasks import DATA, Augment, Task, digits, fsdd, mnist
from rich.console import Console
from rich.progress import track
from safetensors.torch import load_file, save_file
from torch import nn

from bitfpga.prune import Bbs, BitPruner, BitPruning

_Item = TypeVar("_Item")
_CROP = 4


@dataclass(frozen=True, eq=False)
class CnnTask:
    """A data set with its network, the settings it is pruned by, and what changes each batch."""

    make: Callable[[int], Task]
    settings: dict[str, Setting]
    augment: Augment | None = None


def _bit_pruning(pull: float, eta: float = 1.0, projects_from: float = 0.25) -> Setting:
    method = BitPruning(pull=pull, projects_from=projects_from if eta else 0.0)
    return Setting("bit_pruning", f"lambda {pull:g}, eta {eta:g}", method, eta)


def cifar(seed: int) -> Task:
    """Return 5,000 and 2,000 images of CIFAR-10, float32 [n, 3, 32, 32] in 0..1, and ResNet-8."""
    with np.load(DATA / "cifar10_jpg_5k2k.npz", allow_pickle=False) as data:
        train, test = (
            (_images(data[f"x_{part}"]), torch.from_numpy(data[f"y_{part}"].astype(np.int64)))
            for part in ("train", "test")
        )
    return Task("cifar", train, test, test, _channels_last(resnet8), (80, 40), 4e-3, 64)


def _images(pixels: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]) -> torch.Tensor:
    return torch.from_numpy(pixels.transpose(0, 3, 1, 2).astype(np.float32) / 256).contiguous()


def _channels_last(make: Callable[[], nn.Module]) -> Callable[[], nn.Module]:
    """Return a maker of the same networks in the memory order that trains faster."""
    return lambda: make().to(memory_format=torch.channels_last)  # type: ignore[call-overload]


def digit_images(seed: int) -> Task:
    """Return scikit-learn's digits as images [n, 1, 8, 8], and a CNN of 1,864 weights."""
    task = digits(seed)
    train, test = ((x.reshape(-1, 1, 8, 8), y) for x, y in (task.train, task.test))
    return replace(task, train=train, held_out=test, test=test, make=digits_cnn)


def flip_and_crop(x: torch.Tensor) -> torch.Tensor:
    """Return images [n, c, h, w], each flipped or not and moved by up to 4 pixels, 0 around."""
    n, channels, height, width = x.shape
    flipped = torch.where(torch.rand(n, 1, 1, 1) < 0.5, x.flip(3), x)
    padded = nn.functional.pad(flipped, (_CROP,) * 4)
    tops, lefts = torch.randint(2 * _CROP + 1, (2, n, 1, 1, 1))
    rows = tops + torch.arange(height)[:, None]
    columns = lefts + torch.arange(width)
    image, channel = torch.arange(n)[:, None, None, None], torch.arange(channels)[:, None, None]
    return padded[image, channel, rows, columns]


def _like(base: Callable[[int], Task], make: Callable[[], nn.Module], seed: int) -> Task:
    return replace(base(seed), make=make)


_MNIST = {
    "pruned": _bit_pruning(1.001),
    "sparse": _bit_pruning(4.0, eta=0.0),
    "bitpruner": Setting("bitpruner", "B 1", BitPruner(1), 1.0, zeros=0.5),
    "bbs": Setting("bbs", "moderate", Bbs("moderate")),
}
_SPOKEN = {"pruned": _bit_pruning(1.001), "sparse": _bit_pruning(2.0)}

CNN_TASKS: dict[str, CnnTask] = {
    "digits": CnnTask(digit_images, {"pruned": _bit_pruning(1.001), "sparse": _bit_pruning(4.0)}),
    "fsdd": CnnTask(fsdd, _SPOKEN),
    "keywords": CnnTask(partial(_like, fsdd, partial(ds_cnn, 10)), _SPOKEN),
    "mnist": CnnTask(mnist, _MNIST),
    "lenet": CnnTask(partial(_like, mnist, lenet), _MNIST),
    "cifar": CnnTask(
        cifar, {"pruned": _bit_pruning(0.5), "sparse": _bit_pruning(2.5)}, flip_and_crop
    ),
}


def train_float(task: Task, augment: Augment | None, seed: int, epochs: int) -> nn.Module:
    """Return the float network after ``epochs`` of AdamW with a cosine schedule, in eval mode."""
    torch.manual_seed(seed)
    model, (x, y) = task.make().train(), task.train
    optimizer = torch.optim.AdamW(model.parameters(), task.lr, weight_decay=1e-2)
    batches_of = [-(-len(x) // task.batch_size)] * epochs
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, max(1, sum(batches_of)))
    for _ in shown(range(epochs), f"{task.name} float"):
        for rows in torch.randperm(len(x)).split(task.batch_size):
            batch = x[rows] if augment is None else augment(x[rows])
            loss = nn.functional.cross_entropy(model(batch), y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
    return model.eval()


def float_network(
    task: Task, augment: Augment | None, seed: int, kept: Path
) -> tuple[nn.Module, float]:
    """Return the float network and the seconds its training took.

    It is trained only where no file that starts with ``kept`` has one of this seed and length.
    """
    length = f"samples{len(task.train[0])}_epochs{task.epochs[0]}"
    file = kept.with_name(f"{kept.name}_seed{seed}_{length}.safetensors")
    if file.exists():
        model = task.make()
        tensors = load_file(file)
        seconds = float(tensors.pop("seconds"))
        model.load_state_dict(tensors)
        return model.eval(), seconds
    began = time.perf_counter()
    model = train_float(task, augment, seed, task.epochs[0])
    seconds = time.perf_counter() - began
    tensors = {key: tensor.contiguous() for key, tensor in model.state_dict().items()}
    save_file(tensors | {"seconds": torch.tensor(seconds, dtype=torch.float64)}, file)
    return model, seconds


def shown(items: Sequence[_Item], what: str) -> Iterable[_Item]:
    """Return ``items`` with a progress bar on stderr, if that is a terminal."""
    console = Console(stderr=True)
    return track(items, what, console=console, disable=not console.is_terminal)
