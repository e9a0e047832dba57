"""The search for foldings: the fastest or the cheapest that a board has room for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bitfpga.boards import Board
from bitfpga.digits import NumberSystem
from bitfpga.ir import Network
from bitfpga.plan.assemble import (
    FIFO_DEPTH,
    is_large,
    join_fifos,
    waiting_fifos,
)
from bitfpga.plan.facts import ArrayFacts, array_facts, step_window
from bitfpga.plan.folded import StreamCache
from bitfpga.plan.folding import ArrayOptions, Folding
from bitfpga.plan.lower import lower
from bitfpga.plan.resources import (
    HOST_INTERFACE,
    Prices,
    board_prices,
    ceil_div,
    fifo,
)
from bitfpga.plan.schedule import Resources
from bitfpga.plan.step_cost import StepCosts
from bitfpga.plan.steps import ARRAYS, POOLS, Pipeline, Step

PRICE_WEIGHTS = (0.25, 0.35, 0.5, 0.7, 1.0, 1.4, 2.0, 2.8, 4.0)
BEAT_PIXELS = (1, 2, 4, 8)
SAMPLES = (1, 2, 4, 8)
ON_CHIP_ROWS = 1 << 16
ON_CHIP_SHARE = 0.5


@dataclass(frozen=True, eq=False)
class Design:
    """Foldings of all array layers for one shape of beats and one pair of prices."""

    space: DesignSpace
    prices: Prices
    foldings: dict[str, Folding]
    resources: Resources

    @property
    def cost(self) -> float:
        """One number: shares of the board used, at this design's own prices."""
        return float(self.prices.cost(self.resources.luts, self.resources.bram36))


class DesignSpace:
    """All foldings of a network for beats of ``beat_pixels`` pixels of ``n_samples`` samples.

    ``like``: another space of the same network, from which is taken what does not differ.
    """

    def __init__(
        self,
        network: Network,
        board: Board,
        system: NumberSystem,
        beat_pixels: int,
        n_samples: int,
        on_layer: Callable[[str], None] | None = None,
        like: DesignSpace | None = None,
    ) -> None:
        self.network, self.board, self.n_samples = network, board, n_samples
        self.pipeline: Pipeline = lower(network, beat_pixels)
        self.beat_pixels = beat_pixels
        self.streams: StreamCache = like.streams if like is not None else StreamCache()
        self.facts: dict[str, ArrayFacts] = {}
        for step in self.pipeline.steps:
            if step.kind in ARRAYS:
                if on_layer is not None:
                    on_layer(f"planning {step.label}")
                known = like.facts[step.name] if like is not None else None
                self.facts[step.name] = array_facts(step, system, known)
        self.sources = self._choose_sources()
        self.options: dict[str, ArrayOptions] = {}
        for name, facts in self.facts.items():
            other = like.options[name] if like is not None else None
            shape = (self.sources[name], beat_pixels, n_samples)
            self.options[name] = ArrayOptions(facts, *shape, other)
        self._share_port()
        self.shortest = self._shortest()
        self.step_costs = StepCosts(n_samples)
        self._others: dict[float, Resources] = {}

    def _choose_sources(self) -> dict[str, str]:
        """Return where each layer's taps lie; the smallest stay on chip, up to half its memory."""
        room = ON_CHIP_SHARE * self.board.bram36 * 36864
        rows, sources = ON_CHIP_ROWS, {}
        for name in sorted(self.facts, key=lambda name: len(self.facts[name].taps)):
            facts = self.facts[name]
            bits = len(facts.taps) * (facts.entropy * 1.15 + 0.5)
            room, rows = room - bits, rows - ceil_div(int(bits), 36)
            sources[name] = "rom" if min(room, rows) >= 0 else "memory"
        return sources

    def _share_port(self) -> None:
        """Give the layers whose taps lie in memory shares of its port by what they read."""
        rows = sum(options.least_rows for options in self.options.values())
        for options in self.options.values():
            options.port_share = options.least_rows / rows if options.least_rows else 1.0

    def _shortest(self) -> int:
        """Return the cycles of a block below which no folding gets: what cannot be folded."""
        needs = [options.shortest for options in self.options.values()]
        needs.append(sum(options.least_rows for options in self.options.values()))
        for step in self.pipeline.steps:
            streams = [*step.inputs, *([step.output] if step.output is not None else [])]
            for stream in streams:
                elements = stream.tensor.size * self.n_samples
                moved = step.kind in ("load", "store")
                needs.append(elements if moved else stream.n_beats)
            if step.kind in POOLS:
                needs.append(_pool_cycles(step))
        return max(needs)

    def scarcest(self, resources: Resources) -> float:
        """Return the share of the board of what is used most, LUTs or block RAM."""
        blocks = resources.bram36 / self.board.bram36 if self.board.bram36 else 0.0
        return max(resources.luts / self.board.luts, blocks)

    @property
    def slowest(self) -> int:
        """Cycles of a block with one PE a layer and the smallest tiles: no design is smaller."""
        needs = [options.slowest for options in self.options.values()]
        return max([self.shortest, *needs])

    def design(self, limit: int, weight: float) -> Design | None:
        """Return the cheapest design of at most ``limit`` cycles a block; None if there is none."""
        prices = board_prices(self.board, weight)
        if limit < self.shortest:
            return None
        foldings = {}
        total = HOST_INTERFACE + self._other_resources(weight, prices)
        for name, options in self.options.items():
            folding = options.fold(limit, prices)
            if folding is None:
                return None
            foldings[name] = folding
            total += folding.resources
        return Design(self, prices, foldings, total)

    def _other_resources(self, weight: float, prices: Prices) -> Resources:
        if weight not in self._others:
            parts = [
                self.step_costs.resources(step, prices)
                for step in self.pipeline.steps
                if step.kind not in ARRAYS
            ]
            self._others[weight] = sum(parts, self._fifo_resources())
        return self._others[weight]

    def _fifo_resources(self) -> Resources:
        large = is_large(self.pipeline)
        waiting = (join_fifos if large else waiting_fifos)(self.pipeline)
        total = Resources()
        for queue in self.pipeline.fifos:
            stream = self.pipeline.streams[queue.stream]
            # A branch waits about as long as the rows that three windows need.
            share = 1.0 if large else min(1.0, 6 * stream.order.pixels**-0.5)
            share *= queue.name in waiting
            depth = max(FIFO_DEPTH, int(stream.n_beats * share))
            total += fifo(depth, stream.beat_bits * self.n_samples)
        return total

    @property
    def least_fifos(self) -> Resources:
        """What the FIFOs take if none needs more than the default depth."""
        streams = [self.pipeline.streams[queue.stream] for queue in self.pipeline.fifos]
        queues = [fifo(FIFO_DEPTH, stream.beat_bits * self.n_samples) for stream in streams]
        return sum(queues, Resources())


def smallest_true(low: int, high: int, holds: Callable[[int], bool]) -> int | None:
    """Return the least n in low..high for which ``holds``, which must be monotone; else None."""
    if low > high or not holds(high):
        return None
    while low < high:
        middle = (low + high) // 2
        if holds(middle):
            high = middle
        else:
            low = middle + 1
    return low


def _pool_cycles(step: Step) -> int:
    assert step.output is not None
    window = step_window(step)
    rows = window.channels * window.kernel[0] * window.kernel[1]
    return rows * ceil_div(step.output.order.pixels, step.output.lanes)
