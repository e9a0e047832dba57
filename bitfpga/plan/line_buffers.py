"""Line buffers: in banks or as copies, in LUT RAM or block RAM, whichever costs least."""

from __future__ import annotations

from dataclasses import dataclass

from bitfpga.plan.line_memory import LineMemory, line_memory
from bitfpga.plan.resources import (
    Prices,
    address_bits,
    block_ram,
    ceil_div,
    lanes_multiplexer,
    lut_ram,
    picker,
    styled_memory,
)
from bitfpga.plan.windows import Window

COUNTER_BIT = 4  # a bit of the beats, rows or tiles counted, with what compares them
AT_BORDERS = 45  # where lane 0 stands, if windows leave the map
BORDER_LANE = {"banks": 12, "copies": 6}  # whether a lane is, then
COPY_LANE = 4  # the way from its memory


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
        luts, limits = _control(window, tile_pixels, beat_pixels)
        luts += _lanes(window, lines, tile_pixels, pixel_bits)
        in_luts = luts + lines.n_memories * int(lut_ram(lines.rows, bits))
        blocks = limits + lines.n_memories * float(block_ram(lines.rows, bits))
        options.append(LineBuffer(lines.kind, "distributed", in_luts, limits))
        options.append(LineBuffer(lines.kind, "block", luts, blocks))
    return min(options, key=lambda option: float(prices.cost(option.luts, option.bram36)))


def _control(window: Window, tile_pixels: int, beat_pixels: int) -> tuple[int, float]:
    """Return (LUTs, RAMB36) of counters, table of limits, and of lane 0's place in the map."""
    n_beats = window.n_beats(beat_pixels)
    n_rows = window.channels * window.kernel[0] * window.kernel[1]
    n_tiles = ceil_div(window.out_height * window.out_width, tile_pixels)
    counted = sum(int(address_bits(n)) for n in (n_beats, n_rows, n_tiles))
    limits = styled_memory(n_tiles, 2 * int(address_bits(n_beats)), read_only=True)
    luts = COUNTER_BIT * counted + int(limits[0]) + AT_BORDERS * window.leaves_map
    return luts, float(limits[1])


def _lanes(window: Window, lines: LineMemory, tile_pixels: int, pixel_bits: int) -> int:
    """Return the LUTs of the lanes: addresses in the rings, and the way from word to lane.

    Banks have two addresses, and each takes one of them; copies have one each.
    """
    bits, words = int(address_bits(lines.rows)), lines.n_memories * lines.pixels_a_word
    luts = tile_pixels * int(picker(words // tile_pixels, pixel_bits))
    luts += tile_pixels * BORDER_LANE[lines.kind] * window.leaves_map
    if lines.kind == "copies":
        return luts + 2 * bits * (tile_pixels + 1) + COPY_LANE * tile_pixels
    return luts + bits * (tile_pixels + 4) + lanes_multiplexer(tile_pixels, pixel_bits)
