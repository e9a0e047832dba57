"""When a folder may be replaced by a new bundle."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

from bitfpga.errors import ProjectError

# What running a bundle leaves behind: compiled simulations, Python's and Jupyter's own files.
_LEFT_BEHIND = re.compile(
    r"csim/build(/.*)?|(.*/)?__pycache__(/[^/]+\.pyc)?|\.ipynb_checkpoints(/[^/]+)?"
)


def check_replaceable(folder: Path, force: bool) -> None:
    """Raise ``ProjectError`` where ``folder`` exists, unless forced, a bundle, and only that."""
    if not (folder.exists() or folder.is_symlink()):
        return
    ours = set() if folder.is_symlink() else _listed(folder)
    if not ours:
        raise ProjectError(
            f"{folder} exists and is no bundle of bitfpga: it is left alone; choose another folder"
        )
    if not force:
        raise ProjectError(f"{folder} exists; use --force to replace it, or another -o folder")
    ours |= {parent.as_posix() for name in ours for parent in Path(name).parents}
    foreign = [
        name for name in _entries(folder) if name not in ours and not _LEFT_BEHIND.fullmatch(name)
    ]
    if foreign:
        raise ProjectError(
            f"{folder} holds files bitfpga did not make ({', '.join(foreign[:5])}): it is left "
            "alone; move them away, or choose another folder"
        )


def _listed(folder: Path) -> set[str]:
    """Return the files of a bundle's manifest, itself included; nothing if it is no bundle."""
    try:
        document = json.loads((folder / "manifest.json").read_text("utf-8"))
        if document["format"] != "bitfpga-bundle":
            return set()
        return {"manifest.json", *map(str, document["files"])}
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return set()


def _entries(folder: Path) -> list[str]:
    """Return every file, folder and link below ``folder``, relative, links not followed, sorted."""
    found = []
    for parent, folders, files in os.walk(folder):
        found += [Path(parent, name).relative_to(folder).as_posix() for name in folders + files]
    return sorted(found)
