"""A small network, data and run for the tests of ``prune.fit``."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import nn

from bitfpga import prune
from bitfpga.errors import PruneError
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


def tensors_of(path: Path) -> dict[str, torch.Tensor]:
    with safe_open(path, framework="pt") as file:
        return {key: file.get_tensor(key) for key in file.keys()}


def document_of(path: Path) -> dict[str, Any]:
    with safe_open(path, framework="pt") as file:
        return json.loads(file.metadata()["bitfpga"])


def assert_refused(path: Path, message: str, **options: Any) -> None:
    """Assert that a run refuses the file in ``path``, and changes neither file nor model."""
    model, before = prepared(), path.read_bytes()
    with pytest.raises(PruneError, match=message) as refused:
        run(model, checkpoint=path, **options)
    assert str(path) in str(refused.value)
    assert_same(state(model), state(prepared()))
    assert path.read_bytes() == before
    assert [each.name for each in path.parent.iterdir()] == [path.name]


def rewrite(
    source: Path,
    path: Path,
    change: Callable[[dict[str, torch.Tensor], dict[str, Any]], object],
) -> None:
    """Write ``source`` to ``path`` with its tensors and document changed."""
    tensors, document = tensors_of(source), document_of(source)
    change(tensors, document)
    save_file(tensors, path, {"bitfpga": json.dumps(document)})
