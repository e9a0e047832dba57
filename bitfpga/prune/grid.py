"""Grids: rounding that passes gradients, and what ``from_torch`` reads of a trained model.

Weights: a module that runs ``linear`` or ``conv`` itself may have a method

    integer_weight() -> (values, scale)

``values``: integers of the weight's shape within 9 bits signed; ``scale``: float [n_outputs],
above 0. The weight the module computes with must equal ``values * scale`` per output channel;
``from_torch`` checks that and then uses the integers as they are. A method ``bit_groups()`` beside
it may return their ``ir.BitGroups``, which the network then carries.

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
def fake_quantise(x: torch.Tensor, scale: torch.Tensor, low: int, high: int) -> torch.Tensor:
    """Return ``clamp(floor(x / scale + 0.5), low, high) * scale`` in the dtype of ``x``.

    ``scale``: one element, above 0. Gradients: straight through for ``x`` inside the range, and
    Esser et al. (Learned step size quantization, ICLR 2020, eq. 3) for ``scale``.
    """
    steps = half_up(_wide(x) / scale).clamp_(low, high)
    return steps.mul_(scale).to(x.dtype)


@fake_quantise.register_fake
def _shape(x: torch.Tensor, scale: torch.Tensor, low: int, high: int) -> torch.Tensor:
    return torch.empty_like(x)


def _remember(ctx: Any, inputs: tuple[Any, ...], output: torch.Tensor) -> None:
    x, scale, ctx.low, ctx.high = inputs
    ctx.save_for_backward(x, scale, output)


def _learned_step(ctx: Any, gradient: torch.Tensor) -> tuple[Any, ...]:
    x, scale, output = ctx.saved_tensors
    low, high = (ctx.low - 0.5) * scale, (ctx.high + 0.5) * scale
    inside = ((x >= low) & (x < high)).to(gradient.dtype)
    to_x = gradient * inside
    if not ctx.needs_input_grad[1]:
        return to_x, None, None, None
    # In steps: level - x inside the range, the last level outside it.
    error = torch.addcmul(_wide(output), _wide(x), _wide(inside), value=-1)
    to_scale = torch.dot(_wide(gradient).flatten(), error.flatten()) / scale
    return to_x, to_scale.to(scale.dtype).reshape(scale.shape), None, None


fake_quantise.register_autograd(_learned_step, setup_context=_remember)


def half_up(x: torch.Tensor) -> torch.Tensor:
    """Return ``floor(x + 0.5)`` without rounding the sum: 0.49999997 + 0.5 is 1 in float32."""
    below = torch.floor(x)
    return below.add_((x - below).ge_(0.5))


def _wide(x: torch.Tensor) -> torch.Tensor:
    """Return ``x`` in float32 at least: half precision cannot hold 16-bit integers."""
    return x.float() if x.dtype in (torch.float16, torch.bfloat16) else x


def straight_through(hard: torch.Tensor, soft: torch.Tensor) -> torch.Tensor:
    """Return exactly ``hard``, with the gradient of ``soft``."""
    return hard.detach() + (soft - soft.detach())


def rounded(x: torch.Tensor) -> torch.Tensor:
    """Return the nearest integers (of two, the even one), gradients straight through."""
    return straight_through(torch.round(x), x)


def power_of_two(exponent: torch.Tensor, kind: str, gradient_scale: float = 1.0) -> torch.Tensor:
    """Return the scale of a learned exponent: ``2^ceil(exponent)`` ("pow2") or ``2^exponent``.

    Learning the exponent makes steps of the optimiser relative: the scale cannot run away.
    """
    soft = torch.exp2(exponent)
    hard = torch.exp2(torch.ceil(exponent)) if kind == "pow2" else soft
    slowed = soft * gradient_scale
    return hard.detach() + (slowed - slowed.detach())
