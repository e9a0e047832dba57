"""What a requantiser costs: adders from the least shift up, shifters where they differ, a clamp."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from mlps import requantise

from bitfpga.ir import TensorType
from bitfpga.plan.scale_cost import ScaleCost, differing_bits, scale_cost

BYTE = TensorType((3,), 8, True)


def cost(multiplier: Any, bias: Any, shift: int = 0, scaled: int = 24, value: int = 20) -> Any:
    """Return the cost of ``multiplier`` and ``bias``, lists of one length, into 8 signed bits."""
    arrays = np.array(multiplier, np.int64), np.array(bias, np.int64)
    return scale_cost(*arrays, requantise(BYTE, shift=shift), scaled, value)


CLAMP = 8 + (24 - 8) // 5


@pytest.mark.parametrize(
    ("multiplier", "bias", "adders", "rows", "word_bits"),
    [
        ([1, 1, 1], [5, 5, 5], 0, 1, 0),  # one bias for all: wiring
        ([-4, -4], [5, 5], 22, 1, 0),  # what is subtracted needs an adder
        ([1, 1], [5, -5], 24, 2, 4),
        ([8, 8], [0, 7], 21, 2, 4),
        ([5, 5], [0, 0], 0 + (24 - 2), 1, 0),  # below the first term the sum is constant
        ([5, 5], [0, 1], (24 - 2) + 24, 2, 2),
        ([1, 2], [0, 0], 24 + 21, 2, 1),  # shifts of 0 and 1: one level for 20 + 1 bits
        ([1, 4, 8], [0, 0, 0], 24 + 23, 3, 2),  # 0, 2, 3
        ([1, 256], [0, 0], 24 + 24, 2, 1),  # 0 and 8 differ in one bit; no bit beyond the sum
        ([1, -1], [0, 0], 24, 2, 1),
        ([0, 1], [0, 0], 24, 2, 1),
        ([0, 0], [9, 9], 0, 1, 0),
    ],
)
def test_a_lane_has_what_its_constants_need(
    multiplier: list[int], bias: list[int], adders: int, rows: int, word_bits: int
) -> None:
    assert cost(multiplier, bias) == ScaleCost(adders + CLAMP, rows, word_bits)


def test_bits_below_the_shift_are_added_but_not_clamped() -> None:
    assert cost([1, 1], [0, 1], shift=9).lane_luts == 24 + 8 + (24 - 9 - 8) // 5
    assert cost([1, 1], [0, 1], shift=20).lane_luts == 24 + 8


def test_the_table_has_a_row_for_each_word_that_differs() -> None:
    assert cost([1, 2, 1, 2], [3, 3, 3, 4]).rows == 3


def test_bits_that_differ_are_counted_once() -> None:
    assert differing_bits(np.array([6])) == 0
    assert differing_bits(np.array([0, 8])) == 1
    assert differing_bits(np.array([5, 6, 12, 5])) == 3
