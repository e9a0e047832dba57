"""A schedule as tables for people at a terminal (rich)."""

from __future__ import annotations

from collections.abc import Iterable

from rich import box
from rich.cells import cell_len
from rich.console import Console, RenderableType
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from bitfpga.plan import Schedule
from bitfpga.report.columns import COLUMNS, WHOLE, Part, notes

LABEL_WIDTH = 40
_NO_LIMIT = 10_000

PARTS: tuple[Part, ...] = ("what", "run", "taps", "cost")


def title(schedule: Schedule) -> str:
    """Return network, board, part, clock and number system in one line."""
    return (
        f"{schedule.network} on {schedule.board.name} ({schedule.board.part}) "
        f"at {schedule.clock_ns:g} ns, {schedule.number_system.value} digits"
    )


def schedule_lines(schedule: Schedule, console: Console) -> list[RenderableType]:
    """Return title, table and notes; several tables where one is too wide for ``console``."""
    lines: list[RenderableType] = [Text(title(schedule))]
    rest = PARTS
    while rest:
        table, rest = _widest(schedule, rest, console)
        lines += [table, Text()] if rest else [table]
    return [*lines, *map(Text, notes(schedule))]


def print_whole(console: Console, lines: Iterable[str | RenderableType]) -> None:
    """Print ``lines`` (plain text, tables) uncut: what is too wide sticks out of the console."""
    for line in lines:
        if isinstance(line, Table):
            natural = _width(line, console)
            line.width = natural if natural > console.width else None
            console.print(line, crop=False)
        else:
            console.print(Text(line) if isinstance(line, str) else line, soft_wrap=True)


def facts_table(rows: Iterable[tuple[str, str]]) -> Table:
    """Return a table of names and values without a header."""
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    for name, value in rows:
        table.add_row(Text(name), Text(value))
    return table


def _width(table: Table, console: Console) -> int:
    """Return the characters that ``table`` takes where there is room for all."""
    return Measurement.get(console, console.options.update_width(_NO_LIMIT), table).maximum


def _widest(
    schedule: Schedule, parts: tuple[Part, ...], console: Console
) -> tuple[Table, tuple[Part, ...]]:
    """Return a table of as many of ``parts`` as fit ``console``, at least one, and those left."""
    for n_parts in range(len(parts), 0, -1):
        shown = parts[:n_parts]
        whole = shown == PARTS  # names are not folded only to have all in one table
        table = _table(schedule, shown, LABEL_WIDTH)
        if not whole and _width(table, console) > console.width:
            table = _narrowed(schedule, shown, console)
        if _width(table, console) <= console.width:
            break
    return table, parts[n_parts:]


def _narrowed(schedule: Schedule, parts: tuple[Part, ...], console: Console) -> Table:
    """Return the table with layer names folded so that it fits ``console``, where it can be."""
    excess = _width(_table(schedule, parts, LABEL_WIDTH), console) - console.width
    widest = max((cell_len(layer.origin) for layer in schedule.layers), default=0)
    return _table(schedule, parts, min(widest, LABEL_WIDTH) - excess)


def _table(schedule: Schedule, parts: tuple[Part, ...], label_width: int) -> Table:
    shown = [column for column in COLUMNS if column.part in ("layer", *parts)]
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, collapse_padding=True)
    for column in shown:
        if column.part == "layer":
            width = max(label_width, len(WHOLE))
            table.add_column(column.header, max_width=width, overflow="fold")
        else:
            table.add_column(
                column.header, justify="left" if column.left else "right", no_wrap=True
            )
    for layer in schedule.layers:
        table.add_row(*(Text(column.layer(layer, schedule)) for column in shown))
    table.add_section()
    table.add_row(*(Text(column.whole(schedule)) for column in shown))
    return table
