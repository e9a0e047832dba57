"""Every file of a schedule's Verilog: the top module, its tables, and the library beside it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bitfpga.emit.render import BANNER, render
from bitfpga.emit.rtl_arrays import array_part
from bitfpga.emit.rtl_elements import add_part, scale_part, sum_part
from bitfpga.emit.rtl_ends import load_part, store_part, tdata_bits
from bitfpga.emit.rtl_ip import package_script
from bitfpga.emit.rtl_moves import concat_part, fork_part, gather_part, table_part
from bitfpga.emit.rtl_part import Part
from bitfpga.emit.rtl_windows import pool_part
from bitfpga.emit.rtl_wiring import Process, Wiring, instance_name, table_file, tap_port
from bitfpga.emit.rtl_words import hex_file
from bitfpga.ir import Network
from bitfpga.paths import rtl_dir
from bitfpga.plan import (
    ARRAYS,
    POOLS,
    Pipeline,
    Schedule,
    Step,
    fork_name,
    lower,
    planned_stream,
    step_sums,
)


def emit_rtl(
    network: Network, schedule: Schedule, on_layer: Callable[[str], None] | None = None
) -> dict[str, bytes]:
    """Return the Verilog of ``schedule``: ``bitfpga_top.v``, its tables ``*.mem``, ``lib/*.v``, and
    ``package_ip.tcl``, which makes an IP for Vivado of them.

    A layer whose taps come from memory has an AXI-Stream of its own, ``s_axis_taps_<layer>``; a
    file of that name, ``.bin``, holds a tile's rows, raw uint64, which are sent for every tile.
    ``on_layer`` is called with a line of progress, once a layer.
    """
    pipeline = lower(network, schedule.beat_pixels)
    depths = {fifo.name: fifo.depth for fifo in schedule.fifos}
    wiring = Wiring(pipeline, depths, schedule.n_samples)
    files = {f"lib/{path.name}": path.read_bytes() for path in sorted(rtl_dir().glob("*.v"))}
    for process, part in _parts(network, schedule, pipeline, on_layer):
        wiring.add(process, part)
        for name, data in part.data.items():
            files[table_file(instance_name(process.name), name)] = data
        if part.feed is not None:
            files[f"{tap_port(process.name)}.bin"] = part.feed.rows
        for pe, rom in enumerate(part.roms):
            if not rom.in_luts:
                table = table_file(instance_name(process.name), f"taps{pe}")
                files[table] = hex_file(rom.words, rom.bits)
    files["bitfpga_top.v"] = render("rtl_top.v.j2", **_context(network, schedule, wiring))
    files["package_ip.tcl"] = package_script(network, schedule, wiring.tap_ports)
    return files


def _parts(
    network: Network,
    schedule: Schedule,
    pipeline: Pipeline,
    on_layer: Callable[[str], None] | None,
) -> list[tuple[Process, Part]]:
    """Return every process of the pipeline, forks included, and what it becomes."""
    forks = pipeline.forks()
    found = []
    for step in pipeline.steps:
        if on_layer is not None and step.layer is not None:
            on_layer(f"writing {step.label} as Verilog")
        written = tuple(queue for queue in pipeline.fifos if queue.writer == step.name)
        process = Process(
            step.name, pipeline.inputs_of(step.name), written, step.inputs, step.output
        )
        found.append((process, _part(step, network, schedule)))
        if step.output is not None and step.output.name in forks:
            copies, name = forks[step.output.name], fork_name(step.output.name)
            fork = Process(name, written, copies, (step.output,), step.output)
            found.append((fork, fork_part(step.output, schedule.n_samples, len(copies))))
    return found


def _part(step: Step, network: Network, schedule: Schedule) -> Part:
    n_samples = schedule.n_samples
    if step.kind == "load":
        assert step.output is not None
        return load_part(step.output, n_samples)
    if step.kind == "store":
        return store_part(step.inputs[0], n_samples, network.output)
    if step.kind in MOVES:
        return MOVES[step.kind](step, n_samples)
    folded = schedule.layer(step.name)
    if step.kind in ARRAYS:
        sums = step_sums(step, schedule.number_system)
        return array_part(step, folded, planned_stream(step, schedule), n_samples, sums)
    if step.kind in POOLS:
        return pool_part(step, folded, n_samples)
    return ELEMENTS[step.kind](step, folded, n_samples)


MOVES = {"concat": concat_part, "gather": gather_part, "table": table_part}
ELEMENTS = {"scale": scale_part, "add": add_part, "sum_map": sum_part}


def _context(network: Network, schedule: Schedule, wiring: Wiring) -> dict[str, Any]:
    return {
        "banner": BANNER,
        "name": network.name,
        "board": schedule.board.name,
        "n_samples": schedule.n_samples,
        "input_label": network.input.label,
        "output_label": network.output.label,
        "in_bits": tdata_bits(network.input),
        "out_bits": tdata_bits(network.output),
        "tap_ports": wiring.tap_ports,
        "wires": wiring.wires,
        "instances": wiring.instances,
    }
