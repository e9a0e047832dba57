"""Binary pruning of groups: the published vectors, every constant by brute force, the edges."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitfpga.errors import PruneError
from bitfpga.ir import GROUP_MODES, ROUNDED_AVERAGING, ZERO_POINT_SHIFTING
from bitfpga.prune import bbs_code
from bitfpga.prune.bbs_code import (
    GroupCode,
    prune_matrix,
    redundant_columns,
    rounded_averaging,
    zero_point_shifting,
    zero_point_step,
)

PRUNE = {ROUNDED_AVERAGING: rounded_averaging, ZERO_POINT_SHIFTING: zero_point_shifting}
CONSTANT = st.integers(-128, 127)
EDGE_VALUES = st.sampled_from([-128, -127, -65, -64, -1, 0, 1, 15, 16, 63, 64, 126, 127])
GROUPS = st.one_of(
    st.lists(CONSTANT, min_size=1, max_size=9),
    st.lists(EDGE_VALUES, min_size=1, max_size=9),
    st.builds(lambda value, size: [value] * size, CONSTANT, st.integers(1, 40)),
    st.builds(
        lambda centre, offsets: [max(-128, min(127, centre + o)) for o in offsets],
        CONSTANT,
        st.lists(st.integers(-9, 9), min_size=1, max_size=33),
    ),
)
SPARSE = st.integers(0, 6)


def column(value: int, place: int) -> int:
    """Return the bit of an 8-bit two's complement number."""
    return (value & 0xFF) >> place & 1


def count_redundant(group: list[int], most: int) -> int:
    """Return the columns below the sign that equal it, bit by bit."""
    count = 0
    while count < most and all(column(w, 6 - count) == column(w, 7) for w in group):
        count += 1
    return count


def averaged(group: list[int], n_sparse: int) -> tuple[list[int], int, int]:
    r = count_redundant(group, min(3, n_sparse))
    unit = 1 << (n_sparse - r)
    low = [w % unit for w in group]
    c = int(np.floor(np.float64(sum(low)) / len(low) + 0.5))
    return [w - w % unit + c for w in group], r, c


def shifted(group: list[int], n_sparse: int, added: int) -> tuple[list[int], int, int]:
    t = [max(-128, min(127, w + added)) for w in group]
    r = count_redundant(t, min(3, n_sparse))
    unit = 1 << (n_sparse - r)
    multiples = range(-(1 << (7 - r)), 1 << (7 - r), unit)
    rounded = [min(multiples, key=lambda m: (abs(m - value), -m)) for value in t]
    return [value - added for value in rounded], r, -added


def squared_error(first: list[int], second: list[int]) -> int:
    return sum((a - b) ** 2 for a, b in zip(first, second, strict=True))


def searched(group: list[int], n_sparse: int) -> tuple[list[int], int, int]:
    every = [shifted(group, n_sparse, added) for added in range(-31, 32)]
    return min(every, key=lambda code: squared_error(code[0], group))  # min takes the first


def only(code: GroupCode) -> tuple[list[int], int, int]:
    """Return the one group of a code."""
    assert [a.dtype for a in code] == [np.int16, np.uint8, np.int8]
    return code.weight[0].tolist(), int(code.redundant[0]), int(code.constant[0])


def random_groups(scale: float, n_groups: int = 300, size: int = 32, seed: int = 3) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.clip(np.round(rng.normal(0, scale, (n_groups, size))), -128, 127).astype(np.int8)


def test_the_published_average() -> None:
    code = rounded_averaging(np.array([[13, -57, 20, -11]]), 4)
    assert only(code) == ([13, -59, 21, -11], 1, 5)
    assert ((code.weight - 5) >> 3).tolist() == [[1, -8, 2, -2]]


def test_the_published_shift() -> None:
    group = np.array([[81, -20, 1, -7]])
    code = zero_point_step(group, 4, np.array([-14]))
    assert only(code) == ([78, -18, -2, -2], 0, 14)
    assert ((code.weight - group) ** 2).mean() == 11.75


def test_the_search_beats_the_published_shift() -> None:
    group = np.array([[81, -20, 1, -7]])
    code = zero_point_shifting(group, 4)
    assert only(code) == ([82, -22, 2, -6], 1, 26)
    assert ((code.weight - group) ** 2).mean() == 1.75


@pytest.mark.parametrize(
    ("group", "code"),
    [([-62, -47, -89], ([-63, -47, -87], 1, -31)), ([89, 35, 2], ([87, 39, -1], 1, 31))],
)
def test_the_search_reaches_both_ends(group: list[int], code: tuple[list[int], int, int]) -> None:
    assert searched(group, 4) == code
    assert only(zero_point_shifting(np.array([group]), 4)) == code


@given(group=GROUPS, most=st.integers(0, 3))
def test_redundant_columns_equal_the_sign(group: list[int], most: int) -> None:
    counts = redundant_columns(np.array([group]), most)
    assert (counts.tolist(), counts.dtype) == ([count_redundant(group, most)], np.uint8)


@given(group=GROUPS, n_sparse=SPARSE)
def test_averages_as_by_hand(group: list[int], n_sparse: int) -> None:
    expected = averaged(group, n_sparse)
    assert only(rounded_averaging(np.array([group]), n_sparse)) == expected
    again = averaged(expected[0], n_sparse)
    assert again == expected


@given(group=GROUPS, n_sparse=SPARSE, added=st.integers(-31, 31))
def test_steps_as_by_hand(group: list[int], n_sparse: int, added: int) -> None:
    step = zero_point_step(np.array([group]), n_sparse, np.array([added]))
    assert only(step) == shifted(group, n_sparse, added)


@given(group=GROUPS, n_sparse=SPARSE)
def test_the_search_takes_the_first_of_the_best(group: list[int], n_sparse: int) -> None:
    assert only(zero_point_shifting(np.array([group]), n_sparse)) == searched(group, n_sparse)


@given(groups=st.lists(st.lists(CONSTANT, min_size=5, max_size=5), min_size=1, max_size=7))
def test_groups_do_not_touch_each_other(groups: list[list[int]]) -> None:
    for prune in PRUNE.values():
        together = prune(np.array(groups, np.int8), 4)
        for i, group in enumerate(groups):
            alone = prune(np.array([group], np.int8), 4)
            assert [a[i].tolist() for a in together] == [a[0].tolist() for a in alone]


def test_many_groups_are_searched_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    groups = random_groups(40, n_groups=23, size=5)
    whole = zero_point_shifting(groups, 4)
    monkeypatch.setattr(bbs_code, "_GROUPS_AT_A_TIME", 7)
    for first, second in zip(whole, zero_point_shifting(groups, 4), strict=True):
        np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize("n_sparse", range(7))
@pytest.mark.parametrize("value", [0, 127, -128, 1, -1, 64, -65])
def test_groups_of_one_value_are_exact(n_sparse: int, value: int) -> None:
    groups = np.full((3, 11), value)
    np.testing.assert_array_equal(rounded_averaging(groups, n_sparse).weight, groups)
    out_of_reach = n_sparse == 6 and value > 95  # two bits, 64 apart, shifted by at most 31
    lost = (zero_point_shifting(groups, n_sparse).weight != groups).any()
    assert lost == out_of_reach


@pytest.mark.parametrize("mode", GROUP_MODES)
def test_no_sparse_column_changes_nothing(mode: str) -> None:
    groups = random_groups(60)
    np.testing.assert_array_equal(PRUNE[mode](groups, 0).weight, groups)


@pytest.mark.parametrize("n_sparse", range(4))
def test_small_groups_are_kept_exactly(n_sparse: int) -> None:
    groups = np.random.default_rng(1).integers(-16, 16, (41, 13))
    code = rounded_averaging(groups, n_sparse)
    np.testing.assert_array_equal(code.weight, groups)
    assert set(code.redundant.tolist()) == {n_sparse}


@pytest.mark.parametrize("mode", GROUP_MODES)
@pytest.mark.parametrize(
    ("n_inputs", "group_size"), [(1, 8), (5, 8), (8, 8), (9, 8), (29, 8), (48, 16), (79, 8)]
)
def test_matrices_are_cut_along_the_inputs(mode: str, n_inputs: int, group_size: int) -> None:
    weight = random_groups(50, 3, n_inputs)
    code = prune_matrix(weight, 4, mode, group_size)
    starts = range(0, n_inputs, group_size)
    assert [a.shape for a in code] == [(3, n_inputs), *[(3, len(starts))] * 2]
    for output in range(3):
        for i, start in enumerate(starts):
            part = slice(start, start + group_size)
            one = only(PRUNE[mode](weight[output : output + 1, part], 4))
            codes = int(code.redundant[output, i]), int(code.constant[output, i])
            assert (code.weight[output, part].tolist(), *codes) == one


def test_input_is_left_alone() -> None:
    groups = random_groups(50)
    before = groups.copy()
    groups.flags.writeable = False
    for mode in GROUP_MODES:
        prune_matrix(groups, 4, mode, 8)
    np.testing.assert_array_equal(groups, before)


def test_bad_arguments() -> None:
    good = np.zeros((2, 3), np.int8)
    for prune in PRUNE.values():
        for n_sparse in (-1, 7):
            with pytest.raises(
                PruneError, match=f"^{n_sparse} sparse columns: 0 to 6 are allowed$"
            ):
                prune(good, n_sparse)
        for bad in (np.zeros((2, 3)), np.zeros(3, np.int8), np.zeros((0, 3), np.int8)):
            with pytest.raises(PruneError, match="integers with two axes, not empty"):
                prune(bad, 4)
        for value in (-129, 128):
            with pytest.raises(PruneError, match=r"beyond 8 bits \(-128\.\.127\); quantise"):
                prune(np.full((2, 3), value), 4)
    with pytest.raises(PruneError, match="beyond ±31 do not fit"):
        zero_point_step(good, 4, np.array([0, -32]))
    for mode, group_size in (("other", 8), (ROUNDED_AVERAGING, 0)):
        with pytest.raises(PruneError, match="are known"):
            prune_matrix(good, 4, mode, group_size)
    with pytest.raises(PruneError, match="beyond 8 bits"):
        redundant_columns(np.full((2, 3), 200))
