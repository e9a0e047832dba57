"""Sizes of tensors and layers as the constants of their C++ structs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from bitfpga.ir import Conv, Dense, Requantise, Table, TensorType
from bitfpga.plan import (
    ARRAYS,
    JOINS,
    POOLS,
    GroupSums,
    LayerSchedule,
    LayerStream,
    Order,
    Pipeline,
    Step,
    Stream,
    element_multipliers,
    step_window,
)


@dataclass(frozen=True)
class Struct:
    """One struct: ``types`` are aliases, ``sizes`` unsigned, ``flags`` bool, ``limits`` wide."""

    name: str
    types: dict[str, str] = field(default_factory=dict)
    sizes: dict[str, int] = field(default_factory=dict)
    flags: dict[str, bool] = field(default_factory=dict)
    limits: dict[str, int] = field(default_factory=dict)


def tensor_structs(pipeline: Pipeline) -> list[Struct]:
    """Return the struct of every stream, and of every other view that a process has of one."""
    structs = [
        _tensor(f"Tensor_{stream.name}", stream.tensor, stream.order, stream)
        for stream in pipeline.streams.values()
    ]
    for step in pipeline.steps:
        for position, (stream, view) in enumerate(zip(step.inputs, step.views, strict=True)):
            if _differs(stream, view):
                name = input_struct(step, position)
                structs.append(_tensor(name, stream.tensor, view, stream))
    return structs


def input_struct(step: Step, position: int) -> str:
    """Return the struct that describes input ``position`` as ``step`` sees it."""
    stream, view = step.inputs[position], step.views[position]
    return f"View{position}_{step.name}" if _differs(stream, view) else f"Tensor_{stream.name}"


def layer_struct(
    step: Step,
    folded: LayerSchedule,
    stream: LayerStream | None,
    tap_offset: int,
    sums: GroupSums | None = None,
) -> Struct:
    """Return the struct of a process that is neither load, store nor fork."""
    assert step.output is not None
    types = {"Output": f"Tensor_{step.output.name}"}
    inputs = [input_struct(step, i) for i in range(len(step.inputs))]
    if step.kind in JOINS:
        types["Inputs"] = f"bitfpga::Tensors<{', '.join(inputs)}>"
    else:
        types["Input"] = inputs[0]
    sizes = {
        "kAccumulatorBits": folded.accumulator_bits,
        "kScaledBits": max(folded.scaled_bits, folded.accumulator_bits),
    }
    limits = {}
    if step.kind == "window_array" or step.kind in POOLS:
        sizes |= _window_sizes(step, folded)
    if step.kind in ARRAYS:
        assert stream is not None
        sizes |= _array_sizes(folded, stream, tap_offset)
    if sums is not None:
        sizes |= {"kSumGroups": sums.n_groups, "kSumLowBits": sums.low_bits}
    if step.kind == "gather":
        sizes["kSourceRows"] = sum(source.beats.size for source in step.inputs)
    requantise: Requantise | None = getattr(step.layer, "requantise", None)
    if requantise is not None:
        sizes["kShift"] = requantise.shift
        limits = {"kHalf": requantise.half, "kLow": requantise.low, "kHigh": requantise.high}
        if not isinstance(step.layer, Dense | Conv):
            sizes["kScaleMode"] = element_multipliers(step, requantise)[2]
    if isinstance(step.layer, Table):
        limits = {"kTableLow": step.layer.low}
    return Struct(f"Layer_{step.name}", types, sizes, {}, limits)


def _tensor(name: str, tensor: TensorType, order: Order, stream: Stream) -> Struct:
    channel_stride, pixel_stride = order.strides or (0, 0)
    sizes = {
        "kBits": tensor.bits,
        "kChannels": order.channels,
        "kPixels": order.pixels,
        "kBeatPixels": stream.lanes,
        "kChannelStride": channel_stride,
        "kPixelStride": pixel_stride,
        "kBeats": stream.n_beats,
    }
    return Struct(name, sizes=sizes, flags={"kSigned": tensor.signed})


def _differs(stream: Stream, view: Order) -> bool:
    return stream.order.index.shape != view.index.shape


def _window_sizes(step: Step, folded: LayerSchedule) -> dict[str, int]:
    window = step_window(step)
    (kernel_y, kernel_x), (stride_y, stride_x) = window.kernel, window.stride
    return {
        "kHeight": window.height,
        "kWidth": window.width,
        "kOutHeight": window.out_height,
        "kOutWidth": window.out_width,
        "kKernelHeight": kernel_y,
        "kKernelWidth": kernel_x,
        "kStrideY": stride_y,
        "kStrideX": stride_x,
        "kDilationY": window.dilation[0],
        "kDilationX": window.dilation[1],
        "kPadTop": window.padding_before[0],
        "kPadLeft": window.padding_before[1],
        "kTilePixels": folded.tile_pixels,
        "kTiles": -(-window.out_height * window.out_width // folded.tile_pixels),
        "kWindowRows": window.channels * kernel_y * kernel_x,
        "kBufferRows": folded.buffer_rows,
    }


def _array_sizes(folded: LayerSchedule, stream: LayerStream, tap_offset: int) -> dict[str, Any]:
    return {
        "kWindowRows": folded.n_rows,
        "kSplits": stream.n_splits,
        "kSplitRows": stream.split_rows,
        "kSpan": stream.span,
        "kSymbolBits": stream.symbol_bits,
        "kCellsPerRow": stream.cells_per_row,
        "kTapRows": max(stream.tap_rows.shape[1], 1),
        "kTapOffset": tap_offset,
        "kPes": len(stream.pe_split),
        "kSlots": stream.job_base.shape[1],
        "kEntries": len(stream.entry_output),
    }
