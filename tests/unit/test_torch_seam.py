"""Modules that bring integers along: their weights and activation types are used as they are."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from bitfpga import reference
from bitfpga.errors import ModelError
from bitfpga.frontends.torch import fake_quantised, from_torch
from bitfpga.prune import fake_quantise


class IntegerLinear(nn.Linear):
    """Weights of -8..7 times a power of two for each output."""

    shift = 0.0

    def integer_weight(self):
        """Return (values, scale)."""
        scale = 2.0 ** -(3 + torch.arange(self.out_features) % 3)
        return torch.clamp(torch.round(self.weight / scale[:, None]), -8, 7).int(), scale

    def forward(self, x):
        values, scale = self.integer_weight()
        return F.linear(x, values * scale[:, None] + self.shift, self.bias)


class IntegerConv(nn.Conv2d):
    """Weights of -256..255 at scales that are not powers of two."""

    def integer_weight(self):
        """Return (values, scale)."""
        scale = self.weight.abs().amax((1, 2, 3)) / 255
        return torch.round(self.weight / scale.reshape(-1, 1, 1, 1)).short(), scale.detach()

    def forward(self, x):
        values, scale = self.integer_weight()
        return self._conv_forward(x, values * scale.reshape(-1, 1, 1, 1), None)


class Quantise(nn.Module):
    def __init__(self, scale, low, high):
        super().__init__()
        self.grid = scale, low, high

    def forward(self, x):
        scale, low, high = self.grid
        return torch.ops.bitfpga.fake_quantise(x, torch.tensor([scale]), low, high)


def model():
    torch.manual_seed(4)
    return nn.Sequential(
        Quantise(0.125, -32, 31),
        IntegerLinear(7, 6),
        nn.ReLU(),
        Quantise(0.25, 0, 15),
        IntegerLinear(6, 5),
        Quantise(0.0625, -127, 127),
    ).eval()


def test_integers_and_types_are_kept_and_equal_torch():
    net = model()
    network = from_torch(net, torch.randn(9, 7))
    assert [layer.kind for layer in network.layers] == ["dense", "dense"]
    first, second = network.layers
    np.testing.assert_array_equal(first.weight, net[1].integer_weight()[0].numpy())
    assert (network.input.bits, network.input.signed, network.input.scale) == (6, True, 0.125)
    assert (first.output.bits, first.output.signed, first.output.scale) == (4, False, 0.25)
    assert (second.output.label, second.requantise.low) == ("int8[5]", -127)
    x = torch.randn(50, 7) * 5
    got = network.dequantise(reference.run(network, network.quantise(x.numpy())))
    # Biases are rounded to the requantisation's resolution, so a tie may fall the other way.
    steps = np.abs(got - net(x).detach().numpy()) / 0.0625
    assert (steps > 0).mean() < 0.05
    assert steps.max() <= 1
    np.testing.assert_array_equal(got, fake_quantised(network)(x).numpy())


def test_without_bias_torch_and_reference_are_equal():
    net = model()
    net[1].bias = net[4].bias = None
    network = from_torch(net, torch.randn(9, 7))
    x = torch.randn(500, 7) * 5
    got = network.dequantise(reference.run(network, network.quantise(x.numpy())))
    np.testing.assert_array_equal(got, net(x).detach().numpy())


def test_batch_norm_folds_into_the_scale_and_turns_signs():
    torch.manual_seed(0)
    conv, norm = IntegerConv(3, 4, 2, bias=False), nn.BatchNorm2d(4)
    norm.weight.data = torch.tensor([1.5, -0.5, 0.0, 2.0])
    network = from_torch(nn.Sequential(conv, norm).eval(), torch.randn(9, 3, 5, 6))
    signs = np.array([1, -1, 0, 1]).reshape(-1, 1, 1, 1)
    np.testing.assert_array_equal(
        network.layers[0].weight, conv.integer_weight()[0].numpy() * signs
    )


def test_a_pooled_quantiser_fixes_the_type_before_it():
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(3, 4, 2), nn.MaxPool2d(2), Quantise(0.5, -4, 3), nn.Flatten())
    network = from_torch(net.eval(), torch.randn(9, 3, 5, 6))
    assert {t.scale for name, t in network.types.items() if name != "input"} == {0.5}
    assert network.output.bits == 3


def test_a_quantiser_beside_another_reader_of_the_input():
    class Both(nn.Module):
        def forward(self, x):
            return torch.cat([fake_quantise(x, torch.tensor([0.5]), -2, 1), x], 1)

    network = from_torch(Both().eval(), torch.randn(9, 7))
    x = torch.randn(20, 7)
    got = network.dequantise(reference.run(network, network.quantise(x.numpy())))
    assert np.abs(got - Both()(x).numpy()).max() < 0.51


@pytest.mark.parametrize(
    ("values", "scale", "message"),
    [
        (np.full((2, 3), 300), np.ones(2), "300 are beyond 9 bits"),
        (np.ones((2, 3)), np.ones(2), "float64"),
        (np.ones((3, 2), np.int8), np.ones(2), "not .2, 3."),
        (np.ones((2, 3), np.int8), np.ones(3), "one scale"),
        (np.ones((2, 3), np.int8), np.zeros(2), "above 0"),
        (np.ones((2, 3), np.int8), np.ones(2), "not the weight"),
    ],
)
def test_wrong_integers_are_refused(values, scale, message):
    layer = nn.Linear(3, 2)
    layer.integer_weight = lambda: (values, scale)
    with pytest.raises(ModelError, match=message):
        from_torch(nn.Sequential(layer).eval(), torch.randn(4, 3))


def test_joined_tensors_of_one_grid_stay_on_it():
    """Two trained grids that are alike need no conversion; others are converted."""

    class Joined(nn.Module):
        def __init__(self, other):
            super().__init__()
            self.other = other

        def forward(self, x):
            a = fake_quantise(x * 0.5, torch.tensor([0.125]), -8, 7)
            b = fake_quantise(x * 0.75, torch.tensor([self.other]), -8, 7)
            return torch.cat([a, b], 1)

    x = torch.randn(30, 5)
    for other, kinds in ((0.125, 3), (0.25, 5)):
        model = Joined(other).eval()
        network = from_torch(model, x, act_bits=5)
        assert len(network.layers) == kinds
    network = from_torch(Joined(0.125).eval(), x, input_bits=12)
    assert (network.output.bits, network.output.scale) == (4, 0.125)
    assert [layer.kind for layer in network.layers] == ["scale", "scale", "concat"]


@pytest.mark.parametrize("grid", [(0.0, 0, 3), (1.0, 3, 3), (1.0, -65536, 5), (1.0, 0, 65536)])
def test_wrong_grids_are_refused(grid):
    with pytest.raises(ModelError, match=r"fake_quantise.*16 bits"):
        from_torch(Quantise(*grid).eval(), torch.randn(4, 3))


def test_gradients_pass_inside_the_range_only():
    x = torch.tensor([-1.3, -0.2, 0.4, 0.9, 7.0], requires_grad=True)
    y = fake_quantise(x, torch.tensor([0.5]), -2, 3)
    y.sum().backward()
    assert y.tolist() == [-1.0, 0.0, 0.5, 1.0, 1.5]
    assert x.grad.tolist() == [0.0, 1.0, 1.0, 1.0, 0.0]
