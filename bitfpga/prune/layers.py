"""Linear and convolution layers whose weights are integers times a scale per output channel."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from bitfpga.errors import PruneError
from bitfpga.ir import BitGroups
from bitfpga.prune.activations import ActivationQuantiser
from bitfpga.prune.grid import rounded
from bitfpga.prune.method import Method, column


class PrunedLayer(nn.Module):
    """What the pruned layers share; ``weight`` and ``bias`` are those of the float layer.

    ``norm``: a batch norm behind the layer, folded into its weight as it trains (the output is
    normalised by the batch in training, by the running statistics in eval mode, as torch's own
    quantisation-aware training does), until ``absorb_norm`` makes it a part of the weight.
    """

    weight: Any  # nn.Parameter; the float layers this is mixed with say the same
    bias: Any  # nn.Parameter or None
    norm: Any  # BatchNorm1d, BatchNorm2d or None
    positions: torch.Tensor

    def become(
        self, name: str, source: Any, norm: nn.Module | None, method: Method, bits: int, scale: str
    ) -> None:
        """Take over the parameters of the float layer ``source``, and the batch norm behind it."""
        self.name, self.method, self.bits = name, method, bits
        self.weight, self.bias, self.norm = source.weight, source.bias, norm
        self.training = source.training  # a batch norm may be frozen, in a mode of its own
        # How many output positions each weight is used at; known after the first forward.
        self.register_buffer("positions", torch.zeros(1, dtype=torch.int64))
        # Not a submodule: the quantiser belongs to the model, this layer only reads its step.
        self._reads: tuple[ActivationQuantiser, ...] = ()
        if method.absorbs_norm:
            self._fold_norm()
        self.quantiser = method.weight_quantiser(self, bits, scale).train(source.training)

    def reads(self, quantiser: ActivationQuantiser) -> None:
        """Say which quantiser the input of this layer comes from."""
        self._reads = (quantiser,)

    @property
    def input_quantisers(self) -> tuple[ActivationQuantiser, ...]:
        """The quantiser the input comes from; none if it is not known or not one."""
        return self._reads

    @property
    def input_bits(self) -> int | None:
        """Bits of the integers the layer reads; None where they are not quantised."""
        return self._reads[0].bits if self._reads else None

    @property
    def gain(self) -> torch.Tensor | None:
        """What the folded batch norm multiplies each output with, [n_outputs]."""
        if self.norm is None:
            return None
        deviation: torch.Tensor = torch.sqrt(self.norm.running_var + self.norm.eps)
        return 1 / deviation if self.norm.weight is None else self.norm.weight / deviation

    def folded_weight(self) -> torch.Tensor:
        """Return the float weight with the batch norm in it, of the weight's shape."""
        gain = self.gain
        weight: torch.Tensor = self.weight
        return weight if gain is None else weight * column(gain, weight)

    def folded_bias(self) -> torch.Tensor | None:
        """Return the float bias with the batch norm in it, [n_outputs]."""
        gain, bias = self.gain, self.bias
        if gain is not None:
            mean = self.norm.running_mean
            bias = (-mean if bias is None else bias - mean) * gain
            bias = bias if self.norm.bias is None else bias + self.norm.bias
        folded: torch.Tensor | None = bias
        return folded

    @torch.no_grad()
    def integer_weight(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Return (integers, int16 of the weight's shape; scales, float64 [n_outputs]).

        In float64, as ``from_torch`` computes: where a weight lies between two integers, a batch
        norm or a real scale in float32 may round to the other. After ``finish``, with
        ``scale="pow2"``, both are the same.
        """
        exact = copy.deepcopy(self).double()
        levels, scale = exact.quantiser.integers(exact.folded_weight(), exact.gain)
        return levels.to(torch.int16).cpu(), scale.reshape(-1).cpu()

    @torch.no_grad()
    def current_levels(self) -> torch.Tensor:
        """Return the integers as if the training ended now, int16 of the weight's shape."""
        exact = copy.deepcopy(self).double()
        levels, _ = exact.quantiser.preview(exact.folded_weight(), exact.gain)
        return levels.to(torch.int16).cpu()

    def bit_groups(self) -> BitGroups | None:
        """Return the codes that ``bbs`` gave the weights, for the Network; else None."""
        return self.quantiser.groups()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if self.training:
            self.quantiser.observe(self, x)
            if self.norm is not None:
                return self._normalised(x)
        levels, scale = self.quantiser(self.folded_weight(), self.gain)
        weight = levels * column(scale, self.weight)
        y = self._compute(x, weight, self._on_grid(self.folded_bias(), scale))
        self._count_positions(y)
        return y

    def _normalised(self, x: torch.Tensor) -> torch.Tensor:
        """Return the batch norm, by this batch, of the output of the quantised folded weight."""
        gain = self.gain
        assert gain is not None
        # A channel whose gain is 0 computes without it, or the gain could never learn.
        gain = torch.where(gain == 0, torch.ones_like(gain), gain)
        levels, scale = self.quantiser(self.weight * column(gain, self.weight), gain)
        # The norm multiplies with the gain again; here it costs a weight, there a whole map.
        y = self._compute(x, levels * column(scale / gain, self.weight), self.bias)
        self._count_positions(y)
        normalised: torch.Tensor = self.norm(y)
        return normalised

    def _on_grid(self, bias: torch.Tensor | None, scale: torch.Tensor) -> torch.Tensor | None:
        """Return the bias in whole steps of the accumulator, so that sums in float are exact."""
        if bias is None or not self._reads or not self._reads[0].is_set:
            return bias
        step = (scale * self._reads[0].step()).detach()
        return rounded(bias / step) * step

    def _count_positions(self, y: torch.Tensor) -> None:
        if not torch.compiler.is_exporting():
            self.positions.fill_(math.prod(y.shape[1:]) // len(self.weight))

    def absorb_norm(self) -> None:
        """Make the batch norm, at its running statistics, a part of weight and bias."""
        gain = self.gain
        if gain is not None:
            self.quantiser.absorb(gain)
            self._fold_norm()

    @torch.no_grad()
    def _fold_norm(self) -> None:
        bias = self.folded_bias()
        if self.norm is None or bias is None:
            return
        self.weight.copy_(self.folded_weight())
        if self.bias is None:
            self.bias = nn.Parameter(bias)
        else:
            self.bias.copy_(bias)
        self.norm = None

    def _compute(
        self, x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None
    ) -> torch.Tensor:
        raise NotImplementedError


class PrunedLinear(PrunedLayer, nn.Linear):
    """A linear layer with integer weights."""

    def _compute(
        self, x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None
    ) -> torch.Tensor:
        if self.norm is not None and x.ndim != 2:
            raise PruneError(
                f"layer '{self.name}': batch norm behind a linear layer needs samples of one "
                f"axis, got {tuple(x.shape[1:])}; flatten the input, or leave the norm out"
            )
        return nn.functional.linear(x, weight, bias)


class PrunedConv(PrunedLayer):
    """A convolution with integer weights; the float layers it is mixed with say how many axes."""

    _conv_forward: Callable[..., torch.Tensor]

    def _compute(
        self, x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None
    ) -> torch.Tensor:
        return self._conv_forward(x, weight, bias)


class PrunedConv1d(PrunedConv, nn.Conv1d):
    """A 1-d convolution with integer weights."""


class PrunedConv2d(PrunedConv, nn.Conv2d):
    """A 2-d convolution with integer weights."""


PRUNED: dict[type[nn.Module], Any] = {
    nn.Linear: PrunedLinear,
    nn.Conv1d: PrunedConv1d,
    nn.Conv2d: PrunedConv2d,
}


def pruned_layer(
    name: str, source: nn.Module, norm: nn.Module | None, method: Method, bits: int, scale: str
) -> PrunedLayer:
    """Return the pruned form of a float Linear, Conv1d or Conv2d, sharing its parameters."""
    sizes = ("in_features", "out_features", "in_channels", "out_channels", "kernel_size")
    options = {key: getattr(source, key) for key in sizes if hasattr(source, key)}
    more = ("stride", "padding", "dilation", "groups", "padding_mode")
    options |= {key: getattr(source, key) for key in more if hasattr(source, key)}
    with torch.device("meta"):
        layer: PrunedLayer = PRUNED[type(source)](**options, bias=source.bias is not None)
    layer.become(name, source, norm, method, bits, scale)
    return layer


def pruned_layers(model: nn.Module) -> list[PrunedLayer]:
    """Return the pruned layers inside ``model``, in its order; ``PruneError`` if it has none."""
    if not isinstance(model, nn.Module):
        raise PruneError(f"model is a {type(model).__name__}: a prepared torch.nn.Module is needed")
    layers = [module for module in model.modules() if isinstance(module, PrunedLayer)]
    if not layers:
        raise PruneError("the model has no pruned layers: call prune.prepare(model, ...) first")
    return layers
