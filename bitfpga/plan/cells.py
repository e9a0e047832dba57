"""Cells: the code of the gaps between taps, packed into tap rows.

A cell of ``b + 1`` bits is ``symbol << 1 | negate``. With MAX = 2^b - 1 a symbol below MAX is a
tap ``symbol + 1`` places further; symbol MAX is an escape. A cycle takes a tap alone, an escape
and a tap, MAX << negate places further, or two escapes and no tap: 3 MAX << (2 n + m) places,
with n and m the negate bits of the first and the second.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from bitfpga.plan.tap_words import NO_CODE

Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]
Bool = npt.NDArray[np.bool_]
Cells = npt.NDArray[np.uint16]

SYMBOL_BITS = range(1, 13)
MEMORY_ROW_BITS = 64
_PAIR_STEPS = 3
_LONGEST_PAIR = 3
_CYCLE_SLACK = 0.02


def cells_per_row(row_bits: int, symbol_bits: int) -> int:
    """Return the cells of a tap row. ``ValueError`` if not even one fits."""
    if row_bits <= symbol_bits:
        raise ValueError(f"a cell of {symbol_bits + 1} bits does not fit a row of {row_bits} bits")
    return row_bits // (symbol_bits + 1)


def stored_bits(row_bits: int, symbol_bits: int) -> int:
    """Return the bits of a tap row as it is stored: its cells, or a whole word of memory."""
    if row_bits >= MEMORY_ROW_BITS:
        return row_bits
    return cells_per_row(row_bits, symbol_bits) * (symbol_bits + 1)


def gap_costs(largest: int, symbol_bits: int) -> tuple[Int32, Int32]:
    """Return the cells and the cycles of each gap, both int32 [largest + 1]; gap 0 is none.

    Without a code (``NO_CODE``) both are 1: a word a gap.
    """
    if symbol_bits == NO_CODE:
        return np.ones(largest + 1, np.int32), np.ones(largest + 1, np.int32)
    n_pairs, _, single, _ = _escapes(np.arange(largest + 1, dtype=np.int32), symbol_bits)
    return 2 * n_pairs + (single > 0) + 1, n_pairs + 1


def choose_symbol_bits(gap_counts: Int64, row_bits: int) -> tuple[int, int, int]:
    """Return symbol bits, cells and cycles of the smallest code that costs hardly any cycles.

    ``gap_counts``: how often each gap occurs, int64 [largest + 1]. Among the symbol bits whose
    cycles exceed the fewest possible by at most 2 %, those with the fewest stored bits are
    taken; of equals, the fewest symbol bits.
    """
    options = []
    for symbol_bits in SYMBOL_BITS:
        if 2 * (symbol_bits + 1) <= row_bits:
            costs = gap_costs(len(gap_counts) - 1, symbol_bits)
            n_cells, cycles = (int(gap_counts @ cost) for cost in costs)
            n_rows = -(-n_cells // cells_per_row(row_bits, symbol_bits))
            bits = n_rows * stored_bits(row_bits, symbol_bits)
            options.append((bits, symbol_bits, n_cells, cycles))
    fewest = min(cycles for *_, cycles in options)
    good = [option for option in options if option[-1] <= fewest * (1 + _CYCLE_SLACK)]
    _, symbol_bits, n_cells, cycles = min(good)
    return symbol_bits, n_cells, cycles


def encode(gaps: Int32, negate: Bool, symbol_bits: int) -> Cells:
    """Return the cells of ``gaps`` (int32 [n], each at least 1) with their taps' signs."""
    escape = ((1 << symbol_bits) - 1) << 1
    n_pairs, pairs, single, symbol = _escapes(gaps, symbol_bits)
    ends = np.cumsum(2 * n_pairs + (single > 0) + 1, dtype=np.int64) - 1
    cells = np.full(int(ends[-1]) + 1 if len(ends) else 0, escape | 1, np.uint16)
    cells[ends] = symbol << 1 | negate
    ends = ends - (single > 0)
    cells[ends[single == 1]] = escape
    cells[ends[single == 2]] = escape | 1
    for size in range(_LONGEST_PAIR):
        chosen = pairs >> size & 1 > 0
        cells[ends[chosen] - 2] = escape | size >> 1
        cells[ends[chosen] - 1] = escape | size & 1
        ends = ends - 2 * chosen
    return cells


def pack(cells: Cells, n_cells: Int64, symbol_bits: int, row_bits: int) -> npt.NDArray[np.uint64]:
    """Return the tap rows, uint64 [n_pes, n_tap_rows], of the cells of one PE after another.

    ``n_cells``: cells of each PE, int64 [n_pes]. The first cell lies in a row's lowest bits; what
    is left of a row and of the shorter PEs is 0. There is at least one row.
    """
    per_row = cells_per_row(row_bits, symbol_bits)
    n_rows = max(1, -(-int(n_cells.max(initial=0)) // per_row))
    padded = np.zeros((len(n_cells), n_rows * per_row), np.uint16)
    first = 0
    for pe, count in enumerate(n_cells.tolist()):
        padded[pe, :count] = cells[first : first + count]
        first += count
    rows = np.zeros((len(n_cells), n_rows), np.uint64)
    for place in range(per_row):
        shift = np.uint64(place * (symbol_bits + 1))
        rows |= padded[:, place::per_row].astype(np.uint64) << shift
    return rows


def _escapes(gaps: Int32, symbol_bits: int) -> tuple[Int32, Int32, Int32, Int32]:
    """Return the pairs of escapes before each gap's tap, their sizes, the single one, the symbol.

    Bits 0 to 2 of the sizes stand for one pair each; all others are of the longest size. The
    single escape, in the tap's cycle, is 0 (none) or the places it steps, in units of MAX.
    """
    n_steps, symbol = np.divmod(gaps - 1, np.int32((1 << symbol_bits) - 1))
    pairs, single = np.divmod(np.maximum(n_steps, 0), np.int32(_PAIR_STEPS))
    small = pairs & ((1 << _LONGEST_PAIR) - 1)
    n_pairs = (pairs >> _LONGEST_PAIR) + np.bitwise_count(small).astype(np.int32)
    return n_pairs, small, single, symbol
