"""What a layer asks of the hardware whatever the folding: words, taps, proven widths."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bitfpga.digits import NumberSystem, to_digits
from bitfpga.errors import PlanError
from bitfpga.ir import Add, Dense, Layer, Network, Requantise, Scale, accumulator_range
from bitfpga.plan.multipliers import Terms, to_terms
from bitfpga.plan.streams import stream_lengths
from bitfpga.plan.widths import horner_range, signed_bits
from bitfpga.plan.words import used_bits, word_bits

Int64 = npt.NDArray[np.int64]
_CHUNK_ELEMENTS = 1 << 18

SUPPORTED = ("dense", "scale", "table", "add", "concat", "reshape", "transpose", "pad", "slice")


@dataclass(frozen=True, eq=False)
class Facts:
    """One layer's demands. ``lengths``: words of each output, int64 [n_outputs], dense only."""

    layer: Layer
    n_rows: int
    n_inputs: int
    n_outputs: int
    n_weights: int
    n_taps: int
    lengths: Int64
    word_bits: int
    stored_bits: int
    accumulator_bits: int
    scaled_bits: int
    n_terms: int
    input_bits: int

    @property
    def n_words(self) -> int:
        """Words of the layer's whole index stream."""
        return int(self.lengths.sum())


def collect_facts(
    network: Network, system: NumberSystem, on_layer: Callable[[str], None] | None = None
) -> tuple[Facts, ...]:
    """Return the facts of every layer that becomes hardware (a reshape is only wiring).

    ``PlanError`` naming every layer that has no hardware yet.
    """
    missing = [f"'{x.label}' ({x.kind})" for x in network.layers if x.kind not in SUPPORTED]
    if missing:
        raise PlanError(
            f"no hardware yet for layers {', '.join(missing)}: this version builds dense and "
            "elementwise layers only; bitfpga.run(network, x) computes the others exactly"
        )
    facts = []
    for layer in network.layers:
        if on_layer is not None:
            on_layer(f"planning {layer.label}")
        if isinstance(layer, Dense):
            facts.append(_dense_facts(network, layer, system))
        elif layer.kind != "reshape":
            facts.append(_elementwise_facts(network, layer))
    return tuple(facts)


def channel_multipliers(layer: Dense) -> tuple[Int64, Int64]:
    """Return multiplier and bias per output, int64 [n_outputs].

    ``PlanError`` where they differ between the rows of one layer.
    """
    n_outputs = layer.output.shape[-1]
    parts = []
    for array in (layer.requantise.multiplier, layer.requantise.bias):
        if array.size > 1 and array.size != array.shape[-1]:
            raise PlanError(
                f"layer '{layer.label}': a multiplier or bias that differs between positions "
                "has no hardware; use one per output"
            )
        parts.append(np.broadcast_to(array.reshape(-1), n_outputs).astype(np.int64))
    return parts[0], parts[1]


def element_multipliers(requantise: Requantise, shape: tuple[int, ...]) -> tuple[Int64, Int64]:
    """Return multiplier and bias per element in row-major order, int64 [n]; n = 1 if all equal."""
    parts = []
    for array in (requantise.multiplier, requantise.bias):
        full = array if array.size == 1 else np.broadcast_to(array, shape)
        parts.append(full.reshape(-1))
    n_elements = max(part.size for part in parts)
    multiplier, bias = (np.broadcast_to(part, n_elements).astype(np.int64) for part in parts)
    return multiplier, bias


def scaled_width(
    terms: Terms, bias: Int64, requantise: Requantise, least: Int64, greatest: Int64
) -> int:
    """Return the bits that hold every shifted term, every partial sum and both ends of the clamp.

    ``bias`` is int64 [n], one for each multiplier in ``terms``.
    """
    largest = max(1, int(np.maximum(np.abs(least), np.abs(greatest)).max()))
    bound = max(
        largest * int(magnitude) + abs(int(offset)) + requantise.half
        for magnitude, offset in zip(terms.magnitude, bias, strict=True)
    )
    return signed_bits(min(-bound, requantise.low), max(bound, requantise.high))


def _dense_facts(network: Network, layer: Dense, system: NumberSystem) -> Facts:
    (x,) = network.input_types(layer)
    n_outputs, n_inputs = layer.weight.shape
    lengths = np.zeros(n_outputs, np.int64)
    n_taps, low, high = 0, x.low, x.high
    rows = max(1, _CHUNK_ELEMENTS // n_inputs)
    for first in range(0, n_outputs, rows):
        digits = to_digits(layer.weight[first : first + rows], system)
        lengths[first : first + rows] = stream_lengths(digits)
        n_taps += digits.count
        least, most = horner_range(digits, x)
        low, high = min(low, least), max(high, most)
    multiplier, bias = channel_multipliers(layer)
    terms = to_terms(multiplier)
    width = scaled_width(terms, bias, layer.requantise, *accumulator_range(layer, (x,)))
    return Facts(
        layer=layer,
        n_rows=layer.output.size // n_outputs,
        n_inputs=n_inputs,
        n_outputs=n_outputs,
        n_weights=layer.weight.size,
        n_taps=n_taps,
        lengths=lengths,
        word_bits=word_bits(n_inputs),
        stored_bits=used_bits(n_inputs),
        accumulator_bits=signed_bits(low, high),
        scaled_bits=width,
        n_terms=terms.n_terms,
        input_bits=x.bits,
    )


def _elementwise_facts(network: Network, layer: Layer) -> Facts:
    types = network.input_types(layer)
    low, high = accumulator_range(layer, types)
    ends = [int(low.min()), int(high.max()), *(t.low for t in types), *(t.high for t in types)]
    n_terms, width = 1, signed_bits(min(ends), max(ends))
    accumulator_bits = width
    if isinstance(layer, Scale | Add):
        multiplier, bias = element_multipliers(layer.requantise, layer.output.shape)
        terms = to_terms(multiplier)
        n_terms = terms.n_terms
        width = scaled_width(terms, bias, layer.requantise, low, high)
    if isinstance(layer, Add):
        weights = to_terms(np.array(layer.weights, np.int64))
        largest = sum(
            int(m) * max(-t.low, t.high) for m, t in zip(weights.magnitude, types, strict=True)
        )
        accumulator_bits = signed_bits(-largest, largest)
    return Facts(
        layer=layer,
        n_rows=1,
        n_inputs=sum(t.size for t in types),
        n_outputs=layer.output.size,
        n_weights=0,
        n_taps=0,
        lengths=np.zeros(0, np.int64),
        word_bits=0,
        stored_bits=0,
        accumulator_bits=accumulator_bits,
        scaled_bits=max(width, accumulator_bits),
        n_terms=n_terms,
        input_bits=max(t.bits for t in types),
    )
