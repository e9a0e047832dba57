"""The memories of a line buffer: what ``line_buffer.v`` keeps its ring of pixels in."""

from __future__ import annotations

from dataclasses import dataclass

from bitfpga.plan.windows import Window


@dataclass(frozen=True)
class LineMemory:
    """``n_memories`` memories of ``rows`` words of ``pixels_a_word`` pixels (of every sample).

    ``kind`` "banks": the ring is spread over them. "copies": each lane has all of it.
    """

    kind: str
    n_memories: int
    rows: int
    pixels_a_word: int


def line_memory(
    window: Window, tile_pixels: int, beat_pixels: int, buffer_rows: int, *, banks: bool = True
) -> LineMemory:
    """Return the memories of a ring of ``buffer_rows`` rows: banks where they can serve it.

    Copies, which take ``tile_pixels`` times the bits but no rotator, if not ``banks``.
    """
    if not (banks and _serves_banks(window, beat_pixels)):
        rows = _kept_blocks(window, beat_pixels, buffer_rows) * window.channels
        return LineMemory("copies", tile_pixels, rows, beat_pixels)
    stride_y, stride_x = window.stride
    kept = buffer_rows * window.width
    if stride_y > 1:
        groups = -(-buffer_rows // stride_y) * (window.width // stride_x)
    elif beat_pixels < stride_x:
        groups = -(-kept // stride_x)
    else:
        groups = _kept_blocks(window, beat_pixels, buffer_rows) * (beat_pixels // stride_x)
    rows = -(-groups // tile_pixels) * stride_y * window.channels
    pixels_a_word = min(beat_pixels, stride_x)
    return LineMemory("banks", tile_pixels * (stride_x // pixels_a_word), rows, pixels_a_word)


def _serves_banks(window: Window, beat_pixels: int) -> bool:
    """Whether all lanes of a tile read neighbouring groups of ``stride`` pixels under every tap."""
    stride_y, stride_x = window.stride
    return (
        window.width % stride_x == 0
        and window.height % stride_y == 0
        and (window.out_width * stride_x == window.width or window.out_height == 1)
        and (beat_pixels % stride_x == 0 or stride_x % beat_pixels == 0)
        and (stride_y == 1 or beat_pixels <= stride_x or window.width % beat_pixels == 0)
    )


def _kept_blocks(window: Window, beat_pixels: int, buffer_rows: int) -> int:
    """Return the blocks of beats that hold the ring's pixels; an image's last may not be full."""
    kept = buffer_rows * window.width
    if window.n_pixels % beat_pixels == 0:
        return -(-kept // beat_pixels)
    images, rest = divmod(kept, window.n_pixels)
    blocks = -(-window.n_pixels // beat_pixels)
    return images * blocks + (rest + 2 * beat_pixels - 2) // beat_pixels
