"""``bitfpga synth``: the Verilog of a project, simulated or synthesised by open tools."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from bitfpga.cli_options import Folder, Json, chosen_inputs, print_json, warn_changed
from bitfpga.emit import emit_rtl
from bitfpga.errors import UsageError
from bitfpga.interface import Kind
from bitfpga.ir import IntArray
from bitfpga.project import emit, emit_verilog
from bitfpga.project_folder import SYNTH, ProjectFolder, check_replaceable, open_project
from bitfpga.report import facts_table, print_whole
from bitfpga.report.area import area_lines
from bitfpga.synth.checks import check_cycles, check_values
from bitfpga.synth.simulation import RUN_LIMIT_S, RtlResult, simulate_rtl
from bitfpga.synth.yosys import synthesise
from bitfpga.terminal import err, out

DEFAULT_CYCLES = 1_000_000
LEAST_BLOCKS = 4
IP_SCRIPT, HLS_CONFIG = "package_ip.tcl", "hls/hls_config.cfg"


class Tool(str, Enum):
    """What ``synth`` does with the Verilog."""

    VERILATOR = "verilator"
    YOSYS = "yosys"
    VERILOG = "verilog"
    BLACK_BOX = "black-box"


WRITES = (Tool.VERILOG, Tool.BLACK_BOX)


def synth_command(
    folder: Folder,
    tool: Annotated[
        Tool,
        typer.Option(
            help="Simulate cycle by cycle (verilator), synthesise (yosys), only write the files "
            "(verilog), or write the HLS project with its arrays as RTL black boxes (black-box)."
        ),
    ] = Tool.VERILATOR,
    inputs: Annotated[
        Path | None,
        typer.Option(
            "--input",
            help="verilator: an .npy file of samples (default: the network's test vectors, else "
            f"random samples, as many as make {DEFAULT_CYCLES:,} cycles).",
        ),
    ] = None,
    gaps: Annotated[
        int | None,
        typer.Option(help="verilator: seed of random gaps in the input and stops of the output."),
    ] = None,
    waveform: Annotated[
        Path | None, typer.Option(help="verilator: write every signal to this .vcd or .fst.")
    ] = None,
    limit_s: Annotated[
        float, typer.Option("--limit-s", help="Longest time the tool may run, in seconds.")
    ] = RUN_LIMIT_S,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="verilog, black-box: the folder to write.")
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="verilog, black-box: replace a folder bitfpga made.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Write the project as Verilog, and simulate or synthesise that."""
    if tool is not Tool.VERILATOR and (inputs, gaps, waveform) != (None, None, None):
        raise UsageError("--input, --gaps and --waveform are for --tool verilator")
    if tool not in WRITES and (output is not None or force):
        raise UsageError("--output and --force are for --tool verilog and black-box")
    if not limit_s > 0:
        raise UsageError(f"--limit-s {limit_s:g}: must be above 0")
    _check_simulation(gaps, waveform)
    project = open_project(folder)
    warn_changed(project)
    if tool in WRITES:
        _write(project, tool, output, force, as_json)
    elif tool is Tool.YOSYS:
        _synthesise(project, limit_s, as_json)
    else:
        _simulate(project, inputs, gaps, waveform, limit_s, as_json)


def _check_simulation(gaps: int | None, waveform: Path | None) -> None:
    """Raise ``UsageError`` where an option of the simulation makes no sense."""
    if gaps is not None and gaps < 0:
        raise UsageError(f"--gaps {gaps}: a seed is 0 or more")
    if waveform is not None and waveform.suffix not in (".fst", ".vcd"):
        raise UsageError(f"--waveform {waveform}: the name must end in .fst or .vcd")


def _simulate(
    project: ProjectFolder,
    inputs: Path | None,
    gaps: int | None,
    waveform: Path | None,
    limit_s: float,
    as_json: bool,
) -> None:
    x = _samples(project, inputs)
    with err.status("compiling and simulating the Verilog"):
        result = simulate_rtl(
            project.path,
            project.network,
            project.schedule,
            x,
            gaps_seed=gaps,
            waveform=waveform,
            limit_s=limit_s,
        )
    with err.status("comparing with the reference and the plan"):
        check_values(project.path, project.network, x, result)
        n_compared = check_cycles(project.path, project.network, project.schedule, result)
    document = rtl_document(project, result, n_compared)
    if as_json:
        print_json(document)
        return
    title = f"RTL simulation of {project.network.name} (Verilator)"
    print_whole(out, [title, facts_table(rtl_rows(document))])


def _samples(project: ProjectFolder, path: Path | None) -> IntArray:
    """Return the inputs; where nobody asked for these, no more than take reasonably long."""
    x = chosen_inputs(project, path)
    if path is not None:
        return x
    n_blocks = max(LEAST_BLOCKS, DEFAULT_CYCLES // project.schedule.interval_cycles)
    return x[: n_blocks * project.schedule.n_samples]


def rtl_document(project: ProjectFolder, result: RtlResult, n_compared: int) -> dict[str, Any]:
    """Return what ``synth --tool verilator --json`` prints of a simulation that is right."""
    schedule = project.schedule
    return {
        "folder": str(project.path),
        "tool": "verilator",
        "changed": list(project.changed),
        "n_samples": len(result.y),
        "bit_exact": True,
        "cycle_exact": bool(n_compared),
        "blocks_compared_by_cycle": n_compared,
        "gaps": result.gaps,
        "latency_cycles": result.latency_cycles,
        "interval_cycles": result.interval_cycles,
        "planned_latency_cycles": schedule.latency_cycles,
        "planned_interval_cycles": schedule.interval_cycles,
        "cycles": result.cycles,
        "compiled": result.compiled,
        "compile_cpu_seconds": result.compile_seconds,
        "run_seconds": result.seconds,
    }


def rtl_rows(document: dict[str, Any]) -> list[tuple[str, str]]:
    """Return names and values of ``rtl_document`` for people."""
    compared = f"yes, in each of {document['blocks_compared_by_cycle']:,} blocks of samples"
    why_not = "with gaps" if document["gaps"] else "the plan's cycles are bounds"
    if not document["n_samples"]:
        why_not = "no samples"
    compiled = f"{document['compile_cpu_seconds']:.1f} CPU s"
    return [
        ("samples", f"{document['n_samples']:,}"),
        ("equal to the reference", "yes, bit for bit"),
        (
            "equal to the planned cycles",
            compared if document["cycle_exact"] else f"not compared ({why_not})",
        ),
        ("latency", _cycles(document, "latency_cycles")),
        ("interval", _cycles(document, "interval_cycles")),
        ("compiled", compiled if document["compiled"] else "nothing to do"),
        ("ran", f"{document['run_seconds']:.1f} s for {document['cycles']:,} cycles"),
    ]


def _cycles(document: dict[str, Any], name: str) -> str:
    measured = document[name]
    text = f"{measured:,} cycles" if measured is not None else "not measured"
    return f"{text} (planned: {document[f'planned_{name}']:,})"


def _write(
    project: ProjectFolder, tool: Tool, output: Path | None, force: bool, as_json: bool
) -> None:
    """Write the Verilog, or the HLS project with black boxes, to a folder of its own."""
    if output is None:
        raise UsageError(f"--tool {tool.value} writes a folder: name it with -o DIR")
    check_replaceable(output.absolute(), force)
    network, schedule = project.network, project.schedule
    with err.status("writing the Verilog") as status:

        def show(line: str) -> None:
            status.update(escape(line))

        if tool is Tool.VERILOG:
            written = emit_verilog(network, schedule, show)
            following = f"an IP for Vivado: there, vivado -mode batch -source {IP_SCRIPT}"
        else:
            kind = project.interface.kind if project.interface else Kind.M_AXI.value
            written = emit(network, schedule, show, interface=kind, black_boxes=True)
            following = (
                f"its C models: bitfpga csim {output} --checked; for Vitis HLS: {HLS_CONFIG}"
            )
    folder = written.write(output, force=force)
    n_files = len(written.files) + 1
    if as_json:
        document = {"folder": str(project.path), "tool": tool.value, "output": str(folder)}
        print_json({**document, "changed": list(project.changed), "n_files": n_files})
        return
    print_whole(out, [f"wrote {n_files} files to {folder}", following])


def _synthesise(project: ProjectFolder, limit_s: float, as_json: bool) -> None:
    files = emit_rtl(project.network, project.schedule)
    with err.status("synthesising the Verilog") as status:
        report = synthesise(
            files,
            project.schedule,
            project.path / SYNTH,
            limit_s=limit_s,
            on_block=lambda line: status.update(escape(line)),
        )
    document = report.to_document()
    if as_json:
        changed = list(project.changed)
        print_json({"folder": str(project.path), "changed": changed, **document})
        return
    print_whole(out, area_lines(document, project.schedule, out))
