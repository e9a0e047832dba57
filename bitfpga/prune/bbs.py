"""Bi-directional bit sparsity: binary pruning of a whole network, after training, without data.

BBS (Chen et al., MICRO 2024). Of the 8-bit weights of every Dense and Conv layer, groups along
the inputs of one output lose ``n_sparse`` of their 8 columns of bits; the outputs with the
largest scales stay as they are. (The paper's Algorithm 2 prints the two modes swapped; its text
and configurations decide.) A row shorter than a group, such as that of a depthwise convolution,
is one short group: it keeps a metadata byte of its own, so very short rows (under 8 / n_sparse
weights) grow.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from bitfpga.errors import PruneError
from bitfpga.ir import (
    GROUP_MODES,
    ROUNDED_AVERAGING,
    ZERO_POINT_SHIFTING,
    BitGroups,
    Conv,
    Dense,
    Layer,
    Network,
)
from bitfpga.ir.groups import MAX_GROUP_SIZE, MAX_SPARSE, SUB_GROUP
from bitfpga.prune.bbs_code import WEIGHT_HIGH, WEIGHT_LOW, prune_matrix
from bitfpga.prune.bbs_store import code_bits

Integers = npt.NDArray[np.integer[Any]]
Flags = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.floating[Any]]
SENSITIVE_MULTIPLE = 32  # channels that the accelerator handles at a time


def _is_int(value: object, low: int, high: int, step: int = 1) -> bool:
    return type(value) is int and low <= value <= high and value % step == 0


def _is_share(value: object) -> bool:
    return isinstance(value, int | float) and 0 <= value <= 1


@dataclass(frozen=True)
class BbsConfig:
    """How to prune: ``n_sparse`` columns (1..6) of each group, by ``mode`` (``ir.GROUP_MODES``).

    ``sensitive_share`` (0..1) of all channels stay 8-bit; groups have ``group_size`` weights, a
    multiple of 8 up to 1024. ``PruneError`` lists every setting that is not allowed.
    """

    n_sparse: int
    mode: str
    sensitive_share: float
    group_size: int = 32

    def __post_init__(self) -> None:
        sizes = f"multiples of {SUB_GROUP} (a sub-group of the hardware) up to {MAX_GROUP_SIZE}"
        checks = (
            ("n_sparse", _is_int(self.n_sparse, 1, MAX_SPARSE), f"1 to {MAX_SPARSE}"),
            ("mode", self.mode in GROUP_MODES, " or ".join(GROUP_MODES)),
            ("sensitive_share", _is_share(self.sensitive_share), "0 to 1"),
            ("group_size", _is_int(self.group_size, SUB_GROUP, MAX_GROUP_SIZE, SUB_GROUP), sizes),
        )
        problems = [
            f"{name} is {str(getattr(self, name))[:40]!r}, allowed: {allowed}"
            for name, fits, allowed in checks
            if not fits
        ]
        if problems:
            raise PruneError(f"bbs: {'; '.join(problems)}")


CONSERVATIVE = BbsConfig(n_sparse=2, mode=ROUNDED_AVERAGING, sensitive_share=0.1)
MODERATE = BbsConfig(n_sparse=4, mode=ZERO_POINT_SHIFTING, sensitive_share=0.2)
PRESETS = {"conservative": CONSERVATIVE, "moderate": MODERATE}


def sensitive_channels(scales: Sequence[Floats], share: float) -> list[Flags]:
    """Return which channels stay 8-bit, bool [n_outputs] of each layer.

    ``scales``: the real scale of each channel's integers, float [n_outputs] of each layer. The
    ``share`` of all channels (the nearest number, halves up) with the largest scales are
    sensitive, the first of equals; each layer's number is rounded up to a multiple of 32, or to
    all its channels, by its largest remaining scales.
    """
    counts = np.array([len(layer) for layer in scales], np.int64)
    n_sensitive = int(share * counts.sum() + 0.5)
    every = np.concatenate([np.zeros(0), *scales])
    top = np.argsort(-every, kind="stable")[:n_sensitive]
    layer_of = np.repeat(np.arange(len(counts)), counts)
    wanted = np.bincount(layer_of[top], minlength=len(counts))
    rounded = -(-wanted // SENSITIVE_MULTIPLE) * SENSITIVE_MULTIPLE
    flags = []
    for layer, count in zip(scales, rounded, strict=True):
        chosen = np.zeros(len(layer), np.bool_)
        chosen[np.argsort(-layer, kind="stable")[:count]] = True
        flags.append(chosen)
    return flags


def prune_layer(
    weight: Integers, sensitive: Flags, config: BbsConfig
) -> tuple[npt.NDArray[np.int16], BitGroups]:
    """Return the pruned weights, int16 [n_outputs, n_inputs], and their codes.

    ``weight``: int8 values [n_outputs, n_inputs]; ``sensitive``: bool [n_outputs], the rows that
    stay as they are. Zero-point shifting may leave weights slightly beyond 8 bits: the paper adds
    the constant after the multiplication. ``PruneError`` for other arrays.
    """
    code = prune_matrix(weight, config.n_sparse, config.mode, config.group_size)
    if sensitive.shape != weight.shape[:1] or sensitive.dtype != np.bool_:
        got = f"{sensitive.dtype} {list(sensitive.shape)}"
        raise PruneError(f"sensitive is {got}, expected bool [{len(weight)}], one for each output")
    groups = BitGroups(
        mode=config.mode,
        n_sparse=config.n_sparse,
        group_size=config.group_size,
        redundant=np.where(sensitive[:, None], np.uint8(0), code.redundant),
        constant=np.where(sensitive[:, None], np.int8(0), code.constant),
        sensitive=sensitive.astype(np.uint8),
    )
    pruned = np.where(sensitive[:, None], weight, code.weight).astype(np.int16)
    return pruned, groups


def bbs_network(network: Network, config: str | BbsConfig) -> Network:
    """Return ``network`` with all Dense and Conv layers pruned and their ``bit_groups`` attached.

    ``config``: settings, or "conservative" or "moderate" as published. All else is kept, the
    given network is not changed. ``PruneError`` names every layer with weights beyond 8 bits.
    """
    settings = bbs_settings(config)
    layers = weight_layers(network)
    _check_layers(network, layers)
    scales = [channel_scales(layer, network) for layer in layers]
    pruned: dict[str, Layer] = {}
    for layer, sensitive in zip(
        layers, sensitive_channels(scales, settings.sensitive_share), strict=True
    ):
        rows = layer.weight.reshape(len(layer.weight), -1)
        weight, groups = prune_layer(rows, sensitive, settings)
        pruned[layer.name] = replace(
            layer, weight=weight.reshape(layer.weight.shape), bit_groups=groups
        )
    return replace(network, layers=tuple(pruned.get(x.name, x) for x in network.layers))


def effective_bits(network: Network) -> float:
    """Return the bits that one weight takes on average, metadata included, over all layers.

    Layers without ``bit_groups`` count 8 bits a weight, or 9 where 8 do not hold them.
    ``PruneError`` for a network without weights.
    """
    layers = weight_layers(network)
    if not layers:
        raise PruneError(f"network '{network.name}' has no weights to count")
    bits = sum(_layer_bits(layer) for layer in layers)
    return bits / sum(layer.weight.size for layer in layers)


def weight_layers(network: Network) -> list[Dense | Conv]:
    """Return the layers of ``network`` that have weights, in their order."""
    return [layer for layer in network.layers if isinstance(layer, Dense | Conv)]


def channel_scales(layer: Dense | Conv, network: Network) -> npt.NDArray[np.float64]:
    """Return the real scale of each output's integer weights, float64 [n_outputs].

    It is |multiplier| / 2^shift * output scale / input scale, the largest where the multiplier
    differs inside a channel.
    """
    shape = layer.output.shape
    channel_axis = len(shape) - 1 if isinstance(layer, Dense) else 0
    multiplier = np.abs(layer.requantise.multiplier.astype(np.float64))
    aligned = multiplier.reshape((1,) * (len(shape) - multiplier.ndim) + multiplier.shape)
    others = tuple(axis for axis in range(len(shape)) if axis != channel_axis)
    per_channel = np.broadcast_to(aligned.max(axis=others), (len(layer.weight),))
    (source,) = network.input_types(layer)
    ratio = layer.output.scale / source.scale
    return np.asarray(np.ldexp(per_channel, -layer.requantise.shift) * ratio)


def bbs_settings(config: str | BbsConfig) -> BbsConfig:
    """Return the settings of a name, or the settings given; else ``PruneError``."""
    if isinstance(config, BbsConfig):
        return config
    preset = PRESETS.get(str(config))
    if preset is None:
        known = " and ".join(map(repr, PRESETS))
        raise PruneError(f"bbs: no configuration {str(config)[:40]!r}; known are {known}")
    return preset


def _check_layers(network: Network, layers: Sequence[Dense | Conv]) -> None:
    if not layers:
        raise PruneError(f"network '{network.name}' has no Dense or Conv layer to prune")
    wide = [
        f"layer '{layer.label}' has weights {layer.weight.min()}..{layer.weight.max()}"
        for layer in layers
        if not _fits_8_bits(layer)
    ]
    if wide:
        raise PruneError(
            f"bbs: {'; '.join(wide)}; {WEIGHT_LOW}..{WEIGHT_HIGH} are allowed: quantise to 8 bits"
        )


def _fits_8_bits(layer: Dense | Conv) -> bool:
    return bool(layer.weight.min() >= WEIGHT_LOW and layer.weight.max() <= WEIGHT_HIGH)


def _layer_bits(layer: Dense | Conv) -> int:
    if layer.bit_groups is not None:
        return code_bits(layer.bit_groups, layer.weight.size // len(layer.weight))
    return layer.weight.size * (8 if _fits_8_bits(layer) else 9)
