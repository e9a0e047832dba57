"""Min-max quantisers whose number of bits is learned: the parts of ``bitlength``.

Reconstructed from the abstract of arXiv 2002.03090 and the standard formulation. Between whole
lengths b and b + 1 a tensor is ``(1 - a) Q(V, b) + a Q(V, b + 1)``, a = length - b, so that the
gradient of the length is Q(V, b + 1) - Q(V, b); the rounding passes gradients straight through.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import nn

from bitfpga.errors import PruneError
from bitfpga.prune.activations import ActivationQuantiser
from bitfpga.prune.grid import half_up, straight_through
from bitfpga.prune.method import WeightQuantiser

_MOMENTUM = 0.1  # the share of the difference by which the range follows each batch


class Length(nn.Module):
    """A number of bits, learned until it is rounded up, in the dtype and place of ``like``."""

    rounded: torch.Tensor

    def __init__(self, smallest: int, largest: int, like: torch.Tensor | None = None) -> None:
        super().__init__()
        self.smallest, self.largest = smallest, largest
        like = torch.zeros(1) if like is None else like.detach()
        self.length = nn.Parameter(like.new_full((1,), float(largest)))
        self.register_buffer("rounded", like.new_zeros(1, dtype=torch.uint8))
        self._whole = 0

    @property
    def whole(self) -> int:
        """Bits since the length was rounded up; 0 while it is learned."""
        return self._whole

    def forward(self) -> torch.Tensor:
        """Return the length in bits, float [1], within its bounds."""
        if self._whole:
            return torch.full_like(self.length, float(self._whole))
        return self.length.clamp(self.smallest, self.largest)

    def split(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Return (b, a), float [1] each: length = b + a, b whole and below the largest length.

        In training the parameter is first brought back within its bounds: beyond, no gradient.
        """
        if self.training:
            self.length.data.clamp_(self.smallest, self.largest)
        length = self()
        below = torch.floor(length.detach()).clamp(max=self.largest - 1)
        return below, length - below

    @torch.no_grad()
    def round_up(self) -> None:
        """Round the length up and keep it; ``PruneError`` if it is not a number."""
        if self._whole:
            return
        length = float(self())
        if not math.isfinite(length):
            raise PruneError(
                f"bitlength: a learned length is {length}, but a finite number is needed: the "
                "training has diverged; train again with a lower learning rate or eta"
            )
        self._keep(math.ceil(length))
        self.length.fill_(self._whole)
        self.rounded.fill_(self._whole)

    def _keep(self, whole: int) -> None:
        self._whole = whole
        self.length.requires_grad_(not whole)
        self.length.grad = None

    def _load_from_state_dict(self, *args: Any, **kwargs: Any) -> None:
        super()._load_from_state_dict(*args, **kwargs)
        whole = int(self.rounded)
        if whole and not self.smallest <= whole <= self.largest:
            raise PruneError(
                f"bitlength: a length of {whole} bits in the state, but {self.smallest} to "
                f"{self.largest} is allowed here; prepare the model as the saved one was"
            )
        self._keep(whole)


class LengthWeights(WeightQuantiser):
    """Weights on at most 2^n levels of one scale, for a learned number n of bits a layer.

    step = (max - min) / (2^n - 1), for scale "pow2" the power of two nearest to it; 0 is always
    within min..max. The zero point z = round((2^n - 1) * -min / (max - min)) is whole, and a level
    is q - z with q in 0..2^n - 1: an integer within -255..255, which fits the signed 9-bit weights
    of a ``Network`` as it is, so hardware needs no shared sum(A) term for the zero point.
    """

    def __init__(self, name: str, weight: torch.Tensor, scale: str, smallest: int, bits: int):
        super().__init__()
        self.name, self.scale_kind = name, scale
        self.bitlength = Length(smallest, bits, weight)

    def forward(
        self, weight: torch.Tensor, gain: torch.Tensor | None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return (levels, of the weight's shape; scales, [n_outputs]).

        While the length is learned, levels are interpolated, in steps of the finer grid.
        ``PruneError`` for weights without a range (all 0).
        """
        if self.bitlength.whole:
            return self.preview(weight, gain)
        low, high = self._range(weight)
        below, part = self.bitlength.split()
        coarse, coarse_step = self._quantised(weight, low, high, below)
        fine, fine_step = self._quantised(weight, low, high, below + 1)
        scale = torch.where(part == 0, coarse_step, fine_step)
        levels = (1 - part) * (coarse_step / scale) * coarse + part * (fine_step / scale) * fine
        return levels, scale.expand(len(weight))

    @property
    def width(self) -> int | None:
        """Bits of the levels: the length, rounded up."""
        return math.ceil(float(self.bitlength().detach()))

    def integers(
        self, weight: torch.Tensor, gain: torch.Tensor | None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return whole levels and scales; ``PruneError`` while the length is learned."""
        if not self.bitlength.whole:
            raise _not_rounded(f"layer '{self.name}'")
        return self.preview(weight, gain)

    def preview(
        self, weight: torch.Tensor, gain: torch.Tensor | None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return whole levels and scales at the length rounded up."""
        low, high = self._range(weight)
        levels, step = self._quantised(weight, low, high, torch.ceil(self.bitlength().detach()))
        return levels, step.expand(len(weight))

    def _range(self, weight: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the smallest and the largest weight, float64 [1], 0 between them."""
        values = weight.detach()
        low = values.amin().double().clamp(max=0.0).reshape(1)
        high = values.amax().double().clamp(min=0.0).reshape(1)
        if not torch.compiler.is_exporting() and not bool(high - low > 0):
            raise PruneError(
                f"layer '{self.name}': its weights, with its batch norm in them, range from "
                f"{float(low):g} to {float(high):g}: there is nothing to quantise, but some must "
                "not be 0 (and none NaN); initialise it, and its batch norm not with 0"
            )
        return low, high

    def _quantised(
        self, weight: torch.Tensor, low: torch.Tensor, high: torch.Tensor, bits: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return Q(weight, bits) as (levels, of the weight's shape; step, [1])."""
        last = torch.exp2(bits.double()) - 1
        step = _step((high - low) / last, self.scale_kind).to(weight.dtype)
        zero = torch.floor(last * (-low / (high - low)) + 0.5).to(weight.dtype)
        steps = weight / step
        levels = torch.round(steps.detach()).clamp(-zero, last.to(weight.dtype) - zero)
        return straight_through(levels, steps), step


class LengthActivations(ActivationQuantiser):
    """Activations on a grid of a learned number n of bits: [0, peak], or signed [-peak, peak].

    ``peak`` is the exponential moving average of the largest |x| of the batches seen in training.
    The step is the range over 2^n - 1 (for "pow2" the nearest power of two). Signed: two's
    complement, so of two bits at least.
    """

    peak: torch.Tensor
    elements: torch.Tensor
    keeps_room = False  # the peak follows

    def __init__(self, name: str, bits: int, scale: str, signed: bool | None, smallest: int):
        super().__init__(name, bits, scale, signed, learned=False)
        self.register_parameter("exponent", None)
        self.register_buffer("peak", torch.zeros(1))
        # How many values a sample has; known after the first forward.
        self.register_buffer("elements", torch.zeros(1, dtype=torch.int64))
        self.bitlength = Length(smallest if signed is False else max(smallest, 2), bits)

    @property
    def bits(self) -> int:
        """Bits of the grid: the rounded length; the largest one while it is learned."""
        return self.bitlength.whole or self.bitlength.largest

    @bits.setter
    def bits(self, value: int) -> None:
        """Nothing: ``Length`` holds the bits."""

    @property
    def is_set(self) -> bool:
        """Whether there is one grid: sign and range are known and the length is rounded."""
        return self._ready and bool(self.bitlength.whole)

    def step(self, numel: int = 1) -> torch.Tensor:
        """Return the real value of one integer step at ``bits`` bits, float [1]."""
        return self._step_at(torch.full_like(self.peak, float(self.bits)))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if not torch.compiler.is_exporting():
            self.elements.fill_(math.prod(x.shape[1:]))
        if self.training:
            self.restart()
        if self._ready and self.training:
            self._follow(x)
        if not self._ready and not self._begin(x):
            return x
        if self.bitlength.whole:
            return super().forward(x)
        if torch.compiler.is_exporting():
            raise _not_rounded(f"quantiser '{self.name}'")
        below, part = self.bitlength.split()
        y = (1 - part) * self._quantised(x, below) + part * self._quantised(x, below + 1)
        return y.to(x.dtype)

    def _set_step(self, x: torch.Tensor, largest: float) -> None:
        self.peak.fill_(largest)

    @torch.no_grad()
    def _follow(self, x: torch.Tensor) -> None:
        """Move the range towards that of ``x``, unless it is all zero, or has no end."""
        largest = x.abs().amax().to(self.peak.dtype)
        counts = (largest > 0) & torch.isfinite(largest)
        self.peak.copy_(torch.where(counts, torch.lerp(self.peak, largest, _MOMENTUM), self.peak))

    def _step_at(self, bits: torch.Tensor) -> torch.Tensor:
        # In float64, as from_torch computes: in float32 the nearest power of two may be another.
        width = self.peak.double() * (2.0 if self.signed else 1.0)
        step = _step(width / (torch.exp2(bits.double()) - 1), self.scale_kind)
        return step.to(self.peak.dtype)

    def _quantised(self, x: torch.Tensor, bits: torch.Tensor) -> torch.Tensor:
        """Return Q(x, bits), real, of the shape of ``x``."""
        step, count = self._step_at(bits), torch.exp2(bits)
        low = -count / 2 if self.signed else torch.zeros_like(count)
        steps = x / step
        rounded = straight_through(half_up(steps.detach()), steps)
        return rounded.clamp(low, low + count - 1) * step


def _step(real: torch.Tensor, kind: str) -> torch.Tensor:
    """Return ``real``, or for "pow2" the power of two nearest to it by ratio."""
    return torch.exp2(torch.floor(torch.log2(real) + 0.5)) if kind == "pow2" else real


def _not_rounded(what: str) -> PruneError:
    return PruneError(
        f"{what}: its bit length is still learned, but to build it must be whole and frozen; "
        "call prune.finish(model) first"
    )
