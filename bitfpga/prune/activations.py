"""The quantisers of activations: one grid a tensor, learned while the network trains.

Learned step size (LSQ): Esser et al., ICLR 2020; initial step 2 * mean|x| / sqrt(high), gradient
scale 1 / sqrt(numel * high). The exponent of the step is learned, not the step (``grid.py``).
"""

from __future__ import annotations

import math
from typing import Any, ClassVar

import torch
from torch import nn

from bitfpga.errors import PruneError
from bitfpga.prune.grid import fake_quantise, power_of_two

_UNSET, _UNSIGNED, _SIGNED = 0, 1, 2
_SMALLEST = 2.0**-40


class ActivationQuantiser(nn.Module):
    """Puts its input on ``bits``-bit integers times one scale, unsigned or signed.

    The first batch that is not all zero sets the scale (and the sign, where ``signed`` is None):
    by its mean if the scale is ``learned``, else so that ``headroom`` times its largest value
    fits; then it follows the largest value of all training batches upwards. What a batch in eval
    mode has set holds until the first one in training. ``n_places``: how many tensors share the
    grid; the first one of each may widen it. ``scale``: "pow2" or "float".
    """

    state: torch.Tensor
    keeps_room: ClassVar[bool] = True

    def __init__(
        self,
        name: str,
        bits: int,
        scale: str = "pow2",
        signed: bool | None = None,
        *,
        learned: bool = True,
        headroom: float = 1.0,
    ) -> None:
        super().__init__()
        self.name, self.bits, self.scale_kind = name, bits, scale
        self.signed, self.learned, self.headroom = signed, learned, headroom
        self.n_places = 1
        self._given_sign, self._n_unseen = signed, 0
        self.exponent = nn.Parameter(torch.zeros(1), requires_grad=learned)
        self.register_buffer("state", torch.tensor([_UNSET], dtype=torch.uint8))
        self._ready = self._is_provisional = False

    @property
    def is_set(self) -> bool:
        """Whether sign and scale are known."""
        return self._ready

    @property
    def low(self) -> int:
        """Smallest integer of the grid."""
        return -(1 << (self.bits - 1)) if self.signed else 0

    @property
    def high(self) -> int:
        """Largest integer of the grid."""
        return (1 << (self.bits - bool(self.signed))) - 1

    def step(self, numel: int = 1) -> torch.Tensor:
        """Return the real value of one integer step, float [1]; ``numel`` scales its gradient."""
        return power_of_two(self.exponent, self.scale_kind, 1 / math.sqrt(numel * self.high))

    def restart(self) -> None:
        """Forget sign and scale if only batches in eval mode have set them."""
        if self._is_provisional:
            self._ready = self._is_provisional = False
            self.signed = self._given_sign
            self.state.fill_(_UNSET)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if not x.is_floating_point():
            raise PruneError(
                f"quantiser '{self.name}': got {x.dtype}, but real values are needed; convert the "
                "input with .float(), scaled as in training"
            )
        if self.training:
            self.restart()
            if self._ready and self.keeps_room and not self.learned:
                self._make_room(x)
        if self._n_unseen and not torch.compiler.is_exporting():
            self._widen(x)
        if not self._ready and not self._begin(x):
            return x
        y: torch.Tensor = fake_quantise(x, self.step(x.numel()), self.low, self.high)
        return y

    @torch.no_grad()
    def _begin(self, x: torch.Tensor) -> bool:
        """Set sign and scale by ``x``; False (and nothing set) if it is 0 everywhere."""
        if torch.compiler.is_exporting():
            raise PruneError(
                f"quantiser '{self.name}' has seen no data but zeros, so it has no scale: run the "
                "prepared model on some samples (training does) before it is built"
            )
        largest = float(x.abs().max()) if x.numel() else 0.0
        if not math.isfinite(largest):
            raise PruneError(
                f"quantiser '{self.name}': its first batch holds NaN or infinity; check the data, "
                "and the weights that were loaded"
            )
        if largest == 0.0:
            return False
        if self.signed is None:
            self.signed = bool((x < 0).any())
        self._set_step(x, largest)
        self.state.fill_(_SIGNED if self.signed else _UNSIGNED)
        self._ready, self._is_provisional = True, not self.training
        return True

    @torch.no_grad()
    def _make_room(self, x: torch.Tensor) -> None:
        """Widen a grid that is not learned for ``x``: beyond its end there is no gradient."""
        if x.numel():
            first = self.headroom * x.detach().abs().amax().float() / self.high
            wanted = torch.log2(first.clamp(min=_SMALLEST)).to(self.exponent.dtype).reshape(1)
            wider = torch.isfinite(wanted) & (wanted > self.exponent)
            self.exponent.copy_(torch.where(wider, wanted, self.exponent))

    @torch.no_grad()
    def _widen(self, x: torch.Tensor) -> None:
        """Take the first tensor of another place into account."""
        largest = float(x.abs().max()) if x.numel() else 0.0
        if 0.0 < largest < math.inf:
            self._set_step(x, largest)

    def _set_step(self, x: torch.Tensor, largest: float) -> None:
        """Set the first scale, or widen it, by ``x``, whose largest magnitude is ``largest``."""
        if self.learned:
            first = 2.0 * float(x.float().abs().mean()) / math.sqrt(self.high)
        else:
            first = self.headroom * largest / self.high
        exponent = math.log2(max(first, _SMALLEST))
        if self._ready:
            exponent = max(exponent, float(self.exponent))
        self.exponent.fill_(exponent)
        self._n_unseen = (self._n_unseen if self._ready else self.n_places) - 1

    def _load_from_state_dict(self, *args: Any, **kwargs: Any) -> None:
        super()._load_from_state_dict(*args, **kwargs)
        state = int(self.state)
        if state not in (_UNSET, _UNSIGNED, _SIGNED):
            raise PruneError(f"quantiser '{self.name}': state {state} is not one of 0, 1, 2")
        self._ready, self._n_unseen, self._is_provisional = state != _UNSET, 0, False
        self.signed = state == _SIGNED if self._ready else self._given_sign

    def extra_repr(self) -> str:
        """Return the type of the grid."""
        return f"{self.bits} bits, signed={self.signed}, {self.scale_kind}"
