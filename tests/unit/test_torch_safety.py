"""The safety net: a wrong handler cannot pass, and every handler takes every argument."""

import inspect
from functools import partial

import pytest
import torch
from torch import nn

from bitfpga.errors import ModelError
from bitfpga.frontends.torch import convert, from_torch
from bitfpga.frontends.torch.handlers import HANDLERS
from bitfpga.frontends.torch.ops_move import reshape
from bitfpga.frontends.torch.ops_spread import same, to_dtype, type_as

aten = torch.ops.aten
# Where a tensor lies and how its memory is ordered: nothing that changes values.
PLACEMENT = {"device", "layout", "pin_memory", "non_blocking", "copy", "memory_format"}


def plain(handler):
    while isinstance(handler, partial):
        handler = handler.func
    return handler


@pytest.mark.parametrize("operation", HANDLERS, ids=str)
def test_every_argument_has_a_reader(operation):
    handler = plain(HANDLERS[operation])
    parameters = inspect.signature(handler).parameters.values()
    named = {p.name for p in parameters if p.kind is p.KEYWORD_ONLY}
    needed = {p.name for p in parameters if p.kind is p.KEYWORD_ONLY and p.default is p.empty}
    arguments = {argument.name for argument in operation._schema.arguments}
    assert needed <= arguments
    open_ended = any(p.kind is p.VAR_KEYWORD for p in parameters)
    if handler in (same, to_dtype, type_as):
        assert arguments - named <= PLACEMENT
    elif handler is reshape or handler.__name__ in ("elementwise", "max_pool_and_indices"):
        assert open_ended  # reshape reads the traced shape, the others pass everything on
    else:
        assert not open_ended
        assert arguments <= named


def run_with(monkeypatch, operation, handler, model, shape):
    monkeypatch.setitem(convert.HANDLERS, operation, handler)
    from_torch(model.eval(), torch.randn(9, *shape).abs())


def test_a_swapped_stride_is_caught(monkeypatch):
    true = HANDLERS[aten.conv2d.default]

    def wrong(context, *, stride, **arguments):
        return true(context, stride=stride[::-1], **arguments)

    model = nn.Sequential(nn.ReLU(), nn.Conv2d(2, 3, 2, stride=(1, 2)))
    with pytest.raises(ModelError, match=r"'1' .Conv2d.*please report"):
        run_with(monkeypatch, aten.conv2d.default, wrong, model, (2, 6, 7))


def test_a_wrong_bound_is_caught_beyond_the_calibration(monkeypatch):
    true = HANDLERS[aten.hardtanh.default]

    def wrong(context, *, min_val, **arguments):
        return true(context, min_val=min_val - 1, **arguments)

    model = nn.Sequential(nn.Identity(), nn.ReLU6())
    with pytest.raises(ModelError, match=r"differs .* first in layer '1'"):
        run_with(monkeypatch, aten.hardtanh.default, wrong, model, (5,))


def test_a_wrong_eps_is_caught(monkeypatch):
    true = HANDLERS[aten.batch_norm.default]

    def wrong(context, *, eps, **arguments):
        return true(context, eps=0.0, **arguments)

    model = nn.Sequential(nn.Linear(5, 4), nn.BatchNorm1d(4), nn.Linear(4, 2))
    with pytest.raises(ModelError, match=r"first in layer '1' \(aten.batch_norm"):
        run_with(monkeypatch, aten.batch_norm.default, wrong, model, (5,))


def test_a_handler_that_breaks_ends_in_a_sentence(monkeypatch):
    def broken(context, *, self):
        return [][0]

    with pytest.raises(ModelError, match=r"'0' .ReLU.*IndexError.*report"):
        run_with(monkeypatch, aten.relu.default, broken, nn.Sequential(nn.ReLU()), (5,))


def test_casts_in_forward_are_checked_in_float32():
    class Cast(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(5, 3)

        def forward(self, x):
            return self.fc(x.float()).to(torch.float32)

    assert from_torch(Cast().eval(), torch.randn(9, 5).double()).output.shape == (3,)
