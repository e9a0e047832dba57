"""Every file of a project's ``hls/`` folder, as bytes by relative path."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from bitfpga.emit.arrays import packed_rows, step_arrays
from bitfpga.emit.black_boxes import box_descriptions, emit_black_boxes
from bitfpga.emit.calls import fifo_texts, process_calls
from bitfpga.emit.render import BANNER, render
from bitfpga.emit.structs import layer_struct, tensor_structs
from bitfpga.interface import Interface
from bitfpga.ir import IntArray, Network
from bitfpga.paths import include_dir
from bitfpga.plan import (
    ARRAYS,
    Pipeline,
    Schedule,
    lower,
    planned_stream,
    step_sums,
)

CLOCK_UNCERTAINTY = 0.125


def emit_sources(
    network: Network,
    schedule: Schedule,
    interface: Interface,
    golden_x: IntArray,
    golden_y: IntArray,
    on_layer: Callable[[str], None] | None = None,
    *,
    black_boxes: bool = False,
) -> dict[str, bytes]:
    """Return the files of ``hls/``: sources, headers, settings, testbench, golden vectors.

    ``golden_x`` [n, *input shape] and ``golden_y`` [n, *output shape] are the reference's.
    ``black_boxes``: the top function has RTL black boxes for arrays, whose files are there too;
    ``PlanError`` where that cannot be.
    """
    boxes = emit_black_boxes(network, schedule, on_layer) if black_boxes else {}
    context, taps = _context(network, schedule, on_layer)
    context |= _top_context(interface, len(golden_x), context["n_tap_rows"])
    context["black_boxes"] = box_descriptions(boxes)
    files = boxes | {f"include/bitfpga/{p.name}": p.read_bytes() for p in _headers()}
    for name in ("network.hpp", "network_data.hpp", "top.hpp", "top.cpp", "top_types.hpp"):
        files[name] = render(f"{name}.j2", **context)
    for name in ("host.hpp", "simulate.cpp", "testbench.cpp", "threads.cpp"):
        files[f"testbench/{name}"] = render(f"{name}.j2", **context)
    files["hls_config.cfg"] = render(
        "hls_config.cfg.j2",
        board=schedule.board,
        clock_ns=round(schedule.clock_ns, 3),
        clock_uncertainty_ns=round(schedule.clock_ns * CLOCK_UNCERTAINTY, 3),
        name=network.name,
        taps_in_memory=context["taps_in_memory"],
        black_boxes=context["black_boxes"],
    )
    files["testbench/golden_x.bin"] = np.ascontiguousarray(golden_x).tobytes()
    files["testbench/golden_y.bin"] = np.ascontiguousarray(golden_y).tobytes()
    if taps:
        files["taps.bin"] = b"".join(taps)
    return files


def _headers() -> list[Any]:
    return sorted((include_dir() / "bitfpga").glob("*.hpp"))


def _context(
    network: Network, schedule: Schedule, on_layer: Callable[[str], None] | None
) -> tuple[dict[str, Any], list[bytes]]:
    """Return what the templates print, and the streams that are read from memory."""
    pipeline = lower(network, schedule.beat_pixels)
    structs, arrays, taps, offset = tensor_structs(pipeline), [], [], 0
    for step in pipeline.steps:
        if step.kind in ("load", "store"):
            continue
        if on_layer is not None:
            on_layer(f"writing {step.label}")
        folded, stream, sums = schedule.layer(step.name), None, None
        if step.kind in ARRAYS:
            stream = planned_stream(step, schedule)
            sums = step_sums(step, schedule.number_system)
        structs.append(layer_struct(step, folded, stream, offset, sums))
        arrays += step_arrays(step, folded, stream, sums)
        if stream is not None and folded.source == "memory":
            taps.append(packed_rows(stream))
            offset += stream.tap_rows.size
    context = {
        "banner": BANNER,
        "network": network,
        "schedule": schedule,
        "structs": structs,
        "arrays": arrays,
        "fifos": fifo_texts(pipeline, schedule),
        "calls": process_calls(pipeline, schedule),
        "taps_in_memory": bool(taps),
        "n_tap_rows": offset,
        "main_tile": _main_tile(schedule),
        "most_beats": _most_beats(pipeline),
        "layer_numbers": {layer.name: n for n, layer in enumerate(network.layers)},
        "input_type": f"{network.input.dtype.name}_t",
        "output_type": f"{network.output.dtype.name}_t",
    }
    return context, taps


def _top_context(interface: Interface, n_golden: int, n_tap_rows: int) -> dict[str, Any]:
    """Return what only the top function and its callers print.

    A depth is the elements that the testbench shares with the core where Vitis simulates both.
    """
    depths = {
        "x": n_golden * interface.input.size,
        "y": n_golden * interface.output.size,
        "taps": n_tap_rows,
    }
    in_memory = [name for name in interface.registers if name in depths]
    in_streams = [name for name in ("x", "y") if name not in in_memory]
    scalars = [name for name in interface.registers if name not in depths]
    pragmas = [f"axis port = {name}" for name in in_streams]
    pragmas += [
        f"m_axi port = {name} bundle = gmem_{name} offset = slave depth = {depths[name]}"
        for name in in_memory
    ]
    pragmas += [f"s_axilite port = {name}" for name in (*scalars, "return")]
    return {
        "interface": interface,
        "axi_dma": interface.kind == "axi_dma",
        "taps": "taps" if interface.taps_from_memory else "nullptr",
        "top_pragmas": pragmas,
    }


def _main_tile(schedule: Schedule) -> int:
    """Return the pixels of a tile in the layer that takes most of a simulation."""
    arrays = [layer for layer in schedule.layers if layer.process == "window_array"]
    busiest = max(arrays, key=lambda layer: layer.n_taps * layer.n_tiles, default=None)
    return busiest.tile_pixels if busiest is not None else 1


def _most_beats(pipeline: Pipeline) -> int:
    return max(stream.n_beats for stream in pipeline.streams.values())


def render_readme(network: Network, schedule: Schedule) -> bytes:
    """Return the three lines that say what the folder is."""
    return render("README.md.j2", name=network.name, board=schedule.board)
