"""Small dense networks with the shape, weights and widths a test needs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from bitfpga.ir import Dense, Network, Requantise, TensorType


def requantise(
    output: TensorType, multiplier: Any = 1, bias: Any = 0, shift: int = 0
) -> Requantise:
    """Return a requantisation that clamps to the whole of ``output``."""
    arrays = (np.atleast_1d(np.array(value, np.int64)) for value in (multiplier, bias))
    return Requantise(*arrays, shift, output.low, output.high)


def dense(
    name: str,
    source: str,
    weight: npt.ArrayLike,
    output: TensorType,
    scaling: Requantise | None = None,
    origin: str = "",
) -> Dense:
    """Return a dense layer that reads the tensor ``source``."""
    matrix = np.array(weight, np.int16)
    rounded = scaling or requantise(output, shift=4)
    return Dense(name, (source,), output, origin, weight=matrix, requantise=rounded)


def one_dense(
    weight: npt.ArrayLike,
    bits: int = 8,
    signed: bool = True,
    output: TensorType | None = None,
    scaling: Requantise | None = None,
) -> Network:
    """Return a network of one dense layer, 16 signed bits out unless told otherwise."""
    n_outputs, n_inputs = np.shape(weight)
    output = output or TensorType((n_outputs,), 16, True)
    source = TensorType((n_inputs,), bits, signed)
    return Network("one", source, (dense("fc", "input", weight, output, scaling),))


def random_weights(n_outputs: int, n_inputs: int, density: float = 0.7, seed: int = 1) -> Any:
    """Return 9-bit weights [n_outputs, n_inputs], int16, a share of them zero."""
    rng = np.random.default_rng(seed)
    weight = rng.integers(-256, 256, (n_outputs, n_inputs))
    return (weight * (rng.random(weight.shape) < density)).astype(np.int16)


def mlp(sizes: Sequence[int], density: float = 0.7, seed: int = 1) -> Network:
    """Return dense layers of these sizes, 8 bits between them; the first size is the input."""
    layers, source = [], "input"
    for i in range(1, len(sizes)):
        weight = random_weights(sizes[i], sizes[i - 1], density, seed + i)
        output = TensorType((sizes[i],), 8, bool(i % 2))
        rng = np.random.default_rng(seed + 100 * i)
        bias = rng.integers(-999, 999, sizes[i])
        scaling = requantise(output, rng.integers(-3, 8, sizes[i]), bias, 10)
        layers.append(dense(f"fc{i}", source, weight, output, scaling))
        source = f"fc{i}"
    return Network("mlp", TensorType((sizes[0],), 8, True), tuple(layers))
