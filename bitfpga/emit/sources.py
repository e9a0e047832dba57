"""Every file of a project's ``hls/`` folder, as bytes by relative path."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from bitfpga.emit.arrays import dense_arrays, elementwise_arrays
from bitfpga.emit.configs import layer_config, tensor_config
from bitfpga.emit.dataflow import OUTPUT_CONFIG, build_dataflow, forked_tensors
from bitfpga.emit.render import render
from bitfpga.ir import Dense, IntArray, Network
from bitfpga.paths import include_dir
from bitfpga.plan import LayerStream, Schedule, layer_stream

CLOCK_UNCERTAINTY = 0.125
BANNER = "Written by bitfpga; edit the network or the library, not this file."


def emit_sources(
    network: Network,
    schedule: Schedule,
    golden_x: IntArray,
    golden_y: IntArray,
    on_layer: Callable[[str], None] | None = None,
) -> dict[str, bytes]:
    """Return the files of ``hls/``: sources, headers, settings, testbench, golden vectors.

    ``golden_x`` [n, *input shape] and ``golden_y`` [n, *output shape] are the reference's.
    """
    context, taps = _context(network, schedule, on_layer)
    context["n_golden"] = len(golden_x)
    files = {f"include/bitfpga/{p.name}": p.read_bytes() for p in _headers()}
    for name in ("network.hpp", "network_data.hpp", "top.hpp", "top.cpp"):
        files[name] = render(f"{name}.j2", **context)
    for name in ("simulate.cpp", "testbench.cpp"):
        files[f"testbench/{name}"] = render(f"{name}.j2", **context)
    files["hls_config.cfg"] = render(
        "hls_config.cfg.j2",
        board=schedule.board,
        clock_ns=schedule.clock_ns,
        clock_uncertainty_ns=round(schedule.clock_ns * CLOCK_UNCERTAINTY, 3),
        name=network.name,
        taps_in_memory=context["taps_in_memory"],
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
    layers, taps, offset = [], [], 0
    for layer in network.layers:
        if on_layer is not None:
            on_layer(f"writing {layer.label}")
        if layer.kind == "reshape":
            continue
        folded = schedule.layer(layer.name)
        stream: LayerStream | None = None
        if isinstance(layer, Dense):
            stream = layer_stream(layer, schedule)
            arrays = dense_arrays(layer, folded, stream)
        else:
            arrays = elementwise_arrays(layer, network.input_types(layer))
        config = layer_config(network, layer, folded, stream, offset)
        if stream is not None and folded.source == "memory":
            taps.append(np.ascontiguousarray(stream.words.T).tobytes())
            offset += stream.words.size
        layers.append({"name": layer.name, "arrays": arrays, **config})
    configs = [{"struct": f"Layer_{x['name']}", **x} for x in layers]
    configs += [
        {"struct": f"Tensor_{name}", **tensor_config((tensor,))}
        for name, tensor in forked_tensors(network)
    ]
    configs.append({"struct": OUTPUT_CONFIG, **tensor_config((network.output,))})
    widths = [s.word_bits for s in schedule.layers if s.source == "memory"]
    context = {
        "banner": BANNER,
        "network": network,
        "schedule": schedule,
        "layers": layers,
        "configs": configs,
        "dataflow": build_dataflow(network, schedule),
        "taps_in_memory": bool(taps),
        "n_taps_words": offset,
        "tap_type": f"uint{max(widths, default=16)}_t",
        "input_type": f"{network.input.dtype.name}_t",
        "output_type": f"{network.output.dtype.name}_t",
    }
    return context, taps


def render_readme(network: Network, schedule: Schedule) -> bytes:
    """Return the three lines that say what the folder is."""
    return render("README.md.j2", name=network.name, board=schedule.board)
