"""Planning: engine, folding, tap order, widths, exact cycles and resource estimates."""

from bitfpga.plan.alone import Alone, alone
from bitfpga.plan.assemble import is_sequential
from bitfpga.plan.decoding import read_stream
from bitfpga.plan.facts import step_sums, step_taps, step_window
from bitfpga.plan.feeding import TapFeed, tap_feed
from bitfpga.plan.layer_stream import layer_stream
from bitfpga.plan.line_memory import line_memory
from bitfpga.plan.lower import lower
from bitfpga.plan.moves import gather_places
from bitfpga.plan.multipliers import Terms, to_terms
from bitfpga.plan.orders import Order
from bitfpga.plan.planner import plan
from bitfpga.plan.replay import planned_stream, replay
from bitfpga.plan.requantising import channel_multipliers, element_multipliers
from bitfpga.plan.resources import memory_style
from bitfpga.plan.schedule import (
    FifoSchedule,
    LayerSchedule,
    Resources,
    Schedule,
    Target,
    schedule_from_json,
)
from bitfpga.plan.shared_sums import GroupSums
from bitfpga.plan.steps import ARRAYS, JOINS, POOLS, Fifo, Pipeline, Step, Stream, fork_name
from bitfpga.plan.streams import LayerStream
from bitfpga.plan.windows import tile_blocks, tile_limits

__all__ = [
    "ARRAYS",
    "JOINS",
    "POOLS",
    "Alone",
    "Fifo",
    "FifoSchedule",
    "GroupSums",
    "LayerSchedule",
    "LayerStream",
    "Order",
    "Pipeline",
    "Resources",
    "Schedule",
    "Step",
    "Stream",
    "TapFeed",
    "Target",
    "Terms",
    "alone",
    "channel_multipliers",
    "element_multipliers",
    "fork_name",
    "gather_places",
    "is_sequential",
    "layer_stream",
    "line_memory",
    "lower",
    "memory_style",
    "plan",
    "planned_stream",
    "read_stream",
    "replay",
    "schedule_from_json",
    "step_sums",
    "step_taps",
    "step_window",
    "tap_feed",
    "tile_blocks",
    "tile_limits",
    "to_terms",
]
