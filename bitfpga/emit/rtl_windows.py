"""Verilog of line buffers, and of the pools that read their windows."""

from __future__ import annotations

from bitfpga.emit.rtl_elements import step_scales
from bitfpga.emit.rtl_part import Part
from bitfpga.emit.rtl_words import Parameter, hex_file, pack
from bitfpga.plan import LayerSchedule, Step, memory_style, step_window, tile_limits

LIMIT_BITS = 24


def pool_part(step: Step, folded: LayerSchedule, n_samples: int) -> Part:
    """Return the process that takes the greatest or the sum of each window."""
    window = step_window(step)
    rows = window.channels * window.kernel[0] * window.kernel[1]
    sizes, data = line_buffer(step, folded, n_samples, rows)
    tensor, bits = step.inputs[0].tensor, step.inputs[0].tensor.bits
    if step.kind == "sum_pool":
        bits = folded.accumulator_bits
    sizes = {"X_BITS": tensor.bits, "X_SIGNED": int(tensor.signed), **sizes}
    sizes["RESULT_STYLE"] = memory_style(2 * window.channels)
    if step.kind == "max_pool":
        return Part("max_pool", sizes, data)
    scales, tables = step_scales(step, folded)
    sizes["SUM_BITS"] = bits
    return Part("sum_pool", {**sizes, **scales}, {**data, **tables})


def line_buffer(
    step: Step, folded: LayerSchedule, n_samples: int, fill_cycles: int
) -> tuple[dict[str, Parameter], dict[str, bytes]]:
    """Return the parameters and the table of a line buffer: see ``line_buffer.v``."""
    window, source = step_window(step), step.inputs[0]
    need, limit = tile_limits(window, folded.tile_pixels, source.lanes, folded.buffer_rows)
    words = pack([(need, LIMIT_BITS), (limit, LIMIT_BITS)])
    parameters: dict[str, Parameter] = {
        "SAMPLES": n_samples,
        "BEAT_PIXELS": source.lanes,
        "TILE_PIXELS": folded.tile_pixels,
        "CHANNELS": window.channels,
        "HEIGHT": window.height,
        "WIDTH": window.width,
        "OUT_HEIGHT": window.out_height,
        "OUT_WIDTH": window.out_width,
        "KERNEL_H": window.kernel[0],
        "KERNEL_W": window.kernel[1],
        "STRIDE_H": window.stride[0],
        "STRIDE_W": window.stride[1],
        "DILATION_H": window.dilation[0],
        "DILATION_W": window.dilation[1],
        "PAD_TOP": window.padding_before[0],
        "PAD_LEFT": window.padding_before[1],
        "BUFFER_ROWS": folded.buffer_rows,
        "FILL_CYCLES": fill_cycles,
        "LIMITS_FILE": "limits",
        "LINE_STYLE": folded.memories["lines"],
        "LINE_KIND": folded.line_kind,
    }
    return parameters, {"limits": hex_file(words, 2 * LIMIT_BITS)}
