"""``prune.fit``: repeatable training, best states, early stopping, and what it refuses."""

from __future__ import annotations

import logging
import math
import re
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from prune_fits import (
    EVERY_METHOD,
    N_SAMPLES,
    arrays,
    assert_same,
    floats,
    prepared,
    projecting,
    run,
    state,
)
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from bitfpga import prune
from bitfpga.errors import PruneError
from bitfpga.prune.method import Method
from bitfpga.prune.training import Trainer

X, Y = arrays()
HALF = torch.bfloat16


@EVERY_METHOD
def test_one_seed_gives_one_run_and_another_another(method: str) -> None:
    models = [prepared(method) for _ in range(3)]
    torch.manual_seed(1)
    first = run(models[0], seed=4)
    torch.manual_seed(2)
    assert run(models[1], seed=4) == first
    assert_same(state(models[0]), state(models[1]))
    assert run(models[2], seed=5) != first


def test_epochs_differ_in_order_and_dropout() -> None:
    seen: list[torch.Tensor] = []
    noise: list[torch.Tensor] = []

    def augment(x: torch.Tensor) -> torch.Tensor:
        seen.append(x.clone())
        noise.append(torch.rand(1))
        return x

    run(prepared(), epochs=2, batch_size=N_SAMPLES, augment=augment)
    assert not torch.equal(*seen)
    assert not torch.equal(*noise)
    assert torch.equal(seen[0].sort(0).values, seen[1].sort(0).values)


def test_the_callers_random_state_is_untouched() -> None:
    torch.manual_seed(9)
    before, numpys = torch.get_rng_state(), np.random.get_state()[1].copy()
    run(prepared())
    assert torch.equal(torch.get_rng_state(), before)
    assert np.array_equal(np.random.get_state()[1], numpys)
    with pytest.raises(PruneError):
        run(prepared(), lr=1e30)
    assert torch.equal(torch.get_rng_state(), before)


def test_training_learns_and_says_what_it_did() -> None:
    model = prepared(dropout=0.0)
    history = run(model, epochs=15, eta=lambda share: 0.0 if share < 0.5 else 0.1)
    rows = list(history)
    assert [row.epoch for row in rows] == list(range(15))
    assert len(history) == 15
    assert rows[-1].loss < rows[0].loss / 1.5
    assert [row.penalty is None for row in rows] == [n < 7.5 for n in range(15)]
    assert rows[-1].digits_per_weight < rows[0].digits_per_weight
    assert all(row.seconds > 0 for row in rows)
    assert not any(module.training for module in model.modules())


def test_digits_are_those_of_the_integers() -> None:
    model = prepared()
    row = list(run(model, validation=None, epochs=2))[-1]
    weights = [layer.integer_weight()[0].abs() for layer in prune.pruned_layers(model)]
    ones = sum(bin(value).count("1") for each in weights for value in each.flatten().tolist())
    assert row.digits_per_weight == ones / sum(each.numel() for each in weights)


def test_accuracy_is_that_of_the_exact_network() -> None:
    model, (x, y) = prepared(), arrays(19, 1)
    history = run(model, epochs=1, autocast=HALF, batch_size=6)
    right = (model(torch.from_numpy(x)).argmax(1) == torch.from_numpy(y)).sum()
    assert next(iter(history)).score == float(right) / 19


def test_another_loss_scores_by_its_negative() -> None:
    model, (x, y) = prepared(), (arrays(19, 1)[0], np.ones((19, 3)))
    history = run(
        model, epochs=1, batch_size=19, loss=nn.functional.mse_loss, data=(x, y), validation=(x, y)
    )
    loss = nn.functional.mse_loss(model(torch.from_numpy(x)), torch.ones(19, 3))
    assert next(iter(history)).score == -float(loss.detach())


def test_eta_zero_calls_no_penalty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bitfpga.prune.training.penalty", None)
    model = prepared()
    assert {row.penalty for row in run(model, eta=0)} == {None}
    assert [layer.quantiser.sums for layer in prune.pruned_layers(model)] == [None, None]


def test_eta_scales_the_penalty() -> None:
    strong, weak = (run(prepared("weight_pruning"), eta=eta) for eta in (2.0, 0.02))
    assert list(strong)[-1].digits_per_weight < list(weak)[-1].digits_per_weight


def test_the_method_hears_of_every_epoch_and_step(monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[Any] = []
    monkeypatch.setattr(Method, "advance", lambda *args: heard.append(args[-1]))
    monkeypatch.setattr(Method, "step", lambda *args: heard.append("step"))
    run(prepared("plain"), epochs=2, batch_size=10)
    assert heard == [0.0, "step", "step", "step", 0.5, "step", "step", "step"]


def test_rates_fall_as_a_cosine(monkeypatch: pytest.MonkeyPatch) -> None:
    rates: list[list[float]] = []
    whole = Trainer._step

    def spy(self: Trainer, *args: Any) -> Any:
        rates.append([group["lr"] for group in self.optimizer.param_groups])
        return whole(self, *args)

    monkeypatch.setattr(Trainer, "_step", spy)
    run(prepared("plain"), epochs=2, batch_size=15, lr=0.04, scale_lr=0.002)
    factors = [(1 + math.cos(math.pi * share)) / 2 for share in (0, 0.25, 0.5, 0.75)]
    assert rates == [[0.04 * factor, 0.002 * factor] for factor in factors]


def test_batches_are_even_and_hold_every_sample_once() -> None:
    sizes: list[int] = []
    run(prepared(), epochs=1, batch_size=14, augment=lambda x: sizes.append(len(x)) or x)
    assert sizes == [10, 10, 9]  # and not 14, 14, 1, which a batch norm refuses


def test_accumulated_halves_equal_one_batch() -> None:
    def train(batch_size: int, accumulate: int) -> tuple[prune.History, dict[str, torch.Tensor]]:
        model = prepared("plain", norm=False, dropout=0.0)
        # Scales are set by the first batch: set them before, or the halves set others.
        with torch.no_grad():
            model(torch.from_numpy(X))
        options: dict[str, Any] = {"batch_size": batch_size, "accumulate": accumulate}
        return run(model, epochs=2, eta=0, scale_lr=0.0, lr=1e-4, **options), state(model)

    one, whole = train(15, 1)
    two, halves = train(8, 2)  # 15 in a step here, and 14 in the next: 8 + 7 and 7 + 7
    # Halves are summed in another order, so losses and gradients differ by float32 rounding, some
    # 1e-7 of their size. AdamW divides by that size: four steps of 1e-4 differ by some 1e-10, and
    # a weight of size 1 is itself rounded by 6e-8 in each.
    losses = [[row.loss for row in history] for history in (one, two)]
    np.testing.assert_allclose(*losses, rtol=1e-6)
    start = state(prepared("plain", norm=False, dropout=0.0))
    for key in whole:
        if key.endswith("weight"):
            moved = (whole[key] - start[key]).abs().max()
            assert moved > 1e-4
            assert (whole[key] - halves[key]).abs().max() < 5e-7


@EVERY_METHOD
def test_autocast_trains_to_finite_values(method: str) -> None:
    model = prepared(method)
    rows = list(run(model, autocast=HALF))
    assert all(math.isfinite(row.loss) and math.isfinite(row.penalty or 0) for row in rows)
    assert all(bool(torch.isfinite(each).all()) for each in state(model).values())
    assert {each.dtype for each in model.parameters()} == {torch.float32}


def test_autocast_changes_the_training() -> None:
    assert run(prepared(), autocast=HALF) != run(prepared())


@EVERY_METHOD
def test_iterables_train_as_arrays_do(method: str) -> None:
    def batches() -> list[Any]:
        return [(X[at : at + 9], torch.from_numpy(Y[at : at + 9])) for at in range(0, 27, 9)]

    listed, (rest, labels) = run(prepared(method), data=batches()), arrays(19, 1)
    loader: Any = DataLoader(TensorDataset(*map(torch.from_numpy, (X[:27], Y[:27]))), batch_size=9)
    held_out = [(rest[:8], labels[:8]), (rest[8:], labels[8:])]
    # Loading draws a seed of its own from torch, so dropout differs.
    assert run(prepared(method, dropout=0.0), data=loader, validation=held_out) == run(
        prepared(method, dropout=0.0), data=batches()
    )
    assert len(listed) == 5


def test_a_shuffling_loader_is_repeatable() -> None:
    def loader() -> Any:
        data = TensorDataset(torch.from_numpy(X), torch.from_numpy(Y))
        return DataLoader(data, batch_size=10, shuffle=True)

    assert run(prepared(), data=loader()) == run(prepared(), data=loader())


@pytest.mark.parametrize("kind", [np.uint8, np.int16, np.float64, ">f4"])
def test_arrays_of_other_types_are_read(kind: Any) -> None:
    x = (np.abs(X[::-1]) * 9).astype(kind)
    x.flags.writeable = False
    small = (np.abs(X[::-1]) * 9).astype(kind).astype(np.float32)
    assert run(prepared(), data=(x, Y)) == run(prepared(), data=(small, Y.astype(np.uint16)))


def test_double_targets_meet_single_outputs() -> None:
    x, y = torch.from_numpy(X), torch.rand(N_SAMPLES, 3)
    loss = nn.functional.mse_loss
    first, second = (
        run(prepared(), data=(x, each), validation=None, loss=loss) for each in (y, y.double())
    )
    assert first == second


def test_no_penalty_follows_a_loss_of_nan(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bitfpga.prune.training.penalty", None)  # NaN is no index of a table
    with pytest.raises(PruneError, match="epoch 0, step 0: the loss is nan"):
        run(prepared(), loss=lambda outputs, y: outputs.sum() * math.nan)


def scored(monkeypatch: pytest.MonkeyPatch, *scores: float) -> list[dict[str, torch.Tensor]]:
    """Let validation give these scores, and return the list that states are kept in."""
    states: list[dict[str, torch.Tensor]] = []

    def score(self: Trainer, number: int) -> float:
        states.append(state(self.model))
        return scores[number]

    monkeypatch.setattr(Trainer, "_score", score)
    return states


def test_the_best_settled_state_is_restored(monkeypatch: pytest.MonkeyPatch) -> None:
    states = scored(monkeypatch, 0.9, 0.8, 0.3, 0.5, 0.5, 0.4)
    model = projecting(0.4)
    history = run(model, epochs=6)
    assert history.best_epoch == 3  # of 3 to 5: before, weights were not held
    assert_same(state(model), states[3])


def test_patience_counts_settled_epochs(monkeypatch: pytest.MonkeyPatch) -> None:
    states = scored(monkeypatch, 0.9, 0.8, 0.7, 0.6, 0.2, 0.3, 0.3, 0.3, 0.4, 0.5)
    model = projecting(0.4)
    history = run(model, epochs=10, patience=2)
    assert (len(history), history.best_epoch) == (8, 5)
    assert_same(state(model), states[5])


@pytest.mark.parametrize("method", ["plain", "weight_pruning"])
def test_patience_counts_from_the_start_without_stages(
    method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    scored(monkeypatch, 0.5, 0.4, 0.3, 0.9, 0.9)
    history = run(prepared(method), patience=2)
    assert (len(history), history.best_epoch) == (3, 0)


def test_a_stage_that_is_never_reached_keeps_the_last_state(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    states = scored(monkeypatch, 0.9, 0.8, 0.7, 0.6, 0.5)
    model = projecting(0.99)
    history = run(model, patience=1)
    assert (len(history), history.best_epoch) == (5, None)
    assert_same(state(model), states[4])


def test_projection_by_finish_alone_is_settled(monkeypatch: pytest.MonkeyPatch) -> None:
    scored(monkeypatch, 0.9, 0.8, 0.7, 0.6, 0.5)
    assert run(projecting(1)).best_epoch == 0


def test_progress_stays_off_stdout_and_is_logged(
    capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "bitfpga"):
        run(prepared(), epochs=2)
    assert capfd.readouterr() == ("", "")
    assert re.fullmatch(
        r"epoch 2/2: loss [\d.]+, [\d.]+ digits/weight, score [\d.]+", caplog.messages[-1]
    )
    assert len(caplog.messages) == 2


@pytest.mark.parametrize(("shown", "seen"), [(True, True), (False, False)])
def test_a_terminal_shows_a_bar(
    shown: bool, seen: bool, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")  # rich then takes stderr for a terminal
    monkeypatch.setenv("COLUMNS", "140")
    run(prepared(), epochs=2, progress=shown, augment=lambda x: sys.stdout.write("mine ") and x)
    out, err = capfd.readouterr()
    assert set(out.split()) == {"mine"}
    assert ("digits/weight" in err and "2/2" in err) is seen


def test_labels_of_whole_maps_are_taken() -> None:
    model = prune.prepare(nn.Sequential(nn.Conv2d(1, 3, 1), nn.ReLU(), nn.Conv2d(3, 2, 1)), "plain")
    x, y = torch.rand(6, 1, 4, 5), torch.zeros(6, 4, 5, dtype=torch.int64)
    history = prune.fit(model, (x, y), epochs=20, lr=0.05, validation=(x, y))
    assert list(history)[-1].score == 1.0


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


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@EVERY_METHOD
def test_every_method_trains_on_a_gpu(method: str) -> None:
    model = prepared(method).cuda()
    before, cpu = torch.cuda.get_rng_state(), torch.get_rng_state()
    rows = list(run(model, autocast=HALF))
    assert all(math.isfinite(row.loss) for row in rows)
    assert {each.device.type for each in model.state_dict().values()} == {"cuda"}
    assert torch.equal(torch.cuda.get_rng_state(), before)
    assert torch.equal(torch.get_rng_state(), cpu)
