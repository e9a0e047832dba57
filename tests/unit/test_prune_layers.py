"""Pruned layers: levels and scales, and the batch norm that is folded while it trains."""

import copy
import math

import pytest
import torch
from prune_models import ConvNet, batch, mlp, seeded, train
from torch import nn

from bitfpga import prune
from bitfpga.errors import PruneError
from bitfpga.prune.method import LevelQuantiser

torch.set_num_threads(1)


def conv_norm(bias=False, affine=True):
    torch.manual_seed(7)
    net = nn.Sequential(nn.Conv2d(3, 5, 2, bias=bias), nn.BatchNorm2d(5, affine=affine))
    net[1].running_mean.data.copy_(torch.tensor([0.5, -0.25, 1.0, 0.0, -2.0]))
    net[1].running_var.data.copy_(torch.tensor([0.5, 2.0, 1.0, 0.25, 4.0]))
    if affine:
        net[1].weight.data.copy_(torch.tensor([1.5, -0.5, 0.0, 2.0, 0.1]))
        net[1].bias.data.copy_(torch.tensor([0.0, 1.0, -1.0, 0.5, 0.25]))
    return net


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("affine", [False, True])
@pytest.mark.parametrize("scale", ["pow2", "float"])
def test_a_folded_norm_computes_what_conv_and_norm_do(bias, affine, scale):
    net, x = conv_norm(bias, affine).eval(), batch((3, 5, 6))
    model = prune.prepare(net, "plain", scale=scale, act_bits=None)
    (layer,) = prune.pruned_layers(model)
    levels, steps = layer.integer_weight()
    assert levels.abs().max() > 60
    # Half a step for each of 12 products with inputs of 4 at most.
    limit = float(steps.max()) / 2 * 12 * 4
    torch.testing.assert_close(model(x), net(x), rtol=0, atol=limit)
    y = model(x)
    prune.finish(model)
    assert layer.norm is None
    after = layer.integer_weight()
    assert torch.equal(after[0], levels)
    # Of real scales, float32 sums of logarithms.
    limit = 0.0 if scale == "pow2" else 1e-6
    torch.testing.assert_close(after[1], steps, rtol=limit, atol=0)
    # Products of the same integers (limit: real scales) and the same bias.
    torch.testing.assert_close(model(x), y, rtol=0, atol=20 * limit)


def test_in_training_the_batch_normalises_and_statistics_move_as_torch_moves_them():
    net, x = conv_norm(bias=True).train(), batch((3, 5, 6))
    with torch.no_grad():  # weights on the grid of their layer: quantising changes nothing
        net[1].running_var.fill_(1 - net[1].eps)
        net[1].weight.copy_(torch.tensor([1.0, -0.5, 0.0, 2.0, 0.25]))
        net[0].weight.copy_((net[0].weight * 256).round() / 256)
        net[0].weight[:, 0, 0, 0] = 0.5
    model = prune.prepare(net, "plain", act_bits=None)
    for _ in range(2):
        # Float32 sums of 12 products, divided and multiplied by a power of two.
        torch.testing.assert_close(model(x), net(x), rtol=1e-5, atol=1e-5)
        net[1].running_var.fill_(1 - net[1].eps)
        model.get_submodule("0.norm").running_var.fill_(1 - net[1].eps)
    norm = model.get_submodule("0.norm")
    # The same float32 means in another order.
    torch.testing.assert_close(norm.running_mean, net[1].running_mean, rtol=1e-5, atol=1e-6)
    assert int(norm.num_batches_tracked) == 2
    model(x)
    assert not torch.equal(norm.running_var, torch.full((5,), 1 - net[1].eps))


def test_a_gain_of_zero_can_learn():
    net, x = conv_norm(), batch((3, 5, 6))
    model = prune.prepare(net, "plain", act_bits=None).train()
    y = model(x)
    assert torch.equal(y[:, 2], torch.full_like(y[:, 2], -1.0))
    (y * torch.randn(y.shape, generator=torch.Generator().manual_seed(1))).sum().backward()
    norm = model.get_submodule("0.norm")
    assert float(norm.weight.grad[2].abs()) > 0
    model.eval()
    levels, scale = prune.pruned_layers(model)[0].integer_weight()
    assert not levels[2].any()
    assert torch.isfinite(scale).all()


def test_absorbing_keeps_the_forward_of_a_trained_network():
    model, x = prune.prepare(seeded(ConvNet), "plain"), batch((3, 10, 10))
    train(model, x)
    y = model.eval()(x)
    levels = [layer.integer_weight() for layer in prune.pruned_layers(model)]
    assert torch.equal(prune.finish(model)(x), y)
    for layer, (values, scale) in zip(prune.pruned_layers(model), levels, strict=True):
        assert torch.equal(layer.integer_weight()[0], values)
        assert torch.equal(layer.integer_weight()[1], scale)
        assert layer.bias is not None
    again = copy.deepcopy(model.state_dict())
    prune.finish(model)
    assert all(torch.equal(again[key], value) for key, value in model.state_dict().items())


@pytest.mark.parametrize("bits", [2, 5, 8])
def test_levels_are_symmetric_and_scales_reach_the_largest_weight(bits):
    last = 1 << (bits - 1)
    weight = torch.tensor([[0.5, -0.25], [0.0, 0.0], [0.3, -3.0]])
    own = LevelQuantiser(weight, bits, "pow2")
    assert own.scale(None).tolist() == [0.5 / last, 4 / last, 4 / last]
    real = LevelQuantiser(weight, bits, "float")
    # 2^log2(x) in float32.
    assert real.scale(None).tolist() == pytest.approx([0.5 / last, 3 / last, 3 / last], rel=1e-6)
    levels, _ = own(weight, None)
    assert levels[0].tolist() == [last, -last // 2]
    steps = torch.tensor([-1e9, -last - 0.6, -last, -0.6, 0.4, last, last + 0.4, last + 1.5])
    steps.requires_grad_(True)
    found = own.to_levels(steps)
    found.sum().backward()
    assert found.tolist() == [-last, -last, -last, -1, 0, last, last, last]
    assert steps.grad.tolist() == [0, 0, 1, 1, 1, 1, 1, 0]


def test_rows_of_tiny_weights_get_a_scale_above_zero():
    own = LevelQuantiser(torch.tensor([[1.0, 0.5], [1e-44, 0.0]]), 8, "pow2")
    assert (own.scale(None) > 0).all()
    assert torch.isfinite(own(torch.tensor([[1.0, 0.5], [1e-44, 0.0]]), None)[0]).all()


@pytest.mark.parametrize("kind", ["pow2", "float"])
def test_the_gradient_of_a_scale_is_slowed_by_row_and_levels(kind):
    weight = torch.tensor([[0.7, -0.2, 0.11]])
    own = LevelQuantiser(weight, 4, kind)
    scale = own.scale(torch.tensor([-3.0]))
    scale.sum().backward()
    exponent = math.log2(0.7 / 8) + math.log2(3)
    # Float32 logarithms and powers.
    assert float(own.exponent.grad) == pytest.approx(
        math.log(2) * 2**exponent / math.sqrt(3 * 8), rel=1e-5
    )
    expected = 2.0 ** (math.ceil(exponent) if kind == "pow2" else exponent)
    assert float(scale.detach()) == pytest.approx(expected, rel=1e-6)


def test_a_gain_moves_the_scale_and_a_gain_of_zero_does_not():
    own = LevelQuantiser(torch.tensor([[1.0], [1.0], [1.0]]), 8, "pow2")
    assert own.scale(torch.tensor([4.0, -0.5, 0.0])).tolist() == [2**-5, 2**-8, 2**-7]
    own.absorb(torch.tensor([4.0, -0.5, 0.0]))
    assert own.scale(None).tolist() == [2**-5, 2**-8, 2**-7]


def test_biases_are_whole_steps_of_the_accumulator():
    model, x = prune.prepare(mlp(), "plain"), batch((13,))
    train(model, x, 1)
    prune.finish(model).eval()
    layer = prune.pruned_layers(model)[2]
    levels, scale = layer.quantiser(layer.folded_weight(), layer.gain)
    step = scale * layer.input_quantisers[0].step()
    bias = layer._on_grid(layer.folded_bias(), scale).detach()
    assert torch.equal((bias / step).detach(), (bias / step).detach().round())
    assert ((bias - layer.bias).abs() <= step / 2).all()
    assert (bias != layer.bias).any()
    zeros = torch.zeros(1, 7)
    assert torch.equal(layer.eval()(zeros)[0], bias)
    assert levels.shape == (5, 7)


def test_positions_are_counted():
    model, x = prune.prepare(seeded(ConvNet)), batch((3, 10, 10))
    model(x)
    positions = [int(layer.positions) for layer in prune.pruned_layers(model)]
    assert positions == [100, 4, 4, 1]


def test_a_norm_of_rows_is_refused():
    model = prune.prepare(nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3)))
    with pytest.raises(PruneError, match="layer '0': batch norm behind a linear layer"):
        model(batch((3, 4)))


def test_plain_layers_have_no_penalty_groups_or_options():
    model = prune.prepare(mlp(), "plain")
    assert float(prune.penalty(model)) == 0
    assert [layer.bit_groups() for layer in prune.pruned_layers(model)] == [None] * 3
    with pytest.raises(PruneError, match="plain: finish has no option project"):
        prune.finish(model, project=True)
