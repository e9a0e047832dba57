"""Planning: engine, folding, tap order, widths, exact cycles and resource estimates."""

from bitfpga.plan.facts import channel_multipliers, element_multipliers
from bitfpga.plan.multipliers import Terms, to_terms
from bitfpga.plan.planner import layer_stream, layer_streams, plan
from bitfpga.plan.readers import tensor_readers
from bitfpga.plan.schedule import (
    LayerSchedule,
    LayerStream,
    Resources,
    Schedule,
    Target,
    schedule_from_json,
)
from bitfpga.plan.streams import read_stream

__all__ = [
    "LayerSchedule",
    "LayerStream",
    "Resources",
    "Schedule",
    "Target",
    "Terms",
    "channel_multipliers",
    "element_multipliers",
    "layer_stream",
    "layer_streams",
    "plan",
    "read_stream",
    "schedule_from_json",
    "tensor_readers",
    "to_terms",
]
