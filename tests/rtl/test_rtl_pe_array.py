"""pe_array.v: rows in, sums of real index streams out, against numpy; the cycles of walks."""

from __future__ import annotations

import numpy as np
import pytest
from rtl_bench import without_verilator
from rtl_pe_arrays import RESTART, ArrayBench, array_bench, check
from rtl_pe_cases import Case

from bitfpga.plan.tap_words import NO_CODE

pytestmark = pytest.mark.skipif(without_verilator(), reason="Verilator is not installed")

CASES = {
    "one PE": Case((5, 20)),
    "bits 1": Case((12, 37), 4, 3, symbol_bits=1, style="distributed"),
    "bits 2, sparse": Case((24, 144), 6, 2, 0.6, symbol_bits=2),
    "bits 3": Case((40, 144), 16, 2),
    "bits 4, split": Case((20, 96), 9, 2, split_rows=32, symbol_bits=4, style="block"),
    "bits 5, groups": Case((24, 9), 5, 3, n_groups=8, symbol_bits=5),
    "bits 6, cut": Case((6, 64), 11, 1, 40.0, symbol_bits=6, x_bits=5, x_signed=False),
    "bits 12": Case((8, 33), 3, symbol_bits=12),
    "groups, split": Case((16, 18), 6, 2, n_groups=4, split_rows=36, symbol_bits=2),
    "lanes": Case((30, 64), 7, 1, lanes=4),
    "lanes, split": Case((30, 64), 7, 2, lanes=8, split_rows=16, symbol_bits=2),
    "short walk": Case((3, 1), 1, 4, symbol_bits=1),
    "no tap": Case((3, 4), 1, 2, 0.0),
    "words": Case((40, 144), 16, 2, symbol_bits=NO_CODE, style="block"),
    "words, sparse, split": Case((20, 96), 9, 2, 0.6, split_rows=32, symbol_bits=NO_CODE),
    "words, groups": Case((24, 9), 5, 3, n_groups=8, symbol_bits=NO_CODE),
    "words, lanes": Case((30, 64), 7, 2, lanes=8, split_rows=16, symbol_bits=NO_CODE),
    "words, cut": Case((6, 64), 11, 1, 40.0, symbol_bits=NO_CODE, x_bits=5, x_signed=False),
    "words, short": Case((3, 1), 1, 4, symbol_bits=NO_CODE),
    "words, no tap": Case((3, 4), 2, 2, 0.0, symbol_bits=NO_CODE),
}


@pytest.fixture(scope="module")
def arrays(tmp_path_factory: pytest.TempPathFactory) -> ArrayBench:
    return array_bench(tmp_path_factory.mktemp("arrays"), list(CASES.values()))


@pytest.mark.parametrize("name", CASES)
def test_results_and_cycles(name: str, arrays: ArrayBench) -> None:
    number, case = list(CASES).index(name), CASES[name]
    walked = check(arrays, number, 8)
    assert len(walked) == 8
    check(arrays, number, 6, in_percent=30, out_percent=20, seed=2)
    check(arrays, number, 5, in_percent=95, out_percent=60, seed=3)
    for at in (
        3,
        case.n_beats + case.walk_cycles // 2 + 9,
        2 * case.n_beats + case.walk_cycles + 7,
    ):
        check(arrays, number, 4, seed=at, reset_at=at)


@pytest.mark.parametrize("name", ["bits 3", "words"])
def test_a_walk_follows_a_walk_without_a_gap(name: str, arrays: ArrayBench) -> None:
    number, case = list(CASES).index(name), CASES[name]
    assert case.walk_cycles + RESTART > max(case.n_beats, 2 * case.n_results + 8)
    walked = check(arrays, number, 6)
    assert set(np.diff(walked)) == {case.walk_cycles + RESTART}
