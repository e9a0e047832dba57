"""Arithmetic, moves of values and tables: read as torch computes, exact in integers."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from bitfpga import reference
from bitfpga.frontends.torch import fake_quantised, float_run, from_torch
from bitfpga.frontends.torch.handlers import HANDLERS
from bitfpga.frontends.torch.lower import lower
from bitfpga.frontends.torch.simplify import simplify
from bitfpga.frontends.torch.trace import trace

V, S, M = (7,), (4, 11), (3, 9, 8)


class Fn(nn.Module):
    def __init__(self, function, **parts):
        super().__init__()
        self.function = function
        for name, part in parts.items():
            if isinstance(part, torch.Tensor):
                self.register_buffer(name, part)
            else:
                setattr(self, name, part)

    def forward(self, x):
        return self.function(self, x)


c3 = torch.tensor([0.5, -1.5, 2.0]).reshape(3, 1, 1)
HONOURED = {
    "residual": (lambda: Fn(lambda m, x: F.relu(m.a(x)) + x, a=nn.Linear(7, 7)), V),
    "add alpha": (lambda: Fn(lambda m, x: torch.add(m.a(x), x, alpha=0.3), a=nn.Linear(7, 7)), V),
    "add alpha 4": (lambda: Fn(lambda m, x: torch.add(m.a(x), x, alpha=-4), a=nn.Linear(7, 7)), V),
    "sub": (lambda: Fn(lambda m, x: x - m.a(x), a=nn.Linear(7, 7)), V),
    "sub alpha": (lambda: Fn(lambda m, x: torch.sub(x, m.a(x), alpha=2), a=nn.Linear(7, 7)), V),
    "rsub": (lambda: Fn(lambda m, x: torch.rsub(x, 2.5, alpha=3)), V),
    "constant first": (lambda: Fn(lambda m, x: m.c - x, c=c3), M),
    "constant of a sample": (lambda: Fn(lambda m, x: x * m.c, c=torch.randn(1, 3, 9, 8)), M),
    "constant of the batch": (lambda: Fn(lambda m, x: x + torch.ones(x.size(0), 1)), V),
    "constants": (lambda: Fn(lambda m, x: -(3 * x + 1) / m.c, c=c3), M),
    "x + x": (lambda: Fn(lambda m, x: x + x), V),
    "concat": (
        lambda: Fn(
            lambda m, x: torch.cat([m.a(x).relu(), x, m.b(x) * 9], -1),
            a=nn.Linear(7, 2),
            b=nn.Linear(7, 3),
        ),
        V,
    ),
    "concat of axes": (lambda: Fn(lambda m, x: torch.cat([x, m.a(x)], 2), a=nn.Conv2d(3, 3, 1)), M),
    "stack": (lambda: Fn(lambda m, x: torch.stack([x, -x], 2)), S),
    "flatten": (lambda: Fn(lambda m, x: x.flatten(1)), M),
    "flatten part": (lambda: Fn(lambda m, x: x.flatten(2)), M),
    "view": (lambda: Fn(lambda m, x: x.view(x.size(0), -1, 4)), M),
    "unflatten, squeeze": (lambda: Fn(lambda m, x: x.unflatten(1, (1, -1)).squeeze(1)), M),
    "unsqueeze": (lambda: Fn(lambda m, x: x.unsqueeze(-1)), V),
    "permute": (lambda: Fn(lambda m, x: x.permute(0, 3, 1, 2)), M),
    "transpose": (lambda: Fn(lambda m, x: x.transpose(-1, 1)), M),
    "swapaxes, movedim": (lambda: Fn(lambda m, x: x.swapaxes(1, 2).movedim(3, 1)), M),
    "pad": (lambda: Fn(lambda m, x: F.pad(x, (1, 2, 0, 3))), M),
    "pad channels": (lambda: Fn(lambda m, x: F.pad(x, (0, 0, 0, 0, 2, 1))), M),
    "pad reflect": (lambda: nn.ReflectionPad2d((1, 2, 3, 0)), M),
    "slice": (lambda: Fn(lambda m, x: x[:, 1:, 2:-1:3, ::2]), M),
    "select": (lambda: Fn(lambda m, x: x[:, -1] + x.select(1, 0)), M),
    "narrow": (lambda: Fn(lambda m, x: x.narrow(2, 3, 4)), M),
    "chunk": (lambda: Fn(lambda m, x: torch.cat(x.chunk(2, 2)[::-1], 2)), M),
    "split": (lambda: Fn(lambda m, x: torch.cat(x.split(4, 3)[::-1], 3)), M),
    "split sizes": (lambda: Fn(lambda m, x: x.split([2, 6], 3)[1]), M),
    "unbind": (lambda: Fn(lambda m, x: x.unbind(1)[1]), M),
    "flip": (lambda: Fn(lambda m, x: x.flip((1, 3))), M),
    "nearest": (lambda: nn.Upsample(scale_factor=(2, 3)), M),
    "nearest size": (lambda: nn.Upsample(size=22), S),
    "repeats": (lambda: Fn(lambda m, x: x.repeat(1, 2, 1).tile(3).repeat_interleave(2, 1)), S),
    "expand": (lambda: Fn(lambda m, x: x.mean(1, True).expand(-1, 3, -1, -1)), M),
    "pixel shuffle": (lambda: nn.Sequential(nn.Conv2d(3, 8, 1), nn.PixelShuffle(2)), M),
    "pixel unshuffle": (lambda: nn.Sequential(nn.Conv2d(3, 2, (2, 1)), nn.PixelUnshuffle(2)), M),
    "channel shuffle": (lambda: nn.Sequential(nn.Conv2d(3, 6, 1), nn.ChannelShuffle(3)), M),
    "no-ops": (
        lambda: Fn(
            lambda m, x: m.d(m.i(x)).contiguous().clone().detach().double().float(),
            d=nn.Dropout(),
            i=nn.Identity(),
        ),
        V,
    ),
    "dropouts": (lambda: nn.Sequential(nn.Dropout2d(), nn.AlphaDropout()), M),
    "dropout p=0": (lambda: Fn(lambda m, x: F.dropout(x, 0.0)), V),
    "weight norm": (lambda: nn.utils.parametrizations.weight_norm(nn.Linear(7, 4)), V),
    "only the input": (lambda: Fn(lambda m, x: x), V),
    "shared": (lambda: Fn(lambda m, x: m.a(m.a(x).relu_()) + m.a(x), a=nn.Linear(7, 7)), V),
    "in place after reading": (
        lambda: Fn(
            lambda m, x: m.b(y := m.a(x)) + F.relu_(y), a=nn.Linear(7, 5), b=nn.Linear(5, 5)
        ),
        V,
    ),
    **{
        f.__name__: (f, V)
        for f in (
            nn.Sigmoid,
            nn.Tanh,
            nn.SiLU,
            nn.GELU,
            nn.ELU,
            nn.SELU,
            nn.CELU,
            nn.Hardswish,
            nn.Hardsigmoid,
            nn.Softplus,
            nn.Mish,
            nn.LogSigmoid,
            nn.Softsign,
            nn.Tanhshrink,
            nn.Hardshrink,
            nn.Softshrink,
            nn.RReLU,
        )
    },
    "gelu tanh": (lambda: nn.GELU("tanh"), V),
    "leaky relu": (lambda: nn.LeakyReLU(-0.3), V),
    "elu alpha": (lambda: nn.ELU(1.7), V),
    "threshold": (lambda: nn.Threshold(0.4, -2.0), V),
    "silu by hand": (lambda: Fn(lambda m, x: x * torch.sigmoid(x)), V),
    "square": (lambda: Fn(lambda m, x: x * x), V),
    "swish of relu6": (lambda: Fn(lambda m, x: x * F.relu6(x + 3) / 6), V),
    "function of a function": (lambda: Fn(lambda m, x: (2 * torch.tanh(x) + 1).abs() ** 1.5), V),
    "where": (lambda: Fn(lambda m, x: torch.where((x > 0) & ~(x > 2), x, -0.1 * x - 1)), V),
    "quotient": (lambda: Fn(lambda m, x: 1 / (1 + x.abs())), V),
    "powers": (lambda: Fn(lambda m, x: x**3 + 2**x - x.abs().sqrt()), V),
    "div mode": (lambda: Fn(lambda m, x: torch.div(x, 2, rounding_mode="floor")), V),
    "log of relu": (lambda: Fn(lambda m, x: torch.log(m.a(x).relu() + 0.5), a=nn.Linear(7, 3)), V),
    "maximum": (lambda: Fn(lambda m, x: torch.maximum(x, x * 0.2)), V),
}


def samples(shape, n=6, seed=2):
    """Return real inputs, float32, negative and beyond 6 as well."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(n, *shape, generator=generator) * 4


@pytest.mark.parametrize("name", HONOURED)
def test_reads_what_torch_computes(name):
    make, shape = HONOURED[name]
    torch.manual_seed(3)
    model = make().eval()
    calibration = samples(shape, 2, seed=9)
    graph, _ = lower(trace(model, calibration.double().numpy()), HANDLERS)
    x = samples(shape)
    for graph_form in (graph, simplify(graph)):
        expected = model(x.clone()).detach()
        got = float_run.run(graph_form, x.double())
        assert got.shape == expected.shape
        # float32 in torch, float64 here: the tolerance is torch's own rounding.
        torch.testing.assert_close(got.float(), expected.float(), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("scale", ["pow2", "float"])
@pytest.mark.parametrize("name", HONOURED)
def test_integers_are_close_to_the_float_model(name, scale):
    make, shape = HONOURED[name]
    torch.manual_seed(3)
    model, x = make().eval(), samples(shape, 24)
    network = from_torch(model, x, 12, 9, 12, scale)
    got = network.dequantise(reference.run(network, network.quantise(x.numpy())))
    expected = model(x).detach().numpy()
    # What 12-bit activations, 10-bit tables and 9-bit weights may cost.
    assert np.square(got - expected).mean() <= 0.03**2 * np.square(expected).mean()
    if scale == "pow2":
        check_exact(network, x.numpy() * 3)


def check_exact(network, x):
    """The torch module and the integer reference answer alike, beyond the input's range too."""
    x[0], x[1] = 1e9, -1e9
    expected = network.dequantise(reference.run(network, network.quantise(x)))
    with torch.no_grad():
        got = fake_quantised(network)(torch.from_numpy(x)).numpy()
    np.testing.assert_array_equal(got, expected)
