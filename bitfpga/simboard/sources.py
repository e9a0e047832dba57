"""Where a project or a bundle keeps its interface and the sources of its C simulation."""

from __future__ import annotations

import json
from pathlib import Path

from bitfpga.errors import ProjectError
from bitfpga.simboard.core_facts import CoreFacts, core_facts

INTERFACE, BUNDLE = "interface.json", "manifest.json"


def design(folder: Path) -> tuple[CoreFacts, Path, Path]:
    """Return the facts of the design in a project or bundle, its sources, and a place for programs.

    ``ProjectError`` where ``folder`` is neither.
    """
    if (folder / INTERFACE).is_file():
        facts = core_facts((folder / INTERFACE).read_text("utf-8"))
    else:
        facts = core_facts(_bundled_interface(folder))
    programs = folder / "csim"
    for hls, place in ((folder / "hls", programs), (programs, programs / "build")):
        if (hls / "network.hpp").is_file():
            return facts, hls, place
    raise ProjectError(f"{folder} holds no sources to simulate; build or deploy it again")


def _bundled_interface(folder: Path) -> object:
    try:
        return json.loads((folder / BUNDLE).read_text("utf-8"))["interface"]
    except (OSError, ValueError, KeyError, TypeError):
        raise ProjectError(
            f"{folder} is neither a project with {INTERFACE} nor a bundle; "
            "make one with 'bitfpga build' or 'bitfpga deploy'"
        ) from None
