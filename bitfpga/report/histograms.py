"""How a layer's weights are made of digits: counted as planned, and drawn for the page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bitfpga.digits import NumberSystem
from bitfpga.ir import Network
from bitfpga.plan import ARRAYS, LayerSchedule, Schedule, Step, lower, step_sums, step_taps
from bitfpga.report.markup import Element, element

WIDTH, HEIGHT, TOP, BOTTOM = 252, 112, 16, 16  # of a drawing, in CSS pixels


@dataclass(frozen=True)
class DigitCounts:
    """Digits of one layer's weights.

    ``weights``: number of weights of 0, 1, 2, .. digits. ``positive``, ``negative``: number of
    digits +2^p and -2^p for p = 0, 1, 2, .., those of shared sums (``n_shared``) included.
    """

    weights: tuple[int, ...]
    positive: tuple[int, ...]
    negative: tuple[int, ...]
    n_shared: int

    @property
    def n_digits(self) -> int:
        """All digits of the layer."""
        return sum(self.positive) + sum(self.negative)


def digit_counts(step: Step, n_weights: int, system: NumberSystem) -> DigitCounts:
    """Return the counts of the ``n_weights`` weights of an array step, from its very taps."""
    taps, sums = step_taps(step, system), step_sums(step, system)
    n_own = taps.n_rows - (sums.n_rows if sums is not None else 0)
    own = taps.row < n_own  # the rows after them are sums of inputs, not inputs
    places = taps.output[own].astype(np.int64) * n_own + taps.row[own]
    per_weight = np.bincount(places)
    weights = np.bincount(per_weight, minlength=1)
    weights[0] = n_weights - np.count_nonzero(per_weight)
    planes = np.bincount(taps.plane * 2 + taps.negate)
    planes = np.append(planes, np.zeros(len(planes) % 2, np.int64)).reshape(-1, 2)
    positive, negative = (tuple(column.tolist()) for column in planes.T)
    n_shared = len(taps) - int(np.count_nonzero(own))
    return DigitCounts(tuple(weights.tolist()), positive, negative, n_shared)


def digit_cards(network: Network, schedule: Schedule) -> list[Element]:
    """Return one card for each layer with weights, in the schedule's order."""
    steps = {step.name: step for step in lower(network, schedule.beat_pixels).steps}
    return [
        _card(row, digit_counts(steps[row.name], row.n_weights, schedule.number_system))
        for row in schedule.layers
        if row.process in ARRAYS
    ]


def _card(row: LayerSchedule, counts: DigitCounts) -> Element:
    mean = counts.n_digits / max(row.n_weights, 1)
    facts = f"{row.n_weights:,} weights, {counts.n_digits:,} digits: {mean:.2f} a weight"
    if counts.n_shared:
        facts += f"; {counts.n_shared:,} of them on sums that outputs share"
    parts = [element("h3", {}, row.origin), element("p", {}, facts), _by_weight(counts)]
    if counts.n_digits:
        parts.append(_by_plane(counts))
    return element("section", {"class": "card"}, *parts)


def _by_weight(counts: DigitCounts) -> Element:
    n_weights = max(sum(counts.weights), 1)
    columns = [
        ([(n, "one")], str(digits), f"{n:,} weights ({n / n_weights:.1%}) of {digits} digits")
        for digits, n in enumerate(counts.weights)
    ]
    return _columns("weights by number of digits", columns, n_weights)


def _by_plane(counts: DigitCounts) -> Element:
    columns = []
    for p, (plus, minus) in enumerate(zip(counts.positive, counts.negative, strict=True)):
        told = f"{plus + minus:,} digits of {1 << p:,}: {plus:,} plus, {minus:,} minus"
        columns.append(([(plus, "one"), (minus, "two")], str(p), told))
    return _columns("digits by plane p, worth 2^p (minus above plus)", columns, counts.n_digits)


def _columns(
    caption: str,
    columns: Sequence[tuple[Sequence[tuple[int, str]], str, str]],
    whole: int,
) -> Element:
    """Return a chart of stacked columns (parts from the bottom up with their class, name, title).

    Above each column stands its share of ``whole``.
    """
    most = max(max(sum(n for n, _ in parts) for parts, _, _ in columns), 1)
    step = WIDTH / max(len(columns), 6)
    drawn = []
    for i, (parts, name, told) in enumerate(columns):
        drawn.append(_column(i * step, step, parts, most, whole, (name, told)))
    base = str(HEIGHT - BOTTOM)
    drawn.append(
        element("line", {"x1": "0", "x2": str(WIDTH), "y1": base, "y2": base, "class": "grid"})
    )
    label = f"{caption}: " + "; ".join(told for _, _, told in columns)
    box = {"viewBox": f"0 0 {WIDTH} {HEIGHT}", "role": "img", "aria-label": label}
    return element("figure", {}, element("svg", box, *drawn), element("figcaption", {}, caption))


def _column(
    left: float,
    step: float,
    parts: Sequence[tuple[int, str]],
    most: int,
    whole: int,
    texts: tuple[str, str],
) -> Element:
    name, told = texts
    middle, y = f"{left + step / 2:.1f}", float(HEIGHT - BOTTOM)
    shapes = [element("title", {}, told)]
    for n, kind in parts:
        height = (HEIGHT - TOP - BOTTOM) * n / most
        y -= height
        place = {"x": f"{left + step * 0.1:.1f}", "width": f"{step * 0.8:.1f}", "class": kind}
        shapes.append(element("rect", {**place, "y": f"{y:.1f}", "height": f"{height:.1f}"}))
    at = {"x": middle, "text-anchor": "middle"}
    count = sum(n for n, _ in parts)
    shapes.append(element("text", {**at, "y": f"{y - 3:.1f}"}, _rounded(count, whole)))
    shapes.append(element("text", {**at, "y": str(HEIGHT - 3)}, name))
    return element("g", {}, *shapes)


def _rounded(part: int, whole: int) -> str:
    """Return a share in whole percent; what is there is never called 0."""
    if part == 0:
        return "0"
    return f"{part / whole:.0%}" if 200 * part >= whole else "<1%"
