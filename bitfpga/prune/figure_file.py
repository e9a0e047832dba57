"""A matplotlib figure as a .png or .svg file, without a display and without the user's settings."""

from __future__ import annotations

import io
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bitfpga.errors import PruneError

SUFFIXES = (".png", ".svg")

_SETTINGS: dict[Any, Any] = {
    "axes.axisbelow": True,
    "axes.grid": True,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlesize": "medium",
    "figure.labelsize": "medium",
    "figure.titlesize": "large",
    "font.size": 9,
    "grid.color": "#E4E4E4",
    "legend.frameon": False,
    "savefig.dpi": 150,
    "svg.fonttype": "none",  # text stays text: small, and found by a search
    "svg.hashsalt": "bitfpga",  # else the ids in the SVG are random
}


def write_figure(
    path: str | os.PathLike[str], size_inches: tuple[float, float], draw: Callable[[Any], None]
) -> None:
    """Draw a matplotlib ``Figure`` of that size and write it to ``path``, whole or not at all.

    ``PruneError`` unless ``path`` ends in .png or .svg, lies in a folder that is there and can be
    written, and matplotlib is installed.
    """
    target = Path(os.path.realpath(path))
    suffix = target.suffix.lower()
    if suffix not in SUFFIXES:
        raise PruneError(f"plot {path}: a file name ends in {' or '.join(SUFFIXES)}")
    if not target.parent.is_dir():
        raise PruneError(f"plot {path}: no folder {target.parent}; make it first")
    if target.is_dir():
        raise PruneError(f"plot {path}: is a folder; give a file name")
    try:
        import matplotlib
        from matplotlib.figure import Figure
    except ImportError:
        raise PruneError("plots need matplotlib; pip install 'bitfpga[plot]'") from None
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(_SETTINGS)
        figure = Figure(figsize=size_inches, layout="constrained")
        draw(figure)
        image = io.BytesIO()
        metadata = {"Date": None} if suffix == ".svg" else {}
        figure.savefig(image, format=suffix[1:], metadata=metadata)
    _write_whole(target, image.getvalue())


def _write_whole(target: Path, data: bytes) -> None:
    try:
        handle, partial = tempfile.mkstemp(dir=target.parent, prefix=".bitfpga-")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
            os.chmod(partial, 0o644)
            os.replace(partial, target)
        finally:
            Path(partial).unlink(missing_ok=True)
    except OSError as error:
        raise PruneError(f"plot {target}: cannot write it ({error.strerror})") from None
