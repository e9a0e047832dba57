"""Which input beats a tile of windows needs, and which its line buffer lets in meanwhile.

The line buffer is a ring of ``buffer_rows`` input rows numbered through the images: row y of the
next image is row height + y. Pixel p of image i (row-major) lies in place
(i * height * width + p) mod (buffer_rows * width), so a new pixel takes the place of the one
buffer_rows * width before it. Lanes past an image's last pixel are not written.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Counts = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Window:
    """Geometry of a convolution or pooling window; a 1-d map has height 1.

    Pairs are (y, x). Output pixel (oy, ox) reads input pixels
    (oy * stride_y - padding_y + ky * dilation_y, ox * stride_x - padding_x + kx * dilation_x);
    those outside the map are not read.
    """

    channels: int
    height: int
    width: int
    out_height: int
    out_width: int
    kernel: tuple[int, int]
    stride: tuple[int, int] = (1, 1)
    dilation: tuple[int, int] = (1, 1)
    padding_before: tuple[int, int] = (0, 0)

    @property
    def n_pixels(self) -> int:
        """Input pixels of one channel."""
        return self.height * self.width

    @property
    def leaves_map(self) -> bool:
        """Whether some window reads beyond the map."""
        sides = zip(
            (self.height, self.width),
            (self.out_height, self.out_width),
            self.kernel,
            self.stride,
            self.dilation,
            self.padding_before,
            strict=True,
        )
        return any(
            before > 0 or (n_out - 1) * stride - before + (kernel - 1) * dilation >= size
            for size, n_out, kernel, stride, dilation, before in sides
        )

    def n_beats(self, beat_pixels: int) -> int:
        """Input beats of one image."""
        return -(-self.n_pixels // beat_pixels) * self.channels


def tile_blocks(n_pixels: int, tile_pixels: int, beat_pixels: int) -> Counts:
    """Return the blocks of ``beat_pixels`` output pixels in each tile: int64 [n_tiles].

    ValueError if ``tile_pixels`` is not a positive multiple of ``beat_pixels``.
    """
    if beat_pixels < 1 or tile_pixels < 1 or tile_pixels % beat_pixels:
        raise ValueError(f"tiles of {tile_pixels} pixels are not whole beats of {beat_pixels}")
    firsts = np.arange(0, n_pixels, tile_pixels, dtype=np.int64)
    return -(-np.minimum(n_pixels - firsts, tile_pixels) // beat_pixels)


def tile_limits(
    window: Window, tile_pixels: int, beat_pixels: int, buffer_rows: int
) -> tuple[Counts, Counts]:
    """Return ``need`` and ``limit`` of each tile: int64 [n_tiles], beats from the image's start.

    ``need``: beats that hold every pixel the tile reads; 0 if it reads none. ``limit``: beats that
    may be written before the tile's last row has been read without taking the place of a pixel
    that this or a later tile reads; never falling, and beyond the image's beats where the next
    images' rows may come in.
    """
    least, last = _pixels_read(window, tile_pixels)
    need = (last // beat_pixels + 1) * window.channels
    still_read = np.minimum.accumulate(
        np.minimum(least, window.n_pixels + least.min(initial=window.n_pixels))[::-1]
    )[::-1]
    free = still_read + buffer_rows * window.width
    images, pixels = np.divmod(free, window.n_pixels)
    blocks = images * -(-window.n_pixels // beat_pixels) + pixels // beat_pixels
    return need, blocks * window.channels


def least_buffer_rows(window: Window, tile_pixels: int, beat_pixels: int, *, ahead: int = 1) -> int:
    """Return the fewest rows of a line buffer that serves every tile, across images too.

    With these rows ``need[t + ahead] <= limit[t]`` for every tile t (through the next images), and
    ``limit`` of the last tile covers the image. ``ahead`` 0 is enough to never stop; with 1 all
    that tile t + 1 reads can arrive while tile t is read, so that a reader that is not held up by
    its tiles' walks starts one tile right after the other if the input is fast enough.
    """
    n_beats = window.n_beats(beat_pixels)

    def serves(rows: int) -> bool:
        need, limit = tile_limits(window, tile_pixels, beat_pixels, rows)
        tiles = np.arange(len(need)) + ahead
        later = need[tiles % len(need)] + tiles // len(need) * n_beats
        return bool((np.maximum(need, later) <= limit).all() and limit[-1] >= n_beats)

    low, high = 1, 1
    while not serves(high):
        low, high = high + 1, 2 * high
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if serves(middle) else (middle + 1, high)
    return low


def _pixels_read(window: Window, tile_pixels: int) -> tuple[Counts, Counts]:
    """Return the least and the last input pixel each tile reads: int64 [n_tiles].

    A tile that reads none has a least pixel past the next image's end and the last pixel -1.
    """
    rows, columns = (_span(window, axis) for axis in (0, 1))
    reads = ((rows[1] >= 0)[:, None] & (columns[1] >= 0)).ravel()
    least = (rows[0][:, None] * window.width + columns[0]).ravel()
    last = (rows[1][:, None] * window.width + columns[1]).ravel()
    firsts = np.arange(0, len(reads), tile_pixels)
    return (
        np.minimum.reduceat(np.where(reads, least, 2 * window.n_pixels), firsts),
        np.maximum.reduceat(np.where(reads, last, -1), firsts),
    )


def _span(window: Window, axis: int) -> tuple[Counts, Counts]:
    """Return the least and the last index in the map read along one axis; last -1: none."""
    n_inputs = (window.height, window.width)[axis]
    n_outputs = (window.out_height, window.out_width)[axis]
    starts = np.arange(n_outputs, dtype=np.int64) * window.stride[axis]
    taps = np.arange(window.kernel[axis], dtype=np.int64) * window.dilation[axis]
    index = starts[:, None] - window.padding_before[axis] + taps
    inside = (index >= 0) & (index < n_inputs)
    return np.where(inside, index, n_inputs).min(1), np.where(inside, index, -1).max(1)
