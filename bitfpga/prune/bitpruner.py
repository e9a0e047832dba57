"""``bitpruner``: progressive bit removal, then a hard bit budget for every weight.

After Zhao et al., "BitPruner: Network Pruning for Bit-serial Accelerators", DAC 2020, and its
journal version (TCAD 2022). Only the abstracts were at hand: this is a reconstruction. The first
abstract has the two stages, progressive and structured; the journal's adds retraining by ADMM and
a Pareto search for the budget of each layer (``search_budgets``). The rules inside are ours.

Start from a float model whose weights are pruned already (``torch.nn.utils.prune`` with its
``remove``; 0 stays 0), ``prepare`` it, and train on:

- progressive: each of ``n_progressive`` stages sets every layer a goal, ``fraction`` fewer
  one-bits than it has at the stage's start. While a layer is above its goal, the part of an
  update that gives a weight more one-bits is taken back.
- ADMM: a penalty pulls each weight to its projection on the budget.
- structured: the forward uses the projection, and training makes up for it. The weights of a
  lock-step group need at most as many cycles as their budget.

One-bits are those of the magnitude: 7 a weight in int8.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import torch
from torch import nn

from bitfpga.errors import PruneError
from bitfpga.prune.bitpruner_quantiser import BudgetQuantiser
from bitfpga.prune.method import Method, Optimizer
from bitfpga.prune.options import is_real

if TYPE_CHECKING:
    from bitfpga.prune.layers import PrunedLayer

_MOMENTA = ("momentum_buffer", "exp_avg")


@dataclass(frozen=True)
class BitPruner(Method):
    """Options of ``bitpruner``; each layer may have its own.

    ``budget``: the most one-bits of a weight, 1 to 7. ``group_budget``: groups of ``group`` inputs
    (in the order of the flattened weight of one output; the last may be short) get a cap each,
    at most ``budget``, and the caps of an output average ``group_budget`` at most: no output takes
    more than group_budget x groups cycles. They are dealt with the least squared error when ADMM
    (or, without it, the structured stage) begins, and stay. None: every cap is ``budget``.

    ``fraction``: the share of one-bits a progressive stage removes, half of it in the first
    convolution (the first layer, if there is none) and the last dense layer. ``n_progressive``
    stages share the training from 0 to ``admm_from`` evenly; ADMM follows until
    ``structured_from`` (the same value leaves it out). ``rho``: the pull of ADMM on every weight
    in units of loss per squared real weight; its dual moves every ``dual_every`` steps.

    The scale is a power of two per layer whatever ``prepare(scale=)`` says of activations.
    """

    budget: int = 2
    group_budget: int | None = None
    group: int = 32
    fraction: float = 1 / 3
    n_progressive: int = 2
    admm_from: float = 0.4
    structured_from: float = 0.6
    rho: float = 0.1
    dual_every: int = 32

    name: ClassVar[str] = "bitpruner"
    absorbs_norm: ClassVar[bool] = True

    def problems(self) -> list[str]:
        most = self.budget if _whole("budget", self.budget, 1, 7) is None else 7
        group_budget = 1 if self.group_budget is None else self.group_budget
        found = [
            _whole("budget", self.budget, 1, 7),
            _whole("group_budget", group_budget, 1, most),
            _whole("group", self.group, 1),
            _whole("n_progressive", self.n_progressive, 0),
            _whole("dual_every", self.dual_every, 1),
            _real("fraction", self.fraction, 1),
            _real("rho", self.rho),
            _real("structured_from", self.structured_from, 1),
        ]
        # A wrong structured_from is reported already, and bounds nothing.
        found.append(_real("admm_from", self.admm_from, 1 if found[-1] else self.structured_from))
        return [problem for problem in found if problem]

    def weight_quantiser(self, layer: PrunedLayer, bits: int, scale: str) -> BudgetQuantiser:
        mean_cap = bits - 1 if self.group_budget is None else self.group_budget
        weight = layer.weight.detach()
        return BudgetQuantiser(layer.name, weight, bits, self.budget, mean_cap, self.group)

    def penalty(self, model: nn.Module, layers: Sequence[PrunedLayer]) -> torch.Tensor:
        """Return the sum of ``rho / 2 * ||W - Z + U||^2`` over the layers in their ADMM stage.

        Real units, summed over weights, so that each is pulled by rho times its own distance
        whatever the size of its layer: with eta = 1, rho is that of the formula.
        """
        total: torch.Tensor = layers[0].weight.new_zeros(())
        for layer in layers:
            method, quantiser = own(layer)
            if method.rho > 0 and int(quantiser.stage) == method.n_progressive:
                total = total + quantiser.distance(layer.weight) * (method.rho / 2)
        return total

    def advance(self, model: nn.Module, layers: Sequence[PrunedLayer], progress: float) -> None:
        """Enter, layer by layer, the stage that begins at ``progress`` or before; never go back."""
        for layer, share in zip(layers, _shares(layers), strict=True):
            method, quantiser = own(layer)
            stage = method._stage_at(progress)
            if stage > int(quantiser.stage):
                quantiser.remember(layer.weight)
                method._enter(layer, stage, share)

    def step(self, model: nn.Module, layers: Sequence[PrunedLayer], optimizer: Optimizer) -> None:
        """Take back what the stage does not allow in the last update, momentum included.

        A step that a GradScaler left out changed nothing, so nothing is taken back.
        """
        for layer, share in zip(layers, _shares(layers), strict=True):
            method, quantiser = own(layer)
            first = method._stage_at(0.0)
            if first > int(quantiser.stage):
                method._enter(layer, first, share)
            _stop(optimizer, layer.weight, quantiser.refuse(layer.weight))
            if int(quantiser.stage) == method.n_progressive:
                quantiser.follow(layer.weight.detach(), method.dual_every)

    def settled(self, layers: Sequence[PrunedLayer]) -> bool:
        """Return whether every layer is held to its budget (or only ``finish`` does that)."""
        pairs = [own(layer) for layer in layers]
        return all(method.structured_from == 1 or bool(q.held) for method, q in pairs)

    def finish(self, model: nn.Module, layers: Sequence[PrunedLayer], **options: Any) -> None:
        """Hold every weight to its budget and set it to the value its layer computes with."""
        for layer in layers:
            method, quantiser = own(layer)
            method._enter(layer, method.n_progressive + 1, 0.0)
            with torch.no_grad():
                levels, _ = quantiser(layer.weight, None)
                layer.weight.copy_(levels * quantiser.step_size)

    def _stage_at(self, progress: float) -> int:
        """Return the progressive stage from 0, n_progressive for ADMM, one more for structured."""
        if progress >= self.structured_from:
            return self.n_progressive + 1
        if progress >= self.admm_from:
            return self.n_progressive
        return min(int(progress / self.admm_from * self.n_progressive), self.n_progressive - 1)

    def _enter(self, layer: PrunedLayer, stage: int, share: float) -> None:
        """Begin a later ``stage``; ``share`` of the fraction holds for this layer."""
        _, quantiser = own(layer)
        if stage < self.n_progressive:
            quantiser.aim(self.fraction * share)
        elif int(quantiser.stage) < self.n_progressive:
            quantiser.release()
            quantiser.deal(layer.weight)
        if stage == self.n_progressive:
            quantiser.split(layer.weight)
        if stage > self.n_progressive:
            quantiser.held.fill_(True)
        quantiser.stage.fill_(stage)


def own(layer: PrunedLayer) -> tuple[BitPruner, BudgetQuantiser]:
    """Return the options and the quantiser of a layer that ``bitpruner`` prepared."""
    method, quantiser = layer.method, layer.quantiser
    if not isinstance(method, BitPruner) or not isinstance(quantiser, BudgetQuantiser):
        raise PruneError(
            f"layer '{layer.name}' was prepared with method '{method.name}', but 'bitpruner' is "
            'needed; call prune.prepare(model, method="bitpruner")'
        )
    return method, quantiser


def _shares(layers: Sequence[PrunedLayer]) -> list[float]:
    """Return the share of ``fraction`` that holds for each layer: half at both ends, else all."""
    is_dense = [layer.weight.ndim == 2 for layer in layers]
    first = is_dense.index(False) if False in is_dense else 0
    last = len(layers) - 1 - is_dense[::-1].index(True) if True in is_dense else first
    return [0.5 if index in (first, last) else 1.0 for index in range(len(layers))]


@torch.no_grad()
def _stop(optimizer: Optimizer, weight: nn.Parameter, refused: torch.Tensor) -> None:
    """Zero the momentum of the weights whose update was refused, where the optimiser has one."""
    state = optimizer.state.get(weight, {})
    for key in _MOMENTA:
        if isinstance(state.get(key), torch.Tensor):
            state[key].masked_fill_(refused, 0)


def _whole(name: str, value: Any, low: int, high: float = math.inf) -> str | None:
    if type(value) is int and low <= value <= high:
        return None
    return f"{name}={value!r}: a whole number from {low} {_up_to(high)} is needed"


def _real(name: str, value: Any, high: float = math.inf) -> str | None:
    if is_real(value, 0, high):
        return None
    return f"{name}={value!r}: a finite number from 0 {_up_to(high)} is needed"


def _up_to(high: float) -> str:
    return "up" if high == math.inf else f"to {high}"
