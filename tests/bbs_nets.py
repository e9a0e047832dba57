"""Small networks whose weights are coded in groups, for tests of number system ``bbs``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from mlps import requantise

from bitfpga.ir import Conv, Dense, Layer, Network, Reshape, TensorType
from bitfpga.prune.bbs import BbsConfig, prune_layer

MODES = ("rounded_averaging", "zero_point_shifting")


def coded(layer: Any, config: BbsConfig, seed: int = 0, n_sensitive: int | None = None) -> Any:
    """Return a Dense or Conv layer with random pruned weights; a third of its outputs sensitive."""
    rng = np.random.default_rng(seed)
    rows = rng.normal(0, 40, layer.weight.shape).round().clip(-128, 127).astype(np.int16)
    rows = rows.reshape(len(rows), -1)
    sensitive = np.zeros(len(rows), np.bool_)
    count = -(-len(rows) // 3) if n_sensitive is None else n_sensitive
    sensitive[rng.permutation(len(rows))[:count]] = True
    weight, groups = prune_layer(rows, sensitive, config)
    return replace(layer, weight=weight.reshape(layer.weight.shape), bit_groups=groups)


def conv(
    name: str,
    source: TensorType,
    output: TensorType,
    before: str = "input",
    groups: int = 1,
    stride: int = 1,
) -> Conv:
    """Return a convolution 3 x 3 of zeros that keeps or halves the map."""
    weight = np.zeros((output.shape[0], source.shape[0] // groups, 3, 3), np.int16)
    return Conv(
        name,
        (before,),
        output,
        weight=weight,
        requantise=requantise(output, 3, 11, 9),
        stride=(stride, stride),
        padding=((1, 1), (1, 1)),
        dilation=(1, 1),
        groups=groups,
    )


def dense(name: str, source: TensorType, output: TensorType, before: str) -> Dense:
    """Return a dense layer of zeros."""
    weight = np.zeros((output.shape[-1], source.shape[-1]), np.int16)
    return Dense(name, (before,), output, weight=weight, requantise=requantise(output, 3, -5, 8))


def coded_network(
    config: BbsConfig, bits: Sequence[int] = (8, 7, 6), signed: bool = False, seed: int = 0
) -> Network:
    """Return two convolutions, a depthwise one, a flattened map and two dense layers.

    ``bits``: of the input, the maps and the vector; all but the input are ``signed`` or not.
    """
    tensor = TensorType((3, 5, 6), bits[0], not signed)
    one = TensorType((7, 5, 6), bits[1], signed)
    two, flat = TensorType((7, 3, 3), bits[1], signed), TensorType((63,), bits[1], signed)
    hidden, last = TensorType((21,), bits[2], signed), TensorType((4,), 9, True)
    layers: tuple[Layer, ...] = (
        coded(conv("a", tensor, one), config, seed),
        coded(conv("each", one, one, "a", groups=7), config, seed + 1),
        coded(conv("b", one, two, "each", stride=2), config, seed + 2),
        Reshape("flat", ("b",), flat),
        coded(dense("c", flat, hidden, "flat"), config, seed + 3),
        coded(dense("d", hidden, last, "c"), config, seed + 4),
    )
    return Network("coded", tensor, layers)
