"""Index streams: what the words say is the weights, in no more words than they need."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from bitfpga.digits import NumberSystem, to_digits
from bitfpga.paths import include_dir
from bitfpga.plan import LayerStream, read_stream
from bitfpga.plan.streams import build_stream, stream_lengths
from bitfpga.plan.words import INDEX_SHIFT, LAST, NEGATE, SHIFT, used_bits, word_bits

SYSTEMS = st.sampled_from(list(NumberSystem))
VALUES = st.integers(-256, 255) | st.sampled_from((0, 0, 1, -1, 128, -128, -256, 255, 85, 129))


@st.composite
def matrices(draw) -> np.ndarray:
    """Draw weights int16 [1..6, 1..7], often with zero rows and columns."""
    shape = draw(st.tuples(st.integers(1, 6), st.integers(1, 7)))
    weight = draw(hnp.arrays(np.int16, shape, elements=VALUES))
    weight[draw(st.lists(st.integers(0, shape[0] - 1), max_size=2))] = 0
    weight[:, draw(st.lists(st.integers(0, shape[1] - 1), max_size=2))] = 0
    return weight


def column(*values: int) -> np.ndarray:
    return np.array(values, np.int16)[:, None]


def words_of(weight: np.ndarray, system: NumberSystem = NumberSystem.CSD) -> list[int]:
    """Return the words of a layer on one PE."""
    stream = build_stream(weight, system, 1, 16)
    return stream.words[0, : stream.lengths[0]].tolist()


def word(index: int, flags: int = 0) -> int:
    return index << 3 | flags


@given(matrices(), SYSTEMS, st.integers(1, 4), st.sampled_from((16, 32)))
@example(np.array([[0]], np.int16), NumberSystem.CSD, 1, 16)
@example(np.array([[-256]], np.int16), NumberSystem.BINARY, 1, 16)
@example(np.array([[255, 0, -128], [0, 0, 0]], np.int16), NumberSystem.BINARY, 2, 16)
def test_the_words_decode_to_the_weights(weight, system, n_pes, bits) -> None:
    n_pes = min(n_pes, max(1, int(weight.any(axis=1).sum())))
    stream = build_stream(weight, system, n_pes, bits)
    assert stream.words.dtype == np.dtype(f"uint{bits}")
    np.testing.assert_array_equal(read_stream(stream, weight.shape[1]), weight)


@given(matrices(), SYSTEMS, st.integers(1, 4))
def test_every_word_is_a_tap_or_a_needed_shift(weight, system, n_pes) -> None:
    digits = to_digits(weight, system)
    stream = build_stream(weight, system, n_pes, 16)
    lengths = stream_lengths(digits)
    assert int(stream.lengths.sum()) == int(lengths.sum())
    n_taps = n_shifts = 0
    for pe, length in enumerate(stream.lengths):
        words = stream.words[pe, :length]
        empty = words >> INDEX_SHIFT == weight.shape[1]
        assert set(words[empty].tolist()) <= {word(weight.shape[1], SHIFT)}
        n_taps += int((~empty).sum())
        n_shifts += int(empty.sum())
        assert (stream.words[pe, length:] == word(weight.shape[1])).all()
    assert n_taps == digits.count
    assert n_shifts == sum(inner_empty_planes(row) for row in digits.positive | digits.negative)


def inner_empty_planes(row: np.ndarray) -> int:
    """Return the empty planes between the highest and the lowest used plane of one output."""
    used = [plane for plane in range(16) if (row >> plane & 1).any()]
    return used[-1] - used[0] + 1 - len(used) if used else 0


@given(matrices(), SYSTEMS, st.integers(1, 4))
def test_each_output_appears_once_and_pruned_ones_last(weight, system, n_pes) -> None:
    stream = build_stream(weight, system, n_pes, 16)
    live = int(weight.any(axis=1).sum())
    assert sorted(stream.order.tolist()) == list(range(len(weight)))
    assert int(stream.slots.sum()) == live
    assert not weight[stream.order[live:]].any()
    ended = [
        int((stream.words[pe, :length] & LAST).astype(bool).sum())
        for pe, length in enumerate(stream.lengths)
    ]
    assert ended == stream.slots.tolist()


@pytest.mark.parametrize("system", list(NumberSystem))
def test_outer_empty_planes_cost_no_word(system: NumberSystem) -> None:
    assert words_of(column(1), system) == [word(0, LAST)]
    assert words_of(column(-128), system) == [word(0, NEGATE | LAST)]
    stream = build_stream(column(-128, 1, 0, 4), system, 1, 16)
    assert stream.order.tolist() == [0, 1, 3, 2]
    assert stream.trailing.tolist() == [7, 0, 2, 0]


def test_an_inner_empty_plane_costs_one_word_that_shifts() -> None:
    shift_only = word(1, SHIFT)
    assert words_of(column(5)) == [word(0), shift_only, word(0, SHIFT | LAST)]
    assert words_of(column(17)) == [word(0), *[shift_only] * 3, word(0, SHIFT | LAST)]
    assert words_of(column(3), NumberSystem.BINARY) == [word(0), word(0, SHIFT | LAST)]


def test_a_plane_adds_first_then_subtracts_by_rising_input() -> None:
    weight = np.array([[-1, 1, 0, -1, 1]], np.int16)
    taps = [word(1), word(4), word(0, NEGATE), word(3, NEGATE | LAST)]
    assert words_of(weight) == taps


def test_a_layer_without_taps_has_no_words() -> None:
    stream = build_stream(np.zeros((3, 2), np.int16), NumberSystem.CSD, 0, 16)
    assert stream.words.size == 0
    assert stream.order.tolist() == [0, 1, 2]
    assert not read_stream(stream, 2).any()


def test_a_stream_longer_than_one_chunk(monkeypatch: pytest.MonkeyPatch) -> None:
    weight = np.random.default_rng(0).integers(-256, 256, (23, 5)).astype(np.int16)
    whole = build_stream(weight, NumberSystem.CSD, 3, 16)
    monkeypatch.setattr("bitfpga.plan.streams._CHUNK_ELEMENTS", 11)
    pieces = build_stream(weight, NumberSystem.CSD, 3, 16)
    assert fields(whole) == fields(pieces)


def fields(stream: LayerStream) -> list[list[int]]:
    return [getattr(stream, name).tolist() for name in LayerStream.__dataclass_fields__]


@pytest.mark.parametrize(("n_inputs", "bits"), [(1, 16), (8191, 16), (8192, 32), (1 << 20, 32)])
def test_a_word_holds_every_index_up_to_the_zero_row(n_inputs: int, bits: int) -> None:
    assert word_bits(n_inputs) == bits
    assert used_bits(n_inputs) == word(n_inputs, NEGATE | SHIFT | LAST).bit_length() <= bits


def test_the_hardware_reads_the_same_word() -> None:
    text = (include_dir() / "bitfpga" / "tap_word.hpp").read_text("utf-8")
    masks = dict(re.findall(r"bool (\w+)\(\) const { return \(bits & (\d+)U\) != 0; }", text))
    assert {name: int(mask) for name, mask in masks.items()} == {
        "negate": NEGATE,
        "shift": SHIFT,
        "last": LAST,
    }
    assert f"static_cast<unsigned>(bits >> {INDEX_SHIFT})" in text
