"""bitlength while it trains, and the integers that come of it."""

import copy
import math

import numpy as np
import pytest
import torch
from bitlength_models import conv_net, data, mlp, train

import bitfpga
from bitfpga import prune, reference
from bitfpga.errors import ModelError, PruneError
from bitfpga.prune.lengths import LengthActivations


def test_advance_and_finish_round_every_length_up_and_keep_it():
    model = prune.prepare(mlp(), prune.BitLength(rounds_from=0.6)).train()
    x, y = data((7,))
    optimizer = torch.optim.Adam(prune.parameter_groups(model, 5e-3))
    train(model, x, y, 40, eta=3.0, optimizer=optimizer)
    before = prune.bit_lengths(model)
    assert all(1 < length < 8 and length % 1 for length in before.values())
    prune.advance(model, 0.59)
    layers = prune.pruned_layers(model)
    assert prune.bit_lengths(model) == before
    assert not layers[0].method.settled(layers)
    assert prune.BitLength(rounds_from=1.0).settled(layers)
    prune.advance(model, 0.6)
    ceilings = {name: math.ceil(length) for name, length in before.items()}
    assert prune.bit_lengths(model) == ceilings
    # A gradient that is left would move the parameter in the next step of the optimiser.
    assert not [
        n for n, p in model.named_parameters() if n.endswith("length") and p.grad is not None
    ]
    assert layers[0].method.settled(layers)
    with pytest.raises(PruneError, match="bitlength: finish has no option project"):
        prune.finish(model, project=False)
    weight = layers[0].weight.detach().clone()
    train(model, x, y, 5, optimizer=optimizer)
    assert not torch.equal(weight, layers[0].weight)
    prune.finish(model)
    prune.finish(prune.finish(model))
    prune.advance(model, 1.0)
    assert prune.bit_lengths(model) == ceilings
    assert not [p for n, p in model.named_parameters() if n.endswith("length") and p.requires_grad]
    for layer, bits in zip(layers, ceilings.values(), strict=False):
        assert len(layer.integer_weight()[0].unique()) <= 2**bits
        assert float(layer.quantiser.bitlength.length) == bits


@pytest.mark.parametrize("rounded", [False, True])
def test_training_goes_on_the_same_from_a_copy_or_a_state(rounded):
    x, y = data((2, 9, 8))
    model = prune.prepare(conv_net(), "bitlength")
    train(model, x, y, 6, eta=2.0, lr=2e-2)
    if rounded:
        prune.advance(model, 0.7)
    clone = copy.deepcopy(model)
    restored = prune.prepare(conv_net(), "bitlength")
    state = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    restored.load_state_dict(state)
    expected = train(model, x, y, 5)
    assert train(clone, x, y, 5) == expected
    assert train(restored, x, y, 5) == expected
    assert prune.bit_lengths(restored) == prune.bit_lengths(model) == prune.bit_lengths(clone)
    grids = [m for m in restored.modules() if isinstance(m, LengthActivations)]
    assert [grid.is_set for grid in grids] == [rounded] * 2
    flags = {p.requires_grad for n, p in restored.named_parameters() if n.endswith(".length")}
    assert flags == {not rounded}
    # The other way round: an earlier state is learned on.
    fresh = prune.prepare(conv_net(), "bitlength")
    prune.advance(restored, 1.0)
    restored.load_state_dict(fresh.state_dict())
    assert set(prune.bit_lengths(restored).values()) == {8}
    assert all(p.requires_grad for n, p in restored.named_parameters() if n.endswith(".length"))


def test_a_state_with_other_bounds_is_refused():
    model = prune.prepare(mlp(), "bitlength")
    prune.finish(model)
    other = prune.prepare(mlp(), prune.BitLength(largest=4))
    with pytest.raises(PruneError, match="8 bits in the state, but 1 to 4"):
        other.load_state_dict(model.state_dict())


def assert_integers_equal(model, x, more):
    model.eval()
    network = bitfpga.from_torch(model, x.numpy())
    for samples in (x, more):
        got = network.dequantise(reference.run(network, network.quantise(samples.numpy())))
        np.testing.assert_array_equal(got, model(samples).detach().numpy())
    return network


@pytest.mark.parametrize("eta", [0.0, 3.0, 30.0])
@pytest.mark.parametrize("make", [mlp, conv_net])
def test_the_integer_network_equals_the_model_after_finish(make, eta):
    shape = (7,) if make is mlp else (2, 9, 8)
    x, y = data(shape)
    model = prune.prepare(make(), "bitlength")
    train(model, x, y, 60, eta=eta, lr=1e-2)
    prune.advance(model, 0.7)
    train(model, x, y, 5)
    lengths = prune.bit_lengths(prune.finish(model))
    network = assert_integers_equal(model, x, 3 * data(shape, seed=8, n=200)[0])
    weights = [layer.weight for layer in network.layers if hasattr(layer, "weight")]
    bits = [int(lengths[name]) for name in lengths if name.endswith(".weight")]
    for weight, n in zip(weights, bits, strict=True):
        assert len(np.unique(weight)) <= 2**n
    labels = {tensor.bits for tensor in network.types.values()}
    assert {int(n) for name, n in lengths.items() if not name.endswith(".weight")} <= labels
    assert (min(lengths.values()) <= 3) == (eta > 0)


def test_float_scales_keep_their_integers_in_the_network():
    x, y = data((7,))
    model = prune.prepare(mlp(), "bitlength", scale="float")
    train(model, x, y, 60, eta=3.0, lr=1e-2)
    prune.finish(model).eval()
    network = bitfpga.from_torch(model, x.numpy(), scale="float")
    weights = [layer.weight for layer in network.layers if hasattr(layer, "weight")]
    for layer, weight in zip(prune.pruned_layers(model), weights, strict=True):
        np.testing.assert_array_equal(weight, layer.integer_weight()[0].numpy())


@pytest.mark.parametrize("act_bits", [8, None])
def test_building_before_the_lengths_are_rounded_is_refused(act_bits):
    x, y = data((7,))
    model = prune.prepare(mlp(), "bitlength", act_bits=act_bits)
    train(model, x, y, 9, lr=2e-2)
    model.eval()
    assert torch.isfinite(model(x)).all()
    for layer in prune.pruned_layers(model):
        with pytest.raises(PruneError, match=r"layer '\d'.*length is still learned.*prune\.finish"):
            layer.integer_weight()
        levels = layer.current_levels()
        assert levels.dtype == torch.int16
        assert levels.unique().numel() > 2
    what = "layer '0'" if act_bits is None else "quantiser '_1'"
    with pytest.raises((PruneError, ModelError), match=rf"{what}.*prune\.finish"):
        bitfpga.from_torch(model, x.numpy())
    early = [layer.current_levels() for layer in prune.pruned_layers(model)]
    prune.finish(model)
    for layer, levels in zip(prune.pruned_layers(model), early, strict=True):
        assert torch.equal(layer.integer_weight()[0], levels)


def test_diverged_lengths_are_refused():
    model = prune.prepare(mlp(), "bitlength")
    model.get_submodule("2.quantiser.bitlength").length.data.fill_(math.nan)
    with pytest.raises(PruneError, match=r"length is nan.*diverged"):
        prune.finish(model)
    with pytest.raises(PruneError, match="no learned bit lengths"):
        prune.bit_lengths(prune.prepare(mlp(), "plain"))


def test_lengths_learn_faster_than_scales():
    groups = prune.parameter_groups(prune.prepare(mlp(), "bitlength"), 1e-3, weight_decay=0.1)
    assert [(g["lr"], g["weight_decay"]) for g in groups] == [(1e-3, 0.1), (1e-4, 0), (1e-2, 0)]
    assert [len(group["params"]) for group in groups] == [6, 0, 6]
    groups = prune.parameter_groups(prune.prepare(mlp(), "bitlength"), 1e-3, length_lr=0.5)
    assert groups[2]["lr"] == 0.5
    assert len(prune.parameter_groups(prune.prepare(mlp(), "plain"), 1e-3)) == 2


def test_the_mean_length_falls_with_eta():
    generator = torch.Generator().manual_seed(2)
    x = torch.rand(200, 7, generator=generator)
    y = (x @ torch.randn(7, 3, generator=generator)).argmax(1)
    means = []
    for eta in (0.0, 0.1, 1.0, 10.0):
        model = prune.prepare(mlp(), "bitlength")
        train(model, x, y, 150, eta=eta, lr=5e-3)
        means.append(np.mean(list(prune.bit_lengths(model).values())))
    assert means == sorted(means, reverse=True)
    assert means[0] > 7.5
    assert len(set(means)) == 4
    assert means[-1] < 2.5
