"""Taps: every digit of every weight once, in the order that a PE walks."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tap_cases import SYSTEMS, grouped_weights, random_weight, whole_window

from bitfpga.digits import NumberSystem, to_digits
from bitfpga.plan.taps import Taps, layer_taps, tap_entropy


def summed(taps: Taps) -> np.ndarray:
    """Return the weights that taps add up to, int64 [n_outputs, n_rows]."""
    weight = np.zeros((taps.n_outputs, taps.n_rows), np.int64)
    value = np.where(taps.negate, -1, 1) * 2 ** taps.plane.astype(np.int64)
    np.add.at(weight, (taps.output, taps.row), value)
    return weight


@given(grouped_weights(), SYSTEMS)
def test_the_taps_are_the_digits_of_the_weights(drawn, system) -> None:
    weight, n_groups = drawn
    taps = layer_taps(weight, n_groups, system)
    np.testing.assert_array_equal(summed(taps), whole_window(weight, n_groups))
    assert len(taps) == to_digits(weight, system).count
    assert (taps.n_outputs, taps.n_groups, taps.rows_per_group) == (
        len(weight),
        n_groups,
        weight.shape[1],
    )


@given(grouped_weights(), SYSTEMS)
def test_taps_go_by_output_then_down_the_planes_then_up_the_rows(drawn, system) -> None:
    taps = layer_taps(*drawn, system)
    keys = list(zip(taps.output.tolist(), (-taps.plane).tolist(), taps.row.tolist(), strict=True))
    assert keys == sorted(set(keys))
    assert [x.dtype for x in (taps.output, taps.plane, taps.row)] == [np.dtype(np.int32)] * 3
    assert taps.negate.dtype == np.dtype(bool)


@given(grouped_weights(), SYSTEMS)
def test_trailing_planes_are_those_below_every_digit_of_an_output(drawn, system) -> None:
    weight, n_groups = drawn
    for row, plane in zip(weight, layer_taps(weight, n_groups, system).trailing, strict=True):
        assert not (row % (1 << plane)).any()
        assert (row % (2 << plane)).any() or (plane == 0 and not row.any())


@pytest.mark.parametrize("system", list(NumberSystem))
def test_chunks_change_nothing(system: NumberSystem, monkeypatch: pytest.MonkeyPatch) -> None:
    weight = random_weight((24, 7), 60)
    weight[3:9] = 0
    whole = layer_taps(weight, 4, system)
    monkeypatch.setattr("bitfpga.plan.taps._CHUNK_ELEMENTS", 20)
    parts = layer_taps(weight, 4, system)
    for name in ("output", "plane", "negate", "row"):
        np.testing.assert_array_equal(getattr(whole, name), getattr(parts, name))


def test_outputs_that_do_not_divide_into_the_groups_are_refused() -> None:
    with pytest.raises(ValueError, match="5 outputs do not divide into 2 groups"):
        layer_taps(np.ones((5, 2), np.int16), 2, NumberSystem.CSD)


def test_the_entropy_of_known_frequencies() -> None:
    ones = np.array([[1, -1, 0, 0]], np.int16)
    assert tap_entropy(layer_taps(ones, 1, NumberSystem.CSD)) == pytest.approx(4 * 1.5 / 2)
    both = np.array([[4, 1], [1, 4]], np.int16)
    assert tap_entropy(layer_taps(both, 1, NumberSystem.CSD)) == pytest.approx(8 / 4)
    assert tap_entropy(layer_taps(both, 2, NumberSystem.CSD)) == pytest.approx(8 / 4)


@pytest.mark.parametrize("value", [0, 1, -1, 2, -256])
def test_what_is_certain_has_no_entropy(value: int) -> None:
    taps = layer_taps(np.full((3, 5), value, np.int16), 1, NumberSystem.CSD)
    assert tap_entropy(taps) == 0


@given(st.floats(1, 80))
def test_no_layer_needs_more_than_its_planes_times_the_most_of_a_digit(spread) -> None:
    weight = random_weight((8, 20), spread)
    taps = layer_taps(weight, 1, NumberSystem.CSD)
    n_planes = int(taps.plane.max(initial=0)) + 1
    assert 0 <= tap_entropy(taps) * len(taps) <= weight.size * n_planes * np.log2(3)
