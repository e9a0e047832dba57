"""Which operations of a model compute, clamp, or only move values: where grids must sit."""

from __future__ import annotations

import operator
from enum import Enum
from typing import Any

import torch
import torch.nn.functional as F
from torch import fx, nn


class Kind(Enum):
    """What a node of the traced model does to the grid its input is on."""

    COMPUTES = "makes new values: its output needs a grid of its own"
    CLAMPS = "cuts values off; the output is never negative where it says so"
    MOVES = "gives values it was given"
    JOINS = "joins tensors, which must share one grid"
    SHAPES = "handles sizes, not activations"
    UNKNOWN = "is not known here"


_CLAMP_MODULES = (nn.ReLU, nn.ReLU6, nn.Hardtanh)
_MOVE_MODULES = (
    nn.Identity,
    nn.Flatten,
    nn.Unflatten,
    nn.Dropout,
    nn.Dropout1d,
    nn.Dropout2d,
    nn.MaxPool1d,
    nn.MaxPool2d,
    nn.AdaptiveMaxPool1d,
    nn.AdaptiveMaxPool2d,
    nn.ZeroPad1d,
    nn.ZeroPad2d,
    nn.PixelShuffle,
    nn.PixelUnshuffle,
    nn.ChannelShuffle,
)
_CURVE_MODULES = (
    nn.Sigmoid,
    nn.Tanh,
    nn.GELU,
    nn.SiLU,
    nn.ELU,
    nn.LeakyReLU,
    nn.Hardswish,
    nn.Hardsigmoid,
    nn.Softplus,
    nn.Mish,
)
_CLAMPS = {
    *(F.relu, F.relu6, F.hardtanh, torch.relu, torch.relu_, torch.clamp, torch.clip),
    *("relu", "relu_", "clamp", "clip", "clamp_"),
}
_MOVES = {
    *(torch.flatten, torch.reshape, torch.squeeze, torch.unsqueeze, torch.permute),
    *(torch.transpose, torch.movedim, torch.swapaxes, torch.narrow, torch.select, torch.flip),
    *(F.max_pool1d, F.max_pool2d, F.pad, F.pixel_shuffle),
    *(F.adaptive_max_pool1d, F.adaptive_max_pool2d, torch.amax, torch.chunk, torch.split),
    *(torch.clone, "flatten", "reshape", "view", "squeeze", "unsqueeze", "permute"),
    *("transpose", "contiguous", "clone", "amax", "chunk", "split", "narrow", "select", "flip"),
    *("float", "to"),
}
_JOINS = {torch.cat, torch.concat, torch.stack}
_COMPUTES = {
    *(operator.add, operator.iadd, operator.sub, operator.isub, operator.mul, operator.neg),
    *(operator.truediv, torch.add, torch.sub, torch.mul, torch.div, torch.neg),
    *(torch.mean, torch.sum, F.avg_pool1d, F.avg_pool2d),
    *(F.adaptive_avg_pool1d, F.adaptive_avg_pool2d),
    *("mean", "sum", "add", "add_", "sub", "mul", "div"),
}
_NEVER_NEGATIVE = {
    *(F.relu, F.relu6, torch.relu, torch.relu_, torch.sigmoid, F.sigmoid, F.hardsigmoid),
    *("relu", "relu_", "sigmoid"),
}
_CURVES = {
    *(torch.sigmoid, torch.tanh, F.sigmoid, F.tanh, F.gelu, F.silu, F.elu, F.leaky_relu),
    *(F.hardswish, F.hardsigmoid, F.softplus, F.mish, "sigmoid", "tanh"),
}
_NEVER_NEGATIVE_MODULES = (nn.ReLU, nn.ReLU6, nn.Sigmoid, nn.Hardsigmoid)
_RELUS = {F.relu, torch.relu, torch.relu_, "relu", "relu_"}
_ADDS = {operator.add, operator.iadd, torch.add, "add", "add_"}
_KEEPS_SIGN = {
    *(torch.mean, torch.sum, F.avg_pool1d, F.avg_pool2d, "mean", "sum"),
    *(F.adaptive_avg_pool1d, F.adaptive_avg_pool2d),
}
_KEEPS_SIGN_MODULES = (  # they compute, without a sign of their own
    nn.AvgPool1d,
    nn.AvgPool2d,
    nn.AdaptiveAvgPool1d,
    nn.AdaptiveAvgPool2d,
)
_SIZES = {"size", "dim", "numel"}


def kind_of(node: fx.Node, modules: dict[str, nn.Module], pruned: tuple[type, ...]) -> Kind:
    """Return what ``node`` does; ``pruned`` are the module types that compute with weights."""
    if node.op == "call_module":
        module = modules[str(node.target)]
        if isinstance(module, (*pruned, *_KEEPS_SIGN_MODULES, *_CURVE_MODULES)):
            return Kind.COMPUTES
        if isinstance(module, _CLAMP_MODULES):
            return Kind.CLAMPS
        return Kind.MOVES if isinstance(module, _MOVE_MODULES) else Kind.UNKNOWN
    target: Any = node.target
    if target in _SIZES or _is_about_sizes(node):
        return Kind.SHAPES
    for known, kind in (
        (_CLAMPS, Kind.CLAMPS),
        (_MOVES, Kind.MOVES),
        (_JOINS, Kind.JOINS),
        (_COMPUTES | _CURVES, Kind.COMPUTES),
    ):
        if target in known:
            return kind
    return Kind.MOVES if target is operator.getitem else Kind.UNKNOWN


def positive_nodes(graph: fx.Graph, modules: dict[str, nn.Module]) -> set[fx.Node]:
    """Return the nodes whose values cannot be below 0, wherever the input is."""
    positive: set[fx.Node] = set()
    for node in graph.nodes:
        sources = node.all_input_nodes
        inherits = bool(sources) and all(source in positive for source in sources)
        if node.op.startswith("call") and (
            _never_negative(node, modules) or (inherits and _keeps_sign(node, modules))
        ):
            positive.add(node)
    return positive


def _never_negative(node: fx.Node, modules: dict[str, nn.Module]) -> bool:
    """Return whether no output of ``node`` can be below 0, whatever its input."""
    if node.op == "call_module":
        return isinstance(modules[str(node.target)], _NEVER_NEGATIVE_MODULES)
    if node.target in (torch.clamp, torch.clip, "clamp", "clip", "clamp_"):
        low = node.kwargs.get("min", node.args[1] if len(node.args) > 1 else None)
        return isinstance(low, int | float) and low >= 0
    return node.target in _NEVER_NEGATIVE


def _keeps_sign(node: fx.Node, modules: dict[str, nn.Module]) -> bool:
    """Return whether ``node`` makes values of 0 and more from values of 0 and more."""
    if node.op == "call_module":
        return isinstance(modules[str(node.target)], (*_KEEPS_SIGN_MODULES, *_MOVE_MODULES))
    if node.target in _ADDS:
        numbers = (*node.args, *node.kwargs.values())  # what is added, and alpha
        return not any(isinstance(a, int | float) and a < 0 for a in numbers)
    return node.target in (_KEEPS_SIGN | _MOVES | _JOINS) or node.target is operator.getitem


def is_curve(node: fx.Node, modules: dict[str, nn.Module]) -> bool:
    """Return whether ``node`` is built as a table of what it makes of every integer."""
    if node.op == "call_module":
        return isinstance(modules[str(node.target)], _CURVE_MODULES)
    return node.op.startswith("call") and node.target in _CURVES


def readers(
    node: fx.Node, modules: dict[str, nn.Module], pruned: tuple[type, ...]
) -> list[fx.Node]:
    """Return the nodes that read the values of ``node``, not only its shape."""
    return [
        user
        for user in node.users
        if user.op == "output" or kind_of(user, modules, pruned) is not Kind.SHAPES
    ]


def leaves_grid(node: fx.Node, modules: dict[str, nn.Module], pruned: tuple[type, ...]) -> bool:
    """Return whether ``node`` clamps what is on a grid already, to bounds that may be off it."""
    if kind_of(node, modules, pruned) is not Kind.CLAMPS or _is_relu(node, modules):
        return False
    kind = Kind.CLAMPS
    while kind in (Kind.CLAMPS, Kind.MOVES):
        node = node.all_input_nodes[0]
        alone = len(readers(node, modules, pruned)) == 1 and node.op.startswith("call")
        kind = kind_of(node, modules, pruned) if alone else Kind.UNKNOWN
    return kind is not Kind.COMPUTES


def _is_relu(node: fx.Node, modules: dict[str, nn.Module]) -> bool:
    if node.op == "call_module":
        return type(modules[str(node.target)]) is nn.ReLU
    return node.target in _RELUS


def remedy(operation: str) -> str:
    """Return what to do instead of an operation that is not supported."""
    if "dropout" in operation:
        return "use the module nn.Dropout: a traced function keeps the mode it was traced in"
    if operation in ("linear", "conv1d", "conv2d", "batch_norm"):
        return "use the module of the same name, so that its weights can be found"
    return "use modules and operations that bitfpga.from_torch reads (docs/torch.md)"


def _is_about_sizes(node: fx.Node) -> bool:
    """Return whether ``node`` reads a shape, or computes with sizes only."""
    if node.target is getattr:
        return node.args[1] in ("shape", "ndim", "device", "dtype")
    sources = node.all_input_nodes
    return bool(sources) and all(
        source.target in _SIZES or (source.op == "call_function" and _is_about_sizes(source))
        for source in sources
    )
