"""Handlers of layers with weights: linear, matmul, convolutions, batch norm, prelu."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from bitfpga.frontends.torch import graph as g
from bitfpga.frontends.torch.lower import Activation, Lowering, clamp
from bitfpga.prune.grid import IntegerWeights

aten = torch.ops.aten
_WEIGHT_MIN, _WEIGHT_MAX = -256, 255


def linear(context: Lowering, *, input: Any, weight: Any, bias: Any) -> Activation:
    x = context.activation(input)
    matrix = context.constant(weight, "weight")
    if matrix.ndim != 2 or len(x.shape) < 1:
        context.fail(f"weight of shape {matrix.shape}: [n_outputs, n_inputs] is needed")
    return _dense(context, x, matrix, bias, _integers(context, matrix))


def matmul(context: Lowering, *, self: Any, other: Any) -> Activation:
    x = context.activation(self, "first operand")
    matrix = context.constant(other, "second operand")
    if matrix.ndim != 2 or len(x.shape) < 1:
        context.fail(f"constant of shape {matrix.shape}: a matrix [n_inputs, n_outputs] is needed")
    return _dense(context, x, np.ascontiguousarray(matrix.T), None, None)


def mm(context: Lowering, *, self: Any, mat2: Any) -> Activation:
    return matmul(context, self=self, other=mat2)


def addmm(
    context: Lowering, *, self: Any, mat1: Any, mat2: Any, beta: Any, alpha: Any
) -> Activation:
    x, matrix = context.activation(mat1, "first matrix"), context.constant(mat2, "second matrix")
    offset = context.constant(self, "added matrix") * float(beta)
    if offset.ndim > 1:
        context.fail(f"an added matrix of shape {offset.shape}; one row (a bias) is supported")
    return _dense(context, x, np.ascontiguousarray(matrix.T) * float(alpha), offset, None)


def _dense(
    context: Lowering, x: Activation, matrix: g.Floats, bias: Any, integers: Any
) -> Activation:
    offset = np.zeros(len(matrix)) if bias is None else context.constant(bias, "bias")
    offset = offset.reshape((1,) * (len(x.shape) - offset.ndim) + offset.shape)
    shape = (*x.shape[:-1], len(matrix))
    return context.add(g.Dense, (x,), shape, weight=matrix, offset=offset, integers=integers)


def convolution(
    context: Lowering,
    *,
    input: Any,
    weight: Any,
    bias: Any,
    stride: Any,
    padding: Any,
    dilation: Any,
    groups: Any,
) -> Activation:
    x, kernels = context.activation(input), context.constant(weight, "weight")
    rank = kernels.ndim - 2
    if len(x.shape) != rank + 1:
        context.fail(f"samples of shape {x.shape}: a batch of (C, {'H, W' if rank > 1 else 'T'})")
    stride, dilation = spread(stride, rank), spread(dilation, rank)
    pairs = _padding(context, padding, kernels.shape[2:], dilation)
    windows = [
        (size + sum(pair) - d * (k - 1) - 1) // s + 1
        for size, pair, k, s, d in zip(
            x.shape[1:], pairs, kernels.shape[2:], stride, dilation, strict=True
        )
    ]
    offset = np.zeros(len(kernels)) if bias is None else context.constant(bias, "bias")
    return context.add(
        g.Conv,
        (x,),
        (len(kernels), *windows),
        weight=kernels,
        offset=offset.reshape(-1, *(1,) * rank),
        integers=_integers(context, kernels),
        stride=stride,
        padding=pairs,
        dilation=dilation,
        groups=int(groups),
    )


def _padding(context: Lowering, padding: Any, kernel: g.Ints, dilation: g.Ints) -> g.Pairs:
    if padding == "valid":
        return ((0, 0),) * len(kernel)
    if padding == "same":
        totals = [d * (k - 1) for k, d in zip(kernel, dilation, strict=True)]
        return tuple((total // 2, total - total // 2) for total in totals)
    if isinstance(padding, str):
        context.fail(f"padding {padding!r}: numbers, 'same' or 'valid' are supported")
    return tuple((p, p) for p in spread(padding, len(kernel)))


def spread(value: Any, rank: int) -> g.Ints:
    """Return ``value`` (a number, one entry or ``rank`` entries) as ``rank`` integers."""
    entries = tuple(int(v) for v in (value if isinstance(value, list | tuple) else [value]))
    return entries * rank if len(entries) == 1 else entries


def batch_norm(
    context: Lowering,
    *,
    input: Any,
    weight: Any,
    bias: Any,
    running_mean: Any,
    running_var: Any,
    training: Any,
    momentum: Any,
    eps: Any,
    cudnn_enabled: Any,
) -> Activation:
    x = context.activation(input)
    if training or running_mean is None or running_var is None:
        context.fail(
            "normalises by the statistics of the batch at hand; call model.eval(), and keep "
            "track_running_stats=True"
        )
    mean = context.constant(running_mean, "running mean")
    deviation = np.sqrt(context.constant(running_var, "running variance") + float(eps))
    gain = (1.0 if weight is None else context.constant(weight, "weight")) / deviation
    offset = (0.0 if bias is None else context.constant(bias, "bias")) - mean * gain
    return per_channel(context, x, gain, offset)


def per_channel(
    context: Lowering, x: Activation, multiplier: g.Floats, offset: g.Floats
) -> Activation:
    """Return ``x * multiplier + offset`` with one value for each index of the first axis."""
    shape = (-1, *(1,) * (len(x.shape) - 1))
    arrays = {"multiplier": multiplier.reshape(shape), "offset": offset.reshape(shape)}
    return context.add(g.Affine, (x,), x.shape, **arrays)


def prelu(context: Lowering, *, self: Any, weight: Any) -> Activation:
    """``max(x, 0) + weight * min(x, 0)``: exact for one weight a channel."""
    x, slope = context.activation(self), context.constant(weight, "weight").reshape(-1)
    positive = clamp(context, x, 0.0, np.inf)
    negative = clamp(context, x, -np.inf, 0.0)
    if slope.size == 1:
        shape = (1,) * len(x.shape)
        arrays = {"multiplier": slope.reshape(shape), "offset": np.zeros(shape)}
        scaled = context.add(g.Affine, (negative,), x.shape, **arrays)
    else:
        scaled = per_channel(context, negative, slope, slope * 0)
    ones = np.ones((1,) * len(x.shape))
    arrays = {"multiplier": ones, "offset": ones * 0}
    return context.add(g.Add, (positive, scaled), x.shape, weights=(1.0, 1.0), **arrays)


def fake_quantise(context: Lowering, *, x: Any, scale: Any, low: Any, high: Any) -> Activation:
    source = context.activation(x)
    steps = context.constant(scale, "scale").reshape(-1)
    if steps.size != 1:
        context.fail(f"{steps.size} scales: one for the whole tensor is needed")
    scale = float(steps[0])
    valid = scale > 0 and low < high
    if not valid or (low < 0 and not -(1 << 15) <= low <= high < 1 << 15):
        context.fail(f"scale {scale}, {low}..{high}: scale > 0 and at most 16 bits are supported")
    if low >= 0 and high >= 1 << 16:
        context.fail(f"{low}..{high}: at most 16 bits are supported")
    ones = np.ones((1,) * len(source.shape))
    grid = g.Grid(scale, int(low), int(high))
    return context.add(
        g.Affine, (source,), source.shape, multiplier=ones, offset=ones * 0, grid=grid
    )


def _integers(context: Lowering, weight: g.Floats) -> g.IntegerWeight | None:
    """Return the integers the current module brings along, checked against its weight."""
    module = context.model.get_submodule(context.path) if context.path else context.model
    if not isinstance(module, IntegerWeights):
        return None
    raw, raw_scale = module.integer_weight()
    values, scale = np.asarray(raw), np.asarray(raw_scale, dtype=np.float64)
    if values.dtype.kind not in "iu" or values.shape != weight.shape:
        context.fail(f"integer_weight() gives {values.dtype} {values.shape}, not {weight.shape}")
    if values.min() < _WEIGHT_MIN or values.max() > _WEIGHT_MAX:
        context.fail(f"integer weights {values.min()}..{values.max()} are beyond 9 bits signed")
    if scale.shape != (len(weight),) or not (np.isfinite(scale) & (scale > 0)).all():
        context.fail(f"integer_weight() must give one scale above 0 for {len(weight)} outputs")
    real = values * scale.reshape(-1, *(1,) * (weight.ndim - 1))
    if np.abs(real - weight).max() > 1e-5 * max(np.abs(weight).max(), 1e-30):
        context.fail("integer_weight() is not the weight the module computes with")
    groups: Any = getattr(module, "bit_groups", lambda: None)
    return g.IntegerWeight(values.astype(np.int16), scale, groups())


HANDLERS = {
    aten.linear.default: linear,
    aten.matmul.default: matmul,
    aten.mm.default: mm,
    aten.addmm.default: addmm,
    aten.conv1d.default: convolution,
    aten.conv1d.padding: convolution,
    aten.conv2d.default: convolution,
    aten.conv2d.padding: convolution,
    aten.batch_norm.default: batch_norm,
    aten.prelu.default: prelu,
    torch.ops.bitfpga.fake_quantise.default: fake_quantise,
}
