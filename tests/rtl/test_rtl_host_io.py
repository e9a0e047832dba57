"""load_*.v and store_*.v against plain models of the order of memory and of each cycle."""

from __future__ import annotations

import random

import pytest
from rtl_bench import Bench, without_verilator
from rtl_choice import Clock, Load, choice, loads, run
from rtl_host_io import Loading, Storing, Tensor

pytestmark = pytest.mark.skipif(without_verilator(), reason="Verilator is not installed")


TENSORS = (
    Tensor("direct", 8, 1, 1, 3, 4, by_channel=True),
    Tensor("direct", 5, 1, 4, 1, 10, signed=False),
    Tensor("direct", 9, 1, 4, 1, 5, depth=1),
    Tensor("direct", 1, 1, 8, 3, 3, signed=False),
    Tensor("direct", 8, 1, 2, 1, 8),
    Tensor("direct", 16, 1, 4, 6, 1),
    Tensor("direct", 3, 1, 1, 1, 1),
    Tensor("staged", 8, 1, 1, 1, 1),
    Tensor("staged", 4, 3, 2, 1, 2, signed=False),
    Tensor("staged", 5, 3, 4, 3, 7, style="block", depth=1),
    Tensor("staged", 5, 1, 4, 3, 7, by_channel=True, style="distributed"),
    Tensor("staged", 9, 2, 2, 5, 9, by_channel=True, depth=5),
    Tensor("staged", 5, 2, 8, 2, 3, depth=3),
    Tensor("staged", 1, 1, 3, 2, 5, signed=False, style="block"),
    Tensor("staged", 12, 2, 1, 4, 1, by_channel=True),
    Tensor("staged", 2, 4, 1, 1, 5, signed=False),
)
N_IMAGES = 5

LOAD = """
  wire place, make, write, valid;
  wire [{w}-1:0] beat, data;
  load_{kind} #({parameters}) tested (
    .clk(clk), .rst(rst), .s_tdata({{~x_data[15:{b}], x_data[{b}-1:0]}}), .s_tvalid(x_valid),
    .s_tready(x_ready), .y_place(place), .y_make(make), .y_write(write), .y_data(beat));
  fifo #(.WIDTH({w}), .DEPTH({d})) out (
    .clk(clk), .rst(rst), .make(make), .place(place), .write(write), .data_in(beat),
    .valid(valid), .data_out(data), .read(y_valid));
  assign y_valid = valid && y_open[0], y_data = data;
"""

STORE = """
  wire place, make = x_valid && place, valid, read, tvalid, last;
  wire [{w}-1:0] beat;
  wire [({b}+7)/8*8-1:0] data;
  fifo #(.WIDTH({w}), .DEPTH({d})) in (
    .clk(clk), .rst(rst), .make(make), .place(place), .write(make), .data_in(x_data[{w}-1:0]),
    .valid(valid), .data_out(beat), .read(read));
  store_{kind} #({parameters}) tested (
    .clk(clk), .rst(rst), .x_valid(valid), .x_data(beat), .x_read(read), .m_tdata(data),
    .m_tvalid(tvalid), .m_tready(y_open[0]), .m_tlast(last));
  assign x_ready = place, y_valid = tvalid && y_open[0];
  assign y_data = {{last, 31'b0, {{32{{1'b0}}}} | data}};
"""


def case_text(text: str, t: Tensor) -> str:
    width = t.lanes * t.samples * t.bits
    parameters = t.parameters()
    if text is STORE and t.kind == "direct":
        parameters += f", .SIGNED({t.signed:d})"
    text = text.format(w=width, b=t.bits, d=t.depth, kind=t.kind, parameters=parameters)
    return text.replace("{~x_data[15:16], x_data[16-1:0]}", "x_data[15:0]")


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    """All loads, then all stores."""
    bodies = [case_text(text, t) for text in (LOAD, STORE) for t in TENSORS]
    return choice(tmp_path_factory.mktemp("host_io"), bodies)


def some_images(t: Tensor, seed: int) -> list[list[int]]:
    """Return blocks of ``t.samples`` images."""
    rng = random.Random(seed)
    return [[rng.getrandbits(t.bits) for _ in range(t.n_elements)] for _ in range(N_IMAGES)]


@pytest.mark.parametrize("case", range(len(TENSORS)), ids=str)
def test_load_makes_the_beats_in_their_cycles(bench: Bench, case: int) -> None:
    t = TENSORS[case]
    images = some_images(t, case)
    words = [(0, element) for image in images for element in image]
    for load in loads(case):
        clock = Clock(load)
        queue = clock.queue(t.depth)
        clock.sink([queue])
        Loading(t, clock, queue, t.beats(images))
        n_out = N_IMAGES * t.n_beats
        assert run(bench, case, words, n_out, load) == clock.run(n_out)


@pytest.mark.parametrize("case", range(len(TENSORS)), ids=str)
def test_store_hands_the_elements_out_in_their_cycles(bench: Bench, case: int) -> None:
    t = TENSORS[case]
    images = some_images(t, case)
    elements = outputs(t, images)
    words = [(0, beat) for beat in t.beats(images, filler=(1 << t.bits) - 1)]
    for load in loads(100 + case):
        clock = Clock(load)
        queue = clock.queue(t.depth)
        clock.source(words, [queue])
        Storing(t, clock, queue, elements)
        n_out = len(elements)
        assert run(bench, len(TENSORS) + case, words, n_out, load) == clock.run(n_out)


def outputs(t: Tensor, images: list[list[int]]) -> list[int]:
    """Return what a store hands out: values extended to bytes, and the end of each image."""
    n_bits = -(-t.bits // 8) * 8
    found = []
    for image in images:
        for k, value in enumerate(image):
            is_negative = t.signed and value >> t.bits - 1
            extended = (value - (is_negative << t.bits)) & (1 << n_bits) - 1
            found.append((k == t.n_elements - 1) << 63 | extended)
    return found


@pytest.mark.parametrize("case", range(2 * len(TENSORS)), ids=str)
def test_values_survive_random_gaps_and_a_reset(bench: Bench, case: int) -> None:
    t = TENSORS[case % len(TENSORS)]
    images = some_images(t, case)
    beats, elements = t.beats(images), [e for image in images for e in image]
    is_load = case < len(TENSORS)
    words = [(0, word) for word in (elements if is_load else beats)]
    expected = beats if is_load else outputs(t, images)
    for percents in ((40, 60), (100, 25)):
        load = Load(in_percent=percents[0], out_percent=percents[1], reset_at=11 + case)
        assert [o.word for o in run(bench, case, words, len(expected), load)] == expected
