"""What prune.prepare refuses, and how clearly."""

import math

import pytest
import torch
import torch.nn.functional as F
import torch.nn.utils.prune as masks
from torch import nn

from bitfpga import prune
from bitfpga.errors import PruneError
from bitfpga.prune.bit_pruning import BitPruning
from bitfpga.prune.bitpruner import BitPruner

torch.set_num_threads(1)


def net(*more):
    torch.manual_seed(1)
    return nn.Sequential(nn.Linear(5, 4), *more)


def with_forward(forward, **modules):
    model = net()
    for name, module in modules.items():
        model.add_module(name, module)
    model.__class__ = type("Net", (nn.Sequential,), {"forward": forward})
    return model


def filled(value):
    model = net(nn.ReLU(), nn.Linear(4, 3))
    model[2].weight.data.fill_(value)
    return model


def masked():
    model = net()
    masks.l1_unstructured(model[0], "weight", 0.5)
    return model


def tied():
    model = net(nn.Linear(4, 4), nn.Linear(4, 4))
    model[2].weight = model[1].weight
    return model


def branching(s, x):
    return s[0](x) if x.sum() > 0 else x


NORM = nn.BatchNorm1d
MODELS = {
    "no module": (lambda: "net", "model is a str: a torch.nn.Module is needed"),
    "no layers": (lambda: nn.Sequential(nn.ReLU()), "no pruned layers"),
    "bare layer": (lambda: nn.Linear(3, 2), "bare layer; wrap it"),
    "prepared twice": (lambda: prune.prepare(net()), "prepared already"),
    "transposed": (lambda: net(nn.ConvTranspose2d(3, 4, 2)), r"'1' \(ConvTranspose2d\): is not"),
    "recurrent": (lambda: nn.Sequential(nn.LSTM(3, 4)), r"'0' \(LSTM\): is not supported"),
    "layer norm": (lambda: net(nn.LayerNorm(4)), r"'1' \(LayerNorm\): is not supported"),
    "parametrised": (
        lambda: net(nn.utils.parametrizations.weight_norm(nn.Linear(4, 3))),
        r"'1' \(ParametrizedLinear\): is not supported",
    ),
    "norm behind relu": (lambda: net(nn.ReLU(), NORM(4)), r"'2' \(BatchNorm1d\): only a batch"),
    "norm first": (lambda: nn.Sequential(NORM(5), nn.Linear(5, 4)), "'0' .*only a batch norm"),
    "norm without statistics": (
        lambda: net(NORM(4, track_running_stats=False)),
        "only a batch norm with running statistics",
    ),
    "norm used twice": (
        lambda: with_forward(lambda s, x: s.n(s[0](s.n(s[0](x)))), n=NORM(4)),
        "'n' .*only a batch norm",
    ),
    "norm of two readers": (
        lambda: with_forward(lambda s, x: (y := s[0](x)) + s.n(y), n=NORM(4)),
        "'n' .*only a batch norm",
    ),
    "parameter": (
        lambda: with_forward(lambda s, x: F.linear(x, s[0].weight)),
        r"'0.weight' is a bare parameter.*'linear' is not supported; use the module",
    ),
    "dropout": (
        lambda: with_forward(lambda s, x: F.dropout(s[0](x))),
        "'dropout' is not supported; use the module nn.Dropout",
    ),
    "unknown": (lambda: with_forward(lambda s, x: torch.sort(s[0](x))[0]), r"'sort'.*docs/torch"),
    "control flow": (lambda: with_forward(branching), "cannot be traced.*must not choose its path"),
    "two inputs": (lambda: with_forward(lambda s, x, y: s[0](x) + y), "takes 2 inputs"),
    "tuple": (lambda: with_forward(lambda s, x: (s[0](x), x)), "returns a container"),
    "layer used twice": (
        lambda: with_forward(lambda s, x: s.b(s.b(s[0](x))), b=nn.Linear(4, 4)),
        r"'b' \(Linear\): is used twice",
    ),
    "nan": (lambda: filled(math.nan), "'2.weight' holds NaN or infinity"),
    "infinity": (lambda: filled(-math.inf), "'2.weight' holds NaN or infinity"),
    "zeros": (lambda: filled(0.0), "layer '2': all its weights are 0"),
    "lazy": (lambda: nn.Sequential(nn.LazyLinear(4)), "'0.weight' is not initialised"),
    "lazy norm": (lambda: net(nn.LazyBatchNorm1d()), "'1.running_mean' is not initialised"),
    "masked": (masked, "'0': its weight is computed by a hook"),
    "tied": (tied, "layers '1' and '2' share their weight"),
    "half": (lambda: net().half(), "'0.weight' is torch.float16: call model.float"),
    "meta": (lambda: net(nn.Linear(4, 3, device="meta")), "'1.weight' is on the meta device"),
}
OPTIONS = [
    ({"weight_bits": 1}, "weight_bits=1: an integer from 2 to 8"),
    ({"weight_bits": 9}, "weight_bits=9: an integer from 2 to 8"),
    ({"weight_bits": True}, "weight_bits=True"),
    ({"weight_bits": 8.0}, "weight_bits=8.0"),
    ({"act_bits": 1}, "act_bits=1: an integer from 2 to 16"),
    ({"act_bits": 17}, "act_bits=17"),
    ({"input_bits": 0, "output_bits": 17}, "input_bits=0.*output_bits=17"),
    ({"scale": "log"}, "scale='log': 'pow2' or 'float'"),
    ({"method": "magic"}, "method 'magic': known are plain, bit_pruning"),
    ({"method": BitPruning}, "method is a type"),
    ({"method": "bbs", "weight_bits": 7}, "weight_bits=7: an integer from 8 to 8"),
    ({"layers": {"fc": 4}}, "no layer 'fc'.*layers of the model: 0"),
    ({"layers": {"0": 9}}, "'0': 9; give a BitPruning.* from 2 to 8"),
    ({"layers": {"0": BitPruner()}}, "give a BitPruning"),
    ({"layers": {"0": True}}, "'0': True"),
    ({"layers": ["0"]}, "layers is a list: a dict"),
]


@pytest.mark.parametrize("case", MODELS.values(), ids=MODELS)
def test_models(case):
    make, message = case
    with pytest.raises(PruneError, match=message):
        prune.prepare(make())


@pytest.mark.parametrize(("options", "message"), OPTIONS)
def test_options(options, message):
    with pytest.raises(PruneError, match=message):
        prune.prepare(net(), **options)


def test_all_problems_are_told_at_once():
    model = net(nn.LayerNorm(4), nn.GroupNorm(2, 4))
    with pytest.raises(PruneError, match=r"'1' \(LayerNorm\).*'2' \(GroupNorm\)"):
        prune.prepare(model)


def test_loops_want_a_prepared_model():
    for call in (prune.penalty, prune.finish, prune.summary):
        with pytest.raises(PruneError, match="no pruned layers"):
            call(net())
