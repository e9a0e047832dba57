"""``bitfpga synth --tool vitis``: the vendor's tools, their progress and their figures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rich import box
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from bitfpga.cli_options import print_json
from bitfpga.project_folder import ProjectFolder
from bitfpga.report import facts_table, print_whole
from bitfpga.report.columns import resource_text
from bitfpga.terminal import err, out, say
from bitfpga.vitis import FlowResult, Step, run_flow

LIMIT_S = 12 * 3600.0
_COUNTS = (("luts", "LUT"), ("ffs", "FF"), ("bram36", "BRAM36"), ("uram", "URAM"), ("dsp", "DSP"))


def run_vitis(project: ProjectFolder, until: Step, limit_s: float, as_json: bool) -> None:
    """Run the flow with its progress on stderr, and print what it found."""
    with err.status(f"{until.value}: looking at what is there") as status:
        result = run_flow(
            project,
            until,
            limit_s=limit_s,
            on_step=say,
            on_line=lambda line: status.update(escape(line[: max(err.width - 4, 20)])),
        )
    document = vitis_document(project, until, result)
    if as_json:
        print_json(document)
        return
    name, part = project.schedule.network, project.schedule.board.part
    title = f"{name} for {part} by the vendor's tools, until {until.value}"
    print_whole(out, [title, _area_table(project, result), facts_table(vitis_rows(document))])


def vitis_document(project: ProjectFolder, until: Step, result: FlowResult) -> dict[str, Any]:
    """Return what ``synth --tool vitis --json`` prints."""
    return {
        "folder": str(project.path),
        "tool": "vitis",
        "until": until.value,
        "changed": list(project.changed),
        "core": result.core.vlnv,
        "kind": result.core.kind,
        "steps": {
            step.value: {
                "tool": done.tool,
                "version": done.version,
                "seconds": done.seconds,
                "ran": step in result.ran,
            }
            for step, done in result.done.items()
        },
        "csynth": result.csynth.to_document(),
        "cosim": result.cosim,
        "impl": result.impl.to_document() if result.impl else None,
        "bit": _text(result.bit),
        "hwh": _text(result.hwh),
        "warnings": list(result.warnings),
    }


def vitis_rows(document: dict[str, Any]) -> list[tuple[str, str]]:
    """Return names and values of ``vitis_document`` for people, areas left out."""
    csynth, impl = document["csynth"], document["impl"]
    rows = [
        ("core", f"{document['core']} ({document['kind']})"),
        ("HLS: estimated period", f"{csynth['estimated_ns']:g} of {csynth['target_ns']:g} ns"),
        ("HLS: latency", _cycles(csynth["latency_cycles"])),
        ("HLS: interval", _cycles(csynth["interval_cycles"])),
    ]
    if document["cosim"]:
        rows.append(("co-simulation", "equal to the C++, value by value"))
    if impl:
        slacks = f"setup {impl['wns_ns']:g} ns, hold {impl['whs_ns']:g} ns"
        rows.append(("routed: worst slack", f"{slacks}: every path is in time"))
    if document["bit"]:
        rows += [("bitstream", document["bit"]), ("hand-off", document["hwh"])]
    return rows


def _area_table(project: ProjectFolder, result: FlowResult) -> Table:
    """Return a table of what is estimated, what is routed, and what the board has."""
    board, plan = project.schedule.board, project.schedule.resources
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    table.add_column("")
    for _, header in _COUNTS:
        table.add_column(header, justify="right", no_wrap=True)
    planned = {"luts": plan.luts, "ffs": plan.ffs, "bram36": plan.bram36}
    rows: list[tuple[str, dict[str, Any]]] = [("plan's estimate", planned)]
    rows.append((f"{result.csynth.area.tool}, estimate", result.csynth.area.total.to_document()))
    if result.impl:
        if result.impl.accelerator:
            rows.append(("routed, core alone", result.impl.accelerator.to_document()))
        rows.append(("routed, with PS and buses", result.impl.area.total.to_document()))
    limits = {"luts": board.luts, "ffs": board.ffs, "bram36": board.bram36}
    rows.append(("the board has", {**limits, "uram": board.uram, "dsp": board.dsps}))
    for label, area in rows:
        cells = [resource_text(area[name]) if name in area else "" for name, _ in _COUNTS]
        table.add_row(*map(Text, (label, *cells)))
    return table


def _cycles(cycles: tuple[int, int] | None) -> str:
    if cycles is None:
        return "depends on the number of samples"
    least, most = cycles
    return f"{least:,} cycles" if least == most else f"{least:,} to {most:,} cycles"


def _text(path: Path | None) -> str | None:
    return str(path) if path else None
