"""Index streams: the taps of an array layer as the cells or words that its PEs walk through.

Per job: planes from the highest to the lowest used (Horner), in a plane by rising index. An empty
plane between two used ones is one null tap, which reads zero; planes above and below cost nothing.
No two jobs of a layer end in one cycle: null taps make jobs wait (``plan.staggering``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from bitfpga.plan.cells import choose_symbol_bits, encode, gap_costs, pack, stored_bits
from bitfpga.plan.gaps import SplitTaps, gap_counts, split_taps
from bitfpga.plan.jobs import Jobs, deal_jobs
from bitfpga.plan.tap_words import NO_CODE, pack_words, tap_words, word_bits
from bitfpga.plan.taps import Taps
from bitfpga.plan.walks import Walk, staggered, sums_of, walk_of

Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]
Bool = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class LayerStream:
    """One layer's taps on its PEs, and how the results of their jobs add up.

    Cells of ``symbol_bits`` + 1 bits lie in ``tap_rows``, uint64 [n_pes, n_tap_rows], each of
    ``row_bits``; ``n_cells`` of each PE. With ``symbol_bits`` ``NO_CODE`` a row is a tap word.
    ``pe_split``, ``pe_cycles``, ``n_jobs``: split, cycles and jobs of each PE. ``job_base``,
    ``job_cycles``: [n_pes, n_slots], 0 past a PE's jobs; a job reads rows from base on in its
    split, ``span`` of them, and its result has its slot's number.
    The emission list (``entry_...``, in channel order) says which results, shifted left by
    ``entry_shift``, are summed for each output; ``entry_pe`` is -1 where there is none, and
    ``entry_last`` (bool) ends an output. Output o is its sum times 2^trailing[o].
    ``n_taps``: digits; ``n_null``: cycles without one. Integers are int64.
    """

    symbol_bits: int
    row_bits: int
    span: int
    n_splits: int
    split_rows: int
    tap_rows: npt.NDArray[np.uint64]
    n_cells: Int64
    pe_split: Int64
    pe_cycles: Int64
    n_jobs: Int64
    job_base: Int64
    job_cycles: Int64
    entry_output: Int64
    entry_pe: Int64
    entry_slot: Int64
    entry_shift: Int64
    entry_last: Bool
    trailing: Int64
    n_taps: int
    n_null: int

    @property
    def cells_per_row(self) -> int:
        """Cells, or words, of a tap row."""
        return 1 if self.symbol_bits == NO_CODE else self.row_bits // (self.symbol_bits + 1)

    @property
    def skew(self) -> int:
        """Cycles after the first PE in which the last one starts a tile; each starts one later."""
        return len(self.pe_split) - 1

    @property
    def job_ends(self) -> Int64:
        """Cycle in which each job ends, int64 [n_pes, n_slots]; -1 past a PE's jobs.

        Counted from the cycle of the last PE's first step; no two are equal.
        """
        n_pes, n_slots = self.job_cycles.shape
        ends = np.cumsum(self.job_cycles, axis=1) - 1 + np.arange(n_pes)[:, None] - self.skew
        return np.where(np.arange(n_slots) < self.n_jobs[:, None], ends, -1)

    @property
    def arrivals(self) -> Int64:
        """Number of each job's result among all by the cycle it ends in, like ``job_ends``."""
        ends = self.job_ends
        order = np.argsort(np.where(ends < 0, np.iinfo(np.int64).max, ends), axis=None)
        arrival = np.empty(ends.size, np.int64)
        arrival[order] = np.arange(ends.size)
        return np.where(ends < 0, -1, arrival.reshape(ends.shape))


def build_stream(
    taps: Taps, *, split_rows: int, n_pes: int, row_bits: int, symbol_bits: int | None = None
) -> LayerStream:
    """Return the stream of ``taps`` on ``n_pes`` PEs, with splits of ``split_rows`` rows.

    ``symbol_bits`` None: what ``choose_symbol_bits`` finds; ``NO_CODE``: tap words. ``ValueError``
    if there are fewer PEs than splits with taps, or a cell or word does not fit ``row_bits``.
    """
    parts = split_taps(taps, split_rows)
    jobs, walk, bits = _deal(parts, n_pes, row_bits, symbol_bits)
    cell_cost, cycle_cost = gap_costs(2 * parts.span + 1, bits)
    jobs, walk = staggered(parts, jobs, walk, cycle_cost)
    job_cycles = sums_of(cycle_cost[walk.gaps], walk.bounds)
    n_cells = sums_of(sums_of(cell_cost[walk.gaps], walk.bounds), jobs.pe_bounds)
    pe_cycles = sums_of(job_cycles, jobs.pe_bounds)
    stored, tap_rows = _rows(walk, n_cells, parts.span, bits, row_bits)
    return LayerStream(
        symbol_bits=bits,
        row_bits=stored,
        span=parts.span,
        n_splits=parts.n_splits,
        split_rows=split_rows,
        tap_rows=tap_rows,
        n_cells=n_cells,
        pe_split=jobs.pe_split,
        pe_cycles=pe_cycles,
        n_jobs=np.diff(jobs.pe_bounds),
        job_base=_table(parts.base[jobs.first], jobs),
        job_cycles=_table(job_cycles, jobs),
        **_emission(parts, jobs, taps.trailing),
        trailing=taps.trailing,
        n_taps=len(taps),
        n_null=int(pe_cycles.sum()) - len(taps),
    )


def bits_per_tap(stream: LayerStream, job_table: bool = True) -> float:
    """Return the stored bits per tap, padding of rows included; 0 without taps.

    With ``job_table`` also base and cycles of every job, each as wide as the layer's largest.
    """
    bits = stream.tap_rows.size * stream.row_bits
    if job_table:
        largest = int(stream.job_base.max(initial=0)), int(stream.job_cycles.max(initial=0))
        bits += stream.job_base.size * sum(value.bit_length() for value in largest)
    return bits / stream.n_taps if stream.n_taps else 0.0


def _deal(
    parts: SplitTaps, n_pes: int, row_bits: int, symbol_bits: int | None
) -> tuple[Jobs, Walk, int]:
    """Return the jobs, their gaps and the symbol bits, chosen again if cuts changed the gaps."""
    bits = symbol_bits
    if bits is None:
        bits = choose_symbol_bits(gap_counts(parts).sum(axis=0), row_bits)[0]
    jobs = deal_jobs(parts, n_pes, bits)
    walk = walk_of(parts, jobs)
    if symbol_bits is None and len(jobs.first) >= len(parts.starts):
        counts = np.bincount(walk.gaps, minlength=2 * parts.span + 2)
        again = choose_symbol_bits(counts, row_bits)[0]
        if again != bits:
            return _deal(parts, n_pes, row_bits, again)
    return jobs, walk, bits


def _rows(
    walk: Walk, n_cells: Int64, span: int, symbol_bits: int, row_bits: int
) -> tuple[int, npt.NDArray[np.uint64]]:
    """Return the bits of a stored row, and the rows of all PEs."""
    if symbol_bits != NO_CODE:
        cells = encode(walk.gaps, walk.negate, symbol_bits)
        rows = pack(cells, n_cells, symbol_bits, row_bits)
        return stored_bits(row_bits, symbol_bits), rows
    if word_bits(span) > row_bits:
        raise ValueError(f"a tap word of {word_bits(span)} bits does not fit {row_bits} bits")
    words = tap_words(walk.gaps, walk.negate, walk.bounds, span)
    return word_bits(span), pack_words(words, n_cells)


def _table(values: npt.NDArray[np.signedinteger[Any]], jobs: Jobs) -> Int64:
    """Return the jobs' ``values`` as int64 [n_pes, n_slots], padded with 0."""
    slot = jobs.slot
    table = np.zeros((len(jobs.pe_split), int(slot.max(initial=0)) + 1), np.int64)
    table[jobs.pe, slot] = values
    return table


def _emission(parts: SplitTaps, jobs: Jobs, trailing: Int64) -> dict[str, Any]:
    """Return the emission list: each output's results by PE, so by split and then by tap."""
    output = parts.output[jobs.first].astype(np.int64)
    shift = parts.plane[jobs.end - 1] - trailing[output]
    pruned = np.setdiff1d(np.arange(len(trailing)), output)
    none = np.zeros(len(pruned), np.int64)
    outputs = np.concatenate([output, pruned])
    by_channel = np.argsort(outputs, kind="stable")
    outputs = outputs[by_channel]
    return {
        "entry_output": outputs,
        "entry_pe": np.concatenate([jobs.pe, none - 1])[by_channel],
        "entry_slot": np.concatenate([jobs.slot, none])[by_channel],
        "entry_shift": np.concatenate([shift, none])[by_channel],
        "entry_last": np.diff(outputs, append=-1) != 0,
    }
