"""A design made into a schedule: real index streams, timed FIFOs, resources of what came out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from bitfpga.digits import NumberSystem
from bitfpga.plan.assemble import (
    FIFO_DEPTH,
    is_large,
    join_fifos,
    pool_buffer_rows,
    processes,
)
from bitfpga.plan.fifos import size_fifos
from bitfpga.plan.folded import FoldedArray, fold_array
from bitfpga.plan.processes import Process
from bitfpga.plan.requantising import sum_widths
from bitfpga.plan.resources import HOST_INTERFACE, board_prices, fifo
from bitfpga.plan.schedule import FifoSchedule, LayerSchedule, Resources, Schedule
from bitfpga.plan.search import Design
from bitfpga.plan.step_cost import pool_lines
from bitfpga.plan.steps import POOLS, Pipeline, Step
from bitfpga.plan.streams import bits_per_tap
from bitfpga.plan.timing import Timing, simulate

N_IMAGES, MOST_IMAGES, SETTLED = 3, 40, 4
MOST_BEATS = 3_000_000
ALL_STAGES = 12  # more than the registers of any process and of the fork behind it
TIGHTER = (0.99, 0.97, 0.94, 0.9, 0.85, 0.8)
MEMORY_WEIGHTS = (0.125, 0.25, 0.35, 0.5, 0.7, 1.0, 1.4, 2.0, 2.8, 4.0, 8.0)


@dataclass(frozen=True, eq=False)
class Folded:
    """A design with its real index streams. ``resources``: all but the FIFOs between processes."""

    design: Design
    arrays: dict[str, FoldedArray]
    resources: Resources


def fold_design(design: Design, limit: int) -> Folded:
    """Return ``design`` with its streams; a layer beyond ``limit`` cycles is folded tighter.

    Which memories are LUT RAM is decided again, for what the real streams need: at the prices
    that leave most of the board's scarcer resource.
    """
    space = design.space
    arrays = {name: _folded(design, name, limit) for name in design.foldings}
    priced = {}
    for weight in MEMORY_WEIGHTS:
        prices = board_prices(space.board, weight)
        parts = [
            arrays[step.name].resources(prices)
            if step.name in arrays
            else space.step_costs.resources(step, prices)
            for step in space.pipeline.steps
        ]
        priced[prices] = sum(parts, HOST_INTERFACE)
    prices = min(priced, key=lambda at: space.scarcest(priced[at]))
    return Folded(replace(design, prices=prices), arrays, priced[prices])


def finish(folded: Folded, clock_ns: float, system: NumberSystem) -> Schedule:
    """Return the schedule: the pipeline timed, with FIFOs that never stop it."""
    design, arrays = folded.design, folded.arrays
    space = design.space
    steps = processes(space.pipeline, arrays, space.n_samples)
    depths, timing = _timed(space.pipeline, steps)
    fifos = _fifos(space.pipeline, depths, space.n_samples)
    layers = tuple(
        _layer(step, design, arrays.get(step.name), _busy(steps, step), timing)
        for step in space.pipeline.steps
        if step.kind not in ("load", "store")
    )
    interval = max(process.busy_cycles for process in steps)
    return Schedule(
        network=space.network.name,
        board=space.board,
        clock_ns=clock_ns,
        number_system=system,
        n_samples=space.n_samples,
        beat_pixels=space.beat_pixels,
        layers=layers,
        fifos=fifos,
        interval_cycles=_shared(timing.interval_cycles if timing else interval, arrays),
        latency_cycles=timing.latency_cycles if timing else _path(space.pipeline, steps, arrays),
        simulated=timing is not None and not _shares_port(timing.interval_cycles, arrays),
        resources=sum((fifo(q.depth, q.bits) for q in fifos), folded.resources),
        streams={name: array.stream for name, array in arrays.items()},
    )


def _folded(design: Design, name: str, limit: int) -> FoldedArray:
    """Return the layer with its stream, folded for a tighter limit where it misses ``limit``."""
    space, folding = design.space, design.foldings[name]
    facts, shape = space.facts[name], (space.beat_pixels, space.n_samples, space.streams)
    best = fold_array(facts, folding, *shape)
    for tighter in TIGHTER:
        again = space.options[name].fold(int(limit * tighter), design.prices)
        if best.interval_cycles <= limit or again is None:
            break
        array = fold_array(facts, again, *shape)
        best = min(best, array, key=lambda folded: folded.interval_cycles)
    return best


def _timed(pipeline: Pipeline, steps: tuple[Process, ...]) -> tuple[dict[str, int], Timing | None]:
    """Return FIFO depths and the timing; a network of very many beats is not simulated.

    Then every FIFO into a process of several inputs holds a whole tensor. A simulation goes on
    until the first images have left long ago: only then is the interval that of a full pipeline.
    """
    joins = join_fifos(pipeline)
    if is_large(pipeline):
        whole = {q.name: pipeline.streams[q.stream].n_beats for q in pipeline.fifos}
        return {name: n if name in joins else FIFO_DEPTH for name, n in whole.items()}, None
    depths = {q.name: None if q.name in joins else FIFO_DEPTH for q in pipeline.fifos}
    first = simulate(steps, depths, N_IMAGES)
    n_beats = sum(pipeline.streams[queue.stream].n_beats for queue in pipeline.fifos)
    inside = -(-first.latency_cycles // max(first.interval_cycles, 1))
    n_images = max(N_IMAGES, min(inside + SETTLED, MOST_IMAGES, MOST_BEATS // n_beats))
    return size_fifos(steps, joins, FIFO_DEPTH, n_images)


def _fifos(
    pipeline: Pipeline, depths: Mapping[str, int], n_samples: int
) -> tuple[FifoSchedule, ...]:
    found = []
    for queue in pipeline.fifos:
        stream = pipeline.streams[queue.stream]
        bits = stream.beat_bits * n_samples
        found.append(FifoSchedule(queue.name, depths[queue.name], bits))
    return tuple(found)


def _busy(steps: tuple[Process, ...], step: Step) -> int:
    return next(process.busy_cycles for process in steps if process.name == step.name)


def _shared(interval: int, arrays: Mapping[str, FoldedArray]) -> int:
    """Return the interval where layers that read their taps from memory share its port."""
    from_memory = [
        array.stream.tap_rows.size * array.n_tiles
        for array in arrays.values()
        if array.folding.source == "memory"
    ]
    return max(interval, sum(from_memory))


def _shares_port(interval: int, arrays: Mapping[str, FoldedArray]) -> bool:
    """Whether layers that share the port of memory hold each other up; no simulation sees that."""
    return _shared(interval, arrays) > interval


def _path(pipeline: Pipeline, steps: tuple[Process, ...], arrays: Mapping[str, FoldedArray]) -> int:
    """Return the cycles of one image through the longest path, each process after the one before.

    An upper bound of the latency, for networks that are not simulated.
    """
    done: dict[str, int] = {}
    cycles = {process.name: 2 * process.busy_cycles for process in steps}
    for name, array in arrays.items():
        # The first tile is filled and walked before anything can be emitted.
        first = array.facts.n_fill + array.walk_cycles + array.emit_cycles
        cycles[name] = array.interval_cycles + first
    for step in pipeline.steps:
        start = max((done[stream.name] for stream in step.inputs), default=0)
        end = start + cycles[step.name] + ALL_STAGES
        done[step.output.name if step.output is not None else step.name] = end
    return max(done.values())


def _layer(
    step: Step, design: Design, array: FoldedArray | None, busy: int, timing: Timing | None
) -> LayerSchedule:
    assert step.output is not None
    times = timing.processes[step.name] if timing is not None else None
    common = LayerSchedule(
        name=step.name,
        kind=step.layer.kind if step.layer is not None else "order",
        origin=step.label,
        shape=step.output.tensor.shape,
        process=step.kind,
        n_samples=design.space.n_samples,
        n_pixels=step.output.order.pixels,
        n_outputs=step.output.order.channels,
        interval_cycles=busy,
        bound="elements",
        resources=Resources(),
        first_cycle=times.first[0] if times is not None else 0,
        last_cycle=times.last[0] if times is not None else 0,
    )
    if array is not None:
        return _array_layer(common, array, design)
    accumulator, scaled = sum_widths(step)
    lines = pool_lines(step, design.space.n_samples, design.prices)
    return replace(
        common,
        memories={"lines": lines.style} if lines else {},
        line_kind=lines.kind if lines else "",
        resources=design.space.step_costs.resources(step, design.prices),
        accumulator_bits=accumulator,
        scaled_bits=scaled,
        tile_pixels=step.output.lanes if step.kind in POOLS else 1,
        buffer_rows=pool_buffer_rows(step, step.output.lanes) if step.kind in POOLS else 0,
        bound="window rows" if step.kind in POOLS else "elements",
    )


def _array_layer(common: LayerSchedule, array: FoldedArray, design: Design) -> LayerSchedule:
    facts, folding, stream = array.facts, array.folding, array.stream
    demands, lines = array.demands, array.lines(design.prices)
    return replace(
        common,
        interval_cycles=array.interval_cycles,
        bound=max(demands, key=lambda name: demands[name]),
        resources=array.resources(design.prices),
        accumulator_bits=array.accumulator_bits,
        scaled_bits=facts.scaled_bits,
        buffer_rows=folding.buffer_rows,
        tile_pixels=folding.tile_pixels,
        n_tiles=array.n_tiles,
        n_rows=facts.n_rows,
        n_splits=stream.n_splits,
        split_rows=stream.split_rows,
        source=folding.source if stream.n_taps else "none",
        n_pes=len(stream.pe_split) if stream.n_taps else 0,
        n_slots=stream.job_base.shape[1],
        n_entries=len(stream.entry_output),
        n_pruned=int(np.count_nonzero(stream.entry_pe < 0)),
        n_weights=facts.n_weights,
        n_taps=stream.n_taps,
        symbol_bits=stream.symbol_bits,
        n_tap_rows=stream.tap_rows.shape[1],
        tap_bits=round(bits_per_tap(stream) * stream.n_taps),
        entropy=facts.entropy,
        fill_cycles=facts.n_fill,
        walk_cycles=array.walk_cycles,
        emit_cycles=array.emit_cycles,
        memories=array.styles(design.prices),
        line_kind=lines.kind if lines else "",
    )
