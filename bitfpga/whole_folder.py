"""Writes a folder as a whole: it appears complete or not at all."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from bitfpga.errors import ProjectError


def write_whole(folder: Path, files: Mapping[str, bytes], check: Callable[[], None]) -> None:
    """Write ``files`` (relative path to bytes) as the folder ``folder``, an absolute path.

    ``check`` raises where what stands there may not be replaced; it is asked before anything is
    written, and again before the old folder goes. ``ProjectError`` where the disk refuses.
    """
    check()
    made: list[Path] = []
    try:
        _make_parents(folder.parent, made)
        with _scratch_beside(folder) as scratch:
            _write_files(scratch / "new", files)
            check()  # again: writing took a while
            _swap(scratch, folder)
    except OSError as error:
        reason = error.strerror or str(error)
        place = f" ({error.filename})" if error.filename else ""
        raise ProjectError(f"cannot write {folder}: {reason}{place}") from None
    finally:
        for parent in reversed(made):  # each goes only while it is empty
            with suppress(OSError):
                parent.rmdir()


def _make_parents(folder: Path, made: list[Path]) -> None:
    """Make ``folder`` and what is missing above it, each one noted in ``made`` beforehand."""
    if folder.is_dir():
        return
    _make_parents(folder.parent, made)
    made.append(folder)
    folder.mkdir(exist_ok=True)


def _write_files(folder: Path, files: Mapping[str, bytes]) -> None:
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


@contextmanager
def _scratch_beside(folder: Path) -> Iterator[Path]:
    """Yield a hidden folder on the same disk as ``folder``, gone afterwards whatever happens."""
    scratch = tempfile.mkdtemp(dir=folder.parent, prefix=".bitfpga-")
    try:
        yield Path(scratch)
    finally:
        try:
            shutil.rmtree(scratch, ignore_errors=True)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)  # where an interruption stopped the first


def _swap(scratch: Path, folder: Path) -> None:
    """Put ``scratch/new`` in the place of ``folder``; what stood there survives any failure."""
    old = scratch / "old"
    try:
        if folder.exists():
            os.rename(folder, old)
        os.rename(scratch / "new", folder)
    finally:
        if old.exists() and not folder.exists():
            os.rename(old, folder)
