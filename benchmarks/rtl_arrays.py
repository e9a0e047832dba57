"""PE arrays of any size on their own, synthesised: LUTs for each addition a cycle."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
from measure import markdown_table

from bitfpga.boards import load_board
from bitfpga.demo import demo_network
from bitfpga.paths import rtl_dir
from bitfpga.plan import plan
from bitfpga.plan.tap_words import NO_CODE
from bitfpga.synth.yosys import synthesise

ACC, X_BITS, SPAN, WALK_CYCLES, JOBS = 20, 8, 144, 512, 4
CELL_SYMBOL_BITS, CELLS_PER_ROW = 3, 9
LIMIT_S = 1800.0
TOP = """\
module bitfpga_top (
    input wire clk, rst, fill_we, fill_bank, filled, emitted, res_bank,
    input wire [15:0] fill_split, fill_row,
    input wire [{row}-1:0] fill_data,
    input wire [{pes}*36-1:0] tap_row,
    input wire [{address}-1:0] res_addr,
    output wire walked,
    output wire [{pes}-1:0] tap_re,
    output wire [{pes}*$clog2({tap_rows})-1:0] tap_addr,
    output wire [{sums}-1:0] res_row
);
  pe_array #(
      .PES({pes}), .COLUMNS({columns}), .X_BITS({x_bits}), .X_SIGNED(1), .ACC({acc}),
      .SPLIT_ROWS({span}), .SPAN({span}), .SYMBOL_BITS({symbol_bits}), .CELLS_PER_ROW({cells}),
      .ROW_BITS(36), .TAP_ROWS({tap_rows}), .WALK_CYCLES({walk}), .RESULTS({results}),
      .EVENT_FILE("data/events.hex"), .TILE_STYLE("block"), .RESULT_STYLE("block")
  ) array (
      .clk(clk), .rst(rst), .fill_we(fill_we), .fill_bank(fill_bank), .fill_split(fill_split),
      .fill_row(fill_row), .fill_data(fill_data), .filled(filled), .walked(walked),
      .tap_re(tap_re), .tap_addr(tap_addr), .tap_row(tap_row), .res_bank(res_bank),
      .res_addr(res_addr), .res_row(res_row), .emitted(emitted)
  );
endmodule
"""


def measure_array(columns: int, n_pes: int, cache: Path, *, coded: bool) -> dict[str, Any]:
    """Return the area of ``n_pes`` PEs of ``columns`` columns with 20-bit accumulators.

    Streams are ``coded`` in cells of 4 bits, or are tap words. Decoders, index counters, event
    list, collection of results and all control are in it; tap ROMs, tile memories and result
    memory are block RAM.
    """
    results = JOBS * n_pes
    top = TOP.format(
        row=columns * X_BITS,
        sums=columns * ACC,
        address=max((results - 1).bit_length(), 1),
        pes=n_pes,
        columns=columns,
        x_bits=X_BITS,
        acc=ACC,
        span=SPAN,
        symbol_bits=CELL_SYMBOL_BITS if coded else NO_CODE,
        cells=CELLS_PER_ROW if coded else 1,
        tap_rows=128 if coded else WALK_CYCLES,
        walk=WALK_CYCLES,
        results=results,
    )
    times = np.linspace(100, WALK_CYCLES - 1, results).astype(int)
    events = [f"{int(t) << 28 | pe % n_pes << 16:012x}\n" for pe, t in enumerate(times)]
    files = {f"lib/{path.name}": path.read_bytes() for path in sorted(rtl_dir().glob("*.v"))}
    files |= {"bitfpga_top.v": top.encode(), "data/events.hex": "".join(events).encode()}
    schedule = plan(demo_network(), load_board("pynq-z2"))
    alone = dataclasses.replace(schedule, layers=(), fifos=())
    report = synthesise(files, alone, cache, limit_s=LIMIT_S)
    total = report.total
    delay = report.delay
    return {
        "stream": "cells" if coded else "words",
        "columns": columns,
        "n_pes": n_pes,
        "luts": total.luts,
        "ffs": total.ffs,
        "bram36": total.bram36,
        "dsp": total.dsp,
        "luts_per_add": total.luts / (columns * n_pes),
        "logic_delay_ns": delay.ps / 1000 if delay else None,
    }


def array_table(results: list[dict[str, Any]]) -> str:
    """Return the arrays as a Markdown table."""
    header = ["stream", "PEs", "columns", "adds a cycle", "LUT", "LUT per add", "FF", "RAMB36"]
    rows = [
        [
            found["stream"],
            str(found["n_pes"]),
            str(found["columns"]),
            str(found["n_pes"] * found["columns"]),
            f"{found['luts']:,}",
            f"{found['luts_per_add']:.2f}",
            f"{found['ffs']:,}",
            f"{found['bram36']:g}",
            str(found["dsp"]),
            f"{found['logic_delay_ns']:.2f} ns",
        ]
        for found in results
    ]
    return markdown_table([*header, "DSP", "logic delay"], rows)
