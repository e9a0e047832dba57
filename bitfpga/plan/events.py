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


def run(coroutines: Iterable[Coroutine], helpers: Iterable[Coroutine], ready: Ready) -> bool:
    """Run until nothing moves; return whether every coroutine ended (``helpers`` never end)."""
    ready.extend(coroutines)
    running = set(ready)
    ready.extend(helpers)
    while ready:
        coroutine = ready.popleft()
        series = next(coroutine, None)
        if series is None:
            running.remove(coroutine)
        else:
            series.waiting.append(coroutine)
    return not running


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
    """Steps that make beats, and the ``stages`` registers before the outputs.

    Beat j is made in cycle m[j], no sooner than beat j - ``stages`` is written, and written in
    cycle max(m[j] + ``stages``, cycle after the write before, cycle after its place was freed).
    ``held``: cycles of the last ``stages`` writes. ``pending``: m of the beats for which there is
    no place yet; the helper ``drain`` writes them later.
    """

    def __init__(self, outputs: Sequence[Fifo], stages: int, ready: Ready) -> None:
        super().__init__()
        self.outputs = outputs
        self.stages = stages
        self.write = -1
        self.n_written = 0
        self.held = deque([-1] * stages, maxlen=stages)
        self.pending: deque[int] = deque()
        self.filling, self.draining = Series(ready), Series(ready)

    def move(self, inputs: Sequence[Fifo], n: int) -> Coroutine:
        """Take ``n`` steps that read a beat of every input and make one."""
        first, end = [len(f.freed.times) - f.depth for f in inputs], 0
        while end < n:
            stop = min(n, end + self._most())
            arrivals = [
                fifo.written.times[k + end : k + stop]
                for fifo, k in zip(inputs, first, strict=True)
            ]
            arrived = arrivals[0] if len(inputs) == 1 else list(map(max, *arrivals))
            if not arrived:
                yield next(f.written for f, a in zip(inputs, arrivals, strict=True) if not a)
                continue
            cycles = self._advance(repeat(1), arrived, len(arrived))
            if not cycles:
                yield self.draining
            for fifo in inputs:
                fifo.freed.times.extend(cycles)
                fifo.freed.wake()
            end += len(cycles)

    def make(self, gaps: Sequence[int]) -> Coroutine:
        """Make ``len(gaps)`` beats; beat j in the ``gaps[j]``-th step after the one before."""
        end = 0
        while end < len(gaps):
            chunk = gaps[end : end + self._most()]
            n_made = len(self._advance(chunk, repeat(-1), len(chunk)))
            if not n_made:
                yield self.draining
            end += n_made

    def drain(self) -> Coroutine:
        """Write the pending beats as places are freed; never ends."""
        while True:
            places = self._places(len(self.pending))
            if not places:
                yield self._fullest() if self.pending else self.filling
                continue
            written: list[int] = []
            for place in places:
                self.write = max(self.write + 1, self.pending.popleft() + self.stages, place + 1)
                self.held.append(self.write)
                written.append(self.write)
            self._written(written)
            self.draining.wake()

    def _advance(self, gaps: Iterable[int], arrived: Iterable[int], n: int) -> list[int]:
        """Take at most ``n`` steps, as far as places and registers go; return their cycles."""
        steps = zip(gaps, arrived, strict=False)
        places = [] if self.pending else self._places(n)
        cycles: list[int] = []
        written: list[int] = []
        step, write, stages, held = self.last, self.write, self.stages, self.held
        for place, (gap, time) in zip(places, steps, strict=False):
            step += gap
            step = time + 1 if time >= step else step  # max() would take most of the time
            step = held[0] if held[0] > step else step
            write = step + stages if step + stages > write else write + 1
            write = place + 1 if place >= write else write
            held.append(write)
            cycles.append(step)
            written.append(write)
        self.write = write
        if written:
            self._written(written)
        for gap, time in islice(steps, min(n - len(places), stages - len(self.pending))):
            step = max(step + gap, time + 1, held[len(self.pending)])
            self.pending.append(step)
            cycles.append(step)
        self.last = step
        self.filling.wake()
        return cycles

    def _most(self) -> int:
        """At least the steps that can be taken before a place is freed, and at least 1."""
        places = min(len(fifo.freed.times) for fifo in self.outputs) - self.n_written
        return max(places + self.stages, 1)

    def _places(self, n: int) -> list[int]:
        """Cycles in which the places for the next beats, at most ``n``, were freed."""
        end = self.n_written + n
        freed = [fifo.freed.times[self.n_written : end] for fifo in self.outputs]
        return freed[0] if len(freed) == 1 else list(map(max, *freed))

    def _fullest(self) -> Series:
        return min((fifo.freed for fifo in self.outputs), key=lambda series: len(series.times))

    def _written(self, times: list[int]) -> None:
        self.n_written += len(times)
        for fifo in self.outputs:
            fifo.written.times.extend(times)
            fifo.written.wake()
