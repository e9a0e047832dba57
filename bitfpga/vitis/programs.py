"""Where Vitis HLS and Vivado are, and which versions: on PATH, else below ``$XILINX_*``."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from bitfpga.errors import ToolError
from bitfpga.tools import run_tool

ROOTS = ("XILINX_VITIS", "XILINX_HLS", "XILINX_VIVADO")
PROBE_LIMIT_S = 120.0
WITHOUT = "without it build, csim, report and synth --tool verilator or yosys all work"
_VERSION = re.compile(r"\bv\.?(\d{4}\.\d+)")

HlsFlow = Literal["config", "tcl"]


@dataclass(frozen=True)
class Hls:
    """Vitis HLS: by its config flow (``v++`` and ``vitis-run``), or by Tcl (``vitis_hls``)."""

    flow: HlsFlow
    programs: Mapping[str, str]
    version: str | None


@dataclass(frozen=True)
class Vivado:
    """Vivado: how to call it, and its version where it says one."""

    program: str
    version: str | None


def find_hls() -> Hls:
    """Return the Vitis HLS to use: one with the config flow, else ``vitis_hls``; or ToolError."""
    both = {name: found for name in ("v++", "vitis-run") if (found := _find(name))}
    if len(both) == 2:
        return Hls("config", both, _version(both["v++"], "--version"))
    old = _find("vitis_hls")
    if old:
        return Hls("tcl", {"vitis_hls": old}, _version(old, "-version"))
    raise ToolError(
        "Vitis HLS was not found (v++ with vitis-run, or vitis_hls; looked on PATH and in the bin "
        f"folders of {', '.join(ROOTS)}): install AMD's Vitis and source its settings64.sh; "
        + WITHOUT
    )


def find_vivado() -> Vivado:
    """Return the Vivado to use; ToolError says what to install."""
    program = _find("vivado")
    if program:
        return Vivado(program, _version(program, "-version"))
    raise ToolError(
        "Vivado was not found (looked for vivado on PATH and in the bin folders of "
        f"{', '.join(ROOTS)}): install AMD's Vivado "
        f"and source its settings64.sh; {WITHOUT}"
    )


def _find(name: str) -> str | None:
    """Return the path of a program, on PATH first."""
    found = shutil.which(name)
    folders = [os.environ[root] for root in ROOTS if os.environ.get(root)]
    for folder in folders:
        found = found or shutil.which(name, path=str(Path(folder) / "bin"))
    return str(Path(found).absolute()) if found else None


def _version(program: str, option: str) -> str | None:
    """Return a version such as ``2023.2``; None where the program does not say it."""
    with suppress(ToolError):
        where = Path(tempfile.gettempdir())
        answer = run_tool([program, option], cwd=where, limit_s=PROBE_LIMIT_S)
        if found := _VERSION.search(answer.stdout + answer.stderr):
            return found[1]
    return None
