"""What a layer's stream costs, from its gaps alone: quick enough for a search over foldings."""

from __future__ import annotations

from dataclasses import dataclass

from bitfpga.plan.cells import cells_per_row, choose_symbol_bits, gap_costs, stored_bits
from bitfpga.plan.gaps import gap_counts, split_taps
from bitfpga.plan.taps import Taps


@dataclass(frozen=True)
class StreamCost:
    """What a layer's stream costs before its taps are dealt to PEs.

    ``row_bits``: of a tap row as it is stored. ``bits``: stored cells in whole tap rows.
    ``split_cycles``: cycles of each split, summed over its PEs. ``n_jobs``: outputs with taps,
    counted once in each split.
    """

    symbol_bits: int
    row_bits: int
    bits: int
    n_cells: int
    n_jobs: int
    split_cycles: tuple[int, ...]

    @property
    def cycles(self) -> int:
        """Cycles over all PEs."""
        return sum(self.split_cycles)


def stream_cost(taps: Taps, split_rows: int, row_bits: int) -> StreamCost:
    """Return what the stream of ``taps`` costs with splits of ``split_rows`` rows.

    Cuts between PEs come on top: at most one for each PE, each a gap from a window's start.
    """
    parts = split_taps(taps, split_rows)
    counts = gap_counts(parts)
    symbol_bits, n_cells, _ = choose_symbol_bits(counts.sum(axis=0), row_bits)
    cycles = counts @ gap_costs(counts.shape[1] - 1, symbol_bits)[1]
    width = stored_bits(row_bits, symbol_bits)
    bits = -(-n_cells // cells_per_row(row_bits, symbol_bits)) * width
    n_jobs = len(parts.starts) - 1
    return StreamCost(symbol_bits, width, bits, n_cells, n_jobs, tuple(cycles.tolist()))
