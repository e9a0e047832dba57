"""pe_array.v with rows that come and results that go, many in one build, and what it must say.

A run takes one of the arrays: a word is its number and a step's rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rtl_bench import Bench, Output
from rtl_pe_cases import ACC, CYCLE_BITS, Case, outputs, packed, parameters, tables

RESTART = 2  # cycles of a walk before its first decode step

# Rows are stepped in one a cycle and written 4 cycles after their step; results are read from the
# last to the first, two cycles each, from the cycle after `walked`, 7 cycles late, on.
TOP = """
module {name} (input wire clk, rst, s_valid, m_ready, input wire [{row}-1:0] s_data,
    output wire s_ready, m_valid, output wire [{out}-1:0] m_data);
  reg started;
  reg [31:0] cycle;
  always @(posedge clk) begin
    started <= !rst && (started || (s_valid && s_ready));
    cycle <= rst || !(started || (s_valid && s_ready)) ? 0 : cycle + 1;
  end

  reg [1:0] free, full;
  reg [15:0] count;
  reg [31:0] filled_at [0:1], walked_at [0:1];
  reg fill_bank, walked_bank, res_bank;
  wire walked, emitted, take = s_valid && s_ready, filled = take && count == {beats} - 1;
  assign s_ready = free != 0;
  always @(posedge clk) begin
    if (rst) begin
      free <= 2; count <= 0; fill_bank <= 0; walked_bank <= 0; res_bank <= 0;
    end else begin
      free <= free - filled + walked;
      if (take) count <= filled ? 0 : count + 1;
      if (filled) filled_at[fill_bank] <= cycle;
      if (filled) fill_bank <= !fill_bank;
      if (walked) walked_at[walked_bank] <= cycle;
      if (walked) walked_bank <= !walked_bank;
      if (emitted) res_bank <= !res_bank;
    end
  end

  reg [3:0] we;
  reg [3:0] bank;
  reg [{row}-1:0] data_1, data_2, data_3, data_4;
  reg [63:0] at_1, at_2;
  reg [63:0] index;
  wire [31:0] first = count * {lanes};
  always @(posedge clk) begin
    we <= rst ? 0 : {{we[2:0], take}};
    bank <= {{bank[2:0], fill_bank}};
    index <= {{index[47:0], first[15:0]}};
    {{data_4, data_3, data_2, data_1}} <= {{data_3, data_2, data_1, s_data}};
  end

  reg [6:0] walks;
  reg [31:0] filled_of, walked_of;
  reg [15:0] addr;
  reg shows;
  wire [{cols}-1:0] res_row;
  assign m_valid = shows;
  assign m_data = {{filled_of, walked_of, res_row}};
  assign emitted = m_valid && m_ready && addr == 0;
  always @(posedge clk) begin
    walks <= rst ? 0 : {{walks[5:0], walked}};
    if (rst) begin full <= 0; addr <= {words} - 1; shows <= 0; end
    else begin
      full <= full + walks[6] - emitted;
      shows <= full != 0 && !(shows && m_ready);
      if (m_valid && m_ready) addr <= addr == 0 ? {words} - 1 : addr - 1;
    end
    if (!shows) begin walked_of <= walked_at[res_bank]; filled_of <= times[res_bank]; end
  end
  reg [31:0] times [0:1];
  always @(posedge clk) if (walked) times[walked_bank] <= filled_at[walked_bank];

  wire [{pes}-1:0] tap_re;
  wire [{pes}*{ta}-1:0] tap_addr;
  wire [{pes}*36-1:0] tap_row;
{roms}
  {module} #({settings}) array (.clk(clk), .rst(rst), .enable(1'b1), .fill_we(we[3]),
    .fill_bank(bank[3]), .fill_split(index[63:48] / 16'd{split}),
    .fill_row(index[63:48] % 16'd{split}), .fill_data(data_4), .filled(filled), .walked(walked),
    .tap_re(tap_re), .tap_addr(tap_addr), .tap_row(tap_row), .res_bank(res_bank),
    .res_addr(addr[{ra}-1:0]), .res_row(res_row), .emitted(emitted));
endmodule
"""
ROM = """  rom #(.WIDTH(36), .DEPTH({rows}), .FILE("taps{k}_{p}")) rom{p} (.clk(clk),
    .enable(tap_re[{p}]),
    .addr(tap_addr[{p}*{ta}+:{ta}]), .data(tap_row[{p}*36+:36]));"""
CHOICE = """
module choice (input wire clk, rst, s_valid, m_ready, input wire [{row}+7:0] s_data,
    output wire s_ready, m_valid, output wire [{out}-1:0] m_data);
  reg started = 0;
  reg [7:0] kept;
  wire [7:0] chosen = started ? kept : s_data[{row}+:8];
  wire [{n}-1:0] ready, valid;
  wire [{out}*{n}-1:0] data;
  assign s_ready = ready[chosen], m_valid = valid[chosen], m_data = data[chosen*{out}+:{out}];
  always @(posedge clk) begin
    started <= !rst && (started || (s_valid && s_ready));
    kept <= chosen;
  end
{instances}
endmodule
"""
INSTANCE = """  wire [{out}-1:0] of_{k};
  assign data[{k}*{all}+:{all}] = of_{k};
  array_{k} array{k} (.clk(clk), .rst(rst), .s_valid(s_valid && chosen == {k}),
    .m_ready(m_ready && chosen == {k}), .s_data(s_data[0+:{row}]), .s_ready(ready[{k}]),
    .m_valid(valid[{k}]), .m_data(of_{k}));"""


def verilog(case: Case, name: str, module: str = "pe_array", number: int = 0) -> str:
    """Return array ``number``; ``module`` without parameters if it is not pe_array itself."""
    stream = case.stream
    n_pes, n_rows = stream.tap_rows.shape
    tap_address = max(1, (n_rows - 1).bit_length())
    words = max(1, case.n_results)
    settings = ", ".join(f".{key}({value})" for key, value in parameters(case, number).items())
    roms = [ROM.format(k=number, p=p, rows=n_rows, ta=tap_address) for p in range(n_pes)]
    return TOP.format(
        name=name,
        row=case.row_bits,
        out=case.out_bits,
        cols=case.columns * ACC,
        beats=case.n_beats,
        lanes=case.lanes,
        words=words,
        pes=n_pes,
        ta=tap_address,
        ra=max(1, (words - 1).bit_length()),
        split=stream.split_rows,
        roms="\n".join(roms),
        module=module,
        settings=settings if module == "pe_array" else "",
    )


@dataclass(frozen=True, eq=False)
class ArrayBench:
    """Arrays in one build; a word starts with ``row_bits`` of rows, its number follows."""

    bench: Bench
    cases: Sequence[Case]
    row_bits: int


def array_bench(folder: Path, cases: Sequence[Case]) -> ArrayBench:
    """Compile the arrays of all ``cases``."""
    row, out = max(case.row_bits for case in cases), max(case.out_bits for case in cases)
    arrays = [verilog(case, f"array_{k}", number=k) for k, case in enumerate(cases)]
    instances = [
        INSTANCE.format(k=k, row=case.row_bits, out=case.out_bits, all=out)
        for k, case in enumerate(cases)
    ]
    top = CHOICE.format(row=row, out=out, n=len(cases), instances="\n".join(instances))
    files = {name: words for k, case in enumerate(cases) for name, words in tables(case, k).items()}
    return ArrayBench(Bench(folder, "choice", ["".join(arrays) + top], files=files), cases, row)


def check(arrays: ArrayBench, number: int, n_tiles: int, **options: int) -> list[int]:
    """Run tiles of random rows through an array; return the cycle in which each was walked."""
    case = arrays.cases[number]
    rng = np.random.default_rng(n_tiles)
    low = -(1 << case.x_bits - 1) if case.x_signed else 0
    shape = n_tiles, case.weight.shape[1], case.columns
    rows = rng.integers(low, low + (1 << case.x_bits), shape)
    words = rows.reshape(n_tiles * case.n_beats, -1)
    n_out = max(1, case.n_results)
    sent = [number << arrays.row_bits | packed(word, case.x_bits) for word in words]
    given = arrays.bench.run(sent, n_out * n_tiles, **options)
    tiles = [given[n_out * tile : n_out * (tile + 1)] for tile in range(n_tiles)]
    for tile, read in enumerate(tiles):
        if case.n_results:
            sums = outputs(case, list(reversed(read)))
            np.testing.assert_array_equal(sums, case.weight @ rows[tile], str(tile))
    return walks(case, tiles)


def walks(case: Case, tiles: list[list[Output]]) -> list[int]:
    """Check the cycles of all walks, and return them."""
    end, emitted, all_walked = -1, [-1, -1], []
    for read in tiles:
        times = read[0].word >> case.columns * ACC
        filled, walked = times >> CYCLE_BITS, times & ((1 << CYCLE_BITS) - 1)
        start = max(end + 1, filled + 1, emitted[-2] + 1)
        end = start + RESTART + case.walk_cycles - 1
        assert walked == end + case.stream.skew
        emitted.append(read[-1].cycle)
        all_walked.append(walked)
    return all_walked
