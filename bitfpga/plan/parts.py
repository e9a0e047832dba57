"""The coroutines of each kind of process: how ``plan.timing`` runs what ``plan.processes`` says."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence

import numpy as np

from bitfpga.plan.events import Coroutine, Fifo, Pipeline, Ready, Series, Steps
from bitfpga.plan.processes import Concat, Gather, Load, Map, Process, Store, Sum
from bitfpga.plan.tiled import (
    POOL_STAGES,
    WALK_RESTART,
    WALK_STAGES,
    Array,
    Pool,
    Tiled,
    VectorArray,
)


def after(series: Series, index: int) -> Generator[Series, None, int]:
    """Wait for event ``index`` and return the cycle after it; 0 if ``index`` is negative."""
    while len(series.times) <= index:
        yield series
    return series.times[index] + 1 if index >= 0 else 0


class Parts:
    """The coroutines of one process for ``n_images`` images.

    ``filled``, ``walked``, ``emitted``: the cycle of each part's last step for each piece.
    ``stored``: first and last cycle of every image, one after the other (``Store`` only).
    """

    def __init__(
        self,
        process: Process,
        fifos: dict[str, Fifo],
        n_images: int,
        ready: Ready,
    ) -> None:
        self.inputs = [fifos[name] for name in process.inputs]
        self.outputs = [fifos[name] for name in process.outputs]
        self.steps = Pipeline(self.outputs, process.stages)
        self.n_images = n_images
        self.filled, self.walked, self.emitted = Series(ready), Series(ready), Series(ready)
        self.stored: list[int] = []
        self.coroutines = list(self._coroutines(process))

    def _coroutines(self, process: Process) -> Iterator[Coroutine]:
        match process:
            case Load():
                yield from self._load(process)
            case Store():
                yield from self._store(process)
            case Map() | Concat() | Sum():
                yield self._moves(process)
            case Gather():
                yield self._take_images(process.n_beats, self.emitted)
                yield self._emit(self.filled, 0, [[1] * process.n_out])
            case Array():
                yield from self._tiled(process, self.walked)
                yield self._walk(process, len(process.need))
                gaps = emit_gaps(process.entry_last, process.blocks)
                yield self._emit(self.walked, WALK_STAGES, gaps)
            case Pool():
                yield from self._tiled(process, self.emitted)
                gaps = [[1] * (n * process.n_channels) for n in process.blocks.tolist()]
                yield self._emit(self.filled, POOL_STAGES, gaps)
            case VectorArray():
                yield self._take_images([process.n_beats], self.walked, process.rows_after)
                yield self._walk(process, 1)
                gaps = emit_gaps(process.entry_last, np.ones(1, np.int64))
                yield self._emit(self.walked, WALK_STAGES, gaps)
            case _:
                raise TypeError(f"process {process.name}: no timing for {type(process).__name__}")

    def _load(self, process: Load) -> Iterator[Coroutine]:
        if process.n_elements:
            yield self._count(process.n_elements)
            yield self._emit(self.filled, 0, [[1] * process.n_beats])
        else:
            n_beats = process.n_beats * self.n_images
            yield self.steps.make([process.cycles_per_beat] * n_beats)

    def _store(self, process: Store) -> Iterator[Coroutine]:
        if process.n_elements:
            yield self._take_images([process.n_beats], self.emitted)
            yield self._write_out(process.n_elements)
        else:
            yield self._store_beats(process)

    def _store_beats(self, process: Store) -> Coroutine:
        cycles = process.cycles_per_beat
        steps = Steps()
        steps.last = -cycles
        for _ in range(self.n_images):
            yield from steps.take(self.inputs[0], 1, cycles)
            self.stored.append(steps.last)
            yield from steps.take(self.inputs[0], process.n_beats - 1, cycles)
            self.stored.append(steps.last + cycles - 1)

    def _moves(self, process: Map | Concat | Sum) -> Coroutine:
        for _ in range(self.n_images):
            match process:
                case Map():
                    yield from self.steps.move(self.inputs, process.n_beats)
                case Sum():
                    n_silent = (process.n_blocks - 1) * process.n_channels
                    yield from self.steps.take(self.inputs[0], n_silent)
                    yield from self.steps.move(self.inputs, process.n_channels)
                case Concat():
                    for _ in range(process.n_blocks):
                        for source, n in zip(self.inputs, process.channels, strict=True):
                            yield from self.steps.move([source], n)

    def _count(self, n_steps: int) -> Coroutine:
        """Fill one of two memories without reading a FIFO."""
        end = -1
        for image in range(self.n_images):
            end = max(end, (yield from after(self.emitted, image - 2)) - 1) + n_steps
            self.filled.times.append(end)
            self.filled.wake()

    def _take_images(self, n_beats: Sequence[int], behind: Series, n_after: int = 0) -> Coroutine:
        """Fill one of two memories with whole images, input after input, and ``n_after`` rows."""
        steps = Steps()
        for image in range(self.n_images):
            steps.last = max(steps.last, (yield from after(behind, image - 2)) - 1)
            for source, n in zip(self.inputs, n_beats, strict=True):
                yield from steps.take(source, n)
            steps.last += n_after
            self.filled.times.append(steps.last)
            self.filled.wake()

    def _tiled(self, process: Tiled, behind: Series) -> Iterator[Coroutine]:
        yield self._write_lines(process)
        yield self._read_lines(process, behind)

    def _write_lines(self, process: Tiled) -> Coroutine:
        """Read beats into the line buffer, as far as the reader's tiles let them in."""
        steps, limits = Steps(), process.limit.tolist()
        n_beats = process.n_beats * self.n_images
        n_read = 0
        for tile in range(self.n_images * len(limits) + 1):
            image, tile_of_image = divmod(tile, len(limits))
            limit = image * process.n_beats + limits[tile_of_image]
            n = (n_beats if image == self.n_images else min(limit, n_beats)) - n_read
            if n > 0:
                steps.last = max(steps.last, (yield from after(self.filled, tile - 1)) - 1)
                yield from steps.take(self.inputs[0], n)
                n_read += n

    def _read_lines(self, process: Tiled, behind: Series) -> Coroutine:
        """Read each tile's rows once its beats are in the line buffer and ``behind`` is done."""
        reads, first = self.inputs[0].freed, self.inputs[0].depth
        end, tile = -1, 0
        for image in range(self.n_images):
            for need in process.need.tolist():
                last = first + image * process.n_beats + need - 1
                arrived = (yield from after(reads, last)) if need else 0
                start = max(end + 1, arrived, (yield from after(behind, tile - 2)))
                end = start + process.fill_cycles - 1
                self.filled.times.append(end)
                self.filled.wake()
                tile += 1

    def _walk(self, process: Array | VectorArray, n_tiles: int) -> Coroutine:
        end = -1
        for tile in range(n_tiles * self.n_images):
            filled = yield from after(self.filled, tile)
            start = max(end + 1, filled, (yield from after(self.emitted, tile - 2)))
            end = start + WALK_RESTART + max(process.walk_cycles, 1) - 1
            self.walked.times.append(end + process.skew)
            self.walked.wake()

    def _emit(self, before: Series, lag: int, gaps: Sequence[Sequence[int]]) -> Coroutine:
        """Make the beats of each piece, ``gaps[piece of the image]`` steps apart."""
        for piece in range(len(gaps) * self.n_images):
            self.steps.last = max(self.steps.last, (yield from after(before, piece)) + lag - 1)
            yield from self.steps.make(gaps[piece % len(gaps)])
            self.emitted.times.append(self.steps.last)
            self.emitted.wake()

    def _write_out(self, n_elements: int) -> Coroutine:
        end = -1
        for image in range(self.n_images):
            start = max(end + 1, (yield from after(self.filled, image)))
            end = start + n_elements - 1
            self.stored += [start, end]
            self.emitted.times.append(end)
            self.emitted.wake()


def emit_gaps(entry_last: Sequence[bool] | np.ndarray, blocks: np.ndarray) -> list[list[int]]:
    """Return, for each tile, the steps from beat to beat of its blocks."""
    block = np.diff(np.flatnonzero(entry_last), prepend=-1).tolist()
    of_count = {n: block * n for n in set(blocks.tolist())}
    return [of_count[n] for n in blocks.tolist()]
