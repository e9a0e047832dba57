"""The order in which a tensor's elements travel between processes, as beats of pixels.

A tensor is seen as ``channels`` x ``pixels``. A beat holds ``lanes`` neighbouring pixels of one
channel; beats go block of pixels by block, inside a block channel by channel.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Int64 = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Order:
    """``index``: int64 [channels, pixels], the row-major index of each element in its tensor."""

    index: Int64

    @property
    def channels(self) -> int:
        """Number of channels."""
        return int(self.index.shape[0])

    @property
    def pixels(self) -> int:
        """Number of pixels of each channel."""
        return int(self.index.shape[1])

    @property
    def strides(self) -> tuple[int, int] | None:
        """Row-major distance of neighbouring channels and pixels; None where it varies."""
        index = self.index
        by_channel = int(index[1, 0]) if self.channels > 1 else 0
        by_pixel = int(index[0, 1]) if self.pixels > 1 else 0
        channel, pixel = np.indices(index.shape)
        regular = np.array_equal(index, channel * by_channel + pixel * by_pixel)
        return (by_channel, by_pixel) if regular else None

    def lanes(self, beat_pixels: int) -> int:
        """Return the pixels of a beat: ``beat_pixels``, or 1 where there is one pixel."""
        return beat_pixels if self.pixels > 1 else 1

    def beats(self, beat_pixels: int) -> Int64:
        """Return row-major indices, int64 [n_beats, lanes], in stream order; -1 past the end."""
        lanes = self.lanes(beat_pixels)
        n_blocks = -(-self.pixels // lanes)
        padded = np.full((self.channels, n_blocks * lanes), -1, np.int64)
        padded[:, : self.pixels] = self.index
        blocks = padded.reshape(self.channels, n_blocks, lanes)
        return blocks.transpose(1, 0, 2).reshape(-1, lanes)


def vector_order(size: int) -> Order:
    """Return the order of a tensor that is one pixel of ``size`` channels."""
    return Order(np.arange(size)[:, None])


def channels_first(shape: tuple[int, ...], n_lead: int = 1) -> Order:
    """Return the order of maps: the first ``n_lead`` axes are channels, the others pixels."""
    return Order(np.arange(math.prod(shape)).reshape(math.prod(shape[:n_lead]), -1))


def channels_last(shape: tuple[int, ...]) -> Order:
    """Return the order of rows of features: the last axis is channels, the others pixels."""
    return Order(np.arange(math.prod(shape)).reshape(-1, shape[-1]).T)


def reduced_order(shape: tuple[int, ...], axes: tuple[int, ...]) -> Order:
    """Return the order in which ``axes`` are pixels and the others channels."""
    kept = tuple(axis for axis in range(len(shape)) if axis not in axes)
    index = np.arange(math.prod(shape)).reshape(shape).transpose(kept + tuple(sorted(axes)))
    return Order(index.reshape(math.prod(shape[axis] for axis in kept), -1))


def same_beats(a: Order, b: Order, beat_pixels: int) -> bool:
    """Whether ``a`` and ``b`` are the same beats one after the other."""
    if a.lanes(beat_pixels) != b.lanes(beat_pixels) or a.index.size != b.index.size:
        return False
    return np.array_equal(a.beats(beat_pixels), b.beats(beat_pixels))
