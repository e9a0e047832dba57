"""Reading a stream back: nothing that does not fit together passes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tap_cases import stream_of

from bitfpga.digits import NumberSystem
from bitfpga.plan.decoding import read_stream
from bitfpga.plan.streams import LayerStream


def small_stream() -> LayerStream:
    return stream_of(np.array([[5, -3, 0], [0, 1, 2]], np.int16), n_pes=2, symbol_bits=1)


def changed(stream: LayerStream, name: str, place: tuple[int, ...], step: int) -> LayerStream:
    array = getattr(stream, name).copy()
    array[place] += array.dtype.type(step)
    return replace(stream, **{name: array})


@pytest.mark.parametrize(
    ("name", "place", "message"),
    [
        ("n_cells", (0,), "cells unread"),
        ("job_cycles", (0, 0), "past the last cell"),
        ("pe_cycles", (1,), "PE 1 takes"),
        ("entry_output", (0,), "an entry of output 1 stands at output 0"),
    ],
)
def test_a_stream_that_does_not_fit_together_is_refused(name, place, message) -> None:
    with pytest.raises(ValueError, match=f"index stream: .*{message}"):
        read_stream(changed(small_stream(), name, place, 1), 3)


def test_results_and_outputs_that_are_not_emitted_are_refused() -> None:
    stream = small_stream()
    unread = replace(stream, entry_pe=np.where(stream.entry_slot == 0, -1, stream.entry_pe))
    with pytest.raises(ValueError, match="results without an entry"):
        read_stream(unread, 3)
    short = replace(stream, entry_last=np.zeros_like(stream.entry_last))
    with pytest.raises(ValueError, match=r"output 1 stands at output 0"):
        read_stream(short, 3)
    pruned = stream_of(np.zeros((1, 1), np.int16))
    none = {name: getattr(pruned, name)[:0] for name in vars(pruned) if name.startswith("entry")}
    with pytest.raises(ValueError, match="0 outputs are emitted, not 1"):
        read_stream(replace(pruned, **none), 1)


def test_jobs_that_end_before_their_tap_are_refused() -> None:
    stream = stream_of(np.array([[0, 0, 0, 0, 0, 1]], np.int16), symbol_bits=1)
    assert stream.job_cycles.tolist() == [[2]]
    for cycles, message in [(1, "ends without a tap"), (0, "has no cycle")]:
        with pytest.raises(ValueError, match=message):
            read_stream(replace(stream, job_cycles=np.array([[cycles]])), 6)


def test_rows_past_the_window_are_refused() -> None:
    with pytest.raises(ValueError, match="a tap past row 2"):
        read_stream(stream_of(np.array([[0, 0, 1]], np.int16)), 2)


def test_every_bit_of_the_tap_rows_counts() -> None:
    weight = np.array([[3, -1, 0], [0, 2, 3]], np.int16)
    stream = stream_of(weight, 1, NumberSystem.BINARY, n_pes=2, row_bits=10, symbol_bits=2)
    assert stream.n_null == 0  # the sign of a null tap is free
    for pe, row, bit in np.ndindex(*stream.tap_rows.shape, 10):
        damaged = replace(stream, tap_rows=stream.tap_rows.copy())
        damaged.tap_rows[pe, row] ^= np.uint64(1 << bit)
        try:
            same = (read_stream(damaged, 3) == weight).all()
        except ValueError:
            same = False
        assert not same, f"PE {pe}, row {row}, bit {bit}"
