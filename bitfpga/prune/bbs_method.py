"""``bbs`` on torch models: int8 layers whose weights become bi-directionally sparse at the end.

BBS (Chen et al., MICRO 2024) needs no training: ``bbs(model)`` quantises a float model per channel
and prunes it. As a method of ``prepare`` it trains plain int8 layers, with quantised activations,
and prunes at ``finish``.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar, overload

import numpy as np
import torch
from torch import nn

from bitfpga.errors import PruneError
from bitfpga.ir import BitGroups, Network
from bitfpga.prune.bbs import BbsConfig, bbs_network, bbs_settings, prune_layer, sensitive_channels
from bitfpga.prune.bbs_code import WEIGHT_HIGH, WEIGHT_LOW
from bitfpga.prune.grid import rounded, straight_through
from bitfpga.prune.method import LevelQuantiser, Method

if TYPE_CHECKING:
    from bitfpga.prune.layers import PrunedLayer

Model = TypeVar("Model", bound=nn.Module)


class Int8Quantiser(LevelQuantiser):
    """Levels -128..127 with a scale per output channel; once coded, the integers stay fixed."""

    coded: torch.Tensor
    codes: torch.Tensor
    redundant: torch.Tensor
    constant: torch.Tensor
    sensitive: torch.Tensor

    def __init__(self, weight: torch.Tensor, scale: str, config: BbsConfig) -> None:
        super().__init__(weight, 8, scale)
        self.config = config
        n_outputs, n_inputs = len(weight), weight[0].numel()
        n_groups = -(-n_inputs // config.group_size)
        groups = torch.zeros(n_outputs, n_groups, device=weight.device)
        self.register_buffer("coded", torch.zeros(1, dtype=torch.uint8))
        self.register_buffer("codes", torch.zeros_like(weight, dtype=torch.int16))
        self.register_buffer("redundant", groups.to(torch.uint8))
        self.register_buffer("constant", groups.to(torch.int8))
        self.register_buffer("sensitive", groups[:, 0].to(torch.uint8))
        self._is_coded = False

    def to_levels(self, steps: torch.Tensor) -> torch.Tensor:
        levels = rounded(steps).clamp(WEIGHT_LOW, WEIGHT_HIGH)
        return straight_through(self.codes.to(levels.dtype), levels) if self._is_coded else levels

    @torch.no_grad()
    def hold(self, weight: np.ndarray[Any, Any], groups: BitGroups) -> None:
        """Keep these integers, [n_outputs, n_inputs], from now on."""
        self.codes.copy_(torch.from_numpy(weight).reshape(self.codes.shape))
        self.redundant.copy_(torch.from_numpy(groups.redundant))
        self.constant.copy_(torch.from_numpy(groups.constant))
        self.sensitive.copy_(torch.from_numpy(groups.sensitive))
        self.coded.fill_(1)
        self._is_coded = True
        self.exponent.requires_grad_(False)

    def groups(self) -> BitGroups | None:
        """Return the codes of the weights; None before ``finish``."""
        if not self._is_coded:
            return None
        arrays = {key: getattr(self, key).cpu().numpy() for key in ("redundant", "constant")}
        return BitGroups(
            mode=self.config.mode,
            n_sparse=self.config.n_sparse,
            group_size=self.config.group_size,
            sensitive=self.sensitive.cpu().numpy(),
            **arrays,
        )

    def _load_from_state_dict(self, *args: Any, **kwargs: Any) -> None:
        super()._load_from_state_dict(*args, **kwargs)
        self._is_coded = bool(self.coded)
        self.exponent.requires_grad_(not self._is_coded)


@dataclass(frozen=True)
class Bbs(Method):
    """``bbs`` as a method: int8 until ``finish`` prunes by ``config`` (see ``BbsConfig``)."""

    config: str | BbsConfig = "conservative"

    name: ClassVar[str] = "bbs"
    smallest_bits: ClassVar[int] = 8

    def problems(self) -> list[str]:
        try:
            bbs_settings(self.config)
        except PruneError as error:
            return [str(error).removeprefix("bbs: ")]
        return []

    def weight_quantiser(self, layer: PrunedLayer, bits: int, scale: str) -> Int8Quantiser:
        return Int8Quantiser(layer.weight, scale, bbs_settings(self.config))

    def check_end(self, model: nn.Module, layers: Sequence[PrunedLayer]) -> None:
        shares = sorted({_quantiser(layer).config.sensitive_share for layer in layers})
        if len(shares) > 1:
            raise PruneError(
                f"bbs: layers differ in sensitive_share, {shares}, but channels compete for one "
                "share of the network; prepare them with the same"
            )

    def finish(self, model: nn.Module, layers: Sequence[PrunedLayer], **options: Any) -> None:
        """Prune every layer; its weights stay as they are from then on."""
        if any(_quantiser(layer).groups() is not None for layer in layers):
            return
        found = [layer.integer_weight() for layer in layers]
        share = _quantiser(layers[0]).config.sensitive_share
        flags = sensitive_channels([scale.numpy() for _, scale in found], share)
        for layer, (values, _), sensitive in zip(layers, found, flags, strict=True):
            rows = values.reshape(len(values), -1).numpy()
            quantiser = _quantiser(layer)
            quantiser.hold(*prune_layer(rows, sensitive, quantiser.config))
            layer.weight.requires_grad_(False)


@overload
def bbs(model: Network, config: str | BbsConfig | None = ...) -> Network: ...
@overload
def bbs(model: nn.Module, config: str | BbsConfig | None = ..., scale: str = ...) -> nn.Module: ...
def bbs(
    model: Network | nn.Module, config: str | BbsConfig | None = None, scale: str = "pow2"
) -> Network | nn.Module:
    """Return the binary-pruned form of an integer ``Network`` or a torch model; no data needed.

    A float model comes back with int8 weights, one ``scale`` ("pow2" or "float") per channel, and
    real activations, which ``bitfpga.from_torch`` quantises; the network it makes carries the
    ``bit_groups``. A model prepared with ``method=Bbs(config)`` is finished, in a copy, and keeps
    its own config. ``config``: "conservative" (None), "moderate" or ``BbsConfig(...)``.
    """
    from bitfpga.prune.layers import pruned_layers
    from bitfpga.prune.loop import finish
    from bitfpga.prune.prepare import prepare

    chosen = bbs_settings("conservative" if config is None else config)
    if isinstance(model, Network):
        return bbs_network(model, chosen)
    if not isinstance(model, nn.Module):
        raise PruneError(f"bbs: a {type(model).__name__}; give a Network or a torch.nn.Module")
    layers = [m for m in model.modules() if hasattr(m, "integer_weight")]
    if not layers:
        return finish(prepare(model, Bbs(chosen), act_bits=None, scale=scale).eval())
    if not all(isinstance(getattr(layer, "method", None), Bbs) for layer in layers):
        raise PruneError(
            "bbs: the model is prepared for another method; give the float model, or prepare it "
            "with method=prune.Bbs(...)"
        )
    others = [layer.name for layer in pruned_layers(model) if _quantiser(layer).config != chosen]
    if config is not None and others:
        raise PruneError(
            f"bbs: layers {', '.join(others)} were prepared with another config than {chosen}; "
            "leave config out, or prepare the float model with it"
        )
    return finish(copy.deepcopy(model))


def _quantiser(layer: PrunedLayer) -> Int8Quantiser:
    quantiser = layer.quantiser
    assert isinstance(quantiser, Int8Quantiser)
    return quantiser
