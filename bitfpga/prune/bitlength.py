"""``bitlength``: learned numbers of bits for weights and activations, one a tensor.

A reconstruction: of Nikolic et al., BitPruning: Learning Bitlengths for Efficient and Accurate
Quantization (arXiv 2002.03090), the abstract was at hand and the standard formulation, not the
authors' code. The loss is ``task + eta * sum_i lambda_i n_i`` (eta is the paper's gamma).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import nn

from bitfpga.errors import PruneError
from bitfpga.prune.layers import PrunedLayer
from bitfpga.prune.lengths import Length, LengthActivations, LengthWeights
from bitfpga.prune.method import Method
from bitfpga.prune.options import is_real

WEIGHTINGS = ("equal", "footprint", "operations")
_LARGEST = 8
_FULL_BITS = 8


@dataclass(frozen=True)
class BitLength(Method):
    """Options of ``bitlength``, a reconstruction (see the module).

    ``weighting`` of the lengths in the penalty: "equal", by memory "footprint" (the elements of a
    weight; of an activation, those of one sample), or by "operations" (the multiply-accumulates
    of one sample that use the weight or read the activation; what no layer reads weighs nothing).
    ``rounds_from``: the share of the training after which every length is rounded up and kept, so
    that the weights make up for it in the rest (``finish`` rounds in any case).
    ``smallest``, ``largest``: bounds of the lengths, 1 to 8 bits; signed activations keep 2.

    Lengths start at ``weight_bits`` and ``act_bits`` of ``prepare``, at most at ``largest``. The
    network's input and output are given, not learned: they keep plain quantisers.
    """

    weighting: str = "equal"
    rounds_from: float = 0.7
    smallest: int = 1
    largest: int = _LARGEST

    name: ClassVar[str] = "bitlength"

    def problems(self) -> list[str]:
        found = []
        if self.weighting not in WEIGHTINGS:
            found.append(f"weighting={self.weighting!r}: one of {', '.join(WEIGHTINGS)} is needed")
        if not is_real(self.rounds_from, 0, 1):
            found.append(f"rounds_from={self.rounds_from!r}: a share from 0 to 1 is needed")
        whole = type(self.smallest) is int and type(self.largest) is int
        if not (whole and 1 <= self.smallest <= self.largest and 2 <= self.largest <= _LARGEST):
            found.append(
                f"smallest={self.smallest!r}, largest={self.largest!r}: integers are needed, "
                f"1 <= smallest <= largest and 2 <= largest <= {_LARGEST}"
            )
        return found

    def weight_quantiser(self, layer: PrunedLayer, bits: int, scale: str) -> LengthWeights:
        start = self._start(f"layer '{layer.name}'", "weight_bits", bits)
        return LengthWeights(layer.name, layer.weight, scale, self.smallest, start)

    def activation_quantiser(
        self, name: str, bits: int, scale: str, signed: bool | None
    ) -> LengthActivations:
        start = self._start(f"quantiser '{name}'", "act_bits", bits)
        return LengthActivations(name, start, scale, signed, self.smallest)

    def _start(self, what: str, option: str, bits: int) -> int:
        if bits < self.smallest:
            raise PruneError(
                f"{what}: {option}={bits}, but lengths start there and smallest={self.smallest} is "
                f"their lower bound; give more {option} or a lower smallest"
            )
        return min(bits, self.largest)

    def penalty(self, model: nn.Module, layers: Sequence[PrunedLayer]) -> torch.Tensor:
        """Return the weighted sum of all lengths, weights' and activations', scalar.

        It is 1 where every length is 8 bits, whatever the weighting. ``PruneError`` if the
        weighting needs sizes that only a forward tells, and there was none.
        """
        self._check_alike(layers)
        tensors = _tensors(model)
        costs = {name: self._cost(tensor, layers) for name, tensor in tensors.items()}
        unknown = [name for name, cost in costs.items() if cost is None]
        if unknown:
            raise PruneError(
                f"penalty: weighting={self.weighting!r} needs the sizes of tensors, but "
                f"{', '.join(unknown)} saw no data yet; run a forward before the first penalty"
            )
        total = _FULL_BITS * sum(cost or 0 for cost in costs.values())
        sums: torch.Tensor = layers[0].weight.new_zeros(())
        for name, tensor in tensors.items():
            length = _length(tensor)().sum()
            sums = sums + (costs[name] or 0) / total * length
        return sums

    def _cost(
        self, tensor: PrunedLayer | LengthActivations, layers: Sequence[PrunedLayer]
    ) -> int | None:
        """Return what one bit of a tensor's length costs; None where it saw no data yet."""
        if self.weighting == "equal":
            return 1
        if isinstance(tensor, PrunedLayer):
            n_weights = tensor.weight.numel()
            return n_weights if self.weighting == "footprint" else _macs(tensor)
        if not int(tensor.elements):
            return None
        if self.weighting == "footprint":
            return int(tensor.elements)
        return sum(_macs(layer) or 0 for layer in layers if tensor in layer.input_quantisers)

    def advance(self, model: nn.Module, layers: Sequence[PrunedLayer], progress: float) -> None:
        self._check_alike(layers)
        if progress >= self.rounds_from:
            self.finish(model, layers)

    def settled(self, layers: Sequence[PrunedLayer]) -> bool:
        """Return whether every length is rounded up (or only ``finish`` does that)."""
        return self.rounds_from == 1 or all(_length(layer).whole for layer in layers)

    def finish(self, model: nn.Module, layers: Sequence[PrunedLayer], **options: Any) -> None:
        """Round every length up and keep it; a second time changes nothing."""
        for tensor in _tensors(model).values():
            _length(tensor).round_up()

    @staticmethod
    def _check_alike(layers: Sequence[PrunedLayer]) -> None:
        """Refuse layers that differ in what is decided for the whole network."""
        options = {
            (layer.method.weighting, layer.method.rounds_from)
            for layer in layers
            if isinstance(layer.method, BitLength)
        }
        if len(options) > 1:
            raise PruneError(
                f"layers differ in weighting and rounds_from, {sorted(options)}, but one is "
                "needed for the network; prepare them with the same, only with other bounds"
            )


def bit_lengths(model: nn.Module) -> dict[str, float]:
    """Return the length of each learned tensor in bits, whole once rounded up, by its name.

    Names: the path of the layer and ``.weight``, or the path of the activation quantiser.
    ``PruneError`` if ``model`` was not prepared with ``bitlength``.
    """
    found = {name: float(_length(tensor)().detach()) for name, tensor in _tensors(model).items()}
    if not found:
        raise PruneError(
            "the model has no learned bit lengths: call prune.prepare(model, 'bitlength') first"
        )
    return found


def _tensors(model: nn.Module) -> dict[str, PrunedLayer | LengthActivations]:
    """Return the owners of learned lengths by the name of their tensor, in the model's order."""
    found: dict[str, PrunedLayer | LengthActivations] = {}
    for path, module in model.named_modules():
        if isinstance(module, PrunedLayer) and isinstance(module.quantiser, LengthWeights):
            found[f"{path}.weight"] = module
        elif isinstance(module, LengthActivations):
            found[path] = module
    return found


def _length(tensor: PrunedLayer | LengthActivations) -> Length:
    owner = tensor.quantiser if isinstance(tensor, PrunedLayer) else tensor
    assert isinstance(owner, LengthWeights | LengthActivations)
    return owner.bitlength


def _macs(layer: PrunedLayer) -> int | None:
    """Return the multiply-accumulates of one sample; None before the first forward."""
    return layer.weight.numel() * int(layer.positions) or None
