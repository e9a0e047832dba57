"""``lower``: which processes compute a network, and in which order tensors travel between them."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from bitfpga.errors import PlanError
from bitfpga.ir import (
    INPUT,
    Add,
    AvgPool,
    Concat,
    Conv,
    Dense,
    Layer,
    MaxPool,
    Mean,
    Network,
    Pad,
    Reshape,
    Scale,
    Slice,
    Table,
    TensorType,
    Transpose,
)
from bitfpga.plan.moves import gather_source, moved_elements
from bitfpga.plan.orders import (
    Order,
    channels_first,
    channels_last,
    reduced_order,
    same_beats,
    vector_order,
)
from bitfpga.plan.steps import LOAD, STORE, Pipeline, Step, Stream, connect

Int64 = npt.NDArray[np.int64]
MAX_KERNEL_AXES = 2


def lower(network: Network, beat_pixels: int) -> Pipeline:
    """Return the processes of ``network`` where a beat of a map holds ``beat_pixels`` pixels.

    Layers that the output does not depend on become nothing.

    ``PlanError`` naming every layer that has no hardware, and what to use instead.
    """
    _check_supported(network)
    return _Lowering(network, beat_pixels).pipeline()


def wanted_order(layer: Layer, shape: tuple[int, ...]) -> Order | None:
    """Return the order in which ``layer`` must get an input of ``shape``; None if any will do."""
    if isinstance(layer, Dense):
        return channels_last(shape) if math.prod(shape[:-1]) > 1 else None
    if isinstance(layer, Conv):
        return channels_first(shape)
    if isinstance(layer, MaxPool | AvgPool):
        return channels_first(shape, len(shape) - len(layer.kernel))
    if isinstance(layer, Mean):
        return reduced_order(shape, layer.axes)
    return None


class _Lowering:
    """Walks the layers once; every tensor's stream is known before its readers are reached."""

    def __init__(self, network: Network, beat_pixels: int) -> None:
        self.network, self.beat_pixels = network, beat_pixels
        self.live = _live_tensors(network)
        self.steps: list[Step] = []
        self.streams: dict[str, Stream] = {}
        self.written: dict[str, Stream] = {}
        self.reordered: dict[str, list[Stream]] = {}
        self.makers: dict[type[Layer], Callable[[Layer], None]] = {
            Dense: self._dense,
            Conv: self._conv,
            MaxPool: self._pool,
            AvgPool: self._pool,
            Mean: self._mean,
            Scale: self._elementwise,
            Table: self._elementwise,
            Add: self._elementwise,
            Concat: self._concat,
            Transpose: self._gathered,
            Pad: self._gathered,
            Slice: self._gathered,
        }

    def pipeline(self) -> Pipeline:
        """Return all processes of the network."""
        order = self._preferred(INPUT)
        if order.strides is None:
            order = channels_first(self.network.input.shape)
        source = self._stream("input", self.network.input, order)
        self.steps.append(Step(LOAD, "load", (), (), (), source))
        self.written[INPUT] = source
        for layer in self.network.layers:
            if layer.name not in self.live:
                continue
            if isinstance(layer, Reshape):
                self.written[layer.name] = self.written[layer.inputs[0]]
            else:
                self.makers[type(layer)](layer)
        last = self.written[self.network.layers[-1].name]
        if last.order.strides is None:
            last = self._ordered(last, channels_first(self.network.output.shape))
        self.steps.append(Step(STORE, "store", (last,), (last.order,), (last.tensor,), None))
        steps = tuple(self.steps)
        return Pipeline(self.beat_pixels, steps, self.streams, connect(steps))

    def _stream(self, name: str, tensor: TensorType, order: Order) -> Stream:
        stream = Stream(name, tensor, order, order.beats(self.beat_pixels))
        self.streams[name] = stream
        return stream

    def _add(
        self,
        kind: str,
        layer: Layer,
        inputs: tuple[Stream, ...],
        views: tuple[Order, ...],
        order: Order,
        source: Int64 | None = None,
    ) -> None:
        output = self._stream(layer.name, layer.output, order)
        types = self._types(layer)
        self.steps.append(Step(layer.name, kind, inputs, views, types, output, layer, source))
        self.written[layer.name] = output

    def _read(self, layer: Layer, position: int, wanted: Order | None) -> tuple[Stream, Order]:
        """Return the stream of one input in the order wanted, and how the reader sees it."""
        stream = self.written[layer.inputs[position]]
        if wanted is None:
            return stream, stream.order
        if not same_beats(stream.order, wanted, self.beat_pixels):
            stream = self._ordered(stream, wanted)
        return stream, wanted

    def _ordered(self, stream: Stream, wanted: Order) -> Stream:
        """Return ``stream`` brought into another order by a process that stores it whole."""
        for other in self.reordered.setdefault(stream.name, []):
            if same_beats(other.order, wanted, self.beat_pixels):
                return other
        name, taken = f"{stream.name}_order", {*self.streams, *self.network.types}
        while name in taken:
            name += "_"
        output = self._stream(name, stream.tensor, wanted)
        elements = np.arange(stream.tensor.size)
        source = gather_source((stream,), elements, output)
        views, types = (stream.order,), (stream.tensor,)
        self.steps.append(Step(name, "gather", (stream,), views, types, output, None, source))
        self.reordered[stream.name].append(output)
        return output

    def _preferred(self, tensor: str) -> Order:
        """Return the order that the first reader with a need wants ``tensor`` in."""
        names, shape = {tensor}, self.network.types[tensor].shape
        for layer in self.network.layers:
            if layer.name not in self.live or not names.intersection(layer.inputs):
                continue
            if isinstance(layer, Reshape | Scale | Table | Add):
                names.add(layer.name)
                continue
            (first, *_) = names.intersection(layer.inputs)
            wanted = wanted_order(layer, self.network.types[first].shape)
            if wanted is not None:
                return wanted
        return vector_order(shape[0]) if len(shape) == 1 else channels_first(shape)

    def _dense(self, layer: Layer) -> None:
        shape = self.network.types[layer.inputs[0]].shape
        stream, view = self._read(layer, 0, wanted_order(layer, shape))
        if math.prod(shape[:-1]) > 1:
            order = channels_last(layer.output.shape)
            self._add("window_array", layer, (stream,), (view,), order)
        else:
            order = vector_order(layer.output.size)
            self._add("vector_array", layer, (stream,), (view,), order)

    def _conv(self, layer: Layer) -> None:
        shape = self.network.types[layer.inputs[0]].shape
        stream, view = self._read(layer, 0, wanted_order(layer, shape))
        order = channels_first(layer.output.shape)
        self._add("window_array", layer, (stream,), (view,), order)

    def _pool(self, layer: Layer) -> None:
        assert isinstance(layer, MaxPool | AvgPool)
        shape = self.network.types[layer.inputs[0]].shape
        n_lead = len(shape) - len(layer.kernel)
        stream, view = self._read(layer, 0, wanted_order(layer, shape))
        order = channels_first(layer.output.shape, n_lead)
        kind = "max_pool" if isinstance(layer, MaxPool) else "sum_pool"
        whole = layer.kernel == shape[n_lead:] and not any(map(any, layer.padding))
        if kind == "sum_pool" and whole:
            kind = "sum_map"
        self._add(kind, layer, (stream,), (view,), order)

    def _mean(self, layer: Layer) -> None:
        shape = self.network.types[layer.inputs[0]].shape
        stream, view = self._read(layer, 0, wanted_order(layer, shape))
        self._add("sum_map", layer, (stream,), (view,), vector_order(layer.output.size))

    def _elementwise(self, layer: Layer) -> None:
        stream, view = self._read(layer, 0, None)
        others = [self._read(layer, i, view) for i in range(1, len(layer.inputs))]
        inputs = (stream, *(other for other, _ in others))
        self._add(layer.kind, layer, inputs, (view,) * len(inputs), view)

    def _concat(self, layer: Layer) -> None:
        inputs = tuple(self.written[name] for name in layer.inputs)
        if len({stream.order.pixels for stream in inputs}) > 1:
            self._gathered(layer)
            return
        places = moved_elements(layer, self._types(layer))
        n_before = np.cumsum([0, *(stream.tensor.size for stream in inputs)])
        position = np.empty(places.size, np.int64)
        position[places] = np.arange(places.size)
        parts = [
            position[stream.order.index + start]
            for stream, start in zip(inputs, n_before[:-1], strict=True)
        ]
        views = tuple(stream.order for stream in inputs)
        self._add("concat", layer, inputs, views, Order(np.concatenate(parts)))

    def _gathered(self, layer: Layer) -> None:
        inputs = tuple(self.written[name] for name in layer.inputs)
        order = self._preferred(layer.name)
        output = Stream(layer.name, layer.output, order, order.beats(self.beat_pixels))
        source = gather_source(inputs, moved_elements(layer, self._types(layer)), output)
        views = tuple(stream.order for stream in inputs)
        self._add("gather", layer, inputs, views, order, source)

    def _types(self, layer: Layer) -> tuple[TensorType, ...]:
        return self.network.input_types(layer)


def _live_tensors(network: Network) -> set[str]:
    """Return the tensors that the output depends on: the others need no hardware."""
    live = {network.layers[-1].name}
    for layer in reversed(network.layers):
        if layer.name in live:
            live.update(layer.inputs)
    return live


def _check_supported(network: Network) -> None:
    problems = []
    for layer in network.layers:
        if isinstance(layer, MaxPool | AvgPool) and len(layer.kernel) > MAX_KERNEL_AXES:
            problems.append(f"'{layer.label}' pools over {len(layer.kernel)} axes")
    if problems:
        raise PlanError(
            f"no hardware for layers: {'; '.join(problems)}; windows of one or two axes are built; "
            "bitfpga.run(network, x) computes the others exactly"
        )
