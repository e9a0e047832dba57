"""Orders: every element once, in blocks of pixels, and strides where there are any."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitfpga.plan.orders import (
    Order,
    channels_first,
    channels_last,
    reduced_order,
    same_beats,
    vector_order,
)

SHAPES = st.lists(st.integers(1, 6), min_size=1, max_size=4).map(tuple)
BEATS = st.sampled_from((1, 2, 4, 8))


@st.composite
def orders(draw) -> Order:
    """Draw an order of each kind, of shapes with axes of one element too."""
    shape = draw(SHAPES)
    axes = draw(st.lists(st.integers(0, len(shape) - 1), unique=True, max_size=len(shape)))
    n_lead = draw(st.integers(1, len(shape)))
    kinds = (
        lambda: vector_order(int(np.prod(shape))),
        lambda: channels_first(shape, n_lead),
        lambda: channels_last(shape),
        lambda: reduced_order(shape, tuple(axes)),
    )
    return draw(st.sampled_from(kinds))()


@given(orders(), BEATS)
def test_beats_hold_every_element_once_block_by_block(order: Order, beat_pixels: int) -> None:
    beats, lanes = order.beats(beat_pixels), order.lanes(beat_pixels)
    assert lanes == (1 if order.pixels == 1 else beat_pixels)
    assert beats.shape == (-(-order.pixels // lanes) * order.channels, lanes)
    number = 0
    for block in range(-(-order.pixels // lanes)):
        for channel in range(order.channels):
            for lane in range(lanes):
                pixel = block * lanes + lane
                inside = pixel < order.pixels
                assert beats[number, lane] == (order.index[channel, pixel] if inside else -1)
            number += 1
    places = beats[beats >= 0]
    assert sorted(places.tolist()) == list(range(order.index.size))


@given(orders())
def test_strides_give_the_index_or_there_are_none(order: Order) -> None:
    strides = order.strides
    channel, pixel = np.indices(order.index.shape)
    if strides is not None:
        np.testing.assert_array_equal(channel * strides[0] + pixel * strides[1], order.index)
        return
    steps = [np.unique(np.diff(order.index, axis=axis)) for axis in (0, 1)]
    assert max(map(len, steps)) > 1 or order.index[0, 0] != 0


@given(orders(), orders(), BEATS)
def test_orders_are_alike_where_their_beats_are(one: Order, other: Order, beat_pixels) -> None:
    alike = np.array_equal(one.beats(beat_pixels), other.beats(beat_pixels))
    assert same_beats(one, other, beat_pixels) == alike
    assert same_beats(one, one, beat_pixels)


def test_what_are_channels_and_what_are_pixels() -> None:
    assert channels_first((2, 3)).index.tolist() == [[0, 1, 2], [3, 4, 5]]
    assert channels_first((2, 3, 2), 2).index.shape == (6, 2)
    assert channels_last((2, 3)).index.tolist() == [[0, 3], [1, 4], [2, 5]]
    assert vector_order(3).index.tolist() == [[0], [1], [2]]
    assert reduced_order((2, 3, 2), (0, 2)).index.tolist() == [
        [0, 1, 6, 7],
        [2, 3, 8, 9],
        [4, 5, 10, 11],
    ]
    assert reduced_order((2, 3), (0, 1)).index.shape == (1, 6)


@pytest.mark.parametrize(
    ("order", "strides"),
    [
        (channels_first((2, 3)), (3, 1)),
        (channels_last((2, 3)), (1, 3)),
        (vector_order(4), (1, 0)),
        (channels_first((1, 5)), (0, 1)),
        (reduced_order((2, 3, 2), (0, 2)), None),
        (Order(np.array([[1, 0]])), None),
        (Order(np.array([[0, 1], [3, 2]])), None),
    ],
)
def test_strides(order: Order, strides: tuple[int, int] | None) -> None:
    assert order.strides == strides
