"""Tensors in memory and as beats, and the plain models of loads and stores, cycle by cycle."""

from __future__ import annotations

from dataclasses import dataclass

from rtl_bench import Output
from rtl_choice import Clock, Machine, Queue, join


@dataclass(frozen=True)
class Tensor:
    """``by_channel``: the channels of a pixel lie side by side in memory."""

    kind: str
    bits: int
    samples: int
    lanes: int
    channels: int
    pixels: int
    by_channel: bool = False
    signed: bool = True
    style: str = "auto"
    depth: int = 2

    @property
    def n_beats(self) -> int:
        return -(-self.pixels // self.lanes) * self.channels

    @property
    def n_elements(self) -> int:
        return self.samples * self.channels * self.pixels

    @property
    def steps(self) -> int:
        return min(self.lanes, self.pixels)

    def idle_steps(self, beat: int) -> int:
        """Return the steps of a beat without an element."""
        is_last = beat % self.n_beats == self.n_beats - 1
        return self.steps - ((self.pixels - 1) % self.steps + 1) if is_last else 0

    def places(self) -> list[list[int | None]]:
        """Return for every beat the place in memory of lane 0 of sample 0, sample 1, ..."""
        size, beats = self.channels * self.pixels, []
        for first in range(0, self.pixels, self.lanes):
            for channel in range(self.channels):
                beat: list[int | None] = []
                for pixel in range(first, first + self.lanes):
                    place = pixel + channel * self.pixels
                    if self.by_channel:
                        place = pixel * self.channels + channel
                    is_there = pixel < self.pixels
                    beat += [b * size + place if is_there else None for b in range(self.samples)]
                beats.append(beat)
        return beats

    def beats(self, images: list[list[int]], filler: int = 0) -> list[int]:
        """Return every beat of ``images``; lanes past the end hold ``filler``."""
        return [
            join([filler if k is None else image[k] for k in beat], self.bits)
            for image in images
            for beat in self.places()
        ]

    def parameters(self) -> str:
        strides = (1, self.channels) if self.by_channel else (self.pixels, 1)
        text = f".BITS({self.bits}), .LANES({self.lanes}), "
        if self.kind == "staged":
            text += f".SAMPLES({self.samples}), .SIGNED({self.signed:d}), .STYLE('{self.style}'), "
            text += f".CHANNEL_STRIDE({strides[0]}), .PIXEL_STRIDE({strides[1]}), "
        text = text.replace("'", '"')
        return text + f".CHANNELS({self.channels}), .PIXELS({self.pixels})"


class Pieces:
    """What two parts tell each other: pieces finished in earlier cycles count."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.cycles: list[int] = []

    def done(self) -> int:
        return sum(1 for finished in self.cycles if finished < self.clock.cycle)

    def finish(self) -> None:
        self.cycles.append(self.clock.cycle)


class Loading:
    """A load: puts ``beats`` into ``queue``."""

    def __init__(self, t: Tensor, clock: Clock, queue: Queue, beats: list[int]) -> None:
        self.t, self.clock, self.queue, self.beats = t, clock, queue, beats
        self.filled, self.emitted = Pieces(clock), Pieces(clock)
        is_direct = t.kind == "direct"
        clock.machines += [self.direct()] if is_direct else [self.fill(), self.emit()]

    def may_come(self) -> bool:
        return self.clock.load.may_come(self.clock.cycle)

    def direct(self) -> Machine:
        for k, beat in enumerate(self.beats):
            n_steps, n_idle = self.t.steps, self.t.idle_steps(k)
            for step in range(n_steps):
                is_last = step == n_steps - 1
                while (step < n_steps - n_idle and not self.may_come()) or (
                    is_last and not self.queue.has_place()
                ):
                    yield
                if is_last:
                    self.queue.make(self.clock.cycle + 1, beat)
                yield

    def fill(self) -> Machine:
        for k in range(len(self.beats) // self.t.n_beats * self.t.n_elements):
            image, element = divmod(k, self.t.n_elements)
            while self.emitted.done() < image - 1 or not self.may_come():
                yield
            if element == self.t.n_elements - 1:
                self.filled.finish()
            yield

    def emit(self) -> Machine:
        for k, beat in enumerate(self.beats):
            image, of_image = divmod(k, self.t.n_beats)
            while self.filled.done() <= image or not self.queue.has_place():
                yield
            self.queue.make(self.clock.cycle + 1, beat)
            if of_image == self.t.n_beats - 1:
                self.emitted.finish()
            yield


class Storing:
    """A store: puts ``elements`` into ``clock.out``, in cycles in which they may go."""

    def __init__(self, t: Tensor, clock: Clock, queue: Queue, elements: list[int]) -> None:
        self.t, self.clock, self.queue, self.elements = t, clock, queue, elements
        self.n_beats = len(elements) // t.n_elements * t.n_beats
        self.filled, self.emitted = Pieces(clock), Pieces(clock)
        is_direct = t.kind == "direct"
        clock.machines += [self.direct()] if is_direct else [self.fill(), self.emit()]

    def may_go(self) -> bool:
        return self.clock.load.may_go(self.clock.cycle)

    def has_beat(self) -> bool:
        return self.queue.has_beat(self.clock.cycle)

    def give(self, element: int) -> None:
        self.clock.out.append(Output(self.clock.cycle, element))

    def direct(self) -> Machine:
        elements = iter(self.elements)
        for k in range(self.n_beats):
            for step in range(self.t.steps):
                is_idle = step < self.t.idle_steps(k)
                while (step == 0 and not self.has_beat()) or (not is_idle and not self.may_go()):
                    yield
                if step == 0:
                    self.queue.read()
                if not is_idle:
                    self.give(next(elements))
                yield

    def fill(self) -> Machine:
        for k in range(self.n_beats):
            image, beat = divmod(k, self.t.n_beats)
            while self.emitted.done() < image - 1 or not self.has_beat():
                yield
            self.queue.read()
            if beat == self.t.n_beats - 1:
                self.filled.finish()
            yield

    def emit(self) -> Machine:
        for k, value in enumerate(self.elements):
            image, element = divmod(k, self.t.n_elements)
            while self.filled.done() <= image or not self.may_go():
                yield
            self.give(value)
            if element == self.t.n_elements - 1:
                self.emitted.finish()
            yield
