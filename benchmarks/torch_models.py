"""Small models of the kinds hls4ml and FINN users bring, for ``torch_coverage.py``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Case:
    """A model and its input shape; ``table`` where a lookup table is inside."""

    name: str
    make: Callable[[], nn.Module]
    shape: Shape
    table: bool = False
    train: bool = False


class Fn(nn.Module):
    """A forward written as a function of (modules, x)."""

    def __init__(self, function: Callable[..., Any], **modules: Any) -> None:
        super().__init__()
        self.function = function
        for name, module in modules.items():
            if isinstance(module, torch.Tensor):
                self.register_buffer(name, module)
            else:
                setattr(self, name, module)

    def forward(self, x: torch.Tensor) -> Any:
        """Return ``function(self, x)``."""
        return self.function(self, x)


def fn(function: Callable[..., Any], **makers: Callable[[], Any]) -> Callable[[], nn.Module]:
    """Return a maker of ``Fn`` with freshly made parts."""
    return lambda: Fn(function, **{name: make() for name, make in makers.items()})


def seq(*makers: Callable[[], nn.Module]) -> Callable[[], nn.Module]:
    """Return a maker of ``Sequential`` with freshly made parts."""
    return lambda: nn.Sequential(*(make() for make in makers))


def lin(n_in: int, n_out: int, **options: Any) -> Callable[[], nn.Module]:
    """Return a maker of ``Linear``."""
    return lambda: nn.Linear(n_in, n_out, **options)


def conv(n_in: int, n_out: int, kernel: Any = 3, **options: Any) -> Callable[[], nn.Module]:
    """Return a maker of ``Conv2d``."""
    return lambda: nn.Conv2d(n_in, n_out, kernel, **options)


def norm(n: int, kind: Any = nn.BatchNorm2d, **options: Any) -> Callable[[], nn.Module]:
    """Return a maker of a batch norm with lived-in statistics."""

    def make() -> nn.Module:
        module = kind(n, **options)
        with torch.no_grad():
            for tensor in (module.running_mean, module.bias):
                if tensor is not None:
                    tensor.normal_(0, 0.5)
            for tensor in (module.running_var, module.weight):
                if tensor is not None:
                    tensor.uniform_(0.5, 2.0)
        return module  # type: ignore[no-any-return]

    return make


def pool(kind: Any, *args: Any, **options: Any) -> Callable[[], nn.Module]:
    """Return a maker of any module after a convolution."""
    return seq(conv(3, 5), lambda: kind(*args, **options))


def _branch(m: Any, x: torch.Tensor) -> torch.Tensor:
    return x if x.sum() > 0 else -x


class _Block(nn.Module):
    def __init__(self, n_in: int, n_out: int, stride: int) -> None:
        super().__init__()
        self.first = seq(conv(n_in, n_out, stride=stride, padding=1, bias=False), norm(n_out))()
        self.second = seq(conv(n_out, n_out, padding=1, bias=False), norm(n_out))()
        self.skip = seq(conv(n_in, n_out, 1, stride=stride), norm(n_out))()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.second(F.relu(self.first(x)))
        y += self.skip(x)
        return F.relu(y)


def _attention(m: Any, x: torch.Tensor) -> torch.Tensor:
    weights = torch.softmax(m.q(x) @ m.k(x).transpose(1, 2), dim=-1)
    return weights @ x


_R, _G, _B1 = nn.ReLU, nn.GELU, nn.BatchNorm1d
V, T, S, M = (11,), (6, 10), (4, 12), (3, 9, 11)
CASES = (
    Case("mlp", seq(lin(11, 13), _R, lin(13, 7), _R, lin(7, 5)), V),
    Case("mlp without bias", seq(lin(11, 13, bias=False), _R, lin(13, 5, bias=False)), V),
    Case("mlp batch norm", seq(lin(11, 13), norm(13, _B1), _R, lin(13, 5)), V),
    Case("batch norm first", seq(norm(11, _B1), lin(11, 5)), V),
    Case("batch norm affine=False", seq(lin(11, 7), norm(7, _B1, affine=False), _R), V),
    Case("linear on (N, T, C)", seq(lin(10, 8), _R, lin(8, 3)), T),
    Case(
        "relu6, hardtanh, clamp",
        fn(lambda m, x: F.hardtanh(m.a(F.relu6(m.b(x)))).clamp(-0.5), a=lin(7, 6), b=lin(11, 7)),
        V,
    ),
    Case(
        "conv1d options", seq(lambda: nn.Conv1d(4, 6, 3, 2, 2, 2, 2), _R, nn.Flatten, lin(36, 3)), S
    ),
    Case("conv1d same", seq(lambda: nn.Conv1d(4, 6, 4, padding="same", dilation=2), _R), S),
    Case("conv2d stride, padding", seq(conv(3, 6, (3, 2), stride=(2, 1), padding=(1, 0)), _R), M),
    Case("conv2d same, dilation", seq(conv(3, 6, (2, 3), padding="same", dilation=(3, 2)), _R), M),
    Case("conv2d groups", seq(conv(3, 6, groups=3), _R, conv(6, 4, 1, groups=2)), M),
    Case(
        "depthwise separable",
        seq(conv(3, 3, groups=3, padding=1), norm(3), _R, conv(3, 7, 1), norm(7), _R),
        M,
    ),
    Case("circular padding", seq(conv(3, 4, padding=2, padding_mode="circular"), _R), M),
    Case("reflect padding", seq(conv(3, 4, padding=1, padding_mode="reflect"), _R), M),
    Case(
        "lenet",
        seq(
            conv(3, 6, padding=1),
            _R,
            lambda: nn.MaxPool2d(2),
            nn.Flatten,
            lin(120, 9),
            _R,
            lin(9, 4),
        ),
        M,
    ),
    Case("max pool dilation", pool(nn.MaxPool2d, 2, stride=1, dilation=2), M),
    Case("max pool ceil_mode", pool(nn.MaxPool2d, 2, ceil_mode=True), M),
    Case("max pool padding", pool(nn.MaxPool2d, 3, stride=2, padding=1), M),
    Case("max pool 1d", seq(lambda: nn.Conv1d(4, 5, 2), lambda: nn.MaxPool1d(3, 2)), S),
    Case("avg pool", pool(nn.AvgPool2d, 2), M),
    Case("avg pool without pad", pool(nn.AvgPool2d, 3, 2, 1, count_include_pad=False), M),
    Case("avg pool ceil_mode", pool(nn.AvgPool2d, 2, padding=1, ceil_mode=True), M),
    Case("avg pool divisor", pool(nn.AvgPool2d, 2, divisor_override=3), M),
    Case(
        "global avg pool",
        seq(conv(3, 8), _R, lambda: nn.AdaptiveAvgPool2d(1), nn.Flatten, lin(8, 4)),
        M,
    ),
    Case(
        "mean over space",
        fn(lambda m, x: m.l(m.c(x).relu().mean((2, 3))), c=conv(3, 8), l=lin(8, 4)),
        M,
    ),
    Case("global max", fn(lambda m, x: m.c(x).amax((2, 3)), c=conv(3, 8)), M),
    Case("batch norm after pool", seq(conv(3, 5), lambda: nn.MaxPool2d(2), norm(5), _R), M),
    Case("residual from the input", fn(lambda m, x: x + F.relu(m.a(x)), a=lin(11, 11)), V),
    Case(
        "resnet",
        seq(
            conv(3, 4),
            norm(4),
            _R,
            lambda: _Block(4, 6, 2),
            lambda: nn.AdaptiveAvgPool2d(1),
            nn.Flatten,
            lin(6, 5),
        ),
        M,
    ),
    Case("subtraction", fn(lambda m, x: m.a(x) - m.b(x), a=lin(11, 6), b=lin(11, 6)), V),
    Case(
        "constants",
        fn(
            lambda m, x: 1.5 - m.a(x * m.c + 0.3) / 4,
            a=lin(11, 6),
            c=lambda: torch.linspace(-1, 1, 11),
        ),
        V,
    ),
    Case(
        "concat",
        fn(
            lambda m, x: m.d(torch.cat([m.a(x).relu(), x, m.b(x) * 3], 1)),
            a=lin(11, 4),
            b=lin(11, 3),
            d=lin(18, 5),
        ),
        V,
    ),
    Case(
        "inception",
        fn(
            lambda m, x: torch.cat([m.a(x), F.avg_pool2d(x, 3, 1, 1)], 1).relu(),
            a=conv(3, 4, padding=1),
        ),
        M,
    ),
    Case("leaky relu", seq(lin(11, 9), lambda: nn.LeakyReLU(0.1), lin(9, 4)), V, table=True),
    Case("prelu per channel", seq(conv(3, 4), lambda: nn.PReLU(4, 0.3)), M),
    Case(
        "functional",
        fn(
            lambda m, x: F.linear(F.relu(F.linear(x, m.w, m.b)), m.w.t()),
            w=lambda: torch.randn(6, 11) / 3,
            b=lambda: torch.randn(6),
        ),
        V,
    ),
    Case(
        "nested, shared",
        fn(
            lambda m, x: m.s(m.s(x).relu()) + m.n(x),
            s=lin(11, 11),
            n=seq(seq(lin(11, 5), _R), lin(5, 11)),
        ),
        V,
    ),
    Case(
        "view, permute",
        fn(
            lambda m, x: m.l(m.c(x).permute(0, 2, 3, 1).reshape(x.size(0), -1)),
            c=conv(3, 2),
            l=lin(126, 5),
        ),
        M,
    ),
    Case(
        "matmul, weight norm",
        fn(
            lambda m, x: m.l(x @ m.w),
            w=lambda: torch.randn(11, 6) / 3,
            l=lambda: nn.utils.parametrizations.weight_norm(nn.Linear(6, 4)),
        ),
        V,
    ),
    Case(
        "slices, chunk",
        fn(lambda m, x: m.a(x[:, ::2]) + m.c(x.chunk(2, 1)[1]), a=lin(6, 4), c=lin(5, 4)),
        V,
    ),
    Case(
        "zero pad, in-place relu",
        fn(lambda m, x: m.c(F.pad(x, (1, 2, 0, 1))).relu_(), c=conv(3, 4)),
        M,
    ),
    Case("nearest upsampling", seq(conv(3, 4), lambda: nn.Upsample(scale_factor=2), conv(4, 2)), M),
    Case("pixel shuffle", seq(conv(3, 8), lambda: nn.PixelShuffle(2)), M),
    Case("gelu", seq(lin(11, 9), _G, lin(9, 4)), V, table=True),
    Case(
        "silu by hand",
        fn(lambda m, x: m.b((y := m.a(x)) * torch.sigmoid(y)), a=lin(11, 9), b=lin(9, 4)),
        V,
        table=True,
    ),
    Case("sigmoid, tanh", seq(lin(11, 9), nn.Tanh, lin(9, 4), nn.Sigmoid), V, table=True),
    Case(
        "elu, softplus, hardswish",
        seq(lin(11, 9), nn.ELU, lin(9, 8), nn.Softplus, lin(8, 7), nn.Hardswish),
        V,
        table=True,
    ),
    Case("dropout, identity", seq(lin(11, 9), nn.Dropout, nn.Identity, _R, lin(9, 4)), V),
    Case(
        "autoencoder",
        seq(
            nn.Flatten,
            lin(297, 16),
            norm(16, _B1),
            _R,
            lin(16, 4),
            _R,
            lin(4, 16),
            _R,
            lin(16, 297),
        ),
        M,
    ),
    Case("softmax at the end", seq(lin(11, 5), lambda: nn.Softmax(-1)), V),
    Case("product of activations", fn(lambda m, x: m.a(x) * m.b(x), a=lin(11, 5), b=lin(11, 5)), V),
    Case("lstm", fn(lambda m, x: m.r(x)[0], r=lambda: nn.LSTM(10, 4, batch_first=True)), T),
    Case("transposed convolution", seq(lambda: nn.ConvTranspose2d(3, 4, 3)), M),
    Case("data-dependent branch", fn(_branch), V),
    Case("train mode", seq(lin(11, 7), norm(7, _B1)), V, train=True),
    Case("layer norm", seq(lin(11, 7), lambda: nn.LayerNorm(7)), V),
    Case("attention", fn(_attention, q=lin(10, 4), k=lin(10, 4)), T),
)
