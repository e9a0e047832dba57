"""The Hoyer-Square of a product that is never formed, against the product formed by hand."""

import copy

import pytest
import torch
from prune_models import batch
from torch import nn

from bitfpga import prune
from bitfpga.prune.bit_pruning import BitPruning
from bitfpga.prune.hoyer import InputSums, hoyer_square

torch.set_num_threads(1)
CONVS = {
    "plain": {},
    "stride and padding": {"stride": 2, "padding": 1},
    "dilation": {"dilation": 2, "padding": 2},
    "same": {"padding": "same"},
    "groups": {"groups": 2, "stride": 2},
    "depthwise": {"groups": 4, "padding": 1},
    "circular": {"padding": 1, "padding_mode": "circular"},
    "reflect": {"padding": 2, "padding_mode": "reflect"},
    "replicate": {"padding": "same", "padding_mode": "replicate", "dilation": 2},
}


def prepared(layer, method=None):
    model = prune.prepare(nn.Sequential(layer), method or BitPruning(), act_bits=None)
    return model.double().train()


def by_hand(v):
    """Return (sum |v|)^2 / sum v^2 of explicitly formed products."""
    v = torch.cat([part.reshape(-1) for part in v])
    return v.abs().sum() ** 2 / v.square().sum()


def products(layer, residual, x):
    """Return every x * residual, one position after the other, by one-hot convolutions."""
    if residual.ndim == 2:
        return x.reshape(-1, 1, x.shape[-1]) * residual
    found, probe = [], copy.deepcopy(layer)
    for index in range(residual[0].numel()):
        one = torch.zeros_like(residual).reshape(len(residual), -1)
        one[:, index] = residual.reshape(len(residual), -1)[:, index]
        found.append(nn.Module.__call__(_Plain(probe), x, one.reshape(residual.shape)))
    return torch.stack(found)


class _Plain(nn.Module):
    def __init__(self, layer):
        super().__init__()
        self.layer = layer

    def forward(self, x, weight):
        return self.layer._conv_forward(x, weight, None)


def check(layer, x):
    """Compare the penalty with the product of one layer; products are n outputs x n rows."""
    model = prepared(layer)
    model(x)
    (pruned,) = prune.pruned_layers(model)
    residual = pruned.quantiser.residual(pruned)
    assert (residual != 0).any()
    v = products(pruned, residual, x)
    count = v.numel()
    # Float64 sums in another order: a few hundred roundings of 2^-53 each.
    torch.testing.assert_close(prune.penalty(model) * count, by_hand(v), rtol=1e-12, atol=0)


@pytest.mark.parametrize("shape", [(5,), (4, 5), (2, 3, 5)])
def test_linear(shape):
    torch.manual_seed(1)
    check(nn.Linear(5, 3), batch(shape, 7).double())


@pytest.mark.parametrize("options", CONVS.values(), ids=CONVS)
@pytest.mark.parametrize("axes", [1, 2])
def test_convolutions(axes, options):
    torch.manual_seed(2)
    layer = (nn.Conv1d if axes == 1 else nn.Conv2d)(4, 8, 3, **options)
    check(layer, batch((4, 7, 9)[: axes + 1], 3).double())


def test_a_kernel_that_is_not_square():
    torch.manual_seed(3)
    layer = nn.Conv2d(4, 6, (2, 3), stride=(2, 1), padding=(0, 2), dilation=(1, 2), groups=2)
    check(layer, batch((4, 7, 9), 3).double())


def test_weights_only():
    torch.manual_seed(4)
    model = prepared(nn.Linear(5, 3), BitPruning(weighs_inputs=False))
    (layer,) = prune.pruned_layers(model)
    residual = layer.quantiser.residual(layer)
    # Float64 sums of 15 values in another order.
    torch.testing.assert_close(prune.penalty(model) * 15, by_hand([residual]), rtol=1e-13, atol=0)


def test_a_residual_of_zero_costs_and_pulls_nothing():
    residual = torch.zeros(3, 5, requires_grad=True)
    for sums in (None, InputSums(torch.ones(1, 5), torch.ones(1, 5), 2)):
        value = hoyer_square(residual, sums)
        value.backward()
        assert float(value.detach()) == 0
        assert not residual.grad.any()


def test_micro_batches_add_up_to_their_union():
    x = batch((5,), 12).double()
    torch.manual_seed(5)
    layer = nn.Linear(5, 3)
    whole, parts = prepared(layer), prepared(layer)
    whole(x)
    parts(x[:5])
    parts(x[5:])
    # Float64 sums in another order.
    torch.testing.assert_close(prune.penalty(parts), prune.penalty(whole), rtol=1e-13, atol=0)


def test_eval_mode_takes_no_note_of_inputs():
    model = prepared(nn.Linear(5, 3))
    model.eval()(batch((5,)).double())
    (layer,) = prune.pruned_layers(model)
    assert layer.quantiser.sums is None


@pytest.mark.parametrize("norm", [False, True])
@pytest.mark.parametrize("weighs_inputs", [False, True])
def test_gradients_are_finite_differences(norm, weighs_inputs):
    torch.manual_seed(6)
    net = [nn.Conv2d(2, 4, 2, bias=not norm), *([nn.BatchNorm2d(4)] if norm else [])]
    if norm:
        net[1].weight.data = torch.tensor([1.5, -0.5, 0.25, 2.0])
        net[1].running_var.data = torch.tensor([0.5, 2.0, 1.0, 3.0])
    method = BitPruning(weighs_inputs=weighs_inputs)
    model = prune.prepare(nn.Sequential(*net), method, act_bits=None).double().train()
    (layer,) = prune.pruned_layers(model)
    gain = None if layer.gain is None else layer.gain.detach()
    x = batch((2, 5, 6), 3).double()

    def value():
        layer.quantiser.sums = InputSums.of(layer, x) if weighs_inputs else None
        return prune.penalty(model)

    value().backward()
    scale = layer.quantiser.scale(gain).detach()
    n_checked = 0
    for index in range(layer.weight[0].numel()):
        for output in range(4):
            flat = layer.weight.data[output].reshape(-1)
            kept = float(flat[index])
            width = (
                1e-6 * float(scale[output]) / (1.0 if gain is None else abs(float(gain[output])))
            )
            step = float((flat[index] * (1 if gain is None else gain[output])) / scale[output])
            if abs(step - round(step * 2) / 2) < 1e-4:
                continue  # next to a kink: a rounding, or an end of the softshrink
            found = []
            for sign in (1, -1):
                flat[index] = kept + sign * width
                found.append(float(value().detach()))
            flat[index] = kept
            slope = (found[0] - found[1]) / (2 * width)
            grad = float(layer.weight.grad[output].reshape(-1)[index])
            # The error of a central difference goes with the square of its width.
            assert slope == pytest.approx(grad, rel=1e-5, abs=1e-7)
            n_checked += grad != 0
    assert n_checked > 8
    assert layer.quantiser.exponent.grad is None
    assert layer.norm is None or layer.norm.weight.grad is None
