"""What a bundle's ``validate.py`` does: the self test, and a comparison with the user's files."""

from __future__ import annotations

import argparse
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from .accelerator import CSIM, Accelerator
from .errors import InputError, RuntimeFault


def main(bundle: Path, arguments: list[str] | None = None) -> int:
    """Return the exit code: 0 where all is equal, 1 for a difference or an error, 2 for usage."""
    parser = argparse.ArgumentParser(
        prog="validate.py", description="Run a bundle's golden vectors and, if given, your own."
    )
    parser.add_argument("--x", type=Path, help="samples, an .npy file of integers or real numbers")
    parser.add_argument("--y", type=Path, help="integer outputs, or labels, an .npy file")
    parser.add_argument("--csim", action="store_true", help="C simulation: no board, no PYNQ")
    parser.add_argument("--timeout-s", type=float, default=10.0, help="limit of a call in seconds")
    given = parser.parse_args(arguments)
    if (given.x is None) != (given.y is None):
        parser.error("give --x and --y together")
    try:
        x, y = (None, None) if given.x is None else (_load(given.x), _load(given.y))
        device = CSIM if given.csim else None
        with Accelerator(bundle, device, timeout_s=given.timeout_s) as accelerator:
            n_samples = accelerator.self_test()
            _say(f"self test: {n_samples} golden samples equal, bit for bit")
            if x is None:
                return 0
            result = accelerator.validate(x, y)
            _say(f"{given.x} against {given.y}: {result}")
            return 0 if result.by_label or not result.difference else 1
    except RuntimeFault as error:
        sys.stderr.write(f"error: {error}\n")
        return 1


def _load(path: Path) -> Any:
    try:
        with path.open("rb") as stream:
            array = np.load(stream, allow_pickle=False)
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise InputError(f"{path}: {error}; save an array with numpy.save") from None
    if not isinstance(array, np.ndarray):
        raise InputError(f"{path} holds several arrays; save one of them with numpy.save")
    return array


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
