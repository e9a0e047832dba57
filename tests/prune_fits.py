"""A small network, data and run for the tests of ``prune.fit``."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from bitfpga import prune
from bitfpga.prune.bit_pruning import BitPruning
from bitfpga.prune.methods import METHODS

EPOCHS = 5
N_SAMPLES, N_INPUTS, N_CLASSES = 29, 5, 3
EVERY_METHOD = pytest.mark.parametrize("method", list(METHODS))


def arrays(n_samples: int = N_SAMPLES, seed: int = 0) -> tuple[Any, Any]:
    """Return x, float32 [n, 5], and labels 0..2, int64 [n]."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n_samples, N_INPUTS)).astype(np.float32)
    return x, (x[:, 0] > 0).astype(np.int64) + (x[:, 1] > 0)


def floats(norm: bool = True, dropout: float = 0.2) -> nn.Sequential:
    """Return a float network with the same weights each time."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        middle = [nn.BatchNorm1d(7)] if norm else []
        return nn.Sequential(
            nn.Linear(N_INPUTS, 7), *middle, nn.ReLU(), nn.Dropout(dropout), nn.Linear(7, N_CLASSES)
        )


def prepared(method: Any = "bit_pruning", **options: Any) -> nn.Module:
    """Return the same network, prepared."""
    return prune.prepare(floats(**options), method)


def projecting(share: float) -> nn.Module:
    """Return a network of bit_pruning that projects from that share of the training."""
    return prepared(BitPruning(projects_from=share))


def run(model: nn.Module, **options: Any) -> prune.History:
    """Return the history of a short run with validation."""
    given: dict[str, Any] = {
        "epochs": EPOCHS,
        "eta": 0.1,
        "lr": 0.02,
        "batch_size": 8,
        "validation": arrays(19, 1),
        "data": arrays(),
    }
    return prune.fit(model, **given | options)


def state(model: nn.Module) -> dict[str, torch.Tensor]:
    """Return a copy of the state of ``model``."""
    return {key: tensor.detach().clone() for key, tensor in model.state_dict().items()}


def assert_same(left: dict[str, torch.Tensor], right: dict[str, torch.Tensor]) -> None:
    """Assert that two states are equal bit for bit."""
    assert left.keys() == right.keys()
    assert [key for key in left if not torch.equal(left[key], right[key])] == []
