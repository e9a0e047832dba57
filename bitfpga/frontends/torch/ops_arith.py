"""Handlers of arithmetic with constants, of sums of activations, and of clamps."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch

from bitfpga.frontends.torch import graph as g
from bitfpga.frontends.torch.function import as_table
from bitfpga.frontends.torch.lower import Activation, Lowering
from bitfpga.frontends.torch.lower import clamp as clamped

aten = torch.ops.aten


def _affine(context: Lowering, x: Activation, multiplier: Any, offset: Any) -> Activation:
    arrays = {
        "multiplier": _fitted(context, x, multiplier),
        "offset": _fitted(context, x, offset),
    }
    return context.add(g.Affine, (x,), x.shape, **arrays)


def _fitted(context: Lowering, x: Activation, value: Any) -> g.Floats:
    """Return a constant with one axis for each axis of a sample, broadcastable to it."""
    array = context.constant(value, "constant")
    rank = len(x.shape)
    if array.ndim == rank + 1:
        if not (array == array[:1]).all():
            context.fail(f"its constant of shape {array.shape} differs from sample to sample")
        array = array[0]
    array = array.reshape((1,) * (rank - array.ndim) + array.shape) if array.ndim < rank else array
    fits = array.ndim == rank and all(
        n in (1, size) for n, size in zip(array.shape, x.shape, strict=True)
    )
    if not fits:
        context.fail(
            f"a constant of shape {array.shape} would widen samples of shape {x.shape}; "
            "repeat the samples first (x.expand or torch.cat)"
        )
    return array


def _sum(context: Lowering, terms: list[tuple[Any, float]]) -> Activation:
    """Return the sum of value * weight; any of the values may be constant."""
    if context.is_truth:
        context.fail("adds truth values, which is 'or' in torch; write a | b, or a.float() + b")
    activations = [(v, w) for v, w in terms if isinstance(v, Activation)]
    constants = [(v, w) for v, w in terms if not isinstance(v, Activation)]
    if constants:
        ((x, weight),) = activations
        ((constant, factor),) = constants
        return _affine(context, x, weight, context.constant(constant, "constant") * factor)
    shapes = [x.shape for x, _ in activations]
    if shapes[0] != shapes[1]:
        context.fail(f"samples of shapes {shapes[0]} and {shapes[1]}: expand the smaller one first")
    inputs, weights = [], []
    for x, weight in activations:
        is_power = abs(math.frexp(weight)[0]) == 0.5
        inputs.append(x if is_power else _affine(context, x, weight, 0.0))
        weights.append(float(weight) if is_power else 1.0)
    ones = np.ones((1,) * len(shapes[0]))
    arrays = {"multiplier": ones, "offset": ones * 0}
    return context.add(g.Add, tuple(inputs), shapes[0], weights=tuple(weights), **arrays)


def add(context: Lowering, *, self: Any, other: Any, alpha: Any) -> Activation:
    return _sum(context, [(self, 1.0), (other, float(alpha))])


def sub(context: Lowering, *, self: Any, other: Any, alpha: Any) -> Activation:
    return _sum(context, [(self, 1.0), (other, -float(alpha))])


def rsub(context: Lowering, *, self: Any, other: Any, alpha: Any) -> Activation:
    return _sum(context, [(self, -float(alpha)), (other, 1.0)])


def neg(context: Lowering, *, self: Any) -> Activation:
    return _affine(context, context.activation(self), -1.0, 0.0)


def mul(context: Lowering, *, self: Any, other: Any) -> Activation:
    if isinstance(self, Activation) and isinstance(other, Activation):
        return as_table(context, aten.mul.Tensor, {"self": self, "other": other})
    x, factor = (self, other) if isinstance(self, Activation) else (other, self)
    return _affine(context, x, factor, 0.0)


def div(context: Lowering, *, self: Any, other: Any) -> Activation:
    if isinstance(other, Activation):
        return as_table(context, aten.div.Tensor, {"self": self, "other": other})
    divisor = context.constant(other, "divisor")
    if (divisor == 0).any():
        context.fail("divides by zero")
    return _affine(context, self, 1.0 / divisor, 0.0)


def _bound(context: Lowering, value: Any, default: float) -> float:
    if value is None:
        return default
    array = context.constant(value, "bound") if isinstance(value, torch.Tensor) else None
    if array is not None and array.size != 1:
        context.fail("its bound must be one number")
    bound = float(value if array is None else array.reshape(-1)[0])
    if math.isnan(bound):
        context.fail("its bound is not a number")
    return bound


def clamp(context: Lowering, *, self: Any, min: Any = None, max: Any = None) -> Activation:
    x = context.activation(self)
    low, high = _bound(context, min, -math.inf), _bound(context, max, math.inf)
    if low == math.inf or high == -math.inf:
        context.fail(f"clamps to {low}..{high}, which is infinite")
    return clamped(context, x, low if low < high else high, high)


def relu(context: Lowering, *, self: Any) -> Activation:
    return clamped(context, context.activation(self), 0.0, math.inf)


def hardtanh(context: Lowering, *, self: Any, min_val: Any, max_val: Any) -> Activation:
    return clamp(context, self=self, min=min_val, max=max_val)


def relu6(context: Lowering, *, self: Any) -> Activation:
    return clamped(context, context.activation(self), 0.0, 6.0)


HANDLERS = {
    aten.add.Tensor: add,
    aten.sub.Tensor: sub,
    aten.subtract.Tensor: sub,
    aten.rsub.Scalar: rsub,
    aten.rsub.Tensor: rsub,
    aten.neg.default: neg,
    aten.mul.Tensor: mul,
    aten.multiply.Tensor: mul,
    aten.div.Tensor: div,
    aten.divide.Tensor: div,
    aten.true_divide.Tensor: div,
    aten.clamp.default: clamp,
    aten.clamp.Tensor: clamp,
    aten.clip.default: clamp,
    aten.clamp_min.default: clamp,
    aten.clamp_max.default: clamp,
    aten.relu.default: relu,
    aten.relu6.default: relu6,
    aten.hardtanh.default: hardtanh,
}
