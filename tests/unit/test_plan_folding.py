"""Foldings: every layer keeps to its limit, its PEs are busy, and estimates are close."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from conv_nets import conv_layer, conv_net
from hypothesis import given, settings
from hypothesis import strategies as st
from mlps import mlp, one_dense, random_weights
from streamed import only_step

from bitfpga.boards import load_board
from bitfpga.digits import NumberSystem
from bitfpga.ir import Network
from bitfpga.plan.decoding import read_stream
from bitfpga.plan.facts import array_facts
from bitfpga.plan.feeding import tap_feed
from bitfpga.plan.finish import Folded, fold_design
from bitfpga.plan.folding import WAITS, ArrayOptions
from bitfpga.plan.resources import board_prices
from bitfpga.plan.search import PRICE_WEIGHTS, DesignSpace

BOARD = load_board("pynq-z2")
CSD = NumberSystem.CSD


@cache
def space(name: str, beat_pixels: int = 1) -> DesignSpace:
    networks = {
        "conv": conv_net(12, seed=1),
        "wide": conv_net(40, seed=2),
        "sparse": conv_net(24, density=0.1, seed=3),
        "mlp": mlp((40, 64, 9, 5)),
    }
    return DesignSpace(networks[name], BOARD, CSD, beat_pixels, 1)


def folded(name: str, beat_pixels: int, share: float, weight: float) -> tuple[int, Folded] | None:
    """Return a limit between the shortest and the slowest (``share`` 0 to 1), and its design."""
    found = space(name, beat_pixels)
    limit = round(found.shortest * (found.slowest / found.shortest) ** share)
    design = found.design(limit, weight)
    return None if design is None else (limit, fold_design(design, limit))


NAMES = st.sampled_from(("conv", "wide", "sparse", "mlp"))
BEATS = st.sampled_from((1, 2, 8))
WEIGHTS = st.sampled_from(PRICE_WEIGHTS)


@given(NAMES, BEATS, st.floats(0, 1), WEIGHTS)
@settings(max_examples=80)
def test_every_layer_keeps_to_its_limit(name, beat_pixels, share, weight) -> None:
    made = folded(name, beat_pixels, share, weight)
    if made is None:
        assert share < 0.3
        return
    limit, found = made
    for array in found.arrays.values():
        assert array.interval_cycles <= limit
        assert array.interval_cycles == max(array.demands.values())
        assert array.n_tiles * array.folding.tile_pixels >= array.facts.n_pixels
        assert array.folding.tile_pixels % array.beat_pixels == 0


@given(NAMES, st.floats(0.1, 1), WEIGHTS)
@settings(max_examples=30)
def test_the_estimate_is_close_to_what_comes_out(name, share, weight) -> None:
    made = folded(name, 2, share, weight)
    if made is None:
        return
    limit, found = made
    design = space(name, 2).design(limit, weight)
    for layer, folding in design.foldings.items():
        if found.arrays[layer].folding.n_pes == folding.n_pes:
            real = found.arrays[layer].resources(design.prices)
            cost = design.prices.cost(real.luts, real.bram36)
            assert cost == pytest.approx(folding.cost, rel=0.25)


@given(NAMES, BEATS, st.floats(0, 0.98), WEIGHTS)
@settings(max_examples=40)
def test_more_cycles_never_cost_more(name, beat_pixels, share, weight) -> None:
    """The bisection over limits rests on this; a busier folding may cost a quarter more."""
    found = space(name, beat_pixels)
    limits = [
        round(found.shortest * (found.slowest / found.shortest) ** place)
        for place in (share, share + 0.02)
    ]
    fast, slow = (found.design(limit, weight) for limit in limits)
    if fast is not None:
        assert slow is not None
        assert slow.cost <= fast.cost * 1.3


@pytest.mark.parametrize("weight", [0.25, 1.0, 4.0])
@pytest.mark.parametrize("share", [0.2, 0.4, 0.6, 0.8])
def test_nearly_every_pe_cycle_carries_a_tap(share: float, weight: float) -> None:
    made = folded("wide", 2, share, weight)
    assert made is not None
    for name, array in made[1].arrays.items():
        n_pes, taps = len(array.stream.pe_split), array.stream.n_taps
        least = 0.8 if array.facts.taps.n_groups > 1 else 0.95
        assert taps >= least * n_pes * array.walk_cycles, name


def test_a_dense_layer_of_many_outputs_is_dealt_evenly() -> None:
    facts = array_facts(only_step(one_dense(random_weights(256, 64, 0.6))), CSD)
    options = ArrayOptions(facts, "rom", 1, 1)
    assert options.fold(options.shortest - 1, board_prices(BOARD, 1.0)) is None
    for limit in (500, 700, 2000, 9999):
        fold = options.fold(limit, board_prices(BOARD, 1.0))
        assert fold is not None
        waits = 256**2 // (WAITS * limit)
        assert len(facts.taps) >= 0.95 * fold.n_pes * (limit - waits) or fold.n_pes < 20


@pytest.mark.parametrize("groups", [1, 4, 12])
def test_the_streams_of_a_folding_hold_the_layers_weights(groups: int) -> None:
    layer = conv_layer("c", "input", (12, 12, 9, 7), 3, groups=groups, seed=5)
    network = Network("n", conv_net(12).input, (layer,))
    found = DesignSpace(network, BOARD, CSD, 2, 1)
    design = found.design(found.shortest * 3, 1.0)
    assert design is not None
    array = fold_design(design, found.shortest * 3).arrays["c"]
    whole = read_stream(array.stream, array.facts.n_rows)
    per_group = layer.weight[0].size
    for output, row in enumerate(layer.weight.reshape(12, -1)):
        first = output // (12 // groups) * per_group
        np.testing.assert_array_equal(whole[output, first : first + per_group], row)
        assert np.count_nonzero(whole[output]) == np.count_nonzero(row)


def test_a_pruned_layer_takes_only_its_outputs_time() -> None:
    network = one_dense(np.zeros((5, 3), np.int16))
    found = DesignSpace(network, BOARD, CSD, 1, 1)
    assert (found.shortest, found.slowest) == (5, 5)
    design = found.design(5, 1.0)
    assert design is not None
    array = fold_design(design, 5).arrays["fc"]
    assert (array.walk_cycles, array.emit_cycles, array.interval_cycles) == (0, 5, 5)
    assert not array.in_parts


@pytest.mark.parametrize("n_samples", [1, 4])
def test_taps_in_memory_come_one_row_a_cycle(n_samples, monkeypatch) -> None:
    monkeypatch.setattr("bitfpga.plan.search.ON_CHIP_ROWS", 0)
    found = DesignSpace(mlp((40, 64, 9)), BOARD, CSD, 1, n_samples)
    assert set(found.sources.values()) == {"memory"}
    limit = round(1.3 * found.shortest)
    design = found.design(limit, 1.0)
    assert design is not None
    arrays = list(fold_design(design, limit).arrays.values())
    for array in arrays:
        assert array.stream.row_bits == 64
        longest = int(array.stream.pe_cycles.max())
        assert array.walk_cycles == tap_feed(array.stream).walk_cycles
        assert array.walk_cycles > max(longest, array.stream.tap_rows.size)
    assert max(len(array.stream.pe_split) for array in arrays) > 8


def test_the_largest_layers_go_to_memory_first(monkeypatch: pytest.MonkeyPatch) -> None:
    network = mlp((16, 24, 9, 5))
    assert set(DesignSpace(network, BOARD, CSD, 1, 1).sources.values()) == {"rom"}
    monkeypatch.setattr("bitfpga.plan.search.ON_CHIP_ROWS", 60)
    sources = DesignSpace(network, BOARD, CSD, 1, 1).sources
    assert sources == {"fc1": "memory", "fc2": "memory", "fc3": "rom"}


def test_samples_side_by_side_share_the_taps() -> None:
    one, four = (DesignSpace(mlp((16, 24, 9)), BOARD, CSD, 1, n) for n in (1, 4))
    designs = [s.design(s.slowest, 1.0) for s in (one, four)]
    assert all(design is not None for design in designs)
    luts = [design.resources.luts for design in designs if design is not None]
    assert luts[0] < luts[1] < 4 * luts[0]
    assert four.shortest == 4 * 16  # the elements of four samples arrive one a cycle
