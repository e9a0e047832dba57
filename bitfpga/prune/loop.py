"""What a training loop calls: the penalty, what follows each step, and the end."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from bitfpga.errors import PruneError
from bitfpga.prune.layers import PrunedLayer, pruned_layers
from bitfpga.prune.method import Method, Optimizer
from bitfpga.prune.options import is_real


def penalty(model: nn.Module) -> torch.Tensor:
    """Return what the model's method adds to the loss, a scalar; multiply it by eta.

    Call it after a forward in training mode: activation-weighted penalties use the inputs since
    the last penalty or ``step``, and use them once.
    """
    layers = pruned_layers(model)
    return _method(layers).penalty(model, layers)


def step(model: nn.Module, optimizer: Optimizer) -> None:
    """Do what the method does after every ``optimizer.step()`` (bitpruner; others do nothing)."""
    layers = pruned_layers(model)
    if not isinstance(optimizer, torch.optim.Optimizer):
        raise PruneError(f"optimizer is a {type(optimizer).__name__}: a torch optimiser is needed")
    trained = {id(p) for group in optimizer.param_groups for p in group["params"]}
    left_out = [x.name for x in layers if x.weight.requires_grad and id(x.weight) not in trained]
    if len(left_out) == len(layers):
        raise PruneError(
            f"the optimiser does not train the weights of {', '.join(left_out[:5])}: make it after "
            "prune.prepare (and anew after prune.finish), of the prepared model's parameters"
        )
    _method(layers).step(model, layers, optimizer)
    for layer in layers:
        layer.quantiser.forget()


def advance(model: nn.Module, progress: float) -> None:
    """Tell the method what share of the training is done, 0 to 1, at the start of each epoch.

    Methods with stages change stage by it; a loop that never calls it stays in the first stage
    until ``finish``.
    """
    if not is_real(progress, 0, 1):
        raise PruneError(
            f"progress={progress!r}: the share of the training done, 0 to 1, is needed"
        )
    layers = pruned_layers(model)
    _method(layers).advance(model, layers, progress)


def finish(model: nn.Module, **options: Any) -> nn.Module:
    """Freeze what was learned beside the weights, in place, and return the model.

    Batch norms become part of weights and biases; the method's own end follows (see its class
    for ``options``). The model can be trained on; make a new optimiser for that.
    """
    layers = pruned_layers(model)
    method = _method(layers)
    unknown = sorted(options.keys() - method.finish_options)
    if unknown:
        raise PruneError(f"{method.name}: finish has no option {', '.join(unknown)}")
    method.check_end(model, layers)
    for layer in layers:
        layer.absorb_norm()
    method.finish(model, layers, **options)
    return model


def parameter_groups(
    model: nn.Module,
    lr: float,
    scale_lr: float | None = None,
    weight_decay: float = 0.0,
    length_lr: float | None = None,
) -> list[dict[str, Any]]:
    """Return groups for a torch optimiser: scales learn at ``scale_lr``, undecayed.

    ``scale_lr`` defaults to a tenth of ``lr``. The lengths of ``bitlength`` learn at
    ``length_lr``, by default ten times ``lr``: they have whole bits to go.
    """
    learned: list[nn.Parameter] = []
    lengths: list[nn.Parameter] = []
    others: list[nn.Parameter] = []
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            own = {"exponent": learned, "length": lengths}
            own.get(name.rsplit(".", 1)[-1], others).append(parameter)
    slow = lr / 10 if scale_lr is None else scale_lr
    groups: list[dict[str, Any]] = [
        {"params": others, "lr": lr, "weight_decay": weight_decay},
        {"params": learned, "lr": slow, "weight_decay": 0.0},
    ]
    if lengths:
        fast = lr * 10 if length_lr is None else length_lr
        groups.append({"params": lengths, "lr": fast, "weight_decay": 0.0})
    return groups


def _method(layers: list[PrunedLayer]) -> Method:
    return layers[0].method
