"""Convolutional networks at the edges: odd windows, single pixels, pruned channels, long skips."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from mlps import dense, random_weights, requantise

from bitfpga.ir import (
    Add,
    AvgPool,
    Concat,
    Conv,
    Layer,
    MaxPool,
    Mean,
    Network,
    Requantise,
    Reshape,
    TensorType,
)
from bitfpga.ir.shapes import output_shape

HOSTILE_MAPS: dict[str, Callable[[], Network]] = {}
Window = dict[str, Any]


def hostile(make: Callable[[], Network]) -> Callable[[], Network]:
    HOSTILE_MAPS[make.__name__] = make
    return make


class Chain:
    """Adds layers to a network one after the other; ``types`` are the tensors so far."""

    def __init__(self, *shape: int, bits: int = 8, signed: bool = False) -> None:
        self.types = {"input": TensorType(shape, bits, signed)}
        self.layers: list[Layer] = []
        self.last = "input"

    def add(self, layer: Layer) -> Chain:
        self.layers.append(layer)
        self.types[layer.name] = layer.output
        self.last = layer.name
        return self

    def conv(
        self,
        name: str,
        n_outputs: int,
        kernel: tuple[int, ...],
        *,
        source: str = "",
        groups: int = 1,
        bits: int = 8,
        signed: bool = True,
        density: float = 0.7,
        pruned: tuple[int, ...] = (),
        **window: Any,
    ) -> Chain:
        x = self.types[source or self.last]
        rank = len(kernel)
        weight = random_weights(
            n_outputs, x.shape[0] // groups * int(np.prod(kernel)), density, len(self.layers)
        )
        weight[list(pruned)] = 0
        options = {
            "stride": (1,) * rank,
            "padding": ((0, 0),) * rank,
            "dilation": (1,) * rank,
            "groups": groups,
            **window,
        }
        shaped = weight.reshape(n_outputs, x.shape[0] // groups, *kernel)
        scaling = Requantise(np.ones((1,), np.int64), np.zeros((1,), np.int64), 0, 0, 1)
        draft = Conv(name, (source or self.last,), x, weight=shaped, requantise=scaling, **options)
        output = TensorType(output_shape(draft, (x,)), bits, signed)
        rng = np.random.default_rng(len(self.layers))
        ones = (n_outputs,) + (1,) * rank
        scaling = requantise(output, rng.integers(-3, 8, ones), rng.integers(-99, 99, ones), 9)
        return self.add(
            Conv(name, (source or self.last,), output, weight=shaped, requantise=scaling, **options)
        )

    def plus(self, name: str, *sources: str) -> Chain:
        output = self.types[sources[0]]
        weights = (1,) * len(sources)
        scaling = requantise(output, 1, 0, 1)
        return self.add(Add(name, sources, output, weights=weights, requantise=scaling))

    def classify(self, n_classes: int = 3) -> Chain:
        flat = TensorType((self.types[self.last].size,), *_kind(self.types[self.last]))
        self.add(Reshape("flat", (self.last,), flat))
        weight = random_weights(n_classes, flat.size, 0.5, 9)
        return self.add(dense("fc", "flat", weight, TensorType((n_classes,), 8, True)))

    def network(self) -> Network:
        return Network("maps", self.types["input"], tuple(self.layers))


def _kind(tensor: TensorType) -> tuple[int, bool]:
    return tensor.bits, tensor.signed


@hostile
def a_kernel_larger_than_the_map() -> Network:
    padding = ((4, 3), (3, 5))
    return Chain(2, 3, 2).conv("c", 5, (7, 6), padding=padding).classify().network()


@hostile
def single_pixels() -> Network:
    return Chain(5, 1, 1).conv("a", 3, (1, 1)).conv("b", 4, (1, 1), pruned=(0, 2)).network()


@hostile
def strides_beyond_the_kernel() -> Network:
    return Chain(3, 11, 9).conv("c", 4, (2, 1), stride=(3, 4)).conv("d", 2, (1, 2)).network()


@hostile
def one_sided_padding_and_dilation() -> Network:
    window = {"padding": ((0, 3), (2, 0)), "dilation": (3, 2), "stride": (2, 1)}
    return Chain(2, 9, 7, signed=True).conv("c", 3, (2, 3), **window).network()


@hostile
def depthwise_then_pointwise() -> Network:
    same = ((1, 1), (1, 1))
    chain = Chain(6, 5, 7).conv("dw", 6, (3, 3), groups=6, padding=same, signed=False)
    return chain.conv("pw", 5, (1, 1)).conv("dw2", 10, (3, 3), groups=5, padding=same).network()


@hostile
def groups_with_a_pruned_one() -> Network:
    chain = Chain(6, 4, 5, signed=True).conv("g", 9, (2, 2), groups=3, pruned=(3, 4, 5))
    return chain.conv("h", 3, (2, 1), groups=3, stride=(1, 2)).network()


@hostile
def nothing_left() -> Network:
    return Chain(2, 4, 4).conv("c", 3, (3, 3), pruned=(0, 1, 2)).classify().network()


@hostile
def one_axis() -> Network:
    chain = Chain(3, 23).conv("a", 4, (5,), stride=(2,), padding=((2, 1),), signed=False)
    pool = TensorType((4, 5), *_kind(chain.types["a"]))
    window = {"kernel": (3,), "stride": (2,), "padding": ((1, 0),), "dilation": (1,)}
    return chain.add(MaxPool("p", ("a",), pool, **window)).classify().network()


@hostile
def a_long_branch_and_a_short_one() -> Network:
    same = ((1, 1), (1, 1))
    chain = Chain(4, 7, 6).conv("a", 4, (3, 3), padding=same)
    for name in ("b", "c", "d"):
        chain.conv(name, 4, (3, 3), padding=same)
    return chain.plus("sum", "d", "a").plus("again", "sum", "d", "a").classify().network()


@hostile
def two_small_windows_beside_a_large_one() -> Network:
    chain = Chain(2, 12, 11).conv("a", 3, (1, 1)).conv("b", 2, (1, 1))
    chain.conv("c", 2, (9, 9), source="input", padding=((4, 4), (4, 4)))
    return chain.plus("sum", "b", "c").network()


@hostile
def shortcuts_that_shrink() -> Network:
    same = ((1, 1), (1, 1))
    chain = Chain(3, 9, 8).conv("a", 5, (3, 3), padding=same, stride=(2, 2))
    chain.conv("b", 5, (3, 3), padding=same)
    chain.conv("short", 5, (1, 1), source="input", stride=(2, 2))
    return chain.plus("sum", "b", "short").network()


@hostile
def branches_side_by_side() -> Network:
    chain = Chain(2, 5, 5).conv("a", 3, (1, 1)).conv("b", 4, (3, 3), padding=((1, 1), (1, 1)))
    both = TensorType((7, 5, 5), 8, True)
    chain.add(Concat("both", ("a", "b"), both, axis=0))
    return chain.conv("c", 2, (2, 2)).network()


@hostile
def pools_that_overlap() -> Network:
    chain = Chain(3, 7, 8, signed=True).conv("a", 3, (2, 2))
    largest = TensorType((3, 3, 4), 8, True)
    window = {"kernel": (3, 3), "stride": (2, 2), "padding": ((1, 1), (1, 1))}
    chain.add(MaxPool("m", ("a",), largest, dilation=(1, 1), **window))
    mean = TensorType((3, 1, 2), 8, True)
    scaling = requantise(mean, 12 // np.array([[4, 6]]), 0, 4)
    window = {"kernel": (3, 3), "stride": (2, 2), "padding": ((1, 0), (1, 0))}
    return chain.add(AvgPool("v", ("m",), mean, requantise=scaling, **window)).network()


@hostile
def means_over_pixels_and_over_channels() -> Network:
    chain = Chain(5, 3, 4)
    pixels = TensorType((5, 1, 1), 8, False)
    chain.add(Mean("m", ("input",), pixels, axes=(1, 2), requantise=requantise(pixels, 85, 0, 10)))
    channels = TensorType((1, 3, 4), 8, False)
    scaling = requantise(channels, 51, 0, 8)
    chain.add(Mean("n", ("input",), channels, axes=(0,), requantise=scaling))
    flat = TensorType((5,), 8, False)
    chain.add(Reshape("flat", ("m",), flat))
    return chain.conv("c", 2, (2, 2), source="n").network()


@hostile
def sixteen_bits_in_and_one_out() -> Network:
    chain = Chain(2, 4, 5, bits=16, signed=True).conv("a", 3, (3, 2), bits=16)
    return chain.conv("b", 2, (2, 2), bits=1, signed=False).network()
