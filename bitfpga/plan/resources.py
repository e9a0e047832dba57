"""The plan's resource model: LUTs and block RAMs from sizes, for numbers and numpy arrays alike.

Every figure is an estimate of the array as designed (one LUT per accumulator bit, memories in
LUT RAM or block RAM), never the report of a tool. ``Board`` limits are counted against it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, overload

import numpy as np
import numpy.typing as npt

from bitfpga.boards import Board
from bitfpga.plan.line_memory import LineMemory
from bitfpga.plan.schedule import Resources

IntArray = npt.NDArray[np.int64]
Numbers = Any  # an int or an integer array; the functions below take and return either

BLOCK_RAM_MODES = ((512, 36), (1024, 18), (2048, 9), (4096, 4), (8192, 2), (16384, 1))
ROW_BITS = {"rom": 18, "memory": 64}  # most of a tap row: a decoder holds one in registers
LAYER_CONTROL = 80
TOP_CONTROL = Resources(luts=1200, ffs=1800, bram36=2.0)
FFS_PER_LUT = 1.1
FIFO_IN_LUTS = 64
LANE_ADDRESS = 16  # of a line buffer's lane: its place in its bank, and whether it is in the map


@dataclass(frozen=True)
class Prices:
    """What a LUT and a block RAM cost a design that must leave neither over."""

    lut: float
    bram36: float

    def cost(self, luts: Numbers, bram36: Numbers) -> Numbers:
        """Return one number to compare designs by."""
        return luts * self.lut + bram36 * self.bram36


def board_prices(board: Board, weight: float) -> Prices:
    """Return prices in shares of ``board``, block RAM ``weight`` times as dear as LUTs."""
    return Prices(1 / board.luts, weight / board.bram36 if board.bram36 else 1.0)


def block_ram(rows: Numbers, bits: Numbers) -> Numbers:
    """Return the RAMB36 (halves are RAMB18) of a memory with one read and one write port."""
    halves = [
        ceil_div(np.asarray(bits), width) * ceil_div(np.asarray(rows), depth)
        for depth, width in BLOCK_RAM_MODES
    ]
    return np.minimum.reduce(halves) * 0.5


def lut_ram(rows: Numbers, bits: Numbers) -> Numbers:
    """Return the LUTs of the same memory in LUT RAM (RAM32M and RAM64M, and a multiplexer)."""
    banks = ceil_div(np.asarray(rows), 64)
    small = 4 * ceil_div(np.asarray(bits), 6)
    large = 4 * ceil_div(np.asarray(bits), 3) * banks + np.asarray(bits) * (banks - 1) // 3
    return np.where(np.asarray(rows) <= 32, small, large)


def lut_rom(rows: Numbers, bits: Numbers) -> Numbers:
    """Return the LUTs of a read-only memory: 64 bits a LUT."""
    return np.asarray(bits) * ceil_div(np.asarray(rows), 64)


def cheaper_memory(
    rows: Numbers, bits: Numbers, prices: Prices, *, read_only: bool = False
) -> tuple[Numbers, Numbers]:
    """Return (LUTs, RAMB36) of one memory, in whichever costs less."""
    luts = (lut_rom if read_only else lut_ram)(rows, bits)
    blocks = block_ram(rows, bits)
    in_luts = luts * prices.lut <= blocks * prices.bram36
    return np.where(in_luts, luts, 0), np.where(in_luts, 0.0, blocks)


def decoder(symbol_bits: int, index_bits: int) -> int:
    """Return the LUTs that turn cells into taps: two cells picked of a row, and the index."""
    return 4 * (symbol_bits + 1) + 3 * index_bits + 16


def requantiser(lanes: Numbers, scaled_bits: int, n_terms: int) -> Numbers:
    """Return the LUTs of a shift-add scaler with bias, rounding and clamp."""
    return lanes * scaled_bits * (3 * n_terms + 2)


def lane_rotator(lanes: Numbers, bits: int) -> Numbers:
    """Return the LUTs that bring banks of a line buffer to the lanes that read them."""
    lanes = np.asarray(lanes)
    stages = np.ceil(np.log2(np.maximum(lanes, 2)) / 2).astype(np.int64)
    return np.where(lanes > 1, lanes * bits * stages, 0)


def line_buffer(
    lines: LineMemory, lanes: int, bits: int, prices: Prices
) -> tuple[Numbers, Numbers]:
    """Return (LUTs, RAMB36) of a line buffer of pixels of ``bits``, read by ``lanes`` at once."""
    luts, blocks = cheaper_memory(lines.rows, bits * lines.pixels_a_word, prices)
    luts = lines.n_memories * (luts + LANE_ADDRESS) + lane_rotator(lanes, bits)
    return luts, lines.n_memories * blocks


def fifo(depth: int, bits: int) -> Resources:
    """Return one FIFO: shift registers up to 64 deep, block RAM beyond."""
    if depth <= FIFO_IN_LUTS:
        luts = bits * ceil_div(depth, 32) + 8
        return Resources(luts, luts)
    return Resources(24, 24, float(block_ram(depth, bits)))


def as_resources(luts: Numbers, bram36: Numbers) -> Resources:
    """Return whole LUTs, the flip-flops that go with them, and RAMB36."""
    whole = int(np.ceil(luts))
    return Resources(whole, int(whole * FFS_PER_LUT), float(bram36))


@overload
def ceil_div(a: int, b: int) -> int: ...


@overload
def ceil_div(a: IntArray, b: int | IntArray) -> IntArray: ...


@overload
def ceil_div(a: int, b: IntArray) -> IntArray: ...


def ceil_div(a: Numbers, b: Numbers) -> Numbers:
    """Return a / b rounded up."""
    return -(-a // b)
