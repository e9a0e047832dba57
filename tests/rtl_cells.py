"""Yosys as the tests of the Verilog use it, and its simulation models of Xilinx cells."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

needs_pyosys = pytest.mark.skipif(find_spec("pyosys") is None, reason="pyosys is not installed")

YOSYS = """
import sys
from pyosys import libyosys as ys
design = ys.Design()
for line in sys.stdin:
    ys.run_pass("tee -q " + line.strip(), design)
"""


def run_yosys(*passes: str, cwd: Path | None = None) -> None:
    """Run Yosys in a process of its own, which ends with the first error."""
    command = [sys.executable, "-c", YOSYS]
    done = subprocess.run(command, input="\n".join(passes), text=True, cwd=cwd, capture_output=True)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]


def xilinx_cells() -> Path:
    """Return the simulation models of LUT6_2, CARRY4 and their like."""
    spec = find_spec("pyosys")
    assert spec is not None
    assert spec.origin is not None
    found = Path(spec.origin).parent.rglob("cells_sim.v")
    return next(path for path in found if path.parent.name == "xilinx")
