"""Verilog of the processes that requantise elements, sums of inputs, and sums of maps."""

from __future__ import annotations

import numpy as np

from bitfpga.emit.rtl_part import Part
from bitfpga.emit.rtl_scales import make_scale
from bitfpga.emit.rtl_words import Parameter, hex_file, packed, side_by_side
from bitfpga.ir import Add, Requantise
from bitfpga.plan import LayerSchedule, Step, element_multipliers, memory_style, to_terms


def scale_part(step: Step, folded: LayerSchedule, n_samples: int) -> Part:
    """Return the process that requantises its input."""
    source, lanes = step.inputs[0], step.inputs[0].lanes * n_samples
    scales, data = step_scales(step, folded)
    widths = {"X_BITS": source.tensor.bits, "X_SIGNED": int(source.tensor.signed)}
    return Part("scale_elements", {"LANES": lanes, **widths, **scales}, data)


def add_part(step: Step, folded: LayerSchedule, n_samples: int) -> Part:
    """Return the process that requantises the weighted sum of its inputs."""
    assert isinstance(step.layer, Add)
    tensors = [source.tensor for source in step.inputs]
    weights = to_terms(np.array(step.layer.weights, np.int64))
    scales, data = step_scales(step, folded)
    parameters: dict[str, Parameter] = {
        "LANES": step.inputs[0].lanes * n_samples,
        "INPUTS": len(tensors),
        "X_BITS": packed([tensor.bits for tensor in tensors], 8),
        "X_SIGNED": packed([tensor.signed for tensor in tensors], 1),
        "X_TOTAL": sum(tensor.bits for tensor in tensors),
        "WEIGHT_TERMS": weights.n_terms,
        "WEIGHT_SHIFT": packed(weights.shifts.reshape(-1), 8),
        "WEIGHT_USED": packed(weights.signs.reshape(-1) != 0, 1),
        "WEIGHT_NEGATIVE": packed(weights.signs.reshape(-1) < 0, 1),
        "SUM_BITS": folded.accumulator_bits,
    }
    return Part("add_elements", {**parameters, **scales}, data, one_read=True)


def sum_part(step: Step, folded: LayerSchedule, n_samples: int) -> Part:
    """Return the process that sums whole maps."""
    source, view = step.inputs[0], step.views[0]
    n_blocks = source.n_beats // view.channels
    scales, data = step_scales(step, folded)
    parameters: dict[str, Parameter] = {
        "BEAT_PIXELS": source.lanes,
        "SAMPLES": n_samples,
        "X_BITS": source.tensor.bits,
        "X_SIGNED": int(source.tensor.signed),
        "CHANNELS": view.channels,
        "BLOCKS": n_blocks,
        "LAST_PIXELS": view.pixels - (n_blocks - 1) * source.lanes,
        "SUM_BITS": folded.accumulator_bits,
        "SUM_STYLE": memory_style(view.channels),
    }
    return Part("sum_map", {**parameters, **scales}, data)


def step_scales(step: Step, folded: LayerSchedule) -> tuple[dict[str, Parameter], dict[str, bytes]]:
    """Return the parameters and the table of a requantiser that is no array's."""
    assert step.output is not None
    requantise: Requantise | None = getattr(step.layer, "requantise", None)
    assert requantise is not None
    multiplier, bias, mode = element_multipliers(step, requantise)
    bits = max(folded.scaled_bits, folded.accumulator_bits)
    scale = make_scale(multiplier, bias, requantise, bits, step.output.tensor.bits)
    count = step.output.lanes if mode == 2 else 1
    words = side_by_side(scale.words, scale.bits, count)
    parameters: dict[str, Parameter] = {
        "SCALES": len(words),
        "SCALE_FILE": "scale",
        "SCALE_STYLE": memory_style(len(words), read_only=True),
        **scale.parameters,
    }
    if step.kind != "sum_map":
        parameters["SCALE_LANES"] = count
    return parameters, {"scale": hex_file(words, scale.bits * count)}
