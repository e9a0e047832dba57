"""bbs on torch models: from a float model, and as a method of prepare."""

import copy

import numpy as np
import pytest
import torch
from prune_models import assert_exact, batch, train
from torch import nn

import bitfpga
from bitfpga import ir, prune
from bitfpga.errors import PruneError
from bitfpga.prune.bbs import BbsConfig

torch.set_num_threads(1)


def net(gain=-0.5):
    torch.manual_seed(8)
    model = nn.Sequential(
        *(nn.Conv2d(4, 40, 3, bias=False), nn.BatchNorm2d(40), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Flatten(), nn.Linear(160, 36), nn.ReLU(), nn.Linear(36, 5)),
    )
    model[1].weight.data[::3] = gain
    return model.eval()


def weights(model):
    return [layer.integer_weight()[0].numpy() for layer in prune.pruned_layers(model)]


@pytest.mark.parametrize("config", ["conservative", "moderate"])
@pytest.mark.parametrize("scale", ["pow2", "float"])
def test_a_float_model_is_pruned_without_data(config, scale):
    model, x = net(), batch((4, 6, 6))
    kept = copy.deepcopy(model.state_dict())
    pruned = prune.bbs(model, config, scale)
    assert all(torch.equal(kept[key], value) for key, value in model.state_dict().items())
    network = bitfpga.from_torch(pruned, x, scale=scale)
    for layer, values in zip(
        [layer for layer in network.layers if isinstance(layer, ir.Dense | ir.Conv)],
        weights(pruned),
        strict=True,
    ):
        np.testing.assert_array_equal(layer.weight, values)
        groups = layer.bit_groups
        assert groups is not None
        assert groups.n_sparse == (2 if config == "conservative" else 4)
        np.testing.assert_array_equal(
            groups.decode(groups.stored(values)), values.reshape(len(values), -1)
        )
    n_sensitive = sum(
        int(layer.bit_groups().sensitive.sum()) for layer in prune.pruned_layers(pruned)
    )
    assert n_sensitive > 0
    assert n_sensitive % 32 in (0, 5)  # a layer of 5 outputs has no 32
    # Eight bits less 2 or 4 columns: outputs of about 0.3 stay within a quarter.
    torch.testing.assert_close(pruned(x), model(x), rtol=0, atol=0.25)


def test_as_a_method_it_trains_int8_and_prunes_at_the_end():
    model, x = prune.prepare(net(), prune.Bbs("moderate")), batch((4, 6, 6))
    train(model, x)
    assert [layer.bit_groups() for layer in prune.pruned_layers(model)] == [None] * 3
    before = weights(model)
    assert max(np.abs(w.astype(int)).max() for w in before) <= 128
    assert max(w.max() for w in before) <= 127
    pruned = prune.bbs(model.eval(), "moderate")
    assert [layer.bit_groups() for layer in prune.pruned_layers(model)] == [None] * 3
    prune.finish(model)
    for ours, copied, old in zip(weights(model), weights(pruned), before, strict=True):
        np.testing.assert_array_equal(ours, copied)
        assert np.abs(ours.astype(int) - old).max() <= 64
        assert (ours != old).any()
    network = assert_exact(model, x)
    assert sum(getattr(layer, "bit_groups", None) is not None for layer in network.layers) == 3


def test_integers_stay_once_they_are_coded():
    model, x = prune.finish(prune.prepare(net(), "bbs")), batch((4, 6, 6))
    kept = weights(model)
    train(model, x)
    prune.finish(model)
    for ours, old in zip(weights(model), kept, strict=True):
        np.testing.assert_array_equal(ours, old)
    for layer in prune.pruned_layers(model):
        assert not layer.weight.requires_grad
        assert not layer.quantiser.exponent.requires_grad


def test_codes_are_part_of_the_state():
    x = batch((4, 6, 6))
    model = prune.prepare(nn.Sequential(nn.Flatten(), nn.Linear(144, 7)), "bbs")
    model(x)
    other = copy.deepcopy(model)
    prune.finish(model)
    other.load_state_dict(model.state_dict())
    assert torch.equal(other.eval()(x), model.eval()(x))
    (a,), (b,) = prune.pruned_layers(model), prune.pruned_layers(other)
    for key in ("redundant", "constant", "sensitive"):
        np.testing.assert_array_equal(getattr(a.bit_groups(), key), getattr(b.bit_groups(), key))
    assert not b.quantiser.exponent.requires_grad
    assert_exact(other, x)


def test_errors():
    with pytest.raises(PruneError, match=r"give a Network or a torch\.nn\.Module"):
        prune.bbs(3)
    with pytest.raises(PruneError, match="prepared for another method"):
        prune.bbs(prune.prepare(net(), "plain"))
    for config in ("extreme", BbsConfig, 3):
        with pytest.raises(PruneError):
            prune.prepare(net(), prune.Bbs(config))
        with pytest.raises(PruneError):
            prune.bbs(net(), config)
    shares = {"0": prune.Bbs(prune.BbsConfig(2, "rounded_averaging", 0.5))}
    mixed = prune.prepare(nn.Sequential(nn.Linear(3, 2), nn.Linear(2, 2)), "bbs", layers=shares)
    with pytest.raises(PruneError, match=r"layers differ in sensitive_share, \[0.1, 0.5\]"):
        prune.finish(mixed)
    with pytest.raises(PruneError, match="bbs: finish has no option project"):
        prune.finish(prune.prepare(net(), "bbs"), project=True)
