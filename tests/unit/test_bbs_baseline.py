"""The baseline of BBS, zero columns in sign-magnitude, and that BBS loses less than it does."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitfpga.prune.bbs_code import rounded_averaging, zero_point_shifting
from bitfpga.prune.bitwave import zero_columns


@pytest.mark.parametrize("scale", [12, 30, 60])
@pytest.mark.parametrize("n_sparse", [4, 5, 6])
def test_shifting_beats_averaging_beats_zero_columns(scale: float, n_sparse: int) -> None:
    rng = np.random.default_rng(3)
    groups = np.clip(np.round(rng.normal(0, scale, (300, 32))), -128, 127).astype(np.int64)
    errors = [
        ((pruned - groups) ** 2).mean()
        for pruned in (
            zero_point_shifting(groups, n_sparse).weight,
            rounded_averaging(groups, n_sparse).weight,
            zero_columns(groups, n_sparse),
        )
    ]
    assert errors[0] < errors[1] < errors[2]


@given(group=st.lists(st.integers(-128, 127), min_size=1, max_size=9), n_sparse=st.integers(0, 6))
def test_the_baseline_clears_the_lowest_columns(group: list[int], n_sparse: int) -> None:
    magnitudes = [min(abs(w), 127) for w in group]
    used = [p for p in range(7) if any(m >> p & 1 for m in magnitudes)]
    cleared = sum(1 << p for p in used[: max(0, len(used) - (7 - n_sparse))])
    expected = [
        (m & ~cleared) * (-1 if w < 0 else 1) for m, w in zip(magnitudes, group, strict=True)
    ]
    pruned = zero_columns(np.array([group], np.int8), n_sparse)
    assert (pruned[0].tolist(), pruned.dtype) == (expected, np.int16)
