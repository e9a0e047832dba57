"""``.safetensors`` files: written whole, read without trust. Never pickle."""

from __future__ import annotations

import json
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save as tensor_bytes

from bitfpga.errors import PruneError
from bitfpga.prune.whole_file import write_whole

SUFFIX = ".safetensors"
Tensors = dict[str, torch.Tensor]
_MESSAGE_LIMIT = 200
_NAMED = 5


def write_tensors(path: Path, tensors: Mapping[str, torch.Tensor], document: Any) -> None:
    """Write ``tensors`` and a JSON ``document`` to ``path``, whole or not at all."""
    # Copies, because tensors of one file must not share memory, and a model may tie its weights.
    copies = {key: tensor.detach().cpu().contiguous().clone() for key, tensor in tensors.items()}
    data = tensor_bytes(copies, {"bitfpga": json.dumps(document, allow_nan=False)})
    write_whole(path, data)


def read_tensors(path: Path) -> tuple[Tensors, dict[str, Any]]:
    """Return (tensors by key, the JSON document); ``PruneError`` for a damaged or foreign file.

    Nothing in the file is trusted but its sizes, which are checked: the caller checks the rest.
    """
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise PruneError(f"{path}: not a file; a {SUFFIX} file is expected")
        with safe_open(path, framework="pt", device="cpu") as file:
            text = (file.metadata() or {}).get("bitfpga")
            tensors = {key: file.get_tensor(key).clone() for key in file.keys()}
    except OSError as error:
        raise PruneError(f"{path}: cannot read it ({error.strerror or error})") from None
    except (SafetensorError, ValueError, LookupError, TypeError, RuntimeError) as error:
        reason = str(error)[:_MESSAGE_LIMIT]
        raise PruneError(
            f"{path}: damaged {SUFFIX} file ({reason}); delete it, or take a copy that is whole"
        ) from None
    if text is None:
        raise PruneError(
            f"{path}: was not written by bitfpga; give a file of prune.save or prune.fit"
        )
    return tensors, _document(path, text)


def _document(path: Path, text: str) -> dict[str, Any]:
    try:
        document = json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        reason = str(error)[:_MESSAGE_LIMIT]
        raise PruneError(f"{path}: damaged description ({reason}); delete the file") from None
    if not isinstance(document, dict):
        raise PruneError(f"{path}: damaged description (not an object); delete the file")
    return document


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a number")


def tensor_problems(found: Mapping[str, torch.Tensor], like: Mapping[str, torch.Tensor]) -> str:
    """Return how ``found`` differs from what fits in the place of ``like``; "" if it fits.

    Keys, shapes and dtypes must be the same, and real values finite.
    """
    missing = sorted(like.keys() - found.keys())
    excess = sorted(found.keys() - like.keys())
    problems = [f"lacks {listed(missing)}"] if missing else []
    problems += [f"has {listed(excess)} too many"] if excess else []
    for key in sorted(like.keys() & found.keys()):
        got, wanted = found[key], like[key]
        if (got.shape, got.dtype) != (wanted.shape, wanted.dtype):
            problems.append(f"'{key}' is {_kind(got)}, but {_kind(wanted)} is needed")
        elif not is_finite(got):
            problems.append(f"'{key}' holds NaN or infinity")
    return "; ".join(problems[:_NAMED]) + (" ..." if len(problems) > _NAMED else "")


def is_finite(tensor: torch.Tensor) -> bool:
    """Return whether ``tensor``, of any dtype, holds neither NaN nor infinity."""
    return not tensor.is_floating_point() or bool(torch.isfinite(tensor).all())


def listed(names: list[str]) -> str:
    """Return the first few names in quotes."""
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(f"'{name[:_MESSAGE_LIMIT]}'" for name in names[:_NAMED]) + more


def _kind(tensor: torch.Tensor) -> str:
    return f"{str(tensor.dtype).removeprefix('torch.')} {list(tensor.shape)}"
