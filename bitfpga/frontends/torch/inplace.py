"""Operations that change a tensor in place, read as if they did not where nobody can tell."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any, NoReturn

import torch
from torch.fx.node import Node

from bitfpga.frontends.torch.refusals import remedy

_COPIES = ("dropout", "feature_dropout", "alpha_dropout", "feature_alpha_dropout")


def mutates(node: Node) -> bool:
    """Whether the operation changes one of its arguments."""
    target = node.target
    mutable = isinstance(target, torch._ops.OpOverload) and target._schema.is_mutable
    return mutable and "detach_" not in str(target)


def _aliases(node: Node) -> bool:
    """Whether the node's result may share memory with its first argument."""
    if node.target is operator.getitem:
        return True
    if not isinstance(node.target, torch._ops.OpOverload):
        return False
    schema = node.target._schema
    marked = any(result.alias_info is not None for result in schema.returns)
    return marked or schema.name.removeprefix("aten::") in _COPIES


def out_of_place(node: Node, target: Any, fail: Callable[[str], NoReturn]) -> Any:
    """Return the operation without its side effect, where nobody else could see that effect."""
    order = {n: i for i, n in enumerate(node.graph.nodes)}
    changed = node.all_input_nodes[0]
    for user in changed.users:
        if user is not node and (order[user] > order[node] or _aliases(user)):
            fail(f"changes a tensor that is used elsewhere too; {remedy('in place')}")
    while _aliases(changed) and changed.all_input_nodes:
        changed = changed.all_input_nodes[0]
        if len(changed.users) > 1:
            fail(f"changes part of a tensor in place; {remedy('in place')}")
    name = target._schema.name.removeprefix("aten::").removesuffix("_")
    packet = getattr(torch.ops.aten, name, None)
    overload = target._schema.overload_name or "default"
    if packet is None or overload not in packet.overloads():
        fail(f"changes a tensor in place; {remedy('in place')}")
    return getattr(packet, overload)
