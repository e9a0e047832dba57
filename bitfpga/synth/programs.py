"""Where Yosys is, what it is told, and how it is run: always as a child process."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import shutil
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bitfpga.errors import ToolError
from bitfpga.tools import run_tool

_PROBE_LIMIT_S = 60.0
_PYOSYS = (
    "run_pyosys.py",
    """\
import sys
from pyosys import libyosys
libyosys.run_pass("script " + sys.argv[1], libyosys.Design())
""",
)
CELLS = ("read_verilog -lib{} +/xilinx/cells_sim.v", "read_verilog -lib +/xilinx/cells_xtra.v")

# sta knows no delays of a LUT6_2: for it, one is the LUT6 and the LUT5 it holds.
LUT6_2 = """\
(* techmap_celltype = "LUT6_2" *)
module two_luts (output O6, O5, input I0, I1, I2, I3, I4, I5);
  parameter [63:0] INIT = 0;
  LUT6 #(.INIT(INIT)) six (.O(O6), .I0(I0), .I1(I1), .I2(I2), .I3(I3), .I4(I4), .I5(I5));
  LUT5 #(.INIT(INIT[31:0])) five (.O(O5), .I0(I0), .I1(I1), .I2(I2), .I3(I3), .I4(I4));
endmodule
"""


@dataclass(frozen=True)
class Yosys:
    """A Yosys: how to call it with a script, and which one it is (for cache keys)."""

    argv: tuple[str, ...]
    version: str

    def run(self, script: Sequence[str], name: str, cwd: Path, log: Path, deadline: float) -> None:
        """Run the commands in ``cwd`` until the ``deadline`` (time.monotonic).

        The log is kept where they fail: of a whole network it has a hundred megabytes.
        """
        (cwd / _PYOSYS[0]).write_text(_PYOSYS[1], "utf-8")
        (cwd / f"{name}.ys").write_text("\n".join(script) + "\n", "utf-8")
        limit_s = max(deadline - time.monotonic(), 0.0)
        run_tool([*self.argv, f"{name}.ys"], cwd=cwd, limit_s=limit_s, log=log)
        log.unlink(missing_ok=True)


def find_yosys() -> Yosys:
    """Return the installed pyosys, else a yosys on PATH; ToolError says what to install."""
    if importlib.util.find_spec("pyosys") is not None:
        version = f"pyosys {importlib.metadata.version('pyosys')}"
        return Yosys((sys.executable, _PYOSYS[0]), version)
    if program := shutil.which("yosys"):
        answer = run_tool([program, "-V"], cwd=Path.cwd(), limit_s=_PROBE_LIMIT_S)
        return Yosys((program, "-s"), answer.stdout.strip())
    raise ToolError(
        "synthesis needs Yosys, which is not installed: pip install pyosys (or put yosys on PATH); "
        "build, report and csim work without it"
    )


def elaborate_script(sources: Sequence[str], top: str, layers: Sequence[str]) -> list[str]:
    """Return commands that write the elaborated design to ``elaborated.il``.

    -defer: a module is read with the parameters of its instances, never with its defaults, whose
    data files do not exist. submod: a layer's process and its ROMs of taps, which stand beside it
    in the top module, become one module: many small ones take long.
    """
    together = [
        f'setattr -set submod "{layer}" {top}/c:{layer} {top}/c:taps*_{layer}' for layer in layers
    ]
    return [
        *(line.format("") for line in CELLS),
        f"read_verilog -defer {' '.join(sources)}",
        f"hierarchy -check -top {top}",
        *([*together, f"submod {top}"] if layers else []),
        "write_rtlil -selected elaborated.il",
    ]


def map_script(family: str) -> list[str]:
    """Return commands that map ``blocks.il``, count cells to ``stat.json``, write ``mapped.il``.

    Modules marked keep_hierarchy stay modules (each is mapped once), the others are dissolved into
    them; those marked bitfpga_inner are dissolved after the cells are counted.
    """
    return [
        "read_rtlil blocks.il",
        "hierarchy -top bitfpga_blocks",
        f"synth_xilinx -family {family} -top bitfpga_blocks -flatten -noiopad -noclkbuf -abc9",
        "tee -q -o stat.json stat -json",
        "setattr -mod -unset keep_hierarchy A:bitfpga_inner",
        "flatten",
        "setattr -mod -unset keep_hierarchy *",
        "opt_clean",
        "autoname",
        "setattr -unset src",
        "setattr -unset hdlname",
        "write_rtlil -selected mapped.il",
    ]


def delay_script(netlist: str, top: str, modules: str) -> list[str]:
    """Return commands that write the longest paths of flat ``modules`` to ``delays.txt``.

    Straight after synthesis ``sta`` misses the arcs of CARRY4 and FDRE, so cells are read again.
    """
    return [
        "design -reset",
        *(line.format(" -specify") for line in CELLS),
        f"read_rtlil {netlist}",
        f"hierarchy -top {top}",
        *([] if modules else ["flatten"]),
        "techmap -map lut6_2.v",
        f"tee -q -o delays.txt sta {modules}".rstrip(),
    ]
