"""Arrays that users hand over or get as ``.npy`` files."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from bitfpga.errors import UsageError
from bitfpga.ir import IntArray

MAX_INPUT_BYTES = 4 << 30


def read_npy(path: Path) -> Any:
    """Return the array in ``path``; ``UsageError`` unless it is one plain array of numbers."""
    if path.exists() and not path.is_file():
        raise UsageError(f"--input {path}: not a file; save an array with numpy.save")
    try:
        if path.stat().st_size > MAX_INPUT_BYTES:
            raise UsageError(f"--input {path}: larger than {MAX_INPUT_BYTES} bytes; split it")
        array = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError, SyntaxError, MemoryError) as error:
        reason = getattr(error, "strerror", None) or "not a whole .npy file of plain numbers"
        raise UsageError(f"--input {path}: {reason}; save an array with numpy.save") from None
    if not isinstance(array, np.ndarray):
        array.close()
        raise UsageError(f"--input {path}: an .npz archive; save one array with numpy.save")
    if array.dtype.kind not in "iuf":
        raise UsageError(f"--input {path}: {array.dtype} values; give integers or floats")
    if array.shape[:1] == (0,):
        raise UsageError(f"--input {path}: no samples in an array of shape {array.shape}")
    return array


@contextmanager
def npy_writer(path: Path | None) -> Iterator[Callable[[IntArray], None]]:
    """Yield a function that writes an array to ``path``; without a path it does nothing.

    ``UsageError`` at once where ``path`` cannot be written. The file appears whole, or not at all.
    """
    if path is None:
        yield lambda array: None
        return
    target = Path(os.path.realpath(path))
    if target.exists() and not target.is_file():
        raise UsageError(f"--output {path}: exists and is not a file; choose another name")
    try:
        handle, partial = tempfile.mkstemp(dir=target.parent, prefix=".bitfpga-")
    except OSError as error:
        raise UsageError(f"--output {path}: cannot write there ({error.strerror})") from None

    def write(array: IntArray) -> None:
        try:
            np.save(file, array, allow_pickle=False)
            file.flush()
            os.chmod(partial, 0o644)
            os.replace(partial, target)
        except OSError as error:
            raise UsageError(f"--output {path}: cannot write it ({error.strerror})") from None

    try:
        with os.fdopen(handle, "wb") as file:
            yield write
    finally:
        Path(partial).unlink(missing_ok=True)
