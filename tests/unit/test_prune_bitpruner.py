"""``bitpruner``: the projector, scale, options and bit sparsity, by brute force."""

import dataclasses
import math

import numpy as np
import pytest
import torch
from bitpruner_cases import SGD, VALUES, data, mlp, nearest, optimiser, prepared
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from bitfpga import prune
from bitfpga.errors import PruneError
from bitfpga.prune.bitpruner_budget import nearest_table


@pytest.mark.parametrize("most", range(8))
def test_the_projection_is_the_nearest_ties_upward_and_idempotent(most):
    row = nearest_table(8)[most]
    assert [int(row[2 * v]) for v in VALUES] == [nearest(v, most) for v in VALUES]
    assert [int(v) for v in row] == [nearest(i / 2, most) for i in range(255)]
    np.testing.assert_array_equal(row[2 * row.astype(int)], row)


def test_ties_and_the_top_of_the_projection():
    one, two = nearest_table(8)[1:3]
    assert [one[2 * v] for v in (3, 6, 12, 96, 127)] == [4, 8, 16, 64, 64]
    assert [two[2 * v] for v in (7, 11, 127)] == [8, 12, 96]


@pytest.mark.parametrize("bits", [2, 3, 5, 8])
def test_levels_of_real_weights_are_the_nearest_of_few_one_bits(bits):
    last = 2 ** (bits - 1) - 1
    generator = np.random.default_rng(bits)
    steps = generator.uniform(-last - 1, last + 1, 211)
    steps[:4] = last + 1, -last - 1, 0.5, -0.5
    net = nn.Sequential(nn.Linear(211, 1, bias=False))
    with torch.no_grad():
        net[0].weight.copy_(torch.from_numpy(steps / 64).reshape(1, -1))
    for budget in range(1, 8):
        method = prune.BitPruner(budget, structured_from=0, admm_from=0)
        model = prune.prepare(net, method, bits)
        prune.advance(model, 0.0)
        (layer,) = prune.pruned_layers(model)
        values, scale = layer.integer_weight()
        assert scale.tolist() == [1 / 64]
        real = layer.weight[0].tolist()
        expected = [int(math.copysign(1, w)) * nearest(abs(w) * 64, budget, last) for w in real]
        assert values[0].tolist() == expected


@pytest.mark.parametrize(
    ("largest", "scale"),
    [(1.0, 2**-7), (0.999, 2**-7), (1.001, 2**-6), (0.25, 2**-9), (0.2500001, 2**-8), (5.0, 2**-4)],
)
def test_the_scale_is_an_exact_power_of_two_a_layer(largest, scale):
    model = nn.Sequential(nn.Linear(3, 2))
    with torch.no_grad():
        model[0].weight.fill_(largest / 10)
        model[0].weight[1, 2] = -largest
    (layer,) = prune.pruned_layers(prune.prepare(model, method="bitpruner"))
    values, scales = layer.integer_weight()
    assert scales.tolist() == [scale, scale]
    assert values.min() == max(-127, -round(largest / scale))


def test_a_weight_of_exactly_a_power_of_two_still_learns():
    model = nn.Sequential(nn.Linear(2, 1, bias=False))
    with torch.no_grad():
        model[0].weight.copy_(torch.tensor([[0.5, -0.25]]))
    (layer,) = prune.pruned_layers(model := prune.prepare(model, method="bitpruner", act_bits=None))
    model(torch.ones(1, 2)).sum().backward()
    assert layer.weight.grad.tolist() == [[1.0, 1.0]]
    with torch.no_grad():
        layer.weight.mul_(1.01)
    layer.weight.grad = None
    model(torch.ones(1, 2)).sum().backward()
    assert layer.weight.grad.tolist() == [[0.0, 1.0]]


def test_bit_sparsity_counts_zero_bits_of_magnitude_or_byte():
    values = np.array([[0, 1, -1, 127], [-127, 64, 3, -64]], dtype=np.int8)
    assert prune.bit_sparsity(values) == 1 - (0 + 1 + 1 + 7 + 7 + 1 + 2 + 1) / 56
    assert (
        prune.bit_sparsity(values, twos_complement=True) == 1 - (0 + 1 + 8 + 7 + 2 + 1 + 2 + 2) / 64
    )
    assert prune.bit_sparsity(torch.tensor([-128]), twos_complement=True) == 7 / 8


@given(st.lists(st.integers(-127, 127), min_size=1, max_size=40))
@settings(max_examples=60, deadline=None)
def test_bit_sparsity_of_any_levels(values):
    counts = sum(bin(abs(v)).count("1") for v in values)
    assert prune.bit_sparsity(np.array(values)) == pytest.approx(1 - counts / 7 / len(values))
    counts = sum(bin(v & 255).count("1") for v in values)
    both = prune.bit_sparsity(np.array(values), twos_complement=True)
    assert both == pytest.approx(1 - counts / 8 / len(values))


@pytest.mark.parametrize(
    ("values", "twos_complement"), [([-128], False), ([128], True), ([-129], True), ([0.5], False)]
)
def test_bit_sparsity_refuses_what_is_not_int8(values, twos_complement):
    with pytest.raises(PruneError):
        prune.bit_sparsity(np.array(values), twos_complement)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"budget": 0}, "budget=0: a whole number from 1 to 7 is needed"),
        ({"budget": 8}, "budget=8: a whole number from 1 to 7 is needed"),
        ({"budget": True}, "budget=True: a whole number from 1 to 7 is needed"),
        ({"group_budget": 3}, "group_budget=3: a whole number from 1 to 2 is needed"),
        ({"group_budget": 0}, "group_budget=0: a whole number from 1 to 2 is needed"),
        ({"group": 0}, "group=0: a whole number from 1 up is needed"),
        ({"n_progressive": -1}, "n_progressive=-1: a whole number from 0 up is needed"),
        ({"n_progressive": 1.0}, "n_progressive=1.0: a whole number from 0 up is needed"),
        ({"dual_every": 0}, "dual_every=0: a whole number from 1 up is needed"),
        ({"fraction": 1.1}, "fraction=1.1: a finite number from 0 to 1 is needed"),
        ({"fraction": "1"}, "fraction='1': a finite number from 0 to 1 is needed"),
        ({"rho": -0.1}, "rho=-0.1: a finite number from 0 up is needed"),
        ({"rho": math.inf}, "rho=inf: a finite number from 0 up is needed"),
        ({"structured_from": 1.5}, "structured_from=1.5: a finite number from 0 to 1 is needed"),
        ({"admm_from": 0.7}, "admm_from=0.7: a finite number from 0 to 0.6 is needed"),
        ({"admm_from": math.nan}, "admm_from=nan: a finite number from 0 to 0.6 is needed"),
    ],
)
def test_bad_options_are_named(options, message):
    with pytest.raises(PruneError) as caught:
        prune.prepare(mlp(), prune.BitPruner(**options))
    assert str(caught.value) == f"bitpruner: {message}"
    with pytest.raises(PruneError):
        prune.prepare(mlp(), "bitpruner", layers={"2": prune.BitPruner(**options)})


def test_all_bad_options_are_named_at_once_and_the_edges_are_fine():
    problems = prune.BitPruner(9, 9, 0, 2, -1, 5, 7, -1, 0).problems()
    assert len(problems) == 9
    assert not prune.BitPruner(7, 7, 1, 1, 0, 1, 1, 0, 1).problems()
    assert not prune.BitPruner(1, None, 1, 0, 0, 0, 0, 0, 1).problems()
    assert dataclasses.replace(prune.BitPruner(), budget=1) == prune.BitPruner(budget=1)


def test_weights_that_a_batch_norm_makes_zero_are_refused():
    net = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2))
    with torch.no_grad():
        net[1].weight.zero_()
    with pytest.raises(PruneError, match="layer '0': all its weights are 0 once the batch norm"):
        prune.prepare(net, "bitpruner")


def test_nan_weights_come_out_as_nan():
    model = prepared()
    (layer, *_) = prune.pruned_layers(model)
    with torch.no_grad():
        layer.weight[:, 1] = math.nan
    assert model(data()[0]).isnan().any()
    prune.step(model, optimiser(model, SGD))
