"""Line buffers in Verilator, many in one build, against plain numpy and cycle by cycle.

Every buffer gets the same gaps: its input is offered in the cycles in which a word is sent to the
bench, and a tile is handed on (``behind``) in those in which one is taken from it. Each writes
what it does in every cycle to its own file.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bitfpga.plan.windows import Window, least_buffer_rows, tile_limits
from tests.rtl_bench import Bench

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


@dataclass(frozen=True)
class LineCase:
    """``spare_rows``: of the buffer beyond what is needed; ``idle``: steps that read no row."""

    window: Window
    tile_pixels: int
    beat_pixels: int = 1
    samples: int = 1
    bits: int = 8
    spare_rows: int = 0
    idle: int = 0
    outside: int = 0
    kind: str = "copies"
    ahead: int = 1

    @property
    def buffer_rows(self) -> int:
        rows = least_buffer_rows(self.window, self.tile_pixels, self.beat_pixels, ahead=self.ahead)
        return rows + self.spare_rows

    @property
    def rows(self) -> int:
        return self.window.channels * self.window.kernel[0] * self.window.kernel[1]

    def limits(self) -> tuple[list[int], list[int]]:
        need, limit = tile_limits(self.window, self.tile_pixels, self.beat_pixels, self.buffer_rows)
        return need.tolist(), limit.tolist()

    def parameters(self) -> dict[str, object]:
        w = self.window
        pairs = {
            "KERNEL": w.kernel,
            "STRIDE": w.stride,
            "DILATION": w.dilation,
        }
        return {
            "BITS": self.bits,
            "SAMPLES": self.samples,
            "BEAT_PIXELS": self.beat_pixels,
            "TILE_PIXELS": self.tile_pixels,
            "CHANNELS": w.channels,
            "HEIGHT": w.height,
            "WIDTH": w.width,
            "OUT_HEIGHT": w.out_height,
            "OUT_WIDTH": w.out_width,
            "PAD_TOP": w.padding_before[0],
            "PAD_LEFT": w.padding_before[1],
            "BUFFER_ROWS": self.buffer_rows,
            "FILL_CYCLES": self.rows + self.idle,
            "OUTSIDE": self.outside,
            "KIND": self.kind,
        } | {f"{name}_{'HW'[axis]}": pair[axis] for name, pair in pairs.items() for axis in (0, 1)}


def pack(values: np.ndarray, bits: int) -> int:
    """Return the values side by side, the first one lowest."""
    return sum((int(v) & ((1 << bits) - 1)) << (k * bits) for k, v in enumerate(values.ravel()))


def beats_of(case: LineCase, images: np.ndarray, rng: np.random.Generator) -> list[int]:
    """``images``: [image, channel, pixel, sample]; lanes past the last pixel hold anything."""
    n, channels, n_pixels, samples = images.shape
    lanes = case.beat_pixels
    blocks = -(-n_pixels // lanes)
    padded = rng.integers(0, 1 << case.bits, (n, channels, blocks * lanes, samples))
    padded[:, :, :n_pixels] = images
    beats = padded.reshape(n, channels, blocks, lanes, samples).transpose(0, 2, 1, 3, 4)
    return [pack(beat, case.bits) for beat in beats.reshape(-1, lanes * samples)]


def rows_of(case: LineCase, image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the rows of all tiles [tile, row, lane, sample] and the lanes that count [tile, lane].

    ``image``: [channel, pixel, sample].
    """
    w = case.window
    n_out = w.out_height * w.out_width
    n_tiles = -(-n_out // case.tile_pixels)
    rows = np.full((n_tiles * case.tile_pixels, w.channels, *w.kernel, case.samples), case.outside)
    for o in range(n_out):
        for ky in range(w.kernel[0]):
            for kx in range(w.kernel[1]):
                y = o // w.out_width * w.stride[0] - w.padding_before[0] + ky * w.dilation[0]
                x = o % w.out_width * w.stride[1] - w.padding_before[1] + kx * w.dilation[1]
                if 0 <= y < w.height and 0 <= x < w.width:
                    rows[o, :, ky, kx] = image[:, y * w.width + x]
    lanes = rows.reshape(n_tiles, case.tile_pixels, case.rows, case.samples)
    counts = np.arange(n_tiles * case.tile_pixels).reshape(n_tiles, -1) < n_out
    return lanes.transpose(0, 2, 1, 3), counts


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


class LineModel:
    """When a line buffer reads beats and rows, as plan.tiled says; ``clock`` once a cycle."""

    def __init__(self, case: LineCase) -> None:
        self.case = case
        self.need, self.limit = case.limits()
        self.n_beats = case.window.n_beats(case.beat_pixels)
        self.written = self.tile = self.step = self.n_behind = 0

    def clock(self, x_valid: bool, behind: bool) -> tuple[bool, bool, int | None]:
        """Return whether a beat is read, whether a tile ends, and the row that is read."""
        image, k = divmod(self.tile, len(self.need))
        need, limit = self.need[k], self.limit[k]
        x_read = x_valid and self.written < image * self.n_beats + limit
        ready = need == 0 or self.written >= image * self.n_beats + need
        active = self.step > 0 or (ready and self.n_behind >= self.tile - 1)
        row = self.step if active and self.step < self.case.rows else None
        filled = active and self.step == self.case.rows + self.case.idle - 1
        self.written += x_read
        self.n_behind += behind
        self.step = 0 if filled else self.step + active
        self.tile += filled
        return x_read, filled, row


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
