"""pe_array.v mapped to gates by Yosys: the same sums in the same cycles."""

from __future__ import annotations

from pathlib import Path

import pytest
from rtl_bench import RTL, Bench, without_verilator
from rtl_cells import needs_pyosys, run_yosys, xilinx_cells
from rtl_pe_arrays import ArrayBench, check, verilog
from rtl_pe_cases import Case, parameters, tables

from bitfpga.plan.tap_words import NO_CODE

pytestmark = [
    needs_pyosys,
    pytest.mark.skipif(without_verilator(), reason="Verilator is not installed"),
]

MODULES = (
    "column column_generic tap_decoder select_bits pe pe_array walk_starts walk_events rom "
    "rom_stream ram pick or_bits"
).split()


@pytest.mark.parametrize("symbol_bits", [NO_CODE, 2])
def test_the_mapped_array_does_the_same(tmp_path: Path, symbol_bits: int) -> None:
    case = Case((8, 12), 3, 2, split_rows=6, symbol_bits=symbol_bits, style="distributed")
    sizes = {**parameters(case), "IMPL": '"xilinx"', "EVENT_STYLE": '"distributed"'}
    assert case.n_results > 3
    files = tables(case)
    (tmp_path / "events0").write_text("".join(f"{word:x}\n" for word in files["events0"]))
    passes = [f"read_verilog -defer {RTL / name}.v" for name in MODULES]
    passes += [f"chparam -set {name} {value} pe_array" for name, value in sizes.items()]
    run_yosys(
        *passes,
        "synth_xilinx -family xc7 -flatten -top pe_array -noiopad -abc9",
        "rename pe_array gates",
        "rename -enumerate -pattern part%x",
        "write_verilog -noattr gates.v",
        cwd=tmp_path,
    )
    sources = [verilog(case, "top", "gates"), tmp_path / "gates.v", xilinx_cells()]
    mapped = ArrayBench(Bench(tmp_path, "top", sources, files=files), [case], case.row_bits)
    check(mapped, 0, 6)
    check(mapped, 0, 6, in_percent=60, out_percent=50, seed=2, reset_at=40)
