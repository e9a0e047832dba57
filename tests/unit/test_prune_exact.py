"""What is trained is what is built: torch in float32 against the integer reference, exactly."""

import numpy as np
import pytest
import torch
from prune_models import MODELS, assert_exact, batch, mlp, train
from torch import nn

import bitfpga
from bitfpga import prune
from bitfpga.digits import NumberSystem
from bitfpga.prune.methods import METHODS

torch.set_num_threads(1)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", MODELS)
def test_every_method_equals_the_reference(name, method):
    make, shape = MODELS[name]
    x = batch(shape, unsigned=len(shape) == 3)
    model = prune.prepare(make(), method)
    train(model, x)
    assert_exact(prune.finish(model), x)


@pytest.mark.parametrize("method", ["plain", "bit_pruning"])
@pytest.mark.parametrize("bits", range(2, 9))
def test_every_width_equals_the_reference(bits, method):
    x = batch((13,), seed=bits)
    model = prune.prepare(mlp(), method, weight_bits=bits, act_bits=10 - bits, output_bits=8)
    train(model, x)
    network = assert_exact(prune.finish(model), x)
    assert network.output.bits == 8
    assert {layer.output.bits for layer in network.layers[:-1]} == {10 - bits}
    for layer in network.layers:
        assert np.abs(layer.weight).max() <= 1 << (bits - 1)


@pytest.mark.parametrize("unsigned", [False, True])
def test_the_sign_of_the_input_is_that_of_the_first_batch(unsigned):
    x = batch((13,), unsigned=unsigned)
    model = prune.prepare(mlp(), "plain", input_bits=6)
    train(model, x, 1)
    network = assert_exact(prune.finish(model), x)
    assert (network.input.bits, network.input.signed) == (6, not unsigned)


def test_a_model_that_is_not_finished_builds_its_batch_norm_exactly_enough():
    model = prune.prepare(mlp(), "plain")
    x = batch((13,))
    train(model, x)
    model.eval()
    before = model(x)
    network = bitfpga.from_torch(model, x)
    levels = [layer.integer_weight()[0].numpy() for layer in prune.pruned_layers(model)]
    for layer, found in zip(network.layers, levels, strict=True):
        np.testing.assert_array_equal(layer.weight, found)
    torch.testing.assert_close(prune.finish(model)(x), before, rtol=0, atol=0)


def test_a_weight_of_plus_128_reaches_the_network():
    model = nn.Sequential(nn.Linear(5, 3), nn.ReLU(), nn.Linear(3, 2))
    with torch.no_grad():
        model[0].weight.copy_(torch.arange(15.0).reshape(3, 5) / 64)
        model[0].weight[:, 0] = torch.tensor([1.0, -1.0, 0.5])
    prepared = prune.prepare(model, "bit_pruning")
    x = batch((5,))
    prepared(x)
    prune.finish(prepared)
    network = assert_exact(prepared, x)
    assert network.layers[0].weight[:, 0].tolist() == [128, -128, 128]


def test_taps_of_the_built_project_are_the_digits_of_the_summary():
    x = batch((13,))
    model = prune.prepare(mlp(), "bit_pruning")
    train(model, x)
    prune.finish(model).eval()(x)
    counts = [layer.work.digits(NumberSystem.CSD) for layer in prune.summary(model).layers]
    project = bitfpga.build(bitfpga.from_torch(model, x))
    assert [layer.n_taps for layer in project.schedule.layers] == counts
    assert sum(counts) > 0


class Clamped(nn.Module):
    """A clamp to bounds that no grid has, of values that something else reads, too."""

    def __init__(self):
        super().__init__()
        self.first, self.last = nn.Linear(6, 5), nn.Linear(5, 3)

    def forward(self, x):
        y = self.first(torch.clamp(x, -0.7, 0.7))
        return self.last(y + torch.clamp(y, -0.3, 0.45))


def test_clamps_of_values_on_a_grid_get_their_own():
    x = batch((6,))
    model = prune.prepare(Clamped(), "plain")
    train(model, x)
    assert_exact(prune.finish(model), x)


def test_tables_are_exact_whatever_the_bits():
    torch.manual_seed(1)
    net = nn.Sequential(
        *(nn.Linear(6, 5), nn.GELU(), nn.Linear(5, 4), nn.Sigmoid(), nn.Flatten(), nn.Tanh()),
        nn.Linear(4, 3),
    )
    x = batch((6,))
    model = prune.prepare(net, "plain", act_bits=12)
    bits = [m.bits for m in model.modules() if isinstance(m, prune.ActivationQuantiser)]
    assert bits == [8, 10, 12, 10, 10, 12, 16]
    train(model, x)
    assert_exact(prune.finish(model), x)


def test_inputs_just_below_a_half_are_rounded_as_the_network_does():
    model = prune.prepare(nn.Sequential(nn.Linear(2, 2)), "plain").eval()
    x = torch.tensor([[127.0, -127.0], [0.49999997, -0.49999997], [0.5, -0.5]])
    model(x)
    network = bitfpga.from_torch(model, x)
    assert network.quantise(x.numpy()).tolist() == [[127, -127], [0, 0], [1, 0]]
    quantiser = model.bitfpga_quantisers.get_submodule("input_1")
    assert quantiser(x).tolist() == [[127, -127], [0, 0], [1, 0]]


def test_joined_tensors_share_a_range_that_holds_both():
    class Two(nn.Module):
        def __init__(self):
            super().__init__()
            self.small, self.large = nn.Linear(4, 3), nn.Linear(4, 2)

        def forward(self, x):
            return torch.cat([self.small(x), 300 * self.large(x)], 1)

    model = prune.prepare(Two(), "plain").eval()
    x = batch((4,))
    model(x)
    (grid,) = [m for m in model.modules() if getattr(m, "headroom", 1.0) > 1]
    largest = 300 * model.large(x).detach().abs().max()
    assert grid.high * float(grid.step().detach()) >= float(largest)
    assert_exact(model, x)
