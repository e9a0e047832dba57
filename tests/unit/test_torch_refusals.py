"""What cannot be done exactly is refused, naming the layer and what to do instead."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from bitfpga.errors import ModelError
from bitfpga.frontends.torch import from_torch

V, T, M = (7,), (5, 6), (3, 9, 8)


class Fn(nn.Module):
    def __init__(self, function, **parts):
        super().__init__()
        self.function = function
        for name, part in parts.items():
            setattr(self, name, part)

    def forward(self, x):
        return self.function(self, x)


class Counter(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("calls", torch.zeros(1))

    def forward(self, x):
        self.calls += 1
        return x * 2


def fn(function, **parts):
    return lambda: Fn(function, **parts)


def with_view_changed(m, x):
    y = x * 2
    y.view(-1, 7).relu_()
    return y


def changed_beside_a_view(m, x):
    y = x * 2
    return y.view(-1, 7) + y.relu_()


def without_gradients(m, x):
    with torch.no_grad():
        y = x * 2
    return y + 1


def noisy(m, x):
    return x + torch.rand(7)


REFUSED = {
    "softmax": (lambda: nn.Sequential(nn.Linear(7, 3), nn.Softmax(-1)), V, "'1' .Softmax.*host"),
    "log softmax": (lambda: nn.LogSoftmax(-1), V, "LogSoftmax|log_softmax.*host"),
    "argmax": (fn(lambda m, x: x.argmax(1)), V, "argmax.*host"),
    "product": (fn(lambda m, x: m.a(x) * m.a(-x), a=nn.Linear(7, 7)), V, "mul.*two activations"),
    "quotient": (fn(lambda m, x: x / m.a(x), a=nn.Linear(7, 7)), V, "div.*two activations"),
    "matmul": (fn(lambda m, x: x @ x.transpose(1, 2)), T, "matmul.*depends on the input"),
    "weight from the input": (fn(lambda m, x: F.linear(x, x)), V, "linear.*weight depends"),
    "attention": (lambda: nn.TransformerEncoderLayer(6, 2, batch_first=True), T, "layer"),
    "lstm": (fn(lambda m, x: m.r(x)[0], r=nn.LSTM(6, 4)), T, "'r' .LSTM.*Conv1d"),
    "gru": (fn(lambda m, x: m.r(x)[0], r=nn.GRU(6, 4, batch_first=True)), T, "'r' .GRU.*Conv1d"),
    "transposed": (lambda: nn.Sequential(nn.ConvTranspose2d(3, 2, 3)), M, "'0'.*nearest"),
    "conv3d": (lambda: nn.Conv3d(3, 2, 2), (3, 4, 5, 6), "conv3d.*1-d and 2-d"),
    "layer norm": (lambda: nn.LayerNorm(7), V, "BatchNorm"),
    "group norm": (lambda: nn.GroupNorm(1, 3), M, "BatchNorm"),
    "instance norm": (lambda: nn.InstanceNorm2d(3), M, "BatchNorm"),
    "bilinear": (lambda: nn.Upsample(scale_factor=2, mode="bilinear"), M, "nearest"),
    "nearest, odd size": (lambda: nn.Upsample(size=(10, 16)), M, "whole factor"),
    "embedding": (fn(lambda m, x: m.e(x.long()), e=nn.Embedding(9, 2)), V, "int64"),
    "local response": (lambda: nn.LocalResponseNorm(2), M, "avg_pool3d"),
    "pad with ones": (fn(lambda m, x: F.pad(x, (1, 0), value=1.0)), V, "only zeros"),
    "crop by pad": (fn(lambda m, x: F.pad(x, (-1, 0))), V, "padding"),
    "adaptive, uneven": (lambda: nn.AdaptiveAvgPool2d((2, 3)), M, "does not divide"),
    "adaptive max, uneven": (lambda: nn.AdaptiveMaxPool2d(4), M, "does not divide"),
    "indices": (fn(lambda m, x: F.max_pool2d(x, 2, return_indices=True)[1] * 1.0), M, "positions"),
    "pool in the padding": (lambda: nn.MaxPool2d(2, 1, 1, 10), (3, 9, 9), "NaN|padding"),
    "mean of all": (fn(lambda m, x: x.mean()), V, "mean"),
    "mean of the batch": (fn(lambda m, x: x.mean(0)), V, "batch axis"),
    "minus the batch mean": (fn(lambda m, x: x - x.mean(0, True)), V, "batch axis"),
    "batch size as a number": (fn(lambda m, x: x / x.size(0)), V, "depends on the batch"),
    "fixed batch": (fn(lambda m, x: x.reshape(7, -1) * 2), V, "batch"),
    "samples into features": (fn(lambda m, x: x.view(-1, 4)), M, "batch as the first axis"),
    "first samples": (fn(lambda m, x: x[:2]), V, "batch axis"),
    "batch moved": (fn(lambda m, x: x.transpose(0, 1)), V, "batch axis"),
    "batch permuted": (fn(lambda m, x: x.permute(1, 0, 2)), T, "batch as the first axis"),
    "bare squeeze": (fn(lambda m, x: x.squeeze()), V, "squeeze.-1"),
    "scalar per sample": (fn(lambda m, x: x.mean(1)), V, "keepdim"),
    "widening constant": (fn(lambda m, x: x.mean(1, True) + torch.ones(4)), V, "widen"),
    "broadcast add": (fn(lambda m, x: x + x.mean(1, True)), V, "expand"),
    "constant in concat": (fn(lambda m, x: torch.cat([x, torch.ones(len(x), 2)], 1)), V, "F.pad"),
    "division by zero": (fn(lambda m, x: x / 0), V, "zero"),
    "power by a vector": (fn(lambda m, x: x ** torch.ones(7)), V, "one number"),
    "undefined function": (fn(lambda m, x: torch.log(x)), V, "log.*defined"),
    "branch": (fn(lambda m, x: x if x.sum() > 0 else -x), V, "cannot be traced.*data"),
    "numpy inside": (fn(lambda m, x: torch.tensor(x.numpy())), V, "traced"),
    "two outputs": (fn(lambda m, x: (x, x * 2)), V, "one tensor"),
    "dictionary": (fn(lambda m, x: {"y": x * 2}), V, "one tensor"),
    "two inputs": (lambda: nn.Bilinear(7, 7, 2), V, "does not run"),
    "constant output": (fn(lambda m, x: torch.ones(3)), V, "depend"),
    "random": (fn(noisy), V, "random"),
    "bare dropout": (fn(lambda m, x: F.dropout(x)), V, "eval"),
    "buffer counter": (Counter, V, "in place"),
    "view changed in place": (fn(with_view_changed), V, "in place|elsewhere"),
    "changed beside a view": (fn(changed_beside_a_view), V, "used elsewhere too"),
    "slice filled": (fn(lambda m, x: (y := x * 2)[:, :2].zero_() * 0 + y[:, :2]), V, "place"),
    "no_grad inside": (fn(without_gradients), V, "no_grad"),
    "wrong width": (lambda: nn.Linear(8, 2), V, "does not run"),
    "complex weight": (fn(lambda m, x: x, w=nn.Parameter(torch.ones(2) * 1j)), V, "complex"),
    "unknown": (fn(lambda m, x: x.cumsum(1)), V, "cumsum.*convolution"),
    "unknown to all": (fn(lambda m, x: x.roll(1, 1)), V, "roll.*host"),
    "infinite weight": (fn(lambda m, x: x, w=nn.Parameter(torch.tensor(torch.inf))), V, "'w'"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused_with_a_remedy(name):
    make, shape, message = REFUSED[name]
    torch.manual_seed(0)
    with pytest.raises(ModelError, match=message):
        from_torch(make().eval(), torch.randn(6, *shape))


@pytest.mark.parametrize(
    "layer",
    [
        nn.BatchNorm1d(7),
        nn.BatchNorm1d(7, affine=False),
        nn.Dropout(0.2),
        nn.AlphaDropout(0.2),
        nn.RReLU(),
        nn.FeatureAlphaDropout(0.2),
    ],
)
def test_training_mode_names_the_layer(layer):
    model = nn.Sequential(nn.Linear(7, 7), layer).train()
    with pytest.raises(ModelError, match=rf"layer '1' \({type(layer).__name__}\).*eval"):
        from_torch(model, torch.randn(6, 7))


def test_no_running_statistics_is_refused():
    with pytest.raises(ModelError, match="track_running_stats"):
        from_torch(nn.BatchNorm1d(7, track_running_stats=False).eval(), torch.randn(6, 7))


x = np.ones((4, 7), np.float32)
BAD_INPUTS = {
    "a list": ([[1.0] * 7], {}, "list"),
    "nothing": (x[:0], {}, "at least one"),
    "no batch": (x[0], {}, "shape"),
    "nan": (x * np.nan, {}, "NaN"),
    "infinity": (x * np.inf, {}, "infinity"),
    "text": (np.full((4, 7), "a"), {}, "dtype"),
    "complex": (torch.ones(4, 7) * 1j, {}, "dtype"),
    "truth": (x > 0, {}, "dtype"),
    "wrong width": (np.ones((4, 6)), {}, "does not run"),
    "scale": (x, {"scale": "pow"}, "'pow2' or 'float'"),
    "input_bits": (x, {"input_bits": 17}, "input_bits=17"),
    "weight_bits": (x, {"weight_bits": 1}, "weight_bits=1"),
    "act_bits": (x, {"act_bits": 8.0}, "act_bits=8.0"),
    "output_bits": (x, {"output_bits": True}, "output_bits=True"),
    "input_scale": (x, {"input_scale": -1.0}, "input_scale"),
    "input_scale 1/255": (x, {"input_scale": 1 / 255}, "power of two"),
    "all at once": (x, {"input_bits": 0, "weight_bits": 10}, "input_bits=0.*weight_bits=10"),
    "name": (x, {"name": "a;b"}, "name"),
}


@pytest.mark.parametrize("name", BAD_INPUTS)
def test_bad_arguments(name):
    calibration, options, message = BAD_INPUTS[name]
    with pytest.raises(ModelError, match=message):
        from_torch(nn.Linear(7, 3), calibration, **options)


def test_not_a_module():
    with pytest.raises(ModelError, match="a torch"):
        from_torch(torch.relu, x)
