"""fork_beats.v, concat.v, gather.v and look_up.v against plain models of values and cycles."""

from __future__ import annotations

import pytest
from rtl_bench import Bench, without_verilator
from rtl_choice import ALWAYS, Clock, Load, Machine, Queue, choice, loads, run
from rtl_gather import Gather
from rtl_moves import Case, Concat, LookUp

pytestmark = pytest.mark.skipif(without_verilator(), reason="Verilator is not installed")

CASES: tuple[Case, ...] = (
    Concat((3, 1, 2), 8, (2, 2)),
    Concat((1, 1), 1, (1, 1)),
    Concat((5,), 11, (3, 4)),
    Concat((1, 300), 8, (2, 3)),
    LookUp(8, 8, (2, 1), -128, 256, "block", (2, 2)),
    LookUp(8, 6, (1, 3), -100, 201, "distributed", (3, 5)),
    LookUp(4, 9, (2, 2), 3, 7, "auto", (2, 4)),
    LookUp(1, 1, (1, 1), 0, 1, "auto", (1, 1)),
    LookUp(1, 5, (1, 1), -1, 2, "auto", (2, 3)),
    Gather(8, (6,), (1,), 6, 1, "block", (2, 2)),
    Gather(5, (4, 3, 1), (4, 1, 2), 7, 3, "auto", (2, 5)),
    Gather(3, (1,), (1,), 1, 1, "distributed", (2, 2)),
    Gather(8, (1,), (3,), 5, 2, "auto", (2, 3)),
    Gather(2, (9, 2), (2, 2), 1, 4, "distributed", (3, 1)),
)
OUTPUTS = ((1, 2), (2, 2), (3, 5), (4, 1))  # forks: number of outputs, their depth

FORK = """
  wire in_make = x_valid && x_ready, valid, read, make, write;
  wire [7:0] beat, made;
  wire [{n}-1:0] place, there, given;
  wire [24*{n}-1:0] out;
  fifo #(.WIDTH(8), .DEPTH(3)) in (
    .clk(clk), .rst(rst), .make(in_make), .place(x_ready), .write(in_make), .data_in(x_data[7:0]),
    .valid(valid), .data_out(beat), .read(read));
  fork_beats #(.WIDTH(8), .OUTPUTS({n})) tested (
    .clk(clk), .rst(rst), .x_valid(valid), .x_data(beat), .x_read(read),
    .y_place(place), .y_make(make), .y_write(write), .y_data(made));
  genvar k;
  generate for (k = 0; k < {n}; k = k + 1) begin : outputs
    wire [7:0] shown;
    fifo #(.WIDTH(8), .DEPTH({d} + k)) queue (
      .clk(clk), .rst(rst), .make(make), .place(place[k]), .write(write), .data_in(made),
      .valid(there[k]), .data_out(shown), .read(given[k]));
    assign given[k] = there[k] && y_open[k], out[24*k +: 24] = given[k] ? shown : 0;
  end endgenerate
  assign y_valid = |given, y_data = {n} > 1 ? {{given, 96'b0}} | out : out;
"""


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    bodies = [case.verilog() for case in CASES]
    bodies += [FORK.format(n=n, d=d) for n, d in OUTPUTS]
    files = {name: words for case in CASES for name, words in case.files().items()}
    return choice(tmp_path_factory.mktemp("moves"), bodies, files)


@pytest.mark.parametrize("case", range(len(CASES)), ids=str)
def test_beats_are_made_in_their_cycles(bench: Bench, case: int) -> None:
    tested = CASES[case]
    images = tested.images(case)
    for load in loads(case):
        expected = tested.expected(images, load)
        assert run(bench, case, tested.words(images), len(expected), load) == expected


@pytest.mark.parametrize("case", range(len(CASES)), ids=str)
def test_beats_survive_random_gaps_and_a_reset(bench: Bench, case: int) -> None:
    tested = CASES[case]
    images = tested.images(case)
    expected = [beat for image in images for beat in tested.made(image)]
    for percents in ((40, 60), (100, 25)):
        load = Load(ALWAYS, ALWAYS, *percents, reset_at=17 + case)
        out = run(bench, case, tested.words(images), len(expected), load)
        assert [o.word for o in out] == expected


@pytest.mark.parametrize("case", range(len(OUTPUTS)), ids=str)
def test_fork_writes_all_its_outputs_in_one_cycle(bench: Bench, case: int) -> None:
    n, depth = OUTPUTS[case]
    words = [(0, k * 59 % 256) for k in range(150)]
    for load in loads(case):
        clock = Clock(load)
        source, outputs = clock.queue(3), [clock.queue(depth + k) for k in range(n)]

        def machine(clock: Clock, source: Queue, outputs: list[Queue]) -> Machine:
            while True:
                if source.has_beat(clock.cycle) and all(queue.has_place() for queue in outputs):
                    beat = source.read()
                    for queue in outputs:
                        queue.make(clock.cycle + 1, beat)
                yield

        clock.sink(outputs)
        clock.machines.append(machine(clock, source, outputs))
        clock.source(words, [source])
        expected = clock.run(150)
        assert run(bench, len(CASES) + case, words, 150, load) == expected
