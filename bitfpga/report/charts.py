"""The page's charts of the schedule: the pipeline, what bounds it, and the board's resources.

A chart is a table whose bars are SVG with lengths in percent, so that it fits any screen while
its text keeps its size, and reads as a table where it is not seen.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import accumulate

from bitfpga.plan import LayerSchedule, Schedule, Target
from bitfpga.report.columns import resource_text
from bitfpga.report.markup import Element, element, percent

N_COLOURS = 8
LEAST_SHARE = 0.004  # of a chart's width: shorter bars would not be seen
APART_SHARE = 0.01  # narrower parts of a bar have no gaps between them
MOST_TICKS = 4


def colour(index: int) -> str:
    """Return the CSS class of the colour of layer ``index``."""
    return f"c{index % N_COLOURS}"


def layer_heading(layer: LayerSchedule, index: int) -> Element:
    """Return the heading cell of a layer's row: a patch of its colour, its name."""
    patch = element("span", {"class": f"patch {colour(index)}"})
    return element("th", {"scope": "row", "class": "named"}, patch, layer.origin)


def ticks(most: int) -> list[int]:
    """Return up to five round numbers from 0 to at most ``most``, evenly spaced."""
    step, decade = 1, 1
    while most // step > MOST_TICKS:
        step = next((n * decade for n in (1, 2, 5, 10) if n * decade > step), 10 * decade)
        decade = 10 ** (len(str(step)) - 1)
    return list(range(0, most + 1, step))


def pipeline_chart(schedule: Schedule) -> Element:
    """Return one bar a layer, from its first to its last result of the first samples."""
    end = max([schedule.latency_cycles, *(layer.last_cycle for layer in schedule.layers), 1])
    marks = ticks(end)
    rows = []
    for i, layer in enumerate(schedule.layers):
        first, last = layer.first_cycle, layer.last_cycle
        span = f"{first:,} to {last:,}"
        bar = _bar(first / end, (last - first) / end, colour(i), f"{layer.origin}: cycles {span}")
        label = f"results from cycle {first:,} to {last:,}"
        cell = element("td", {"class": "bars"}, _drawing([*_grid(marks, end), bar], label))
        rows.append([layer_heading(layer, i), cell, _figure("cycles", span)])
    axis = element("th", {"class": "bars", "scope": "col"}, _axis(marks, end))
    return _chart("Cycle of the first and last result", ["layer", axis, "cycles"], rows)


def interval_chart(schedule: Schedule) -> Element:
    """Return one bar a layer: its cycles a block of samples, against those of the pipeline."""
    whole = max(schedule.interval_cycles, 1)
    end = max([whole, *(layer.interval_cycles for layer in schedule.layers)])
    longest = max((layer.interval_cycles for layer in schedule.layers), default=0)
    rows = []
    for i, layer in enumerate(schedule.layers):
        cycles, bounds = layer.interval_cycles, layer.interval_cycles == longest
        label = f"{layer.origin}: {cycles:,} of {whole:,} cycles, {cycles / whole:.0%}"
        bar = _bar(0.0, cycles / end, colour(i), label)
        drawn = _drawing([bar, _line(whole / end, "limit")], label)
        figures = [
            _figure("cycles", f"{cycles:,}"),
            _figure("share", f"{cycles / whole:.0%}"),
            _figure("bound", layer.bound, "word strong" if bounds else "word"),
        ]
        rows.append([layer_heading(layer, i), element("td", {"class": "bars"}, drawn), *figures])
    headings = ["layer", f"of the pipeline's {whole:,} cycles", "cycles", "share", "bound"]
    return _chart("Cycles of each layer from one block of samples to the next", headings, rows)


def resource_chart(schedule: Schedule) -> Element:
    """Return one bar a resource: the layers' shares, stacked, against what the board has."""
    board, whole, shares = schedule.board, schedule.resources, Target().shares
    rows = []
    for name, key, offered in (
        ("LUT", "luts", board.luts),
        ("FF", "ffs", board.ffs),
        ("BRAM36", "bram36", board.bram36),
    ):
        used = getattr(whole, key)
        parts = [(layer.origin, getattr(layer.resources, key)) for layer in schedule.layers]
        rest = max(used - sum(part for _, part in parts), 0)
        end = max(used, offered, 1)
        drawn = _stack([*parts, ("interfaces, FIFOs and control", rest)], end)
        drawn += [_line(shares[key] * offered / end, "budget"), _line(offered / end, "limit")]
        share = f"{used / offered:.1%}" if offered else "none there"
        label = f"{name}: {resource_text(used)} of {offered:,} ({share})"
        rows.append(
            [
                element("th", {"scope": "row"}, name),
                element("td", {"class": "bars tall"}, _drawing(drawn, label)),
                _figure("estimate", f"{resource_text(used)} of {offered:,}"),
                _figure("used", share, "num strong" if used > shares[key] * offered else "num"),
                _figure("budget", f"{shares[key]:.0%}"),
            ]
        )
    headings = ["", "layer after layer, then what they share", "estimate", "used", "budget"]
    return _chart("Estimated use of the board", headings, rows)


def _stack(parts: Sequence[tuple[str, float]], end: float) -> list[Element]:
    """Return the bars of ``parts`` one after the other; the last one has the colour of the rest."""
    starts = accumulate((part for _, part in parts), initial=0.0)
    bars = []
    for i, ((name, part), start) in enumerate(zip(parts, starts, strict=False)):
        kind = colour(i) if i < len(parts) - 1 else "rest"
        kind += " apart" if part > APART_SHARE * end else ""
        if part:
            bars.append(_bar(start / end, part / end, kind, f"{name}: {resource_text(part)}", 0.0))
    return bars


def _chart(
    caption: str, headings: Sequence[str | Element], rows: Iterable[Sequence[Element]]
) -> Element:
    cells = []
    for i, heading in enumerate(headings):
        if isinstance(heading, Element):
            cells.append(heading)
        else:
            kind = ("name", "bars", "num", "num", "word")[i]
            cells.append(element("th", {"scope": "col", "class": kind}, heading))
    return element(
        "table",
        {"class": "chart"},
        element("caption", {}, caption),
        element("thead", {}, element("tr", {}, *cells)),
        element("tbody", {}, *(element("tr", {}, *row) for row in rows)),
    )


def _figure(heading: str, text: str, kind: str = "num") -> Element:
    """Return a cell; where the screen is too narrow for columns, its heading stands before it."""
    return element("td", {"class": kind, "data-heading": heading}, text)


def _drawing(drawn: Sequence[Element], label: str) -> Element:
    return element("svg", {"role": "img", "aria-label": label}, *drawn)


def _bar(start: float, length: float, kind: str, title: str, least: float = LEAST_SHARE) -> Element:
    """Return a bar; ``start`` and ``length`` are shares of the chart's width."""
    length = max(length, least)
    place = {"x": percent(min(start, 1 - length)), "width": percent(length)}
    shape = {"y": "15%", "height": "70%", "class": kind}
    return element("rect", {**place, **shape}, element("title", {}, title))


def _line(at: float, kind: str) -> Element:
    x = percent(at)
    return element("line", {"x1": x, "x2": x, "y1": "0", "y2": "100%", "class": kind})


def _grid(marks: Sequence[int], end: int) -> list[Element]:
    return [_line(mark / end, "grid") for mark in marks]


def _axis(marks: Sequence[int], end: int) -> Element:
    texts = []
    for mark in marks:
        at = mark / end
        anchor = "start" if at < 0.04 else "end" if at > 0.9 else "middle"
        place = {"x": percent(at), "y": "80%", "text-anchor": anchor}
        texts.append(element("text", place, f"{mark:,}"))
    return _drawing(texts, f"axis of cycles, 0 to {end:,}")
