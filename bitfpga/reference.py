"""Runs a ``Network`` on integer arrays in the plainest code: it defines what is right."""

from __future__ import annotations

from functools import singledispatch
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt

from bitfpga.ir import (
    INPUT,
    Add,
    AvgPool,
    Concat,
    Conv,
    Dense,
    IntArray,
    Layer,
    MaxPool,
    Mean,
    Network,
    Pad,
    Reshape,
    Scale,
    Slice,
    Table,
    Transpose,
    check_batch,
)

Int64 = npt.NDArray[np.int64]
_EXACT_IN_FLOAT64 = 1 << 53
_LARGEST_INT16 = 1 << 15


def run(network: Network, x: npt.ArrayLike) -> IntArray:
    """Return the outputs, integers [batch, *output shape] in the output's dtype.

    ``x``: integers [batch, *input shape] in the input's range, else ``ModelError``.
    """
    return run_all(network, x)[network.layers[-1].name]


def run_all(network: Network, x: npt.ArrayLike) -> dict[str, IntArray]:
    """Return every tensor of the network by name (``input`` included), as ``run`` does."""
    tensors: dict[str, IntArray] = {INPUT: check_batch(network, x).astype(network.input.dtype)}
    for layer in network.layers:
        inputs = [tensors[name].astype(np.int64) for name in layer.inputs]
        tensors[layer.name] = _compute(layer, inputs).astype(layer.output.dtype)
    return tensors


@singledispatch
def _compute(layer: Layer, inputs: list[Int64]) -> Int64:
    raise NotImplementedError(layer.kind)


@_compute.register
def _dense(layer: Dense, inputs: list[Int64]) -> Int64:
    return layer.requantise.apply(exact_matmul(inputs[0], layer.weight.T))


@_compute.register
def _conv(layer: Conv, inputs: list[Int64]) -> Int64:
    x = _padded(inputs[0], layer.padding, 0)
    spatial = layer.output.shape[1:]
    n_outputs, per_group, *kernel = layer.weight.shape
    outputs_per_group = n_outputs // layer.groups
    acc = np.zeros((len(x), n_outputs, *spatial), np.int64)
    for offset in product(*map(range, kernel)):
        window = x[_window(offset, spatial, layer.stride, layer.dilation)]
        taps = np.moveaxis(layer.weight, (0, 1), (-1, -2))[offset]
        for group in range(layer.groups):
            ins = slice(group * per_group, (group + 1) * per_group)
            outs = slice(group * outputs_per_group, (group + 1) * outputs_per_group)
            moved = np.moveaxis(window[:, ins], 1, -1)
            acc[:, outs] += np.moveaxis(exact_matmul(moved, taps[:, outs]), -1, 1)
    return layer.requantise.apply(acc)


@_compute.register
def _max_pool(layer: MaxPool, inputs: list[Int64]) -> Int64:
    x = _padded(inputs[0], layer.padding, layer.output.low)
    spatial = layer.output.shape[-len(layer.kernel) :]
    best = np.full((len(x), *layer.output.shape), layer.output.low, np.int64)
    for offset in product(*map(range, layer.kernel)):
        best = np.maximum(best, x[_window(offset, spatial, layer.stride, layer.dilation)])
    return best


@_compute.register
def _avg_pool(layer: AvgPool, inputs: list[Int64]) -> Int64:
    x = _padded(inputs[0], layer.padding, 0)
    spatial = layer.output.shape[-len(layer.kernel) :]
    acc = np.zeros((len(x), *layer.output.shape), np.int64)
    for offset in product(*map(range, layer.kernel)):
        acc += x[_window(offset, spatial, layer.stride, (1,) * len(offset))]
    return layer.requantise.apply(acc)


@_compute.register
def _mean(layer: Mean, inputs: list[Int64]) -> Int64:
    axes = tuple(axis + 1 for axis in layer.axes)
    return layer.requantise.apply(inputs[0].sum(axis=axes, keepdims=True))


@_compute.register
def _add(layer: Add, inputs: list[Int64]) -> Int64:
    acc = np.zeros_like(inputs[0])
    for weight, x in zip(layer.weights, inputs, strict=True):
        acc += weight * x
    return layer.requantise.apply(acc)


@_compute.register
def _scale(layer: Scale, inputs: list[Int64]) -> Int64:
    return layer.requantise.apply(inputs[0])


@_compute.register
def _table(layer: Table, inputs: list[Int64]) -> Int64:
    return layer.table[inputs[0] - layer.low].astype(np.int64)


@_compute.register
def _concat(layer: Concat, inputs: list[Int64]) -> Int64:
    return np.concatenate(inputs, axis=layer.axis + 1)


@_compute.register
def _reshape(layer: Reshape, inputs: list[Int64]) -> Int64:
    return inputs[0].reshape(len(inputs[0]), *layer.output.shape)


@_compute.register
def _transpose(layer: Transpose, inputs: list[Int64]) -> Int64:
    return np.transpose(inputs[0], (0, *(axis + 1 for axis in layer.axes)))


@_compute.register
def _pad(layer: Pad, inputs: list[Int64]) -> Int64:
    return np.pad(inputs[0], ((0, 0), *layer.padding))


@_compute.register
def _slice(layer: Slice, inputs: list[Int64]) -> Int64:
    bounds = zip(layer.starts, layer.stops, layer.steps, strict=True)
    index = (slice(None), *(slice(*bound) for bound in bounds))
    return inputs[0][index]


def exact_matmul(x: Int64, matrix: npt.NDArray[np.int16]) -> Int64:
    """Return the exact int64 product of ``x`` [..., k] and ``matrix`` [k, n].

    Where every partial sum provably stays below 2^53 the product is taken in float64, which is
    then exact and an order of magnitude faster than numpy's integer product.
    """
    largest = int(np.abs(x).max(initial=0)) * _LARGEST_INT16 * x.shape[-1]
    if largest < _EXACT_IN_FLOAT64:
        return (x.astype(np.float64) @ matrix.astype(np.float64)).astype(np.int64)
    return np.asarray(np.matmul(x, matrix, dtype=np.int64))


def _padded(x: Int64, padding: tuple[tuple[int, int], ...], value: int) -> Int64:
    lead = ((0, 0),) * (x.ndim - len(padding))
    return np.pad(x, (*lead, *padding), constant_values=value)


def _window(
    offset: tuple[int, ...],
    spatial: tuple[int, ...],
    stride: tuple[int, ...],
    dilation: tuple[int, ...],
) -> tuple[Any, ...]:
    """Return the index that picks, for every window, the element at ``offset`` of the kernel."""
    return (
        ...,
        *(
            slice(o * d, o * d + (n - 1) * s + 1, s)
            for o, n, s, d in zip(offset, spatial, stride, dilation, strict=True)
        ),
    )
