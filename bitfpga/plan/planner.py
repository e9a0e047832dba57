"""``plan``: Network and board in, Schedule out."""

from __future__ import annotations

import math
from collections.abc import Callable

from bitfpga.boards import Board
from bitfpga.digits import NumberSystem
from bitfpga.errors import PlanError
from bitfpga.ir import INPUT, Dense, Network
from bitfpga.plan.facts import collect_facts
from bitfpga.plan.folding import choose_sources, fold_layer, memory_word_bits, smallest_true
from bitfpga.plan.readers import fork_cycles
from bitfpga.plan.resources import TOP_CONTROL
from bitfpga.plan.schedule import LayerSchedule, LayerStream, Resources, Schedule, Target
from bitfpga.plan.streams import build_stream

COLUMN_CHOICES = (1, 2, 4, 8)


class _Planner:
    """The facts of one network on one board, and the schedules they allow."""

    def __init__(
        self,
        network: Network,
        board: Board,
        clock_ns: float,
        system: NumberSystem,
        on_layer: Callable[[str], None] | None,
    ) -> None:
        self.network, self.board, self.clock_ns, self.system = network, board, clock_ns, system
        self.facts = collect_facts(network, system, on_layer)
        self.sources = choose_sources(self.facts, board)
        self.word_bits = memory_word_bits(self.facts, self.sources)
        self.forks = fork_cycles(network)
        self.limits = Resources(board.luts, board.ffs, board.bram36)

    def schedule(self, limit: int, n_columns: int) -> Schedule:
        """Return the schedule that folds every layer to at most ``limit`` cycles a block.

        Input and output move one element a cycle, as ``load_block`` and ``store_block`` do.
        """
        layers = tuple(
            fold_layer(
                fact, self.sources[fact.layer.name], self.word_bits, limit, n_columns, self.board
            )
            for fact in self.facts
        )
        load, store = (
            tensor.size * n_columns for tensor in (self.network.input, self.network.output)
        )
        from_memory = sum(layer.walk_cycles for layer in layers if layer.source == "memory")
        intervals = [layer.interval_cycles for layer in layers]
        return Schedule(
            network=self.network.name,
            board=self.board,
            clock_ns=self.clock_ns,
            number_system=self.system,
            n_columns=n_columns,
            layers=layers,
            interval_cycles=max(load, store, from_memory, *self.forks.values(), *intervals),
            latency_cycles=load + store + self._longest_path(layers),
            resources=sum((layer.resources for layer in layers), TOP_CONTROL),
        )

    def _longest_path(self, layers: tuple[LayerSchedule, ...]) -> int:
        own = {layer.name: layer.latency_cycles for layer in layers}
        done = {INPUT: self.forks.get(INPUT, 0)}
        for layer in self.network.layers:
            start = max(done[name] for name in layer.inputs)
            cycles = own.get(layer.name, 0) + self.forks.get(layer.name, 0)
            done[layer.name] = start + cycles
        return done[self.network.layers[-1].name]

    def fits(self, schedule: Schedule, shares: dict[str, float]) -> bool:
        """Whether the estimate stays within the given shares of the board."""
        return all(
            getattr(schedule.resources, name) <= getattr(self.limits, name) * share
            for name, share in shares.items()
        )

    def slowest_limit(self) -> int:
        """Cycles of a block with one PE a layer: no folding is smaller."""
        return max((max(f.n_words, f.n_outputs) * f.n_rows for f in self.facts), default=1)


def plan(
    network: Network,
    board: Board,
    *,
    clock_ns: float | None = None,
    number_system: NumberSystem = NumberSystem.CSD,
    target: Target | None = None,
    on_layer: Callable[[str], None] | None = None,
) -> Schedule:
    """Return the schedule of ``network`` on ``board``.

    Without a target: the shortest interval that fits 85 % of LUTs and flip-flops and 90 % of
    block RAM, one sample at a time, with the fewest PEs of that interval. With one: the smallest
    design that reaches it. ``PlanError`` when the board is too small or the target out of reach,
    with the figures and the flag that helps. ``on_layer`` is called with a line of progress for
    each layer.
    """
    target = target or Target()
    period_ns = board.clock_ns if clock_ns is None else clock_ns
    _check_settings(period_ns, target)
    planner = _Planner(network, board, period_ns, number_system, on_layer)
    slowest = planner.slowest_limit()
    smallest = planner.schedule(slowest, 1)
    if not planner.fits(smallest, target.shares):
        raise PlanError(_too_small(smallest, board, target))
    if target.fps is not None:
        schedule = _for_rate(planner, target, slowest)
    elif target.latency_us is not None:
        schedule = _for_latency(planner, target, slowest)
    else:
        limit = smallest_true(
            1, slowest, lambda n: planner.fits(planner.schedule(n, 1), target.shares)
        )
        assert limit is not None
        schedule = _give_back(planner, planner.schedule(limit, 1), target)
    return schedule


def layer_streams(network: Network, schedule: Schedule) -> dict[str, LayerStream]:
    """Return the index stream of every dense layer of ``schedule`` by layer name."""
    streams = {}
    for layer in network.layers:
        if isinstance(layer, Dense):
            streams[layer.name] = layer_stream(layer, schedule)
    return streams


def layer_stream(layer: Dense, schedule: Schedule) -> LayerStream:
    """Return the index stream of one dense layer as ``schedule`` folds it."""
    folded = schedule.layer(layer.name)
    return build_stream(layer.weight, schedule.number_system, folded.n_pes, folded.word_bits)


def _check_settings(clock_ns: float, target: Target) -> None:
    values = {
        "--clock-ns": clock_ns,
        "--target-latency-us": target.latency_us,
        "--target-fps": target.fps,
    }
    for flag, value in values.items():
        if value is not None and not (math.isfinite(value) and value > 0):
            raise PlanError(f"{flag} {value}: must be a number above 0")
    if not 1.0 <= clock_ns <= 1000.0:
        raise PlanError(f"--clock-ns {clock_ns}: 1 to 1000 ns are supported")
    if target.latency_us is not None and target.fps is not None:
        raise PlanError("give --target-latency-us or --target-fps, not both")


def _for_latency(planner: _Planner, target: Target, slowest: int) -> Schedule:
    wanted = target.latency_us
    assert wanted is not None
    reaches = smallest_true(
        0, slowest - 1, lambda n: planner.schedule(slowest - n, 1).latency_us <= wanted
    )
    if reaches is not None:
        schedule = planner.schedule(slowest - reaches, 1)
        if planner.fits(schedule, target.shares):
            return schedule
    fastest = _fastest(planner, target, slowest, (1,))
    raise PlanError(_out_of_reach(f"latency {wanted} us", fastest))


def _for_rate(planner: _Planner, target: Target, slowest: int) -> Schedule:
    wanted = target.fps
    assert wanted is not None
    found = []
    for n_columns in COLUMN_CHOICES:
        limit = math.floor(n_columns * 1e9 / (wanted * planner.clock_ns))
        # A rate this plan itself reported asks for a whole number of cycles; division rounds.
        if n_columns * 1e9 / ((limit + 1) * planner.clock_ns) >= wanted:
            limit += 1
        if limit < 1:
            continue
        schedule = planner.schedule(min(limit, slowest), n_columns)
        if schedule.samples_per_second >= wanted and planner.fits(schedule, target.shares):
            found.append(schedule)
    if not found:
        fastest = _fastest(planner, target, slowest, COLUMN_CHOICES)
        raise PlanError(_out_of_reach(f"{wanted} samples/s", fastest))
    return min(found, key=lambda s: (s.resources.luts, s.n_columns))


def _fastest(planner: _Planner, target: Target, slowest: int, choices: tuple[int, ...]) -> Schedule:
    """Return the schedule of most samples a second that fits, over these column counts."""
    best = []
    for n_columns in choices:
        limit = smallest_true(
            1,
            slowest,
            lambda n, v=n_columns: planner.fits(planner.schedule(n, v), target.shares),  # type: ignore[misc]
        )
        if limit is not None:
            best.append(planner.schedule(limit, n_columns))
    return max(best, key=lambda s: s.samples_per_second)


def _give_back(planner: _Planner, schedule: Schedule, target: Target) -> Schedule:
    """Return ``schedule`` without the PEs that cannot shorten its interval."""
    leaner = planner.schedule(schedule.interval_cycles, schedule.n_columns)
    return leaner if planner.fits(leaner, target.shares) else schedule


def _too_small(smallest: Schedule, board: Board, target: Target) -> str:
    over = []
    for name, share in target.shares.items():
        need, have = getattr(smallest.resources, name), getattr(board, name) * share
        if need > have:
            over.append(f"{need:,.0f} {name} of {have:,.0f} ({need - have:,.0f} too many)")
    return (
        f"{board.name} is too small even for one PE a layer: estimated {', '.join(over)}; "
        "choose a larger --board, or a network with fewer inputs and digits"
    )


def _out_of_reach(wanted: str, best: Schedule) -> str:
    return (
        f"{wanted} is out of reach on {best.board.name} at {best.clock_ns} ns: the best that fits "
        f"is {best.latency_us:.3g} us and {best.samples_per_second:,.0f} samples/s; relax the "
        "target, lower --clock-ns, choose a larger --board or prune more digits"
    )
