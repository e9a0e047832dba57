"""A schedule as tables for people (rich) and as plain dicts for machines."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal, NamedTuple

from rich import box
from rich.cells import cell_len
from rich.console import Console, RenderableType
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from bitfpga.plan import LayerSchedule, Resources, Schedule

WHOLE = "whole design"
LABEL_WIDTH = 40
_NO_LIMIT = 10_000


class Column(NamedTuple):
    """A column of the layer table; ``part`` is the half it goes to where one is too wide."""

    header: str
    justify: Literal["left", "right"]
    part: Literal["layer", "run", "cost"]


COLUMNS = (
    Column("layer", "left", "layer"),
    Column("kind", "left", "run"),
    Column("shape", "left", "run"),
    Column("engine", "left", "run"),
    Column("PEs x\ncolumns", "right", "run"),
    Column("cycles", "right", "run"),
    Column("taps", "right", "cost"),
    Column("digits/\nweight", "right", "cost"),
    Column("taps\nin", "left", "cost"),
    Column("LUT\nest.", "right", "cost"),
    Column("FF\nest.", "right", "cost"),
    Column("BRAM36\nest.", "right", "cost"),
    Column("% of\nboard", "right", "cost"),
)


def board_share(resources: Resources, schedule: Schedule) -> float:
    """Return the largest share of any resource of the board, 0..1 and beyond."""
    board = schedule.board
    return max(
        resources.luts / board.luts,
        resources.ffs / board.ffs,
        resources.bram36 / board.bram36 if board.bram36 else 0.0,
    )


def schedule_summary(schedule: Schedule) -> dict[str, Any]:
    """Return what ``--json`` prints of a schedule."""
    return {
        "network": schedule.network,
        "board": schedule.board.name,
        "part": schedule.board.part,
        "clock_ns": schedule.clock_ns,
        "number_system": schedule.number_system.value,
        "n_columns": schedule.n_columns,
        "interval_cycles": schedule.interval_cycles,
        "latency_cycles": schedule.latency_cycles,
        "latency_us": schedule.latency_us,
        "samples_per_second": schedule.samples_per_second,
        "adds_per_sample": schedule.n_taps,
        "dense_multiplies_per_sample": schedule.n_multiplies,
        "digits_per_weight": schedule.digits_per_weight,
        "estimate": _resources(schedule.resources, schedule),
        "layers": [_layer_summary(layer, schedule) for layer in schedule.layers],
    }


def schedule_lines(schedule: Schedule, console: Console) -> list[RenderableType]:
    """Return title, table and notes; two tables where one is too wide for ``console``."""
    title = (
        f"{schedule.network} on {schedule.board.name} ({schedule.board.part}) "
        f"at {schedule.clock_ns:g} ns, {schedule.number_system.value} digits"
    )
    whole = _table(schedule, ("layer", "run", "cost"), LABEL_WIDTH)
    if _width(whole, console) <= console.width:
        tables: list[RenderableType] = [whole]
    else:
        run, cost = (_narrowed(schedule, ("layer", part), console) for part in ("run", "cost"))
        tables = [run, Text(), cost]
    return [Text(title), *tables, *map(Text, _notes(schedule))]


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


def _narrowed(schedule: Schedule, parts: tuple[str, ...], console: Console) -> Table:
    """Return the table with layer names folded so that it fits ``console``, where it can be."""
    table = _table(schedule, parts, LABEL_WIDTH)
    excess = _width(table, console) - console.width
    if excess <= 0:
        return table
    widest = max((cell_len(layer.origin) for layer in schedule.layers), default=0)
    return _table(schedule, parts, min(widest, LABEL_WIDTH) - excess)


def _table(schedule: Schedule, parts: tuple[str, ...], label_width: int) -> Table:
    shown = [i for i, column in enumerate(COLUMNS) if column.part in parts]
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, collapse_padding=True)
    for i in shown:
        header, justify, part = COLUMNS[i]
        if part == "layer":
            table.add_column(header, max_width=max(label_width, len(WHOLE)), overflow="fold")
        else:
            table.add_column(header, justify=justify, no_wrap=True)
    rows = [_layer_cells(layer, schedule) for layer in schedule.layers]
    for cells in rows:
        table.add_row(*(Text(cells[i]) for i in shown))
    table.add_section()
    cells = _whole_cells(schedule)
    table.add_row(*(Text(cells[i]) for i in shown))
    return table


def _notes(schedule: Schedule) -> tuple[str, ...]:
    samples = f"{schedule.n_columns} samples" if schedule.n_columns > 1 else "1 sample"
    return (
        f"{samples} every {schedule.interval_cycles:,} cycles: "
        f"{schedule.samples_per_second:,.0f} samples/s, latency {schedule.latency_us:.4g} us",
        f"cycles: planned; est.: the plan's estimate; {WHOLE}: interfaces included",
    )


def _layer_cells(layer: LayerSchedule, schedule: Schedule) -> list[str]:
    dense = layer.engine == "stream"
    return [
        layer.origin,
        layer.kind,
        " x ".join(map(str, layer.shape)),
        layer.engine,
        f"{layer.n_pes} x {layer.n_columns}" if dense else "",
        f"{layer.latency_cycles:,}",
        f"{layer.n_taps * layer.n_rows:,}" if dense else "",
        f"{layer.n_taps / layer.n_weights:.2f}" if dense else "",
        layer.source if dense else "",
        *_resource_cells(layer.resources, schedule),
    ]


def _whole_cells(schedule: Schedule) -> list[str]:
    return [
        WHOLE,
        *[""] * 4,
        f"{schedule.latency_cycles:,}",
        f"{schedule.n_taps:,}",
        f"{schedule.digits_per_weight:.2f}",
        "",
        *_resource_cells(schedule.resources, schedule),
    ]


def _resource_cells(resources: Resources, schedule: Schedule) -> list[str]:
    return [
        f"{resources.luts:,}",
        f"{resources.ffs:,}",
        f"{resources.bram36:g}",
        f"{board_share(resources, schedule):.1%}",
    ]


def _resources(resources: Resources, schedule: Schedule) -> dict[str, Any]:
    return {
        "luts": resources.luts,
        "ffs": resources.ffs,
        "bram36": resources.bram36,
        "board_share": board_share(resources, schedule),
    }


def _layer_summary(layer: LayerSchedule, schedule: Schedule) -> dict[str, Any]:
    return {
        "layer": layer.origin,
        "kind": layer.kind,
        "shape": list(layer.shape),
        "engine": layer.engine,
        "source": layer.source,
        "n_pes": layer.n_pes,
        "n_columns": layer.n_columns,
        "weights": layer.n_weights,
        "taps": layer.n_taps * layer.n_rows,
        "words": layer.n_words,
        "word_bits": layer.word_bits,
        "accumulator_bits": layer.accumulator_bits,
        "interval_cycles": layer.interval_cycles,
        "latency_cycles": layer.latency_cycles,
        "estimate": _resources(layer.resources, schedule),
    }
