"""Reading an index stream back, cell by cell as a PE does: the proof that it holds the weights."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from bitfpga.plan.streams import LayerStream
from bitfpga.plan.tap_words import NO_CODE, WORD_FLAGS, word_bits

Int64 = npt.NDArray[np.int64]


def read_stream(stream: LayerStream, n_rows: int) -> Int64:
    """Return the weights, int64 [n_outputs, n_rows], that a stream's cells and entries describe.

    Rows are those of the whole window. ``ValueError`` where a job's cycles, cells, rows or
    entries do not fit together.
    """
    results = [_walk(stream, pe) for pe in range(len(stream.n_cells))]
    weight = np.zeros((len(stream.trailing), n_rows), np.int64)
    lists = zip(
        stream.entry_output.tolist(),
        stream.entry_pe.tolist(),
        stream.entry_slot.tolist(),
        stream.entry_shift.tolist(),
        stream.entry_last.tolist(),
        strict=True,
    )
    channel = 0
    for output, pe, slot, shift, last in lists:
        _check(output == channel, f"an entry of output {output} stands at output {channel}")
        if pe >= 0:
            base = int(stream.pe_split[pe]) * stream.split_rows + int(stream.job_base[pe, slot])
            rows = weight[output, base : base + stream.span]
            result = results[pe].pop(slot)
            _check(not result[len(rows) :].any(), f"PE {pe}, job {slot}: a tap past row {n_rows}")
            rows += result[: len(rows)] << shift
        channel += last
    _check(channel == len(weight), f"{channel} outputs are emitted, not {len(weight)}")
    _check(not any(results), "there are results without an entry")
    return weight << stream.trailing[:, None]


def _walk(stream: LayerStream, pe: int) -> dict[int, Int64]:
    """Return what each job of a PE adds up, as factors of its rows, int64 [span] per slot."""
    cells = _cells(stream, pe)
    results: dict[int, Int64] = {}
    total = 0
    for slot in range(int(stream.n_jobs[pe])):
        n_cycles = int(stream.job_cycles[pe, slot])
        _check(n_cycles > 0, f"PE {pe}, job {slot} has no cycle")
        results[slot] = _walk_job(cells, n_cycles, stream)
        total += n_cycles
    _check(total == stream.pe_cycles[pe], f"PE {pe} takes {total} cycles")
    _check(next(cells, None) is None, f"PE {pe} leaves cells unread")
    return results


def _walk_job(cells: Iterator[int], n_cycles: int, stream: LayerStream) -> Int64:
    """Return one job's result, int64 [span], reading its cells or words."""
    span = stream.span
    factors = np.zeros(span + 1, np.int64)
    steps = _word_steps if stream.symbol_bits == NO_CODE else _cell_steps
    for index, shift, factor in steps(cells, n_cycles, stream):
        _check(0 <= index <= span, "a step passes a whole plane")
        factors *= 1 + shift
        factors[index] += factor
    return factors[:span]


def _word_steps(
    words: Iterator[int], n_cycles: int, stream: LayerStream
) -> Iterator[tuple[int, int, int]]:
    """Yield row, whether the sum is doubled first, and the row's factor, of each word of a job."""
    for _ in range(n_cycles):
        word = next(words, None)
        if word is None:
            raise ValueError("index stream: a job reads past the last word")
        yield stream.span - (word >> WORD_FLAGS), word >> 1 & 1, -1 if word & 1 else 1


def _cell_steps(
    cells: Iterator[int], n_cycles: int, stream: LayerStream
) -> Iterator[tuple[int, int, int]]:
    """Yield the same of each cycle of a job of cells; the factor is 0 where there is no tap."""
    most, plane = (1 << stream.symbol_bits) - 1, stream.span + 1
    index, is_tap = -1, False
    for _ in range(n_cycles):
        advance, far = 0, 0
        negate, symbol = _fields(cells)
        if symbol == most:
            far = negate
            advance = most << far
            negate, symbol = _fields(cells)
        is_tap = symbol != most
        if is_tap:
            advance += symbol + 1
        else:
            advance = 3 * most << (2 * far + negate)
        index += advance
        shift = index >= plane
        index -= plane * shift
        yield index, int(shift), (-1 if negate else 1) if is_tap else 0
    _check(is_tap, "a job ends without a tap")


def _fields(cells: Iterator[int]) -> tuple[int, int]:
    cell = next(cells, None)
    if cell is None:
        raise ValueError("index stream: a job reads past the last cell")
    return cell & 1, cell >> 1


def _cells(stream: LayerStream, pe: int) -> Iterator[int]:
    """Yield the cells or words of a PE; ``ValueError`` if anything stands after them."""
    coded = stream.symbol_bits != NO_CODE
    width = stream.symbol_bits + 1 if coded else word_bits(stream.span)
    per_row, mask = stream.cells_per_row, (1 << width) - 1
    left = int(stream.n_cells[pe])
    for row in stream.tap_rows[pe].tolist():
        for _ in range(min(per_row, left)):
            yield row & mask
            row >>= width
        left -= min(per_row, left)
        _check(row == 0, f"PE {pe}: bits that are no cell")


def _check(good: bool, problem: str) -> None:
    if not good:
        raise ValueError(f"index stream: {problem}")
