"""What a method of bit pruning decides: how weights become integers, and what pulls at them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import torch
from torch import nn

from bitfpga.errors import PruneError
from bitfpga.ir import BitGroups
from bitfpga.prune.activations import ActivationQuantiser
from bitfpga.prune.grid import power_of_two, rounded

if TYPE_CHECKING:
    from bitfpga.prune.layers import PrunedLayer

Optimizer = torch.optim.Optimizer
_SMALLEST_TOP = 1e-30  # rows of still smaller weights would get a scale of 0


class WeightQuantiser(nn.Module):
    """Makes the integers of one layer's weight; the base of every method's own."""

    def forward(
        self, weight: torch.Tensor, gain: torch.Tensor | None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return (whole levels, of the weight's shape; scales above 0, [n_outputs]).

        ``weight`` is the folded one; ``gain`` is the batch norm's part in it, [n_outputs].
        Gradients reach weight and scales straight through the rounding.
        """
        raise NotImplementedError

    def integers(
        self, weight: torch.Tensor, gain: torch.Tensor | None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return what ``forward`` does, to be built; ``PruneError`` if it is not whole yet."""
        levels, scale = self(weight, gain)
        return levels, scale

    def preview(
        self, weight: torch.Tensor, gain: torch.Tensor | None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return whole levels and scales as if the training ended now; for reports."""
        return self.integers(weight, gain)

    @property
    def width(self) -> int | None:
        """Planes of the weights, where the method learns them; None where ``prepare`` says."""
        return None

    def forget(self) -> None:
        """Drop what ``observe`` noted."""

    def observe(self, layer: PrunedLayer, x: torch.Tensor) -> None:
        """Take note of the layer's input, in training only."""

    def groups(self) -> BitGroups | None:
        """Return the codes the weights were rounded to, if the method has any."""
        return None

    def absorb(self, gain: torch.Tensor) -> None:
        """Keep levels and scales as they are when the batch norm becomes part of the weight."""


class LevelQuantiser(WeightQuantiser):
    """Levels -2^(bits-1) .. +2^(bits-1) with a learned scale per output channel.

    Sekikawa & Yashima, ICLR 2023, as published: sign and ``bits`` magnitude bits, scale init
    max|w| / 2^(bits-1), straight-through rounding, no gradient beyond the last level. The scale
    is 2^exponent ("float") or 2^ceil(exponent) ("pow2"), times the gain of the batch norm.
    """

    def __init__(self, weight: torch.Tensor, bits: int, scale: str) -> None:
        super().__init__()
        self.largest, self.scale_kind = 1 << (bits - 1), scale
        rows = weight.detach().abs().reshape(len(weight), -1)
        tops = rows.amax(dim=1)
        tops = torch.where(tops == 0, tops.max(), tops).clamp(min=_SMALLEST_TOP)
        self.exponent = nn.Parameter(torch.log2(tops / self.largest))
        self._slow = 1 / math.sqrt(rows.shape[1] * self.largest)

    def scale(self, gain: torch.Tensor | None) -> torch.Tensor:
        """Return the scales, float [n_outputs]."""
        exponent: torch.Tensor = self.exponent
        if gain is not None:
            size = gain.detach().abs()
            exponent = exponent + torch.log2(torch.where(size == 0, torch.ones_like(size), size))
        return power_of_two(exponent, self.scale_kind, self._slow)

    def forward(
        self, weight: torch.Tensor, gain: torch.Tensor | None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        scale = self.scale(gain)
        return self.to_levels(weight / column(scale, weight)), scale

    def to_levels(self, steps: torch.Tensor) -> torch.Tensor:
        """Return the level of each weight given in steps."""
        return rounded(steps).clamp(-self.largest, self.largest)

    @torch.no_grad()
    def absorb(self, gain: torch.Tensor) -> None:
        size = gain.abs()
        self.exponent.add_(torch.log2(torch.where(size == 0, torch.ones_like(size), size)))


def column(per_output: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """Return [n_outputs] values as a column that multiplies ``weight`` output by output."""
    return per_output.reshape(-1, *(1,) * (weight.ndim - 1))


@dataclass(frozen=True)
class Method:
    """Plain quantisation, and the base of every method: options as frozen data.

    One instance serves every layer it is given to; what changes lives in the layers.
    """

    name: ClassVar[str] = "plain"
    absorbs_norm: ClassVar[bool] = False  # at once, because it watches integers from the start
    smallest_bits: ClassVar[int] = 2
    largest_bits: ClassVar[int] = 8
    finish_options: ClassVar[frozenset[str]] = frozenset()

    def problems(self) -> list[str]:
        """Return what is wrong with the options, one sentence each."""
        return []

    def check(self) -> None:
        """Raise ``PruneError`` naming everything that is wrong with the options."""
        found = self.problems()
        if found:
            raise PruneError(f"{self.name}: " + "; ".join(found))

    def weight_quantiser(self, layer: PrunedLayer, bits: int, scale: str) -> WeightQuantiser:
        """Return a new quantiser for ``layer``, whose weight is in place."""
        return LevelQuantiser(layer.weight, bits, scale)

    def activation_quantiser(
        self, name: str, bits: int, scale: str, signed: bool | None
    ) -> ActivationQuantiser:
        """Return a new quantiser for a tensor inside the network."""
        return ActivationQuantiser(name, bits, scale, signed)

    def penalty(self, model: nn.Module, layers: Sequence[PrunedLayer]) -> torch.Tensor:
        """Return what is added to the loss, a scalar; ``layers`` are all that use this class."""
        zero: torch.Tensor = layers[0].weight.new_zeros(())
        return zero

    def advance(self, model: nn.Module, layers: Sequence[PrunedLayer], progress: float) -> None:
        """Enter the stage that fits ``progress``, the share of the training that is done."""

    def step(self, model: nn.Module, layers: Sequence[PrunedLayer], optimizer: Optimizer) -> None:
        """Do what follows every step of the optimiser."""

    def settled(self, layers: Sequence[PrunedLayer]) -> bool:
        """Return whether the last stage is reached, so that scores can be compared from now on."""
        return True

    def check_end(self, model: nn.Module, layers: Sequence[PrunedLayer]) -> None:
        """Raise ``PruneError`` if ``finish`` cannot be done, before anything is changed."""

    def finish(self, model: nn.Module, layers: Sequence[PrunedLayer], **options: Any) -> None:
        """Freeze what was learned beside the weights; ``options`` are among ``finish_options``."""
