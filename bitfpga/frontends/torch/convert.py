"""``from_torch``: a trained float model into an integer ``Network``."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import torch

from bitfpga.frontends.torch import float_run
from bitfpga.frontends.torch import graph as g
from bitfpga.frontends.torch.calibrate import tensor_types
from bitfpga.frontends.torch.fake import fake_quantised
from bitfpga.frontends.torch.handlers import HANDLERS
from bitfpga.frontends.torch.lower import lower
from bitfpga.frontends.torch.options import Options, calibration_array
from bitfpga.frontends.torch.quantise import Quantiser
from bitfpga.frontends.torch.simplify import simplify
from bitfpga.frontends.torch.trace import trace
from bitfpga.frontends.torch.verify import check_same, chunks
from bitfpga.ir import Network


def from_torch(
    model: torch.nn.Module,
    calibration: Any,
    input_bits: int = 8,
    weight_bits: int = 8,
    act_bits: int = 8,
    scale: str = "pow2",
    *,
    output_bits: int = 16,
    input_scale: float | None = None,
    name: str | None = None,
) -> Network:
    """Return ``model`` as a ``Network`` of integers, quantised on ``calibration``.

    ``model``: a trained ``torch.nn.Module`` of one tensor [batch, ...] to one, in eval mode; it is
    copied, never changed. ``calibration``: typical inputs, numpy or torch, [n_samples, ...];
    without negative values the input is unsigned. ``scale``: "pow2" (every scale a power of two:
    the network runs without multipliers) or "float" (real scales, multipliers of at most four
    signed digits). ``input_bits`` 1 to 16, ``weight_bits`` 2 to 9, ``act_bits`` and
    ``output_bits`` 2 to 16; ``input_scale`` fixes the real value of one input step. Tables
    (sigmoid, GELU ...) read at most 10 bits, whatever ``act_bits`` says. Metadata holds the
    error and, for 1-d outputs, the share of equal argmax on the calibration.

    Raises ``ModelError`` naming the layer for everything that cannot be done exactly.
    """
    options = Options(input_bits, weight_bits, act_bits, output_bits, scale, input_scale)
    samples = calibration_array(calibration)
    traced = trace(model, samples)
    lowered, values = lower(traced, HANDLERS)
    graph = simplify(lowered)
    check_same(traced, lowered, graph, values, samples)
    types = tensor_types(graph, samples, options)
    layers = Quantiser(graph, types, weight_bits, scale).run()
    network = Network(
        name=name if name is not None else _default_name(model),
        input=types[g.INPUT],
        layers=layers,
    )
    network.metadata.update({"scale": scale, **agreement(graph, network, samples)})
    return network


def _default_name(model: torch.nn.Module) -> str:
    word = re.sub(r"[^A-Za-z0-9_]", "_", type(model).__name__).lstrip("_0123456789")
    return word[:63].lower() or "network"


def agreement(graph: g.FloatGraph, network: Network, samples: g.Floats) -> dict[str, float]:
    """Return how far the integer network is from the float model on ``samples``."""
    quantised = fake_quantised(network)
    squares, largest, count, equal = 0.0, 0.0, 0, 0
    for batch in chunks(graph, samples):
        expected = float_run.run(graph, batch).numpy()
        with torch.no_grad():
            got = quantised(batch).numpy()
        error = np.abs(got - expected)
        with np.errstate(over="ignore"):
            squares += float(np.square(error).sum())
        largest = max(largest, float(error.max()))
        count += error.size
        if expected.ndim == 2:
            equal += int((expected.argmax(1) == got.argmax(1)).sum())
    result = {
        "calibration_rms_error": float(np.sqrt(squares / count)),
        "calibration_max_error": largest,
    }
    if len(network.output.shape) == 1:
        result["calibration_argmax_agreement"] = equal / len(samples)
    # A network's metadata holds nothing beyond: errors of 2^63 and more are left out.
    return {name: value for name, value in result.items() if value < float(1 << 63)}
