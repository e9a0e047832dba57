"""What an array layer asks of the hardware whatever the folding: taps, window, proven widths."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from bitfpga.digits import Digits, NumberSystem, to_digits
from bitfpga.ir import AvgPool, Conv, Dense, MaxPool, accumulator_range
from bitfpga.plan.multipliers import to_terms
from bitfpga.plan.requantising import channel_multipliers, scaled_width
from bitfpga.plan.scale_cost import ScaleCost, scale_cost
from bitfpga.plan.shared_sums import GroupSums, group_sums, minority_digits
from bitfpga.plan.steps import Step
from bitfpga.plan.taps import Taps, digit_taps, layer_taps, tap_entropy
from bitfpga.plan.widths import HornerRange, horner_range, signed_bits
from bitfpga.plan.windows import Window

Int64 = npt.NDArray[np.int64]
_CHUNK_ELEMENTS = 1 << 18


@dataclass(frozen=True, eq=False)
class ArrayFacts:
    """One array layer's demands.

    ``taps``: on window rows, in the order rows are filled. ``window``: None for a vector layer,
    whose rows are its input as it arrives. ``sums``: rows after those, shared sums of ``bbs``.
     ``n_fill``: cycles to fill a tile, one of them for the
    row of zeros. ``widths``: of the
    accumulators; ``scaled_bits``: of a sum on its way through the requantiser, whose constants
    cost ``scale``.
    """

    step: Step
    taps: Taps
    sums: GroupSums | None
    window: Window | None
    n_fill: int
    n_pixels: int
    n_weights: int
    entropy: float
    widths: HornerRange
    scaled_bits: int
    n_terms: int
    scale: ScaleCost
    input_bits: int

    @property
    def layer(self) -> Dense | Conv:
        """The layer itself."""
        assert isinstance(self.step.layer, Dense | Conv)
        return self.step.layer

    @property
    def n_outputs(self) -> int:
        """Output channels."""
        return self.taps.n_outputs

    @property
    def n_rows(self) -> int:
        """Rows of the window."""
        return self.taps.n_rows

    def accumulator_bits(self, in_parts: bool) -> int:
        """Return the bits of an accumulator; ``in_parts`` where several sums make an output."""
        if in_parts:
            return signed_bits(-self.widths.magnitude, self.widths.magnitude)
        return signed_bits(self.widths.low, self.widths.high)


def array_facts(step: Step, system: NumberSystem, known: ArrayFacts | None = None) -> ArrayFacts:
    """Return the facts of an array step. ``PlanError`` for what its requantiser cannot do.

    ``known``: those of the same layer for another number of pixels in a beat; they are the same
    where rows come from a window, or arrive in the same order.
    """
    if known is not None and _same_rows(step, known.step):
        return replace(known, step=step)
    layer = step.layer
    assert isinstance(layer, Dense | Conv)
    stream = step.inputs[0]
    sums = step_sums(step, system)
    taps = step_taps(step, system)
    multiplier, bias = channel_multipliers(layer)
    terms = to_terms(multiplier)
    least, greatest = accumulator_range(layer, (stream.tensor,))
    scaled = scaled_width(terms, bias, layer.requantise, least, greatest)
    window = step_window(step) if step.kind == "window_array" else None
    widths = _widths(step, system, sums)
    n_sum_rows = sums.n_rows if sums is not None else 0
    n_window_rows = taps.n_rows - n_sum_rows
    value_bits = signed_bits(-widths.magnitude, widths.magnitude)
    scaled = max(scaled, value_bits)
    return ArrayFacts(
        step=step,
        taps=taps,
        window=window,
        sums=sums,
        n_fill=1 + n_sum_rows + (n_window_rows if window is not None else stream.n_beats),
        n_pixels=step.output.order.pixels if step.output is not None else 1,
        n_weights=layer.weight.size,
        entropy=tap_entropy(taps),
        widths=widths,
        scaled_bits=scaled,
        n_terms=terms.n_terms,
        scale=scale_cost(multiplier << taps.trailing, bias, layer.requantise, scaled, value_bits),
        input_bits=stream.tensor.bits,
    )


def window_weight(step: Step) -> tuple[npt.NDArray[np.int16], int]:
    """Return the weights by window row, int16 [n_outputs, rows of a group], and the groups.

    A vector layer's rows are the elements as they arrive; lanes without an element weigh 0.
    """
    layer = step.layer
    if isinstance(layer, Conv):
        return layer.weight.reshape(len(layer.weight), -1), layer.groups
    assert isinstance(layer, Dense)
    if step.kind == "window_array":
        return layer.weight, 1
    arrival = step.inputs[0].beats.reshape(-1)
    weight = layer.weight[:, np.maximum(arrival, 0)]
    weight[:, arrival < 0] = 0
    return weight, 1


def step_sums(step: Step, system: NumberSystem) -> GroupSums | None:
    """Return the shared sums of a layer under ``bbs``; None for a layer that has csd digits."""
    layer = step.layer
    assert isinstance(layer, Dense | Conv)
    in_groups = isinstance(layer, Conv) and layer.groups > 1
    if system is not NumberSystem.BBS or layer.bit_groups is None or in_groups:
        return None
    return group_sums(_arrival(step), layer.bit_groups, step.types[0])


def step_taps(step: Step, system: NumberSystem) -> Taps:
    """Return the taps of an array step on its window rows, then on the rows of shared sums."""
    sums = step_sums(step, system)
    if sums is not None:
        return digit_taps(_minority_digits(step, sums))
    weight, n_groups = window_weight(step)
    return layer_taps(weight, n_groups, system)


def step_window(step: Step) -> Window:
    """Return the window of a step that reads a map; a map of one axis has height 1."""
    layer, view, output = step.layer, step.views[0], step.output
    assert output is not None
    one, none = (1, 1), (0, 0)
    if isinstance(layer, Dense):
        size = view.pixels
        return Window(view.channels, 1, size, 1, size, one, one, one, none)
    assert isinstance(layer, Conv | MaxPool | AvgPool)
    kernel = layer.weight.shape[2:] if isinstance(layer, Conv) else layer.kernel
    rank = len(kernel)
    dilation = (1,) * rank if isinstance(layer, AvgPool) else layer.dilation
    before = tuple(first for first, _ in layer.padding)
    height, width = _two(step.types[0].shape[-rank:], 1)
    out_height, out_width = _two(layer.output.shape[-rank:], 1)
    return Window(
        view.channels,
        height,
        width,
        out_height,
        out_width,
        _two(kernel, 1),
        _two(layer.stride, 1),
        _two(dilation, 1),
        _two(before, 0),
    )


def _arrival(step: Step) -> Int64:
    """Return the input of each window row: int64 [n_rows], -1 for a lane without an element."""
    layer = step.layer
    assert isinstance(layer, Dense | Conv)
    if step.kind == "vector_array":
        return step.inputs[0].beats.reshape(-1)
    return np.arange(layer.weight[0].size)


def _same_rows(step: Step, other: Step) -> bool:
    if step.kind != other.kind:
        return False
    same = np.array_equal(step.inputs[0].beats, other.inputs[0].beats)
    return step.kind == "window_array" or same


def _minority_digits(step: Step, sums: GroupSums) -> Digits:
    layer = step.layer
    assert isinstance(layer, Dense | Conv)
    assert layer.bit_groups is not None
    weight = layer.weight.reshape(len(layer.weight), -1)
    return minority_digits(weight, _arrival(step), layer.bit_groups, sums)


def _widths(step: Step, system: NumberSystem, sums: GroupSums | None) -> HornerRange:
    if sums is not None:
        return horner_range(_minority_digits(step, sums), step.types[0])
    weight, _ = window_weight(step)
    found = HornerRange(0, 0, 0)
    rows = max(1, _CHUNK_ELEMENTS // weight.shape[1])
    for first in range(0, len(weight), rows):
        digits = to_digits(weight[first : first + rows], system)
        found = found.joined(horner_range(digits, step.types[0]))
    return found


def _two(values: tuple[int, ...], missing: int) -> tuple[int, int]:
    """Return one or two numbers as two, (vertical, horizontal)."""
    return (values[0], values[1]) if len(values) == 2 else (missing, values[0])
