"""scale_elements.v, add_elements.v and sum_map.v: values and cycles."""

from __future__ import annotations

import random
from dataclasses import dataclass

import pytest
from rtl_bench import Bench, without_verilator
from rtl_choice import Clock, Load, Machine, Queue, choice, join, loads, run
from rtl_scaling import Scaling, extremes, signed_values

pytestmark = pytest.mark.skipif(without_verilator(), reason="Verilator is not installed")

IN_DEPTH = 4
N_BEATS = 150

Weight = tuple[tuple[int, int], ...]  # terms: sign, shift


@dataclass(frozen=True)
class Case:
    """``inputs``: bits and sign of each. ``weights``: of an add. ``channels``: of a sum."""

    module: str
    scaling: Scaling
    inputs: tuple[tuple[int, bool], ...]
    lanes: int = 1
    samples: int = 1
    n_scales: int = 1
    scale_lanes: int = 1
    weights: tuple[Weight, ...] = ()
    channels: int = 1
    blocks: int = 1
    last_pixels: int = 1
    style: str = "auto"
    out_depth: int = 7

    @property
    def stages(self) -> int:
        first = {"scale_elements": 2, "add_elements": 3, "sum_map": 4}[self.module]
        return first + self.scaling.n_terms

    @property
    def values(self) -> int:
        return self.lanes * self.samples

    @property
    def out_values(self) -> int:
        return self.samples if self.module == "sum_map" else self.values

    def numbers(self, word: int, k: int) -> list[int]:
        """The values of input k in a word."""
        bits, signed = self.inputs[k]
        fields = word >> sum(b for b, _ in self.inputs[:k]) * self.values
        if signed:
            return signed_values(fields, bits, self.values)
        return [fields >> v * bits & (1 << bits) - 1 for v in range(self.values)]


def scaling(in_bits: int, terms: int = 1, **settings: int) -> Scaling:
    spans = ((3, 5), (0, 1), (0, 0))[:terms]
    limits = {"low": -128, "high": 127, "out_bits": 8, "bias_limit": 1 << in_bits} | settings
    shift = in_bits - 3  # most results are inside the clamp
    return Scaling(spans, in_bits, in_bits + 8, shift, **limits)


MINUS: Weight = ((-1, 0),)
CASES = (
    Case("scale_elements", scaling(8), ((8, True),), 2, 2),
    Case("scale_elements", scaling(9, 2, low=0, high=15, out_bits=4), ((8, False),), 4, n_scales=5),
    Case("scale_elements", scaling(6, 0), ((6, True),), 4, 2, 7, 4, style="block"),
    Case("add_elements", scaling(9), ((8, True), (8, True)), 2, weights=(((1, 0),), ((1, 0),))),
    Case("add_elements", scaling(10, 2), ((4, False), (8, True)), 2, 2, 3, weights=(MINUS, MINUS)),
    Case("add_elements", scaling(14), ((4, False), (8, True), (1, False)), 2, 1, 6, 2,
         weights=(((1, 5), (-1, 1)), ((0, 0), (1, 3)), ((-1, 9), (1, 0)))),
    Case("add_elements", scaling(9), ((8, True), (8, True)), weights=(((-1, 0),), ((1, 0),))),
    Case("sum_map", scaling(16), ((8, True),), 1, 1, 1, channels=1, blocks=10),
    Case("sum_map", scaling(16, 2), ((8, False),), 4, 2, 2, channels=2, blocks=5, last_pixels=3),
    Case("sum_map", scaling(12, 0), ((4, True),), 8, 1, 5, channels=5, blocks=2, last_pixels=8,
         style="block", out_depth=2),
    Case("sum_map", scaling(14), ((8, True),), 2, 1, 3, channels=3, last_pixels=1),
)  # fmt: skip

BODY = """
  localparam N = {inputs}, OUT = {out};
  wire place, make, write, is_there, in_place;
  wire [N-1:0] read, valid;
  wire [{in_bits}-1:0] data;
  wire [OUT-1:0] y;
  reg [1:0] warm = 0;  // the first beat is there two cycles after a reset at the earliest
  reg late;
  reg [{in_bits}-1:0] late_data;
  assign x_ready = in_place && warm[0];
  always @(posedge clk) begin
    warm <= rst ? 0 : {{warm, 1'b1}};
    late <= !rst && x_valid && x_ready;
    late_data <= x_data;
  end
  {queues}
  {module} #({parameters}) unit (.clk(clk), .rst(rst), .x_valid(valid), .x_data(data),
      .x_read(read[0]), .y_place(place), .y_make(make), .y_write(write), .y_data(y));
  fifo #(.WIDTH(OUT), .DEPTH({out_depth})) beats (.clk(clk), .rst(rst), .make(make), .place(place),
      .write(write), .data_in(y), .valid(is_there), .data_out(y_data[OUT-1:0]), .read(y_valid));
  assign y_valid = is_there && y_open[0];
  assign y_data[127:OUT] = 0;
"""

QUEUE = """
  fifo #(.WIDTH({bits}), .DEPTH({depth})) queue{k} (.clk(clk), .rst(rst), .place({place}),
      .make(x_valid && x_ready), .write({write}), .data_in({data}[{at} +: {bits}]),
      .valid(valid[{k}]), .data_out(data[{at} +: {bits}]), .read(read[0]));
"""


def body(case: Case, number: int) -> str:
    """Return the Verilog of a case; beats of its inputs but the first come a cycle later."""
    queues, at = "", 0
    for k, (bits, _) in enumerate(case.inputs):
        queues += QUEUE.format(
            bits=bits * case.values, depth=IN_DEPTH, k=k, place="in_place" if k == 0 else "",
            write="late" if k else "x_valid && x_ready", data="late_data" if k else "x_data", at=at,
        )  # fmt: skip
        at += bits * case.values
    return BODY.format(
        inputs=len(case.inputs), out=case.out_values * case.scaling.out_bits, in_bits=at,
        queues=queues, module=case.module, parameters=parameters(case, number),
        out_depth=case.out_depth,
    )  # fmt: skip


def parameters(case: Case, number: int) -> str:
    n, bits = len(case.inputs), [bits for bits, _ in case.inputs]
    signed = join([signed for _, signed in case.inputs], 1)
    text = f'.SCALES({case.n_scales}), .SCALE_FILE("scales{number}.hex"), '
    text += f'.SCALE_STYLE("{case.style}"), {case.scaling.parameters()}, '
    if case.module == "sum_map":
        return text + (
            f".BEAT_PIXELS({case.lanes}), .SAMPLES({case.samples}), .X_BITS({bits[0]}), "
            f".X_SIGNED({signed}), .CHANNELS({case.channels}), .BLOCKS({case.blocks}), "
            f".LAST_PIXELS({case.last_pixels}), .SUM_BITS({case.scaling.in_bits}), "
            f'.SUM_STYLE("{case.style}")'
        )
    text += f".LANES({case.values}), .SCALE_LANES({case.scale_lanes}), "
    if case.module == "scale_elements":
        return text + f".X_BITS({bits[0]}), .X_SIGNED({signed})"
    terms = [term for weight in case.weights for term in weight]
    m = len(terms)
    return text + (
        f".INPUTS({n}), .X_BITS({8 * n}'d{join(bits, 8)}), .X_SIGNED({n}'d{signed}), "
        f".X_TOTAL({sum(bits)}), .SUM_BITS({case.scaling.in_bits}), .WEIGHT_TERMS({m // n}), "
        f".WEIGHT_SHIFT({8 * m}'d{join([shift for _, shift in terms], 8)}), "
        f".WEIGHT_USED({m}'d{join([sign != 0 for sign, _ in terms], 1)}), "
        f".WEIGHT_NEGATIVE({m}'d{join([sign < 0 for sign, _ in terms], 1)})"
    )


def scales_of(number: int) -> list[list[tuple[int, tuple[tuple[int, int], ...]]]]:
    """The entries of a case's table."""
    case, rng = CASES[number], random.Random(number)
    return [
        [case.scaling.random_scale(rng) for _ in range(case.scale_lanes)]
        for _ in range(case.n_scales)
    ]


def random_words(number: int) -> list[int]:
    case, rng = CASES[number], random.Random(100 + number)
    words = []
    for k in range(N_BEATS):
        word = at = 0
        for bits, signed in case.inputs:
            values = [extremes(bits, signed, rng) for _ in range(case.values)]
            if k < 40:  # all least for a while, then all greatest
                least = -(1 << bits - 1) if signed else 0
                values = [least + (k >= 20) * ((1 << bits) - 1)] * case.values
            word |= join(values, bits) << at
            at += bits * case.values
        words.append(word)
    return words


def made_beats(number: int, words: list[int]) -> list[int | None]:
    """The beat that each step makes, if any."""
    case, scales = CASES[number], scales_of(number)
    made: list[int | None] = []
    sums = [[0] * case.samples for _ in range(case.channels)]
    n_made = 0
    for index, word in enumerate(words):
        block, channel = divmod(index % (case.blocks * case.channels), case.channels)
        last = block == case.blocks - 1
        inputs = [case.numbers(word, k) for k in range(len(case.inputs))]
        if case.module == "sum_map":
            pixels = case.last_pixels if last else case.lanes
            so_far = sums[channel] if block else [0] * case.samples
            sums[channel] = [
                total + sum(inputs[0][s : pixels * case.samples : case.samples])
                for s, total in enumerate(so_far)
            ]
            results = sums[channel]
        elif case.module == "add_elements":
            factors = [sum(sign << shift if sign > 0 else sign * (1 << shift)
                           for sign, shift in weight) for weight in case.weights]  # fmt: skip
            results = [
                sum(f * x[v] for f, x in zip(factors, inputs, strict=True))
                for v in range(case.values)
            ]
        else:
            results = inputs[0]
        if case.module == "sum_map" and not last:
            made.append(None)
            continue
        of_beat = scales[n_made % case.n_scales]
        scaled = [case.scaling.apply(x, of_beat[v * case.scale_lanes // len(results)])
                  for v, x in enumerate(results)]  # fmt: skip
        made.append(join(scaled, case.scaling.out_bits))
        n_made += 1
    return made


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    files = {
        f"scales{number}.hex": [
            join([case.scaling.word(scale) for scale in entry], case.scaling.word_bits)
            for entry in scales_of(number)
        ]
        for number, case in enumerate(CASES)
    }
    bodies = [body(case, number) for number, case in enumerate(CASES)]
    return choice(tmp_path_factory.mktemp("elementwise"), bodies, files)


def source(clock: Clock, words: list[int], queue: Queue, late: int) -> Machine:
    for word in words:
        while not (clock.load.may_come(clock.cycle) and queue.has_place()):
            yield
        queue.make(clock.cycle + late, word)
        yield


def step(clock: Clock, made: list[int | None], x: Queue, out: Queue, stages: int) -> Machine:
    for beat in made:
        while not (x.has_beat(clock.cycle) and (beat is None or out.has_place())):
            yield
        x.read()
        if beat is not None:
            out.make(clock.cycle + stages, beat)
        yield


@pytest.mark.parametrize("number", range(len(CASES)))
def test_values_and_cycles(bench: Bench, number: int) -> None:
    case, words = CASES[number], random_words(number)
    made = made_beats(number, words)
    n_out = sum(beat is not None for beat in made)
    resets = [Load(0x77777777, 0xF0FF0FF3, reset_at=at) for at in (23, 25, 36)]
    for load in (*loads(number), *resets):
        clock = Clock(load)
        x, out = clock.queue(IN_DEPTH), clock.queue(case.out_depth)
        clock.machines += [
            source(clock, words, x, int(len(case.inputs) > 1)),
            step(clock, made, x, out, case.stages),
        ]
        clock.sink([out])
        expected = clock.run(n_out)
        assert run(bench, number, [(0, word) for word in words], n_out, load) == expected, load
