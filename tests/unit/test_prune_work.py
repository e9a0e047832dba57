"""Counts and lock-step cycles of layers against sums by hand and by brute force."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from bitfpga.errors import PruneError
from bitfpga.prune.energy import LayerWork, layer_work, lockstep_cycles

RNG = np.random.default_rng(20230501)
AWKWARD = (-256, -255, -128, -1, 0, 0, 3, 7, 85, 127, 128, 255)
CONV = RNG.choice(AWKWARD, size=(5, 3, 2, 7))
DENSE = RNG.choice(AWKWARD, size=(3, 37))
HAND = np.array([[3, 0, -128], [255, -1, 0]])  # one-bits 2 + 1 + 8 + 1, CSD digits 2 + 1 + 2 + 1


def csd_count(weight: int) -> int:
    """Return the number of digits of the canonical form, by the textbook loop."""
    weight, count = abs(weight), 0
    while weight:
        if weight & 1:
            count += 1
            weight -= 2 - (weight & 3)
        weight >>= 1
    return count


def test_a_layer_is_counted_by_hand() -> None:
    work = layer_work("hand", HAND, 7, 8)
    assert work == LayerWork(
        name="hand",
        n_weights=6,
        n_nonzero=4,
        n_positions=7,
        n_outputs=2,
        weight_bits=8,
        one_bits=12,
        csd_digits=6,
        csd_planes=9,
    )
    assert work.macs == 42
    assert work.density == 4 / 6
    assert work.sigma_add == 12 / 48
    assert (work.digits(), work.digits("csd")) == (12, 6)
    assert (work.digits_per_weight(), work.digits_per_weight("csd")) == (2.0, 1.0)
    assert (work.shifts(), work.shifts("csd")) == (7 * 2 * 7, 7 * 2 * 8)
    assert (work.adds(), work.adds("csd")) == (7 * (12 + 14), 7 * (6 + 16))


@pytest.mark.parametrize(("weights", "weight_bits"), [(CONV, 9), (DENSE, 9), (CONV, 14)])
def test_counts_equal_brute_force(weights: np.ndarray, weight_bits: int) -> None:
    work = layer_work("layer", weights, 11, weight_bits)
    flat = [int(w) for w in weights.flat]
    assert work.n_weights == len(flat)
    assert work.n_nonzero == sum(w != 0 for w in flat)
    assert work.n_outputs == len(weights)
    assert work.one_bits == sum(bin(abs(w)).count("1") for w in flat)
    assert work.csd_digits == sum(csd_count(w) for w in flat)
    dots = 11 * len(weights)
    table_2 = weight_bits * work.sigma_add * (weights[0].size) + (weight_bits - 1)
    assert work.adds() == pytest.approx(dots * table_2, rel=1e-12)  # sigma_add is a quotient


def test_the_planes_of_csd_are_one_more_only_where_a_digit_needs_it() -> None:
    planes = {w: layer_work("w", np.array([[w]]), 1, 8).csd_planes for w in (0, 1, 128, 171, 255)}
    assert planes == {0: 8, 1: 8, 128: 8, 171: 9, 255: 9}


@pytest.mark.parametrize(("weight", "dtype"), [(-128, np.int8), (128, np.uint8), (-128, np.int64)])
def test_one_weight_of_one_digit(weight: int, dtype: Any) -> None:
    work = layer_work("one", np.array([[weight]], dtype), 1, 8)
    assert (work.n_weights, work.one_bits, work.csd_digits, work.density) == (1, 1, 1, 1)
    assert lockstep_cycles(np.array([[weight]], dtype)) == 1


@pytest.mark.parametrize("n_inputs", [1, 31, 32, 33, 77])
@pytest.mark.parametrize("group", [1, 5, 32, 10**30])
def test_lockstep_cycles_equal_brute_force(n_inputs: int, group: int) -> None:
    weights = RNG.choice(AWKWARD, size=(3, n_inputs))
    weights[1] = 0
    cycles = []
    for row in weights:
        counts = [bin(abs(int(w))).count("1") for w in row]
        while counts:
            cycles.append(max(counts[:group]))
            del counts[:group]
    assert lockstep_cycles(weights, group) == sum(cycles) / len(cycles)


def test_lockstep_groups_are_32_along_the_inputs_of_one_output() -> None:
    weights = np.zeros((2, 33), np.int8)
    weights[0, 31], weights[0, 32], weights[1, 0] = 127, 3, -1
    assert lockstep_cycles(weights) == (7 + 2 + 1 + 0) / 4
    assert lockstep_cycles(np.full((5, 64), -128, np.int8)) == 1


FLOATS: Any = np.array([[1.0, 2.0]])
REFUSALS = [
    (lambda: layer_work("fc", HAND, -1, 8), "'fc': positions -1, but a whole number from 1 is"),
    (lambda: layer_work("fc", HAND, 0, 8), "positions 0"),
    (lambda: layer_work("fc", HAND, FLOATS[0, 0], 8), r"positions .*1\.0.*, but a whole number"),
    (lambda: layer_work("fc", HAND, 1, 0), "weight bits 0, but a whole number from 1 to 14"),
    (lambda: layer_work("fc", HAND, 1, 15), "weight bits 15"),
    (lambda: layer_work("fc", HAND, 1, 7), "magnitude 255 in 7 weight bits, but at most 127"),
    (lambda: layer_work("fc", -HAND - 1, 1, 8), "magnitude 256 in 8 weight bits"),
    (lambda: layer_work("fc", FLOATS, 1, 8), "'fc': weights of dtype float64, but integers"),
    (lambda: layer_work("fc", HAND > 0, 1, 8), "dtype bool"),
    (lambda: layer_work("fc", HAND[0], 1, 8), r"shape \(3,\), but \[n_outputs, n_inputs"),
    (lambda: layer_work("fc", HAND[:, :0], 1, 8), r"no weights in an array of shape \(2, 0\)"),
    (lambda: lockstep_cycles(CONV), r"shape \(5, 3, 2, 7\), but \[n_outputs, n_inputs\]"),
    (lambda: lockstep_cycles(HAND, 0), "lock-step group 0, but a whole number from 1 is"),
    (lambda: lockstep_cycles(FLOATS), "dtype float64"),
    (lambda: lockstep_cycles(HAND * 1000), "magnitude 255000 in 14 weight bits"),
]


@pytest.mark.parametrize(("ask", "message"), REFUSALS)
def test_what_is_refused_says_what_is_allowed(ask: Any, message: str) -> None:
    with pytest.raises(PruneError, match=message):
        ask()
