"""scale_elements.v, add_elements.v and sum_map.v: values and cycles."""

from __future__ import annotations

import random

import pytest
from rtl_bench import Bench, without_verilator
from rtl_choice import Clock, Load, Machine, Queue, choice, join, loads, run
from rtl_elements import IN_DEPTH, Case, Weight, body, scaling
from rtl_scaling import extremes

pytestmark = pytest.mark.skipif(without_verilator(), reason="Verilator is not installed")

N_BEATS = 150

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
