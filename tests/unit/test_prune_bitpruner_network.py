"""``bitpruner``: ADMM and the structured stage, resumed runs, and the integers that are built."""

import copy

import numpy as np
import pytest
import torch
from bitpruner_cases import (
    ADAM,
    SGD,
    data,
    levels,
    mlp,
    nearest,
    ones,
    optimiser,
    prepared,
    train,
)
from torch import nn

from bitfpga import prune, reference
from bitfpga.errors import PruneError
from bitfpga.frontends.torch import from_torch


def test_admm_moves_weights_towards_the_budget_and_its_dual_follows():
    model = prepared(rho=1.0, dual_every=5, admm_from=0.0, structured_from=0.9, n_progressive=0)
    layers = prune.pruned_layers(model)
    assert float(prune.penalty(model)) == 0.0
    prune.advance(model, 0.0)

    def distances():
        found = []
        for layer in layers:
            steps = (layer.weight.detach() / layer.quantiser.step_size).numpy()
            snapped = np.vectorize(lambda s: np.sign(s) * nearest(abs(s), 2))(steps)
            found.append(float(np.square(steps - snapped).sum()))
        return found

    start = distances()
    scales = [float(layer.quantiser.step_size) for layer in layers]
    expected = sum(d * s**2 for d, s in zip(start, scales, strict=True)) / 2
    assert prune.penalty(model).item() == pytest.approx(expected, rel=1e-5)  # sums in float32
    optimizer = torch.optim.SGD(model.parameters(), lr=0.2)
    for count in range(1, 31):
        optimizer.zero_grad()
        prune.penalty(model).backward()
        optimizer.step()
        weights = [layer.weight.detach().clone() for layer in layers]
        duals = [layer.quantiser.dual.clone() for layer in layers]
        prune.step(model, optimizer)
        for layer, weight, dual in zip(layers, weights, duals, strict=True):
            quantiser = layer.quantiser
            if count % 5:
                assert torch.equal(quantiser.dual, dual)
                continue
            steps = ((weight + dual) / quantiser.step_size).numpy()
            snapped = np.vectorize(lambda s: np.sign(s) * nearest(abs(s), 2))(steps)
            consensus = torch.from_numpy(snapped).float() * quantiser.step_size
            assert torch.equal(quantiser.consensus, consensus)
            assert torch.equal(quantiser.dual, dual + (weight - consensus))
    expected = sum(
        (layer.weight - layer.quantiser.consensus + layer.quantiser.dual).square().sum() / 2
        for layer in layers
    )
    assert any(layer.quantiser.dual.any() for layer in layers)
    assert prune.penalty(model).item() == pytest.approx(float(expected.detach()), rel=1e-5)
    assert all(end < 0.1 * old for end, old in zip(distances(), start, strict=True))
    prune.advance(model, 0.9)
    assert float(prune.penalty(model)) == 0.0
    prune.step(model, optimizer)
    assert [int(layer.quantiser.n_steps) for layer in layers] == [30, 30, 30]


def test_no_goal_holds_once_admm_begins_and_the_forward_is_still_free():
    model = prepared(admm_from=0.3, structured_from=0.7)
    prune.advance(model, 0.0)
    prune.advance(model, 0.3)
    layers = prune.pruned_layers(model)
    assert max(ones(layer).max() for layer in layers) > 2
    with torch.no_grad():
        layers[2].weight.fill_(0.3)
    optimizer = optimiser(model, SGD)
    prune.step(model, optimizer)
    assert torch.equal(layers[2].weight, torch.full_like(layers[2].weight, 0.3))
    prune.advance(model, 0.7)
    assert max(ones(layer).max() for layer in layers) == 2


@pytest.mark.parametrize("budget", range(1, 8))
def test_no_weight_is_over_its_budget_after_finish(budget):
    model = prepared(method=prune.BitPruner(budget=budget))
    x, y = data()
    optimizer = optimiser(model, ADAM)
    for epoch in range(10):
        prune.advance(model, epoch / 10)
        train(model, optimizer, 2, x, y)
    layers = prune.pruned_layers(model)
    assert max(ones(layer).max() for layer in layers) <= budget
    with torch.no_grad():
        y = model.eval()(x)
        assert prune.finish(model) is model
        first = {key: value.clone() for key, value in model.state_dict().items()}
        assert torch.equal(model(x), y)
    assert max(ones(layer).max() for layer in layers) <= budget
    for layer in layers:
        assert torch.equal(layer.weight / layer.quantiser.step_size, torch.tensor(levels(layer)))
    prune.finish(model)
    assert all(torch.equal(model.state_dict()[key], value) for key, value in first.items())
    train(model.train(), optimiser(model, ADAM), 3, *data())
    assert max(ones(layer).max() for layer in layers) <= budget


def test_finish_alone_is_enough_and_takes_no_options():
    model = prepared(method=prune.BitPruner(budget=1))
    with pytest.raises(PruneError, match="bitpruner: finish has no option project"):
        prune.finish(model, project=True)
    prune.finish(model)
    assert max(ones(layer).max() for layer in prune.pruned_layers(model)) == 1


def test_each_layer_may_have_its_own_budget_and_schedule():
    own = {"0": prune.BitPruner(budget=1, structured_from=0.1, admm_from=0.1), "4": 4}
    model = prune.prepare(mlp(), prune.BitPruner(budget=3), layers=own)
    layers = prune.pruned_layers(model)
    prune.advance(model, 0.2)
    assert [int(layer.quantiser.stage) for layer in layers] == [3, 1, 1]
    assert [bool(layer.quantiser.held) for layer in layers] == [True, False, False]
    prune.finish(model)
    assert [ones(layer).max() for layer in layers[:2]] == [1, 3]
    assert 4 <= np.abs(levels(layers[2])).max() <= 7


def snapshot(model, optimizer):
    """Return both states as files hold them: tensors copied, contiguous, and by name."""
    state = {key: value.clone().contiguous() for key, value in model.state_dict().items()}
    assert len({value.data_ptr() for value in state.values()}) == len(state)
    assert all(type(value) is torch.Tensor for value in state.values())
    return state, copy.deepcopy(optimizer.state_dict())


@pytest.mark.parametrize("kind", [SGD, ADAM])
@pytest.mark.parametrize("stop", [0, 2, 5, 8])
def test_a_run_resumed_in_any_stage_goes_on_the_same(kind, stop):
    options = {"group_budget": 1, "group": 4, "dual_every": 3, "rho": 0.3}
    x, y = data()

    def go_on(model, optimizer, epochs):
        for epoch in epochs:
            prune.advance(model, epoch / 10)
            train(model, optimizer, 2, x, y)

    model = prepared(**options)
    optimizer = optimiser(model, kind)
    go_on(model, optimizer, range(stop))
    train(model, optimizer, 1, x, y)  # in mid-stage
    state, optimizer_state = snapshot(model, optimizer)
    copied = copy.deepcopy(model)
    go_on(model, optimizer, range(stop, 10))
    expected = prune.finish(model).state_dict()
    assert any(not torch.equal(expected[key], value) for key, value in state.items())

    again = prune.prepare(mlp(seed=8), prune.BitPruner(**options))
    again.load_state_dict(state)
    for other in (again, copied):
        optimizer = optimiser(other, kind)
        optimizer.load_state_dict(copy.deepcopy(optimizer_state))
        go_on(other, optimizer, range(stop, 10))
        found = prune.finish(other).state_dict()
        assert found.keys() == expected.keys()
        for key, value in expected.items():
            assert torch.equal(found[key], value), key


def assert_same_integers(model, x):
    network = from_torch(model.eval(), x[:31])
    with torch.no_grad():
        expected = model(x).double().numpy()
    found = network.dequantise(reference.run(network, network.quantise(x.numpy())))
    np.testing.assert_array_equal(found, expected)
    return network


@pytest.mark.parametrize("budget", [1, 2, 4])
def test_an_mlp_is_built_exactly_as_it_trained(budget):
    model = prepared(method=prune.BitPruner(budget=budget, group_budget=1, group=4))
    optimizer = optimiser(model, ADAM)
    for epoch in range(10):
        prune.advance(model, epoch / 10)
        train(model, optimizer, 2, *data())
    prune.finish(model)
    assert_same_integers(model, data(n=90)[0])


def test_a_convolutional_network_with_batch_norm_is_built_exactly_as_it_trained():
    torch.manual_seed(12)
    net = nn.Sequential(
        nn.Conv2d(2, 5, 3, bias=False), nn.BatchNorm2d(5), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(5, 3, (1, 2)), nn.BatchNorm2d(3), nn.ReLU(), nn.Flatten(), nn.Linear(18, 7),
    )  # fmt: skip
    x, y = torch.randn(53, 2, 8, 9), torch.randint(0, 7, (53,))
    for _ in range(3):
        net(x)  # statistics of the batch norms
    model = prune.prepare(net.train(), "bitpruner", layers={"4": prune.BitPruner(budget=1)})
    model(x)
    optimizer = optimiser(model, ADAM, lr=0.01)
    for epoch in range(10):
        prune.advance(model, epoch / 10)
        train(model, optimizer, 2, x, y)
    prune.finish(model)
    assert [ones(layer).max() for layer in prune.pruned_layers(model)] == [2, 1, 2]
    assert_same_integers(model, x)
