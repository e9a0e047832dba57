"""Hypothesis strategies: random networks of every layer kind, and the inputs to run them on.

``networks`` grows a network layer by layer from whatever tensors exist so far, so skips, shared
inputs and mixed widths come by themselves. Sizes are small, awkward and all different. Structure
is drawn by hypothesis (and shrinks); the numbers inside come from one drawn seed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from hypothesis import strategies as st
from layer_strategies import TABLE_BITS, layers_on, tensor_types

from bitfpga.ir import INPUT, LAYER_KINDS, IntArray, Network

__all__ = [
    "DENSE_KINDS",
    "batches",
    "dense_networks",
    "extreme_batches",
    "networks",
    "tensor_types",
]

Draw = Callable[[Any], Any]
DENSE_KINDS = ("dense", "scale", "table", "add", "concat", "reshape")


@st.composite
def networks(
    draw: Draw,
    kinds: Sequence[str] = tuple(LAYER_KINDS),
    max_layers: int = 5,
    ranks: Sequence[int] = (1, 2, 3),
) -> Network:
    """Draw a valid network of 1..``max_layers`` layers of these kinds.

    ``ranks``: allowed numbers of axes of the input, without the batch.
    """
    usable = [rank for rank in ranks if rank > 1 or set(kinds) - {"conv"}]
    rank = draw(st.sampled_from(usable))
    sizes = draw(st.permutations((1, 2, 3, 4, 5, 7)))
    max_bits = TABLE_BITS if set(kinds) == {"table"} else 16
    source = draw(tensor_types(tuple(sizes[:rank]), max_bits))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    tensors, layers = {INPUT: source}, []
    for _ in range(draw(st.integers(1, max_layers))):
        layer = draw(layers_on(tensors, kinds, rng))
        tensors[layer.name] = layer.output
        layers.append(layer)
    return Network(draw(st.sampled_from(("net", "int", "A1"))), source, tuple(layers))


def dense_networks(max_layers: int = 6) -> st.SearchStrategy[Network]:
    """Return a strategy for networks of dense, scale, table, add, concat and reshape only."""
    return networks(DENSE_KINDS, max_layers, ranks=(1, 2))


@st.composite
def batches(draw: Draw, network: Network, max_samples: int = 7) -> IntArray:
    """Draw inputs [0..``max_samples``, *input shape]: random, often with extreme values."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    source, n_samples = network.input, draw(st.integers(0, max_samples))
    x = rng.integers(source.low, source.high + 1, (n_samples, *source.shape))
    if draw(st.booleans()):
        x = np.where(rng.random(x.shape) < 0.5, x, rng.choice([source.low, source.high], x.shape))
    return x.astype(source.dtype)


def extreme_batches(network: Network, max_hot: int = 16) -> IntArray:
    """Return inputs [n, *input shape]: all-max, all-min, zero, and single-hot.

    Single-hot: one element at its greatest (then least) value, the rest 0, at up to ``max_hot``
    places spread evenly over the input.
    """
    source = network.input
    places = np.unique(np.linspace(0, source.size - 1, min(max_hot, source.size)).astype(int))
    flat = np.zeros((3 + 2 * len(places), source.size), source.dtype)
    flat[0], flat[1] = source.high, source.low
    for row, place in enumerate(places):
        flat[3 + 2 * row, place] = source.high
        flat[4 + 2 * row, place] = source.low
    return flat.reshape(-1, *source.shape)
