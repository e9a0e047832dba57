"""Prepared models as ``.safetensors`` files: ``save`` and ``load``, and what is checked in a file.

A file is checked as a whole before anything is taken from it, and the model is changed only by a
file that fits.
"""

from __future__ import annotations

import copy
import os
import reprlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

from bitfpga.errors import PruneError
from bitfpga.prune.activations import ActivationQuantiser
from bitfpga.prune.layers import pruned_layers
from bitfpga.prune.tensor_file import (
    SUFFIX,
    Tensors,
    read_tensors,
    tensor_problems,
    write_tensors,
)
from bitfpga.prune.whole_file import target

MODEL, RUN, VERSION = "bitfpga-model", "bitfpga-run", 1
_ANOTHER = {
    MODEL: "give a file of this model, or prepare the model as it was",
    RUN: "call fit as it was called first, or give another checkpoint path to start anew",
}
_USE = {MODEL: "prune.load", RUN: "prune.fit(checkpoint=...)"}


_short = reprlib.Repr()
_short.maxstring = _short.maxother = 160


def save(model: nn.Module, path: str | os.PathLike[str]) -> None:
    """Write the state of a prepared model to ``path`` (.safetensors), whole or not at all.

    ``PruneError`` if the model is not prepared or the file cannot be written there.
    """
    document = {"format": MODEL, "version": VERSION, "model": describe(model)}
    write_tensors(target(path, [SUFFIX]), model.state_dict(), document)


def load(model: nn.Module, path: str | os.PathLike[str]) -> None:
    """Put the state that ``save`` wrote to ``path`` into a model prepared the same way.

    The model must be at the stage the file was written at, before or after ``finish``, and may be
    on another device. ``PruneError``, with the model as it was, if the file is damaged, holds NaN
    or infinity, or belongs to another model or other options.
    """
    place = Path(path)
    own, state = describe(model), model.state_dict()
    tensors, document = read_tensors(place)
    check_document(place, document, MODEL)
    check_same(place, document.get("model"), own, MODEL)
    check_stage(place, model, tensors, MODEL)
    check_tensors(place, tensors, state, MODEL)
    check_loads(place, model, tensors)
    model.load_state_dict(tensors)


def describe(model: nn.Module) -> dict[str, str]:
    """Return what ``prepare`` decided, by module path; ``PruneError`` if it was not called."""
    found = {}
    for layer in pruned_layers(model):
        scale = getattr(layer.quantiser, "scale_kind", None)
        shape = list(layer.weight.shape)
        found[layer.name] = f"{layer.method}, {shape} of {layer.bits} bits, scale {scale}"
    for name, module in model.named_modules():
        if isinstance(module, ActivationQuantiser):
            # Other kinds may learn their bits, which is state and not an option.
            bits = f", {module.bits} bits" if type(module) is ActivationQuantiser else ""
            found[name] = f"{type(module).__name__}{bits}, scale {module.scale_kind}"
    return found


def check_document(path: Path, document: dict[str, Any], wanted: str) -> None:
    got, version = document.get("format"), document.get("version")
    if got != wanted and got in (MODEL, RUN):
        raise PruneError(f"{path}: is a file for {_USE[got]}, but {_USE[wanted]} was called")
    if (got, version) != (wanted, VERSION):
        raise PruneError(
            f"{path}: format {shown(got)} version {shown(version)}, but {wanted!r} "
            f"version {VERSION} is needed; write it again with this bitfpga"
        )


def check_stage(path: Path, model: nn.Module, found: Tensors, kind: str) -> None:
    """Raise ``PruneError`` where file and model are not at the same side of ``finish``."""
    layers = pruned_layers(model)
    here = {layer.name for layer in layers if layer.norm is not None}
    there = {layer.name for layer in layers if f"{layer.name}.norm.running_mean" in found}
    if here < there:
        raise PruneError(
            f"{path}: was written before finish, and this model's batch norms are folded; prepare "
            f"the model anew, or {_ANOTHER[kind]}"
        )
    if there < here:
        raise PruneError(
            f"{path}: was written after finish, and this model still has its batch norms; call "
            f"prune.finish(model) first, or {_ANOTHER[kind]}"
        )


def check_same(path: Path, found: Any, own: Mapping[str, Any], kind: str) -> None:
    """Raise ``PruneError`` naming each value of ``own`` that the file has another for."""
    if type(found) is not dict:
        raise PruneError(f"{path}: damaged description; delete the file")
    problems = [
        f"{key[:100]}: {shown(found.get(key))} in the file, {shown(own.get(key))} here"
        for key in [*own, *(key for key in found if key not in own)]
        if key not in own or key not in found or found[key] != own[key]
    ]
    if problems:
        raise PruneError(f"{path}: {'; '.join(problems[:5])}; {_ANOTHER[kind]}")


def check_tensors(path: Path, found: Tensors, own: Mapping[str, torch.Tensor], kind: str) -> None:
    if problems := tensor_problems(found, own):
        raise PruneError(f"{path}: {problems}; {_ANOTHER[kind]}")


def check_loads(path: Path, model: nn.Module, state: Tensors) -> None:
    """Load ``state`` into a copy, so that a value the model refuses does not leave it half full."""
    try:
        copy.deepcopy(model).load_state_dict(state)
    except PruneError as error:
        raise PruneError(f"{path}: damaged: {error}; delete the file") from None


def shown(value: Any) -> str:
    """Return JSON values from a file as short text."""
    return value[:160] if isinstance(value, str) else _short.repr(value)
