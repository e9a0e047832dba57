"""BBS settings: what is allowed, what is published, and which channels stay at 8 bits."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitfpga.errors import PruneError
from bitfpga.ir import ROUNDED_AVERAGING, ZERO_POINT_SHIFTING
from bitfpga.prune.bbs import CONSERVATIVE, MODERATE, PRESETS, BbsConfig, sensitive_channels


def test_the_published_configurations() -> None:
    assert CONSERVATIVE == BbsConfig(2, ROUNDED_AVERAGING, 0.1, 32)
    assert MODERATE == BbsConfig(4, ZERO_POINT_SHIFTING, 0.2, 32)
    assert PRESETS == {"conservative": CONSERVATIVE, "moderate": MODERATE}


def test_sensitive_channels_fill_up_multiples_of_32() -> None:
    scales = [np.arange(100.0), np.arange(50.0) + 60, np.arange(5.0)]
    flags = sensitive_channels(scales, 0.2)  # 31 of 155: 90..109 and one of the two 89
    assert [f.sum() for f in flags] == [32, 32, 0]
    assert all(f.dtype == np.bool_ for f in flags)
    assert [np.flatnonzero(f).tolist() for f in flags[:2]] == [[*range(68, 100)], [*range(18, 50)]]
    assert [f.sum() for f in sensitive_channels(scales, 0.45)] == [32, 50, 0]


@pytest.mark.parametrize(("share", "count"), [(0, 0), (0.1, 0), (0.167, 3), (0.5, 3), (1.0, 3)])
def test_small_layers_are_sensitive_as_a_whole(share: float, count: int) -> None:
    (flags,) = sensitive_channels([np.array([3.0, 1.0, 2.0])], share)
    assert flags.sum() == count


def test_equal_scales_are_taken_in_order() -> None:
    flags = sensitive_channels([np.ones(3), np.ones(70), np.ones(40)], 4 / 113)
    assert [np.flatnonzero(f).tolist() for f in flags] == [[0, 1, 2], [*range(32)], []]
    assert sensitive_channels([], 0.5) == []


@given(
    sizes=st.lists(st.integers(1, 90), min_size=1, max_size=4),
    share=st.floats(0, 1),
    seed=st.integers(0, 99),
)
def test_sensitive_channels_are_the_largest(sizes: list[int], share: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    scales = [rng.integers(0, 30, size).astype(np.float64) for size in sizes]
    flags = sensitive_channels(scales, share)
    for layer, chosen in zip(scales, flags, strict=True):
        assert chosen.sum() % 32 == 0 or chosen.all()
        assert layer[chosen].min(initial=99) >= layer[~chosen].max(initial=-1)
    wanted = int(share * sum(sizes) + 0.5)
    total = sum(int(chosen.sum()) for chosen in flags)
    assert wanted <= total <= wanted + 31 * min(wanted, len(sizes))
    if 0 < wanted < sum(sizes):
        every = np.sort(np.concatenate(scales))
        threshold = every[-wanted]
        for layer, chosen in zip(scales, flags, strict=True):
            assert chosen[layer > threshold].all()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"n_sparse": 0}, "n_sparse is '0', allowed: 1 to 6"),
        ({"n_sparse": 7}, "n_sparse is '7'"),
        ({"n_sparse": 2.0}, "n_sparse is '2.0'"),
        ({"mode": "ra"}, "mode is 'ra', allowed: rounded_averaging or zero_point_shifting"),
        ({"sensitive_share": -0.1}, "sensitive_share is '-0.1', allowed: 0 to 1"),
        ({"sensitive_share": 1.1}, "sensitive_share is '1.1'"),
        ({"sensitive_share": float("nan")}, "sensitive_share is 'nan'"),
        ({"sensitive_share": "x"}, "sensitive_share is 'x'"),
        ({"group_size": 0}, "group_size is '0', allowed: multiples of 8 .* up to 1024"),
        ({"group_size": 20}, "group_size is '20'"),
        ({"group_size": 1032}, "group_size is '1032'"),
        ({"group_size": 8.0}, "group_size is '8.0'"),
        ({"n_sparse": 9, "group_size": 9}, "n_sparse is '9'.*; group_size is '9'"),
    ],
)
def test_settings_that_are_not_allowed(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(PruneError, match=f"^bbs: {words}"):
        replace(MODERATE, **changes)
