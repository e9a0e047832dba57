"""One small valid layer of each kind, to be made wrong one field at a time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from bitfpga.errors import ModelError
from bitfpga.ir import (
    AvgPool,
    Conv,
    Dense,
    Layer,
    MaxPool,
    Mean,
    Network,
    Requantise,
    Scale,
    Slice,
    Table,
    TensorType,
)

I8 = TensorType((5,), 8, True)
MAP = TensorType((3, 4, 5), 8, True)


def refused(make: Callable[[], Any], *words: str) -> None:
    """Assert that ``make`` raises one ``ModelError`` whose message holds every word."""
    with pytest.raises(ModelError) as caught:
        make()
    message = str(caught.value)
    missing = [word for word in words if word not in message]
    assert not missing, f"{message!r} does not say {missing}"


def one_layer(layer: Layer, source: TensorType = I8) -> Network:
    return Network("net", source, (layer,))


def ints(*values: int) -> np.ndarray:
    return np.array(values, np.int64)


def dense(source: TensorType = I8, n_outputs: int = 3, **changes: Any) -> Dense:
    output = TensorType((*source.shape[:-1], n_outputs), 8, True)
    weight = np.ones((n_outputs, source.shape[-1]), np.int16)
    fields = {"weight": weight, "requantise": identity_requantise(output), "output": output}
    return Dense("fc", ("input",), **{**fields, **changes})


def conv(**changes: Any) -> Conv:
    output = TensorType((2, 3, 3), 8, True)
    fields: dict[str, Any] = {
        "weight": np.ones((2, 3, 2, 3), np.int16),
        "requantise": identity_requantise(output),
        "stride": (1, 1),
        "padding": ((0, 0), (0, 0)),
        "dilation": (1, 1),
        "groups": 1,
    }
    return Conv("c1", ("input",), output, **{**fields, **changes})


def max_pool(**changes: Any) -> MaxPool:
    fields: dict[str, Any] = {
        "kernel": (2, 3),
        "stride": (1, 1),
        "padding": ((0, 0), (0, 0)),
        "dilation": (1, 1),
    }
    return MaxPool("p1", ("input",), replace(MAP, shape=(3, 3, 3)), **{**fields, **changes})


def avg_pool(**changes: Any) -> AvgPool:
    output = replace(MAP, shape=(3, 3, 3))
    fields: dict[str, Any] = {"kernel": (2, 3), "stride": (1, 1), "padding": ((0, 0), (0, 0))}
    requantise = identity_requantise(output)
    return AvgPool("a1", ("input",), output, requantise=requantise, **{**fields, **changes})


def mean(axes: tuple[int, ...]) -> Mean:
    return Mean("m", ("input",), MAP, axes=axes, requantise=identity_requantise(MAP))


def table(entries: np.ndarray, low: int = -128) -> Table:
    return Table("lut", ("input",), I8, low=low, table=entries)


def cut(starts: Any, stops: Any, steps: Any, **changes: Any) -> Slice:
    return Slice("s", ("input",), replace(I8, **changes), starts=starts, stops=stops, steps=steps)


def scale(**changes: Any) -> Scale:
    return Scale("s", ("input",), I8, requantise=replace(identity_requantise(I8), **changes))


def identity_requantise(output: TensorType) -> Requantise:
    """Return the requantisation that only clamps to ``output``'s range."""
    one = np.ones((1,) * len(output.shape), np.int64)
    return Requantise(one, one * 0, 0, output.low, output.high)
