"""Line buffers to test line_buffer.v with: their parameters, beats, rows, and when they step."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bitfpga.plan.windows import Window, least_buffer_rows, tile_limits


@dataclass(frozen=True)
class LineCase:
    """``spare_rows``: of the buffer beyond what is needed; ``idle``: steps that read no row."""

    window: Window
    tile_pixels: int
    beat_pixels: int = 1
    samples: int = 1
    bits: int = 8
    spare_rows: int = 0
    idle: int = 0
    outside: int = 0
    kind: str = "copies"
    ahead: int = 1

    @property
    def buffer_rows(self) -> int:
        rows = least_buffer_rows(self.window, self.tile_pixels, self.beat_pixels, ahead=self.ahead)
        return rows + self.spare_rows

    @property
    def rows(self) -> int:
        return self.window.channels * self.window.kernel[0] * self.window.kernel[1]

    def limits(self) -> tuple[list[int], list[int]]:
        need, limit = tile_limits(self.window, self.tile_pixels, self.beat_pixels, self.buffer_rows)
        return need.tolist(), limit.tolist()

    def parameters(self) -> dict[str, object]:
        w = self.window
        pairs = {
            "KERNEL": w.kernel,
            "STRIDE": w.stride,
            "DILATION": w.dilation,
        }
        return {
            "BITS": self.bits,
            "SAMPLES": self.samples,
            "BEAT_PIXELS": self.beat_pixels,
            "TILE_PIXELS": self.tile_pixels,
            "CHANNELS": w.channels,
            "HEIGHT": w.height,
            "WIDTH": w.width,
            "OUT_HEIGHT": w.out_height,
            "OUT_WIDTH": w.out_width,
            "PAD_TOP": w.padding_before[0],
            "PAD_LEFT": w.padding_before[1],
            "BUFFER_ROWS": self.buffer_rows,
            "FILL_CYCLES": self.rows + self.idle,
            "OUTSIDE": self.outside,
            "KIND": self.kind,
        } | {f"{name}_{'HW'[axis]}": pair[axis] for name, pair in pairs.items() for axis in (0, 1)}


def pack(values: np.ndarray, bits: int) -> int:
    """Return the values side by side, the first one lowest."""
    return sum((int(v) & ((1 << bits) - 1)) << (k * bits) for k, v in enumerate(values.ravel()))


def beats_of(case: LineCase, images: np.ndarray, rng: np.random.Generator) -> list[int]:
    """``images``: [image, channel, pixel, sample]; lanes past the last pixel hold anything."""
    n, channels, n_pixels, samples = images.shape
    lanes = case.beat_pixels
    blocks = -(-n_pixels // lanes)
    padded = rng.integers(0, 1 << case.bits, (n, channels, blocks * lanes, samples))
    padded[:, :, :n_pixels] = images
    beats = padded.reshape(n, channels, blocks, lanes, samples).transpose(0, 2, 1, 3, 4)
    return [pack(beat, case.bits) for beat in beats.reshape(-1, lanes * samples)]


def rows_of(case: LineCase, image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the rows of all tiles [tile, row, lane, sample] and the lanes that count [tile, lane].

    ``image``: [channel, pixel, sample].
    """
    w = case.window
    n_out = w.out_height * w.out_width
    n_tiles = -(-n_out // case.tile_pixels)
    rows = np.full((n_tiles * case.tile_pixels, w.channels, *w.kernel, case.samples), case.outside)
    for o in range(n_out):
        for ky in range(w.kernel[0]):
            for kx in range(w.kernel[1]):
                y = o // w.out_width * w.stride[0] - w.padding_before[0] + ky * w.dilation[0]
                x = o % w.out_width * w.stride[1] - w.padding_before[1] + kx * w.dilation[1]
                if 0 <= y < w.height and 0 <= x < w.width:
                    rows[o, :, ky, kx] = image[:, y * w.width + x]
    lanes = rows.reshape(n_tiles, case.tile_pixels, case.rows, case.samples)
    counts = np.arange(n_tiles * case.tile_pixels).reshape(n_tiles, -1) < n_out
    return lanes.transpose(0, 2, 1, 3), counts


class LineModel:
    """When a line buffer reads beats and rows, as plan.tiled says; ``clock`` once a cycle."""

    def __init__(self, case: LineCase) -> None:
        self.case = case
        self.need, self.limit = case.limits()
        self.n_beats = case.window.n_beats(case.beat_pixels)
        self.written = self.tile = self.step = self.n_behind = 0

    def clock(self, x_valid: bool, behind: bool) -> tuple[bool, bool, int | None]:
        """Return whether a beat is read, whether a tile ends, and the row that is read."""
        image, k = divmod(self.tile, len(self.need))
        need, limit = self.need[k], self.limit[k]
        x_read = x_valid and self.written < image * self.n_beats + limit
        ready = need == 0 or self.written >= image * self.n_beats + need
        active = self.step > 0 or (ready and self.n_behind >= self.tile - 1)
        row = self.step if active and self.step < self.case.rows else None
        filled = active and self.step == self.case.rows + self.case.idle - 1
        self.written += x_read
        self.n_behind += behind
        self.step = 0 if filled else self.step + active
        self.tile += filled
        return x_read, filled, row
