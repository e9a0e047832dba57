"""Files that are written whole or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

from bitfpga.errors import PruneError


def target(path: str | os.PathLike[str], suffixes: Sequence[str]) -> Path:
    """Return where ``path`` leads; ``PruneError`` unless a file of such a name can be put there."""
    place = Path(os.path.realpath(path))
    if place.suffix.lower() not in suffixes:
        raise PruneError(f"{path}: a file name that ends in {' or '.join(suffixes)} is needed")
    if not place.parent.is_dir():
        raise PruneError(f"{path}: no folder {place.parent}; make it first")
    if place.is_dir():
        raise PruneError(f"{path}: is a folder; give a file name")
    return place


def write_whole(path: Path, data: bytes) -> None:
    """Write ``data`` to ``path``; ``PruneError`` if that is not possible."""
    try:
        handle, partial = tempfile.mkstemp(dir=path.parent, prefix=".bitfpga-")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
            os.chmod(partial, 0o644)
            os.replace(partial, path)
        finally:
            Path(partial).unlink(missing_ok=True)
    except OSError as error:
        reason = error.strerror or error
        raise PruneError(
            f"{path}: cannot write it ({reason}); free the place, or give another path"
        ) from None
