"""Early stopping, the best state, progress: what ``fit`` keeps and shows."""

from __future__ import annotations

import logging
import re
import sys

import pytest
import torch
from prune_fits import (
    arrays,
    assert_same,
    prepared,
    projecting,
    run,
    state,
)
from torch import nn

from bitfpga import prune
from bitfpga.prune.training import Trainer

X, Y = arrays()


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
