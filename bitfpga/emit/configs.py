"""Sizes and types of each layer as the constants of its C++ ``Config`` struct."""

from __future__ import annotations

from typing import Any

from bitfpga.emit.arrays import dense_terms
from bitfpga.ir import Add, Dense, Layer, Network, Requantise, Scale, Table, TensorType
from bitfpga.plan import LayerSchedule, LayerStream, element_multipliers, to_terms

Constants = dict[str, int]


def tensor_config(types: tuple[TensorType, ...], widest: int = 0) -> dict[str, Any]:
    """Return the constants of a memory that holds any value of ``types``."""
    signed = any(t.signed for t in types)
    bits = max(t.bits + (signed and not t.signed) for t in types)
    accumulator = max(widest, bits + (not signed))
    return {
        "signed": signed,
        "sizes": {
            "kInputBits": bits,
            "kAccumulatorBits": accumulator,
            "kScaledBits": accumulator,
        },
        "limits": {},
    }


def requantise_limits(requantise: Requantise) -> Constants:
    """Return rounding constant and clamp, which may be negative or wide."""
    return {"kHalf": requantise.half, "kLow": requantise.low, "kHigh": requantise.high}


def layer_config(
    network: Network, layer: Layer, folded: LayerSchedule, stream: LayerStream | None, offset: int
) -> dict[str, Any]:
    """Return the constants of ``layer``: ``sizes`` (unsigned), ``limits`` (signed), ``signed``."""
    config = tensor_config(network.input_types(layer), folded.accumulator_bits)
    sizes: Constants = config["sizes"]
    sizes["kScaledBits"] = max(folded.scaled_bits, sizes["kAccumulatorBits"])
    if isinstance(layer, Dense):
        assert stream is not None
        sizes |= {
            "kRows": folded.n_rows,
            "kInputs": folded.n_inputs,
            "kOutputs": folded.n_outputs,
            "kPes": max(folded.n_pes, 1),
            "kWords": stream.words.shape[1],
            "kTapOffset": offset,
            "kSlots": max(folded.n_slots, 1),
            "kFinishedOutputs": folded.n_outputs - folded.n_pruned,
            "kPrunedOutputs": folded.n_pruned,
            "kTerms": dense_terms(layer),
            "kShift": layer.requantise.shift,
        }
        config["limits"] = requantise_limits(layer.requantise)
        return config
    sizes["kElements"] = layer.output.size
    if isinstance(layer, Scale | Add):
        multiplier, _ = element_multipliers(layer.requantise, layer.output.shape)
        sizes |= {"kTerms": to_terms(multiplier).n_terms, "kShift": layer.requantise.shift}
        config["limits"] = requantise_limits(layer.requantise)
    if isinstance(layer, Table):
        config["limits"] = {"kTableLow": layer.low}
    return config
