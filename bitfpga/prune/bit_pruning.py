"""``bit_pruning`` (Sekikawa & Yashima, Bit-Pruning, ICLR 2023) and ``weight_pruning`` beside it.

The penalty is eta * sum_l |X(l) * (W(l) - What(l))|_0 (the paper's eq. 6), relaxed to the
Hoyer-Square measure; What is the proximal weight (eq. 7): the level that weighs distance against
its number of one-bits. ``weight_pruning`` pulls at the whole weight instead: What = 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from bitfpga.errors import PruneError
from bitfpga.prune.grid import straight_through
from bitfpga.prune.hoyer import InputSums, hoyer_square
from bitfpga.prune.method import LevelQuantiser, Method, column
from bitfpga.prune.options import is_real

if TYPE_CHECKING:
    from bitfpga.prune.layers import PrunedLayer


def proximal_table(bits: int, pull: float, power: float = 0.5) -> npt.NDArray[np.int64]:
    """Return the proximal level of each |w| in 0..2^bits, int64 [2^bits + 1].

    ``argmin_w |w^power - w'^power| + pull * ones(w)`` (eq. 7 with C_mv and C_add of section 3.2);
    the smallest of several. The paper's 257 levels -128..128 are those of ``bits`` = 7.
    """
    levels = np.arange((1 << bits) + 1)
    distance = np.abs(levels[:, None] ** power - levels[None, :] ** power)
    cost = distance + pull * np.bitwise_count(levels)[None, :]
    table: npt.NDArray[np.int64] = cost.argmin(axis=1)
    return table


class ProximalQuantiser(LevelQuantiser):
    """Levels that are pulled, and once ``projected`` held, to those of few one-bits."""

    table: torch.Tensor
    projected: torch.Tensor

    def __init__(
        self, weight: torch.Tensor, bits: int, scale: str, table: npt.NDArray[np.int64]
    ) -> None:
        super().__init__(weight, bits, scale)
        # Made from the options, so no file may bring another one.
        table_of = torch.from_numpy(table).to(weight.device)
        self.register_buffer("table", table_of, persistent=False)
        self.register_buffer("projected", torch.zeros(1, dtype=torch.uint8))
        self._is_projected = False
        self.sums: InputSums | None = None

    @property
    def is_projected(self) -> bool:
        """Whether the layer computes with the proximal weight."""
        return self._is_projected

    def nearest(self, levels: torch.Tensor) -> torch.Tensor:
        """Return the proximal level of whole ``levels``."""
        # NaN must come out of the loss, not as an index fault.
        index = levels.abs().nan_to_num().long()
        return torch.sign(levels) * self.table[index].to(levels.dtype)

    def to_levels(self, steps: torch.Tensor) -> torch.Tensor:
        levels = super().to_levels(steps)
        return straight_through(self.nearest(levels), levels) if self._is_projected else levels

    def project(self) -> None:
        """Hold every level at its proximal one from now on."""
        self.projected.fill_(1)
        self._is_projected = True

    def _load_from_state_dict(self, *args: Any, **kwargs: Any) -> None:
        super()._load_from_state_dict(*args, **kwargs)
        self._is_projected = bool(self.projected)

    def forget(self) -> None:
        self.sums = None

    def observe(self, layer: PrunedLayer, x: torch.Tensor) -> None:
        if layer.method.weighs_inputs:  # type: ignore[attr-defined]
            found = InputSums.of(layer, x)
            self.sums = found if self.sums is None else self.sums + found

    def residual(self, layer: PrunedLayer) -> torch.Tensor:
        """Return ``softshrink(What - w, 0.5)`` in steps, of the weight's shape.

        Gradients reach the weight only: a larger scale must not be the way to a smaller penalty.
        """
        gain = layer.gain
        scale = self.scale(gain).detach()
        factor = 1 / scale if gain is None else gain.detach() / scale
        steps = layer.weight * column(factor, layer.weight)
        levels = super().to_levels(steps.detach())
        return nn.functional.softshrink(self.nearest(levels) - steps, 0.5)


@dataclass(frozen=True)
class BitPruning(Method):
    """Options of ``bit_pruning``.

    ``pull`` is the paper's lambda, what one one-bit weighs against distance; ``power`` its p.
    ``weighs_inputs``: weigh each weight by the activations it meets (the paper's X), else alike.
    ``projects_from``: the share of the training after which every weight is held at its proximal
    level, so that the rest of the training makes up for it (1: only ``finish`` does).
    """

    pull: float = 1.001
    power: float = 0.5
    weighs_inputs: bool = True
    projects_from: float = 0.7

    name: ClassVar[str] = "bit_pruning"
    finish_options: ClassVar[frozenset[str]] = frozenset({"project"})

    def problems(self) -> list[str]:
        found = []
        if not is_real(self.pull, 0):
            found.append(f"pull={self.pull!r}: a finite number of 0 or more is needed")
        if not is_real(self.power, 0, 1) or self.power == 0:
            found.append(f"power={self.power!r}: a number above 0 and at most 1 is needed")
        if not is_real(self.projects_from, 0, 1):
            found.append(f"projects_from={self.projects_from!r}: a share from 0 to 1 is needed")
        return found

    def table(self, bits: int) -> npt.NDArray[np.int64]:
        """Return the level each |w| is pulled to, int64 [2^(bits - 1) + 1]."""
        return proximal_table(bits - 1, self.pull, self.power)

    def weight_quantiser(self, layer: PrunedLayer, bits: int, scale: str) -> ProximalQuantiser:
        return ProximalQuantiser(layer.weight, bits, scale, self.table(bits))

    def penalty(self, model: nn.Module, layers: Sequence[PrunedLayer]) -> torch.Tensor:
        """Return the Hoyer-Square of ``X * (W - What)``, summed over layers, 0 to about 1.

        Divided by the number of products X * W (of weights, if inputs are not weighed), so that
        eta means the same for small and large networks and batches. A layer that is projected
        computes with What, so nothing is left of its residual: it adds 0.
        """
        total: torch.Tensor = layers[0].weight.new_zeros(())
        count = 0.0
        for layer in layers:
            method, quantiser = _own(layer)
            sums, quantiser.sums = quantiser.sums, None
            if method.weighs_inputs and sums is None:
                raise PruneError(
                    f"penalty: layer '{layer.name}' has seen no input since the last call; run a "
                    "forward in training mode (model.train()) before each penalty"
                )
            if not quantiser.is_projected:
                total = total + hoyer_square(quantiser.residual(layer), sums)
            count += layer.weight.numel() * (1.0 if sums is None else sums.n_rows)
        return total / count

    def advance(self, model: nn.Module, layers: Sequence[PrunedLayer], progress: float) -> None:
        for layer in layers:
            method, quantiser = _own(layer)
            if method.projects_from <= progress < 1:
                quantiser.project()

    def settled(self, layers: Sequence[PrunedLayer]) -> bool:
        """Return whether every weight is held at its proximal level (or only ``finish`` does)."""
        pairs = [_own(layer) for layer in layers]
        return all(method.projects_from == 1 or own.is_projected for method, own in pairs)

    def finish(
        self,
        model: nn.Module,
        layers: Sequence[PrunedLayer],
        project: bool = True,
        **options: Any,
    ) -> None:
        """Hold every weight at its proximal level (``project=False``: leave it where it is)."""
        for layer in layers:
            _, quantiser = _own(layer)
            quantiser.sums = None
            if project:
                quantiser.project()


@dataclass(frozen=True)
class WeightPruning(BitPruning):
    """The baseline: whole weights are pulled to 0 by the same penalty; ``pull`` plays no part."""

    name: ClassVar[str] = "weight_pruning"
    finish_options: ClassVar[frozenset[str]] = frozenset()

    def table(self, bits: int) -> npt.NDArray[np.int64]:
        return np.zeros((1 << (bits - 1)) + 1, dtype=np.int64)

    def advance(self, model: nn.Module, layers: Sequence[PrunedLayer], progress: float) -> None:
        """Nothing: a weight that rounds to 0 is pruned, any other stays as it is."""

    def settled(self, layers: Sequence[PrunedLayer]) -> bool:
        """Return True: there is one stage only."""
        return True

    def finish(
        self,
        model: nn.Module,
        layers: Sequence[PrunedLayer],
        project: bool = False,
        **options: Any,
    ) -> None:
        """Keep the weights that are left: a rounded weight of 0 is gone already."""
        super().finish(model, layers, project=False)


def _own(layer: PrunedLayer) -> tuple[BitPruning, ProximalQuantiser]:
    """Return the method (layers may differ in options) and the quantiser of one layer."""
    method, quantiser = layer.method, layer.quantiser
    assert isinstance(method, BitPruning)
    assert isinstance(quantiser, ProximalQuantiser)
    return method, quantiser
