"""A lowered pipeline run in numpy: what every stream carries, beat after beat.

Each process computes only from the beats that arrive in its FIFOs; nothing is shared with
``plan.lower`` but the data classes. Layers compute with ``reference``, on what was put together.
"""

from __future__ import annotations

import re
from collections import Counter

import numpy as np

from bitfpga.ir import Layer, Network
from bitfpga.plan.lower import lower, wanted_order
from bitfpga.plan.orders import same_beats
from bitfpga.plan.steps import LOAD, STORE, Pipeline, Step, Stream, fork_name
from bitfpga.reference import _compute, run_all

Int64 = np.ndarray


def check_pipeline(network: Network, beat_pixels: int, seed: int = 0) -> Pipeline:
    """Assert that the pipeline is well-formed and carries the reference's tensors."""
    pipeline = lower(network, beat_pixels)
    rng = np.random.default_rng(seed)
    source = network.input
    x = rng.integers(source.low, source.high + 1, (3, *source.shape)).astype(source.dtype)
    right = run_all(network, x)
    carried, stored = run_pipeline(network, pipeline, x)
    for step in pipeline.steps[:-1]:
        assert step.output is pipeline.streams[step.output.name]
        expected = right[_tensor_of(network, step)].reshape(len(x), -1).astype(np.int64)
        places = step.output.beats.reshape(-1)
        assert sorted(places[places >= 0].tolist()) == list(range(step.output.tensor.size))
        got = np.where(places >= 0, carried[step.output.name], 0)
        np.testing.assert_array_equal(got, on_stream(step.output, expected), step.name)
        check_inputs(step, beat_pixels)
    np.testing.assert_array_equal(stored, right[network.layers[-1].name].reshape(len(x), -1))
    check_fifos(network, pipeline)
    return pipeline


def _tensor_of(network: Network, step: Step) -> str:
    """Return the tensor a step writes; a step that only changes the order passes its input on."""
    if step.layer is not None:
        return step.layer.name
    if not step.inputs:
        return "input"
    (source,) = step.inputs
    return "input" if source.name == "input" else source.name


def check_inputs(step: Step, beat_pixels: int) -> None:
    assert len(step.inputs) == len(step.views) == len(step.types)
    for stream, view, tensor in zip(step.inputs, step.views, step.types, strict=True):
        assert view.index.size == tensor.size == stream.tensor.size
        assert same_beats(stream.order, view, beat_pixels)
        if step.layer is not None and step.kind not in ("gather", "concat"):
            wanted = wanted_order(step.layer, tensor.shape)
            assert wanted is None or same_beats(stream.order, wanted, beat_pixels)


def check_fifos(network: Network, pipeline: Pipeline) -> None:
    names = [fifo.name for fifo in pipeline.fifos]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[a-z][A-Za-z0-9_]*", name) for name in names)
    process_names = [step.name for step in pipeline.steps]
    assert len(set(process_names)) == len(process_names)
    forks = pipeline.forks()
    for step in pipeline.steps:
        queues = pipeline.inputs_of(step.name)
        assert [queue.stream for queue in queues] == [stream.name for stream in step.inputs]
        assert [queue.position for queue in queues] == list(range(len(step.inputs)))
    uses = Counter(stream.name for step in pipeline.steps for stream in step.inputs)
    for step in pipeline.steps[:-1]:
        assert step.output is not None
        n_readers, stream = uses[step.output.name], step.output.name
        assert n_readers >= 1
        assert [fifo.stream for fifo in pipeline.fifos if fifo.writer == step.name] == [stream]
        assert len(forks.get(stream, ())) == (n_readers if n_readers > 1 else 0)
    computed = {step.layer.name for step in pipeline.steps if step.layer is not None}
    assert computed == {layer.name for layer in read_layers(network) if layer.kind != "reshape"}


def read_layers(network: Network) -> list[Layer]:
    """Return the layers whose tensors reach the output."""
    needed = {network.layers[-1].name}
    found = []
    for layer in reversed(network.layers):
        if layer.name in needed:
            needed.update(layer.inputs)
            found.append(layer)
    return found


def run_pipeline(
    network: Network, pipeline: Pipeline, x: np.ndarray
) -> tuple[dict[str, Int64], Int64]:
    """Return the beats of every stream, int64 [n, n_beats * lanes], and the stored output."""
    queues: dict[str, Int64] = {}
    carried: dict[str, Int64] = {}
    written = {fifo.writer: fifo for fifo in pipeline.fifos if not fifo.writer.startswith("@fork")}
    forks = pipeline.forks()
    for step in pipeline.steps:
        arrived = [queues.pop(fifo.name) for fifo in pipeline.inputs_of(step.name)]
        if step.name == STORE:
            return carried, stored(step, arrived[0])
        assert step.output is not None
        beats = _load(step, x) if step.name == LOAD else _process(step, arrived)
        carried[step.output.name] = beats
        fifo = written[step.name]
        queues[fifo.name] = beats
        if fifo.reader == fork_name(step.output.name):
            source = queues.pop(fifo.name)
            queues |= {branch.name: source for branch in forks[step.output.name]}
    raise AssertionError("nothing is stored")


def on_stream(stream: Stream, tensor: Int64) -> Int64:
    """Return the beats of a row-major ``tensor`` [n, size]; 0 in lanes past the end."""
    places = stream.beats.reshape(-1)
    return np.where(places >= 0, tensor[:, np.maximum(places, 0)], 0)


def stored(step: Step, beats: Int64) -> Int64:
    """Return the row-major tensor that a store writes by channel and pixel strides."""
    stream = step.inputs[0]
    strides = stream.order.strides
    assert strides is not None
    n_channels, n_pixels, lanes = stream.order.channels, stream.order.pixels, stream.lanes
    out = np.zeros((len(beats), stream.tensor.size), np.int64)
    at = 0
    for block in range(-(-n_pixels // lanes)):
        for channel in range(n_channels):
            for lane in range(lanes):
                pixel = block * lanes + lane
                if pixel < n_pixels:
                    out[:, channel * strides[0] + pixel * strides[1]] = beats[:, at]
                at += 1
    return out


def _load(step: Step, x: np.ndarray) -> Int64:
    assert step.output is not None
    assert step.output.order.strides is not None
    return on_stream(step.output, x.reshape(len(x), -1).astype(np.int64))


def _process(step: Step, arrived: list[Int64]) -> Int64:
    output = step.output
    assert output is not None
    if step.kind == "gather":
        assert step.source is not None
        rows = np.concatenate([*arrived, np.zeros((len(arrived[0]), 1), np.int64)], axis=1)
        return rows[:, step.source]
    if step.kind == "concat":
        return _concat(step, arrived)
    assert step.layer is not None
    if step.kind in ("add", "scale", "table"):  # beat by beat: their inputs come alike
        (beats,) = {tuple(map(tuple, view.beats(output.lanes).tolist())) for view in step.views}
        assert np.array_equal(np.array(beats), output.beats)
    tensors = [_tensor(step, i, beats) for i, beats in enumerate(arrived)]
    computed = _compute(step.layer, tensors)
    return on_stream(output, computed.reshape(len(computed), -1))


def _tensor(step: Step, position: int, beats: Int64) -> Int64:
    """Put an input together again as ``step`` sees it: by its view's channels and pixels."""
    view, tensor = step.views[position], step.types[position]
    lanes = step.inputs[position].lanes
    if step.kind == "vector_array":
        places = step.inputs[position].beats.reshape(-1)
    else:
        n_blocks = -(-view.pixels // lanes)
        shape = (n_blocks, view.channels, lanes)
        block, channel, lane = (axis.reshape(-1) for axis in np.indices(shape))
        pixel = block * lanes + lane
        inside = np.minimum(pixel, view.pixels - 1)
        places = np.where(pixel < view.pixels, view.index[channel, inside], -1)
    flat = np.zeros((len(beats), tensor.size), np.int64)
    flat[:, places[places >= 0]] = beats[:, places >= 0]
    return flat.reshape(len(beats), *tensor.shape)


def _concat(step: Step, arrived: list[Int64]) -> Int64:
    """For every block of pixels: the beats of input 0's channels, then of input 1's, ..."""
    lanes = {stream.lanes for stream in step.inputs}
    blocks = {
        stream.n_beats // view.channels
        for stream, view in zip(step.inputs, step.views, strict=True)
    }
    assert len(lanes) == len(blocks) == 1
    (n_lanes,), (n_blocks,) = lanes, blocks
    parts = []
    for block in range(n_blocks):
        for beats, view in zip(arrived, step.views, strict=True):
            size = view.channels * n_lanes
            parts.append(beats[:, block * size : (block + 1) * size])
    return np.concatenate(parts, axis=1)


def only_step(network: Network, beat_pixels: int = 1) -> Step:
    """Return the step of the last layer that computes anything."""
    (*_, step) = [s for s in lower(network, beat_pixels).steps if s.layer is not None]
    return step
