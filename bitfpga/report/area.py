"""What synthesis found, as a table for people at a terminal, beside what the plan estimated."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich import box
from rich.console import Console, RenderableType
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from bitfpga.plan import Schedule
from bitfpga.report.columns import WHOLE, resource_text

# Parts that are shown as one row each, by the role the document gives them.
_TOGETHER = (("fifo", "FIFOs"), ("process", "load, store, forks"), ("top", "between them"))
_NO_LIMIT = 10_000
_COUNTS = ("luts", "ffs", "bram36")


def area_lines(
    document: Mapping[str, Any], schedule: Schedule, console: Console
) -> list[RenderableType]:
    """Return title, table and notes of ``AreaReport.to_document()``.

    The plan's estimates are left out where ``console`` is too narrow for them.
    """
    board = schedule.board
    title = f"{schedule.network} mapped for {board.part} by {document['tool']}"
    table = _table(document, schedule, estimates=True)
    least = Measurement.get(console, console.options.update_width(_NO_LIMIT), table).minimum
    if least > console.width:
        table = _table(document, schedule, estimates=False)
    return [Text(title), table, *map(Text, _notes(document, schedule))]


def _table(document: Mapping[str, Any], schedule: Schedule, *, estimates: bool) -> Table:
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, collapse_padding=True)
    table.add_column("layer", overflow="fold", min_width=18, max_width=40)
    for header in ("LUT", "FF", "BRAM36"):
        table.add_column(header, justify="right", no_wrap=True)
        if estimates:
            table.add_column(f"{header}\nest.", justify="right", no_wrap=True)
    table.add_column("DSP", justify="right", no_wrap=True)
    table.add_column("logic\ndelay", justify="right", no_wrap=True)
    parts: Sequence[Mapping[str, Any]] = document["parts"]
    origins = {layer.name: layer.origin for layer in schedule.layers}
    for part in parts:
        if part["role"] == "layer":
            delay = _delay(part["logic_delay"])
            label = origins.get(part["name"], part["name"])
            table.add_row(*_cells(label, part["area"], part["estimate"], delay, estimates))
    for role, label in _TOGETHER:
        several = [part for part in parts if part["role"] == role]
        if several:
            table.add_row(*_together(label, several, estimates))
    table.add_section()
    whole = _delay(document["logic_delay"])
    table.add_row(*_cells(WHOLE, document["total"], document["estimate"], whole, estimates))
    return table


def _together(label: str, parts: Sequence[Mapping[str, Any]], estimates: bool) -> tuple[Text, ...]:
    """Return the row of several parts: sums, and the longest delay."""
    names = (*_COUNTS, "dsp")
    area = {name: sum(part["area"][name] for part in parts) for name in names}
    known = [part["estimate"] for part in parts if part["estimate"] is not None]
    estimate = {name: sum(one[name] for one in known) for name in _COUNTS} if known else None
    delays = [part["logic_delay"] for part in parts if part["logic_delay"] is not None]
    longest = max(delays, key=lambda delay: int(delay["ps"]), default=None)
    return _cells(label, area, estimate, _delay(longest), estimates)


def _cells(
    label: str,
    area: Mapping[str, Any],
    estimate: Mapping[str, Any] | None,
    delay: str,
    estimates: bool,
) -> tuple[Text, ...]:
    cells = [label]
    for name in _COUNTS:
        cells.append(resource_text(area[name]))
        if estimates:
            cells.append(resource_text(estimate[name]) if estimate is not None else "")
    return tuple(Text(cell) for cell in (*cells, f"{area['dsp']:,}", delay))


def _delay(delay: Mapping[str, Any] | None) -> str:
    return "" if delay is None else f"{delay['ps'] / 1000:.2f} ns"


def _notes(document: Mapping[str, Any], schedule: Schedule) -> list[str]:
    """Return the lines below the table, each short enough for any terminal."""
    total, board = document["total"], schedule.board
    shares = [
        f"{total[name] / most:.0%} of {resource_text(most)} {header}"
        for name, most, header in (
            ("luts", board.luts, "LUT"),
            ("ffs", board.ffs, "FF"),
            ("bram36", board.bram36, "BRAM36"),
        )
        if most
    ]
    lines = [
        f"of the board: {', '.join(shares)}",
        "est.: the plan's estimate; everything else: mapped cells, not placed, not routed",
    ]
    delay = document["logic_delay"]
    if delay is None:
        return [*lines, "logic delay: Yosys has none for the cells of this family"]
    lines.append("logic delay: of the cells on the longest path (Artix-7, slow corner), no wires:")
    lines.append("  not a clock period, which was 1.6 times that on one design that was routed")
    if delay["path"]:
        lines.append(f"  from {delay['start']} to {delay['end']}")
    if delay["unknown"]:
        lines.append(f"  paths are cut at cells without delays: {', '.join(delay['unknown'])}")
    return lines
