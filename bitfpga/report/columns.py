"""The columns of the layer table, once for terminal and page: header, meaning, text of a cell."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, NamedTuple

from bitfpga.plan import LayerSchedule, Resources, Schedule
from bitfpga.report.summary import board_share

WHOLE = "whole design"
Part = Literal["layer", "what", "run", "taps", "cost"]


class Column(NamedTuple):
    """A column. ``part``: the group it stays with where one table is too wide for a terminal.

    ``layer`` and ``whole`` return the cell of one layer and of the whole design; "" if none.
    """

    header: str
    part: Part
    left: bool
    meaning: str
    layer: Callable[[LayerSchedule, Schedule], str]
    whole: Callable[[Schedule], str]


def resource_text(value: float) -> str:
    """Return a count of LUTs, flip-flops or block RAMs (halves count) with thousands separators."""
    return f"{value:,.1f}".removesuffix(".0")


def block_text(schedule: Schedule) -> str:
    """Return ``1 sample`` or how many samples go through the pipeline side by side."""
    return "1 sample" if schedule.n_samples == 1 else f"{schedule.n_samples:,} samples"


def microseconds(value: float) -> str:
    """Return a time in us with three or more digits that count, never in powers of ten."""
    return f"{value:,.0f}" if value >= 1000 else f"{value:.4g}"


def _nothing(schedule: Schedule) -> str:
    return ""


def _pes(layer: LayerSchedule, _: Schedule) -> str:
    return f"{layer.n_pes:,} x {layer.n_columns:,}" if layer.n_pes else ""


def _tiles(layer: LayerSchedule, _: Schedule) -> str:
    return f"{layer.n_tiles:,}" if layer.n_pes else ""


def _utilisation(layer: LayerSchedule, _: Schedule) -> str:
    return f"{layer.utilisation:.0%}" if layer.n_pes else ""


def _taps(layer: LayerSchedule, _: Schedule) -> str:
    return f"{layer.n_taps * layer.n_pixels:,}" if layer.n_weights else ""


def _digits(layer: LayerSchedule, _: Schedule) -> str:
    return f"{layer.n_taps / layer.n_weights:.2f}" if layer.n_weights else ""


def _bits(layer: LayerSchedule, _: Schedule) -> str:
    return f"{layer.bits_per_tap:.1f} ({layer.entropy:.1f})" if layer.n_taps else ""


def _all_bits(schedule: Schedule) -> str:
    n_taps = sum(layer.n_taps for layer in schedule.layers)
    n_bits = sum(layer.tap_bits for layer in schedule.layers)
    return f"{n_bits / n_taps:.1f}" if n_taps else ""


def _source(layer: LayerSchedule, _: Schedule) -> str:
    return layer.source if layer.n_pes else ""


def _share(resources: Resources, schedule: Schedule) -> str:
    return f"{board_share(resources, schedule):.1%}"


def _estimated(header: str, key: str, meaning: str) -> Column:
    return Column(
        f"{header}\nest.",
        "cost",
        False,
        f"{meaning}, the plan's estimate",
        lambda layer, _: resource_text(getattr(layer.resources, key)),
        lambda schedule: resource_text(getattr(schedule.resources, key)),
    )


COLUMNS = (
    Column(
        "layer",
        "layer",
        True,
        "the name in the model it came from",
        lambda layer, _: layer.origin,
        lambda _: WHOLE,
    ),
    Column("kind", "what", True, "what it computes", lambda layer, _: layer.kind, _nothing),
    Column(
        "shape",
        "what",
        True,
        "of one sample's output",
        lambda layer, _: " x ".join(map(str, layer.shape)),
        _nothing,
    ),
    Column(
        "PEs x\ncolumns",
        "what",
        False,
        "processing elements, each a shift, an add and one sum for each column: a pixel of a tile "
        "times a sample",
        _pes,
        _nothing,
    ),
    Column("tiles", "what", False, "groups of pixels that cover the output map", _tiles, _nothing),
    Column(
        "cycles",
        "run",
        False,
        "from one block of samples to the next: of a layer, if nothing else held it up",
        lambda layer, _: f"{layer.interval_cycles:,}",
        lambda schedule: f"{schedule.interval_cycles:,}",
    ),
    Column("bound", "run", True, "what takes these cycles", lambda layer, _: layer.bound, _nothing),
    Column(
        "util.",
        "run",
        False,
        "share of the PEs' cycles that carry a tap while they walk",
        _utilisation,
        _nothing,
    ),
    Column(
        "taps",
        "taps",
        False,
        "additions per sample: non-zero digits of the weights, once for every pixel they meet",
        _taps,
        lambda schedule: f"{schedule.n_taps:,}",
    ),
    Column(
        "digits/\nweight",
        "taps",
        False,
        "mean non-zero digits of a weight",
        _digits,
        lambda schedule: f"{schedule.digits_per_weight:.2f}",
    ),
    Column(
        "bits/tap\n(entropy)",
        "taps",
        False,
        "stored bits of the index stream for each tap, beside the entropy of places and signs; "
        "tap words take more bits than coded cells, but no decoder",
        _bits,
        _all_bits,
    ),
    Column(
        "taps\nin",
        "taps",
        True,
        "where the index stream lies: rom on the chip, or memory read over AXI",
        _source,
        _nothing,
    ),
    _estimated("LUT", "luts", "look-up tables"),
    _estimated("FF", "ffs", "flip-flops"),
    _estimated("BRAM36", "bram36", "block RAMs of 36 kbit"),
    Column(
        "% of\nboard",
        "cost",
        False,
        "the largest of its shares of the board's LUTs, flip-flops and block RAMs",
        lambda layer, schedule: _share(layer.resources, schedule),
        lambda schedule: _share(schedule.resources, schedule),
    ),
)


def cycles_note(schedule: Schedule) -> str:
    """Return what kind of figures the cycles are."""
    if schedule.simulated:
        return "cycles: the pipeline simulated beat by beat with these FIFOs"
    return "cycles: planned from the longest process and the longest path, not simulated"


def notes(schedule: Schedule) -> tuple[str, ...]:
    """Return the lines below the table: rate, latency, and what kind of figures these are.

    Each is short enough for any terminal.
    """
    return (
        f"{block_text(schedule)} every {schedule.interval_cycles:,} cycles: "
        f"{schedule.samples_per_second:,.0f} samples/s",
        f"latency: {schedule.latency_cycles:,} cycles, {microseconds(schedule.latency_us)} us",
        cycles_note(schedule),
        "est.: the plan's estimate, never a tool's report",
        f"{WHOLE}: interfaces and FIFOs included",
    )
