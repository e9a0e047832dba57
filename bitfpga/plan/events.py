"""Times of events, and coroutines that wait for them: the clockwork of ``plan.timing``.

Every process is deterministic, so the time of each event is a largest value over the times of
events before it, whatever order the coroutines run in. A coroutine yields the ``Series`` it
waits on and is resumed when that has grown.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import islice, repeat

Coroutine = Generator["Series", None, None]
Ready = deque[Coroutine]


@dataclass(eq=False)
class Series:
    """The cycles of one kind of event, in order; ``waiting`` are the coroutines to resume."""

    ready: Ready
    times: list[int] = field(default_factory=list)
    waiting: list[Coroutine] = field(default_factory=list)

    def wake(self) -> None:
        """Resume who waits; to be called after ``times`` has grown."""
        if self.waiting:
            self.ready.extend(self.waiting)
            self.waiting.clear()


@dataclass(eq=False)
class Fifo:
    """``written.times[j]``: cycle beat j was written. ``freed.times[j]``: cycle in which the place
    for beat j was freed, -1 for the first ``depth`` beats, then the cycles of the reads."""

    depth: int
    written: Series
    freed: Series

    @property
    def reads(self) -> list[int]:
        """Cycles of the reads so far."""
        return self.freed.times[self.depth :]


def run(coroutines: Iterable[Coroutine], ready: Ready) -> bool:
    """Run until nothing moves; return whether every coroutine ended."""
    ready.extend(coroutines)
    n_running = len(ready)
    while ready:
        coroutine = ready.popleft()
        series = next(coroutine, None)
        if series is None:
            n_running -= 1
        else:
            series.waiting.append(coroutine)
    return n_running == 0


class Steps:
    """The steps of one process, or of a part that makes no beats, one after the other.

    ``last``: cycle of the last step; whoever starts a piece may move it on.
    """

    def __init__(self) -> None:
        self.last = -1

    def take(self, source: Fifo, n: int, cycles: int = 1) -> Coroutine:
        """Read ``n`` beats, one every ``cycles`` cycles or later, and make none."""
        written, freed, step = source.written, source.freed, self.last
        first = len(freed.times) - source.depth
        end = first + n
        while first < end:
            arrived = written.times[first:end]
            if not arrived:
                yield written
                continue
            for time in arrived:
                step = max(step + cycles, time + 1)
                freed.times.append(step)
            freed.wake()
            first += len(arrived)
            self.last = step


class Pipeline(Steps):
    """Steps that make beats. A beat takes a place in every output when it is made, in a cycle after
    that in which the place was freed, and is written ``stages`` cycles later, always."""

    def __init__(self, outputs: Sequence[Fifo], stages: int) -> None:
        super().__init__()
        self.outputs = outputs
        self.stages = stages
        self.n_made = 0

    def move(self, inputs: Sequence[Fifo], n: int) -> Coroutine:
        """Take ``n`` steps that read a beat of every input and make one."""
        first, end = [len(f.freed.times) - f.depth for f in inputs], 0
        while end < n:
            arrivals = [
                fifo.written.times[k + end : k + n] for fifo, k in zip(inputs, first, strict=True)
            ]
            arrived = arrivals[0] if len(inputs) == 1 else list(map(max, *arrivals))
            if not arrived:
                yield next(f.written for f, a in zip(inputs, arrivals, strict=True) if not a)
                continue
            cycles = self._advance(repeat(1), arrived, len(arrived))
            if not cycles:
                yield self._fullest()
            for fifo in inputs:
                fifo.freed.times.extend(cycles)
                fifo.freed.wake()
            end += len(cycles)

    def make(self, gaps: Sequence[int]) -> Coroutine:
        """Make ``len(gaps)`` beats; beat j in the ``gaps[j]``-th step after the one before."""
        end = 0
        while end < len(gaps):
            n_made = len(self._advance(islice(gaps, end, None), repeat(-1), len(gaps) - end))
            if not n_made:
                yield self._fullest()
            end += n_made

    def _advance(self, gaps: Iterable[int], arrived: Iterable[int], n: int) -> list[int]:
        """Take at most ``n`` steps, as many as there are places; return their cycles."""
        step, cycles = self.last, []
        for place, gap, time in zip(self._places(n), gaps, arrived, strict=False):
            step += gap
            step = time + 1 if time >= step else step  # max() would take most of the time
            step = place + 1 if place >= step else step
            cycles.append(step)
        self.last = step
        self.n_made += len(cycles)
        stages = self.stages
        for fifo in self.outputs:
            fifo.written.times.extend([cycle + stages for cycle in cycles])
            fifo.written.wake()
        return cycles

    def _places(self, n: int) -> list[int]:
        """Cycles in which the places for the next beats, at most ``n``, were freed."""
        end = self.n_made + n
        freed = [fifo.freed.times[self.n_made : end] for fifo in self.outputs]
        return freed[0] if len(freed) == 1 else list(map(max, *freed))

    def _fullest(self) -> Series:
        return min((fifo.freed for fifo in self.outputs), key=lambda series: len(series.times))
