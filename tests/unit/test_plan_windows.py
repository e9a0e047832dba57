"""Line buffers: every pixel a tile reads is there, however early the writer is."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

from bitfpga.plan.windows import Window, least_buffer_rows, tile_blocks, tile_limits

N_IMAGES = 3


def random_window(rng: np.random.Generator) -> Window:
    """Any geometry: windows larger than the map, beside it, or leaving rows unread."""
    height, width, out_height, out_width = (int(n) for n in rng.integers(1, (9, 9, 8, 8)))
    kernel = (int(rng.integers(1, 5)), int(rng.integers(1, 5)))
    stride = (int(rng.integers(1, 4)), int(rng.integers(1, 4)))
    dilation = (int(rng.integers(1, 4)), int(rng.integers(1, 4)))
    padding = (int(rng.integers(0, 5)), int(rng.integers(0, 5)))
    channels = int(rng.integers(1, 4))
    sizes = (height, width, out_height, out_width)
    return Window(channels, *sizes, kernel, stride, dilation, padding)


def pixels_read(window: Window, tile_pixels: int) -> list[set[int]]:
    """Return the pixels inside the map that each tile reads, one output at a time."""
    n_outputs = window.out_height * window.out_width
    tiles: list[set[int]] = [set() for _ in range(-(-n_outputs // tile_pixels))]
    for output in range(n_outputs):
        oy, ox = divmod(output, window.out_width)
        for ky in range(window.kernel[0]):
            for kx in range(window.kernel[1]):
                y = oy * window.stride[0] + ky * window.dilation[0] - window.padding_before[0]
                x = ox * window.stride[1] + kx * window.dilation[1] - window.padding_before[1]
                if 0 <= y < window.height and 0 <= x < window.width:
                    tiles[output // tile_pixels].add(y * window.width + x)
    return tiles


class Ring:
    """A line buffer: in each place the number of the pixel, counted through the images."""

    def __init__(self, window: Window, rows: int, beat_pixels: int) -> None:
        self.window = window
        self.beat_pixels = beat_pixels
        self.places = np.full((window.channels, rows * window.width), -1)
        self.n_written = 0

    def write(self, n_beats: int) -> None:
        """Write beats until there are ``n_beats``."""
        while self.n_written < n_beats:
            image, beat = divmod(self.n_written, self.window.n_beats(self.beat_pixels))
            block, channel = divmod(beat, self.window.channels)
            first = block * self.beat_pixels
            for pixel in range(first, min(first + self.beat_pixels, self.window.n_pixels)):
                number = image * self.window.n_pixels + pixel
                self.places[channel, number % self.places.shape[1]] = number
            self.n_written += 1

    def holds(self, image: int, pixels: set[int]) -> bool:
        """Return whether every channel of these pixels of an image is in its place."""
        numbers = image * self.window.n_pixels + np.array(sorted(pixels), dtype=int)
        return bool((self.places[:, numbers % self.places.shape[1]] == numbers).all())


def cases() -> list[tuple[Window, int, int, int]]:
    """Return windows with beat pixels, tile pixels and how far ahead the writer may be."""
    rng = np.random.default_rng(5)
    drawn = []
    for _ in range(250):
        beat_pixels = int(rng.choice((1, 2, 4)))
        tile_pixels = beat_pixels * int(rng.integers(1, 9))
        drawn.append((random_window(rng), beat_pixels, tile_pixels, int(rng.integers(0, 2))))
    return drawn


def test_every_pixel_a_tile_reads_is_in_the_buffer() -> None:
    for window, beat_pixels, tile_pixels, ahead in cases():
        rows = least_buffer_rows(window, tile_pixels, beat_pixels, ahead=ahead)
        tiles = pixels_read(window, tile_pixels)
        n_beats = window.n_beats(beat_pixels)
        for extra in range(3):
            need, limit = tile_limits(window, tile_pixels, beat_pixels, rows + extra)
            assert need.dtype == limit.dtype == np.int64
            assert need.shape == limit.shape == (len(tiles),)
            lazy, eager = (Ring(window, rows + extra, beat_pixels) for _ in range(2))
            for image in range(N_IMAGES):
                for tile, pixels in enumerate(tiles):
                    lazy.write(image * n_beats + int(need[tile]) if pixels else 0)
                    eager.write(image * n_beats + int(limit[tile]))
                    assert lazy.holds(image, pixels)
                    assert eager.holds(image, pixels)
                assert eager.n_written >= (image + 1) * n_beats


def test_no_tile_needs_less() -> None:
    for window, beat_pixels, tile_pixels, _ in cases():
        rows = least_buffer_rows(window, tile_pixels, beat_pixels)
        need, _ = tile_limits(window, tile_pixels, beat_pixels, rows)
        for tile, pixels in enumerate(pixels_read(window, tile_pixels)):
            ring = Ring(window, rows, beat_pixels)
            ring.write(int(need[tile]) - 1)
            assert not ring.holds(0, pixels) if pixels else need[tile] == 0


def test_one_more_beat_would_take_the_place_of_a_pixel_still_read() -> None:
    for window, beat_pixels, tile_pixels, _ in cases():
        tiles = pixels_read(window, tile_pixels)
        if not any(tiles):
            continue
        rows = least_buffer_rows(window, tile_pixels, beat_pixels)
        _, limit = tile_limits(window, tile_pixels, beat_pixels, rows)
        for tile in range(len(tiles)):
            ring = Ring(window, rows, beat_pixels)
            ring.write(int(limit[tile]))
            later = [(0, set().union(*tiles[tile:])), (1, set().union(*tiles))]
            before = [{p for p in pixels if ring.holds(i, {p})} for i, pixels in later]
            ring.write(int(limit[tile]) + 1)
            after = [ring.holds(i, pixels) for (i, _), pixels in zip(later, before, strict=True)]
            assert not all(after)


def test_one_row_less_does_not_serve() -> None:
    for window, beat_pixels, tile_pixels, ahead in cases():
        rows = least_buffer_rows(window, tile_pixels, beat_pixels, ahead=ahead)
        if rows == 1:
            continue
        need, limit = tile_limits(window, tile_pixels, beat_pixels, rows - 1)
        n_beats = window.n_beats(beat_pixels)
        wanted = list(need[ahead:]) + [n_beats + n for n in need[:ahead]]
        late = [w > have for w, have in zip(wanted, limit, strict=True)]
        assert any(late) or (need > limit).any() or limit[-1] < n_beats


@pytest.mark.parametrize(
    ("window", "tile_pixels", "ahead", "rows"),
    [
        (Window(4, 8, 8, 8, 8, (1, 1)), 4, 0, 1),
        (Window(4, 8, 8, 8, 8, (1, 1)), 4, 1, 1),
        (Window(4, 8, 8, 8, 8, (1, 1)), 6, 1, 2),
        (Window(4, 32, 32, 32, 32, (3, 3), padding_before=(1, 1)), 8, 0, 3),
        (Window(4, 32, 32, 32, 32, (3, 3), padding_before=(1, 1)), 8, 1, 3),
        (Window(4, 32, 32, 16, 16, (3, 3), (2, 2)), 8, 0, 3),
        (Window(4, 32, 32, 16, 16, (3, 3), (2, 2)), 7, 1, 4),
        (Window(4, 32, 32, 16, 16, (3, 3), (2, 2)), 8, 1, 5),  # one pixel more than 4 rows
        (Window(4, 1, 100, 1, 98, (1, 3)), 1, 1, 1),  # a ring of one row holds the last 3 pixels
        (Window(4, 3, 3, 1, 1, (3, 3)), 1, 0, 3),
        (Window(4, 3, 3, 1, 1, (3, 3)), 1, 1, 6),  # the next image enters beside this one
        (Window(4, 9, 5, 1, 5, (1, 1)), 5, 0, 9),  # rows nobody reads pass by the last tile
    ],
)
def test_rows_of_well_known_windows(
    window: Window, tile_pixels: int, ahead: int, rows: int
) -> None:
    assert least_buffer_rows(window, tile_pixels, 1, ahead=ahead) == rows


def test_blocks_of_ragged_tiles() -> None:
    assert tile_blocks(1, 1, 1).tolist() == [1]
    assert tile_blocks(17, 8, 4).tolist() == [2, 2, 1]
    assert tile_blocks(22, 8, 2).tolist() == [4, 4, 3]
    assert tile_blocks(5, 8, 8).tolist() == [1]


@pytest.mark.parametrize(("tile_pixels", "beat_pixels"), [(3, 2), (0, 1), (4, 0), (1, 4)])
def test_tiles_that_are_not_whole_beats_are_refused(tile_pixels: int, beat_pixels: int) -> None:
    with pytest.raises(ValueError, match="not whole beats"):
        tile_blocks(8, tile_pixels, beat_pixels)


@pytest.mark.parametrize(
    ("change", "leaves"),
    [
        ({}, False),
        ({"padding_before": (1, 0)}, True),
        ({"padding_before": (0, 1)}, True),
        ({"out_height": 6}, True),
        ({"out_width": 8}, True),
        ({"out_width": 3, "stride": (1, 2)}, False),
        ({"out_width": 4, "stride": (1, 3)}, True),
        ({"out_height": 3, "dilation": (2, 1)}, False),
        ({"out_height": 4, "dilation": (2, 1)}, True),
    ],
)
def test_a_window_leaves_the_map_at_any_side(change: dict[str, Any], leaves: bool) -> None:
    window = Window(2, 7, 9, 5, 7, (3, 3))
    assert dataclasses.replace(window, **change).leaves_map == leaves
