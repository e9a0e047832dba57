"""``bitpruner``: caps of lock-step groups, and the budget of each layer for a target of cycles."""

import copy
import itertools
import math

import numpy as np
import pytest
import torch
from bitpruner_cases import (
    ADAM,
    cycles_by_output,
    data,
    levels,
    mlp,
    ones,
    optimiser,
    prepared,
    train,
)
from torch import nn

from bitfpga import prune
from bitfpga.errors import PruneError
from bitfpga.prune.bitpruner_budget import deal_caps
from bitfpga.prune.work import lockstep_cycles


@pytest.mark.parametrize(("budget", "group_budget", "group"), [(3, 2, 4), (5, 1, 3), (2, 2, 5)])
def test_a_group_budget_bounds_the_cycles_of_every_output(budget, group_budget, group):
    torch.manual_seed(2)
    net = nn.Sequential(nn.Conv2d(3, 5, 3), nn.Flatten(), nn.Linear(5 * 2 * 3, 7))
    method = prune.BitPruner(budget, group_budget, group, admm_from=0.2, structured_from=0.4)
    model = prune.prepare(net, method)
    x, y = torch.rand(29, 3, 4, 5), torch.randint(0, 7, (29,))
    optimizer = optimiser(model, ADAM, lr=0.01)
    caps = []
    for epoch in range(8):
        prune.advance(model, epoch / 8)
        train(model, optimizer, 2, x, y)
        caps.append([layer.quantiser.caps.clone() for layer in prune.pruned_layers(model)])
    prune.finish(model)
    assert all(torch.equal(a, b) for a, b in zip(caps[3], caps[-1], strict=True))  # they stay
    for layer in prune.pruned_layers(model):
        values = levels(layer)
        n_groups = -(-values[0].size // group)
        assert ones(layer).max() <= budget
        assert cycles_by_output(values, group).max() <= group_budget * n_groups
        assert lockstep_cycles(values.reshape(len(values), -1), group) <= group_budget


def test_group_caps_cost_least_of_all():
    generator = np.random.default_rng(5)
    errors = np.sort(generator.integers(0, 40, (4, 71, 5)), axis=0)[::-1].astype(float)
    caps = deal_caps(errors, 6)
    assert caps.shape == (71, 5)
    assert caps.sum(axis=1).max() <= 6
    allowed = [c for c in itertools.product(range(4), repeat=5) if sum(c) <= 6]
    for row in range(71):
        costs = [sum(errors[c, row, g] for g, c in enumerate(deal)) for deal in allowed]
        assert sum(errors[c, row, g] for g, c in enumerate(caps[row])) == min(costs)


def test_the_projection_deals_caps_where_they_cost_least():
    model = nn.Sequential(nn.Linear(5, 1, bias=False))
    with torch.no_grad():
        model[0].weight.copy_(torch.tensor([[84.0, 1.0, 8.0, 2.0, 5.0]]) / 128)
    method = prune.BitPruner(budget=3, group_budget=2, group=2)
    (layer,) = prune.pruned_layers(model := prune.prepare(model, method))
    prune.finish(model)
    # Groups (84, 1), (8, 2), (5): 6 one-bits over three groups let each have what it has.
    assert levels(layer)[0].tolist() == [84, 1, 8, 2, 5]
    assert layer.quantiser.caps[0].tolist() == [3, 3, 1, 1, 2]


def test_short_caps_go_to_the_groups_that_need_them():
    model = nn.Sequential(nn.Linear(5, 1, bias=False))
    with torch.no_grad():
        model[0].weight.copy_(torch.tensor([[84.0, 1.0, 7.0, 2.0, 5.0]]) / 128)
    method = prune.BitPruner(budget=3, group_budget=1, group=2)
    model = prune.finish(prune.prepare(model, method))
    (layer,) = prune.pruned_layers(model)
    # Caps (1, 1, 1) cost 400 + 1 + 1, (2, 1, 0) 16 + 1 + 25, (3, 0, 0) 0 + 53 + 25.
    assert layer.quantiser.caps[0].tolist() == [2, 2, 1, 1, 0]
    assert levels(layer)[0].tolist() == [80, 1, 8, 2, 0]


def quality_of(model, x):
    """Return an evaluate function: minus the squared change of the output."""
    with torch.no_grad():
        full = copy.deepcopy(model)(x)
    calls = []

    def evaluate(changed):
        calls.append(1)
        with torch.no_grad():
            return -float((changed(x) - full).square().mean())

    return evaluate, calls


@pytest.mark.parametrize("target", [1.0, 1.4, 2.2, 3.0, 7.0])
def test_the_search_meets_its_target_from_the_largest_budgets_down(target):
    model = prepared(method=prune.BitPruner(group=4)).eval()
    x, _ = data()
    evaluate, calls = quality_of(model, x)
    prune.advance(model, 0.2)
    state = {key: value.clone() for key, value in model.state_dict().items()}
    budgets = prune.search_budgets(model, evaluate, target)
    assert list(budgets) == ["0", "2", "4"]
    assert len(calls) == 1 + 3 * 6
    changed = {k for k, v in model.state_dict().items() if not torch.equal(v, state[k])}
    assert {key.rsplit(".", 1)[-1] for key in changed} <= {"budgets", "caps"}
    if target == 7.0:
        assert set(budgets.values()) == {7}
    prune.finish(model)
    assert prune.lockstep_mean(model) <= target
    for layer in prune.pruned_layers(model):
        assert ones(layer).max() <= budgets[layer.name] == int(layer.quantiser.caps.max())
    worst = evaluate(model)
    if target > 2:  # better than one budget for all that meets the same target
        other = prune.finish(prepared(method=prune.BitPruner(budget=1))).eval()
        assert worst > evaluate(other)


def test_the_mean_of_cycles_weighs_layers_by_their_products():
    torch.manual_seed(6)
    net = nn.Sequential(nn.Conv1d(3, 5, 2), nn.Flatten(), nn.Linear(5 * 6, 7))
    model = prune.prepare(net, prune.BitPruner(group=4))
    with pytest.raises(PruneError, match="no input has run through layer '0'"):
        prune.lockstep_mean(model)
    model(torch.rand(4, 3, 7))
    conv, dense = prune.pruned_layers(model)
    each = [cycles_by_output(levels(layer), 4) for layer in (conv, dense)]
    means = [each[0].sum() / (5 * 2), each[1].sum() / (7 * 8)]
    macs = [5 * 6 * 6, 7 * 30]
    expected = (means[0] * macs[0] + means[1] * macs[1]) / sum(macs)
    assert prune.lockstep_mean(model) == pytest.approx(expected, rel=1e-12)  # a mean of floats


def test_the_search_takes_the_cheapest_move_first():
    model = prepared(method=prune.BitPruner(group=4)).eval()
    first, second, third = prune.pruned_layers(model)
    x, _ = data()

    def evaluate(changed):
        changed(x)
        return -100.0 * (ones(first).max() < 3) - 10.0 * (ones(second).max() < 2) + 0.5

    assert ones(first).max() > 3
    everything = prune.lockstep_mean(model)
    budgets = prune.search_budgets(model, evaluate, 0.75 * everything)
    assert budgets["0"] >= 3
    assert budgets["4"] < 4
    assert int(third.quantiser.budgets[0]) == budgets["4"]


def test_the_search_weighs_quality_by_the_cycles_it_buys():
    model = prepared(method=prune.BitPruner(group=4)).eval()
    first, _, third = prune.pruned_layers(model)
    full = ones(first).max(), ones(third).max()
    x, _ = data()
    lowered = []

    def evaluate(changed):
        changed(x)
        found = prune.pruned_layers(changed)
        lowered.append(sum(bool(layer.quantiser.caps.max() < 7) for layer in found))
        lost = 1.0 * (ones(first).max() < full[0]) + 0.5 * (ones(third).max() < full[1])
        return -lost - 100.0 * (ones(prune.pruned_layers(changed)[1]).max() < 3)

    # The first layer loses twice what the third does, and has three times its products.
    budgets = prune.search_budgets(model, evaluate, prune.lockstep_mean(model) - 0.5)
    assert budgets["4"] == 7
    assert budgets["0"] < 7
    assert lowered == [0] + 18 * [1]  # each layer alone


def test_a_search_out_of_reach_or_without_a_number_leaves_the_model_as_it_was():
    model = prepared(method=prune.BitPruner(group=4)).eval()
    state = {key: value.clone() for key, value in model.state_dict().items()}
    evaluate, _ = quality_of(model, data()[0])
    with pytest.raises(PruneError, match=r"cycles_target=0.5: .* reach (\S+) lock-step") as caught:
        prune.search_budgets(model, evaluate, 0.5)
    least = float(str(caught.value).split("reach ")[1].split()[0])
    ones_everywhere = prune.finish(prepared(method=prune.BitPruner(budget=1, group=4)))
    assert least == pytest.approx(prune.lockstep_mean(ones_everywhere), abs=1e-3)  # as printed
    for target, wrong in (
        (math.nan, evaluate),
        (2.0, lambda m: float(m(data()[0])[0, 0]) * math.nan),
    ):
        with pytest.raises(PruneError):
            prune.search_budgets(model, wrong, target)
    with pytest.raises(PruneError, match="evaluate returned nan: a finite number"):
        prune.search_budgets(model, lambda m: math.nan, 2.0)
    with pytest.raises(PruneError, match="run the model"):
        prune.search_budgets(prune.prepare(mlp(), "bitpruner"), lambda m: 1.0, 2.0)
    with pytest.raises(PruneError, match="prepared with method 'plain', but 'bitpruner'"):
        prune.search_budgets(prune.prepare(mlp(), "plain"), evaluate, 2.0)
    assert all(torch.equal(model.state_dict()[key], value) for key, value in state.items())


def test_no_cap_is_over_the_budget_where_bits_are_left():
    model = nn.Sequential(nn.Linear(3, 1, bias=False))
    with torch.no_grad():
        model[0].weight.copy_(torch.tensor([[84.0, 0.0, 0.0]]) / 128)
    method = prune.BitPruner(budget=2, group_budget=1, group=1)
    (layer,) = prune.pruned_layers(prune.finish(prune.prepare(model, method)))
    assert levels(layer)[0].tolist() == [80, 0, 0]
    assert layer.quantiser.caps.max() == 2


def test_a_group_budget_holds_through_the_search():
    model = prepared(method=prune.BitPruner(budget=3, group_budget=2, group=4)).eval()
    evaluate, _ = quality_of(model, data()[0])
    budgets = prune.search_budgets(model, evaluate, 1.8)
    layers = prune.pruned_layers(model)
    assert [layer.quantiser.budgets.tolist() for layer in layers] == [
        [budget, 2] for budget in budgets.values()
    ]
    assert max(budgets.values()) > 2
    prune.finish(model)
    assert prune.lockstep_mean(model) <= 1.8
    for layer in layers:
        assert cycles_by_output(levels(layer), 4).max() <= 2 * -(-layer.weight.shape[1] // 4)
