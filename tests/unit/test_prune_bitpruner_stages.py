"""``bitpruner``: zeros stay zero, and no one-bits are gained above a goal."""

import math

import pytest
import torch
from bitpruner_cases import ADAM, SGD, data, levels, ones, optimiser, prepared, train, update
from torch import nn

from bitfpga import prune


@pytest.mark.parametrize("kind", [SGD, ADAM])
def test_zeros_stay_zero_in_every_stage(kind):
    model = prepared(rho=0.5, dual_every=2)
    layers = prune.pruned_layers(model)
    zeros = [layer.weight == 0 for layer in layers]
    assert [int(z.sum()) for z in zeros] == [55, 11, 0]
    optimizer = optimiser(model, kind)
    for progress in (0.0, 0.2, 0.4, 0.6):
        prune.advance(model, progress)
        train(model, optimizer, 3, *data())
        with torch.no_grad():  # whatever else moves them
            layers[0].weight.add_(0.1)
        assert not levels(layers[0])[zeros[0]].any()
        for layer in layers:
            momentum = optimizer.state[layer.weight]
            momentum["momentum_buffer" if kind == SGD else "exp_avg"].add_(0.1)
        prune.step(model, optimizer)
        for layer, zero in zip(layers, zeros, strict=True):
            assert not layer.weight[zero].any()
            key = "momentum_buffer" if kind == SGD else "exp_avg"
            assert not optimizer.state[layer.weight][key][zero].any()
    prune.finish(model)
    assert not any(layer.weight[zero].any() for layer, zero in zip(layers, zeros, strict=True))


def goals(model):
    return [int(layer.quantiser.goal) for layer in prune.pruned_layers(model)]


def test_the_goals_are_a_share_of_the_one_bits_and_half_of_it_at_the_ends():
    model = prepared(fraction=0.3, n_progressive=2, admm_from=0.8, structured_from=0.9)
    layers = prune.pruned_layers(model)
    counts = [int(ones(layer).sum()) for layer in layers]
    prune.advance(model, 0.0)
    shares = (0.85, 0.7, 0.85)
    expected = [math.floor(n * s) for n, s in zip(counts, shares, strict=True)]
    assert goals(model) == expected
    with torch.no_grad():
        layers[1].weight[:5].mul_(0.25)
    prune.advance(model, 0.39)
    assert goals(model) == expected
    prune.advance(model, 0.4)
    counts = [int(ones(layer).sum()) for layer in layers]
    assert goals(model) == [math.floor(n * s) for n, s in zip(counts, shares, strict=True)]
    prune.advance(model, 0.1)
    assert [int(layer.quantiser.stage) for layer in layers] == [1, 1, 1]


def test_in_a_convolutional_network_the_first_convolution_is_spared():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.mix = nn.Linear(7, 6)
            self.conv = nn.Conv1d(3, 5, 3)
            self.more = nn.Conv1d(5, 4, 2)

        def forward(self, x):
            return self.more(self.conv(self.mix(x)))

    model = prune.prepare(Net(), prune.BitPruner(fraction=0.5))
    counts = [int(ones(layer).sum()) for layer in prune.pruned_layers(model)]
    prune.advance(model, 0.0)
    shares = (0.75, 0.75, 0.5)  # the last dense layer, the first convolution, the other one
    assert goals(model) == [math.floor(n * s) for n, s in zip(counts, shares, strict=True)]


@pytest.mark.parametrize("kind", [SGD, ADAM])
def test_one_bits_never_rise_while_a_layer_is_above_its_goal(kind):
    model = prepared(n_progressive=3, fraction=0.1, admm_from=0.9, structured_from=0.9)
    layers = prune.pruned_layers(model)
    optimizer = optimiser(model, kind, lr=0.01)
    x, y = data()
    key = "momentum_buffer" if kind == SGD else "exp_avg"
    n_refused, n_met = 0, 0
    for epoch in range(27):
        prune.advance(model, epoch / 30)
        for i in range(0, len(x), 23):
            before = [(ones(layer), layer.weight.detach().clone()) for layer in layers]
            update(model, optimizer, x[i : i + 23], y[i : i + 23])
            tried = [(ones(layer), layer.weight.detach().clone()) for layer in layers]
            moved = [optimizer.state[layer.weight][key].clone() for layer in layers]
            prune.step(model, optimizer)
            for layer, goal, old, new, momentum in zip(
                layers, goals(model), before, tried, moved, strict=True
            ):
                above = max(old[0].sum(), new[0].sum()) > goal
                refused = torch.from_numpy(new[0] > old[0]) & bool(above)
                refused |= ~layer.quantiser.kept
                assert torch.equal(layer.weight, torch.where(refused, old[1], new[1]))
                left = optimizer.state[layer.weight][key]
                assert torch.equal(left, momentum.masked_fill(refused, 0.0))
                assert ones(layer).sum() <= max(old[0].sum(), goal)
                n_refused += int((refused & layer.quantiser.kept).sum())
                n_met += old[0].sum() <= goal
    assert n_refused > 20
    assert n_met > 20


def test_a_first_step_without_advance_counts_from_before_it():
    model = prepared(fraction=0.5)
    layers = prune.pruned_layers(model)
    counts = [int(ones(layer).sum()) for layer in layers]
    train(model, optimiser(model, ADAM), 1, *data())
    shares = (0.75, 0.5, 0.75)
    assert goals(model) == [math.floor(n * s) for n, s in zip(counts, shares, strict=True)]
    assert [int(layer.quantiser.stage) for layer in layers] == [0, 0, 0]


def test_a_layer_at_its_goal_moves_freely_and_never_past_it():
    model = nn.Sequential(nn.Linear(3, 1, bias=False))
    with torch.no_grad():
        model[0].weight.copy_(torch.tensor([[7.0, 3.0, 64.5]]) / 128)
    model = prune.prepare(model, prune.BitPruner(fraction=0.34))  # 6 ones, half of it: goal 4
    (layer,) = prune.pruned_layers(model)
    scale = layer.integer_weight()[1].item()
    prune.advance(model, 0.0)
    assert goals(model) == [math.floor(int(ones(layer).sum()) * 0.83)]
    goal = goals(model)[0]
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0)

    def move(*to):
        with torch.no_grad():
            layer.weight.copy_(torch.tensor([to]) * scale)
        prune.step(model, optimizer)
        return levels(layer)[0].tolist()

    first = levels(layer)[0].tolist()
    assert first == [7, 3, 65]
    assert goal == 5
    assert move(7, 7, 65) == [7, 3, 65]  # above the goal: no more one-bits
    assert move(7, 3, 67) == [7, 3, 65]
    assert move(1, 1, 67) == [1, 1, 65]  # nor while others come down far enough
    assert move(4, 1, 64) == [4, 1, 64]  # below it now
    assert move(5, 3, 64) == [5, 3, 64]  # up to the goal is free
    assert move(5, 7, 32) == [5, 3, 32]  # 6 ones would be above
    assert move(1, 7, 32) == [1, 7, 32]


def test_a_skipped_step_and_an_optimiser_without_momentum_change_nothing():
    model = prepared()
    prune.advance(model, 0.0)
    layers = prune.pruned_layers(model)
    before = [layer.weight.detach().clone() for layer in layers]
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    prune.step(model, optimizer)
    assert all(torch.equal(layer.weight, old) for layer, old in zip(layers, before, strict=True))
    assert not optimizer.state
    train(model, optimizer, 2, *data())


def test_only_the_structured_stage_is_settled():
    """Scores before it are of another network than the one that is built."""
    model = prepared()
    layers = prune.pruned_layers(model)
    found = []
    for progress in (0.0, 0.4, 0.59, 0.6, 0.9):
        prune.advance(model, progress)
        found.append(layers[0].method.settled(layers))
    assert found == [False, False, False, True, True]
    assert prune.BitPruner(structured_from=1.0).settled(
        prune.pruned_layers(prepared(structured_from=1.0))
    )
