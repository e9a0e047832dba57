"""lut_rom.v: its LUT6s hold what its plain twin holds, in as many LUTs as the plan says."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
from rtl_bench import RTL
from rtl_cells import needs_pyosys, run_yosys

from bitfpga.emit.rtl_words import packed, verilog
from bitfpga.plan.resources import lut_rom

pytestmark = needs_pyosys

# width, depth: one LUT, two, three, four, a group and a part, several groups
SIZES = ((3, 1), (2, 2), (5, 64), (3, 83), (2, 150), (3, 252), (2, 257), (3, 339), (1, 1100))
BOTH = """
module both (input wire clk, input wire [{a}:0] addr, output wire bad);
  wire [{w}-1:0] gold, gate;
  reg inside;
  always @(posedge clk) inside <= addr < {d};
  {instances}
  assign bad = inside && gold !== gate;
endmodule
"""
INSTANCE = """lut_rom #(.WIDTH({w}), .DEPTH({d}), .WORDS({words}), .IMPL("{impl}")) {name}_rom (
    .clk(clk), .enable(1'b1), .addr(addr[{a}-1:0]), .data({name}));
"""


def literal(width: int, depth: int) -> str:
    rng = random.Random(depth)
    return verilog(packed([rng.getrandbits(width) for _ in range(depth)], width))


@pytest.mark.parametrize(("width", "depth"), SIZES)
def test_it_is_its_plain_twin_at_every_address(width: int, depth: int, tmp_path: Path) -> None:
    sizes = {"w": width, "d": depth, "a": max(1, (depth - 1).bit_length())}
    words = literal(width, depth)
    instances = [
        INSTANCE.format(**sizes, words=words, impl=impl, name=name)
        for impl, name in (("generic", "gold"), ("xilinx", "gate"))
    ]
    text = BOTH.format(**sizes, instances="".join(instances))
    (tmp_path / "both.v").write_text(text, encoding="utf-8")
    run_yosys(
        f"read_verilog {RTL / 'lut_rom.v'} both.v",
        "read_verilog -lib +/xilinx/cells_sim.v",
        "hierarchy -top both",
        "proc",
        "flatten",
        "techmap -map +/xilinx/cells_sim.v",
        "opt_clean",
        "sat -verify -seq 2 -prove-skip 1 -prove bad 0",
        cwd=tmp_path,
    )


@pytest.mark.parametrize(("width", "depth"), [*SIZES[2:6], (3, 339), (2, 512), (2, 1000)])
def test_the_plan_knows_its_luts(width: int, depth: int, tmp_path: Path) -> None:
    counts = tmp_path / "counts.json"
    words = literal(width, depth)
    run_yosys(
        f"read_verilog -defer {RTL / 'lut_rom.v'}",
        f"chparam -set WIDTH {width} -set DEPTH {depth} -set WORDS {words} lut_rom",
        "synth_xilinx -family xc7 -flatten -top lut_rom -noiopad -noclkbuf -abc9",
        f"tee -q -o {counts} stat -json",
    )
    cells = json.loads(counts.read_text())["design"]["num_cells_by_type"]
    luts = sum(number for kind, number in cells.items() if kind.startswith("LUT"))
    assert luts == lut_rom(depth, width)
    assert cells["FDRE"] == width
