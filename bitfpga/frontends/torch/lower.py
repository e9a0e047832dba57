"""The ATen graph of a trace, operation by operation, into a float graph."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, NoReturn, TypeVar

import numpy as np
import torch
from torch.fx.node import Node, map_arg

from bitfpga.errors import ModelError
from bitfpga.frontends.torch import graph as g
from bitfpga.frontends.torch.inplace import mutates, out_of_place
from bitfpga.frontends.torch.refusals import remedy
from bitfpga.frontends.torch.trace import Trace
from bitfpga.ir.network import MAX_ORIGIN

L = TypeVar("L", bound=g.Layer)
Handler = Callable[..., Any]
_MAX_CONSTANT = 1 << 26


@dataclass(frozen=True)
class Activation:
    """A tensor that depends on the input: its layer's name and its shape without the batch."""

    name: str
    shape: g.Ints


class Lowering:
    """The layers so far, and where in the user's model the current operation stands."""

    def __init__(self, traced: Trace) -> None:
        self.n_samples = len(traced.example)
        self.model = traced.model
        self.layers: list[g.Layer] = []
        self.path = ""
        self.type_name = ""
        self.operation = ""
        self.shape: g.Ints | None = None
        self.is_truth = False
        self._names = {g.INPUT}

    def fail(self, message: str) -> NoReturn:
        """Raise ``ModelError`` naming layer, type and operation."""
        place = f"layer '{self.path}' ({self.type_name})" if self.path else "the model's forward"
        raise ModelError(f"{place}, {self.operation}: {message}")

    def add(
        self, cls: type[L], inputs: tuple[Activation, ...], shape: g.Ints, **options: Any
    ) -> Activation:
        """Append a layer and return what it makes."""
        name = self._fresh_name(cls.__name__.lower())
        origin = _shown(self.path) or self.operation.removeprefix("aten.")
        self.layers.append(
            cls(name, tuple(x.name for x in inputs), tuple(shape), origin, **options)
        )
        return Activation(name, tuple(shape))

    def activation(self, value: Any, what: str = "input") -> Activation:
        """Return ``value``, which must depend on the network's input."""
        if not isinstance(value, Activation):
            self.fail(f"its {what} is a constant; {remedy('constant')}")
        return value

    def constant(self, value: Any, what: str) -> g.Floats:
        """Return ``value`` as float64, finite; it must not depend on the input."""
        if isinstance(value, Activation):
            self.fail(f"its {what} depends on the input; {remedy('two activations')}")
        array = np.asarray(value, dtype=np.float64)
        if not np.isfinite(array).all():
            self.fail(f"its {what} holds NaN or infinity")
        return array

    def axis(self, x: Activation, dim: int) -> int:
        """Return torch's ``dim`` as an axis after the batch; the batch itself is refused."""
        axis = dim % (len(x.shape) + 1)
        if axis == 0:
            self.fail("works along the batch axis; a network computes one sample at a time")
        return axis - 1

    def _fresh_name(self, kind: str) -> str:
        stem = re.sub(r"[^A-Za-z0-9_]", "_", self.path)[-40:].lstrip("_0123456789")
        stem = stem if stem and self.path else f"{kind}_{self.path}".rstrip("_")
        stem = re.sub(r"[^A-Za-z0-9_]", "_", stem)[:48]
        name, count = stem, 1
        while name in self._names:
            count += 1
            name = f"{stem}_{count}"
        self._names.add(name)
        return name


def _shown(path: str) -> str:
    """Return a module's path as a network can carry it: printable, the end of a long one."""
    return "".join(c if c.isprintable() else "?" for c in path)[-MAX_ORIGIN:]


def lower(traced: Trace, handlers: dict[Any, Handler]) -> tuple[g.FloatGraph, dict[Node, Any]]:
    """Return the float graph and the value (activation or constant) of every lowered node."""
    context = Lowering(traced)
    values: dict[Node, Any] = {}
    wanted = _needed(traced.graph)
    for node in traced.graph.nodes:
        if node.op == "placeholder":
            shape = tuple(traced.example.shape[1:])
            is_input = node.name == traced.input_name
            values[node] = Activation(g.INPUT, shape) if is_input else _stored(traced, node)
        elif node.op == "call_function" and node in wanted:
            _enter(context, node)
            values[node] = _lower_node(context, node, values, handlers)
            _check_shape(context, node, values[node])
    for node in traced.graph.nodes:
        if node.op == "call_function" and node not in wanted and mutates(node):
            _enter(context, node)
            context.fail(f"changes a tensor in place; {remedy('in place')}")
    (output,) = next(n for n in traced.graph.nodes if n.op == "output").args[0]
    return _graph(context, values[output], traced), values


def _graph(context: Lowering, output: Any, traced: Trace) -> g.FloatGraph:
    if not isinstance(output, Activation):
        raise ModelError("the model's output does not depend on its input: nothing to compute")
    if output.name == g.INPUT:
        output = identity(context, output)
    layers, input_shape = tuple(context.layers), tuple(traced.example.shape[1:])
    return g.live(g.FloatGraph(input_shape, layers, output.name))


def identity(context: Lowering, x: Activation) -> Activation:
    """Return ``x`` through an affine layer that changes nothing."""
    ones = np.ones((1,) * len(x.shape))
    return context.add(g.Affine, (x,), x.shape, multiplier=ones, offset=ones * 0)


def clamp(context: Lowering, x: Activation, low: float, high: float) -> Activation:
    """Return ``x`` clamped to low..high."""
    result = identity(context, x)
    context.layers[-1] = replace(context.layers[-1], low=low, high=high)  # type: ignore[call-arg]
    return result


def _stored(traced: Trace, node: Node) -> Any:
    return traced.constants[node.name]


def _needed(graph: torch.fx.Graph) -> set[Node]:
    needed: set[Node] = set()
    stack = [node for node in graph.nodes if node.op == "output"]
    while stack:
        node = stack.pop()
        if node not in needed:
            needed.add(node)
            stack.extend(node.all_input_nodes)
    return needed


def _enter(context: Lowering, node: Node) -> None:
    stack = node.meta.get("nn_module_stack") or {}
    path, kind = list(stack.values())[-1] if stack else ("", "")
    context.path, context.type_name = path, str(kind).rsplit(".", 1)[-1]
    context.operation = str(node.target).rsplit(".", 1)[0]
    value = node.meta.get("val")
    context.shape = tuple(value.shape) if isinstance(value, torch.Tensor) else None
    context.is_truth = isinstance(value, torch.Tensor) and value.dtype == torch.bool


def _lower_node(
    context: Lowering, node: Node, values: dict[Node, Any], handlers: dict[Any, Handler]
) -> Any:
    target = node.target
    if target is not operator.getitem and not isinstance(target, torch._ops.OpOverload):
        context.fail(f"is not supported; {remedy(str(target))}")
    args: Any = map_arg(node.args, values.__getitem__)
    kwargs: Any = map_arg(node.kwargs, values.__getitem__)
    if not isinstance(target, torch._ops.OpOverload):
        if args[0][args[1]] is None:
            context.fail("reads positions of maxima; only the maxima themselves are supported")
        return args[0][args[1]]
    depends = any(isinstance(values[n], Activation | list) for n in node.all_input_nodes)
    if not depends:
        return _fold_constant(context, node, target, args, kwargs)
    if target._schema.is_mutable:
        target = out_of_place(node, target, context.fail)
    if target not in handlers:
        context.fail(f"is not supported; {remedy(target._schema.name.removeprefix('aten::'))}")
    try:
        return handlers[target](context, **bind(target, args, kwargs))
    except ModelError:
        raise
    except Exception as error:  # odd arguments must end in a sentence, never in a traceback
        context.fail(f"could not be read ({type(error).__name__}: {error}); please report this")


def bind(target: torch._ops.OpOverload, args: Any, kwargs: Any) -> dict[str, Any]:
    """Return every argument of the operation by its name in the schema, defaults included."""
    bound = {}
    for index, argument in enumerate(target._schema.arguments):
        if index < len(args):
            bound[argument.name] = args[index]
        else:
            bound[argument.name] = kwargs.get(argument.name, argument.default_value)
    return bound


def _fold_constant(context: Lowering, node: Node, target: Any, args: Any, kwargs: Any) -> Any:
    if torch.Tag.nondeterministic_seeded in target.tags:
        context.fail("draws random numbers; a network must always give the same answer")
    if mutates(node):
        context.fail(f"changes a buffer in forward; {remedy('in place')}")
    with torch.no_grad():
        result = target(*args, **kwargs)
    if isinstance(result, torch.Tensor) and result.numel() > _MAX_CONSTANT:
        context.fail(f"makes a constant of {result.numel()} values")
    if isinstance(result, torch.Tensor) and result.is_floating_point():
        return result.detach().double()
    return tuple(result) if isinstance(result, list) else result


def _check_shape(context: Lowering, node: Node, value: Any) -> None:
    if isinstance(value, Activation) and context.shape is not None:
        expected = (context.n_samples, *value.shape)
        if context.shape != expected:
            context.fail(f"makes {context.shape}, but bitfpga reads {expected}; please report this")
