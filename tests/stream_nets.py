"""Random small networks of processes, for tests of the cycle model."""

from __future__ import annotations

import numpy as np

from bitfpga.plan.processes import Concat, Fork, Gather, Load, Map, Process, Store, Sum
from bitfpga.plan.tiled import Array, Pool, VectorArray
from bitfpga.plan.windows import Window, least_buffer_rows, tile_blocks, tile_limits


class StreamNet:
    """A network being drawn. A stream is (FIFO, channels, height, width) with one pixel a beat."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.processes: list[Process] = []
        self.joins: set[str] = set()
        self.n_fifos = 0
        channels, height, width = (int(n) for n in self.rng.integers(1, (4, 7, 7)))
        stream = (self._fifo(), channels, height, width)
        n = channels * height * width
        whole = int(self.rng.choice((0, n, n + 5)))
        cycles = 1 if whole else int(self.rng.integers(1, 4))
        self.add(Load("load", (), (stream[0],), n, whole, cycles))
        for _ in range(int(self.rng.integers(1, 5))):
            stream = self._grow(stream)
        n = stream[1] * stream[2] * stream[3]
        whole = int(self.rng.choice((0, n, n + 5)))
        cycles = 1 if whole else int(self.rng.integers(1, 4))
        self.add(Store("store", (stream[0],), (), n, whole, cycles))
        self.rng.shuffle(self.processes)  # the order must not matter

    def add(self, process: Process) -> None:
        """Add a process, its inputs joins if there are several."""
        self.processes.append(process)
        if len(process.inputs) > 1:
            self.joins.update(process.inputs)

    def _fifo(self) -> str:
        self.n_fifos += 1
        return f"fifo_{self.n_fifos}"

    def _grow(self, stream: tuple[str, int, int, int]) -> tuple[str, int, int, int]:
        kinds = (self._map, self._array, self._pool, self._diamond, self._sum, self._vector)
        return kinds[int(self.rng.integers(len(kinds)))](stream)

    def _map(self, stream: tuple[str, int, int, int]) -> tuple[str, int, int, int]:
        fifo, channels, height, width = stream
        out, stages = self._fifo(), int(self.rng.integers(1, 6))
        self.add(Map(f"map_{out}", (fifo,), (out,), channels * height * width, stages=stages))
        return out, channels, height, width

    def _sum(self, stream: tuple[str, int, int, int]) -> tuple[str, int, int, int]:
        fifo, channels, height, width = stream
        out = self._fifo()
        self.add(Sum(f"sum_{out}", (fifo,), (out,), channels, height * width))
        return out, channels, 1, 1

    def _vector(self, stream: tuple[str, int, int, int]) -> tuple[str, int, int, int]:
        fifo, channels, height, width = stream
        out, n_outputs = self._fifo(), int(self.rng.integers(1, 7))
        n = channels * height * width
        walk = int(self.rng.integers(0, 60))
        entries = self._entries(n_outputs)
        self.add(VectorArray(f"dense_{out}", (fifo,), (out,), n, walk, entries))
        return out, n_outputs, 1, 1

    def _entries(self, n_outputs: int) -> np.ndarray:
        counts = self.rng.integers(1, 4, n_outputs)
        last = np.zeros(counts.sum(), dtype=bool)
        last[np.cumsum(counts) - 1] = True
        return last

    def _window(self, channels: int, height: int, width: int) -> Window:
        """A window whose output has the input's size."""
        kernel, dilation = (
            (int(self.rng.integers(1, 4)), int(self.rng.integers(1, 4))) for _ in range(2)
        )
        padding = (int(self.rng.integers(0, 3)), int(self.rng.integers(0, 3)))
        return Window(channels, height, width, height, width, kernel, (1, 1), dilation, padding)

    def _tiles(self, window: Window) -> tuple[int, np.ndarray, np.ndarray, np.ndarray]:
        """Beats of an image, then need, limit and blocks of its tiles."""
        tile_pixels = int(self.rng.integers(1, 8))
        rows = least_buffer_rows(window, tile_pixels, 1, ahead=int(self.rng.integers(0, 2)))
        rows += int(self.rng.integers(0, 2))
        need, limit = tile_limits(window, tile_pixels, 1, rows)
        blocks = tile_blocks(window.out_height * window.out_width, tile_pixels, 1)
        return window.n_beats(1), need, limit, blocks

    def _array(self, stream: tuple[str, int, int, int]) -> tuple[str, int, int, int]:
        fifo, channels, height, width = stream
        out, n_outputs = self._fifo(), int(self.rng.integers(1, 5))
        window = self._window(channels, height, width)
        n, need, limit, blocks = self._tiles(window)
        fill = channels * window.kernel[0] * window.kernel[1]
        walk, entries = int(self.rng.integers(0, 40)), self._entries(n_outputs)
        self.add(Array(f"conv_{out}", (fifo,), (out,), n, need, limit, fill, blocks, walk, entries))
        return out, n_outputs, height, width

    def _pool(self, stream: tuple[str, int, int, int]) -> tuple[str, int, int, int]:
        fifo, channels, height, width = stream
        out = self._fifo()
        window = self._window(channels, height, width)
        n, need, limit, blocks = self._tiles(window)
        fill = channels * window.kernel[0] * window.kernel[1]
        self.add(Pool(f"pool_{out}", (fifo,), (out,), n, need, limit, fill, blocks, channels))
        return out, channels, height, width

    def _diamond(self, stream: tuple[str, int, int, int]) -> tuple[str, int, int, int]:
        fifo, channels, height, width = stream
        pixels = height * width
        branches = [self._fifo() for _ in range(int(self.rng.integers(2, 4)))]
        self.add(Fork(f"fork_{fifo}", (fifo,), tuple(branches), channels * pixels))
        ends = [(name, channels, height, width) for name in branches]
        if self.rng.integers(2):
            ends[0] = self._array(ends[0])
        if self.rng.integers(3) == 0:
            ends[1] = self._pool(ends[1])
        out = self._fifo()
        inputs, counts = tuple(end[0] for end in ends), tuple(end[1] for end in ends)
        kind = int(self.rng.integers(3))
        if kind == 0 and len(set(counts)) == 1:
            self.add(Map(f"add_{out}", inputs, (out,), channels * pixels))
            return out, channels, height, width
        if kind == 1:
            n_beats = tuple(count * pixels for count in counts)
            n_out = int(self.rng.integers(1, 40))
            self.add(Gather(f"gather_{out}", inputs, (out,), n_beats, n_out))
            return out, n_out, 1, 1
        self.add(Concat(f"concat_{out}", inputs, (out,), counts, pixels))
        return out, sum(counts), height, width
