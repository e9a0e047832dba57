"""Multipliers as shifted terms: exact, short, and refused where 64 bits would not do."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bitfpga.errors import PlanError
from bitfpga.plan import to_terms
from bitfpga.plan.search import smallest_true

MULTIPLIERS = st.integers(-(2**62) + 1, 2**62 - 1) | st.integers(-300, 300)


@given(st.lists(MULTIPLIERS, min_size=1, max_size=6))
@example([0])
@example([0, -1, 1, 2**40, -(2**40), 3 << 40])
@example([2**62 - 1, -(2**62) + 1])
def test_terms_add_up_to_the_multiplier(multipliers) -> None:
    terms = to_terms(np.array(multipliers, np.int64))
    assert terms.shifts.shape == terms.signs.shape == (len(multipliers), terms.n_terms)
    assert set(terms.signs.flat) <= {-1, 0, 1}
    for multiplier, shifts, signs in zip(multipliers, terms.shifts, terms.signs, strict=True):
        used = [(int(p), int(s)) for p, s in zip(shifts, signs, strict=True) if s]
        assert sum(s << p for p, s in used) == multiplier
        assert len(used) <= (abs(multiplier).bit_length() + 2) // 2  # canonical: the fewest
    magnitudes = [abs(int(s)) << int(p) for p, s in zip(terms.shifts.flat, terms.signs.flat)]  # noqa: B905
    assert int(terms.magnitude.sum()) == np.array(magnitudes, object).sum() or len(multipliers) > 1


def test_a_power_of_two_is_one_term() -> None:
    terms = to_terms(np.array([0, 1, -64, 2**40]))
    assert terms.n_terms == 1
    assert terms.signs.ravel().tolist() == [0, 1, -1, 1]
    assert terms.shifts.ravel().tolist() == [0, 0, 6, 40]
    assert terms.magnitude.tolist() == [0, 1, 64, 2**40]


def test_seven_is_eight_less_one() -> None:
    terms = to_terms(np.array([7, -7]))
    assert terms.shifts.tolist() == [[3, 0], [3, 0]]
    assert terms.signs.tolist() == [[1, -1], [-1, 1]]
    assert terms.magnitude.tolist() == [9, 9]


@pytest.mark.parametrize("multiplier", [2**62, -(2**62), -(2**63)])
def test_a_multiplier_beyond_64_bit_sums_is_refused(multiplier: int) -> None:
    with pytest.raises(PlanError, match=r"2\^62"):
        to_terms(np.array([1, multiplier]))


@given(st.integers(-5, 20), st.integers(-5, 20), st.integers(-7, 22))
def test_smallest_true_is_the_first_that_holds(low, high, first) -> None:
    asked = []

    def holds(n: int) -> bool:
        asked.append(n)
        return n >= first

    found = smallest_true(low, high, holds)
    assert found == next((n for n in range(low, high + 1) if n >= first), None)
    assert all(low <= n <= high for n in asked)
    assert len(asked) <= 7
