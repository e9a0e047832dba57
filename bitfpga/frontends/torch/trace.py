"""``torch.export`` of a copy of the model, with its parameters as constants."""

from __future__ import annotations

import contextlib
import copy
import io
import logging
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch.export.graph_signature import InputKind, OutputKind, TensorArgument

from bitfpga.errors import ModelError, PruneError
from bitfpga.frontends.torch.graph import Floats

_BATCH_SIZES = (7, 11, 13, 17, 19, 23, 29, 31)


@dataclass(frozen=True, eq=False)
class Trace:
    """An ATen graph traced at ``len(example)`` samples; ``constants`` by placeholder name."""

    graph: torch.fx.Graph
    constants: dict[str, Any]
    input_name: str
    example: torch.Tensor
    model: torch.nn.Module


def trace(model: torch.nn.Module, calibration: Floats) -> Trace:
    """Return the graph of ``model``; the model and the random state stay as they are."""
    if not isinstance(model, torch.nn.Module):
        raise ModelError(f"model is a {type(model).__name__}: a torch.nn.Module is needed")
    try:
        frozen = copied(model).cpu()
        _check_tensors(frozen)
        frozen = frozen.float()
    except ModelError:
        raise
    except Exception as error:  # what deepcopy of foreign modules raises is open-ended
        raise ModelError(f"the model cannot be copied: {_first_line(error)}") from None
    example = _example(calibration)
    with quiet():
        try:
            # Forward may leave the tracer's tensors in the module, so a copy is traced.
            program = torch.export.export(copied(frozen), (example,), strict=False)
        except PruneError as error:  # says itself what to do
            raise ModelError(str(error)) from None
        except Exception as error:  # the tracer runs user code: anything may come out of it
            raise ModelError(_why_not(frozen, example, error)) from None
    _check_signature(program)
    constants: dict[str, Any] = {}
    input_name = ""
    for spec in program.graph_signature.input_specs:
        if spec.kind is InputKind.USER_INPUT:
            input_name = spec.arg.name
        else:
            target = spec.target or ""
            known = program.state_dict.get(target)
            value = known if known is not None else program.constants[target]
            constants[spec.arg.name] = _constant(value)
    return Trace(program.graph, constants, input_name, example, frozen)


def copied(model: torch.nn.Module) -> torch.nn.Module:
    """Return a deep copy, also of modules that hold results (pruning and weight norm do)."""
    memo: dict[int, Any] = {
        id(value): value.detach().clone()
        for module in model.modules()
        for value in vars(module).values()
        if isinstance(value, torch.Tensor) and not value.is_leaf
    }
    return copy.deepcopy(model, memo)


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keep warnings, logs and compilers away, and the random state as it was."""
    before = logging.root.manager.disable
    with (
        torch.compiler.set_stance("force_eager"),
        torch.random.fork_rng(devices=[]),
        warnings.catch_warnings(),
        contextlib.redirect_stderr(io.StringIO()),
    ):
        warnings.simplefilter("ignore")
        logging.disable(logging.CRITICAL)
        try:
            yield
        finally:
            logging.disable(before)


def _example(calibration: Floats) -> torch.Tensor:
    sizes = set(calibration.shape[1:])
    n_samples = next((n for n in _BATCH_SIZES if n not in sizes), 37)
    rows = np.resize(np.arange(len(calibration)), n_samples)
    return torch.from_numpy(calibration[rows]).float()


def _constant(value: Any) -> Any:
    if isinstance(value, torch.Tensor) and value.is_floating_point():
        return value.detach().double()
    return value


def _check_tensors(model: torch.nn.Module) -> None:
    for name, tensor in (*model.named_parameters(), *model.named_buffers()):
        if tensor.is_complex():
            raise ModelError(f"'{name}' is complex: only real models can be quantised")
        if tensor.is_floating_point() and not bool(torch.isfinite(tensor).all()):
            raise ModelError(f"'{name}' holds NaN or infinity: train or load the model again")


def _check_signature(program: torch.export.ExportedProgram) -> None:
    signature = program.graph_signature
    inputs = [s for s in signature.input_specs if s.kind is InputKind.USER_INPUT]
    outputs = [s for s in signature.output_specs if s.kind is OutputKind.USER_OUTPUT]
    if len(inputs) != 1:
        raise ModelError(f"the model takes {len(inputs)} inputs: exactly one tensor is supported")
    plain = program.call_spec.out_spec is not None and program.call_spec.out_spec.is_leaf()
    is_tensor = [isinstance(s.arg, TensorArgument) for s in outputs] == [True]
    if len(signature.output_specs) != 1 or not (plain and is_tensor):
        raise ModelError(
            f"the model returns {len(outputs)} values, a container or a plain number: it must "
            "return one tensor; wrap it in a module that returns the one the board shall compute"
        )


def _why_not(model: torch.nn.Module, example: torch.Tensor, error: Exception) -> str:
    try:
        with torch.no_grad():
            copied(model)(example.clone())
    except Exception as own:  # the model's own failure explains more than the tracer's
        return (
            f"the model does not run on the calibration (samples of shape "
            f"{tuple(example.shape[1:])}, float32): {_first_line(own)}"
        )
    return (
        f"the model cannot be traced: {_first_line(error)} — its forward must take one tensor and "
        "must not choose its path by the data (if, while, .item(), numpy)"
    )


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines() or [""]
    return f"{type(error).__name__}: {lines[0][:300]}"
