"""Line buffers: in banks or as copies, in LUT RAM or block RAM, whichever costs least."""

from __future__ import annotations

from dataclasses import dataclass

from bitfpga.plan.line_memory import line_memory
from bitfpga.plan.resources import Prices, block_ram, lanes_multiplexer, lut_ram
from bitfpga.plan.windows import Window

CONTROL = 130  # of writer and reader, and of the counters that walk a window
COPY_LANE, BANK_LANE = 16, 34  # a lane's address, and whether its pixel is in the map


@dataclass(frozen=True)
class LineBuffer:
    """One way to make a line buffer: ``kind`` as in ``plan.line_memory``, ``style`` as in RTL."""

    kind: str
    style: str
    luts: int
    bram36: float


def line_buffer(
    window: Window,
    tile_pixels: int,
    beat_pixels: int,
    buffer_rows: int,
    pixel_bits: int,
    prices: Prices,
) -> LineBuffer:
    """Return the cheapest line buffer for tiles of ``tile_pixels`` lanes of ``pixel_bits``."""
    options = []
    for banks in (True, False):
        lines = line_memory(window, tile_pixels, beat_pixels, buffer_rows, banks=banks)
        bits = pixel_bits * lines.pixels_a_word
        luts = CONTROL + COPY_LANE * tile_pixels
        if lines.kind == "banks":
            luts = CONTROL + BANK_LANE * tile_pixels + lanes_multiplexer(tile_pixels, pixel_bits)
        in_luts = luts + lines.n_memories * int(lut_ram(lines.rows, bits))
        blocks = lines.n_memories * float(block_ram(lines.rows, bits))
        options.append(LineBuffer(lines.kind, "distributed", in_luts, 0.0))
        options.append(LineBuffer(lines.kind, "block", luts, blocks))
    return min(options, key=lambda option: float(prices.cost(option.luts, option.bram36)))
