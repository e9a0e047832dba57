"""pe_array.v: rows in, sums of real index streams out, against numpy; the cycles of walks."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from rtl_bench import RTL, Bench, Output, without_verilator
from tap_cases import random_weight, stream_of, whole_window

from bitfpga.plan.streams import LayerStream

pytestmark = pytest.mark.skipif(without_verilator(), reason="Verilator is not installed")

MODULES = (
    "column column_generic tap_decoder select_bits pe pe_array walk_starts walk_events rom "
    "rom_stream ram pick"
).split()
ACC = 24
CYCLE_BITS = 32
RESTART = 2  # cycles of a walk before its first decode step

# Rows are stepped in one a cycle and written 4 cycles after their step; results are read from the
# last to the first, two cycles each, from the cycle after `walked`, 7 cycles late, on.
TOP = """
module top (input wire clk, rst, s_valid, m_ready, input wire [{row}-1:0] s_data,
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
  {module} #({settings}) array (.clk(clk), .rst(rst), .fill_we(we[3]), .fill_bank(bank[3]),
    .fill_split(index[63:48] / 16'd{split}), .fill_row(index[63:48] % 16'd{split}),
    .fill_data(data_4), .filled(filled), .walked(walked), .tap_re(tap_re), .tap_addr(tap_addr),
    .tap_row(tap_row), .res_bank(res_bank), .res_addr(addr[{ra}-1:0]), .res_row(res_row),
    .emitted(emitted));
endmodule
"""
ROM = """  rom #(.WIDTH(36), .DEPTH({rows}), .FILE("taps{p}")) rom{p} (.clk(clk),
    .enable(tap_re[{p}]),
    .addr(tap_addr[{p}*{ta}+:{ta}]), .data(tap_row[{p}*36+:36]));"""


@dataclass(frozen=True)
class Case:
    """Weights and what is chosen for their array."""

    shape: tuple[int, int]
    n_pes: int = 1
    columns: int = 1
    spread: float = 20.0
    n_groups: int = 1
    split_rows: int = 0
    symbol_bits: int | None = 3
    lanes: int = 1
    x_bits: int = 8
    x_signed: bool = True
    style: str = "auto"
    weight: np.ndarray = field(init=False)
    stream: LayerStream = field(init=False)

    def __post_init__(self) -> None:
        weight = random_weight(self.shape, self.spread, sum(self.shape)) if self.spread else None
        if weight is None:
            weight = np.zeros(self.shape, np.int16)
        weight[1::5] = 0
        stream = stream_of(
            weight,
            self.n_groups,
            split_rows=self.split_rows,
            n_pes=self.n_pes,
            symbol_bits=self.symbol_bits,
        )
        object.__setattr__(self, "weight", whole_window(weight, self.n_groups))
        object.__setattr__(self, "stream", stream)

    @property
    def n_results(self) -> int:
        return int(self.stream.n_jobs.sum())

    @property
    def walk_cycles(self) -> int:
        return max(1, int(self.stream.pe_cycles.max()))

    @property
    def n_beats(self) -> int:
        return self.weight.shape[1] // self.lanes


CASES = {
    "one PE": Case((5, 20)),
    "bits 1": Case((12, 37), 4, 3, symbol_bits=1, style="distributed"),
    "bits 2, sparse": Case((24, 144), 6, 2, 0.6, symbol_bits=2),
    "bits 3": Case((40, 144), 16, 2),
    "bits 4, split": Case((20, 96), 9, 2, split_rows=32, symbol_bits=4, style="block"),
    "bits 5, groups": Case((24, 9), 5, 3, n_groups=8, symbol_bits=5),
    "bits 6, cut": Case((6, 64), 11, 1, 40.0, symbol_bits=6, x_bits=5, x_signed=False),
    "bits 12": Case((8, 33), 3, symbol_bits=12),
    "groups, split": Case((16, 18), 6, 2, n_groups=4, split_rows=36, symbol_bits=2),
    "lanes": Case((30, 64), 7, 1, lanes=4),
    "lanes, split": Case((30, 64), 7, 2, lanes=8, split_rows=16, symbol_bits=2),
    "short walk": Case((3, 1), 1, 4, symbol_bits=1),
    "no tap": Case((3, 4), 1, 2, 0.0),
}


def events(stream: LayerStream) -> list[int]:
    ends, words = stream.job_ends, {}
    for pe, count in enumerate(stream.n_jobs.tolist()):
        for slot in range(count):
            base = int(stream.job_base[pe, slot + 1]) if slot + 1 < count else 0
            words[int(ends[pe, slot])] = pe << 16 | base
    return [time << 28 | words[time] for time in sorted(words)]


def packed(values: np.ndarray, bits: int) -> int:
    """Return ``values`` side by side, the first lowest."""
    fields = (int(v) & ((1 << bits) - 1) for v in values.tolist())
    return sum(value << number * bits for number, value in enumerate(fields))


def packed_pes(values: np.ndarray) -> str:
    return f"{16 * len(values)}'h{packed(values, 16):x}"


def parameters(case: Case) -> dict[str, str | int]:
    stream = case.stream
    return {
        "PES": len(stream.pe_split),
        "COLUMNS": case.columns,
        "X_BITS": case.x_bits,
        "X_SIGNED": int(case.x_signed),
        "ACC": ACC,
        "FILL_LANES": case.lanes,
        "SPLIT_ROWS": stream.split_rows,
        "SPAN": stream.span,
        "SYMBOL_BITS": stream.symbol_bits,
        "CELLS_PER_ROW": 36 // (stream.symbol_bits + 1),
        "TAP_ROWS": stream.tap_rows.shape[1],
        "WALK_CYCLES": case.walk_cycles,
        "RESULTS": case.n_results,
        "EVENT_FILE": '"events"',
        "HAS_BASE": int(stream.job_base.any()),
        "FIRST_BASE": packed_pes(stream.job_base[:, 0]),
        "PE_SPLIT": packed_pes(stream.pe_split),
        "TILE_STYLE": f'"{case.style}"',
        "RESULT_STYLE": f'"{case.style}"',
        "IMPL": '"generic"',
    }


def array_bench(folder: Path, case: Case, module: str = "pe_array", extra: tuple[Path, ...] = ()):
    """Return the bench of ``case``; ``module`` without parameters if it is not pe_array itself."""
    stream = case.stream
    n_pes, n_rows = stream.tap_rows.shape
    tap_address = max(1, (n_rows - 1).bit_length())
    words = max(1, case.n_results)
    settings = ", ".join(f".{name}({value})" for name, value in parameters(case).items())
    top = TOP.format(
        row=case.lanes * case.columns * case.x_bits,
        out=2 * CYCLE_BITS + case.columns * ACC,
        cols=case.columns * ACC,
        beats=case.n_beats,
        lanes=case.lanes,
        words=words,
        pes=n_pes,
        ta=tap_address,
        ra=max(1, (words - 1).bit_length()),
        split=stream.split_rows,
        roms="\n".join(ROM.format(p=p, rows=n_rows, ta=tap_address) for p in range(n_pes)),
        module=module,
        settings=settings if module == "pe_array" else "",
    )
    files = {f"taps{p}": stream.tap_rows[p].tolist() for p in range(n_pes)}
    return Bench(folder, "top", [top, *extra], files={**files, "events": events(stream)})


def check(case: Case, bench: Bench, n_tiles: int, **options: int) -> list[int]:
    """Run tiles of random rows through ``bench``; return the cycle in which each was walked."""
    rng = np.random.default_rng(n_tiles)
    low = -(1 << case.x_bits - 1) if case.x_signed else 0
    shape = n_tiles, case.weight.shape[1], case.columns
    rows = rng.integers(low, low + (1 << case.x_bits), shape)
    words = rows.reshape(n_tiles * case.n_beats, -1)
    n_out = max(1, case.n_results)
    given = bench.run([packed(word, case.x_bits) for word in words], n_out * n_tiles, **options)
    tiles = [given[n_out * tile : n_out * (tile + 1)] for tile in range(n_tiles)]
    for tile, read in enumerate(tiles):
        if case.n_results:
            sums = outputs(case, list(reversed(read)))
            np.testing.assert_array_equal(sums, case.weight @ rows[tile], str(tile))
    return walks(case, tiles)


def outputs(case: Case, read: list[Output]) -> np.ndarray:
    """Return the outputs, int64 [n_outputs, columns], of a tile's results."""
    stream, arrivals = case.stream, case.stream.arrivals
    totals = np.zeros((len(stream.trailing), case.columns), np.int64)
    lists = stream.entry_output, stream.entry_pe, stream.entry_slot, stream.entry_shift
    entries = zip(*lists, strict=True)
    for output, pe, slot, shift in entries:
        if pe >= 0:
            totals[output] += unpacked(read[arrivals[pe, slot]].word, case.columns) << shift
    return totals << stream.trailing[:, None]


def unpacked(word: int, columns: int) -> np.ndarray:
    fields = np.array([word >> ACC * v & ((1 << ACC) - 1) for v in range(columns)], np.int64)
    return fields - (fields >> (ACC - 1) << ACC)


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


@pytest.mark.parametrize("name", CASES)
def test_results_and_cycles(name: str, tmp_path: Path) -> None:
    case = CASES[name]
    bench = array_bench(tmp_path, case)
    walked = check(case, bench, 8)
    assert len(walked) == 8
    check(case, bench, 6, in_percent=30, out_percent=20, seed=2)
    check(case, bench, 5, in_percent=95, out_percent=60, seed=3)
    for at in (
        3,
        case.n_beats + case.walk_cycles // 2 + 9,
        2 * case.n_beats + case.walk_cycles + 7,
    ):
        check(case, bench, 4, seed=at, reset_at=at)


def test_a_walk_follows_a_walk_without_a_gap(tmp_path: Path) -> None:
    case = CASES["bits 3"]
    assert case.walk_cycles + RESTART > max(case.n_beats, 2 * case.n_results + 8)
    walked = check(case, array_bench(tmp_path, case), 6)
    assert set(np.diff(walked)) == {case.walk_cycles + RESTART}


YOSYS = """
import sys
from pyosys import libyosys as ys
design = ys.Design()
for line in sys.stdin:
    ys.run_pass("tee -q " + line.strip(), design)
"""


@pytest.mark.skipif(find_spec("pyosys") is None, reason="pyosys is not installed")
def test_the_mapped_array_does_the_same(tmp_path: Path) -> None:
    case = Case((8, 12), 3, 2, split_rows=6, symbol_bits=2, style="distributed")
    sizes = {**parameters(case), "IMPL": '"xilinx"', "EVENT_STYLE": '"distributed"'}
    assert case.n_results > 3
    (tmp_path / "events").write_text("".join(f"{word:x}\n" for word in events(case.stream)))
    passes = [f"read_verilog -defer {RTL / name}.v" for name in MODULES]
    passes += [f"chparam -set {name} {value} pe_array" for name, value in sizes.items()]
    passes += ["synth_xilinx -family xc7 -flatten -top pe_array -noiopad -abc9"]
    passes += [
        "rename pe_array gates",
        "rename -enumerate -pattern part%x",
        "write_verilog -noattr gates.v",
    ]
    command = [sys.executable, "-c", YOSYS]
    subprocess.run(
        command, input="\n".join(passes), text=True, cwd=tmp_path, check=True, capture_output=True
    )
    root = Path(find_spec("pyosys").origin).parent
    cells = next(path for path in root.rglob("cells_sim.v") if path.parent.name == "xilinx")
    bench = array_bench(tmp_path, case, "gates", (tmp_path / "gates.v", cells))
    check(case, bench, 6)
    check(case, bench, 6, in_percent=60, out_percent=50, seed=2, reset_at=40)
