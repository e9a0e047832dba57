"""Max and sum pools: beats against plain numpy, every cycle against what plan.tiled says."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from line_cases import LineModel, beats_of, pack
from rtl_bench import Bench, without_verilator
from rtl_pools import (
    OUT_BITS,
    SCALE_BITS,
    SCALED_BITS,
    SHIFT,
    SHIFT_BITS,
    SHIFT_MIN,
    TERMS,
    PoolCase,
    Scales,
    pool,
    reduced,
)

from bitfpga.plan.tiled import POOL_STAGES
from bitfpga.plan.windows import Window

pytestmark = pytest.mark.skipif(without_verilator(), reason="needs verilator, perl and make")

N_IMAGES = 3

# A pool in every cycle: its input, its output and what is behind it have gaps of their own.
HARNESS = """
module pool_harness #(parameter BEATS = 1, X_WIDE = 1, Y_WIDE = 1, MADE = 1, SENT = "", TRACE = "")
  (input clk, input rst, input offer, input y_place, output done,
   output x_valid, output [X_WIDE-1:0] x_data, input x_read,
   input y_make, input y_write, input [Y_WIDE-1:0] y_data);
  reg [X_WIDE-1:0] sent[0:BEATS-1];
  integer next, made, rest, file;
  assign x_valid = offer && next < BEATS;
  assign x_data = x_valid ? sent[next] : {X_WIDE{1'b1}};
  assign done = rest == 0;
  initial begin
    $readmemh(SENT, sent);
    file = $fopen(TRACE, "w");
  end
  always @(posedge clk) begin
    next <= rst ? 0 : next + x_read;
    made <= rst ? 0 : made + y_write;
    rest <= rst ? 8 : made >= MADE && rest > 0 ? rest - 1 : rest;
    if (!done || rst)
      $fdisplay(file, "%b%b%b%b%b%b %x", rst, x_valid, y_place, x_read, y_make, y_write, y_data);
    if (done) $fflush(file);
  end
endmodule
"""


QUARTER = Window(3, 6, 8, 3, 4, (2, 2), (2, 2))
SAME = Window(2, 4, 5, 4, 5, (3, 3), padding_before=(1, 1))
POOLS = [
    PoolCase(pool("banks", QUARTER, 2, 2), signed=True),
    PoolCase(pool("copies", SAME, 4, 2, samples=2, bits=5), signed=False),
    PoolCase(pool("banks", Window(1, 1, 4, 1, 4, (1, 1)), 1, 1, bits=1), signed=False),
    PoolCase(pool("banks", QUARTER, 4, 4), signed=False, mode=0),
    PoolCase(pool("copies", Window(3, 5, 5, 2, 2, (2, 3), (3, 2)), 1, 1), signed=True, mode=1),
    PoolCase(pool("banks", SAME, 2, 1, samples=2), signed=True, mode=2),
    PoolCase(pool("banks", Window(1, 1, 6, 1, 6, (1, 1)), 2, 2, bits=3), signed=False, mode=2),
]


class PoolBench:
    """All ``cases`` in one build."""

    def __init__(self, folder: Path, cases: list[PoolCase]) -> None:
        self.cases = cases
        rng = np.random.default_rng(0)
        self.expected: list[list[tuple[int, int]]] = []  # of each beat: value and mask
        files: dict[str, list[int]] = {}
        text = []
        for number, case in enumerate(cases):
            w, lines = case.lines.window, case.lines
            shape = (N_IMAGES + 3, w.channels, w.n_pixels, lines.samples)
            images = rng.integers(0, 1 << lines.bits, shape)
            files[f"sent{number}.hex"] = sent = beats_of(lines, images, rng)
            files[f"limits{number}.hex"] = [
                n << 24 | m for n, m in zip(*lines.limits(), strict=True)
            ]
            settings: dict[str, object] = lines.parameters()
            settings["X_BITS"] = settings.pop("BITS")
            settings["LINE_KIND"] = f'"{settings.pop("KIND")}"'
            del settings["OUTSIDE"]
            settings |= {"LIMITS_FILE": f'"limits{number}.hex"', "X_SIGNED": int(case.signed)}
            n_scales = {None: 0, 0: 1, 1: w.channels, 2: case.n_beats * lines.tile_pixels}[
                case.mode
            ]
            scales = Scales.random(n_scales, rng)
            out_bits = lines.bits if case.mode is None else OUT_BITS
            if case.mode is not None:
                together = lines.tile_pixels if case.mode == 2 else 1
                words = [scales.word(k) for k in range(n_scales)]
                files[f"scale{number}.hex"] = [
                    sum(word << (k * SCALE_BITS) for k, word in enumerate(words[i : i + together]))
                    for i in range(0, n_scales, together)
                ]
                settings |= {
                    "SUM_BITS": 16,
                    "SCALES": n_scales // together,
                    "SCALE_LANES": together,
                    "SCALE_FILE": f'"scale{number}.hex"',
                    "SCALED_BITS": SCALED_BITS,
                    "TERMS": TERMS,
                    "SHIFT_BITS": SHIFT_BITS,
                    "SHIFT_MIN": f"16'h{SHIFT_MIN[1]:02x}{SHIFT_MIN[0]:02x}",
                    "SHIFT_MAX": f"16'h{SHIFT_MIN[1] + 3:02x}{SHIFT_MIN[0] + 3:02x}",
                    "SHIFT": SHIFT,
                    "LOW": -(1 << (OUT_BITS - 1)),
                    "HIGH": (1 << (OUT_BITS - 1)) - 1,
                    "OUT_BITS": OUT_BITS,
                }
            self.expected.append([])
            for image in images[:N_IMAGES]:
                results, counts = reduced(case, image)
                if case.mode is not None:
                    beat, lane = np.indices(results.shape[:2])
                    k = (beat * 0, beat % w.channels, beat * lines.tile_pixels + lane)[case.mode]
                    results = scales.apply(k[:, :, None], results)
                for beat_values, count in zip(results, counts, strict=True):
                    mask = np.repeat(np.where(count, -1, 0), lines.samples)
                    self.expected[-1].append((pack(beat_values, out_bits), pack(mask, out_bits)))
            x_wide = lines.beat_pixels * lines.samples * lines.bits
            y_wide = lines.tile_pixels * lines.samples * out_bits
            kind = "max_pool" if case.mode is None else "sum_pool"
            listed = ", ".join(f".{key}({value})" for key, value in settings.items())
            ports = ", ".join(
                f".{port}({port}{number})"
                for port in ("x_valid", "x_data", "x_read", "y_make", "y_write", "y_data")
            )
            text.append(
                f"wire x_valid{number}, x_read{number}, y_make{number}, y_write{number};\n"
                f"wire [{x_wide - 1}:0] x_data{number}; wire [{y_wide - 1}:0] y_data{number};\n"
                f"{kind} #({listed}) dut{number} (.clk(clk), .rst(rst), .y_place(take), {ports});\n"
                f'pool_harness #(.BEATS({len(sent)}), .SENT("sent{number}.hex"), .X_WIDE({x_wide}),'
                f" .Y_WIDE({y_wide}), .MADE({N_IMAGES * case.n_beats}),"
                f' .TRACE("trace{number}.txt")) harness{number} (.clk(clk), .rst(rst),'
                f" .offer(offer), .y_place(take), .done(done[{number}]), {ports});"
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
        self.bench.run([0] * 100_000, 1, **gaps)
        for number, case in enumerate(self.cases):
            trace = (self.bench.folder / f"trace{number}.txt").read_text().splitlines()
            started = max(k for k, line in enumerate(trace) if line[0] == "1")
            check(case, trace[started + 1 :], self.expected[number])


def check(case: PoolCase, trace: list[str], expected: list[tuple[int, int]]) -> None:
    """Assert that every step is in the first cycle possible and every beat is right."""
    model = LineModel(case.lines)
    n_channels = case.lines.window.channels
    filled_at: list[int] = []
    made_at: list[int] = []
    words = []
    for cycle, line in enumerate(trace):
        x_valid, y_place, x_read, y_make, y_write = (bit == "1" for bit in line[1:6])
        tile, channel = divmod(len(made_at), n_channels)
        is_full = tile < len(filled_at) and cycle > filled_at[tile] + POOL_STAGES
        assert y_make == (is_full and y_place), (case, cycle)
        if y_make:
            made_at.append(cycle)
        emitted = y_make and channel == n_channels - 1
        reads, filled, _ = model.clock(x_valid, emitted)
        assert x_read == reads, (case, cycle)
        if filled:
            filled_at.append(cycle)
        assert y_write == (cycle - case.stages in made_at[-case.stages - 1 :]), (case, cycle)
        if y_write:
            words.append(int(line.split()[1], 16))
    assert len(words) >= len(expected)
    for beat, (word, (value, mask)) in enumerate(zip(words, expected, strict=False)):
        assert (word ^ value) & mask == 0, (case, beat, hex(word), hex(value))


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> PoolBench:
    return PoolBench(tmp_path_factory.mktemp("pools"), POOLS)


@pytest.mark.parametrize(
    "gaps",
    [
        {},
        {"in_percent": 40, "out_percent": 70},
        {"out_percent": 15, "seed": 2},
        {"in_percent": 70, "out_percent": 60, "seed": 3, "reset_at": 60},
    ],
    ids=["full speed", "slow input", "back-pressure", "reset"],
)
def test_beats_and_cycles(bench: PoolBench, gaps: dict[str, int]) -> None:
    bench.run(**gaps)
