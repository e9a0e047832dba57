"""Networks of processes clock by clock: every process a state machine, every FIFO a counter.

Slow and plain, and independent of ``bitfpga.plan.timing``, which must give the same cycles.
"""

from __future__ import annotations

from collections.abc import Iterator

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


class Queue:
    """A FIFO: what is seen in a cycle is the state at its start."""

    def __init__(self, depth: int | None) -> None:
        self.depth = depth
        self.n_inside = self.n_taken = self.n_written = self.n_read = 0
        self.made = self.pushed = self.popped = 0
        self.write_cycles: list[int] = []
        self.most = 0

    def has_beat(self) -> bool:
        return self.n_inside > 0

    def has_place(self) -> bool:
        return self.depth is None or self.n_taken < self.depth

    def commit(self, cycle: int) -> None:
        self.most = max(self.most, (self.n_taken + self.made) * self.made)
        self.write_cycles += [cycle] * self.pushed
        self.n_inside += self.pushed - self.popped
        self.n_taken += self.made - self.popped
        self.n_read += self.popped
        assert self.pushed <= 1 >= self.popped
        assert self.n_inside >= 0
        self.made = self.pushed = self.popped = 0


class Registers:
    """The registers before a process's outputs, which never stop."""

    def __init__(self, outputs: list[Queue], stages: int) -> None:
        self.outputs = outputs
        self.valid = [False] * stages

    def clock(self) -> None:
        """Move every beat one register on; the last is written."""
        for queue in self.outputs:
            queue.pushed = int(self.valid[-1])
        self.valid = [False, *self.valid[:-1]]

    def has_place(self) -> bool:
        return all(queue.has_place() for queue in self.outputs)

    def make(self) -> None:
        """Take a place in every output and put a beat into the first register."""
        for queue in self.outputs:
            queue.made = 1
        self.valid[0] = True


class Signal:
    """Pieces that a part has finished: those of earlier cycles count."""

    def __init__(self) -> None:
        self.cycles: list[int] = []

    def seen(self, cycle: int, piece: int, lag: int = 0) -> bool:
        if piece < 0:
            return True
        return piece < len(self.cycles) and self.cycles[piece] + lag < cycle


class Clocked:
    """One process. Each of its machines is a generator that is resumed once a cycle."""

    def __init__(self, process: Process, queues: dict[str, Queue], n_images: int) -> None:
        self.inputs = [queues[name] for name in process.inputs]
        self.outputs = [queues[name] for name in process.outputs]
        self.n_images = n_images
        self.cycle = -1
        self.registers = Registers(self.outputs, getattr(process, "stages", 1))
        self.filled, self.walked, self.emitted = Signal(), Signal(), Signal()
        self.stored: list[int] = []
        self.machines = list(self._machines(process))

    def clock(self, cycle: int) -> None:
        """Do what happens in this cycle."""
        self.cycle = cycle
        if self.outputs:
            self.registers.clock()
        self.machines = [machine for machine in self.machines if next(machine, "end") != "end"]

    def is_done(self) -> bool:
        return not self.machines and not any(self.registers.valid)

    def _machines(self, process: Process) -> Iterator[Iterator[None]]:
        if isinstance(process, Load):
            if process.n_elements:
                yield self._part(self.filled, [process.n_elements], None, 0, self.emitted)
                yield self._emit([[True] * process.n_beats], self.filled, 0)
            else:
                pattern = [False] * (process.cycles_per_beat - 1) + [True]
                yield self._steps(pattern * process.n_beats * self.n_images)
        elif isinstance(process, Store):
            if process.n_elements:
                yield self._fill_images((process.n_beats,), self.emitted)
                yield self._part(self.emitted, [process.n_elements], self.filled, 0, None)
            else:
                yield self._store(process)
        elif isinstance(process, (Map, Concat, Sum)):
            yield self._moves(process)
        elif isinstance(process, Gather):
            yield self._fill_images(process.n_beats, self.emitted)
            yield self._emit([[True] * process.n_out], self.filled, 0)
        elif isinstance(process, Array):
            yield self._line_writer(process)
            yield self._line_reader(process, self.walked)
            yield self._walk(process, len(process.need))
            entries = process.entry_last.tolist()
            yield self._emit([entries * int(n) for n in process.blocks], self.walked, WALK_STAGES)
        elif isinstance(process, Pool):
            yield self._line_writer(process)
            yield self._line_reader(process, self.emitted)
            tiles = [[True] * int(n * process.n_channels) for n in process.blocks]
            yield self._emit(tiles, self.filled, POOL_STAGES)
        elif isinstance(process, VectorArray):
            yield self._fill_images((process.n_beats,), self.walked)
            yield self._walk(process, 1)
            yield self._emit([process.entry_last.tolist()], self.walked, WALK_STAGES)

    def _part(
        self,
        finished: Signal,
        cycles: list[int],
        before: Signal | None,
        lag: int,
        behind: Signal | None,
    ) -> Iterator[None]:
        """Count ``cycles`` of each piece of an image."""
        for piece in range(self.n_images * len(cycles)):
            while (before and not before.seen(self.cycle, piece, lag)) or (
                behind and not behind.seen(self.cycle, piece - 2)
            ):
                yield
            self.stored.append(self.cycle)
            for _ in range(max(cycles[piece % len(cycles)], 1) - 1):
                yield
            self.stored.append(self.cycle)
            finished.cycles.append(self.cycle)
            yield

    def _walk(self, process: Array | VectorArray, n_tiles: int) -> Iterator[None]:
        """Walk tile after tile; the next one starts while the last PEs end this one."""
        for piece in range(self.n_images * n_tiles):
            while not self.filled.seen(self.cycle, piece) or not self.emitted.seen(
                self.cycle, piece - 2
            ):
                yield
            for _ in range(WALK_RESTART + max(process.walk_cycles, 1) - 1):
                yield
            self.walked.cycles.append(self.cycle + process.skew)
            yield

    def _steps(self, pattern: list[bool], finished: Signal | None = None) -> Iterator[None]:
        """One step a cycle; those that are true make a beat."""
        for k, makes in enumerate(pattern):
            while makes and not self.registers.has_place():
                yield
            if makes:
                self.registers.make()
            if finished and k == len(pattern) - 1:
                finished.cycles.append(self.cycle)
            yield

    def _emit(self, pieces: list[list[bool]], before: Signal, lag: int) -> Iterator[None]:
        for piece in range(self.n_images * len(pieces)):
            while not before.seen(self.cycle, piece, lag):
                yield
            yield from self._steps(pieces[piece % len(pieces)], self.emitted)

    def _step(self, inputs: list[Queue], makes: bool) -> Iterator[None]:
        """Read one beat of each input, in the first cycle in which that can be done."""
        while not all(queue.has_beat() for queue in inputs) or (
            makes and not self.registers.has_place()
        ):
            yield
        for queue in inputs:
            queue.popped = 1
        if makes:
            self.registers.make()

    def _moves(self, process: Process) -> Iterator[None]:
        for inputs, makes in list(self._reads(process)) * self.n_images:
            yield from self._step(inputs, makes)
            yield

    def _reads(self, process: Process) -> Iterator[tuple[list[Queue], bool]]:
        """Inputs of every step of an image, and whether it makes a beat."""
        if isinstance(process, Map):
            yield from [(self.inputs, True)] * process.n_beats
        elif isinstance(process, Sum):
            for block in range(process.n_blocks):
                yield from [(self.inputs, block == process.n_blocks - 1)] * process.n_channels
        elif isinstance(process, Concat):
            for _ in range(process.n_blocks):
                for queue, n in zip(self.inputs, process.channels, strict=True):
                    yield from [([queue], True)] * n

    def _store(self, process: Store) -> Iterator[None]:
        for _ in range(self.n_images):
            for beat in range(process.n_beats):
                yield from self._step(self.inputs, False)
                if beat == 0:
                    self.stored.append(self.cycle)
                for _ in range(process.cycles_per_beat - 1):
                    yield
                if beat == process.n_beats - 1:
                    self.stored.append(self.cycle)
                yield

    def _fill_images(self, n_beats: tuple[int, ...], behind: Signal) -> Iterator[None]:
        for image in range(self.n_images):
            while not behind.seen(self.cycle, image - 2):
                yield
            order = [queue for queue, n in zip(self.inputs, n_beats, strict=True) for _ in range(n)]
            for k, queue in enumerate(order):
                yield from self._step([queue], False)
                if k == len(order) - 1:
                    self.filled.cycles.append(self.cycle)
                yield

    def _line_writer(self, process: Tiled) -> Iterator[None]:
        for beat in range(self.n_images * process.n_beats):
            while not (self.inputs[0].has_beat() and self._is_let_in(process, beat)):
                yield
            self.inputs[0].popped = 1
            yield

    def _is_let_in(self, process: Tiled, beat: int) -> bool:
        n_tiles = len(process.limit)
        tile = sum(1 for cycle in self.filled.cycles if cycle < self.cycle)
        image, tile_of_image = divmod(tile, n_tiles)
        limit = image * process.n_beats + process.limit[tile_of_image]
        return bool(tile == n_tiles * self.n_images or beat < limit)

    def _line_reader(self, process: Tiled, behind: Signal) -> Iterator[None]:
        for piece in range(self.n_images * len(process.need)):
            image, tile = divmod(piece, len(process.need))
            need = image * process.n_beats + process.need[tile] if process.need[tile] else 0
            while self.inputs[0].n_read < need or not behind.seen(self.cycle, piece - 2):
                yield
            for _ in range(process.fill_cycles - 1):
                yield
            self.filled.cycles.append(self.cycle)
            yield


def clocked_timing(
    processes: list[Process], depths: dict[str, int | None], n_images: int, n_cycles: int
) -> tuple[dict[str, tuple[list[int], list[int]]], dict[str, int]] | None:
    """Return the first and last output cycles of each process and the most beats of each FIFO.

    None if the network is not done after ``n_cycles`` cycles.
    """
    queues = {name: Queue(depth) for name, depth in depths.items()}
    machines = {process.name: Clocked(process, queues, n_images) for process in processes}
    for cycle in range(n_cycles):
        for machine in machines.values():
            machine.clock(cycle)
        for queue in queues.values():
            queue.commit(cycle)
        if all(machine.is_done() for machine in machines.values()):
            times = {p.name: _outputs(p, machines[p.name], n_images) for p in processes}
            return times, {name: queue.most for name, queue in queues.items()}
    return None


def _outputs(process: Process, machine: Clocked, n_images: int) -> tuple[list[int], list[int]]:
    if isinstance(process, Store):
        return machine.stored[::2], machine.stored[1::2]
    cycles, n = machine.outputs[0].write_cycles, process.beats_out
    assert len(cycles) == n * n_images
    return cycles[::n], cycles[n - 1 :: n]
