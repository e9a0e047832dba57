"""A float model into the same model with pruned layers and quantised activations (torch.fx)."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from operator import is_not
from typing import Any

from torch import fx, nn

from bitfpga.errors import PruneError
from bitfpga.prune.activations import ActivationQuantiser
from bitfpga.prune.layers import PRUNED, PrunedLayer
from bitfpga.prune.operations import (
    Kind,
    is_curve,
    kind_of,
    leaves_grid,
    positive_nodes,
    readers,
    remedy,
)

MakeLayer = Callable[[str, nn.Module, nn.Module | None], PrunedLayer]
MakeQuantiser = Callable[[str, bool | None], ActivationQuantiser]
_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d)
_REPLACED = (*PRUNED, PrunedLayer)
_TABLE_BITS = 10  # that tables of a network read at most


def traced(model: nn.Module) -> fx.GraphModule:
    """Return ``model`` as a graph of its leaf modules and operations, under the same names."""
    try:
        graph = fx.Tracer().trace(model)
    except Exception as error:  # tracing runs the user's forward: anything may come out of it
        raise PruneError(
            f"the model cannot be traced ({type(error).__name__}: {str(error)[:200]}): its forward "
            "must take one tensor and must not choose its path by the data (if, while, .item())"
        ) from None
    module = fx.GraphModule(model, graph, type(model).__name__)
    inputs = [node for node in graph.nodes if node.op == "placeholder"]
    if len(inputs) != 1:
        raise PruneError(f"the model takes {len(inputs)} inputs: exactly one tensor is supported")
    modes = {name: part.training for name, part in model.named_modules()}
    for name, part in module.named_modules():
        part.training = modes[name]
    return module


def replace_layers(model: fx.GraphModule, make: MakeLayer) -> None:
    """Replace every Linear and Conv, with the batch norm behind it, by ``make(name, it, norm)``."""
    modules = dict(model.named_modules())
    _refuse_unknown(model, modules)
    for node in list(model.graph.nodes):
        if node.op != "call_module" or type(modules[node.target]) not in PRUNED:
            continue
        norm = _norm_behind(node, modules)
        layer = make(node.target, modules[node.target], modules[str(norm.target)] if norm else None)
        if norm is not None:
            norm.replace_all_uses_with(node)
            model.graph.erase_node(norm)
            model.delete_submodule(str(norm.target))
        model.set_submodule(node.target, layer)
        modules[node.target] = layer
    model.recompile()


def _refuse_unknown(model: fx.GraphModule, modules: dict[str, nn.Module]) -> None:
    problems, seen = [], set()
    for node in model.graph.nodes:
        if node.op == "get_attr":
            problems.append(
                f"'{node.target}' is a bare parameter or buffer: use a Linear, Conv or batch norm "
                "module for it, so that its integers can be trained"
            )
        elif node.op in ("call_function", "call_method"):
            if kind_of(node, modules, _REPLACED) is Kind.UNKNOWN:
                name = getattr(node.target, "__name__", node.target)
                problems.append(f"operation '{name}' is not supported; {remedy(str(name))}")
        elif node.op == "call_module":
            problems += _module_problems(node, modules, node.target in seen)
            seen.add(node.target)
    if problems:
        raise PruneError("; ".join(dict.fromkeys(problems)))


def _module_problems(node: fx.Node, modules: dict[str, nn.Module], again: bool) -> list[str]:
    module, kind = modules[str(node.target)], type(modules[str(node.target)]).__name__
    label = f"layer '{node.target}' ({kind})"
    if isinstance(module, _NORMS):
        return (
            []
            if _layer_before(node, modules)
            else [
                f"{label}: only a batch norm with running statistics, right behind one Linear or "
                "Conv that nothing else reads, can be trained as it is built; move it there"
            ]
        )
    if type(module) in PRUNED:
        return [f"{label}: is used twice; give each use a module of its own"] if again else []
    # Parametrised layers (torch.nn.utils.parametrize) are subclasses.
    if kind_of(node, modules, _REPLACED) is Kind.UNKNOWN or isinstance(module, tuple(PRUNED)):
        return [
            f"{label}: is not supported; use Linear, Conv1d, Conv2d, batch norm, pooling or "
            "an elementwise activation"
        ]
    return []


def _norm_behind(node: fx.Node, modules: dict[str, nn.Module]) -> fx.Node | None:
    """Return the batch norm that alone reads ``node``, if there is one."""
    for user in node.users:
        if user.op == "call_module" and isinstance(modules[str(user.target)], _NORMS):
            return user
    return None


def _layer_before(norm: fx.Node, modules: dict[str, nn.Module]) -> bool:
    """Return whether ``norm`` can become a part of the layer it reads."""
    (source,) = norm.all_input_nodes
    alone = len(readers(source, modules, _REPLACED)) == 1 and source.op == "call_module"
    module: Any = modules[str(norm.target)]
    uses = sum(n.target == norm.target for n in norm.graph.nodes if n.op == "call_module")
    return (
        alone
        and type(modules[str(source.target)]) in PRUNED
        and module.running_var is not None
        and uses == 1
    )


def insert_quantisers(
    model: fx.GraphModule, inside: MakeQuantiser, at_input: MakeQuantiser, at_output: MakeQuantiser
) -> None:
    """Put a quantiser on the input, on the output, and behind everything that computes.

    Where a clamp follows, alone, the grid follows the clamp. Tensors that are joined share one.
    """
    modules = dict(model.named_modules())
    (result,) = next(n for n in model.graph.nodes if n.op == "output").args
    if not isinstance(result, fx.Node):
        raise PruneError("the model returns a container: it must return one tensor")
    places = _places(model.graph, modules)
    ends = _grids_of(result, modules, places)
    leaders = _joined(model.graph, modules, places)
    positive = positive_nodes(model.graph, modules)
    curves = (node for node in model.graph.nodes if is_curve(node, modules))
    curved = {p for node in curves for p in _grids_of(node.all_input_nodes[0], modules, places)}
    made: dict[fx.Node, str] = {}
    for place in places:
        leader = leaders[place]
        if leader not in made:
            group = [node for node in places if leaders[node] is leader]
            make = at_output if ends & set(group) else inside
            signed: bool | None = not all(node in positive for node in group)
            if any(node.op == "placeholder" for node in group):
                make, signed = at_input, None if len(group) == 1 else signed
            made[leader] = f"bitfpga_quantisers.{leader.name}"
            quantiser = make(leader.name, signed).train(model.training)
            quantiser.n_places = len(group)
            if curved & set(group):
                quantiser.bits = min(quantiser.bits, _TABLE_BITS)
            model.add_submodule(made[leader], quantiser)
        with model.graph.inserting_after(place):
            new = model.graph.call_module(made[leader], (place,))
        place.replace_all_uses_with(new, delete_user_cb=partial(is_not, new))
    model.recompile()
    _connect(model)


def _places(graph: fx.Graph, modules: dict[str, nn.Module]) -> dict[fx.Node, None]:
    """Return the nodes, in order, behind which a grid sits."""
    places: dict[fx.Node, None] = {}
    for node in graph.nodes:
        if node.op == "placeholder":
            places[node] = None
        elif node.op.startswith("call"):
            computes = kind_of(node, modules, _REPLACED) is Kind.COMPUTES
            if computes or leaves_grid(node, modules, _REPLACED):
                places[_place(node, modules)] = None
    return places


def _place(node: fx.Node, modules: dict[str, nn.Module]) -> fx.Node:
    """Return the last clamp that alone reads ``node``, through moves; else ``node`` itself."""
    place, here = node, node
    while len(found := readers(here, modules, _REPLACED)) == 1:
        (here,) = found
        kind = Kind.UNKNOWN if here.op == "output" else kind_of(here, modules, _REPLACED)
        if kind is Kind.CLAMPS:
            place = here
        elif kind is not Kind.MOVES:
            break
    return place


def _grids_of(
    node: fx.Node, modules: dict[str, nn.Module], places: dict[fx.Node, None]
) -> set[fx.Node]:
    """Return the places whose grids the values of ``node`` are on."""
    found, stack = set(), [node]
    while stack:
        here = stack.pop()
        if here in places:
            found.add(here)
        elif kind_of(here, modules, _REPLACED) in (Kind.MOVES, Kind.CLAMPS):
            stack.append(here.all_input_nodes[0])
        else:
            stack.extend(here.all_input_nodes)
    return found


def _joined(
    graph: fx.Graph, modules: dict[str, nn.Module], places: dict[fx.Node, None]
) -> dict[fx.Node, fx.Node]:
    """Return for each place the first of those it shares its grid with."""
    leaders = {place: place for place in places}
    for node in graph.nodes:
        joins = node.op == "call_function" and kind_of(node, modules, _REPLACED) is Kind.JOINS
        if joins:
            group = {leaders[place] for place in _grids_of(node, modules, places)}
            first = next(place for place in places if place in group)
            leaders = {place: first if old in group else old for place, old in leaders.items()}
    return leaders


def _connect(model: fx.GraphModule) -> None:
    """Tell every pruned layer which quantiser its input comes from."""
    modules = dict(model.named_modules())
    quantisers = {
        node: None
        for node in model.graph.nodes
        if node.op == "call_module" and isinstance(modules[node.target], ActivationQuantiser)
    }
    for node in model.graph.nodes:
        layer = modules.get(str(node.target)) if node.op == "call_module" else None
        if isinstance(layer, PrunedLayer):
            (source,) = node.all_input_nodes
            grids = {modules[str(n.target)] for n in _grids_of(source, modules, quantisers)}
            if len(grids) == 1:
                (grid,) = grids
                assert isinstance(grid, ActivationQuantiser)
                layer.reads(grid)
