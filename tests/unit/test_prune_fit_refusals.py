"""What ``fit`` refuses, by name, and when it stops at once."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from prune_fits import (
    N_SAMPLES,
    arrays,
    assert_same,
    floats,
    prepared,
    run,
    state,
)
from torch import nn

from bitfpga.errors import PruneError

X, Y = arrays()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"eta": -0.1}, "eta=-0.1: a finite number from 0 is needed"),
        ({"eta": math.nan}, "eta=nan: a finite number from 0"),
        ({"eta": lambda share: share - 0.5}, r"eta\(0.0\)=-0.5: a finite number from 0"),
        ({"epochs": 0}, "epochs=0: a whole number from 1 is needed"),
        ({"epochs": 2.0}, "epochs=2.0: a whole number"),
        ({"batch_size": 0, "accumulate": 0}, "batch_size=0: .* from 1 .*; accumulate=0: .* from 1"),
        ({"patience": 0}, "patience=0: a whole number from 1 is needed"),
        ({"patience": 2, "validation": None}, "patience needs validation data"),
        ({"seed": -1}, "seed=-1: a whole number from 0"),
        ({"lr": 0}, "lr=0: a finite number above 0 is needed"),
        ({"lr": math.inf}, "lr=inf: a finite number above 0"),
        ({"scale_lr": -1.0}, "scale_lr=-1.0: a finite number from 0"),
        ({"weight_decay": None}, "weight_decay=None: a finite number from 0"),
        ({"autocast": torch.float16}, "autocast=torch.float16: torch.bfloat16 or None"),
        ({"data": (X, Y[:-1])}, "data: 29 samples in x but 28 in y"),
        ({"data": (X[:0], Y[:0])}, "data: is empty"),
        ({"data": []}, "data: is empty; at least one batch"),
        ({"validation": []}, "validation: is empty; at least one batch"),
        ({"data": (X, Y + 1)}, r"data: labels from 1 to 3, but the model has 3 outputs"),
        ({"data": (X, Y - 1)}, r"data: labels from -1 to 1, .* labels 0 to 2 are allowed"),
        ({"validation": (X, Y + 1)}, "validation: labels from 1 to 3"),
        ({"data": [(X, Y + 1)]}, "data: labels from 1 to 3"),
        ({"data": (X, Y.astype(np.float32))}, "data: y is torch.float32 .* whole label"),
        ({"data": (X, Y[:, None])}, r"data: y is torch.int64 \[29, 1\] .* whole label"),
        ({"data": (np.where(X > 2, np.nan, X), Y)}, "data: x holds NaN or infinity"),
        ({"data": (X.astype(np.float64) * 1e300, Y)}, "data: x holds NaN or infinity"),
        ({"data": [(np.full_like(X, np.inf), Y)]}, "data: x holds NaN or infinity"),
        (
            {"data": (X, np.full((N_SAMPLES, 3), np.nan)), "loss": nn.functional.mse_loss},
            "data: y holds NaN",
        ),
        ({"validation": (X * np.nan, Y)}, "validation: x holds NaN"),
        ({"data": (X[:, :3], Y)}, r"data: the model cannot take x of shape \[29, 3\]"),
        ({"data": (X.astype(complex), Y)}, "data: x is of dtype complex128; give real"),
        ({"data": (torch.from_numpy(X) + 1j, Y)}, "data: x is of dtype torch.complex64"),
        ({"data": X}, "data: is a ndarray; give"),
        ({"data": 7}, "data: is a int; give"),
        ({"data": [X]}, "data: yields a ndarray, but batches"),
        ({"checkpoint": "run.pt"}, "run.pt: a file name that ends in .safetensors"),
        ({"checkpoint": "no/run.safetensors"}, "no folder .*no; make it first"),
    ],
)
def test_what_is_not_allowed_is_named(options: dict[str, Any], message: str) -> None:
    model = prepared()
    before = state(model)
    with pytest.raises(PruneError, match=message):
        run(model, **options)
    if not isinstance(options.get("data", options.get("validation")), list):  # found as they come
        assert_same(state(model), before)


@pytest.mark.parametrize("what", ["data", "validation"])
def test_an_exhausted_iterator_is_named(what: str) -> None:
    with pytest.raises(PruneError, match=f"{what}: the list_iterator is exhausted after 1 epoch"):
        run(prepared(), **{what: iter([(X, Y)])})


def test_a_generator_serves_one_epoch() -> None:
    def batches() -> Iterator[tuple[Any, Any]]:
        yield X, Y

    assert len(run(prepared(), data=batches(), validation=None, epochs=1)) == 1


def test_a_model_must_be_prepared_and_trainable() -> None:
    with pytest.raises(PruneError, match=r"call prune\.prepare"):
        run(floats())
    with pytest.raises(PruneError, match="no parameter requires a gradient"):
        run(prepared().requires_grad_(False))


def test_a_loss_is_one_number() -> None:
    with pytest.raises(PruneError, match=r"loss\(outputs, y\) must return one number"):
        run(prepared(), loss=lambda outputs, y: outputs)


def test_nan_stops_at_once() -> None:
    calls: list[int] = []

    def loss(outputs: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        calls.append(0)
        return nn.functional.cross_entropy(outputs, y) * (math.nan if len(calls) == 6 else 1)

    message = (
        r"fit: epoch 1, step 1: the loss is nan; try a lower lr, such as 0.002; the model is left "
        "as it diverged"
    )
    with pytest.raises(PruneError, match=message):
        run(prepared(), loss=loss, validation=None)
    assert len(calls) == 6


def test_a_validation_loss_of_nan_stops() -> None:
    def loss(outputs: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return nn.functional.cross_entropy(outputs, y) / (len(y) != 19)

    with pytest.raises(PruneError, match="epoch 0, validation: the loss is inf; try a lower lr"):
        run(prepared(), loss=loss, batch_size=19)
