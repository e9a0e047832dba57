"""Energies against sums by hand, Table 1, the plotted energies and eq 9 of the paper."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from bitfpga.errors import PruneError
from bitfpga.prune.energy import (
    ENERGY_MODELS,
    EnergyModel,
    EnergyRow,
    LayerWork,
    OperationEnergy,
    add_energy_pj,
    energy_model,
    energy_table,
    layer_work,
    mult_energy_pj,
)

RNG = np.random.default_rng(20230501)
AWKWARD = (-256, -255, -128, -1, 0, 0, 3, 7, 85, 127, 128, 255)
CONV = RNG.choice(AWKWARD, size=(5, 3, 2, 7))
DENSE = RNG.choice(AWKWARD, size=(3, 37))
HAND = np.array([[3, 0, -128], [255, -1, 0]])  # 12 one-bits, 6 signed digits


def hand_work(n_positions: int = 1) -> LayerWork:
    return layer_work("hand", HAND, n_positions, 8)


def test_an_all_zero_layer_keeps_the_sums_of_its_planes() -> None:
    work = layer_work("zero", np.zeros((4, 3), np.int8), 5, 6)
    assert (work.density, work.sigma_add, work.digits("csd")) == (0, 0, 0)
    assert work.adds() == work.adds("csd") == work.shifts() == 4 * 5 * 5
    assert mult_energy_pj(work, "asic45") == 0
    assert add_energy_pj(work, "asic45") == pytest.approx(100 * 0.03 + 100 * 0.024)


def test_one_plane_needs_no_shift() -> None:
    work = layer_work("ternary", np.array([[1, -1, 0], [0, 0, 1]]), 1, 1)
    assert (work.shifts(), work.adds()) == (0, 3)
    assert add_energy_pj(work, "zc706") == pytest.approx(3 * 0.1)


# Table 1 of the paper, by (model, activation bits): multiplication, addition, shift in pJ.
TABLE_1 = {
    ("asic45", 1): (0.2, 0.03, 0.024),
    ("asic45", 8): (0.2, 0.03, 0.024),
    ("asic45", 9): (3.1, 0.1, 0.13),
    ("asic45", 32): (3.1, 0.1, 0.13),
    ("zc706", 8): (0.2, 0.1, 0.025),
    ("zc706", 9): (19.6, 0.1, 0.1),
    ("zc706", 32): (19.6, 0.1, 0.1),
    ("paper_plot", 4): (3.1 / 64, 0.03, 0.024),
    ("paper_plot", 8): (3.1 / 16, 0.03, 0.024),
    ("paper_plot", 16): (3.1 / 4, 0.1, 0.13),
    ("paper_plot", 32): (3.1, 0.1, 0.13),
}


@pytest.mark.parametrize(("name", "bits"), TABLE_1)
def test_operations_are_those_of_table_1(name: str, bits: int) -> None:
    assert ENERGY_MODELS[name].operations(bits) == OperationEnergy(*TABLE_1[name, bits])


def test_models_are_known_by_their_own_names() -> None:
    assert list(ENERGY_MODELS) == ["asic45", "zc706", "paper_plot"]
    assert all(model.name == name for name, model in ENERGY_MODELS.items())
    assert {model.unit for model in ENERGY_MODELS.values()} == {"pJ"}
    own = EnergyModel("own", OperationEnergy(5, 2, 1), OperationEnergy(50, 20, 10))
    assert energy_model(own) is own
    assert energy_model("zc706") is ENERGY_MODELS["zc706"]
    assert add_energy_pj(hand_work(), own) == 26 * 2 + 14 * 1
    assert mult_energy_pj(hand_work(), own, 9) == 4 * (50 + 20)


@pytest.mark.parametrize(("bits", "printed_uj"), [(4, 26), (8, 107), (32, 1721)])
def test_the_paper_plots_these_energies(bits: int, printed_uj: int) -> None:
    """Of 555.2e6 multiply-accumulates; the paper prints the digits before the point."""
    assert int(555.2e6 * ENERGY_MODELS["paper_plot"].operations(bits).mult_pj / 1e6) == printed_uj


# (model, bits): multiply-add, binary and CSD energy of HAND at 7 positions, worked out by hand:
# 28 multiply-adds; 182 additions and 98 shifts; 154 additions and 112 shifts.
ENERGIES = {
    ("asic45", 8): (28 * 0.23, 182 * 0.03 + 98 * 0.024, 154 * 0.03 + 112 * 0.024),
    ("asic45", 32): (28 * 3.2, 182 * 0.1 + 98 * 0.13, 154 * 0.1 + 112 * 0.13),
    ("zc706", 8): (28 * 0.3, 182 * 0.1 + 98 * 0.025, 154 * 0.1 + 112 * 0.025),
    ("zc706", 32): (28 * 19.7, 182 * 0.1 + 98 * 0.1, 154 * 0.1 + 112 * 0.1),
    ("paper_plot", 8): (28 * (3.1 / 16 + 0.03), 7.812, 7.308),
}


@pytest.mark.parametrize(("model", "bits"), ENERGIES)
def test_energies_by_hand(model: str, bits: int) -> None:
    work = hand_work(n_positions=7)
    found = (
        mult_energy_pj(work, model, bits),
        add_energy_pj(work, model, activation_bits=bits),
        add_energy_pj(work, model, "csd", bits),
    )
    assert found == pytest.approx(ENERGIES[model, bits], rel=1e-12)  # sums of decimal fractions


@pytest.mark.parametrize("name", ENERGY_MODELS)
@pytest.mark.parametrize("bits", [8, 32])
def test_eq_9_and_exactly_what_it_neglects(name: str, bits: int) -> None:
    """Eq 9 lacks the addition of a multiply-accumulate and what joins the planes."""
    work, planes, n_inputs = layer_work("dense", DENSE, 13, 9), 9, DENSE.shape[1]
    energy = ENERGY_MODELS[name].operations(bits)
    eq_9 = (planes * energy.add_pj / energy.mult_pj) * (work.sigma_add / work.density)
    per_mac = energy.mult_pj / (energy.mult_pj + energy.add_pj)
    joining = (planes - 1) * (energy.add_pj + energy.shift_pj)
    joined = 1 + joining / (planes * work.sigma_add * n_inputs * energy.add_pj)
    ratio = add_energy_pj(work, name, "binary", bits) / mult_energy_pj(work, name, bits)
    assert ratio == pytest.approx(eq_9 * per_mac * joined, rel=1e-12)


def test_the_joining_of_planes_fades_with_long_dot_products() -> None:
    """A thousandfold dot product has a thousandth of the term; one plane has none at all."""
    excess = []
    for times in (1, 1000):
        work = layer_work("long", np.tile(DENSE, (1, times)), 1, 9)
        pure = work.one_bits * 0.03 / mult_energy_pj(work, "asic45")
        excess.append(add_energy_pj(work, "asic45") / mult_energy_pj(work, "asic45") - pure)
    assert excess[1] == pytest.approx(excess[0] / 1000, rel=1e-9)
    single = layer_work("single", np.sign(DENSE), 1, 1)
    assert add_energy_pj(single, "asic45") == pytest.approx(single.n_nonzero * 0.03)


def test_activations_have_8_bits_unless_told() -> None:
    work = hand_work()
    assert mult_energy_pj(work, "zc706") == mult_energy_pj(work, "zc706", 8)
    assert add_energy_pj(work, "zc706") == add_energy_pj(work, "zc706", "binary", 8)
    assert energy_table([work]) == energy_table([work], activation_bits=8)


def test_a_table_has_the_layers_and_then_the_network() -> None:
    works = [hand_work(7), layer_work("conv", CONV, 6, 9), layer_work("dense", DENSE, 1, 9)]
    rows = energy_table(works, ["zc706", "asic45"], activation_bits=9)
    labels = [(row.model, row.layer) for row in rows]
    names = ["hand", "conv", "dense", None]
    assert labels == [(model, name) for model in ("zc706", "asic45") for name in names]
    for row, work in zip(rows[4:7], works, strict=True):
        assert row == EnergyRow(
            "asic45",
            work.name,
            mult_energy_pj(work, "asic45", 9),
            add_energy_pj(work, "asic45", "binary", 9),
            add_energy_pj(work, "asic45", "csd", 9),
        )
    for field in ("mult_pj", "add_binary_pj", "add_csd_pj"):
        assert getattr(rows[3], field) == sum(getattr(row, field) for row in rows[:3])
    assert [row.model for row in energy_table(works[:1])[::2]] == list(ENERGY_MODELS)
    assert energy_table(works[:1])[0].mult_pj == mult_energy_pj(works[0], "asic45", 8)


REFUSALS = [
    (
        lambda: add_energy_pj(hand_work(), "asic"),
        "energy model 'asic' .* asic45, zc706, paper_plot",
    ),
    (lambda: mult_energy_pj(hand_work(), ""), "energy model '' is unknown"),
    (lambda: energy_table([hand_work()], ["zc706", "x"]), "energy model 'x' is unknown"),
    (lambda: energy_table([]), "no layers"),
    (lambda: add_energy_pj(hand_work(), "asic45", "ternary"), "'ternary' .* binary, csd"),
    (lambda: mult_energy_pj(hand_work(), "asic45", 0), "activation bits 0, .* from 1 to 32"),
    (lambda: add_energy_pj(hand_work(), "zc706", activation_bits=33), "activation bits 33, "),
]


@pytest.mark.parametrize(("ask", "message"), REFUSALS)
def test_what_is_refused_says_what_is_allowed(ask: Any, message: str) -> None:
    with pytest.raises(PruneError, match=message):
        ask()
