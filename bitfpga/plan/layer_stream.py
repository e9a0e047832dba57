"""The index stream of a layer as a schedule folds it: the schedule itself holds only sizes."""

from __future__ import annotations

from bitfpga.digits import NumberSystem
from bitfpga.plan.facts import step_taps
from bitfpga.plan.resources import ROW_BITS
from bitfpga.plan.schedule import LayerSchedule
from bitfpga.plan.steps import Step
from bitfpga.plan.streams import LayerStream, build_stream


def layer_stream(step: Step, folded: LayerSchedule, system: NumberSystem) -> LayerStream:
    """Return the stream of array step ``step``; one idle PE where the layer has no taps."""
    return build_stream(
        step_taps(step, system),
        split_rows=folded.split_rows,
        n_pes=max(folded.n_pes, 1),
        row_bits=ROW_BITS["memory" if folded.source == "memory" else "rom"],
        symbol_bits=folded.symbol_bits,
    )
