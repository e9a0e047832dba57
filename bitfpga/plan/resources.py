"""The plan's resource model: LUTs and block RAMs from sizes, for numbers and numpy arrays alike.

Every figure is an estimate of the Verilog as it stands in ``hls_templates/rtl`` (one LUT per
accumulator bit, memories in LUT RAM or block RAM), never the report of a tool; what Yosys makes of
small networks is compared with it by a test. ``Board`` limits are counted against it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, overload

import numpy as np
import numpy.typing as npt

from bitfpga.boards import Board
from bitfpga.plan.schedule import Resources

IntArray = npt.NDArray[np.int64]
Numbers = Any  # an int or an integer array; the functions below take and return either

BLOCK_RAM_MODES = ((512, 36), (1024, 18), (2048, 9), (4096, 4), (8192, 2), (16384, 1))
ROW_BITS = {"rom": 18, "memory": 64}  # most of a tap row: a decoder holds one in registers
HOST_INTERFACE = Resources(luts=1200, ffs=1800, bram36=2.0)  # AXI masters and registers
FFS_PER_LUT = 1.2
FIFO_CONTROL = 16
BLOCK_FIFO_CONTROL = 6  # of one in block RAM: the beat that lies beside it
RAM_ROWS, TABLE_ROWS = 64, 256  # in LUTs if no more


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
    large = 4 * ceil_div(np.asarray(bits), 3) * banks + np.asarray(bits) * (banks - 1) * 3 // 2
    return np.where(np.asarray(rows) <= 32, small, large)


def lut_rom(rows: Numbers, bits: Numbers) -> Numbers:
    """Return the LUTs of a read-only memory (``lut_rom.v``): 64 bits a LUT6, four of them joined
    by MUXF7 and MUXF8, and a LUT6 that chooses among four such groups."""
    luts = ceil_div(np.asarray(rows), 64)
    return np.asarray(bits) * (luts + ceil_div(ceil_div(luts, 4) - 1, 3))


def table(rows: Numbers, bits: Numbers) -> Numbers:
    """Return the LUTs of a table (``rom.v``), which optimisation takes apart: few rows have few
    different columns, equal ones are built once; of many rows it needs twice as much."""
    few = (1 << np.clip(np.asarray(rows) - 1, 0, 40)) - 1
    return np.minimum(bits, few) * ceil_div(rows, 64) * np.where(np.asarray(rows) > 32, 2, 1)


def memory_style(rows: int, *, read_only: bool = False) -> str:
    """Return where a memory lies for which the search has no choice: by its rows alone."""
    return "distributed" if rows <= (TABLE_ROWS if read_only else RAM_ROWS) else "block"


def styled_memory(
    rows: Numbers, bits: Numbers, *, read_only: bool = False
) -> tuple[Numbers, Numbers]:
    """Return (LUTs, RAMB36) of a memory that lies where ``memory_style`` says."""
    in_luts = np.asarray(rows) <= (TABLE_ROWS if read_only else RAM_ROWS)
    luts = (table if read_only else lut_ram)(rows, bits)
    return np.where(in_luts, luts, 0), np.where(in_luts, 0.0, block_ram(rows, bits))


def cheaper_memory(
    rows: Numbers, bits: Numbers, prices: Prices, *, read_only: bool = False
) -> tuple[Numbers, Numbers]:
    """Return (LUTs, RAMB36) of one memory, in whichever costs less."""
    luts = (lut_rom if read_only else lut_ram)(rows, bits)
    blocks = block_ram(rows, bits)
    in_luts = luts * prices.lut <= blocks * prices.bram36
    return np.where(in_luts, luts, 0), np.where(in_luts, 0.0, blocks)


def address_bits(rows: Numbers) -> Numbers:
    """Return the bits of a number below ``rows``."""
    return np.ceil(np.log2(np.maximum(rows, 1))).astype(np.int64)


def decoder(row_bits: Numbers, index_bits: int) -> Numbers:
    """Return the LUTs that turn cells into taps: a row of cells shifted by one or two, and the
    index with its step and its wrap."""
    return np.asarray(row_bits) + 3 * index_bits + 15


def picker(words: Numbers, bits: Numbers) -> Numbers:
    """Return the LUTs that pick one of ``words`` words: three words more in each LUT of a bit."""
    return ceil_div(words - 1, 3) * bits


def lanes_multiplexer(lanes: int, bits: int) -> int:
    """Return the LUTs that bring banks of ``bits`` to the lanes that read them, in any rotation."""
    return lanes * bits * (-(-(lanes - 1).bit_length() // 2) + (lanes > 16))


def fifo(depth: int, bits: int) -> Resources:
    """Return one FIFO: shift registers up to 64 deep, block RAM beyond."""
    if depth <= RAM_ROWS:
        luts = int(lut_ram(depth, bits)) if depth > 32 else bits
        return Resources(luts + FIFO_CONTROL, FIFO_CONTROL)
    luts = bits + 5 * depth.bit_length() + BLOCK_FIFO_CONTROL
    return Resources(luts, luts, float(block_ram(depth, bits)))


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
