"""requantise.v: values and cycles, for every kind of multiplier and clamp."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from rtl_bench import Bench, Output, without_verilator
from rtl_choice import Clock, Load, Machine, Queue, choice, join, loads, run
from rtl_scaling import Scaling, extremes

pytestmark = pytest.mark.skipif(without_verilator(), reason="Verilator is not installed")

# Scaling, lanes, scale lanes
CASES = (
    (Scaling(((0, 0),), 8, 16, 4, -128, 127, 8, bias_limit=1 << 13), 3, 1),
    (Scaling(((0, 0),), 12, 20, 6, 0, 255, 8, False, False, 1 << 17), 4, 1),
    (Scaling(((3, 6),), 8, 18, 5, -8, 7, 4, bias_limit=1 << 14), 2, 2),
    (Scaling(((0, 4),), 10, 20, 9, 0, 1, 1, bias_limit=1 << 16), 2, 1),
    (Scaling(((5, 5), (0, 2)), 8, 20, 3, -100, 90, 8, bias_limit=1 << 17), 2, 2),
    (Scaling(((6, 9), (3, 4), (0, 0)), 6, 20, 12, 3, 60, 7, bias_limit=1 << 17), 1, 1),
    (Scaling((), 5, 14, 7, -128, 127, 8, bias_limit=1 << 12), 4, 2),
    (Scaling(((7, 7),), 4, 14, 4, -64, -2, 7, bias_limit=1 << 11), 2, 1),
    (Scaling(((0, 1),), 1, 4, 0, -2, 1, 2, bias_limit=4), 1, 1),
    (Scaling(((0, 7),), 8, 20, 0, -(1 << 15), (1 << 15) - 1, 16, bias_limit=1 << 17), 2, 1),
    (Scaling(((2, 2),), 8, 12, 5, 0, 127, 8, True, False, 1 << 9), 1, 1),
)

BODY = """
  wire place, is_there;
  wire make = x_valid && place;
  reg [{stages}-1:0] makes;
  wire [{out}-1:0] y;
  assign x_ready = place;
  always @(posedge clk) makes <= rst ? 0 : {{makes, make}};
  requantise #(.LANES({lanes}), .SCALE_LANES({scale_lanes}), .IN_BITS({bits}), {parameters}) unit (
      .clk(clk), .values(x_data[0 +: {lanes} * {bits}]),
      .scale(x_data[{lanes} * {bits} +: {scale_lanes} * {word}]), .y(y));
  fifo #(.WIDTH({out}), .DEPTH(8)) beats (.clk(clk), .rst(rst), .make(make), .place(place),
      .write(makes[{stages}-1]), .data_in(y), .valid(is_there), .data_out(y_data[{out}-1:0]),
      .read(y_valid));
  assign y_valid = is_there && y_open[0];
  assign y_data[127:{out}] = 0;
"""


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    bodies = [
        BODY.format(
            lanes=lanes,
            scale_lanes=scale_lanes,
            bits=scaling.in_bits,
            word=scaling.word_bits,
            out=lanes * scaling.out_bits,
            stages=2 + scaling.n_terms,
            parameters=scaling.parameters(),
        )
        for scaling, lanes, scale_lanes in CASES
    ]
    folder: Path = tmp_path_factory.mktemp("requantise")
    return choice(folder, bodies)


def words_and_beats(case: int, n: int, rng: random.Random) -> tuple[list[int], list[int]]:
    """Return what goes in and what must come out."""
    scaling, lanes, scale_lanes = CASES[case]
    words, beats = [], []
    for k in range(n):
        scales = [scaling.random_scale(rng) for _ in range(scale_lanes)]
        values = [extremes(scaling.in_bits, True, rng) for _ in range(lanes)]
        if k < 4:  # all least, all greatest
            values = [-(1 << scaling.in_bits - 1) + (k & 1) * ((1 << scaling.in_bits) - 1)] * lanes
        results = [
            scaling.apply(value, scales[lane * scale_lanes // lanes])
            for lane, value in enumerate(values)
        ]
        scale = join([scaling.word(scale) for scale in scales], scaling.word_bits)
        words.append(scale << lanes * scaling.in_bits | join(values, scaling.in_bits))
        beats.append(join(results, scaling.out_bits))
    return words, beats


def requantise(clock: Clock, beats: list[int], out: Queue, stages: int) -> Machine:
    for beat in beats:
        while not (clock.load.may_come(clock.cycle) and out.has_place()):
            yield
        out.make(clock.cycle + stages, beat)
        yield


@pytest.mark.parametrize("case", range(len(CASES)))
def test_values_and_cycles(bench: Bench, case: int) -> None:
    words, beats = words_and_beats(case, 400, random.Random(case))
    for load in (Load(), *loads(case)[-2:]):
        clock = Clock(load)
        out = clock.queue(8)
        clock.machines.append(requantise(clock, beats, out, 2 + CASES[case][0].n_terms))
        clock.sink([out])
        expected: list[Output] = clock.run(len(beats))
        assert run(bench, case, [(0, word) for word in words], len(beats), load) == expected
