"""Layers once more, as loops over single Python integers: shares nothing with ``reference``.

Arrays are of dtype object, one sample at a time, without the batch axis.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import product
from typing import Any

import numpy as np

from bitfpga.ir import Layer, Requantise

Ints = tuple[int, ...]
Objects = np.ndarray[Any, np.dtype[np.object_]]


def outputs(layer: Any, inputs: list[np.ndarray]) -> Objects:
    """Return what ``layer`` makes of one sample."""
    sample = [np.array(x.tolist(), object).reshape(x.shape) for x in inputs]
    if layer.kind in _ACCUMULATE:
        return _filled(
            layer, lambda at: _requantised(layer, at, _ACCUMULATE[layer.kind](layer, sample, at))
        )
    return _filled(layer, lambda at: _MOVE[layer.kind](layer, sample, at))


def accumulators(layer: Any, inputs: list[np.ndarray]) -> Objects:
    """Return the accumulators of a layer that requantises, for one sample."""
    sample = [np.array(x.tolist(), object).reshape(x.shape) for x in inputs]
    return _filled(layer, lambda at: _ACCUMULATE[layer.kind](layer, sample, at))


def _filled(layer: Layer, value: Callable[[Ints], int]) -> Objects:
    result = np.empty(layer.output.shape, object)
    for at in np.ndindex(*layer.output.shape):
        result[at] = value(at)
    return result


def _requantised(layer: Any, at: Ints, accumulator: int) -> int:
    r: Requantise = layer.requantise
    shape = layer.output.shape
    multiplier, bias = (int(np.broadcast_to(a, shape)[at]) for a in (r.multiplier, r.bias))
    doubled = 2 * (accumulator * multiplier + bias)
    rounded = (doubled + 2**r.shift) // (2 * 2**r.shift) if r.shift else doubled // 2
    return min(max(rounded, r.low), r.high)


def _window(
    layer: Any, at: Ints, kernel: Ints, size: Ints, dilation: Ints
) -> Iterator[tuple[Ints, Ints]]:
    """Yield (kernel offset, position in the map) of one window, map borders respected."""
    for offset in product(*(range(k) for k in kernel)):
        position = tuple(
            at[i] * layer.stride[i] - layer.padding[i][0] + offset[i] * dilation[i]
            for i in range(len(kernel))
        )
        if all(0 <= p < n for p, n in zip(position, size, strict=True)):
            yield offset, position


def _dense(layer: Any, inputs: list[Objects], at: Ints) -> int:
    row = layer.weight[at[-1]]
    return sum(int(w) * inputs[0][(*at[:-1], i)] for i, w in enumerate(row))


def _conv(layer: Any, inputs: list[Objects], at: Ints) -> int:
    (x,), (n_outputs, per_group, *kernel) = inputs, layer.weight.shape
    first = at[0] // (n_outputs // layer.groups) * per_group
    total = 0
    for offset, position in _window(layer, at[1:], tuple(kernel), x.shape[1:], layer.dilation):
        for i in range(per_group):
            total += int(layer.weight[(at[0], i, *offset)]) * x[(first + i, *position)]
    return total


def _pooled(layer: Any, x: Objects, at: Ints, dilation: Ints) -> list[int]:
    lead = x.ndim - len(layer.kernel)
    windows = _window(layer, at[lead:], layer.kernel, x.shape[lead:], dilation)
    return [x[(*at[:lead], *position)] for _, position in windows]


def _mean(layer: Any, inputs: list[Objects], at: Ints) -> int:
    (x,) = inputs
    spread = [range(n) if i in layer.axes else [at[i]] for i, n in enumerate(x.shape)]
    return sum(x[place] for place in product(*spread))


def _concat(layer: Any, inputs: list[Objects], at: Ints) -> int:
    place = list(at)
    for x in inputs:
        if place[layer.axis] < x.shape[layer.axis]:
            return int(x[tuple(place)])
        place[layer.axis] -= x.shape[layer.axis]
    raise AssertionError("beyond the last input")


def _pad(layer: Any, inputs: list[Objects], at: Ints) -> int:
    (x,) = inputs
    place = tuple(i - before for i, (before, _) in zip(at, layer.padding, strict=True))
    inside = all(0 <= i < n for i, n in zip(place, x.shape, strict=True))
    return int(x[place]) if inside else 0


def _transpose(layer: Any, inputs: list[Objects], at: Ints) -> int:
    place = [0] * len(at)
    for i, axis in enumerate(layer.axes):
        place[axis] = at[i]
    return int(inputs[0][tuple(place)])


def _slice(layer: Any, inputs: list[Objects], at: Ints) -> int:
    place = tuple(a + i * c for i, a, c in zip(at, layer.starts, layer.steps, strict=True))
    return int(inputs[0][place])


def _reshape(layer: Any, inputs: list[Objects], at: Ints) -> int:
    index = 0
    for i, n in zip(at, layer.output.shape, strict=True):
        index = index * n + i
    return int(inputs[0].flat[index])


Compute = Callable[[Any, list[Objects], Ints], int]
_ACCUMULATE: dict[str, Compute] = {
    "dense": _dense,
    "conv": _conv,
    "avg_pool": lambda layer, inputs, at: sum(_pooled(layer, inputs[0], at, (1,) * len(at))),
    "mean": _mean,
    "add": lambda layer, inputs, at: sum(
        w * x[at] for w, x in zip(layer.weights, inputs, strict=True)
    ),
    "scale": lambda layer, inputs, at: int(inputs[0][at]),
}
_MOVE: dict[str, Compute] = {
    "max_pool": lambda layer, inputs, at: max(_pooled(layer, inputs[0], at, layer.dilation)),
    "table": lambda layer, inputs, at: int(layer.table[inputs[0][at] - layer.low]),
    "concat": _concat,
    "reshape": _reshape,
    "transpose": _transpose,
    "pad": _pad,
    "slice": _slice,
}
