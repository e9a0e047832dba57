"""prune.prepare: where grids sit, what keeps its name, and that copies and states are whole."""

import copy
import operator

import pytest
import torch
import torch.nn.functional as F
from prune_models import MODELS, ConvNet, ResNet, batch, mlp, quantisers, seeded, train
from torch import nn

from bitfpga import prune
from bitfpga.prune.insert import traced

torch.set_num_threads(1)


def functional(forward, **modules):
    """Return a model with two layers, ``a`` 4 to 4 and ``b`` 4 to 4, and this forward."""
    torch.manual_seed(2)
    model = nn.Module()
    model.a, model.b = nn.Linear(4, 4), nn.Linear(4, 4)
    for name, module in modules.items():
        model.add_module(name, module)
    cls = type("Net", (nn.Module,), {"forward": forward})
    model.__class__ = cls
    return model


def grids(forward, **modules):
    return quantisers(prune.prepare(functional(forward, **modules), "plain"))


def test_grids_follow_clamps_and_pools_do_not_get_any():
    net = seeded(ConvNet)
    assert quantisers(prune.prepare(net)) == {
        "x": None, "relu": False, "relu_1": False, "relu6": False, "avg_pool2d": False,
        "head": True,
    }  # fmt: skip
    found = quantisers(prune.prepare(mlp()))
    assert found == {"input_1": None, "_2": False, "_5": False, "_6": True}


def test_joined_tensors_share_a_signed_grid():
    model = prune.prepare(seeded(ResNet))
    assert quantisers(model) == {
        "x": None, "relu": False, "left_0": True, "relu_1": False, "down": True, "head": True,
    }  # fmt: skip
    assert model.bitfpga_quantisers.down.n_places == 2
    assert model.head.input_quantisers == (model.bitfpga_quantisers.down,)
    assert model.up.input_quantisers == (model.bitfpga_quantisers.relu_1,)
    assert model.up.input_bits == 8


CASES = {
    "shared relu": (
        lambda s, x: s.b(s.r(s.a(s.r(x)))),
        {"x": None, "r_1": False, "b": True},
    ),
    "input straight to add": (
        lambda s, x: x + s.b(F.relu(s.a(x))),
        {"x": None, "relu": False, "b": True, "add": True},
    ),
    "several readers": (
        lambda s, x: (y := s.a(x)) + s.b(torch.relu(y)),
        {"x": None, "a": True, "b": True, "add": True},
    ),
    "a clamp of a grid": (
        lambda s, x: (y := s.a(x)) + s.b(F.relu6(y)),
        {"x": None, "a": True, "relu6": False, "b": True, "add": True},
    ),
    "sizes are no readers": (
        lambda s, x: s.b(F.relu((y := s.a(x)).view(y.size(0), y.shape[1]))),
        {"x": None, "relu": False, "b": True},
    ),
    "dropout": (
        lambda s, x: s.b(s.d(torch.relu(s.a(x)))),
        {"x": None, "relu": False, "b": True},
    ),
    "pool before relu": (
        lambda s, x: s.b(F.relu(F.max_pool1d(s.a(x), 1))),
        {"x": None, "relu": False, "b": True},
    ),
    "signs of curves": (
        lambda s, x: torch.sigmoid(s.b(torch.tanh(s.a(x)))),
        {"x": None, "a": True, "tanh": True, "b": True, "sigmoid": False},
    ),
    "signs of sums": (
        lambda s, x: s.b(torch.add(F.relu(s.a(x)), F.relu(x), alpha=1) + 2),
        {"x": None, "relu": False, "add": False, "add_1": False, "b": True},
    ),
    "signs of differences": (
        lambda s, x: s.b(torch.add(F.relu(s.a(x)), F.relu(x), alpha=-1)),
        {"x": None, "relu": False, "add": True, "b": True},
    ),
    "signs of less": (
        lambda s, x: s.b(operator.add(F.relu(s.a(x)), -1)),
        {"x": None, "relu": False, "add": True, "b": True},
    ),
    "a clamp from zero": (
        lambda s, x: s.b(torch.clamp(s.a(x), min=0)).clamp(-2, 2),
        {"x": None, "clamp": False, "clamp_1": True},
    ),
    "an average": (
        lambda s, x: s.b(F.avg_pool1d(F.relu(s.a(x)), 1)),
        {"x": None, "relu": False, "avg_pool1d": False, "b": True},
    ),
    "only the clamp at the end": (
        lambda s, x: F.relu(s.b(s.a(input=x))),
        {"x": None, "a": True, "relu": False},
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_where_grids_sit(case):
    forward, expected = case
    assert grids(forward, r=nn.ReLU(), d=nn.Dropout()) == expected


def test_ends_have_bits_of_their_own():
    model = prune.prepare(
        functional(lambda s, x: s.b(F.relu(s.a(x)))), act_bits=5, input_bits=3, output_bits=9
    )
    found = {name: module.bits for name, module in model.bitfpga_quantisers.named_children()}
    assert found == {"x": 3, "relu": 5, "b": 9}
    learned = {name: m.learned for name, m in model.bitfpga_quantisers.named_children()}
    assert learned == {"x": False, "relu": True, "b": False}


@pytest.mark.parametrize("act_bits", [None, 32])
def test_real_activations_need_no_grids(act_bits):
    model = prune.prepare(mlp(), act_bits=act_bits)
    assert quantisers(model) == {}
    assert [layer.input_bits for layer in prune.pruned_layers(model)] == [None] * 3


@pytest.mark.parametrize("name", MODELS)
def test_parameters_keep_their_names_and_the_model_given_stays(name):
    net = MODELS[name][0]()
    kept = copy.deepcopy(net.state_dict())
    model = prune.prepare(net)
    norms = ("norm", "1.running", "1.weight", "1.bias", "1.num")
    ours = model.state_dict()
    for key, value in kept.items():
        assert key in ours or any(word in key for word in norms), key
        if key in ours:
            assert torch.equal(ours[key], value)
    train(model, batch(MODELS[name][1]), 1)
    assert all(torch.equal(net.state_dict()[key], kept[key]) for key in kept)


def test_modes_and_frozen_parameters_are_kept():
    net = mlp().eval()
    net[0].weight.requires_grad_(False)
    model = prune.prepare(net)
    assert not any(
        module.training for name, module in model.named_modules() if name != "bitfpga_quantisers"
    )
    nested = prune.prepare(seeded(ConvNet).eval(), act_bits=None)
    assert not any(module.training for module in nested.modules())
    frozen = mlp()
    frozen[1].eval()
    norm = prune.pruned_layers(prune.prepare(frozen))[0].norm
    assert not norm.training
    assert not model.get_submodule("0").weight.requires_grad
    assert all(module.training for module in prune.prepare(mlp()).modules())


def test_traced_graphs_are_of_the_models_name():
    assert type(traced(seeded(ConvNet))).__name__ == "ConvNet"


def test_parameter_groups():
    model = prune.prepare(mlp())
    weights, scales = prune.parameter_groups(model, 0.1, weight_decay=0.5)
    assert (weights["lr"], weights["weight_decay"]) == (0.1, 0.5)
    assert (scales["lr"], scales["weight_decay"]) == (pytest.approx(0.01), 0.0)
    assert len(scales["params"]) == 3 + 2
    assert len(weights["params"]) == 3 + 2 + 2
    assert prune.parameter_groups(model, 0.1, 0.3)[1]["lr"] == 0.3
