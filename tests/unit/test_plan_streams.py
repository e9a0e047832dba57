"""Index streams: what the cells say is the weights, evenly dealt, in few bits."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tap_cases import SYSTEMS, grouped_weights, random_weight, stream_of, whole_window

from bitfpga.digits import NumberSystem, to_digits
from bitfpga.plan.cells import stored_bits
from bitfpga.plan.decoding import read_stream
from bitfpga.plan.streams import bits_per_tap
from bitfpga.plan.tap_words import NO_CODE, word_bits
from bitfpga.plan.taps import layer_taps, tap_entropy

ALL_MAX = np.full((5, 7), 256, np.int16)


def column(*values: int) -> np.ndarray:
    return np.array(values, np.int16)[:, None]


@given(
    grouped_weights(),
    SYSTEMS,
    st.integers(1, 20),
    st.integers(0, 20),
    st.sampled_from((36, 64)),
    st.none() | st.integers(NO_CODE, 12),
)
@example((column(0), 1), NumberSystem.CSD, 1, 0, 36, None)
@example((np.zeros((3, 2), np.int16), 3), NumberSystem.CSD, 2, 4, 36, NO_CODE)
@example((ALL_MAX, 5), NumberSystem.CSD, 14, 9, 36, NO_CODE)
@example((-ALL_MAX, 1), NumberSystem.BINARY, 7, 8, 36, NO_CODE)
@example((column(-256), 1), NumberSystem.BINARY, 1, 2, 36, None)
@example((np.zeros((3, 2), np.int16), 3), NumberSystem.CSD, 2, 4, 64, None)
@example((ALL_MAX, 5), NumberSystem.CSD, 14, 9, 64, 1)
@example((-ALL_MAX, 1), NumberSystem.BINARY, 7, 8, 36, None)
def test_the_cells_and_words_decode_to_the_weights(
    drawn, system, split_rows, spare, row_bits, symbol_bits
) -> None:
    weight, n_groups = drawn
    taps = layer_taps(weight, n_groups, system)
    n_live = len(np.unique(taps.row // split_rows))
    n_pes = max(1, n_live) + spare
    stream = stream_of(weight, n_groups, system, split_rows, n_pes, row_bits, symbol_bits)
    whole = whole_window(weight, n_groups)
    np.testing.assert_array_equal(read_stream(stream, taps.n_rows), whole)
    assert symbol_bits in (None, stream.symbol_bits)
    assert len(stream.n_cells) == n_pes
    if symbol_bits == NO_CODE:
        assert stream.row_bits == word_bits(stream.span)
        assert stream.n_cells.tolist() == stream.pe_cycles.tolist()
    else:
        assert stream.row_bits == stored_bits(row_bits, stream.symbol_bits)
    assert stream.n_taps == len(taps) == to_digits(weight, system).count
    assert stream.pe_cycles.tolist() == stream.job_cycles.sum(axis=1).tolist()
    assert stream.n_taps + stream.n_null == stream.pe_cycles.sum()


@given(grouped_weights(), SYSTEMS, st.integers(1, 20), st.integers(0, 9))
def test_the_emission_list_takes_every_result_once(drawn, system, split_rows, spare) -> None:
    weight, n_groups = drawn
    n_splits = -(-weight.shape[1] * n_groups // split_rows)
    stream = stream_of(weight, n_groups, system, split_rows, n_splits + spare)
    assert stream.entry_output.tolist() == sorted(stream.entry_output.tolist())
    assert stream.entry_output[stream.entry_last].tolist() == list(range(len(weight)))
    taken = zip(stream.entry_pe.tolist(), stream.entry_slot.tolist(), strict=True)
    jobs = [(pe, slot) for pe, count in enumerate(stream.n_jobs) for slot in range(count)]
    assert sorted(pair for pair in taken if pair[0] >= 0) == jobs
    pruned = stream.entry_output[stream.entry_pe < 0]
    assert pruned.tolist() == np.flatnonzero(~weight.any(axis=1)).tolist()
    assert stream.entry_shift.min() >= 0
    lowest = np.full(len(weight), 99)
    np.minimum.at(lowest, stream.entry_output, stream.entry_shift)
    assert not lowest.any()


@given(grouped_weights(), SYSTEMS)
def test_only_inner_empty_planes_cost_a_null_tap(drawn, system) -> None:
    weight, n_groups = drawn
    stream = stream_of(weight, n_groups, system, symbol_bits=12)
    digits = to_digits(weight, system)
    used = np.bitwise_or.reduce(digits.positive | digits.negative, axis=1)
    assert stream.n_null == sum(bin(row).rstrip("0").count("0") - 1 for row in used if row)
    assert stream.n_cells.sum() == stream.n_taps + stream.n_null


@pytest.mark.parametrize("system", list(NumberSystem))
def test_outer_empty_planes_cost_nothing(system: NumberSystem) -> None:
    stream = stream_of(column(-128, 1, 0, 4), system=system)
    assert stream.trailing.tolist() == [7, 0, 0, 2]
    assert stream.entry_shift.tolist() == [0, 0, 0, 0]
    assert (stream.n_taps, stream.n_null) == (3, 0)
    assert stream.job_cycles.tolist() == [[1, 1, 1]]


def test_cells_by_hand() -> None:
    # Plane 1: -row 0. Plane 0: -row 1, +row 3; then a new job: plane 0: +row 2.
    stream = stream_of(np.array([[-2, -1, 0, 1], [0, 0, 1, 0]], np.int16), symbol_bits=3)
    cells = [0 << 1 | 1, 5 << 1 | 1, 1 << 1, 2 << 1]
    assert stream.tap_rows.tolist() == [[sum(cell << 4 * i for i, cell in enumerate(cells))]]
    assert stream.job_cycles.tolist() == [[3, 1]]


def test_words_by_hand() -> None:
    # The same taps; the second output of the first PE has a plane without a tap between two.
    weight = np.array([[-2, -1, 0, 1], [0, 0, 1, 0], [4, 0, 0, -1]], np.int16)
    stream = stream_of(weight, symbol_bits=NO_CODE)
    assert (stream.row_bits, stream.cells_per_row, stream.n_null) == (5, 1, 1)
    back, shift = 1 << 2, 1 << 1
    longest = [4 * back, shift, shift | 1 * back | 1]
    three = [4 * back | 1, shift | 3 * back | 1, 1 * back]
    words = stream.tap_rows[0].tolist()
    assert sorted([words[:3], words[3:6]]) == sorted([longest, three])
    assert words[6:] == [2 * back]


def test_a_word_that_does_not_fit_its_row_is_refused() -> None:
    with pytest.raises(ValueError, match="a tap word of 11 bits does not fit 10 bits"):
        stream_of(np.ones((2, 256), np.int16), row_bits=10, symbol_bits=NO_CODE)


def test_an_output_cut_into_parts_counts_their_planes() -> None:
    stream = stream_of(np.array([[4, 4, 1, 1]], np.int16), n_pes=2, symbol_bits=4)
    assert stream.job_cycles.tolist() == [[2], [2]]
    assert stream.entry_pe.tolist() == [0, 1]
    assert stream.entry_shift.tolist() == [2, 0]
    assert stream.entry_last.tolist() == [False, True]
    assert stream.n_null == 0


def test_the_base_of_a_job_is_its_group_in_the_split() -> None:
    weight = np.ones((4, 3), np.int16)
    stream = stream_of(weight, n_groups=4, split_rows=6, n_pes=2)
    assert (stream.span, stream.n_splits, stream.split_rows) == (3, 2, 6)
    assert stream.job_base.tolist() == [[0, 3], [0, 3]]
    assert stream.pe_split.tolist() == [0, 1]
    assert stream_of(weight, n_groups=4, split_rows=1, n_pes=12).job_base.tolist() == [[0]] * 12


@pytest.mark.parametrize("n_pes", [1, 3])
def test_a_layer_without_taps_has_no_cells(n_pes: int) -> None:
    stream = stream_of(np.zeros((3, 2), np.int16), split_rows=1, n_pes=n_pes)
    assert stream.tap_rows.tolist() == [[0]] * n_pes
    assert stream.job_cycles.tolist() == [[0]] * n_pes
    assert stream.entry_pe.tolist() == [-1] * 3
    assert bits_per_tap(stream) == 0
    assert not read_stream(stream, 2).any()


def test_more_pes_than_taps_leave_pes_without_jobs() -> None:
    stream = stream_of(column(5, 1), n_pes=7)
    assert sorted(stream.n_jobs.tolist()) == [0, 0, 0, 0, 1, 1, 1]
    np.testing.assert_array_equal(read_stream(stream, 1), column(5, 1))


def test_fewer_pes_than_splits_with_taps_are_refused() -> None:
    with pytest.raises(ValueError, match="2 PEs for 3 parts"):
        stream_of(np.ones((1, 3), np.int16), split_rows=1, n_pes=2)


@pytest.mark.parametrize("n_pes", [1, 2, 7, 16, 33, 100, 160])
@pytest.mark.parametrize("shape", [(1, 4608), (3, 900), (24, 144), (100, 40)])
def test_pes_of_a_hundred_taps_are_filled_within_five_percent(
    shape: tuple[int, int], n_pes: int
) -> None:
    weight = random_weight(shape, 25, seed=n_pes)
    weight[: len(weight) // 3] //= 16
    stream = stream_of(weight, n_pes=n_pes)
    if stream.n_taps >= 100 * n_pes:
        assert stream.pe_cycles.max() <= 1.05 * stream.pe_cycles.mean()
    np.testing.assert_array_equal(read_stream(stream, shape[1]), weight)


@pytest.mark.parametrize("row_bits", [36, 64])
@pytest.mark.parametrize("shape", [(64, 576), (32, 288), (16, 144)])
def test_a_chosen_code_costs_hardly_a_cycle_and_few_bits(shape, row_bits: int) -> None:
    weight = random_weight(shape, 25)
    weight[np.random.default_rng(0).random(shape) < 0.6] = 0
    stream = stream_of(weight, row_bits=row_bits)
    least = stream_of(weight, row_bits=row_bits, symbol_bits=12)
    assert stream.pe_cycles.sum() <= 1.025 * least.pe_cycles.sum()
    entropy = tap_entropy(layer_taps(weight, 1, NumberSystem.CSD))
    assert entropy < bits_per_tap(stream, job_table=False) < 1.4 * entropy


def test_a_code_is_chosen_again_where_cuts_make_long_gaps() -> None:
    weight = random_weight((1, 4608), 100)
    whole, cut = (stream_of(weight, n_pes=n_pes) for n_pes in (1, 64))
    assert cut.symbol_bits > whole.symbol_bits
    assert cut.pe_cycles.sum() <= 1.025 * whole.pe_cycles.sum()


def test_the_bits_of_a_tap_count_padding_and_the_job_table() -> None:
    weight = np.array([[1, 1, 1], [1, 1, 1]], np.int16)
    stream = stream_of(weight, n_groups=2, symbol_bits=2)
    assert bits_per_tap(stream, job_table=False) == 36 / 6
    assert bits_per_tap(stream) == (36 + 2 * (2 + 2)) / 6
