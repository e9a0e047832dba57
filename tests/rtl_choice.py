"""Several small designs compiled as one, and the plain model of their clock cycles.

A **case** is Verilog between ``x_valid, x_ready, x_input, x_data`` and ``y_valid, y_data``; a run
takes one of them. Its words come and go only in the cycles that two patterns of 32 bits allow, over
and over from the cycle of the first word on, so that cycles can be told exactly under any load.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rtl_bench import Bench, Output

ALWAYS = 0xFFFFFFFF
DATA_BITS = 96
LANES_APART = 7  # cycles between the patterns of the outputs of one case

CASE = """
module case_{number} (
    input wire clk, input wire rst, input wire x_valid, output wire x_ready,
    input wire [7:0] x_input, input wire [95:0] x_data, input wire [3:0] y_open,
    output wire y_valid, output wire [127:0] y_data);
{body}
endmodule
"""

TOP = """
module choice (
    input wire clk, input wire rst, input wire s_valid, output wire s_ready,
    input wire [175:0] s_data, output wire m_valid, input wire m_ready, output wire [127:0] m_data);
  reg started = 0;
  reg [4:0] now = 0;
  reg [71:0] settings;
  wire [71:0] setting = started ? settings : s_data[175:104];
  wire [7:0] chosen = setting[7:0];
  wire [31:0] in_pattern = setting[39:8], out_pattern = setting[71:40];
  wire [4:0] now_1 = now + 5'd7, now_2 = now + 5'd14, now_3 = now + 5'd21;
  wire open = s_valid && in_pattern[now];
  wire [3:0] y_open = {{4{{m_ready}}}} & {{out_pattern[now_3], out_pattern[now_2],
                                          out_pattern[now_1], out_pattern[now]}};
  wire [{last}:0] x_ready, y_valid;
  wire [128*{n}-1:0] y_data;
  assign s_ready = in_pattern[now] && x_ready[chosen];
  assign m_valid = y_valid[chosen];
  assign m_data = y_data[chosen*128 +: 128];
  always @(posedge clk) begin
    if (rst) begin started <= 0; now <= 0; end
    else if (started || (s_valid && s_ready)) begin started <= 1; now <= now + 1; end
    settings <= setting;
  end
{cases}
endmodule
"""

INSTANCE = """  case_{k} of_{k} (
    .clk(clk), .rst(rst), .x_valid(open && chosen == {k}), .x_ready(x_ready[{k}]),
    .x_input(s_data[103:96]), .x_data(s_data[95:0]), .y_open(y_open & {{4{{chosen == {k}}}}}),
    .y_valid(y_valid[{k}]), .y_data(y_data[{k}*128 +: 128]));"""


def choice(
    folder: Path, bodies: Sequence[str], files: Mapping[str, Sequence[int]] | None = None
) -> Bench:
    """Compile the cases ``bodies`` into one bench."""
    cases = [CASE.format(number=k, body=body) for k, body in enumerate(bodies)]
    instances = "\n".join(INSTANCE.format(k=k) for k in range(len(bodies)))
    top = TOP.format(last=len(bodies) - 1, n=len(bodies), cases=instances)
    return Bench(folder, "choice", ["\n".join(cases) + top], files=files)


@dataclass(frozen=True)
class Load:
    """In which cycles words may come and go, and a reset (see ``Bench.run``)."""

    in_pattern: int = ALWAYS
    out_pattern: int = ALWAYS
    in_percent: int = 100
    out_percent: int = 100
    reset_at: int = -1

    def may_come(self, cycle: int) -> bool:
        return bool(self.in_pattern >> cycle % 32 & 1)

    def may_go(self, cycle: int, output: int = 0) -> bool:
        return bool(self.out_pattern >> (cycle + LANES_APART * output) % 32 & 1)


def loads(seed: int) -> list[Load]:
    """Return full speed, a slow source, a slow sink and both."""
    rng = random.Random(seed)

    def pattern(percent: int) -> int:
        return sum((rng.random() * 100 < percent) << k for k in range(32)) | 1

    slow = [Load(pattern(p), pattern(q)) for p, q in ((100, 35), (35, 100), (60, 60), (90, 20))]
    return [Load(), *slow, Load(slow[2].in_pattern, slow[2].out_pattern, reset_at=41)]


def run(
    bench: Bench, case: int, words: Sequence[tuple[int, int]], n_out: int, load: Load
) -> list[Output]:
    """Send ``words``, pairs of input and data, to one case and return what comes out."""
    setting = case | load.in_pattern << 8 | load.out_pattern << 40
    sent = [setting << 104 | which << 96 | data for which, data in words]
    return bench.run(
        sent,
        n_out,
        limit=200_000,
        in_percent=load.in_percent,
        out_percent=load.out_percent,
        reset_at=load.reset_at,
        seed=n_out,
    )


def join(values: Sequence[int], bits: int) -> int:
    """Return values side by side, the first one lowest."""
    return sum((value & (1 << bits) - 1) << k * bits for k, value in enumerate(values))


Machine = Iterator[None]


@dataclass(eq=False)
class Queue:
    """A FIFO: places are taken when a beat is made, and freed the cycle after it is read."""

    depth: int
    beats: deque[tuple[int, int]] = field(default_factory=deque)
    taken: int = 0
    freed: int = 0

    def has_place(self) -> bool:
        return self.taken < self.depth

    def make(self, written: int, beat: int) -> None:
        self.taken += 1
        self.beats.append((written, beat))

    def has_beat(self, cycle: int) -> bool:
        return bool(self.beats) and self.beats[0][0] < cycle

    def read(self) -> int:
        self.freed += 1
        return self.beats.popleft()[1]


class Clock:
    """Runs machines, generators that are resumed once a cycle, until ``n_out`` words are out."""

    def __init__(self, load: Load) -> None:
        self.load = load
        self.cycle = 0
        self.queues: list[Queue] = []
        self.machines: list[Machine] = []
        self.out: list[Output] = []

    def queue(self, depth: int) -> Queue:
        self.queues.append(Queue(depth))
        return self.queues[-1]

    def run(self, n_out: int) -> list[Output]:
        while len(self.out) < n_out:
            assert self.cycle < 100_000
            for machine in self.machines:
                next(machine, None)
            for queue in self.queues:
                queue.taken -= queue.freed
                queue.freed = 0
            self.cycle += 1
        return self.out

    def source(self, words: Sequence[tuple[int, int]], inputs: Sequence[Queue]) -> None:
        """Write words straight into the queues ``inputs``."""

        def machine() -> Machine:
            for which, data in words:
                while not (self.load.may_come(self.cycle) and inputs[which].has_place()):
                    yield
                inputs[which].make(self.cycle, data)
                yield

        self.machines.append(machine())

    def sink(self, outputs: Sequence[Queue]) -> None:
        """Take beats; with several outputs, a word is who gave one and what each gave."""

        def machine() -> Machine:
            while True:
                given = [self._given(queue, k) for k, queue in enumerate(outputs)]
                if len(outputs) == 1 and given[0] is not None:
                    self.out.append(Output(self.cycle, given[0]))
                elif len(outputs) > 1 and given != [None] * len(outputs):
                    mask = sum((beat is not None) << k for k, beat in enumerate(given))
                    self.out.append(Output(self.cycle, mask << 96 | join_given(given)))
                yield

        self.machines.append(machine())

    def _given(self, queue: Queue, output: int) -> int | None:
        is_there = self.load.may_go(self.cycle, output) and queue.has_beat(self.cycle)
        return queue.read() if is_there else None


def join_given(given: Sequence[int | None]) -> int:
    """Return beats side by side, 24 bits each, 0 for None."""
    return join([beat or 0 for beat in given], 24)
