"""A training run as one ``.safetensors`` file: model, optimiser, best state and history."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import nn

from bitfpga.errors import PruneError
from bitfpga.prune.checkpoint import (
    RUN,
    VERSION,
    check_document,
    check_loads,
    check_same,
    check_stage,
    check_tensors,
    describe,
)
from bitfpga.prune.history import History
from bitfpga.prune.method import Optimizer
from bitfpga.prune.tensor_file import Tensors, read_tensors, tensor_problems, write_tensors


@dataclass
class Run:
    """Where a run is: its history, and the model's state at its best epoch.

    ``learned``, from a file only: the state of the optimiser by the name of the parameter.
    """

    history: History = field(default_factory=History)
    best: Tensors = field(default_factory=dict)
    learned: dict[str, Tensors] = field(default_factory=dict)


def write_run(
    path: Path, model: nn.Module, optimizer: Optimizer, settings: Mapping[str, Any], run: Run
) -> None:
    """Write everything a run needs to go on exactly, whole or not at all."""
    document = {
        "format": RUN,
        "version": VERSION,
        "model": describe(model),
        "settings": dict(settings),
        "history": run.history.document(),
    }
    learned = {
        f"{name}.{key}": value
        for name, parameter in model.named_parameters()
        for key, value in optimizer.state.get(parameter, {}).items()
    }
    parts = {"model": model.state_dict(), "optimizer": learned, "best": run.best}
    tensors = {f"{part}/{key}": each for part, own in parts.items() for key, each in own.items()}
    write_tensors(path, tensors, document)


def read_run(path: Path, model: nn.Module, settings: Mapping[str, Any]) -> Run:
    """Put what ``write_run`` wrote into ``model`` and return where the run is.

    ``PruneError``, with the model as it was, if the file is damaged or of another run.
    """
    tensors, document = read_tensors(path)
    check_document(path, document, RUN)
    parts: dict[str, Tensors] = {"model": {}, "optimizer": {}, "best": {}}
    for key, tensor in tensors.items():
        part, _, rest = key.partition("/")
        if part not in parts:
            raise PruneError(f"{path}: damaged: unexpected tensor {key[:100]!r}; delete the file")
        parts[part][rest] = tensor
    own = model.state_dict()
    check_same(path, document.get("model"), describe(model), RUN)
    check_same(path, document.get("settings"), settings, RUN)
    check_stage(path, model, parts["model"], RUN)
    learned = _learned(path, parts["optimizer"], model)
    run = Run(_history(path, document, settings), parts["best"], learned)
    states = [parts["model"]] + ([] if run.history.best_epoch is None else [run.best])
    if run.history.best_epoch is None and run.best:
        raise PruneError(f"{path}: damaged: a best state without its epoch; delete the file")
    for state in states:
        check_tensors(path, state, own, RUN)
        check_loads(path, model, state)
    run.best = {key: tensor.to(own[key].device) for key, tensor in run.best.items()}
    model.load_state_dict(parts["model"])
    return run


def resume_optimizer(model: nn.Module, optimizer: Optimizer, run: Run) -> None:
    """Put the state in ``run`` into a new optimiser of ``model``, made after ``read_run``.

    The state of a parameter that the optimiser does not have is left out: a method may freeze what
    it has learned, and then trains without it.
    """
    names = {parameter: name for name, parameter in model.named_parameters()}
    parameters = [each for group in optimizer.param_groups for each in group["params"]]
    state = {
        number: run.learned[names[parameter]]
        for number, parameter in enumerate(parameters)
        if names[parameter] in run.learned
    }
    optimizer.load_state_dict({**optimizer.state_dict(), "state": state})


def _history(path: Path, document: dict[str, Any], settings: Mapping[str, Any]) -> History:
    has_scores = bool(settings["validation"])
    try:
        return History.of_document(document.get("history"), settings["epochs"], has_scores)
    except PruneError as error:
        raise PruneError(f"{path}: damaged: {error}; delete the file") from None


def _learned(path: Path, found: Tensors, model: nn.Module) -> dict[str, Tensors]:
    """Return the state of AdamW by the name of the parameter, checked."""
    learned: dict[str, Tensors] = {}
    n_taken = 0
    for name, parameter in model.named_parameters():
        own = {key: found.get(f"{name}.{key}") for key in ("step", "exp_avg", "exp_avg_sq")}
        state = {key: value for key, value in own.items() if value is not None}
        n_taken += len(state)
        if not state:  # it has never had a gradient
            continue
        like = {"step": torch.ones(()), "exp_avg": parameter, "exp_avg_sq": parameter}
        problems = tensor_problems(state, like)
        if not problems and not (state["step"] >= 1 and bool((state["exp_avg_sq"] >= 0).all())):
            problems = "a step below 1, or a square below 0"
        if problems:
            raise PruneError(
                f"{path}: damaged: optimiser state of '{name}': {problems}; delete the file"
            )
        learned[name] = state
    if n_taken != len(found):
        raise PruneError(f"{path}: damaged: optimiser state of no parameter; delete the file")
    return learned
