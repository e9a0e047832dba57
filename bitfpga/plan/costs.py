"""What a layer's stream costs, from its gaps alone: quick enough for a search over foldings."""

from __future__ import annotations

from dataclasses import dataclass

from bitfpga.plan.cells import cells_per_row, choose_symbol_bits, gap_costs, stored_bits
from bitfpga.plan.facts import ArrayFacts
from bitfpga.plan.gaps import gap_counts, split_taps
from bitfpga.plan.resources import ROW_BITS, ceil_div
from bitfpga.plan.tap_words import NO_CODE, word_bits
from bitfpga.plan.taps import Taps

SPLITS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32)
MANY_TAPS, TOO_MANY_TAPS = 400_000, 4_000_000


@dataclass(frozen=True)
class StreamCost:
    """What a layer's stream costs before its taps are dealt to PEs.

    ``split_rows``, ``span``: rows of a split and of a job. ``row_bits``: of a tap row as it is
    stored. ``bits``: stored cells in whole tap rows. ``split_cycles``: cycles of each split, summed
    over its PEs. ``n_jobs``: outputs with taps, counted once in each split.
    """

    split_rows: int
    span: int
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


def stream_costs(taps: Taps, split_rows: int, row_bits: int) -> tuple[StreamCost, StreamCost]:
    """Return what the stream of ``taps`` costs with splits of ``split_rows`` rows: cells, words.

    Cuts between PEs come on top: at most one for each PE, each a gap from a window's start.
    """
    parts = split_taps(taps, split_rows)
    counts = gap_counts(parts)
    n_jobs = len(parts.starts) - 1
    symbol_bits, n_cells, _ = choose_symbol_bits(counts.sum(axis=0), row_bits)
    cycles = counts @ gap_costs(counts.shape[1] - 1, symbol_bits)[1]
    stored = stored_bits(row_bits, symbol_bits)
    bits = -(-n_cells // cells_per_row(row_bits, symbol_bits)) * stored
    shape = split_rows, parts.span
    cells = (*shape, symbol_bits, stored, bits, n_cells, n_jobs, tuple(cycles.tolist()))
    n_words, word = counts.sum(axis=1), word_bits(parts.span)
    total = int(n_words.sum())
    words = (*shape, NO_CODE, word, total * word, total, n_jobs, tuple(n_words.tolist()))
    return StreamCost(*cells), StreamCost(*words)


def split_costs(facts: ArrayFacts, source: str) -> list[StreamCost]:
    """Return what each choice of rows a split costs, in cells and, on chip, in tap words.

    There are few choices where taps are many, and no words of more bits than a row may have.
    """
    found = []
    for rows in _split_choices(facts):
        cells, words = stream_costs(facts.taps, rows, ROW_BITS[source])
        found.append(cells)
        if source == "rom" and words.row_bits <= ROW_BITS[source]:
            found.append(words)
    return found


def _split_choices(facts: ArrayFacts) -> list[int]:
    """Return the rows of a split to choose from."""
    taps = facts.taps
    unit = taps.rows_per_group if taps.n_groups > 1 else facts.step.inputs[0].lanes
    if facts.window is not None and taps.n_groups == 1:
        unit = 1
    few: tuple[int, ...] = SPLITS
    if len(taps) > MANY_TAPS:
        few = (1, ceil_div(2 * taps.n_rows, 500))
    few = few[: 1 if len(taps) > TOO_MANY_TAPS else None]
    rows = [
        ceil_div(ceil_div(taps.n_rows, unit), n_splits) * unit
        for n_splits in few
        if n_splits <= max(1, taps.n_rows)
    ]
    return list(dict.fromkeys(rows))
