"""Columns of bits: how they are packed, how many are effectual, and what the PE makes of them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitfpga.errors import PruneError
from bitfpga.ir import GROUP_MODES, ROUNDED_AVERAGING, ZERO_POINT_SHIFTING, BitGroups
from bitfpga.prune.bbs import BbsConfig, prune_layer
from bitfpga.prune.bbs_pe import column_ones, effectual_bits, pe_dot
from bitfpga.prune.bbs_store import code_bits, decode, encode

WIDTHS = st.sampled_from([1, 3, 7, 8, 9, 16, 23, 32, 33, 48, 71])


@st.composite
def pruned_layers(draw: st.DrawFn) -> tuple[np.ndarray, BitGroups]:
    """Draw a pruned matrix and its codes; rows of extremes and all shares of sensitive rows."""
    n_outputs, n_inputs = draw(st.integers(1, 6)), draw(WIDTHS)
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    scale = draw(st.sampled_from([0, 3, 20, 60, 300]))
    weight = np.clip(np.round(rng.normal(0, 1, (n_outputs, n_inputs)) * scale), -128, 127)
    sensitive = rng.random(n_outputs) < draw(st.sampled_from([0, 0.4, 1]))
    mode, n_sparse = draw(st.sampled_from(GROUP_MODES)), draw(st.integers(1, 6))
    config = BbsConfig(n_sparse, mode, 0, draw(st.sampled_from([8, 16, 32])))
    return prune_layer(weight.astype(np.int8), sensitive, config)


def groups_of(mode: str, n_sparse: int, redundant: int, constant: int) -> BitGroups:
    """Return the codes of one output that is one group of 8."""
    return BitGroups(
        mode,
        n_sparse,
        8,
        np.array([[redundant]], np.uint8),
        np.array([[constant]], np.int8),
        np.zeros(1, np.uint8),
    )


@given(layer=pruned_layers())
def test_encoding_is_exact(layer: tuple[np.ndarray, BitGroups]) -> None:
    weight, groups = layer
    encoded = encode(weight, groups)
    decoded, codes = decode(encoded)
    np.testing.assert_array_equal(decoded, weight)
    assert decoded.dtype == np.int16
    for name in ("redundant", "constant", "sensitive"):
        first, second = getattr(codes, name), getattr(groups, name)
        np.testing.assert_array_equal(first, second)
        assert first.dtype == second.dtype
    settings = [(g.mode, g.n_sparse, g.group_size) for g in (codes, groups)]
    assert settings[0] == settings[1]
    for name in ("columns", "metadata", "plain"):
        assert getattr(encoded, name).dtype == np.uint8


@given(layer=pruned_layers())
def test_bytes_are_the_counted_bits_where_groups_fill_them(
    layer: tuple[np.ndarray, BitGroups],
) -> None:
    weight, groups = layer
    bits, n_bytes = code_bits(groups, weight.shape[1]), encode(weight, groups).n_bytes
    missing = -weight.shape[1] % 8
    n_sensitive = int(groups.sensitive.sum())
    n_columns = n_sensitive * 8 + (len(weight) - n_sensitive) * (8 - groups.n_sparse)
    assert 8 * n_bytes == bits + missing * n_columns


@pytest.mark.parametrize("mode", GROUP_MODES)
@pytest.mark.parametrize("n_sparse", range(1, 7))
@pytest.mark.parametrize("group_size", [8, 32, 64])
def test_a_weight_of_a_whole_group_takes_the_published_bits(
    mode: str, n_sparse: int, group_size: int
) -> None:
    weight = np.arange(3 * 2 * group_size).reshape(3, -1).astype(np.int8)
    config = BbsConfig(n_sparse, mode, 0, group_size)
    pruned, groups = prune_layer(weight, np.zeros(3, np.bool_), config)
    bits = 8 - n_sparse + 8 / group_size
    assert code_bits(groups, 2 * group_size) == bits * weight.size
    assert encode(pruned, groups).n_bytes * 8 == bits * weight.size


def test_layers_one_by_one() -> None:
    weight = np.random.default_rng(6).integers(-128, 128, (5, 19))
    config = BbsConfig(4, ZERO_POINT_SHIFTING, 0.2, 8)
    sensitive = np.array([True, False, False, True, False])
    pruned, codes = prune_layer(weight.astype(np.int8), sensitive, config)
    np.testing.assert_array_equal(pruned[sensitive], weight[sensitive])
    assert not codes.redundant[sensitive].any()
    assert not codes.constant[sensitive].any()
    arrays = (pruned, codes.redundant, codes.constant, codes.sensitive)
    assert [a.dtype for a in arrays] == [np.int16, np.uint8, np.int8, np.uint8]
    for bad in (sensitive[:4], sensitive.astype(np.uint8)):
        with pytest.raises(PruneError, match=r"expected bool \[5\], one for each output"):
            prune_layer(weight, bad, config)  # type: ignore[arg-type]


def test_known_bytes() -> None:
    stored = np.array([[1, -8, 2, -2, 0, 0, 0, 7]])
    groups = groups_of(ROUNDED_AVERAGING, 4, 1, 5)
    weight = groups.decode(stored)
    assert weight.tolist() == [[13, -59, 21, -11, 5, 5, 5, 61]]
    encoded = encode(weight, groups)
    assert encoded.metadata.tolist() == [[0b01_000101]]
    assert encoded.columns.tolist() == [[0b10000001, 0b10001100, 0b10001000, 0b00001010]]
    assert encoded.plain.shape == (0, 8)
    shifted = groups_of(ZERO_POINT_SHIFTING, 4, 3, -31)
    encoded = encode(shifted.decode(stored), shifted)
    assert encoded.metadata.tolist() == [[0b11_100001]]


def test_outputs_come_back_in_order() -> None:
    weight = np.arange(-20, 15).reshape(5, 7).astype(np.int8)
    sensitive = np.array([False, True, True, False, True])
    pruned, groups = prune_layer(weight, sensitive, BbsConfig(3, ZERO_POINT_SHIFTING, 0, 8))
    encoded = encode(pruned, groups)
    assert (len(encoded.columns), len(encoded.plain)) == (2, 3)
    decoded, _ = decode(encoded)
    np.testing.assert_array_equal(decoded, pruned)
    np.testing.assert_array_equal(decoded[sensitive], weight[sensitive])


def test_weights_of_other_groups_are_refused() -> None:
    groups = groups_of(ROUNDED_AVERAGING, 4, 1, 5)
    with pytest.raises(PruneError, match="not those of the groups: prune them first"):
        encode(np.arange(8)[None], groups)
    weight = groups.decode(np.array([[-9, 0, 0, 0, 0, 0, 0, 0]]))
    with pytest.raises(PruneError, match="not those of the groups"):
        encode(weight, groups)
    plain = groups_of(ROUNDED_AVERAGING, 4, 0, 0)
    with pytest.raises(PruneError, match="not those of the groups"):
        encode(np.full((1, 8), 128), replace(plain, sensitive=np.ones(1, np.uint8)))


@given(
    values=st.lists(
        st.lists(st.integers(-128, 127), min_size=11, max_size=11), min_size=1, max_size=5
    )
)
def test_ones_are_counted_as_by_hand(values: list[list[int]]) -> None:
    stored = np.array(values, np.int8)
    expected = [
        [[sum(v >> p & 1 for v in row[s : s + 8]) for p in range(8)] for s in (0, 8)]
        for row in values
    ]
    ones = column_ones(stored, 8)
    assert (ones.tolist(), ones.dtype) == (expected, np.uint8)
    minority = [
        [[min(n, size - n) for n in sub] for sub, size in zip(row, (8, 3), strict=True)]
        for row in expected
    ]
    assert effectual_bits(stored, 8).tolist() == minority


@given(layer=pruned_layers())
def test_half_of_every_column_is_ineffectual(layer: tuple[np.ndarray, BitGroups]) -> None:
    weight, groups = layer
    n_columns = 8 if groups.sensitive.any() else 8 - groups.n_sparse
    effectual = effectual_bits(groups.stored(weight), n_columns)
    sizes = [min(8, weight.shape[1] - s) for s in range(0, weight.shape[1], 8)]
    assert effectual.shape == (len(weight), len(sizes), n_columns)
    assert (2 * effectual.astype(int) <= np.array(sizes)[:, None]).all()


@given(layer=pruned_layers(), seed=st.integers(0, 2**32 - 1), extreme=st.booleans())
def test_the_pe_sums_to_the_dot_product(
    layer: tuple[np.ndarray, BitGroups], seed: int, extreme: bool
) -> None:
    weight, groups = layer
    stored, rng = groups.stored(weight), np.random.default_rng(seed)
    x = rng.choice([-32768, 32767] if extreme else np.arange(256), weight.shape[1])
    for output, sensitive in enumerate(groups.sensitive):
        n_sparse = 0 if sensitive else groups.n_sparse
        total = 0
        for i, start in enumerate(range(0, weight.shape[1], groups.group_size)):
            part = slice(start, start + groups.group_size)
            codes = int(groups.redundant[output, i]), int(groups.constant[output, i])
            pe = pe_dot(x[part], stored[output, part], n_sparse, *codes)
            size = len(x[part])
            assert pe.cycles == -(-size // 16) * (8 - n_sparse)
            ones = effectual_bits(stored[output : output + 1, part], 8 - n_sparse)
            assert pe.n_picked == int(ones.sum(dtype=np.int64))
            total += pe.dot
        assert total == int(weight[output].astype(np.int64) @ x.astype(np.int64))


@pytest.mark.parametrize(("n_sparse", "cycles"), [(0, 8), (2, 6), (4, 4)])
def test_published_cycles(n_sparse: int, cycles: int) -> None:
    zeros = np.zeros(16, np.int8)
    assert pe_dot(zeros, zeros, n_sparse) == (0, cycles, 0)


def test_the_pe_on_known_columns() -> None:
    x = np.array([1, 10, 100, 1000, 10000])
    pe = pe_dot(x, np.array([-1, -1, -1, 0, 1]), 4, redundant=1, constant=3)
    assert pe.dot == 8 * (-1 - 10 - 100 + 10000) + 3 * 11111
    assert pe.n_picked == 1 + 3 * 2


def test_activations_of_few_bits_do_not_wrap() -> None:
    x = np.full(9, 127, np.int8)
    stored = np.full(9, -2, np.int8)
    assert pe_dot(x, stored, 6, 0, -31).dot == 9 * 127 * (-2 * 64 - 31)
