"""Prepared models as copies, as states, under autocast and from the same seed."""

import copy

import pytest
import torch
from prune_models import ResNet, batch, mlp, rows_net, seeded, train

from bitfpga import prune
from bitfpga.prune.methods import METHODS

torch.set_num_threads(1)


@pytest.mark.parametrize("method", METHODS)
def test_a_copy_is_whole_and_apart(method):
    model, x = prune.prepare(seeded(ResNet), method), batch((2, 4, 4))
    train(model, x, 2)
    twin = copy.deepcopy(model)
    for layer in prune.pruned_layers(twin):
        assert layer.input_quantisers
        assert all(q in set(twin.modules()) for q in layer.input_quantisers)
        assert not set(layer.input_quantisers) & set(model.modules())
    before = model.eval()(x)
    assert torch.equal(twin.eval()(x), before)
    train(twin, x, 2)
    prune.finish(twin)
    assert torch.equal(model.eval()(x), before)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("finished", [False, True])
def test_a_state_goes_into_a_model_prepared_anew(method, finished):
    def fresh():
        net = prune.prepare(rows_net(), method)
        with torch.no_grad():
            for parameter in net.parameters():
                parameter.mul_(1.1)
        return net

    model, x = prune.prepare(rows_net(), method), batch((4, 6), unsigned=finished)
    train(model, x, 3)
    if finished:
        prune.finish(model)
    other = fresh()
    other.load_state_dict(model.state_dict())
    y = model.eval()(x)
    assert torch.equal(other.eval()(x), y)
    for a, b in zip(prune.pruned_layers(model), prune.pruned_layers(other), strict=True):
        assert torch.equal(a.current_levels(), b.current_levels())
        assert a.quantiser.groups() is None or b.quantiser.groups() is not None


@pytest.mark.parametrize("method", METHODS)
def test_seeds_repeat_exactly(method):
    found = []
    for _ in range(2):
        model = prune.prepare(seeded(ResNet), method)
        losses = train(model, batch((2, 4, 4)), 2)
        found.append((losses, model.state_dict()))
    assert found[0][0] == found[1][0]
    assert all(torch.equal(found[0][1][key], value) for key, value in found[1][1].items())


@pytest.mark.parametrize("method", METHODS)
def test_autocast_and_accumulation(method):
    model, x = prune.prepare(mlp(), method).train(), batch((13,))
    optimizer = torch.optim.AdamW(prune.parameter_groups(model, 0.01))
    for part in (x[:16], x[16:]):
        with torch.autocast("cpu", torch.bfloat16):
            loss = model(part).float().square().mean()
        (loss + prune.penalty(model)).backward()
        assert torch.isfinite(loss)
    gradients = [p.grad for p in model.parameters() if p.grad is not None]
    assert len(gradients) >= 6
    assert all(torch.isfinite(g).all() for g in gradients)
    assert any(g.any() for g in gradients)
    optimizer.step()
    prune.step(model, optimizer)
    assert torch.isfinite(model(x)).all()


def test_float64_computes_the_same_integers():
    model, x = prune.prepare(mlp(), "plain"), batch((13,))
    train(model, x, 1)
    y = prune.finish(model).eval()(x)
    assert torch.equal(model.double()(x.double()), y.double())
