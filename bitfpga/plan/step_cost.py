"""What a process without PEs is estimated to cost: its memories as built, its logic, its control.

Memories lie where ``memory_style`` says, but a line buffer, which lies where it costs least.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from bitfpga.ir import Add, Table
from bitfpga.plan.assemble import is_sequential, pool_buffer_rows
from bitfpga.plan.facts import step_window
from bitfpga.plan.line_buffers import LineBuffer, line_buffer
from bitfpga.plan.moves import gather_places
from bitfpga.plan.multipliers import to_terms
from bitfpga.plan.requantising import element_multipliers, sum_widths
from bitfpga.plan.resources import (
    Prices,
    address_bits,
    as_resources,
    picker,
    styled_memory,
)
from bitfpga.plan.scale_cost import differing_bits, scale_cost
from bitfpga.plan.schedule import Resources
from bitfpga.plan.steps import POOLS, Step, Stream

Cost = npt.NDArray[np.float64]  # LUTs, RAMB36
CONTROL = 4  # of a process that only waits for beats and places
TURNS = 10  # of two memories in turn, or of inputs in turn
POOL_RESULTS = 12
COUNTER_BIT = 3  # a bit of the beats counted


class StepCosts:
    """Prices the steps without PEs of one network, each but once: only line buffers have prices."""

    def __init__(self, n_samples: int) -> None:
        self.n_samples = n_samples
        self._known: dict[str, Cost] = {}

    def resources(self, step: Step, prices: Prices) -> Resources:
        """Return the estimate of a step without PEs."""
        if step.name not in self._known:
            self._known[step.name] = _cost(step, self.n_samples)
        luts, bram36 = self._known[step.name]
        lines = pool_lines(step, self.n_samples, prices)
        if lines is not None:
            luts, bram36 = luts + lines.luts, bram36 + lines.bram36
        return as_resources(luts, bram36)


def pool_lines(step: Step, n_samples: int, prices: Prices) -> LineBuffer | None:
    """Return the line buffer of a pool, None for any other step."""
    if step.kind not in POOLS or step.output is None:
        return None
    lanes, bits = step.output.lanes, step.types[0].bits * n_samples
    rows = pool_buffer_rows(step, lanes)
    return line_buffer(step_window(step), lanes, step.inputs[0].lanes, rows, bits, prices)


def _cost(step: Step, n_samples: int) -> Cost:
    """Return LUTs and RAMB36 of a step, all but a line buffer."""
    output = step.output
    if output is None:
        return _store(step.inputs[0], n_samples)
    match step.kind:
        case "load":
            return _load(output, n_samples)
        case "gather":
            return _gather(step, n_samples)
        case "concat":
            return _logic(TURNS + output.beat_bits * n_samples)
        case "table":
            return _table(step, n_samples)
        case "max_pool" | "sum_pool":
            return _pool(step, n_samples)
        case "sum_map":
            return _sum_map(step, n_samples)
        case _:
            return _sums(step, n_samples)


def _logic(luts: float) -> Cost:
    return np.array([luts, 0.0])


def _memory(rows: int, bits: int, *, read_only: bool = False) -> Cost:
    return np.array([float(part) for part in styled_memory(rows, bits, read_only=read_only)])


def _counted(n: int) -> int:
    return COUNTER_BIT * int(address_bits(n))


def _load(stream: Stream, n_samples: int) -> Cost:
    """Elements to lanes as they come, or by way of a memory for each lane of each sample."""
    if is_sequential(stream, n_samples):
        return _logic(CONTROL)
    bits, pixels = stream.tensor.bits, stream.order.pixels
    lanes = min(stream.lanes, pixels)
    empty = -pixels % lanes  # lanes of the last block, which are made 0
    luts = TURNS + _counted(stream.n_beats) + (lanes + empty * bits) * n_samples
    memory = _memory(max(2 * stream.n_beats, 4), bits)
    return _logic(luts) + memory * lanes * n_samples


def _store(stream: Stream, n_samples: int) -> Cost:
    """Elements of a beat one after the other, or by way of a memory of whole beats."""
    bits, lanes = stream.tensor.bits, min(stream.lanes, stream.order.pixels)
    if is_sequential(stream, n_samples):
        return _logic(CONTROL + lanes * bits * (lanes > 1))
    width = stream.lanes * n_samples * bits
    picked = int(picker(stream.lanes, n_samples * bits)) + int(picker(n_samples, bits))
    luts = TURNS + _counted(stream.n_beats) + picked
    if stream.n_beats == 1:
        return _logic(luts + width)  # two beats in registers
    return _logic(luts) + _memory(2 * stream.n_beats, width)


def _gather(step: Step, n_samples: int) -> Cost:
    """A copy of the memory for lanes that read the same beats, and the table of what they read.

    Left out are lanes that are always zero; of a copy, lanes of a beat that nobody reads; of the
    table, bits that are the same in every word.
    """
    output = step.output
    assert output is not None
    bits, lanes = output.tensor.bits * n_samples, max(stream.lanes for stream in step.inputs)
    n_beats = sum(stream.n_beats for stream in step.inputs)
    beat, lane, is_zero = gather_places(step)
    read = [set(column.tolist()) for column in lane.T]
    copies: dict[bytes, set[int]] = {}
    for places, used, zero in zip(beat.T, read, is_zero.T, strict=True):
        if not zero.all():
            copies.setdefault(places.tobytes(), set()).update(used)
    luts = TURNS + _counted(n_beats) + _counted(output.n_beats)
    luts += lanes * bits * (len(step.inputs) - 1)
    luts += sum(int(picker(len(used), bits)) for used in read)
    cost = _logic(luts)
    for used in copies.values():
        cost = cost + _memory(max(2 * n_beats, 4), len(used) * bits)
    varying = sum(differing_bits(column) for part in (beat, lane, is_zero) for column in part.T)
    return cost + _memory(output.n_beats, varying, read_only=True)


def _table(step: Step, n_samples: int) -> Cost:
    """A table for each value of a beat."""
    layer, output = step.layer, step.output
    assert isinstance(layer, Table)
    assert output is not None
    memory = _memory(len(layer.table), output.tensor.bits, read_only=True)
    return _logic(CONTROL) + memory * output.lanes * n_samples


def _pool(step: Step, n_samples: int) -> Cost:
    """The result so far of each lane, and the results of two tiles."""
    output = step.output
    assert output is not None
    lanes, kept, requantised = output.lanes * n_samples, step.types[0].bits, _logic(0)
    if step.kind == "sum_pool":
        kept, requantised = sum_widths(step)[0], _requantise(step, lanes)
    results = _memory(2 * step_window(step).channels, lanes * kept)
    return _logic(POOL_RESULTS + lanes * kept) + results + requantised


def _sum_map(step: Step, n_samples: int) -> Cost:
    """The sum of a beat, added to that of the beats before it."""
    source, view, bits = step.inputs[0], step.views[0], sum_widths(step)[0]
    pixels, n_blocks = min(source.lanes, view.pixels), source.n_beats // view.channels
    adders = n_samples * bits * (pixels - (n_blocks == 1))
    cost = _requantise(step, n_samples) + _logic(CONTROL + adders)
    if view.channels > 1 and n_blocks > 1:
        cost = cost + _memory(view.channels, n_samples * bits)
    return cost


def _sums(step: Step, n_samples: int) -> Cost:
    """The weighted sum of the inputs, or the one input, requantised."""
    lanes, adders = step.inputs[0].lanes * n_samples, 0
    if isinstance(step.layer, Add):
        terms = to_terms(np.array(step.layer.weights, np.int64))
        adders = max(int(np.count_nonzero(terms.signs)) - 1, 0) * sum_widths(step)[0]
    return _requantise(step, lanes) + _logic(CONTROL + lanes * adders)


def _requantise(step: Step, lanes: int) -> Cost:
    """The requantiser of ``lanes`` lanes and the table of its constants."""
    requantise, output = getattr(step.layer, "requantise", None), step.output
    assert requantise is not None
    assert output is not None
    accumulator, scaled = sum_widths(step)
    multiplier, bias, mode = element_multipliers(step, requantise)
    found = scale_cost(multiplier, bias, requantise, scaled, accumulator)
    words = output.lanes if mode == 2 else 1
    table = _memory(-(-len(multiplier) // words), found.word_bits * words, read_only=True)
    return _logic(lanes * found.lane_luts) + (table if found.rows > 1 else 0)
