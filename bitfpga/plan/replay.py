"""A schedule's pipeline simulated again, for as many images as somebody else has run."""

from __future__ import annotations

from bitfpga.digits import NumberSystem
from bitfpga.ir import Network
from bitfpga.plan.assemble import processes
from bitfpga.plan.facts import array_facts
from bitfpga.plan.folded import FoldedArray
from bitfpga.plan.folding import Folding
from bitfpga.plan.layer_stream import layer_stream
from bitfpga.plan.lower import lower
from bitfpga.plan.schedule import LayerSchedule, Schedule
from bitfpga.plan.steps import ARRAYS, Step
from bitfpga.plan.streams import LayerStream
from bitfpga.plan.tap_words import NO_CODE
from bitfpga.plan.timing import Timing, simulate


def replay(network: Network, schedule: Schedule, n_images: int) -> Timing:
    """Return the timing of the first ``n_images`` blocks of samples, at least 2, as planned.

    The FIFOs are those of ``schedule``, whether it was simulated or not, and whether it came from
    ``plan`` or was read from a file.
    """
    pipeline = lower(network, schedule.beat_pixels)
    arrays = {
        step.name: folded_array(step, schedule) for step in pipeline.steps if step.kind in ARRAYS
    }
    depths = {fifo.name: fifo.depth for fifo in schedule.fifos}
    return simulate(processes(pipeline, arrays, schedule.n_samples), depths, n_images)


def planned_stream(step: Step, schedule: Schedule) -> LayerStream:
    """Return the index stream that planning built, or build it again."""
    folded = schedule.layer(step.name)
    if schedule.streams is not None and folded.n_taps:
        return schedule.streams[step.name]
    return layer_stream(step, folded, schedule.number_system)


def folded_array(step: Step, schedule: Schedule) -> FoldedArray:
    """Return an array layer as the schedule folds it."""
    layer = schedule.layer(step.name)
    facts = array_facts(step, NumberSystem(schedule.number_system))
    stream = planned_stream(step, schedule)
    assert step.output is not None
    return FoldedArray(
        facts, _folding(layer, stream), stream, step.output.lanes, schedule.n_samples
    )


def _folding(layer: LayerSchedule, stream: LayerStream) -> Folding:
    source = "memory" if layer.source == "memory" else "rom"
    n_pes = len(stream.pe_split)
    coded = stream.symbol_bits != NO_CODE
    sizes = (layer.tile_pixels, layer.split_rows, coded, n_pes, layer.buffer_rows)
    return Folding(*sizes, source, 0.0, layer.resources)
