"""Outputs dealt to PEs: each once, evenly, on no more PEs than needed."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitfpga.plan.dealing import deal, fewest_pes, longest

LENGTHS = st.lists(st.integers(0, 40), min_size=1, max_size=30).map(np.array)


@given(LENGTHS, st.integers(1, 9))
def test_every_live_output_is_dealt_exactly_once(lengths, n_pes) -> None:
    hands = deal(lengths, n_pes)
    assert len(hands) == n_pes
    dealt = [output for hand in hands for output in hand.tolist()]
    assert sorted(dealt) == np.flatnonzero(lengths).tolist()
    assert all(hand.tolist() == sorted(hand) for hand in hands)


@given(LENGTHS, st.integers(1, 9))
def test_the_longest_pe_is_within_what_longest_first_guarantees(lengths, n_pes) -> None:
    floor = max(int(lengths.max()), -(-int(lengths.sum()) // n_pes))
    assert floor <= longest(lengths, deal(lengths, n_pes)) <= 4 * floor / 3 + 1


@pytest.mark.parametrize("n_pes", [2, 7, 16, 45])
@pytest.mark.parametrize("density", [0.05, 0.4, 1.0])
def test_many_outputs_are_dealt_within_five_percent_of_the_mean(n_pes, density) -> None:
    lengths = np.random.default_rng(n_pes).binomial(300, density, 16 * n_pes)
    hands = deal(lengths, n_pes)
    assert longest(lengths, hands) <= 1.05 * lengths.sum() / n_pes


@given(LENGTHS, st.integers(0, 60))
def test_the_fewest_pes_keep_to_the_limit_and_one_fewer_would_not(lengths, slack) -> None:
    limit = int(lengths.max()) + slack
    n_pes = fewest_pes(lengths, limit)
    assert 1 <= n_pes <= max(1, np.count_nonzero(lengths))
    assert longest(lengths, deal(lengths, n_pes)) <= limit
    assert n_pes == 1 or longest(lengths, deal(lengths, n_pes - 1)) > limit


def test_outputs_without_words_need_no_pe() -> None:
    lengths = np.zeros(3, np.int64)
    assert deal(lengths, 0) == []
    assert longest(lengths, []) == 0
    assert fewest_pes(lengths, 5) == 1
