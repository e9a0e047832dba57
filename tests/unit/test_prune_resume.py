"""Runs that are cut off go on bit for bit, and NaN leaves the last good epoch."""

from __future__ import annotations

import copy
import importlib
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from prune_fits import (
    EPOCHS,
    EVERY_METHOD,
    assert_same,
    prepared,
    run,
    state,
    tensors_of,
)
from torch import nn

from bitfpga import prune
from bitfpga.errors import PruneError
from bitfpga.prune.bit_pruning import BitPruning
from bitfpga.prune.training import Trainer

# What a run calls, how often before it is cut off, and whether the call itself is still done.
CUTS = [
    ("run_file.write_tensors", 1, False),  # before there is any file
    ("run_file.write_tensors", 1, True),  # between the first file and the first epoch
    ("training.advance", 1, True),
    ("training.penalty", 3, False),  # in the first epoch, between forward and backward
    ("training.step", 2, False),  # in the first epoch, right after the optimiser
    ("training.step", 17, True),  # in the fifth, when weights are held
    ("training.penalty", 14, True),
    ("training.digits_per_weight", 3, False),  # after an epoch's training
    ("run_file.write_tensors", 4, False),  # after an epoch, before it is written
    ("run_file.write_tensors", 4, True),  # between two epochs
    ("whole_file.os.replace", 3, False),  # while the file is written
]


def patched(place: str) -> tuple[Any, str]:
    """Return the object and the attribute that a dotted place stands for."""
    module, *inner, name = place.split(".")
    target: Any = importlib.import_module(f"bitfpga.prune.{module}")
    for each in inner:
        target = getattr(target, each)
    return target, name


def cut_off(place: str, n_calls: int, is_done: bool, job: Callable[[], object]) -> None:
    """Run ``job`` until the call of that number is interrupted, as by Ctrl-C."""
    target, name = patched(place)
    whole, calls = getattr(target, name), []

    def call(*args: Any, **kwargs: Any) -> Any:
        calls.append(0)
        if len(calls) == n_calls and not is_done:
            raise KeyboardInterrupt
        result = whole(*args, **kwargs)
        if len(calls) == n_calls:
            raise KeyboardInterrupt
        return result

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(target, name, call)
        with pytest.raises(KeyboardInterrupt):
            job()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "run.safetensors"


@pytest.fixture(scope="module")
def uninterrupted() -> Callable[[str], tuple[prune.History, dict[str, torch.Tensor]]]:
    """Return ``of(method)``: history and last state of a whole run, without a file."""
    known: dict[str, Any] = {}

    def of(method: str) -> tuple[prune.History, dict[str, torch.Tensor]]:
        if method not in known:
            model = prepared(method)
            known[method] = run(model), state(model)
        return known[method]

    return of


@EVERY_METHOD
@pytest.mark.parametrize(("place", "n_calls", "is_done"), CUTS)
def test_an_interrupted_run_goes_on_bit_for_bit(
    method: str, place: str, n_calls: int, is_done: bool, path: Path, uninterrupted: Any
) -> None:
    history, last = uninterrupted(method)
    model = prepared(method)
    cut_off(place, n_calls, is_done, lambda: run(model, checkpoint=path))
    assert [each.name for each in path.parent.iterdir()] in ([], [path.name])
    anew = prepared(method)
    if path.exists():
        kept = path.read_bytes()
        assert run(model, checkpoint=path) == history  # in the same process
        assert_same(state(model), last)
        path.write_bytes(kept)
        torch.manual_seed(77)
    assert run(anew, checkpoint=path) == history  # in a new one
    assert_same(state(anew), last)


def test_a_run_may_be_interrupted_again_and_again(path: Path, uninterrupted: Any) -> None:
    history, last = uninterrupted("bit_pruning")
    for _ in range(EPOCHS - 1):
        model = prepared()
        cut_off("training.step", 6, True, lambda model=model: run(model, checkpoint=path))
    model = prepared()
    assert run(model, checkpoint=path) == history
    assert_same(state(model), last)


def test_eta_from_zero_goes_on_bit_for_bit(path: Path) -> None:
    def eta(share: float) -> float:
        return max(0.0, share - 0.3)

    models = [prepared() for _ in range(3)]
    history = run(models[0], eta=eta)
    cut_off("run_file.write_tensors", 3, True, lambda: run(models[1], eta=eta, checkpoint=path))
    assert run(models[2], eta=eta, checkpoint=path) == history
    assert_same(state(models[2]), state(models[0]))


@EVERY_METHOD
def test_a_run_that_ended_is_only_read(method: str, path: Path, uninterrupted: Any) -> None:
    history, last = uninterrupted(method)
    assert run(prepared(method), checkpoint=path) == history
    kept = path.read_bytes()
    model = prepared(method)
    assert run(model, checkpoint=path) == history
    assert_same(state(model), last)
    assert path.read_bytes() == kept


def test_patience_and_the_best_state_survive(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scores = [0.9, 0.8, 0.1, 0.2, 0.3, 0.6, 0.5, 0.4, 0.3, 0.2]
    monkeypatch.setattr(Trainer, "_score", lambda self, number: scores[number])
    options: dict[str, Any] = {"epochs": 10, "patience": 2}
    method = BitPruning(projects_from=0.4)
    models = [prepared(method) for _ in range(3)]
    history = run(models[0], **options)
    assert (len(history), history.best_epoch) == (8, 5)
    cut_off(
        "run_file.write_tensors", 8, True, lambda: run(models[1], checkpoint=path, **options)
    )  # one epoch after the best
    assert run(models[2], checkpoint=path, **options) == history
    assert_same(state(models[2]), state(models[0]))


@EVERY_METHOD
def test_copies_in_mid_training_continue_alike(method: str, tmp_path: Path) -> None:
    model = prepared(method)
    cut_off("training.step", 17, True, lambda: run(model))
    copied, loaded, restored = copy.deepcopy(model), prepared(method), prepared(method)
    loaded.load_state_dict(model.state_dict())
    prune.save(model, tmp_path / "model.safetensors")
    prune.load(restored, tmp_path / "model.safetensors")
    histories = [run(each) for each in (model, copied, loaded, restored)]
    assert histories[1:] == histories[:1] * 3
    for each in (copied, loaded, restored):
        assert_same(state(each), state(model))


def test_nan_leaves_the_last_good_epoch(path: Path) -> None:
    class Loss:
        calls = 0

        def __call__(self, outputs: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
            self.calls += 1
            factor = math.nan if self.calls == 11 else 1.0
            return nn.functional.cross_entropy(outputs, y) * factor

    good = prepared()
    cut_off(
        "run_file.write_tensors",
        3,
        True,
        lambda: run(good, loss=Loss(), validation=None, checkpoint=path),
    )
    path.unlink()
    model = prepared()
    message = "epoch 2, step 2: the loss is nan; try a lower lr, .* after 2 epochs, as in .*run"
    with pytest.raises(PruneError, match=message):
        run(model, loss=Loss(), validation=None, checkpoint=path)
    assert_same(state(model), state(good))
    assert_same(
        state(model), {k[6:]: v for k, v in tensors_of(path).items() if k.startswith("model/")}
    )


class Bad(torch.autograd.Function):
    """1, with a gradient of NaN."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
        return x.sum() * 0 + 1

    @staticmethod
    def backward(ctx: Any, *grads: torch.Tensor) -> Any:
        return torch.full((8, 3), math.nan)


def test_a_gradient_of_nan_changes_nothing(path: Path) -> None:
    def loss(outputs: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return Bad.apply(outputs) if len(y) == 8 else nn.functional.cross_entropy(outputs, y)

    model = prepared()
    with pytest.raises(PruneError, match=r"epoch 0, step 0: a gradient is NaN or infinite; .*0 ep"):
        run(model, loss=loss, checkpoint=path)
    assert_same(state(model), state(prepared()))


def test_weights_of_nan_are_never_kept(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def spoil(model: nn.Module, optimizer: Any) -> None:
        with torch.no_grad():
            next(model.parameters())[0, 0] = math.inf

    monkeypatch.setattr("bitfpga.prune.training.step", spoil)
    model = prepared("plain")
    with pytest.raises(PruneError, match="epoch 0, its end: a weight is NaN or infinite"):
        run(model, batch_size=99, checkpoint=path)
    assert_same(state(model), state(prepared("plain")))
