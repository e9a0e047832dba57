"""Layers that only move elements: where each element of their output comes from."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from bitfpga.ir import Concat, Layer, Pad, Slice, TensorType, Transpose
from bitfpga.plan.steps import Step, Stream

Int64 = npt.NDArray[np.int64]


def gather_source(inputs: tuple[Stream, ...], moved: Int64, output: Stream) -> Int64:
    """Return ``Step.source``. ``moved``: int64 [output size], row-major place of each output
    element in the inputs counted one after the other; one past them all stands for zero.
    """
    arrived, start = [], 0
    for stream in inputs:
        places = stream.beats.reshape(-1)
        arrival = np.empty(stream.tensor.size, np.int64)
        arrival[places[places >= 0]] = np.flatnonzero(places >= 0) + start
        arrived.append(arrival)
        start += places.size
    arrived.append(np.array([start]))
    wanted = output.beats.reshape(-1)
    sources = np.concatenate(arrived)[moved]
    return np.where(wanted >= 0, sources[np.maximum(wanted, 0)], start)


def moved_elements(layer: Layer, types: tuple[TensorType, ...]) -> Int64:
    """Return, for each output element, its row-major place in the inputs one after the other."""
    ends = np.cumsum([t.size for t in types])
    places = [
        np.arange(end - t.size, end).reshape(t.shape) for t, end in zip(types, ends, strict=True)
    ]
    if isinstance(layer, Concat):
        moved = np.concatenate(places, axis=layer.axis)
    elif isinstance(layer, Transpose):
        moved = places[0].transpose(layer.axes)
    elif isinstance(layer, Pad):
        moved = np.pad(places[0], layer.padding, constant_values=int(ends[-1]))
    else:
        assert isinstance(layer, Slice)
        bounds = zip(layer.starts, layer.stops, layer.steps, strict=True)
        moved = places[0][tuple(slice(*bound) for bound in bounds)]
    return moved.reshape(-1).astype(np.int64)


def gather_places(step: Step) -> tuple[Int64, Int64, Int64]:
    """Return what each element a gather writes comes from, int64 [n_beats, lanes] each: a beat,
    counted over the inputs as they arrive, its lane, and 1 where it is zero (then 0, 0)."""
    output, source = step.output, step.source
    assert output is not None
    assert source is not None
    places, start = [], 0
    for stream in step.inputs:
        first = np.array([[start], [0]])
        places.append(first + np.indices(stream.beats.shape).reshape(2, -1))
        start += stream.n_beats
    beat, lane = np.concatenate(places, axis=1)
    wanted = source.reshape(-1, output.lanes)
    at = np.where(wanted < beat.size, wanted, 0)
    return beat[at], lane[at], (wanted >= beat.size).astype(np.int64)
