"""The Yosys driver on small Verilog whose area can be counted by hand: counts, cache, refusals."""

from __future__ import annotations

import shutil
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from synth_design import TOP, files, schedule

from bitfpga.errors import ToolError
from bitfpga.plan import Resources
from bitfpga.synth.area import AreaReport
from bitfpga.synth.yosys import synthesise

pytestmark = pytest.mark.skipif(
    find_spec("pyosys") is None and shutil.which("yosys") is None,
    reason="neither pyosys nor yosys is installed",
)

LIMIT_S = 300.0


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("yosys") / "synth"


@pytest.fixture(scope="module")
def report(cache: Path) -> AreaReport:
    return synthesise(files(), schedule(), cache, limit_s=LIMIT_S)


def figures(report: AreaReport, name: str) -> dict[str, Any]:
    """Return what the part of this name takes, zeros left out."""
    part = next(part for part in report.parts if part.name == name)
    document = part.area.to_document()
    return {key: value for key, value in document.items() if value and key != "other"}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("sum", {"luts": 5, "lut_logic": 5, "ffs": 15, "carry4": 2}),
        (
            "twin",  # with its table of taps
            {
                "luts": 5,
                "lut_logic": 5,
                "ffs": 15,
                "carry4": 2,
                "bram36": 0.5,
                "ramb18": 1,
            },
        ),
        ("fifo_wait", {"luts": 3, "srl": 3, "ffs": 3}),  # 17 = an SRL16E and a register
        ("small", {"luts": 4, "lut_ram": 4, "ffs": 6}),  # one RAM32M
        ("large", {"bram36": 0.5, "ramb18": 1}),
        ("two", {"bram36": 0.5, "ramb18": 1}),
        ("bitfpga_top", {"luts": 1, "lut_logic": 1}),
    ],
)
def test_a_block_takes_what_a_hand_count_gives(
    report: AreaReport, name: str, expected: dict[str, Any]
) -> None:
    assert figures(report, name) == expected


def test_a_pe_is_counted_as_often_as_it_stands_in_its_array(report: AreaReport) -> None:
    inverters = 16  # of ~a, which a LUT6_2 that is placed by hand cannot take in
    assert figures(report, "pair") == {
        "luts": 16 + inverters,
        "lut_logic": 16 + inverters,
        "carry4": 4,
        "ffs": 48,
    }


def test_the_total_is_the_sum_over_all_instances(report: AreaReport) -> None:
    for name in ("luts", "ffs", "carry4", "ramb18", "ramb36", "lut_ram", "srl", "dsp"):
        parts = [getattr(part.area, name) for part in report.parts]
        assert getattr(report.total, name) == sum(parts)
    assert report.total.ramb18 == 3
    assert (report.total.dsp, report.total.latches, dict(report.total.other)) == (0, 0, {})


def test_roles_and_estimates_come_of_the_schedule(report: AreaReport) -> None:
    roles = {part.name: part.role for part in report.parts}
    assert [name for name, role in roles.items() if role == "layer"] == ["sum", "twin"]
    assert roles["fifo_wait"] == "fifo"
    assert roles["small"] == "process"
    assert list(roles)[-1] == "bitfpga_top"
    assert list(roles)[:2] == ["sum", "twin"]
    assert "taps0_layer_twin" not in roles
    assert report.layer("twin").module == "column"
    assert report.layer("twin").estimate == Resources(5, 15, 0.0)


def test_the_logic_delay_goes_through_lut6_2_and_carry_chains(report: AreaReport) -> None:
    delay = report.layer("sum").mapped.delay
    assert delay is not None
    assert delay.unknown == ()
    assert any("LUT" in step for step in delay.path)
    assert any("CARRY4" in step for step in delay.path)
    assert 500 < delay.ps < 3000
    assert report.delay is not None
    parts = [part.mapped.delay for part in report.parts]
    assert report.delay.ps >= max(part.ps for part in parts if part is not None) > 2000


def test_a_second_run_maps_nothing_and_says_the_same(report: AreaReport, cache: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in cache.rglob("*")}
    lines: list[str] = []
    again = synthesise(files(), schedule(), cache, limit_s=LIMIT_S, on_block=lines.append)
    assert again == report
    assert again.to_document() == report.to_document()
    assert lines
    assert all(line.endswith("(kept)") for line in lines)
    assert {path: path.stat().st_mtime_ns for path in cache.rglob("*.*")}.items() <= before.items()


def test_a_changed_table_maps_only_its_block_again(report: AreaReport, cache: Path) -> None:
    changed = files()
    changed["data/two.hex"] = changed["data/one.hex"].replace(b"1f\n", b"20\n")
    changed["lib/delay.v"] = b"// a comment\n\n" + changed["lib/delay.v"]
    lines: list[str] = []
    again = synthesise(changed, schedule(), cache, limit_s=LIMIT_S, on_block=lines.append)
    assert [line.split(":")[0] for line in lines if not line.endswith("(kept)")] == ["two"]
    assert again.total == report.total


def test_a_damaged_cache_is_mapped_again(report: AreaReport, tmp_path: Path, cache: Path) -> None:
    copy = tmp_path / "synth"
    shutil.copytree(cache, copy)
    for path in copy.glob("*/block.json"):
        path.write_text(path.read_text("utf-8")[:-9], "utf-8")
    again = synthesise(files(), schedule(), copy, limit_s=LIMIT_S)
    assert again == report


def test_the_time_limit_ends_in_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(ToolError, match=r"^synthesis did not end within 0\.01 s; blocks that are"):
        synthesise(files(), schedule(), tmp_path / "synth", limit_s=0.01)


@pytest.mark.parametrize(
    ("broken", "says"),
    [
        (TOP.replace("endmodule", "endmodul"), r"bitfpga_top\.v:\d+: ERROR: syntax error"),
        (TOP.replace("memory small", "memori small"), r"ERROR: Module `\\memori' referenced"),
        (TOP.replace("data/one.hex", "data/no.hex"), r"ERROR: ?Can not open file .data/no\.hex"),
        (TOP.replace(".at(i)", ".att(i)"), r"ERROR: .*does not have a port named 'att'"),
    ],
)
def test_broken_verilog_is_one_error_in_yosys_words(tmp_path: Path, broken: str, says: str) -> None:
    with pytest.raises(ToolError, match=says) as caught:
        synthesise(files(broken), schedule(), tmp_path / "synth", limit_s=LIMIT_S)
    assert "elaborate.log" in str(caught.value)
    assert str(caught.value).count("ERROR") == 1


def test_ultrascale_is_mapped_to_its_own_cells_without_delays(tmp_path: Path) -> None:
    top = """
module bitfpga_top (input clk, en, input [8:0] i, j, input [35:0] d, output [35:0] b,
    output reg [8:0] s);
  memory #(.WIDTH(36), .DEPTH(512), .STYLE("block")) large (.clk(clk), .we(en), .to(i), .from(j),
      .d(d[35:0]), .q(b));
  always @(posedge clk) s <= i + j;
endmodule
"""
    found = synthesise(files(top), schedule("kv260"), tmp_path / "synth", limit_s=LIMIT_S)
    assert (found.family, found.delay) == ("xcup", None)
    assert (found.total.ramb18, found.total.carry4) == (1, 3)
    assert dict(found.total.other) == {}
