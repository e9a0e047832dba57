"""Gathers as Verilog with FIFOs around, and their plain model."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from dataclasses import dataclass

from rtl_choice import Clock, Machine, Queue, join
from rtl_moves import TESTED, Case


@dataclass(eq=False)
class Gather(Case):
    """``n_beats``, ``lanes``: of each input; ``source``: drawn from their elements and zero."""

    pixel_bits: int
    n_beats: tuple[int, ...]
    lanes: tuple[int, ...]
    out_beats: int
    out_lanes: int
    style: str
    depths: tuple[int, int]

    def __post_init__(self) -> None:
        self.n_inputs = len(self.n_beats)
        self.width = max(self.lanes) * self.pixel_bits
        self.out_width = self.out_lanes * self.pixel_bits
        rng = random.Random(repr(self.n_beats))
        places = [
            (beat, lane) for beat, k in enumerate(self.order()) for lane in range(self.lanes[k])
        ]
        self.source = [
            rng.choice(places) if rng.random() < 0.9 else None
            for _ in range(self.out_beats * self.out_lanes)
        ]

    @property
    def name(self) -> str:
        return f"source_{'_'.join(map(str, self.n_beats))}_{self.out_beats}.hex"

    def files(self) -> dict[str, list[int]]:
        beat_bits = max(1, math.ceil(math.log2(sum(self.n_beats))))
        lane_bits = max(1, math.ceil(math.log2(max(self.lanes))))
        zero = 1 << beat_bits + lane_bits
        fields = [zero if s is None else s[0] << lane_bits | s[1] for s in self.source]
        n, bits = self.out_lanes, 1 + beat_bits + lane_bits
        return {self.name: [join(fields[k : k + n], bits) for k in range(0, len(fields), n)]}

    def tested(self) -> str:
        parameters = (
            f".PIXEL_BITS({self.pixel_bits}), .INPUTS({self.n_inputs}), "
            f".IN_LANES({max(self.lanes)}), "
            f".BEATS({32 * self.n_inputs}'h{join(self.n_beats, 32):x}), "
            f".OUT_LANES({self.out_lanes}), .OUT_BEATS({self.out_beats}), "
            f'.FILE("{self.name}"), .STYLE("{self.style}")'
        )
        return TESTED.format(name="gather", parameters=parameters)

    def order(self) -> list[int]:
        return [k for k, n in enumerate(self.n_beats) for _ in range(n)]

    def made(self, image: list[int]) -> list[int]:
        values = [
            0 if s is None else image[s[0]] >> s[1] * self.pixel_bits & (1 << self.pixel_bits) - 1
            for s in self.source
        ]
        n = self.out_lanes
        return [join(values[k : k + n], self.pixel_bits) for k in range(0, len(values), n)]

    def machines(self, clock: Clock, queues: list[Queue], beats: list[int]) -> Iterator[Machine]:
        *inputs, output = queues
        filled: list[int] = []
        emitted: list[int] = []

        def done(cycles: list[int]) -> int:
            return sum(1 for cycle in cycles if cycle < clock.cycle)

        def fill() -> Machine:
            for image in range(self.n_images):
                for k in self.order():
                    while done(emitted) < image - 1 or not inputs[k].has_beat(clock.cycle):
                        yield
                    inputs[k].read()
                    last = clock.cycle
                    yield
                filled.append(last)

        def emit() -> Machine:
            for k, beat in enumerate(beats):
                while done(filled) <= k // self.out_beats or not output.has_place():
                    yield
                output.make(clock.cycle + 2, beat)
                if k % self.out_beats == self.out_beats - 1:
                    emitted.append(clock.cycle)
                yield

        yield fill()
        yield emit()
