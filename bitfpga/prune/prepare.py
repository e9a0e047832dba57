"""``prepare``: a float model into the same model with quantised layers."""

from __future__ import annotations

import copy
from collections.abc import Mapping

import torch
from torch import nn

from bitfpga.errors import PruneError
from bitfpga.prune.activations import ActivationQuantiser
from bitfpga.prune.insert import insert_quantisers, replace_layers, traced
from bitfpga.prune.layers import PRUNED, PrunedLayer, pruned_layer, pruned_layers
from bitfpga.prune.method import Method
from bitfpga.prune.methods import method_named

SCALES = ("pow2", "float")
_FLOAT_BITS = 32
# The input keeps its whole first range; the output keeps room for larger values than were seen.
_OUTPUT_HEADROOM = 2.0


def prepare(
    model: nn.Module,
    method: str | Method = "bit_pruning",
    weight_bits: int = 8,
    act_bits: int | None = 8,
    scale: str = "pow2",
    *,
    input_bits: int = 8,
    output_bits: int = 16,
    layers: Mapping[str, Method | int] | None = None,
) -> nn.Module:
    """Return a copy of ``model`` whose Linear and Conv layers train on integers.

    ``method``: a name ("bit_pruning", "weight_pruning", "bitpruner", "bitlength", "bbs", "plain")
    or an instance with its options; ``layers`` gives single layers, by module path, an instance
    of the same method with other options, or other weight bits. ``weight_bits`` 2 to 8;
    ``act_bits``, ``input_bits``, ``output_bits`` 2 to 16; ``act_bits=None`` (or 32) leaves
    activations real. What sigmoid, GELU and the like read has 10 bits at most, as their tables.
    ``scale``: "pow2" makes the forward in eval mode, in float32 without autocast, exactly that of
    the integer network, where sums stay within 24 bits and the forward multiplies by no constant
    but powers of two; "float" learns real scales.

    Batch norms right behind a layer are folded while they train. Parameters are shared with
    nothing: the model given is not changed. ``PruneError`` lists what cannot be prepared.
    """
    if not isinstance(model, nn.Module):
        raise PruneError(f"model is a {type(model).__name__}: a torch.nn.Module is needed")
    chosen = method_named(method)
    act_bits = None if act_bits == _FLOAT_BITS else act_bits
    _check_options(chosen, weight_bits, act_bits, input_bits, output_bits, scale)
    _check_model(model)
    graph = traced(copy.deepcopy(model))
    special = _special_layers(graph, chosen, {} if layers is None else layers)

    def make(name: str, source: nn.Module, norm: nn.Module | None) -> PrunedLayer:
        own, bits = special.get(name, (chosen, weight_bits))
        return pruned_layer(name, source, norm, own, bits or weight_bits, scale)

    replace_layers(graph, make)
    pruned_layers(graph)
    if act_bits is not None:
        insert_quantisers(
            graph,
            lambda name, signed: chosen.activation_quantiser(name, act_bits, scale, signed),
            lambda name, signed: ActivationQuantiser(
                name, input_bits, scale, signed, learned=False
            ),
            lambda name, signed: ActivationQuantiser(
                name, output_bits, scale, signed, learned=False, headroom=_OUTPUT_HEADROOM
            ),
        )
    return graph.to(next(graph.parameters()).device)


def _special_layers(
    model: nn.Module, chosen: Method, layers: Mapping[str, Method | int]
) -> dict[str, tuple[Method, int]]:
    if not isinstance(layers, Mapping):
        raise PruneError(f"layers is a {type(layers).__name__}: a dict by module path is needed")
    known = [name for name, module in model.named_modules() if type(module) in PRUNED]
    problems = [f"no layer '{name}'" for name in layers if name not in known]
    special: dict[str, tuple[Method, int]] = {}
    for name, own in layers.items():
        if isinstance(own, Method) and type(own) is type(chosen):
            own.check()
            special[name] = own, 0
        elif type(own) is int and chosen.smallest_bits <= own <= chosen.largest_bits:
            special[name] = chosen, own
        else:
            problems.append(
                f"'{name}': {own!r}; give a {type(chosen).__name__}(...) or weight bits from "
                f"{chosen.smallest_bits} to {chosen.largest_bits}"
            )
    if problems:
        raise PruneError(f"layers: {'; '.join(problems)}; layers of the model: {', '.join(known)}")
    return special


def _check_options(
    method: Method,
    weight_bits: int,
    act_bits: int | None,
    input_bits: int,
    output_bits: int,
    scale: str,
) -> None:
    limits = {
        "weight_bits": (weight_bits, method.smallest_bits, method.largest_bits),
        "act_bits": (2 if act_bits is None else act_bits, 2, 16),
        "input_bits": (input_bits, 2, 16),
        "output_bits": (output_bits, 2, 16),
    }
    problems = [
        f"{name}={value!r}: an integer from {low} to {high} is needed"
        for name, (value, low, high) in limits.items()
        if type(value) is not int or not low <= value <= high
    ]
    if scale not in SCALES:
        problems.append(f"scale={scale!r}: 'pow2' or 'float' is needed")
    if problems:
        raise PruneError("; ".join(problems))


def _check_model(model: nn.Module) -> None:
    """Refuse a model that is prepared already, one bare layer, and weights without values."""
    modules = dict(model.named_modules())
    if any(isinstance(module, PrunedLayer | ActivationQuantiser) for module in modules.values()):
        raise PruneError("the model is prepared already; prepare a float model")
    if type(model) in PRUNED:
        raise PruneError("the model is a bare layer; wrap it: nn.Sequential(layer)")
    problems = [
        f"layer '{name}': its weight is computed by a hook, not a parameter; make it one first "
        "(torch.nn.utils.prune.remove, remove_weight_norm)"
        for name, module in modules.items()
        if type(module) in PRUNED and not isinstance(module.weight, nn.Parameter)
    ]
    owners: dict[int, str] = {}
    for name, module in modules.items():
        if type(module) in PRUNED and owners.setdefault(id(module.weight), name) != name:
            first = owners[id(module.weight)]
            problems.append(f"layers '{first}' and '{name}' share their weight; give each its own")
    for name, tensor in (*model.named_parameters(), *model.named_buffers()):
        problems += _tensor_problems(name, tensor)
    for name, module in modules.items():
        if type(module) in PRUNED and not problems:
            weight = module.weight
            # Below, no scale of float32 is left: 1e-30 is 2^-100.
            if weight.numel() == 0 or float(weight.detach().abs().max()) <= 1e-30:
                problems.append(
                    f"layer '{name}': all its weights are 0, so they have no range to quantise; "
                    "initialise it, or take it out of the model"
                )
    if problems:
        raise PruneError("; ".join(problems))


def _tensor_problems(name: str, tensor: torch.Tensor) -> list[str]:
    if nn.parameter.is_lazy(tensor):
        return [f"'{name}' is not initialised: run the model once"]
    if tensor.is_meta:
        return [f"'{name}' is on the meta device, without values: load the model first"]
    if tensor.is_complex() or tensor.dtype in (torch.float16, torch.bfloat16):
        return [f"'{name}' is {tensor.dtype}: call model.float(), and train under torch.autocast"]
    if tensor.is_floating_point() and not bool(torch.isfinite(tensor).all()):
        return [f"'{name}' holds NaN or infinity: train or load the model again"]
    return []
