"""Layers with weights, norms, clamps, pooling: read as torch computes, exact in integers."""

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

V, T, S, M = (7,), (5, 6), (4, 11), (3, 9, 8)


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


def lived_in(model):
    """Return ``model`` in eval mode with batch norm statistics and parameters that matter."""
    generator = torch.Generator().manual_seed(5)
    for module in model.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            for tensor in (module.running_mean, module.bias):
                if tensor is not None:
                    tensor.data = torch.randn(tensor.shape, generator=generator)
            for tensor in (module.running_var, module.weight):
                if tensor is not None:
                    tensor.data = torch.rand(tensor.shape, generator=generator) + 0.3
    return model.eval()


def conv1(*args, **options):
    return nn.Conv1d(4, 6, *args, **options)


def conv2(*args, **options):
    return nn.Conv2d(3, 6, *args, **options)


def bn(n=3, **options):
    return nn.BatchNorm2d(n, **options)


c3 = torch.tensor([0.5, -1.5, 2.0]).reshape(3, 1, 1)
HONOURED = {
    "linear": (lambda: nn.Linear(7, 4), V),
    "linear no bias": (lambda: nn.Linear(7, 1, bias=False), V),
    "linear on axes": (lambda: nn.Linear(6, 4), T),
    "linear on images": (lambda: nn.Linear(8, 5), M),
    "matmul": (lambda: Fn(lambda m, x: x @ m.w, w=torch.randn(7, 4)), V),
    "mm": (lambda: Fn(lambda m, x: torch.mm(x, m.w), w=torch.randn(7, 4)), V),
    "addmm": (
        lambda: Fn(
            lambda m, x: torch.addmm(m.b, x, m.w, beta=0.5, alpha=-2),
            w=torch.randn(7, 4),
            b=torch.randn(4),
        ),
        V,
    ),
    "conv1d": (lambda: conv1(3), S),
    "conv1d all": (lambda: conv1(2, 2, 3, 3, 2), S),
    "conv1d same even": (lambda: conv1(4, padding="same"), S),
    "conv1d valid": (lambda: conv1(4, padding="valid"), S),
    "conv2d": (lambda: conv2((3, 2)), M),
    "conv2d stride": (lambda: conv2((2, 3), stride=(3, 2)), M),
    "conv2d padding": (lambda: conv2(3, padding=(2, 0)), M),
    "conv2d dilation": (lambda: conv2((2, 3), dilation=(4, 2)), M),
    "conv2d groups": (lambda: conv2(2, groups=3, bias=False), M),
    "conv2d depthwise": (lambda: nn.Conv2d(3, 3, 3, groups=3, padding=1), M),
    "conv2d same": (lambda: conv2((4, 3), padding="same", dilation=(1, 2)), M),
    "conv2d zeros": (lambda: conv2(3, padding=1, padding_mode="zeros"), M),
    "conv2d circular": (lambda: conv2(3, padding=(1, 2), padding_mode="circular"), M),
    "conv2d reflect": (lambda: conv2(3, padding=(2, 1), padding_mode="reflect"), M),
    "conv1d replicate": (lambda: conv1(3, padding=2, padding_mode="replicate"), S),
    "batch norm": (bn, M),
    "batch norm eps": (lambda: bn(eps=0.3, momentum=0.7), M),
    "batch norm plain": (lambda: bn(affine=False), M),
    "batch norm 1d": (lambda: nn.BatchNorm1d(7), V),
    "batch norm (N, C, T)": (lambda: nn.BatchNorm1d(4), S),
    "batch norm folded": (lambda: nn.Sequential(conv2(2), bn(6), nn.ReLU()), M),
    "batch norm into dense": (lambda: nn.Sequential(nn.Linear(7, 4), nn.BatchNorm1d(4)), V),
    "batch norm on (N, T, C)": (lambda: nn.Sequential(nn.Linear(6, 4), nn.BatchNorm1d(5)), T),
    "batch norm before": (lambda: nn.Sequential(bn(), conv2(3, padding=1)), M),
    "batch norm twice": (lambda: nn.Sequential(conv2(2), bn(6), bn(6), nn.ReLU6(), bn(6)), M),
    "relu": (nn.ReLU, V),
    "relu in place": (lambda: nn.Sequential(nn.Linear(7, 4), nn.ReLU(inplace=True)), V),
    "relu6": (nn.ReLU6, V),
    "hardtanh": (lambda: nn.Hardtanh(-0.5, 2.5), V),
    "clamp": (lambda: Fn(lambda m, x: x.clamp(-1, 2)), V),
    "clamp min": (lambda: Fn(lambda m, x: x.clamp(min=0.75)), V),
    "clamp max": (lambda: Fn(lambda m, x: x.clamp(max=-0.75)), V),
    "clamp crossed": (lambda: Fn(lambda m, x: x.clamp(2, 1) + x), V),
    "clamps in turn": (
        lambda: Fn(lambda m, x: m.a(x).clamp(-2, 3).clamp(-1, 9).relu(), a=nn.Linear(7, 3)),
        V,
    ),
    "clamp tensors": (
        lambda: Fn(lambda m, x: x.clamp(m.a, m.b), a=torch.tensor(-1.0), b=torch.tensor([2.0])),
        V,
    ),
    "prelu": (lambda: nn.PReLU(init=-0.4), V),
    "prelu per channel": (lambda: Fn(lambda m, x: F.prelu(x, m.w), w=c3.reshape(3)), M),
    "max pool 1d": (lambda: nn.MaxPool1d(3, 2, 1, 2), S),
    "max pool": (lambda: nn.MaxPool2d((3, 2)), M),
    "max pool stride": (lambda: nn.MaxPool2d(2, (1, 3)), M),
    "max pool padding": (lambda: nn.MaxPool2d(3, 2, (1, 0)), M),
    "max pool dilation": (lambda: nn.MaxPool2d((2, 3), 1, 0, (4, 2)), M),
    "max pool ceil": (lambda: nn.MaxPool2d(2, ceil_mode=True), M),
    "max pool ceil, last window out": (lambda: nn.MaxPool2d(2, 3, 1, ceil_mode=True), M),
    "max pool ceil, gap": (lambda: nn.MaxPool2d(1, 3, ceil_mode=True), M),
    "max pool of negative": (lambda: Fn(lambda m, x: F.max_pool2d(-x.abs() - 1, 3, 2, 1)), M),
    "max pool indices unread": (
        lambda: Fn(lambda m, x: F.max_pool2d(x, 2, None, 0, 1, True, True)[0]),
        M,
    ),
    "relu after max pool": (lambda: nn.Sequential(conv2(2), nn.MaxPool2d(2), nn.ReLU()), M),
    "avg pool 1d": (lambda: nn.AvgPool1d(3, 2, 1, True, False), S),
    "avg pool": (lambda: nn.AvgPool2d((3, 2), (2, 3)), M),
    "avg pool padding": (lambda: nn.AvgPool2d(3, 2, 1), M),
    "avg pool without pad": (lambda: nn.AvgPool2d(3, 2, 1, count_include_pad=False), M),
    "avg pool ceil": (lambda: nn.AvgPool2d((2, 3), 3, (1, 0), ceil_mode=True), M),
    "avg pool ceil, no pad": (lambda: nn.AvgPool2d(2, 2, 1, True, False), M),
    "avg pool divisor": (lambda: nn.AvgPool2d(3, 2, 1, True, False, 5), M),
    "avg pool then scale": (lambda: Fn(lambda m, x: F.avg_pool2d(x, 3) * m.c + 1, c=c3), M),
    "adaptive avg 1": (lambda: nn.AdaptiveAvgPool2d(1), M),
    "adaptive avg part": (lambda: nn.AdaptiveAvgPool2d((3, 1)), M),
    "adaptive avg none": (lambda: nn.AdaptiveAvgPool2d((None, 2)), M),
    "adaptive avg 1d": (lambda: nn.AdaptiveAvgPool1d(1), S),
    "adaptive max": (lambda: nn.AdaptiveMaxPool2d((3, 4)), M),
    "adaptive max 1d": (lambda: nn.AdaptiveMaxPool1d(1), S),
    "mean": (lambda: Fn(lambda m, x: x.mean((2, 3))), M),
    "mean keepdim": (lambda: Fn(lambda m, x: x.mean((-1, 1), keepdim=True)), M),
    "mean of one axis": (lambda: Fn(lambda m, x: x.mean(2)), M),
    "sum": (lambda: Fn(lambda m, x: x.sum((1, 3))), M),
    "amax": (lambda: Fn(lambda m, x: x.amax((2, 3))), M),
    "amax of channels": (lambda: Fn(lambda m, x: x.amax(1, keepdim=True)), M),
    "max of an axis": (lambda: Fn(lambda m, x: x.max(2).values), M),
}


def samples(shape, n=6, seed=2):
    """Return real inputs, float32, negative and beyond 6 as well."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(n, *shape, generator=generator) * 4


@pytest.mark.parametrize("name", HONOURED)
def test_reads_what_torch_computes(name):
    make, shape = HONOURED[name]
    torch.manual_seed(3)
    model = lived_in(make())
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
    model, x = lived_in(make()), samples(shape, 24)
    network = from_torch(model, x, 12, 9, 12, scale)
    got = network.dequantise(reference.run(network, network.quantise(x.numpy())))
    expected = model(x).detach().numpy()
    # What 12-bit activations, 10-bit tables and 9-bit weights may cost.
    assert np.square(got - expected).mean() <= 0.02**2 * np.square(expected).mean()
    if scale == "pow2":
        check_exact(network, x.numpy() * 3)


def check_exact(network, x):
    """The torch module and the integer reference answer alike, beyond the input's range too."""
    x[0], x[1] = 1e9, -1e9
    expected = network.dequantise(reference.run(network, network.quantise(x)))
    with torch.no_grad():
        got = fake_quantised(network)(torch.from_numpy(x)).numpy()
    np.testing.assert_array_equal(got, expected)
