"""Line buffers in Verilator, many in one build, against plain numpy and cycle by cycle.

Every buffer gets the same gaps: its input is offered in the cycles in which a word is sent to the
bench, and a tile is handed on (``behind``) in those in which one is taken from it. Each writes
what it does in every cycle to its own file.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from line_cases import LineCase, LineModel, beats_of, pack, rows_of
from rtl_bench import Bench

HARNESS = """
module line_harness #(
  parameter NUMBER = 0, IMAGES = 2, BITS = 8, SAMPLES = 1, BEAT_PIXELS = 1, TILE_PIXELS = 4,
  CHANNELS = 1, HEIGHT = 1, WIDTH = 1, OUT_HEIGHT = 1, OUT_WIDTH = 1, KERNEL_H = 1, KERNEL_W = 1,
  STRIDE_H = 1, STRIDE_W = 1, DILATION_H = 1, DILATION_W = 1, PAD_TOP = 0, PAD_LEFT = 0,
  BUFFER_ROWS = 1, FILL_CYCLES = 1, OUTSIDE = 0, BEATS = 1, KIND = "copies", LIMITS = "",
  SENT = "", TRACE = ""
) (input clk, input rst, input offer, input take, output done);
  localparam TILES = (OUT_HEIGHT * OUT_WIDTH + TILE_PIXELS - 1) / TILE_PIXELS;
  localparam WIDE = BEAT_PIXELS * SAMPLES * BITS;
  reg [WIDE-1:0] sent[0:BEATS-1];
  integer next, tiles, ahead, rest, file;
  wire x_read, filled, row_valid;
  wire [TILE_PIXELS*SAMPLES*BITS-1:0] row_data;
  wire [15:0] row_index;
  wire x_valid = offer && next < BEATS;
  wire behind = take && ahead > 0;
  assign done = rest == 0;
  initial begin
    $readmemh(SENT, sent);
    file = $fopen(TRACE, "w");
  end
  line_buffer #(
    .BITS(BITS), .SAMPLES(SAMPLES), .BEAT_PIXELS(BEAT_PIXELS), .TILE_PIXELS(TILE_PIXELS),
    .CHANNELS(CHANNELS), .HEIGHT(HEIGHT), .WIDTH(WIDTH), .OUT_HEIGHT(OUT_HEIGHT),
    .OUT_WIDTH(OUT_WIDTH), .KERNEL_H(KERNEL_H), .KERNEL_W(KERNEL_W), .STRIDE_H(STRIDE_H),
    .STRIDE_W(STRIDE_W), .DILATION_H(DILATION_H), .DILATION_W(DILATION_W), .PAD_TOP(PAD_TOP),
    .PAD_LEFT(PAD_LEFT), .BUFFER_ROWS(BUFFER_ROWS), .FILL_CYCLES(FILL_CYCLES), .OUTSIDE(OUTSIDE),
    .LIMITS_FILE(LIMITS), .KIND(KIND)
  ) dut (
    .clk(clk), .rst(rst), .x_valid(x_valid), .x_data(x_valid ? sent[next] : {WIDE{1'b1}}),
    .x_read(x_read), .behind(behind), .filled(filled), .row_valid(row_valid),
    .row_data(row_data), .row_index(row_index)
  );
  always @(posedge clk) begin
    if (rst) begin
      next <= 0;
      tiles <= 0;
      ahead <= 0;
      rest <= 8;
    end else begin
      next <= next + x_read;
      tiles <= tiles + filled;
      ahead <= ahead + filled - behind;
      if (tiles >= TILES * IMAGES && rest > 0) rest <= rest - 1;
    end
    if (!done || rst) $fdisplay(file, "%b%b%b%b%b%b %x %x", rst, x_valid, behind, x_read, filled,
                                row_valid, row_index, row_data);
    if (done) $fflush(file);
  end
endmodule
"""


class LineBench:
    """All ``cases`` in one build; ``run`` sends ``n_images`` images through each and checks."""

    def __init__(
        self, folder: Path, cases: Sequence[LineCase], n_images: int = 3, seed: int = 0
    ) -> None:
        self.cases, self.n_images = cases, n_images
        rng = np.random.default_rng(seed)
        self.images = []
        files, text = {}, []
        for number, case in enumerate(cases):
            shape = (n_images + 3, case.window.channels, case.window.n_pixels, case.samples)
            images = rng.integers(0, 1 << case.bits, shape)
            self.images.append(images)
            files[f"sent{number}.hex"] = beats = beats_of(case, images, rng)
            files[f"limits{number}.hex"] = [
                n << 24 | m for n, m in zip(*case.limits(), strict=True)
            ]
            names = {
                "LIMITS": f"limits{number}.hex",
                "SENT": f"sent{number}.hex",
                "TRACE": f"trace{number}.txt",
            }
            settings = {**case.parameters(), **names, "BEATS": len(beats), "IMAGES": n_images}
            listed = ", ".join(
                f'.{k}("{v}")' if isinstance(v, str) else f".{k}({v})" for k, v in settings.items()
            )
            text.append(
                f"line_harness #({listed}) dut{number} (clk, rst, offer, take, done[{number}]);"
            )
        top = (
            "module top (input clk, input rst, input s_valid, output s_ready, input [7:0] s_data,"
            " output m_valid, input m_ready, output [7:0] m_data);\n"
            f"wire [{len(cases) - 1}:0] done; wire offer = s_valid, take = m_ready;\n"
            "assign s_ready = 1; assign m_valid = &done; assign m_data = 0;\n"
            + "\n".join(text)
            + "\nendmodule\n"
        )
        self.bench = Bench(folder, "top", [HARNESS + top], files=files)

    def run(self, **gaps: int) -> None:
        self.bench.run([0] * 400_000, 1, **gaps)
        for number, case in enumerate(self.cases):
            trace = (self.bench.folder / f"trace{number}.txt").read_text().splitlines()
            started = max(k for k, line in enumerate(trace) if line[0] == "1")
            check_cycles(case, trace[started + 1 :], self.n_images)
            check_rows(case, trace[started + 1 :], self.images[number][: self.n_images])


def check_cycles(case: LineCase, trace: list[str], n_images: int) -> None:
    """Assert that every beat is read and every row is made in the first cycle possible."""
    model = LineModel(case)
    rows: list[int | None] = [None] * 4
    for cycle, line in enumerate(trace):
        x_valid, behind, x_read, filled, row_valid = (bit == "1" for bit in line[1:6])
        *expected, row = model.clock(x_valid, behind)
        assert [x_read, filled] == expected, (case, cycle)
        rows.append(row)
        index = int(line[7:11], 16) if row_valid else None
        assert index == rows[cycle], (case, cycle)
    assert model.tile >= len(model.need) * n_images, case


def check_rows(case: LineCase, trace: list[str], images: np.ndarray) -> None:
    """Assert that the rows hold the pixels they should."""
    words = [int(line.split()[2], 16) for line in trace if line[5] == "1"]
    row = 0
    for image in images:
        tiles, counts = rows_of(case, image)
        for lanes, count in zip(tiles, counts, strict=True):
            mask = pack(np.repeat(np.where(count, -1, 0), case.samples), case.bits)
            for values in lanes:
                difference = (words[row] ^ pack(values, case.bits)) & mask
                assert difference == 0, (case, row, hex(words[row]), values)
                row += 1
