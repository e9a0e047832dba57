"""Finds Pythons that are older than the one that runs the tests, for what boards run."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[1]
OLDEST = (3, 8)
_ASK = """
import json, sys
from importlib.util import find_spec
print(json.dumps([sys.version_info[:2], [n for n in ("numpy", "pytest") if find_spec(n)]]))
"""


@cache
def oldest_python(*packages: str) -> str | None:
    """Return the oldest Python from 3.8 on, older than this one, that has these packages."""
    found = []
    for path in _candidates():
        ran = subprocess.run([path, "-c", _ASK], capture_output=True, text=True, check=False)
        if ran.returncode:
            continue  # a shim of pyenv without a version behind it
        version, there = json.loads(ran.stdout)
        if OLDEST <= tuple(version) < sys.version_info[:2] and set(packages) <= set(there):
            found.append((tuple(version), path))
    return min(found)[1] if found else None


def _candidates() -> list[str]:
    names = [f"python3.{minor}" for minor in range(OLDEST[1], sys.version_info[1])]
    paths = [Path(path) for name in names if (path := shutil.which(name))]
    paths += (Path(os.environ.get("PYENV_ROOT", "~/.pyenv")).expanduser() / "versions").glob(
        "3.*/bin/python"
    )
    paths += [ROOT / ".venv" / "old" / "bin" / "python"]
    return sorted({str(path) for path in paths if path.is_file()})
