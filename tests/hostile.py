"""Networks at the edges of what is allowed, each for one way that hardware could go wrong."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from mlps import dense, one_dense, random_weights, requantise

from bitfpga.ir import (
    Add,
    Concat,
    Layer,
    Network,
    Pad,
    Reshape,
    Scale,
    Slice,
    Table,
    TensorType,
    Transpose,
)

HOSTILE: dict[str, Callable[[], Network]] = {}


def hostile(make: Callable[[], Network]) -> Callable[[], Network]:
    HOSTILE[make.__name__] = make
    return make


def signed(bits: int, *shape: int) -> TensorType:
    return TensorType(shape, bits, True)


def unsigned(bits: int, *shape: int) -> TensorType:
    return TensorType(shape, bits, False)


def network(source: TensorType, *layers: Layer) -> Network:
    return Network("hostile", source, layers)


def add(name: str, inputs: tuple[str, ...], output: TensorType, weights: Any, **scale: Any) -> Add:
    return Add(name, inputs, output, weights=weights, requantise=requantise(output, **scale))


@hostile
def one_input_one_output() -> Network:
    return one_dense([[-128]])


@hostile
def one_bit_into_a_clamp_of_sixteen() -> Network:
    output = unsigned(16, 2)
    return one_dense([[1], [0]], 1, False, output, requantise(output))


@hostile
def weights_of_nine_bits() -> Network:
    weight = [[-256, 255, -128, 128], [85, -171, 0, 1], [0, 0, 0, 0], [-256] * 4, [255] * 4]
    return one_dense(weight, 16, False, scaling=requantise(signed(16, 5), shift=11))


@hostile
def a_layer_pruned_whole() -> Network:
    middle = requantise(signed(8, 4), 3, [-999, 0, 77, 5], 2)
    return network(
        signed(8, 3),
        dense("fc1", "input", random_weights(5, 3), signed(8, 5)),
        dense("fc2", "fc1", np.zeros((4, 5)), signed(8, 4), middle),
        dense("fc3", "fc2", random_weights(2, 4, 0.9), signed(16, 2)),
    )


@hostile
def widths_from_one_to_sixteen() -> Network:
    types = [unsigned(1, 5), signed(16, 3), unsigned(16, 6), signed(1, 4), unsigned(7, 2)]
    layers: list[Layer] = []
    source, n_inputs = "input", 7
    for i, output in enumerate(types):
        weight = random_weights(output.size, n_inputs, 0.8, i)
        scaling = requantise(output, (-1) ** i, 9, 15 - output.bits // 2)
        layers.append(dense(f"fc{i}", source, weight, output, scaling))
        source, n_inputs = f"fc{i}", output.size
    return network(signed(13, 7), *layers)


@hostile
def sums_beyond_thirty_two_bits() -> Network:
    output = signed(16, 2)
    weight = np.stack([np.full(260, 255), np.full(260, -256)])
    return one_dense(weight, 16, False, output, requantise(output, shift=17))


@hostile
def multipliers_of_many_terms() -> Network:
    output = signed(16, 6)
    factors = [715827883, -(2**30), 0, 1, -1, 2**30 - 1]
    scaling = requantise(output, factors, [2**40, -(2**40), 7, 0, 0, 3], 31)
    return one_dense(random_weights(6, 5), 8, True, output, scaling)


@hostile
def rows_of_a_matrix() -> Network:
    output = signed(8, 2, 1, 3)
    weight = random_weights(3, 5)
    weight[1] = 0
    scaling = requantise(output, np.ones((1, 1, 3)), [[[4, -5, 6]]], 3)
    last = signed(8, 2, 1, 2)
    return network(
        signed(8, 2, 1, 5),
        dense("fc1", "input", weight, output, scaling),
        dense("fc2", "fc1", random_weights(2, 3), last, requantise(last, np.array(3), 1, 5)),
    )


@hostile
def tables() -> Network:
    rng = np.random.default_rng(5)
    wide = rng.integers(-(2**15), 2**15, 1 << 10).astype(np.int32)
    back = rng.integers(0, 4, 2).astype(np.int32)
    return network(
        signed(10, 3),
        Table("t1", ("input",), signed(16, 3), low=-512, table=wide),
        dense("fc", "t1", random_weights(4, 3), unsigned(1, 4)),
        Table("t2", ("fc",), unsigned(2, 4), low=0, table=back),
    )


@hostile
def skips_from_the_input() -> Network:
    return network(
        unsigned(8, 4),
        dense("fc1", "input", random_weights(4, 4), signed(12, 4)),
        add("sum1", ("fc1", "input", "fc1"), unsigned(16, 4), (3, -128, 16), shift=3),
        add("sum2", ("input", "sum1"), signed(5, 4), (1, -1), multiplier=[5, -3, 0, 1], shift=9),
        add("alone", ("sum2",), signed(16, 4), (-1,), bias=-7),
    )


@hostile
def unsigned_beside_signed() -> Network:
    return network(
        unsigned(16, 2),
        dense("fc", "input", random_weights(2, 2, 1.0), signed(3, 2)),
        add("sum", ("input", "fc"), unsigned(16, 2), (1, -1)),
    )


@hostile
def an_add_of_nothing() -> Network:
    return network(
        signed(8, 3),
        add("zero", ("input", "input"), signed(8, 3), (0, 0), multiplier=2**40, bias=-9, shift=1),
    )


@hostile
def concatenations() -> Network:
    source, joined, twice = signed(6, 2, 3), signed(6, 2, 7), signed(6, 4, 7)
    return network(
        source,
        Scale("s", ("input",), source, requantise=requantise(source, -1)),
        dense("fc", "s", random_weights(4, 3), signed(6, 2, 4)),
        Concat("side", ("fc", "input"), joined, axis=1),
        Concat("twice", ("side", "side"), twice, axis=0),
        dense("end", "twice", random_weights(1, 7), signed(9, 4, 1)),
    )


@hostile
def reshapes_first_and_last() -> Network:
    return network(
        signed(8, 2, 3),
        Reshape("flat", ("input",), signed(8, 6)),
        dense("fc", "flat", random_weights(4, 6), signed(8, 4)),
        Reshape("square", ("fc",), signed(8, 2, 2)),
    )


@hostile
def only_reshapes() -> Network:
    first = Reshape("r1", ("input",), signed(16, 3, 2))
    return network(signed(16, 6), first, Reshape("r2", ("r1",), signed(16, 1, 6)))


@hostile
def names_that_mean_something_in_cpp() -> Network:
    names = ["int", "class", "template", "EOF", "ap_int", "main", "output", "all_input", "network"]
    layers, source = [], "input"
    for i, name in enumerate(names):
        scaling = requantise(signed(8, 2), shift=6)
        weight = random_weights(2, 2, 1.0, i)
        layers.append(dense(name, source, weight, signed(8, 2), scaling, 'x */ " \\'))
        source = name
    return Network("namespace", signed(8, 2), tuple(layers))


@hostile
def layers_that_nobody_reads() -> Network:
    return network(
        signed(8, 3),
        dense("unread", "input", random_weights(5, 3), signed(8, 5)),
        Reshape("also", ("unread",), signed(8, 5, 1)),
        dense("fc", "input", random_weights(2, 3), signed(8, 2)),
    )


@hostile
def moves() -> Network:
    scale = requantise(signed(8, 4, 3), [[1], [2], [-3], [0]], [[5], [-5], [1], [9]], 1)
    return network(
        signed(8, 3, 4),
        Transpose("turn", ("input",), signed(8, 4, 3), axes=(1, 0)),
        Scale("rows", ("turn",), signed(8, 4, 3), requantise=scale),
        Pad("pad", ("rows",), signed(8, 5, 6), padding=((1, 0), (1, 2))),
        Slice("cut", ("pad",), signed(8, 3, 2), starts=(0, 1), stops=(5, 5), steps=(2, 2)),
    )
