"""A matplotlib figure as a .png or .svg file, without a display and without the user's settings."""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from typing import Any

from bitfpga.errors import PruneError
from bitfpga.prune.whole_file import target, write_whole

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
    place = target(path, SUFFIXES)
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
        kind = place.suffix.lower()[1:]
        figure.savefig(image, format=kind, metadata={"Date": None} if kind == "svg" else {})
    write_whole(place, image.getvalue())
