"""Requantisers: their constants in stream order, and widths that hold every sum in them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from bitfpga.errors import PlanError
from bitfpga.ir import Add, Conv, Dense, Requantise, accumulator_range
from bitfpga.plan.multipliers import Terms, to_terms
from bitfpga.plan.steps import Step
from bitfpga.plan.widths import signed_bits

Int64 = npt.NDArray[np.int64]


def channel_multipliers(layer: Dense | Conv) -> tuple[Int64, Int64]:
    """Return multiplier and bias per output, int64 [n_outputs].

    ``PlanError`` where they differ between the pixels of one output.
    """
    n_outputs, shape = len(layer.weight), layer.output.shape
    axis = 0 if isinstance(layer, Conv) else len(shape) - 1
    parts = []
    for array in (layer.requantise.multiplier, layer.requantise.bias):
        rows = np.moveaxis(np.broadcast_to(array, shape), axis, 0).reshape(n_outputs, -1)
        if (rows != rows[:, :1]).any():
            raise PlanError(
                f"layer '{layer.label}': a multiplier or bias that differs between positions "
                "has no hardware; use one per output"
            )
        parts.append(rows[:, 0].astype(np.int64))
    return parts[0], parts[1]


def element_multipliers(step: Step, requantise: Requantise) -> tuple[Int64, Int64, int]:
    """Return multiplier and bias, int64 [n], of a step's output, and the scale mode.

    Mode 0: one for all; 1: one per channel; 2: one for each element in stream order (lanes past
    the end repeat element 0).
    """
    output = step.output
    assert output is not None
    shape, index = output.tensor.shape, output.order.index
    full = [np.broadcast_to(a, shape).reshape(-1) for a in (requantise.multiplier, requantise.bias)]
    if all((array == array[0]).all() for array in full):
        return full[0][:1].astype(np.int64), full[1][:1].astype(np.int64), 0
    mapped = [array[index] for array in full]
    if all((rows == rows[:, :1]).all() for rows in mapped):
        return mapped[0][:, 0].astype(np.int64), mapped[1][:, 0].astype(np.int64), 1
    places = np.maximum(output.beats.reshape(-1), 0)
    return full[0][places].astype(np.int64), full[1][places].astype(np.int64), 2


def requantise_terms(step: Step) -> int:
    """Return the shifted terms of a step's multipliers; the step is no array."""
    requantise: Requantise | None = getattr(step.layer, "requantise", None)
    assert requantise is not None
    return to_terms(element_multipliers(step, requantise)[0]).n_terms


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


def sum_widths(step: Step) -> tuple[int, int]:
    """Return accumulator and scaled bits of a step that is not an array."""
    layer, types = step.layer, step.types
    if layer is None:
        return step.inputs[0].tensor.bits + 1, step.inputs[0].tensor.bits + 1
    low, high = accumulator_range(layer, types)
    ends = [int(low.min()), int(high.max()), *(t.low for t in types), *(t.high for t in types)]
    accumulator = signed_bits(min(ends), max(ends))
    requantise: Requantise | None = getattr(layer, "requantise", None)
    if requantise is None:
        return accumulator, accumulator
    if isinstance(layer, Add):
        weights = to_terms(np.array(layer.weights, np.int64))
        largest = sum(
            int(m) * max(-t.low, t.high) for m, t in zip(weights.magnitude, types, strict=True)
        )
        accumulator = max(accumulator, signed_bits(-largest, largest))
    multiplier, bias, _ = element_multipliers(step, requantise)
    scaled = scaled_width(to_terms(multiplier), bias, requantise, low, high)
    return accumulator, max(scaled, accumulator)
