"""Convolutional networks that the benchmarks share, and integer ones of their shapes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import torch
from cnn_random import integer_network
from prune_tasks import cnn
from torch import nn

from bitfpga import Network, TensorType


def digits_cnn() -> nn.Module:
    """Return a CNN of 8x8 digits, [n, 1, 8, 8] to [n, 10]; 1,864 weights."""
    return nn.Sequential(
        *(*_conv(1, 8, 3, padding=1), nn.MaxPool2d(2)),
        *(*_conv(8, 16, 3, padding=1), nn.MaxPool2d(2)),
        *(nn.Flatten(), nn.Linear(64, 10)),
    )


def lenet() -> nn.Module:
    """Return LeNet-5 with ReLU and max pooling, [n, 1, 28, 28] to [n, 10]; 61,470 weights."""
    return nn.Sequential(
        *(*_conv(1, 6, 5, padding=2), nn.MaxPool2d(2)),
        *(*_conv(6, 16, 5), nn.MaxPool2d(2), nn.Flatten()),
        *(nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10)),
    )


def ds_cnn(n_classes: int = 12) -> nn.Module:
    """Return the keyword spotter of MLPerf Tiny, [n, 1, 49, 10] to [n, n_classes]; 2.7 M MAC."""
    blocks = _conv(1, 64, (10, 4), stride=2, padding=(5, 1))
    for _ in range(4):
        blocks += _conv(64, 64, 3, padding=1, groups=64)
        blocks += _conv(64, 64, 1)
    return nn.Sequential(*blocks, nn.AvgPool2d((25, 5)), nn.Flatten(), nn.Linear(64, n_classes))


def autoencoder() -> nn.Module:
    """Return the anomaly detector of MLPerf Tiny, [n, 640] to [n, 640]; 265 k weights."""
    widths = [640, 128, 128, 128, 128, 8, 128, 128, 128, 128]
    layers: list[nn.Module] = []
    for n_in, n_out in pairwise(widths):
        layers += [nn.Linear(n_in, n_out, bias=False), nn.BatchNorm1d(n_out), nn.ReLU()]
    return nn.Sequential(*layers, nn.Linear(128, 640))


def resnet8() -> nn.Module:
    """Return the image classifier of MLPerf Tiny, [n, 3, 32, 32] to [n, 10]; 12.5 M MAC."""
    blocks = [_Block(16, 16, 1), _Block(16, 32, 2), _Block(32, 64, 2)]
    head = (nn.AvgPool2d(8), nn.Flatten(), nn.Linear(64, 10))
    return nn.Sequential(*_conv(3, 16, 3, padding=1), *blocks, *head)


def resnet18() -> nn.Module:
    """Return ResNet-18 in its CIFAR geometry, [n, 3, 32, 32] to [n, 10]; 11.2 M weights."""
    blocks: list[nn.Module] = []
    n_in = 64
    for n_out, stride in ((64, 1), (128, 2), (256, 2), (512, 2)):
        blocks += [_Block(n_in, n_out, stride), _Block(n_out, n_out, 1)]
        n_in = n_out
    head = (nn.AvgPool2d(4), nn.Flatten(), nn.Linear(512, 10))
    return nn.Sequential(*_conv(3, 64, 3, padding=1), *blocks, *head)


class _Block(nn.Module):
    """Two 3x3 convolutions and the input added, through a 1x1 convolution where shapes differ."""

    def __init__(self, n_in: int, n_out: int, stride: int) -> None:
        super().__init__()
        second = nn.Conv2d(n_out, n_out, 3, padding=1, bias=False)
        first = _conv(n_in, n_out, 3, stride=stride, padding=1)
        self.body = nn.Sequential(*first, second, nn.BatchNorm2d(n_out))
        same = n_in == n_out and stride == 1
        self.shortcut = nn.Identity() if same else nn.Conv2d(n_in, n_out, 1, stride=stride)
        self.relu = nn.ReLU()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the block's output, [n, n_out, height / stride, width / stride]."""
        out: torch.Tensor = self.relu(self.body(x) + self.shortcut(x))
        return out


def _conv(n_in: int, n_out: int, kernel: Any, **options: Any) -> list[nn.Module]:
    convolution = nn.Conv2d(n_in, n_out, kernel, bias=False, **options)
    return [convolution, nn.BatchNorm2d(n_out), nn.ReLU()]


@dataclass(frozen=True)
class Net:
    """How a network is made, and its input: shape without batch, signed or not."""

    make: Callable[[], nn.Module]
    shape: tuple[int, ...]
    signed: bool = False


NETS: dict[str, Net] = {
    "digits_cnn": Net(digits_cnn, (1, 8, 8)),
    "mnist_cnn": Net(cnn, (1, 28, 28)),
    "lenet": Net(lenet, (1, 28, 28)),
    "ds_cnn": Net(ds_cnn, (1, 49, 10), signed=True),
    "autoencoder": Net(autoencoder, (640,), signed=True),
    "resnet8": Net(resnet8, (3, 32, 32)),
    "resnet18": Net(resnet18, (3, 32, 32)),
}


def random_network(
    name: str, digits_per_weight: float, seed: int = 0, act_bits: int = 8
) -> Network:
    """Return a network of ``NETS`` with random integer weights, batch norms and ReLUs folded.

    ``digits_per_weight``: the mean CSD digits of the weights of every layer, 0 to 4, drawn as
    ``cnn_random`` says. ``act_bits``: of the input and all activations, 2 to 16; the output has 16.
    """
    net = NETS[name]
    input_type = TensorType(net.shape, act_bits, net.signed, 2.0**-act_bits)
    with torch.device("meta"):
        module = net.make()
    return integer_network(name, module, input_type, digits_per_weight, seed)
