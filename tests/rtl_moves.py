"""Concats and look-ups as Verilog with FIFOs around, and their plain models."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import cycle

from rtl_bench import Output
from rtl_choice import Clock, Load, Machine, Queue, join

INPUT = """
  wire [{n}-1:0] x_place, valid, read;
  wire [{n}*{w}-1:0] beat;
  assign x_ready = x_place[x_input];
  genvar k;
  generate for (k = 0; k < {n}; k = k + 1) begin : inputs
    wire make = x_valid && x_place[k] && x_input == k;
    fifo #(.WIDTH({w}), .DEPTH({d})) in (
      .clk(clk), .rst(rst), .make(make), .place(x_place[k]), .write(make),
      .data_in(x_data[{w}-1:0]),
      .valid(valid[k]), .data_out(beat[k*{w} +: {w}]), .read(read[k]));
  end endgenerate
"""
OUTPUT = """
  wire place, make, write, y_there;
  wire [{w}-1:0] made;
  fifo #(.WIDTH({w}), .DEPTH({d})) out (
    .clk(clk), .rst(rst), .make(make), .place(place), .write(write), .data_in(made),
    .valid(y_there), .data_out(y_data[{w}-1:0]), .read(y_valid));
  assign y_valid = y_there && y_open[0], y_data[127:{w}] = 0;
"""
TESTED = """
  {name} #({parameters}) tested (
    .clk(clk), .rst(rst), .x_valid(valid), .x_data(beat), .x_read(read),
    .y_place(place), .y_make(make), .y_write(write), .y_data(made));
"""


class Case:
    """One module with FIFOs before and behind it."""

    width = 8
    out_width = 8
    n_inputs = 1
    depths = (2, 2)
    n_images = 6

    def verilog(self) -> str:
        return (
            INPUT.format(n=self.n_inputs, w=self.width, d=self.depths[0])
            + OUTPUT.format(w=self.out_width, d=self.depths[1])
            + self.tested()
        )

    def tested(self) -> str:
        raise NotImplementedError

    def files(self) -> dict[str, list[int]]:
        return {}

    def order(self) -> list[int]:
        """Return which input each word of an image is for."""
        raise NotImplementedError

    def images(self, seed: int) -> list[list[int]]:
        rng = random.Random(seed)
        return [[rng.getrandbits(self.width) for _ in self.order()] for _ in range(self.n_images)]

    def made(self, image: list[int]) -> list[int]:
        """Return the beats made of one image."""
        raise NotImplementedError

    def machines(self, clock: Clock, queues: list[Queue], beats: list[int]) -> Iterator[Machine]:
        raise NotImplementedError

    def expected(self, images: list[list[int]], load: Load) -> list[Output]:
        clock = Clock(load)
        queues = [clock.queue(self.depths[0]) for _ in range(self.n_inputs)]
        output = clock.queue(self.depths[1])
        clock.sink([output])
        beats = [beat for image in images for beat in self.made(image)]
        clock.machines += self.machines(clock, [*queues, output], beats)
        clock.source(self.words(images), queues)
        return clock.run(len(beats))

    def words(self, images: list[list[int]]) -> list[tuple[int, int]]:
        return [word for image in images for word in zip(self.order(), image, strict=True)]


def moving(
    clock: Clock, queues: list[Queue], order: list[int], stages: int, beats: list[int]
) -> Machine:
    """Make ``beats``, one a step, each for one read from the inputs in ``order``."""
    *inputs, output = queues
    for k, beat in zip(cycle(order), beats, strict=False):
        while not (inputs[k].has_beat(clock.cycle) and output.has_place()):
            yield
        inputs[k].read()
        output.make(clock.cycle + stages, beat)
        yield


@dataclass(eq=False)
class Concat(Case):
    counts: tuple[int, ...]
    width: int
    depths: tuple[int, int]

    def __post_init__(self) -> None:
        self.n_inputs, self.out_width = len(self.counts), self.width

    def tested(self) -> str:
        counts = f"{16 * self.n_inputs}'h{join(self.counts, 16):x}"
        parameters = f".WIDTH({self.width}), .INPUTS({self.n_inputs}), .COUNTS({counts})"
        return TESTED.format(name="concat", parameters=parameters)

    def order(self) -> list[int]:
        return [k for k, count in enumerate(self.counts) for _ in range(count)] * 2

    def made(self, image: list[int]) -> list[int]:
        return image

    def machines(self, clock: Clock, queues: list[Queue], beats: list[int]) -> Iterator[Machine]:
        yield moving(clock, queues, self.order(), 1, beats)


@dataclass(eq=False)
class LookUp(Case):
    bits: int
    out_bits: int
    columns: tuple[int, int]
    low: int
    entries: int
    style: str
    depths: tuple[int, int]

    def __post_init__(self) -> None:
        n = self.columns[0] * self.columns[1]
        self.width, self.out_width = n * self.bits, n * self.out_bits

    @property
    def name(self) -> str:
        return f"table_{self.bits}_{self.out_bits}_{self.entries}.hex"

    def files(self) -> dict[str, list[int]]:
        return {self.name: [(k * 40503 >> 3) % (1 << self.out_bits) for k in range(self.entries)]}

    def tested(self) -> str:
        parameters = (
            f".BITS({self.bits}), .OUT_BITS({self.out_bits}), .LANES({self.columns[0]}), "
            f".SAMPLES({self.columns[1]}), .LOW({self.low}), .ENTRIES({self.entries}), "
            f'.FILE("{self.name}"), .STYLE("{self.style}")'
        )
        return TESTED.format(name="look_up", parameters=parameters)

    def order(self) -> list[int]:
        return [0] * 40

    def made(self, image: list[int]) -> list[int]:
        """Values are signed where ``low`` is negative."""
        table, half, found = self.files()[self.name], 1 << self.bits - 1, []
        for beat in image:
            values = [beat >> k & 2 * half - 1 for k in range(0, self.width, self.bits)]
            entries = [v - 2 * half * (self.low < 0 and v >= half) - self.low for v in values]
            words = [table[e] if 0 <= e < self.entries else 0 for e in entries]
            found.append(join(words, self.out_bits))
        return found

    def machines(self, clock: Clock, queues: list[Queue], beats: list[int]) -> Iterator[Machine]:
        yield moving(clock, queues, [0], 2, beats)
