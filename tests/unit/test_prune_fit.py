"""``prune.fit``: repeatable training, best states, early stopping, and what it refuses."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from prune_fits import (
    EVERY_METHOD,
    N_SAMPLES,
    arrays,
    assert_same,
    prepared,
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
