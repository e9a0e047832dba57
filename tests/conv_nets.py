"""Small convolutional networks for tests of planning: a residual block, pools and depthwise."""

from __future__ import annotations

import numpy as np
from mlps import dense, requantise

from bitfpga.ir import Add, AvgPool, Conv, MaxPool, Network, Reshape, TensorType


def conv_layer(
    name: str,
    source: str,
    shape: tuple[int, int, int, int],
    kernel: int,
    *,
    groups: int = 1,
    density: float = 0.6,
    seed: int = 0,
) -> Conv:
    """Return a convolution that keeps its map. ``shape``: inputs, outputs, height, width."""
    n_inputs, n_outputs, height, width = shape
    rng = np.random.default_rng(seed)
    weight = rng.integers(-90, 91, (n_outputs, n_inputs // groups, kernel, kernel))
    weight = (weight * (rng.random(weight.shape) < density)).astype(np.int16)
    output = TensorType((n_outputs, height, width), 8, False)
    return Conv(
        name,
        (source,),
        output,
        weight=weight,
        requantise=requantise(output, 1, 0, 8),
        stride=(1, 1),
        padding=((kernel // 2, kernel // 2),) * 2,
        dilation=(1, 1),
        groups=groups,
    )


def conv_net(channels: int, *, density: float = 0.6, seed: int = 0) -> Network:
    """Return a residual block, a depthwise convolution, a pool and a head on maps of 9 x 7."""
    maps = (channels, channels, 9, 7)
    options = {"density": density, "seed": seed}
    tensor = TensorType((channels, 9, 7), 8, False)
    small, one = TensorType((channels, 4, 3), 8, False), TensorType((channels, 1, 1), 8, False)
    mean = requantise(one, 5461, 0, 16)
    pool = {"stride": (2, 2), "padding": ((0, 0),) * 2}
    layers = (
        conv_layer("a", "input", maps, 3, **options),
        conv_layer("b", "a", maps, 3, **options),
        Add("sum", ("b", "input"), tensor, weights=(1, 1), requantise=requantise(tensor)),
        conv_layer("each", "sum", maps, 3, groups=channels, **options),
        MaxPool("pool", ("each",), small, kernel=(2, 2), dilation=(1, 1), **pool),
        AvgPool("mean", ("pool",), one, kernel=(4, 3), requantise=mean, **pool),
        Reshape("flat", ("mean",), TensorType((channels,), 8, False)),
        dense("fc", "flat", np.ones((5, channels)), TensorType((5,), 16, True)),
    )
    return Network("block", tensor, layers)
