"""The bit budget of each layer for a target of lock-step cycles (``bitpruner``, reconstructed)."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import nn

from bitfpga.errors import PruneError
from bitfpga.prune.bitpruner import own
from bitfpga.prune.layers import PrunedLayer, pruned_layers
from bitfpga.prune.work import lockstep_cycles


@dataclass
class _Choice:
    """One layer: what each budget gives, and the budget chosen so far (the largest at first)."""

    layer: PrunedLayer
    share: float  # of all multiply-accumulates, 0 to 1
    cycles: dict[int, float]
    loss: dict[int, float]
    budget: int

    def move(self) -> tuple[float, int]:
        """Return (quality lost per cycle saved, minus the new budget) of the best move down."""
        moves = []
        for lower in range(1, self.budget):
            saved = self.share * (self.cycles[self.budget] - self.cycles[lower])
            if saved > 0:
                moves.append(((self.loss[lower] - self.loss[self.budget]) / saved, -lower))
        return min(moves, default=(math.inf, -self.budget))


def lockstep_mean(model: nn.Module) -> float:
    """Return the mean lock-step cycles of a group in a ``bitpruner`` model, as it is now.

    Groups are those of each layer's options; layers weigh by their multiply-accumulates, so the
    model must have run once. ``PruneError`` if it has not, or for layers of another method.
    """
    layers = pruned_layers(model)
    shares = _mac_shares(layers)
    return sum(share * _cycles(layer) for layer, share in zip(layers, shares, strict=True))


@torch.no_grad()
def search_budgets(
    model: nn.Module, evaluate: Callable[[nn.Module], float], cycles_target: float
) -> dict[str, int]:
    """Set the layers' budgets so that ``lockstep_mean`` can be ``cycles_target`` or less.

    ``evaluate(model)`` returns a quality, higher is better, and must run the model. It is called
    once for the full model and once for each layer alone at each lower budget (6 a layer in
    int8); what the layers lose is taken to add up. From the largest budgets down, the move that
    loses least per cycle saved, along the layers' Pareto fronts, is made until the projected
    weights, as they are now, meet the target. A group budget holds beside the layer's budget.

    Call it before the structured stage and train on. Returns the budgets by layer name.
    ``PruneError`` if the target is out of reach or a quality is not finite; the model is then as
    it was.
    """
    layers = pruned_layers(model)
    before = [
        {key: value.clone() for key, value in own(layer)[1].state_dict().items()}
        for layer in layers
    ]
    try:
        chosen = _search(model, layers, evaluate, cycles_target)
    finally:
        for layer, state in zip(layers, before, strict=True):
            layer.quantiser.load_state_dict(state)
    for choice in chosen:
        _give(choice.layer, choice.budget)
    return {choice.layer.name: choice.budget for choice in chosen}


def _search(
    model: nn.Module,
    layers: list[PrunedLayer],
    evaluate: Callable[[nn.Module], float],
    target: float,
) -> list[_Choice]:
    for layer in layers:
        quantiser = own(layer)[1]
        quantiser.held.fill_(True)
        _give(layer, quantiser.bits - 1)
    full = _quality(model, evaluate)
    shares = _mac_shares(layers)
    cycles = [_cycles_by_budget(layer) for layer in layers]
    least = sum(share * min(of.values()) for share, of in zip(shares, cycles, strict=True))
    if not target >= least:
        raise PruneError(
            f"cycles_target={target!r}: budgets of one bit reach {least:.4g} lock-step cycles; ask "
            "for that or more, or prune whole weights first"
        )
    choices = [
        _Choice(layer, share, of, _losses(model, layer, evaluate, full), max(of))
        for layer, share, of in zip(layers, shares, cycles, strict=True)
    ]
    while sum(choice.share * choice.cycles[choice.budget] for choice in choices) > target:
        best = min(choices, key=_Choice.move)
        best.budget = -best.move()[1]
    return choices


def _cycles_by_budget(layer: PrunedLayer) -> dict[int, float]:
    """Return the lock-step cycles at each budget; the largest is in force afterwards."""
    cycles = {}
    for budget in range(1, own(layer)[1].bits):
        _give(layer, budget)
        cycles[budget] = _cycles(layer)
    return cycles


def _losses(
    model: nn.Module, layer: PrunedLayer, evaluate: Callable[[nn.Module], float], full: float
) -> dict[int, float]:
    """Return the quality lost with this layer alone at each budget; the largest stays in force."""
    largest = own(layer)[1].bits - 1
    losses = {largest: 0.0}
    for budget in range(1, largest):
        _give(layer, budget)
        losses[budget] = full - _quality(model, evaluate)
    _give(layer, largest)
    return losses


def _quality(model: nn.Module, evaluate: Callable[[nn.Module], float]) -> float:
    quality = float(evaluate(model))
    if not math.isfinite(quality):
        raise PruneError(
            f"evaluate returned {quality}: a finite number, higher for better, is needed"
        )
    return quality


def _give(layer: PrunedLayer, budget: int) -> None:
    own(layer)[1].give(layer.weight, budget)


def _cycles(layer: PrunedLayer) -> float:
    method, quantiser = own(layer)
    levels = quantiser(layer.weight.detach(), None)[0].flatten(1).to(torch.int64)
    return lockstep_cycles(levels.cpu().numpy(), method.group)


def _mac_shares(layers: list[PrunedLayer]) -> list[float]:
    macs = [int(layer.positions) * layer.weight.numel() for layer in layers]
    if not all(macs):
        idle = [layer.name for layer, n in zip(layers, macs, strict=True) if not n]
        raise PruneError(
            f"no input has run through layer '{idle[0]}', so its part in the work is not known; "
            "run the model (evaluate must do so)"
        )
    return [n / sum(macs) for n in macs]
