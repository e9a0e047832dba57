"""column.v: its LUTs and carries do what column_generic.v says, and they are all there is."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from rtl_bench import RTL
from rtl_cells import needs_pyosys, run_yosys

pytestmark = needs_pyosys

# width, bits of x, whether they are signed
SIZES = ((1, 1, 1), (4, 3, 0), (5, 8, 1), (20, 8, 1), (20, 8, 0), (23, 4, 1))


def elaborated(name: str, top: str, width: int, x_bits: int, x_signed: int) -> list[str]:
    sizes = f"-set WIDTH {width} -set X_BITS {x_bits} -set X_SIGNED {x_signed}"
    passes = [f"read_verilog -defer {RTL / 'column.v'} {RTL / 'column_generic.v'}"]
    passes += [f"chparam {sizes} {top}", "read_verilog -lib +/xilinx/cells_sim.v"]
    passes += [f"hierarchy -top {top}", "proc", "flatten"]
    passes += ["techmap -map +/xilinx/cells_sim.v", "opt_clean -purge", f"rename {top} {name}"]
    return [*passes, f"design -stash {name}"]


@pytest.mark.parametrize(("width", "x_bits", "x_signed"), SIZES)
def test_column_is_its_plain_twin(width: int, x_bits: int, x_signed: int) -> None:
    run_yosys(
        *elaborated("gold", "column_generic", width, x_bits, x_signed),
        *elaborated("gate", "column", width, x_bits, x_signed),
        "design -copy-from gold gold",
        "design -copy-from gate gate",
        "equiv_make gold gate same",
        "hierarchy -top same",
        "equiv_simple -undef",
        "equiv_induct",
        "equiv_status -assert",
    )


@pytest.mark.parametrize(("width", "x_bits", "x_signed"), SIZES[1::2])
def test_a_bit_costs_one_lut(width: int, x_bits: int, x_signed: int, tmp_path: Path) -> None:
    counts = tmp_path / "counts.json"
    run_yosys(
        f"read_verilog -defer {RTL / 'column.v'} {RTL / 'column_generic.v'}",
        f"chparam -set WIDTH {width} -set X_BITS {x_bits} -set X_SIGNED {x_signed} column",
        "synth_xilinx -family xc7 -flatten -top column -noiopad -abc9",
        f"tee -q -o {counts} stat -json",
    )
    cells = json.loads(counts.read_text())["design"]["num_cells_by_type"]
    cells.pop("BUFG", None)
    assert cells == {"LUT6_2": width, "CARRY4": (width + 3) // 4, "FDRE": width}
