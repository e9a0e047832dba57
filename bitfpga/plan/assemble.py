"""The pipeline as timed processes: what ``plan.timing`` simulates."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from bitfpga.plan.facts import step_window
from bitfpga.plan.folded import FoldedArray
from bitfpga.plan.processes import (
    MAP_SUM_STAGES,
    MEMORY_STAGES,
    SUM_STAGES,
    Concat,
    Fork,
    Gather,
    Load,
    Map,
    Process,
    Store,
    Sum,
    requantise_stages,
)
from bitfpga.plan.requantising import requantise_terms
from bitfpga.plan.steps import ARRAYS, JOINS, POOLS, Fifo, Pipeline, Step, Stream, fork_name
from bitfpga.plan.tiled import EMIT_STAGES, POOL_READ_STAGES, Array, Pool, VectorArray
from bitfpga.plan.windows import least_buffer_rows, tile_blocks, tile_limits

MOST_ELEMENTS = 400_000
STAGES_BEFORE_SCALE = {
    "sum_pool": POOL_READ_STAGES,
    "sum_map": MAP_SUM_STAGES,
    "add": SUM_STAGES,
    "scale": 0,
}
FIFO_DEPTH = 32  # what one LUT as a shift register holds


def processes(
    pipeline: Pipeline, arrays: Mapping[str, FoldedArray], n_samples: int
) -> tuple[Process, ...]:
    """Return every process of ``pipeline``, forks included, in an order in which data flows."""
    written = {fifo.writer: fifo for fifo in pipeline.fifos}
    forks = pipeline.forks()
    found: list[Process] = []
    for step in pipeline.steps:
        inputs = tuple(fifo.name for fifo in pipeline.inputs_of(step.name))
        outputs: tuple[str, ...] = ()
        if step.output is not None:
            outputs = (written[step.name].name,)
        found.append(_process(step, inputs, outputs, arrays.get(step.name), n_samples))
        if step.output is not None and step.output.name in forks:
            source = written[step.name].name
            found.append(_fork(step.output, source, forks[step.output.name]))
    return tuple(found)


def is_large(pipeline: Pipeline) -> bool:
    """Whether so many elements travel through a pipeline that it is not simulated."""
    sizes = (pipeline.streams[queue.stream].tensor.size for queue in pipeline.fifos)
    return sum(sizes) > MOST_ELEMENTS


def join_fifos(pipeline: Pipeline) -> set[str]:
    """Return the FIFOs into processes that read several streams: a branch may wait in them."""
    joins = {step.name for step in pipeline.steps if step.kind in JOINS and len(step.inputs) > 1}
    return {fifo.name for fifo in pipeline.fifos if fifo.reader in joins}


def waiting_fifos(pipeline: Pipeline) -> set[str]:
    """Return the ``join_fifos`` whose branch has fewer windows before it than another's.

    Their beats wait for those of the longer branch. Where branches are equally long, all may.
    """
    windows: dict[str, int] = {}
    waiting: set[str] = set()
    for step in pipeline.steps:
        before = [windows[stream.name] for stream in step.inputs]
        if step.kind in JOINS and len(before) > 1:
            equal = min(before) == max(before)
            for queue, n_windows in zip(pipeline.inputs_of(step.name), before, strict=True):
                if equal or n_windows < max(before):
                    waiting.add(queue.name)
        if step.output is not None:
            is_window = step.kind in (*ARRAYS, *POOLS)
            windows[step.output.name] = max(before, default=0) + is_window
    return waiting


def is_sequential(stream: Stream, n_samples: int) -> bool:
    """Whether a stream's elements come in the order of memory: one sample, row by row.

    Then load and store need no memory of their own.
    """
    if n_samples > 1:
        return False
    places = stream.beats.reshape(-1)
    return bool(np.array_equal(places[places >= 0], np.arange(stream.tensor.size)))


def pool_buffer_rows(step: Step, beat_pixels: int) -> int:
    """Return the rows of a pool's line buffer."""
    return least_buffer_rows(step_window(step), step_lanes(step, beat_pixels), step.inputs[0].lanes)


def step_lanes(step: Step, beat_pixels: int) -> int:
    """Return the pixels of a beat that ``step`` writes."""
    return step.output.lanes if step.output is not None else beat_pixels


def step_stages(step: Step) -> int:
    """Return the registers between a step that makes a beat and its FIFO; arrays not counted."""
    if step.kind not in STAGES_BEFORE_SCALE:
        return MEMORY_STAGES
    return STAGES_BEFORE_SCALE[step.kind] + requantise_stages(requantise_terms(step))


def _fork(stream: Stream, source: str, fifos: tuple[Fifo, ...]) -> Process:
    names = tuple(fifo.name for fifo in fifos)
    return Fork(fork_name(stream.name), (source,), names, stream.n_beats)


def _process(
    step: Step,
    inputs: tuple[str, ...],
    outputs: tuple[str, ...],
    array: FoldedArray | None,
    n_samples: int,
) -> Process:
    beats = tuple(stream.n_beats for stream in step.inputs)
    names = (step.name, inputs, outputs)
    if array is not None:
        return _array(names, step, array)
    if step.kind in ("load", "store"):
        stream = step.output if step.output is not None else step.inputs[0]
        whole = 0 if is_sequential(stream, n_samples) else stream.tensor.size * n_samples
        moved = (stream.n_beats, whole, min(stream.lanes, stream.order.pixels))
        return Load(*names, *moved) if step.kind == "load" else Store(*names, *moved)
    assert step.output is not None
    if step.kind in POOLS:
        return _pool(names, step)
    if step.kind == "sum_map":
        n_blocks = beats[0] // step.views[0].channels
        return Sum(*names, step.views[0].channels, n_blocks, stages=step_stages(step))
    if step.kind == "concat":
        channels = tuple(view.channels for view in step.views)
        return Concat(*names, channels, beats[0] // channels[0])
    if step.kind == "gather":
        return Gather(*names, beats, step.output.n_beats)
    return Map(*names, step.output.n_beats, stages=step_stages(step))


def _array(
    names: tuple[str, tuple[str, ...], tuple[str, ...]], step: Step, array: FoldedArray
) -> Process:
    last, n_beats = array.stream.entry_last, step.inputs[0].n_beats
    window = array.facts.window
    stages = EMIT_STAGES + requantise_stages(array.facts.n_terms)
    if window is None:
        after = array.facts.n_fill - n_beats
        walk = array.walk_cycles
        skew = array.skew
        return VectorArray(*names, n_beats, walk, last, rows_after=after, skew=skew, stages=stages)
    folding = array.folding
    need, limit = tile_limits(
        window, folding.tile_pixels, step.inputs[0].lanes, folding.buffer_rows
    )
    blocks = tile_blocks(array.facts.n_pixels, folding.tile_pixels, array.beat_pixels)
    fill = array.facts.n_fill
    return Array(
        *names,
        n_beats,
        need,
        limit,
        fill,
        blocks,
        array.walk_cycles,
        last,
        skew=array.skew,
        stages=stages,
    )


def _pool(names: tuple[str, tuple[str, ...], tuple[str, ...]], step: Step) -> Process:
    assert step.output is not None
    window, lanes = step_window(step), step.output.lanes
    rows = pool_buffer_rows(step, lanes)
    need, limit = tile_limits(window, lanes, step.inputs[0].lanes, rows)
    fill = window.channels * window.kernel[0] * window.kernel[1]
    blocks = tile_blocks(step.output.order.pixels, lanes, lanes)
    n_beats = step.inputs[0].n_beats
    stages = step_stages(step)
    return Pool(*names, n_beats, need, limit, fill, blocks, window.channels, stages=stages)
