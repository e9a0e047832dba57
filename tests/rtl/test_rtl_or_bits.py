"""or_bits.v: its LUT6s say what its plain twin says, and a LUT takes five words more."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from rtl_bench import RTL
from rtl_cells import needs_pyosys, run_yosys

pytestmark = needs_pyosys

SIZES = ((1, 1), (3, 2), (2, 12), (1, 38))  # width, words


def elaborated(name: str, impl: str, width: int, words: int) -> list[str]:
    passes = [f"read_verilog -defer {RTL / 'or_bits.v'}"]
    passes += [f'chparam -set WIDTH {width} -set N {words} -set IMPL "{impl}" or_bits']
    passes += ["read_verilog -lib +/xilinx/cells_sim.v", "hierarchy -top or_bits", "proc"]
    passes += ["flatten", "techmap -map +/xilinx/cells_sim.v", "opt_clean -purge"]
    return [*passes, f"rename or_bits {name}", f"design -stash {name}"]


@pytest.mark.parametrize(("width", "words"), SIZES)
def test_it_is_its_plain_twin(width: int, words: int) -> None:
    run_yosys(
        *elaborated("gold", "generic", width, words),
        *elaborated("gate", "xilinx", width, words),
        "design -copy-from gold gold",
        "design -copy-from gate gate",
        "equiv_make gold gate same",
        "hierarchy -top same",
        "equiv_simple",
        "equiv_status -assert",
    )


@pytest.mark.parametrize(("width", "words"), SIZES[2:])
def test_a_lut_takes_five_words_more(width: int, words: int, tmp_path: Path) -> None:
    counts = tmp_path / "counts.json"
    run_yosys(
        f"read_verilog -defer {RTL / 'or_bits.v'}",
        f"chparam -set WIDTH {width} -set N {words} or_bits",
        "synth_xilinx -family xc7 -flatten -top or_bits -noiopad -abc9",
        f"tee -q -o {counts} stat -json",
    )
    cells = json.loads(counts.read_text())["design"]["num_cells_by_type"]
    cells.pop("$scopeinfo", None)
    assert sum(cells.values()) == width * -(-(words - 1) // 5)
