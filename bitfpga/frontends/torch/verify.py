"""The safety net: the float graph must compute what the model computes, to float noise."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch.fx.node import Node, map_arg

from bitfpga.errors import ModelError
from bitfpga.frontends.torch import float_run
from bitfpga.frontends.torch import graph as g
from bitfpga.frontends.torch.lower import Activation
from bitfpga.frontends.torch.trace import Trace, copied, quiet

_NOISE = 1e-6
_NOISE_FLOAT32 = 1e-3
_CHECKED_SAMPLES = 64
_CHUNK_ELEMENTS = 1 << 23
# Rounding to an explicit grid may flip where a sum lands on a tie; so many answers may differ.
_FLIPPED_SHARE = 0.01


def chunks(graph: g.FloatGraph, samples: g.Floats) -> Iterator[torch.Tensor]:
    """Yield the samples in batches small enough to hold every tensor of the graph."""
    per_sample = sum(int(np.prod(layer.shape)) for layer in graph.layers)
    per_sample += int(np.prod(graph.input_shape))
    size = max(1, _CHUNK_ELEMENTS // per_sample)
    for start in range(0, len(samples), size):
        yield torch.from_numpy(samples[start : start + size])


def check_same(
    traced: Trace,
    lowered: g.FloatGraph,
    graph: g.FloatGraph,
    values: dict[Node, Any],
    samples: g.Floats,
) -> None:
    """Raise ``ModelError`` where ``graph`` and the model differ on samples or random inputs."""
    model = _Model(traced.model)
    samples = samples[:_CHECKED_SAMPLES]
    singles = [torch.from_numpy(row[None]) for row in samples[:3]]
    for batch in (*singles, *chunks(graph, samples)):
        answer = model(batch)
        if not _same(answer, float_run.run(graph, batch), graph, model.noise):
            raise ModelError(_difference(traced, lowered, values, batch, len(batch)))
    probe = torch.from_numpy(_random_samples(samples))
    try:
        answer = model(probe)
    except ModelError:
        return
    if not _same(answer, float_run.run(graph, probe), graph, model.noise):
        raise ModelError(_difference(traced, lowered, values, probe, len(probe)))


class _Model:
    """The user's model in float64, or in float32 where its forward insists on that."""

    def __init__(self, model: torch.nn.Module) -> None:
        self.single = model
        self.double: torch.nn.Module | None = copied(model).double()
        self.noise = _NOISE

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        with torch.no_grad(), quiet():
            if self.double is not None:
                try:
                    return self._plain(self.double(x.clone()))
                except RuntimeError:  # a cast to float32 in forward meets float64 weights
                    self.double, self.noise = None, _NOISE_FLOAT32
            try:
                return self._plain(self.single(x.float()))
            except Exception as error:  # user code may raise anything
                raise ModelError(
                    f"the model fails on {len(x)} float32 samples: {error}; its forward must "
                    "accept any batch size, and leave casts to other types out"
                ) from None

    @staticmethod
    def _plain(answer: Any) -> torch.Tensor:
        assert isinstance(answer, torch.Tensor)
        return answer.detach().double()


def _same(expected: torch.Tensor, got: torch.Tensor, graph: g.FloatGraph, noise: float) -> bool:
    if expected.shape != got.shape:
        return False
    finite = expected[torch.isfinite(expected)].abs()
    size = float(finite.max()) if finite.numel() else 0.0
    equal = torch.isclose(got, expected, rtol=0.0, atol=noise * size, equal_nan=True)
    has_grid = any(isinstance(x, g.Computed) and x.grid is not None for x in graph.layers)
    share = float((~equal).double().mean())
    return share <= (_FLIPPED_SHARE if has_grid else 0.0)


def _random_samples(samples: g.Floats) -> g.Floats:
    size = max(float(np.abs(samples).max()), 1e-30)
    noise = np.random.default_rng(0).normal(size=(5, *samples.shape[1:]))
    return np.asarray(noise * 2 * size, np.float64)


def _difference(
    traced: Trace,
    lowered: g.FloatGraph,
    values: dict[Node, Any],
    batch: torch.Tensor,
    n_samples: int,
) -> str:
    try:
        place = _first_difference(traced, lowered, values, batch)
    except Exception:  # casts in forward: the operations do not run in float64
        place = ""
    return (
        f"bitfpga's reading of the model differs from the model on a batch of {n_samples}"
        + (f", first in {place}" if place else "")
        + "; either the model's answer depends on the batch (size, other samples), or this is a "
        "fault in bitfpga: please report it with the model"
    )


def _first_difference(
    traced: Trace, lowered: g.FloatGraph, values: dict[Node, Any], batch: torch.Tensor
) -> str:
    """Return the first layer of the graph whose value is not that of the traced operation."""
    rows = np.resize(np.arange(len(batch)), len(traced.example))
    example = batch[torch.from_numpy(rows)]
    ours: dict[str, torch.Tensor] = {}
    float_run.run(lowered, example, ours.__setitem__)
    theirs: dict[Node, Any] = {}
    for node in traced.graph.nodes:
        if node not in values:
            continue
        if node.op == "placeholder":
            value = values[node]
            theirs[node] = example if isinstance(value, Activation) else value
        else:
            args = map_arg(node.args, theirs.__getitem__)
            kwargs = map_arg(node.kwargs, theirs.__getitem__)
            with torch.no_grad():
                theirs[node] = node.target(*args, **kwargs)
        value = values[node]
        if isinstance(value, Activation) and value.name in ours and node.op != "placeholder":
            if not _same(theirs[node].double(), ours[value.name], lowered, _NOISE):
                layer = lowered.by_name[value.name] if value.name != g.INPUT else None
                return f"layer '{layer.origin if layer else 'input'}' ({node.target})"
    return ""
