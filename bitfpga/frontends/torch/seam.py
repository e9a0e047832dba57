"""What trained-in quantisation (``bitfpga.prune``) and ``from_torch`` agree on.

Weights: a module that runs ``linear`` or ``conv`` itself may have a method

    integer_weight() -> (values, scale)

``values``: integers of the weight's shape within 9 bits signed; ``scale``: float [n_outputs],
above 0. The weight the module computes with must equal ``values * scale`` per output channel;
``from_torch`` checks that and then uses the integers as they are.

Activations: ``torch.ops.bitfpga.fake_quantise(x, scale, low, high)`` in the model's forward fixes
the type of that tensor: integers low..high times scale, whatever the calibration says.
"""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

import torch


@runtime_checkable
class IntegerWeights(Protocol):
    """A module whose weights are integers times a scale per output channel."""

    def integer_weight(self) -> tuple[Any, Any]:
        """Return (values, scale) as arrays or tensors."""


@torch.library.custom_op("bitfpga::fake_quantise", mutates_args=())
def fake_quantise(x: torch.Tensor, scale: float, low: int, high: int) -> torch.Tensor:
    """Return ``clamp(floor(x / scale + 0.5), low, high) * scale``; gradients pass inside."""
    return torch.clamp(torch.floor(x / scale + 0.5), low, high) * scale


@fake_quantise.register_fake
def _shape(x: torch.Tensor, scale: float, low: int, high: int) -> torch.Tensor:
    return torch.empty_like(x)


def _remember(ctx: Any, inputs: tuple[Any, ...], output: torch.Tensor) -> None:
    x, scale, low, high = inputs
    ctx.save_for_backward((x >= (low - 0.5) * scale) & (x < (high + 0.5) * scale))


def _straight_through(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor, None, None, None]:
    return gradient * ctx.saved_tensors[0], None, None, None


fake_quantise.register_autograd(_straight_through, setup_context=_remember)
