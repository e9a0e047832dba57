"""Handlers of operations that repeat, pad, interleave or copy values."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from bitfpga.frontends.torch import graph as g
from bitfpga.frontends.torch.lower import Activation, Lowering
from bitfpga.frontends.torch.ops_move import join, permute, reshape_to, take

aten = torch.ops.aten


def _repeat_each(context: Lowering, x: Activation, axis: int, times: int) -> Activation:
    if times == 1:
        return x
    shape = x.shape
    split = reshape_to(context, x, (*shape[: axis + 1], 1, *shape[axis + 1 :]))
    doubled = join(context, [split] * times, axis + 1)
    return reshape_to(context, doubled, (*shape[:axis], shape[axis] * times, *shape[axis + 1 :]))


def nearest(context: Lowering, *, input: Any, output_size: Any, scale_factors: Any) -> Activation:
    x, traced = context.activation(input), context.shape
    assert traced is not None
    sizes, wanted = x.shape[1:], traced[2:]
    given = scale_factors or [n / size for n, size in zip(wanted, sizes, strict=True)]
    if any(n % size for n, size in zip(wanted, sizes, strict=True)) or any(f % 1 for f in given):
        context.fail(f"{sizes} to {wanted} is not a whole factor along each axis; use one that is")
    for axis, (n, size) in enumerate(zip(wanted, sizes, strict=True)):
        x = _repeat_each(context, x, axis + 1, n // size)
    return x


def repeat_interleave(
    context: Lowering, *, self: Any, repeats: Any, dim: Any, output_size: Any
) -> Activation:
    x = context.activation(self)
    if dim is None:
        context.fail("without dim it flattens the batch too; name the axis (dim=...)")
    axis, times = context.axis(x, dim), int(repeats)
    if times < 1 or output_size not in (None, x.shape[axis] * times):
        context.fail(f"repeats={repeats}, output_size={output_size}: 1 or more repeats are needed")
    return _repeat_each(context, x, axis, times)


def repeat(context: Lowering, *, self: Any, repeats: Any) -> Activation:
    x = context.activation(self)
    if len(repeats) != len(x.shape) + 1 or repeats[0] != 1 or min(repeats) < 1:
        context.fail(f"repeats {tuple(repeats)}: one number for each axis, 1 for the batch")
    for axis, times in enumerate(repeats[1:]):
        x = join(context, [x] * times, axis)
    return x


def tile(context: Lowering, *, self: Any, dims: Any) -> Activation:
    x = context.activation(self)
    return repeat(context, self=x, repeats=[1] * (len(x.shape) + 1 - len(dims)) + list(dims))


def expand(context: Lowering, *, self: Any, size: Any, implicit: Any) -> Activation:
    x, shape = context.activation(self), context.shape
    if shape is None or len(shape) != len(x.shape) + 1 or shape[0] != context.n_samples:
        context.fail(f"to {tuple(size)} adds axes; unsqueeze first")
    for axis, (n, size_before) in enumerate(zip(shape[1:], x.shape, strict=True)):
        x = join(context, [x] * (n // size_before), axis)
    return x


def pixel_shuffle(context: Lowering, *, self: Any, upscale_factor: Any) -> Activation:
    x, r = _image(context, self), int(upscale_factor)
    channels, height, width = x.shape
    split = reshape_to(context, x, (channels // r**2, r, r, height, width))
    moved = permute(context, self=split, dims=(0, 1, 4, 2, 5, 3))
    return reshape_to(context, moved, (channels // r**2, height * r, width * r))


def pixel_unshuffle(context: Lowering, *, self: Any, downscale_factor: Any) -> Activation:
    x, r = _image(context, self), int(downscale_factor)
    channels, height, width = x.shape
    split = reshape_to(context, x, (channels, height // r, r, width // r, r))
    moved = permute(context, self=split, dims=(0, 1, 3, 5, 2, 4))
    return reshape_to(context, moved, (channels * r**2, height // r, width // r))


def channel_shuffle(context: Lowering, *, self: Any, groups: Any) -> Activation:
    x = context.activation(self)
    split = reshape_to(context, x, (int(groups), x.shape[0] // int(groups), *x.shape[1:]))
    rest = range(3, len(split.shape) + 1)
    return reshape_to(context, permute(context, self=split, dims=(0, 2, 1, *rest)), x.shape)


def _image(context: Lowering, value: Any) -> Activation:
    x = context.activation(value)
    if len(x.shape) != 3:
        context.fail(f"samples of shape {x.shape}: a batch of (C, H, W) is needed")
    return x


def same(context: Lowering, *, self: Any, **traced: Any) -> Activation:
    """Copies and changes of memory layout: the values stay."""
    return context.activation(self)


def to_dtype(context: Lowering, *, self: Any, dtype: Any, **placement: Any) -> Activation:
    """Casts between float types are left out; ``placement`` says where, not what."""
    if dtype is not None and not dtype.is_floating_point:
        context.fail(f"casts to {dtype}; keep activations in floating point")
    return context.activation(self)


def type_as(context: Lowering, *, self: Any, other: Any, **placement: Any) -> Activation:
    """Casts to the float type of another tensor are left out, as in ``to_dtype``."""
    if not isinstance(other, Activation) and not other.is_floating_point():
        context.fail(f"casts to {other.dtype}; keep activations in floating point")
    return context.activation(self)


def dropout(context: Lowering, *, input: Any, p: Any, train: Any) -> Activation:
    if train and p > 0:
        context.fail(
            "drops values at random; call model.eval() (F.dropout needs training=self.training)"
        )
    return context.activation(input)


def pad_(context: Lowering, *, self: Any, pad: Any, mode: Any, value: Any) -> Activation:
    x = context.activation(self)
    if len(pad) > 2 * len(x.shape) or min(pad, default=0) < 0:
        context.fail(f"padding {tuple(pad)}: numbers from 0, not along the batch, are supported")
    pairs = [(0, 0)] * (len(x.shape) - len(pad) // 2)
    pairs += [(pad[i], pad[i + 1]) for i in range(len(pad) - 2, -1, -2)]
    if mode != "constant":
        return _wrapped(context, x, pairs, mode)
    if value not in (None, 0):
        context.fail(f"pads with {value}; only zeros (and circular, reflect, replicate) can be")
    if not any(map(any, pairs)):
        return x
    shape = tuple(n + a + b for n, (a, b) in zip(x.shape, pairs, strict=True))
    return context.add(g.Pad, (x,), shape, padding=tuple(pairs))


def constant_pad(context: Lowering, *, self: Any, pad: Any, value: Any) -> Activation:
    return pad_(context, self=self, pad=pad, mode="constant", value=value)


def _wrapped(
    context: Lowering, x: Activation, pairs: list[tuple[int, int]], mode: str
) -> Activation:
    modes = {"circular": "wrap", "reflect": "reflect", "replicate": "edge"}
    for axis, pair in enumerate(pairs):
        if any(pair):
            order = np.pad(np.arange(x.shape[axis]), pair, modes[mode])  # type: ignore[call-overload]
            x = take(context, x, axis, order.tolist())
    return x


_SAME = (
    aten.clone.default,
    aten.contiguous.default,
    aten.detach.default,
    aten.alias.default,
    aten.lift_fresh_copy.default,
)
HANDLERS: dict[Any, Any] = {
    **dict.fromkeys(_SAME, same),
    aten.to.dtype: to_dtype,
    aten.to.device: to_dtype,
    aten.to.dtype_layout: to_dtype,
    aten._to_copy.default: to_dtype,
    aten.type_as.default: type_as,
    aten.to.other: type_as,
    aten.dropout.default: dropout,
    aten.feature_dropout.default: dropout,
    aten.alpha_dropout.default: dropout,
    aten.feature_alpha_dropout.default: dropout,
    aten.upsample_nearest1d.vec: nearest,
    aten.upsample_nearest2d.vec: nearest,
    aten.repeat_interleave.self_int: repeat_interleave,
    aten.repeat.default: repeat,
    aten.tile.default: tile,
    aten.expand.default: expand,
    aten.pad.default: pad_,
    aten.constant_pad_nd.default: constant_pad,
    aten.pixel_shuffle.default: pixel_shuffle,
    aten.pixel_unshuffle.default: pixel_unshuffle,
    aten.channel_shuffle.default: channel_shuffle,
}
