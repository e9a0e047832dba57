"""Where the data files that belong to bitfpga lie, in a checkout and in an installed wheel alike.

In a checkout ``hls_templates/`` and ``overlays/`` stand beside the package; the wheel carries the
same two folders inside it, under ``bitfpga/_data/``.
"""

from __future__ import annotations

from pathlib import Path

from bitfpga.errors import ProjectError

_PACKAGE = Path(__file__).resolve().parent
_WHEEL_DATA = _PACKAGE / "_data"


def templates_dir() -> Path:
    """Return the folder of Jinja templates; ProjectError if this installation lacks it."""
    return _data_dir("hls_templates/templates")


def include_dir() -> Path:
    """Return the folder of the C++ headers, the one to give to ``-I``; ProjectError if missing."""
    return _data_dir("hls_templates/include")


def rtl_dir() -> Path:
    """Return the folder of fixed Verilog files; ProjectError if this installation lacks it."""
    return _data_dir("hls_templates/rtl")


def testbench_dir() -> Path:
    """Return the folder of fixed C++ testbenches; ProjectError if this installation lacks it."""
    return _data_dir("hls_templates/testbench")


def vivado_dir() -> Path:
    """Return the folder of fixed Tcl scripts for Vivado; ProjectError if this is missing."""
    return _data_dir("hls_templates/vivado")


def boards_dir() -> Path:
    """Return the folder of board descriptions, one TOML each; ProjectError if missing."""
    return _data_dir("overlays/boards")


def overlays_dir() -> Path:
    """Return the folder of boards and overlay designs; ProjectError if missing."""
    return _data_dir("overlays")


def runtime_dir() -> Path:
    """Return the folder of the board side's Python files, which bundles carry a copy of."""
    return _PACKAGE / "runtime"


def _data_dir(relative: str) -> Path:
    """Return the data folder at ``relative``; a wheel's own data come before a neighbour folder."""
    root = _WHEEL_DATA if _WHEEL_DATA.is_dir() else _PACKAGE.parent
    folder = root / relative
    if not folder.is_dir():
        raise ProjectError(
            f"this installation of bitfpga lacks its folder '{relative}' (looked for {folder}); "
            "install it again: pip install --force-reinstall bitfpga"
        )
    return folder
