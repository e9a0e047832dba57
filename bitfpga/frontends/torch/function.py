"""Elementwise functions of one activation, kept as the very ATen operations torch would run."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import torch
from torch.utils._pytree import tree_map

from bitfpga.frontends.torch import float_run
from bitfpga.frontends.torch import graph as g
from bitfpga.frontends.torch.lower import Activation, Lowering
from bitfpga.frontends.torch.refusals import remedy

aten = torch.ops.aten


def _pointwise_inputs(layer: g.Layer | None) -> tuple[str, ...]:
    """Return what the layer is one function of, value by value; () where it is not."""
    if isinstance(layer, g.Table) or (isinstance(layer, g.Affine) and is_scalar(layer)):
        return layer.inputs
    if isinstance(layer, g.Add) and is_scalar(layer):
        return layer.inputs
    return ()


def is_scalar(layer: g.Scaled) -> bool:
    """Whether one multiplier and one offset serve every position."""
    return layer.multiplier.size == 1 and layer.offset.size == 1


def _depends_only(name: str, root: str, layers: dict[str, g.Layer], known: dict[str, bool]) -> bool:
    if name not in known:
        inputs = _pointwise_inputs(layers.get(name))
        known[name] = name == root or (
            bool(inputs) and all(_depends_only(source, root, layers, known) for source in inputs)
        )
    return known[name]


@dataclass(frozen=True, eq=False)
class Elementwise:
    """``operation`` of values that all are functions of the one tensor ``root``."""

    operation: Any
    arguments: dict[str, Any]
    root: str
    layers: dict[str, g.Layer]

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        """Return the operation's result where the root has the values ``x``."""
        return self.value({self.root: x})

    def value(self, made: dict[str, torch.Tensor]) -> torch.Tensor:
        """Return the result; ``made`` holds the root and collects what is worked out."""

        def value(argument: Any) -> Any:
            is_activation = isinstance(argument, Activation)
            return self._evaluate(argument.name, made) if is_activation else argument

        bound = tree_map(value, self.arguments, is_leaf=lambda v: isinstance(v, Activation))
        if "condition" in bound:
            bound["condition"] = bound["condition"] != 0
        schema = self.operation._schema.arguments
        args = [bound[a.name] for a in schema if not a.kwarg_only]
        kwargs = {a.name: bound[a.name] for a in schema if a.kwarg_only}
        with torch.no_grad():
            result: torch.Tensor = self.operation(*args, **kwargs)
        return result.double()

    def _evaluate(self, name: str, made: dict[str, torch.Tensor]) -> torch.Tensor:
        if name not in made:
            layer = self.layers[name]
            inner = layer.function if isinstance(layer, g.Table) else None
            if isinstance(inner, Elementwise) and inner.root == self.root:
                layer = replace(layer, function=lambda x: inner.value(made))  # type: ignore[call-arg]
            inputs = [self._evaluate(source, made) for source in layer.inputs]
            made[name] = float_run.run_layer(layer, inputs, pointwise=True)
        return made[name]


def as_table(context: Lowering, operation: Any, arguments: dict[str, Any]) -> Activation:
    """Return the table of ``operation`` where all its activations are functions of one."""
    activations = [v for v in arguments.values() if isinstance(v, Activation)]
    layers = {layer.name: layer for layer in context.layers}
    root = _root(activations, layers)
    if root is None or len({a.shape for a in activations}) != 1:
        context.fail(f"combines activations; {remedy('two activations')}")
    plain = {key: _single(context, value) for key, value in arguments.items()}
    function = Elementwise(operation, plain, root, layers)
    function(torch.zeros(1, dtype=torch.float64))
    shape = activations[0].shape
    return context.add(g.Table, (Activation(root, shape),), shape, function=function)


def _root(activations: list[Activation], layers: dict[str, g.Layer]) -> str | None:
    """Return the nearest tensor that all ``activations`` are functions of, value by value."""
    for root in [*reversed(layers), g.INPUT]:
        known: dict[str, bool] = {}
        if all(_depends_only(a.name, root, layers, known) for a in activations):
            return root
    return None


def _single(context: Lowering, value: Any) -> Any:
    """Return a constant argument, which must be one number for all positions."""
    if isinstance(value, torch.Tensor):
        if value.numel() != 1:
            context.fail(
                f"takes a constant of shape {tuple(value.shape)}; one number for the whole tensor "
                "is supported here"
            )
        return value.reshape(())
    return value


def elementwise(operation: Any, context: Lowering, **arguments: Any) -> Activation:
    return as_table(context, operation, arguments)


_UNARY = """sigmoid tanh silu hardswish hardsigmoid mish exp exp2 expm1 log log2 log10 log1p sqrt
rsqrt abs sin cos tan asin acos atan sinh cosh asinh acosh atanh erf erfc sign floor ceil round
trunc frac square reciprocal softplus gelu leaky_relu elu selu celu softshrink hardshrink threshold
log_sigmoid logical_not logit sinc absolute"""
_BINARY = """gt lt ge le eq ne pow remainder fmod"""
_OVERLOADS = ("default", "Scalar", "Tensor", "Tensor_Scalar", "Tensor_Tensor", "decimals", "self")
_MORE = """floor_divide maximum minimum where atan2 logical_and logical_or logical_xor"""


def _overloads(names: str) -> list[Any]:
    packets = [getattr(aten, name) for name in names.split()]
    return [getattr(p, o) for p in packets for o in _OVERLOADS if o in p.overloads()]


_EXTRA = [aten.div.Tensor_mode, aten.pow.Scalar, aten.where.ScalarOther, aten.where.ScalarSelf]
HANDLERS: dict[Any, Any] = {
    operation: partial(elementwise, operation)
    for operation in [*_overloads(_UNARY), *_overloads(_BINARY), *_overloads(_MORE), *_EXTRA]
}


def rrelu(
    context: Lowering, *, self: Any, lower: Any, upper: Any, training: Any, generator: Any
) -> Activation:
    if training or generator is not None:
        context.fail("draws random slopes; call model.eval()")
    arguments = {"self": self, "negative_slope": (float(lower) + float(upper)) / 2}
    return as_table(context, aten.leaky_relu.default, arguments)


HANDLERS |= {
    aten.rrelu.default: rrelu,
    # On truth values, all that comparisons of activations can give, bitwise is logical.
    **dict.fromkeys(
        (aten.bitwise_and.Tensor, aten.__and__.Tensor),
        partial(elementwise, aten.logical_and.default),
    ),
    **dict.fromkeys(
        (aten.bitwise_or.Tensor, aten.__or__.Tensor),
        partial(elementwise, aten.logical_or.default),
    ),
    aten.bitwise_not.default: partial(elementwise, aten.logical_not.default),
}
