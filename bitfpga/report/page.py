"""``report_page``: a schedule as one HTML file that needs neither network nor script."""

from __future__ import annotations

from pathlib import Path

from bitfpga import __version__
from bitfpga.ir import Network
from bitfpga.plan import Schedule
from bitfpga.project_folder import REPORT_MARK
from bitfpga.report.charts import interval_chart, layer_heading, pipeline_chart, resource_chart
from bitfpga.report.columns import (
    COLUMNS,
    Column,
    block_text,
    cycles_note,
    microseconds,
    resource_text,
)
from bitfpga.report.histograms import digit_cards
from bitfpga.report.markup import Element, element, html_text
from bitfpga.report.summary import board_share
from bitfpga.report.tables import title

_STYLE = Path(__file__).with_name("page.css")
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"


def report_page(network: Network, schedule: Schedule) -> bytes:
    """Return the page, UTF-8, the same for the same network and schedule."""
    sections = [
        _section("Pipeline", *_pipeline(schedule)),
        _section("Board", *_board(schedule)),
        _section("Layers", *_layers(schedule)),
    ]
    if cards := digit_cards(network, schedule):
        sections.append(_section("Digits", *_digits(cards)))
    if schedule.fifos:
        sections.append(_section("FIFOs", *_fifos(schedule)))
    body = element("body", {}, _header(schedule), element("main", {}, *sections), _footer())
    root = element("html", {"lang": "en"}, _head(schedule), body)
    return f"{REPORT_MARK}\n{html_text(root)}\n".encode()


def _head(schedule: Schedule) -> Element:
    style = Element("style")
    style.text = "\n" + _STYLE.read_text(encoding="utf-8")  # our own text: it needs no escapes
    return element(
        "head",
        {},
        element("meta", {"charset": "utf-8"}),
        element("meta", {"http-equiv": "Content-Security-Policy", "content": _POLICY}),
        element("meta", {"name": "viewport", "content": "width=device-width, initial-scale=1"}),
        element("meta", {"name": "color-scheme", "content": "light dark"}),
        element("link", {"rel": "icon", "href": "data:,"}),
        element("title", {}, f"{schedule.network} on {schedule.board.name} - bitfpga"),
        style,
    )


def _header(schedule: Schedule) -> Element:
    network, _, about = title(schedule).partition(f" on {schedule.board.name} ")
    tiles = [
        element(
            "div",
            {},
            element("dt", {}, name),
            element("dd", {"class": "value"}, value),
            element("dd", {}, remark),
        )
        for name, value, remark in _headline(schedule)
    ]
    return element(
        "header",
        {},
        element("h1", {}, network),
        element("p", {}, f"{schedule.board.title} {about}"),
        element("dl", {"class": "figures"}, *tiles),
    )


def _headline(schedule: Schedule) -> list[tuple[str, str, str]]:
    """Return name, value and remark of each figure at the top."""
    how = "simulated" if schedule.simulated else "planned"
    used = schedule.resources
    counts = f"{resource_text(used.luts)} LUT, {resource_text(used.ffs)} FF, "
    cycles = f"{schedule.latency_cycles:,} cycles, {how}"
    return [
        ("samples per second", f"{schedule.samples_per_second:,.0f}", how),
        ("latency", f"{microseconds(schedule.latency_us)} µs", cycles),
        ("interval", f"{schedule.interval_cycles:,} cycles", f"{block_text(schedule)}, {how}"),
        (
            "additions per sample",
            f"{schedule.n_taps:,}",
            f"{schedule.n_multiplies:,} multiplications if dense",
        ),
        (
            "digits per weight",
            f"{schedule.digits_per_weight:.2f}",
            f"{schedule.number_system.value} digits",
        ),
        (
            "of the board",
            f"{board_share(used, schedule):.1%}",
            f"{counts}{resource_text(used.bram36)} BRAM36, estimated",
        ),
    ]


def _pipeline(schedule: Schedule) -> list[Element]:
    how = cycles_note(schedule)
    shown = [element("p", {}, f"{how[:1].upper()}{how[1:]}.")]
    if not schedule.layers:
        return [*shown, element("p", {}, "No layer computes: the input is the output.")]
    if schedule.simulated:
        shown.append(pipeline_chart(schedule))
    longest = max(layer.interval_cycles for layer in schedule.layers)
    told = (
        f"The line marks the pipeline's interval, {schedule.interval_cycles:,} cycles. The layers "
        f"in bold take the longest, {longest:,} cycles"
    )
    if longest < schedule.interval_cycles:
        told += "; what is left is input, output, forks or waiting between layers."
    else:
        told += ": they bound the pipeline."
    return [*shown, interval_chart(schedule), element("p", {"class": "small"}, told)]


def _board(schedule: Schedule) -> list[Element]:
    told = (
        "The plan's estimate, never a tool's report. Dashed: the budget that the plan may fill; "
        "solid: all that the board has. Colours are those of the layers above; grey is what "
        "belongs to no layer."
    )
    return [resource_chart(schedule), element("p", {"class": "small"}, told)]


def _layers(schedule: Schedule) -> list[Element]:
    heading = [_heading(column) for column in COLUMNS]
    rows = []
    for i, layer in enumerate(schedule.layers):
        cells = [_cell(column, column.layer(layer, schedule)) for column in COLUMNS[1:]]
        rows.append(element("tr", {}, layer_heading(layer, i), *cells))
    whole = [_cell(column, column.whole(schedule)) for column in COLUMNS[1:]]
    name = element("th", {"scope": "row"}, COLUMNS[0].whole(schedule))
    meanings = [
        part
        for column in COLUMNS
        for part in (
            element("dt", {}, _one_line(column.header)),
            element("dd", {}, column.meaning),
        )
    ]
    table = element(
        "table",
        {},
        element("thead", {}, element("tr", {}, *heading)),
        element("tbody", {}, *rows),
        element("tfoot", {}, element("tr", {}, name, *whole)),
    )
    explained = element("summary", {}, "What the columns mean")
    words = element("dl", {"class": "words"}, *meanings)
    return [_scrolled("layers", table), element("details", {}, explained, words)]


def _heading(column: Column) -> Element:
    kind = "word" if column.left else "num"
    attributes = {"scope": "col", "class": kind, "title": column.meaning}
    first, *more = column.header.split("\n")
    broken = [part for line in more for part in (element("br", {}), line)]
    return element("th", attributes, first, *broken)


def _cell(column: Column, text: str) -> Element:
    return element("td", {"class": "word" if column.left else "num"}, text)


def _one_line(header: str) -> str:
    return header.replace("/\n", "/").replace("\n", " ")


def _digits(cards: list[Element]) -> list[Element]:
    told = (
        "How many weights have how many non-zero digits, and which places the digits take. Each "
        "digit is one addition; a weight without any costs nothing."
    )
    return [element("p", {}, told), element("div", {"class": "cards"}, *cards)]


def _fifos(schedule: Schedule) -> list[Element]:
    names = ("FIFO", "depth in beats", "bits of a beat", "bits in all")
    heading = [
        element("th", {"scope": "col", "class": "num" if i else "word"}, name)
        for i, name in enumerate(names)
    ]
    rows = []
    for fifo in schedule.fifos:
        figures = (fifo.depth, fifo.bits, fifo.depth * fifo.bits)
        cells = [element("td", {"class": "num"}, f"{figure:,}") for figure in figures]
        rows.append(element("tr", {}, element("th", {"scope": "row"}, fifo.name), *cells))
    table = element(
        "table",
        {},
        element("thead", {}, element("tr", {}, *heading)),
        element("tbody", {}, *rows),
    )
    return [_scrolled("FIFOs", table)]


def _scrolled(label: str, table: Element) -> Element:
    """Return ``table`` in a box that scrolls, by keyboard too, where the screen is narrow."""
    box = {"class": "scrolled", "role": "region", "aria-label": label, "tabindex": "0"}
    return element("div", box, table)


def _section(heading: str, *content: Element) -> Element:
    return element("section", {}, element("h2", {}, heading), *content)


def _footer() -> Element:
    return element(
        "footer",
        {},
        f"bitfpga {__version__}. Cycles are the schedule's; LUT, FF and "
        "BRAM36 are estimates until a tool has reported them.",
    )
