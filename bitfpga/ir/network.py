"""``Network``: what is computed, checked when made, printable, the same for every stage."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bitfpga.errors import ModelError
from bitfpga.ir.groups import check_bit_groups
from bitfpga.ir.layers import Conv, Dense, Layer
from bitfpga.ir.ranges import check_requantise
from bitfpga.ir.shapes import output_shape
from bitfpga.ir.tensors import FILE_DTYPES, IntArray, TensorType

INPUT = "input"
WEIGHT_LOW, WEIGHT_HIGH = -256, 255
MAX_ORIGIN = 255
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,62}")


@dataclass(frozen=True, eq=False)
class TestVectors:
    """Samples that travel with a network.

    ``x``: integers [n, *input shape]; ``labels``: int class of each sample; ``float_outputs``:
    what the float model answered, float32 [n, *output shape]. The last two may be missing.
    """

    __test__ = False

    x: IntArray
    labels: npt.NDArray[np.int64] | None = None
    float_outputs: npt.NDArray[np.float32] | None = None


@dataclass(frozen=True, eq=False)
class Network:
    """A quantised network: layers in the order they run, the last one giving the output.

    Raises ``ModelError`` when it is not consistent (names, shapes, ranges). ``metadata`` holds
    only strings and numbers and never changes what is computed.
    """

    name: str
    input: TensorType
    layers: tuple[Layer, ...]
    metadata: dict[str, str | int | float] = field(default_factory=dict)
    vectors: TestVectors | None = None

    def __post_init__(self) -> None:
        check_name("network", self.name)
        if not self.layers:
            raise ModelError(f"network '{self.name}' has no layers")
        types = {INPUT: self.input}
        _check_metadata(self.metadata)
        for layer in self.layers:
            check_name("layer", layer.name)
            _check_origin(layer.name, layer.origin)
            if layer.name in types:
                raise ModelError(f"layer name '{layer.name}' is used twice")
            _check_layer(layer, types)
            types[layer.name] = layer.output
        if self.vectors is not None:
            _check_vectors(self.vectors, self)

    @property
    def output(self) -> TensorType:
        """Type of the network's output: that of the last layer."""
        return self.layers[-1].output

    @cached_property
    def types(self) -> dict[str, TensorType]:
        """Type of every tensor by name, ``input`` included."""
        return {INPUT: self.input, **{layer.name: layer.output for layer in self.layers}}

    def input_types(self, layer: Layer) -> tuple[TensorType, ...]:
        """Types of the tensors ``layer`` reads."""
        return tuple(self.types[name] for name in layer.inputs)

    def quantise(self, x_float: npt.ArrayLike) -> IntArray:
        """Return the integers nearest to real inputs [batch, *shape], rounding half up.

        Values beyond the input's range are clamped; NaN or a wrong shape is a ``ModelError``.
        """
        try:
            x = np.asarray(x_float, dtype=np.float64)
        except (TypeError, ValueError) as error:
            raise ModelError(f"input is not an array of real numbers: {error}") from None
        if x.ndim != len(self.input.shape) + 1 or x.shape[1:] != self.input.shape:
            raise ModelError(
                f"input shape {x.shape}: expected (batch, {', '.join(map(str, self.input.shape))})"
            )
        if np.isnan(x).any():
            raise ModelError("input holds NaN: clean the data before quantising it")
        with np.errstate(over="ignore"):
            steps = np.floor(x / self.input.scale + 0.5)
        return np.clip(steps, self.input.low, self.input.high).astype(self.input.dtype)

    def dequantise(self, y_int: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Return the real outputs, float64 [batch, *shape], of integer outputs."""
        return np.asarray(y_int, dtype=np.float64) * self.output.scale

    def save(self, path: str | Path) -> Path:
        """Write the network as one ``.bitfpga`` file and return its path."""
        from bitfpga.ir.file import save_network

        return save_network(self, Path(path))

    @staticmethod
    def load(path: str | Path) -> Network:
        """Read a ``.bitfpga`` file; whatever is wrong with it is one ``ModelError``."""
        from bitfpga.ir.file import load_network

        return load_network(Path(path))

    def __str__(self) -> str:
        lines = [f"network {self.name}: {self.input.label} -> {self.output.label}"]
        lines += [
            f"  {layer.name} = {layer.kind}({', '.join(layer.inputs)}) -> {layer.output.label}"
            for layer in self.layers
        ]
        return "\n".join(lines)


def check_name(what: str, name: object) -> None:
    """Raise ``ModelError`` unless ``name`` is letters, digits and _ (1..63, a letter first)."""
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        shown = repr(name)[:80]
        raise ModelError(f"{what} name {shown}: only letters, digits and _ are allowed, 1 to 63")


def check_batch(network: Network, x: npt.ArrayLike) -> IntArray:
    """Return ``x`` as integers [batch, *input shape]; ``ModelError`` says what is off."""
    try:
        array = np.asarray(x)
    except (TypeError, ValueError) as error:
        raise ModelError(f"input is not an array of integers: {error}") from None
    shape = network.input.shape
    if array.dtype.kind not in "iu":
        raise ModelError(
            f"input dtype {array.dtype}: integers are needed; use network.quantise(x) for floats"
        )
    if array.ndim != len(shape) + 1 or array.shape[1:] != shape:
        raise ModelError(
            f"input shape {array.shape}: expected (batch, {', '.join(map(str, shape))})"
        )
    if array.size and not (network.input.low <= array.min() and array.max() <= network.input.high):
        raise ModelError(
            f"input values {array.min()}..{array.max()}: {network.input.label} holds "
            f"{network.input.low}..{network.input.high}"
        )
    return array


def _check_metadata(metadata: dict[Any, Any]) -> None:
    for key, value in metadata.items():
        scalar = isinstance(value, str | int | float) and not isinstance(value, bool)
        if not isinstance(key, str) or not scalar:
            raise ModelError(f"metadata {str(key)[:60]!r}: only strings and numbers are allowed")
        if not isinstance(value, str) and not abs(value) < float(1 << 63):
            raise ModelError(f"metadata '{key[:60]}': numbers must be finite and below 2^63")


def _check_origin(name: str, origin: object) -> None:
    if not isinstance(origin, str) or len(origin) > MAX_ORIGIN or not origin.isprintable():
        raise ModelError(
            f"layer '{name}': origin {str(origin)[:60]!r} must be printable text of at "
            f"most {MAX_ORIGIN} characters"
        )


def _check_layer(layer: Layer, types: dict[str, TensorType]) -> None:
    missing = [name for name in layer.inputs if name not in types]
    if missing or not layer.inputs:
        raise ModelError(
            f"layer '{layer.label}' reads {missing or 'nothing'}; "
            "a layer reads layers above it or 'input'"
        )
    input_types = tuple(types[name] for name in layer.inputs)
    if len(input_types) > 1 and layer.kind not in ("add", "concat"):
        raise ModelError(f"layer '{layer.label}' ({layer.kind}) takes one input")
    if isinstance(layer, Dense | Conv):
        _check_weight(layer)
    shape = output_shape(layer, input_types)
    if shape != layer.output.shape:
        raise ModelError(f"layer '{layer.label}' makes {shape}, but says {layer.output.shape}")
    if isinstance(layer, Dense | Conv) and layer.bit_groups is not None:
        check_bit_groups(layer.label, layer.weight, layer.bit_groups)
    check_requantise(layer, input_types)
    if getattr(layer, "requantise", None) is None and layer.kind != "table":
        _check_passes_through(layer, input_types)


def _check_weight(layer: Dense | Conv) -> None:
    if layer.weight.dtype != np.int16:
        raise ModelError(f"layer '{layer.label}': weight dtype must be int16")
    if layer.weight.size == 0:
        raise ModelError(f"layer '{layer.label}': weight is empty")
    low, high = int(layer.weight.min()), int(layer.weight.max())
    if low < WEIGHT_LOW or high > WEIGHT_HIGH:
        raise ModelError(
            f"layer '{layer.label}': weights {low}..{high} are beyond 9 bits signed "
            f"({WEIGHT_LOW}..{WEIGHT_HIGH}); quantise them to 9 bits or fewer"
        )


def _check_passes_through(layer: Layer, input_types: tuple[TensorType, ...]) -> None:
    for source in input_types:
        same = (source.bits, source.signed) == (layer.output.bits, layer.output.signed)
        if not same or not math.isclose(source.scale, layer.output.scale, rel_tol=1e-12):
            raise ModelError(
                f"layer '{layer.label}' ({layer.kind}) only moves values, but its input "
                f"{source.label} * {source.scale} is not its output {layer.output.label} * "
                f"{layer.output.scale}"
            )


def _check_vectors(vectors: TestVectors, network: Network) -> None:
    n_samples = len(check_batch(network, vectors.x))
    expected: list[tuple[str, Any, str, tuple[int, ...]]] = [
        ("x", vectors.x, "iu", (n_samples, *network.input.shape)),
        ("labels", vectors.labels, "iu", (n_samples,)),
        ("float_outputs", vectors.float_outputs, "f", (n_samples, *network.output.shape)),
    ]
    for name, array, kinds, shape in expected:
        if array is None:
            continue
        if array.dtype.kind not in kinds or array.dtype.name not in FILE_DTYPES:
            allowed = sorted(d for d in FILE_DTYPES if np.dtype(d).kind in kinds)
            raise ModelError(f"test vectors: {name} is {array.dtype}, allowed: {allowed}")
        if array.shape != shape:
            raise ModelError(f"test vectors: {name} has shape {array.shape}, expected {shape}")
