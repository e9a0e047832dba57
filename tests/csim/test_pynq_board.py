"""Real pynq on the simulated board: every pynq_board/check_*.py, in environments that have pynq.

pynq needs an older numpy than bitfpga, so each version has an environment of its own, which
``make setup-pynq`` makes beside this one (or in the folder that ``BITFPGA_PYNQ`` names).
"""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import pytest
from board_designs import write_designs

from bitfpga.errors import ToolError
from bitfpga.tools import run_tool

REPOSITORY = Path(__file__).parents[2]
CHECKS = REPOSITORY / "tests" / "pynq_board"
LIMIT_S = 240.0
COMMON = (
    "check_calls.py",
    "check_faults.py",
    "check_metadata.py",
    "check_runtime.py",
    "check_notebook.py",
)


@pytest.fixture(scope="module")
def designs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("designs")
    write_designs(folder)
    return folder


def python_with_pynq(version: str) -> Path:
    """Return the interpreter that has this version of pynq; a skip without one."""
    home = Path(os.environ.get("BITFPGA_PYNQ", sys.prefix))
    python = home / f"pynq-{version}" / "bin" / "python"
    if not python.is_file():
        pytest.skip(f"no environment with pynq {version} in {home}: make setup-pynq")
    return python


@pytest.mark.parametrize(
    ("version", "family", "checks"),
    [
        ("3.1.2", "zynq7000", COMMON),
        ("3.1.2", "zynqus", COMMON),
        ("4.0.0", "zynqus", COMMON),
        ("4.0.0", "zynq7000", ("check_pynq4.py",)),
    ],
)
def test_pynq_drives_the_board(
    version: str, family: str, checks: tuple[str, ...], designs: Path, tmp_path: Path
) -> None:
    environment = {
        "BITFPGA_DESIGNS": str(designs),
        "BITFPGA_FAMILY": family,
        "PYTHONPATH": os.pathsep.join((str(REPOSITORY), str(CHECKS))),
    }
    options = ("--noconftest", "-q", "-rs", "-p", "no:cacheprovider", f"--basetemp={tmp_path}/t")
    quiet = ("-W", "ignore:Pynq does not support:ResourceWarning")  # said on every import
    command = [python_with_pynq(version), "-m", "pytest", *options, *quiet]
    try:
        done = run_tool(
            [*command, *(CHECKS / name for name in checks)],
            cwd=REPOSITORY,
            limit_s=LIMIT_S,
            env=environment,
        )
    except ToolError as error:
        pytest.fail(str(error))
    assert re.fullmatch(r"[1-9]\d* passed in .*s", done.stdout.strip().splitlines()[-1])
