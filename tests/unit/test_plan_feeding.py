"""Tap rows from memory: what PEs wait for, against a plain model of queues and decoders."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tap_cases import SYSTEMS, grouped_weights, random_weight

from bitfpga.digits import NumberSystem
from bitfpga.plan.feeding import TapFeed, tap_feed
from bitfpga.plan.streams import LayerStream, build_stream
from bitfpga.plan.taps import layer_taps

TAIL = 7  # cycles from a PE's last step to its result in memory


@dataclass
class Pe:
    """A PE: the rows it may take, and cells of which ``left`` lie in its current row."""

    rows: list[int]
    symbol_bits: int
    per_row: int
    queue: int = 0
    taken: int = 0
    left: int = 0
    cell: int = 0
    cells: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        width = self.symbol_bits + 1
        for row in self.rows:
            cells = [row >> width * k & ((1 << width) - 1) for k in range(self.per_row)]
            self.cells += cells

    def escaped(self) -> bool:
        cell = self.cells[self.cell] if self.cell < len(self.cells) else 0
        return cell >> 1 == (1 << self.symbol_bits) - 1

    def asks(self, step: int) -> bool:
        """Whether it takes a row in its step of this number."""
        if step < 0 or self.taken == len(self.rows):
            return False
        return step < 2 or self.left <= 1 or (self.left == 2 and self.escaped())

    def move(self, step: int) -> None:
        if self.asks(step):
            self.queue -= 1
            self.taken += 1
        if step == 1:
            self.left = self.per_row
        elif step >= 2:
            n = 2 if self.escaped() else 1
            self.cell += n
            self.left += self.per_row - n if self.left <= n else -n


def walked(stream: LayerStream, feed: TapFeed, queue: int) -> tuple[int, int]:
    """Return the cycles of a walk from its start, and the cycle in which the last row is stored."""
    per_row = stream.row_bits // (stream.symbol_bits + 1)
    pes = [
        Pe(stream.tap_rows[pe, :n].tolist(), stream.symbol_bits, per_row)
        for pe, n in enumerate(feed.n_rows.tolist())
    ]
    coming = [(t, pe) for t in range(stream.tap_rows.shape[1]) for pe in pes]
    step, cycle, stored, register = 0, 0, -1, None
    while step < feed.n_steps + 2 or coming or register:
        moves = not any(pe.asks(step - p) and pe.queue == 0 for p, pe in enumerate(pes))
        used = register is not None and register[0] < len(register[1].rows)
        placed = register is not None and not (used and register[1].queue == queue)
        waiting = [pe for pe in pes if placed and used and register[1] is pe]
        for p, pe in enumerate(pes):
            if moves:
                pe.move(step - p)
        for pe in waiting:
            pe.queue += 1
        stored = cycle if placed else stored
        if register is None or placed:
            register = coming.pop(0) if coming and cycle >= 1 else None
        step += moves
        cycle += 1
        assert cycle < 100_000, "the PEs wait for ever"
        if step == feed.n_steps + 2 and not (coming or register):
            break
    return cycle, stored


def memory_stream(weight: np.ndarray, n_pes: int, symbol_bits: int | None = None) -> LayerStream:
    taps = layer_taps(weight, 1, NumberSystem.CSD)
    return build_stream(
        taps, split_rows=weight.shape[1], n_pes=n_pes, row_bits=64, symbol_bits=symbol_bits
    )


def check(stream: LayerStream) -> TapFeed:
    feed = tap_feed(stream)
    cycles, stored = walked(stream, feed, feed.queue)
    assert cycles == feed.walk_cycles + 2
    assert stored <= cycles
    longest = max(int(stream.pe_cycles.max(initial=0)), 1)
    assert feed.n_steps >= longest + stream.skew + TAIL
    return feed


@pytest.mark.parametrize("least", [1, 2, 16])
@pytest.mark.parametrize(
    ("shape", "spread", "n_pes", "symbol_bits"),
    [
        ((1, 1), 20, 1, None),
        ((7, 60), 30, 1, None),
        ((24, 96), 25, 5, 3),
        ((31, 64), 8, 13, 1),
        ((40, 33), 40, 37, 12),
        ((9, 150), 0.4, 3, 2),
    ],
)
def test_walks_take_the_cycles_of_a_plain_model(
    shape: tuple[int, int],
    spread: float,
    n_pes: int,
    symbol_bits: int | None,
    least: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("bitfpga.plan.feeding.LEAST_QUEUE", least)
    weight = random_weight(shape, spread)
    weight[0, 0] = 1
    check(memory_stream(weight, n_pes, symbol_bits))


@given(grouped_weights(), SYSTEMS, st.integers(1, 6))
def test_random_walks(drawn: tuple[np.ndarray, int], system: NumberSystem, n_pes: int) -> None:
    weight, n_groups = drawn
    taps = layer_taps(weight, n_groups, system)
    rows = weight.shape[1]
    check(build_stream(taps, split_rows=rows * n_groups, n_pes=n_pes, row_bits=64))


def unequal_stream() -> LayerStream:
    """Return a stream whose PEs take two cells a cycle and one."""
    weight = np.zeros((2, 399), np.int16)
    weight[0, ::3] = weight[1, :133] = 85
    return memory_stream(weight, 2, 1)


def test_a_queue_that_is_too_short_stops_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bitfpga.plan.feeding.LEAST_QUEUE", 1)
    stream = unequal_stream()
    feed = check(stream)
    assert feed.queue > 2
    with pytest.raises(AssertionError, match="wait for ever"):
        walked(stream, feed, feed.queue // 4)


def test_a_port_that_is_too_slow_decides() -> None:
    weight = random_weight((64, 90), 30)
    few, many = (check(memory_stream(weight, n_pes)) for n_pes in (3, 48))
    assert few.n_waits < 10
    rows = memory_stream(weight, 48).tap_rows.size
    assert rows <= many.walk_cycles < 1.2 * rows
