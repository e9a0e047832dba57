"""fifo.v, rom.v and ram.v against a plain model: values, cycles, and resets in mid-stream."""

from __future__ import annotations

import random

import pytest
from rtl_bench import Bench, Output, without_verilator
from rtl_choice import Clock, Load, choice, loads, run

pytestmark = pytest.mark.skipif(without_verilator(), reason="Verilator is not installed")

# width, depth, style, cycles from making to writing
FIFOS = (
    (1, 1, "distributed", 0),
    (8, 1, "block", 1),
    (7, 2, "distributed", 1),
    (8, 2, "block", 0),
    (9, 3, "distributed", 4),
    (9, 3, "block", 2),
    (1, 5, "block", 5),
    (12, 16, "auto", 3),
    (8, 32, "distributed", 7),
    (8, 33, "distributed", 2),
    (5, 37, "block", 1),
    (6, 64, "auto", 0),
    (96, 70, "auto", 8),
)

BODY = """
  wire place, valid, make = x_valid && place;
  wire [{w}-1:0] data;
  wire [{s}:0] makes;
  wire [{w}*({s}+1)-1:0] beats;
  assign makes[0] = make, beats[0 +: {w}] = x_data;
  genvar k;
  generate for (k = 0; k < {s}; k = k + 1) begin
    reg is_made; reg [{w}-1:0] beat;
    initial is_made = 0;
    always @(posedge clk) begin
      is_made <= makes[k] && !rst; beat <= beats[k*{w} +: {w}];
    end
    assign makes[k+1] = is_made, beats[(k+1)*{w} +: {w}] = beat;
  end endgenerate
  fifo #(.WIDTH({w}), .DEPTH({d}), .STYLE("{style}")) tested (
    .clk(clk), .rst(rst), .make(make), .place(place), .write(makes[{s}]),
    .data_in(beats[{s}*{w} +: {w}]), .valid(valid), .data_out(data), .read(y_valid));
  assign x_ready = place, y_valid = valid && y_open[0], y_data = data;
"""


@pytest.fixture(scope="module")
def fifos(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    bodies = [BODY.format(w=w, d=d, style=style, s=s) for w, d, style, s in FIFOS]
    return choice(tmp_path_factory.mktemp("fifos"), bodies)


def expected(case: int, words: list[tuple[int, int]], load: Load) -> list[Output]:
    _, depth, _, stages = FIFOS[case]
    clock = Clock(load)
    queue = clock.queue(depth)

    def maker():
        for _, word in words:
            while not (load.may_come(clock.cycle) and queue.has_place()):
                yield
            queue.make(clock.cycle + stages, word)
            yield

    clock.sink([queue])
    clock.machines.append(maker())
    return clock.run(len(words))


@pytest.mark.parametrize("case", range(len(FIFOS)), ids=str)
def test_beats_come_in_order_and_in_the_cycle(fifos: Bench, case: int) -> None:
    rng = random.Random(case)
    words = [(0, rng.getrandbits(FIFOS[case][0])) for _ in range(180)]
    for load in loads(case):
        assert run(fifos, case, words, len(words), load) == expected(case, words, load)


@pytest.mark.parametrize("case", range(len(FIFOS)), ids=str)
def test_beats_survive_random_gaps(fifos: Bench, case: int) -> None:
    words = [(0, k * 37 % (1 << FIFOS[case][0])) for k in range(200)]
    for percents in ((50, 50), (100, 30), (30, 100)):
        load = Load(in_percent=percents[0], out_percent=percents[1], reset_at=97)
        out = run(fifos, case, words, len(words), load)
        assert [o.word for o in out] == [word for _, word in words]


def test_full_speed_needs_a_place_for_each_cycle_on_the_way(fifos: Bench) -> None:
    case = FIFOS.index((8, 32, "distributed", 7))
    cycles = [o.cycle for o in run(fifos, case, [(0, k) for k in range(100)], 100, Load())]
    assert cycles == list(range(8, 108))


# width, depth, style
MEMORIES = ((8, 20, "block"), (8, 20, "distributed"), (1, 1, "auto"), (13, 33, "auto"))

MEMORY = """
  localparam A = {d} > 1 ? $clog2({d}) : 1;
  reg valid = 0;
  wire [{w}-1:0] data;
  assign x_ready = 1;
  always @(posedge clk) valid <= x_valid && {reads} && !rst;
  {memory}
  assign y_valid = valid, y_data = data;
"""
RAM = """ram #(.WIDTH({w}), .DEPTH({d}), .STYLE("{style}")) tested (
    .clk(clk), .we(x_valid && x_input[0]), .waddr(x_data[32 +: A]), .wdata(x_data[{w}-1:0]),
    .re(x_valid && x_input[1]), .raddr(x_data[64 +: A]), .rdata(data));"""
ROM = """rom #(.WIDTH({w}), .DEPTH({d}), .FILE("table_{w}_{d}.hex"), .STYLE("{style}")) tested (
    .clk(clk), .enable(x_valid && x_input[1]), .addr(x_data[64 +: A]), .data(data));"""


def table(width: int, depth: int) -> list[int]:
    return [(k * 2654435761 >> 7) % (1 << width) for k in range(depth)]


@pytest.fixture(scope="module")
def memories(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    bodies = []
    for memory in (RAM, ROM):
        for w, d, style in MEMORIES:
            text = memory.format(w=w, d=d, style=style)
            bodies.append(MEMORY.format(w=w, d=d, reads="x_input[2]", memory=text))
    files = {f"table_{w}_{d}.hex": table(w, d) for w, d, _ in MEMORIES}
    return choice(tmp_path_factory.mktemp("memories"), bodies, files)


@pytest.mark.parametrize("case", range(2 * len(MEMORIES)))
def test_memory_reads_what_was_written_and_holds_it(memories: Bench, case: int) -> None:
    """Operations: bit 0 writes, bit 1 reads, bit 2 shows the output in the next cycle."""
    width, depth, _ = MEMORIES[case % len(MEMORIES)]
    rng = random.Random(case)
    inside: list[int | None] = [None] * depth if case < len(MEMORIES) else [*table(width, depth)]
    words, expected, out = [], [], None
    for step in range(300):
        to, source, value = rng.randrange(depth), rng.randrange(depth), rng.getrandbits(width)
        do_write = step < depth or rng.random() < 0.5
        to = step if step < depth else to
        do_read = inside[source] is not None and (to != source or not do_write or case >= 4)
        do_read = do_read and rng.random() < 0.6
        out = inside[source] if do_read else out
        shows = out is not None
        if shows:
            expected.append((step + 1, out))
        if do_write and case < len(MEMORIES):
            inside[to] = value
        words.append((do_write | do_read << 1 | shows << 2, source << 64 | to << 32 | value))
    got = run(memories, case, words, len(expected), Load())
    assert [(o.cycle, o.word) for o in got] == expected
