"""Plots of pruned networks as .png or .svg files, through matplotlib (the ``plot`` extra).

Every plot is drawn with matplotlib's own defaults, whatever the user's settings are, and needs no
display; the same input gives the same SVG to the byte. Colours are those of Okabe & Ito (2008).
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bitfpga.digits import NumberSystem, to_digits
from bitfpga.errors import PruneError
from bitfpga.prune.energy import EnergyModel, energy_model
from bitfpga.prune.figure_file import write_figure
from bitfpga.prune.work import Weights, check_system, check_weights

MAX_LAYERS = 120  # a taller PNG would pass matplotlib's limit of 65536 pixels

_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
_MARKERS = "osD^vP*X"  # 8 markers on 7 colours: 56 methods before a pair comes again
_NO_DIGITS = "#B0B0B0"
_PREFIXES = ((1e9, "mJ"), (1e6, "µJ"), (1e3, "nJ"), (1.0, "pJ"))


@dataclass(frozen=True)
class SweepPoint:
    """One trained network of a sweep.

    ``label`` stands beside the point (its eta, say); ``accuracy`` is 0..1, ``energy_pj`` the
    energy of one sample, ``digits_per_weight`` the mean over all weights with zeros included.
    """

    method: str
    label: str
    accuracy: float
    energy_pj: float
    digits_per_weight: float


def plot_sweep(
    points: Sequence[SweepPoint], path: str | os.PathLike[str], model: EnergyModel | str
) -> None:
    """Write accuracy against energy and against digits per weight to ``path``, a line per method.

    ``model`` is the energy model of the points, named in the title. The file appears whole or not
    at all. ``PruneError`` for no points, values that are not finite or out of range, an unknown
    model, a ``path`` that is not .png or .svg or cannot be written, or no matplotlib.
    """
    _check_points(points)
    title = f"Accuracy against energy (model {_text(energy_model(model).name)}) and digits"
    write_figure(path, (9.0, 4.2), lambda figure: _draw_sweep(figure, points, title))


def plot_weights(
    layers: Mapping[str, Weights],
    path: str | os.PathLike[str],
    system: NumberSystem | str = NumberSystem.BINARY,
) -> None:
    """Write a histogram of every layer's integer weights to ``path``, a panel per layer.

    One bar per value, coloured by the digits that value has in ``system``; |w| <= 16383, any
    shape. Errors as ``plot_sweep``, and ``PruneError`` for other weights or above 120 layers.
    """
    system = check_system(system)
    weights = _check_layers(layers)
    n_columns = min(3, len(weights))
    n_rows = -(-len(weights) // n_columns)
    size = (3.2 * n_columns + 1.4, 2.5 * n_rows + 0.7)
    write_figure(path, size, lambda figure: _draw_weights(figure, weights, system, n_columns))


def plot_digits(layers: Mapping[str, Weights], path: str | os.PathLike[str]) -> None:
    """Write every layer's mean digits per weight to ``path``: bars for binary and for CSD.

    Input and errors as ``plot_weights``.
    """
    weights = _check_layers(layers)
    size = (6.4, 1.3 + 0.45 * len(weights))
    write_figure(path, size, lambda figure: _draw_digits(figure, weights))


def _draw_sweep(figure: Any, points: Sequence[SweepPoint], title: str) -> None:
    by_energy, by_digits = figure.subplots(1, 2, sharey=True)
    scale, unit = _energy_unit(max(point.energy_pj for point in points))
    for index, method in enumerate(dict.fromkeys(point.method for point in points)):
        own = [point for point in points if point.method == method]
        style: dict[str, Any] = {
            "color": _COLOURS[index % len(_COLOURS)],
            "marker": _MARKERS[index % 8],
        }
        style |= {"label": _text(method), "markersize": 5, "linewidth": 1.4}
        _draw_line(by_energy, [(p.energy_pj / scale, p) for p in own], style)
        _draw_line(by_digits, [(p.digits_per_weight, p) for p in own], style)
    by_energy.set_xlabel(f"energy per sample ({unit})")
    by_energy.set_ylabel("accuracy (%)")
    by_digits.set_xlabel("digits per weight")
    for axes in (by_energy, by_digits):
        axes.margins(x=0.1, y=0.12)
    energies = [point.energy_pj for point in points]
    if min(energies) > 0 and max(energies) >= 10 * min(energies):
        by_energy.set_xscale("log")
        _print_plainly(by_energy.xaxis, steps=(1, 2, 5))
    by_digits.legend(loc="best")
    figure.suptitle(title)


def _draw_line(axes: Any, own: list[tuple[float, SweepPoint]], style: dict[str, Any]) -> None:
    own = sorted(own, key=lambda pair: pair[0])
    axes.plot([x for x, _ in own], [100 * point.accuracy for _, point in own], **style)
    for x, point in own:
        axes.annotate(
            _text(point.label),
            (x, 100 * point.accuracy),
            textcoords="offset points",
            xytext=(5, -9),
            fontsize=7,
            color=style["color"],
        )


def _print_plainly(axis: Any, steps: tuple[int, ...]) -> None:
    """Give a logarithmic axis plain numbers at ``steps`` of each decade, not powers of ten."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    axis.set_major_locator(LogLocator(subs=steps))
    axis.set_major_formatter(FuncFormatter(lambda value, place: f"{value:g}"))
    axis.set_minor_formatter(NullFormatter())


def _draw_weights(
    figure: Any, layers: dict[str, Weights], system: NumberSystem, n_columns: int
) -> None:
    from matplotlib import colormaps
    from matplotlib.patches import Patch

    panels = figure.subplots(-(-len(layers) // n_columns), n_columns, squeeze=False)
    digits = {name: to_digits(weights, system) for name, weights in layers.items()}
    most = max(int(of_layer.counts.max()) for of_layer in digits.values())
    ramp = colormaps["viridis_r"]
    colours: list[Any] = [
        _NO_DIGITS,
        *(ramp(0.15 + 0.85 * n / max(most, 1)) for n in range(1, most + 1)),
    ]
    for axes, (name, weights) in zip(panels.flat, layers.items(), strict=False):
        _draw_histogram(axes, weights, system, colours)
        mean = digits[name].count / weights.size
        axes.set_title(f"{_text(name)}: {weights.size} weights, {mean:.2f} digits each")
    for axes in panels.flat[len(layers) :]:
        axes.set_visible(False)
    handles = [Patch(color=colour, label=str(n)) for n, colour in enumerate(colours)]
    figure.legend(handles=handles, title="digits", loc="outside right center")
    figure.supxlabel("weight (integer)")
    figure.supylabel("number of weights")
    figure.suptitle(f"Integer weights, coloured by {_SYSTEM_NAMES[system]}")


def _draw_histogram(
    axes: Any, weights: Weights, system: NumberSystem, colours: Sequence[Any]
) -> None:
    from matplotlib.collections import PolyCollection
    from matplotlib.ticker import MaxNLocator

    values, heights = np.unique(weights.astype(np.int64), return_counts=True)
    counts = to_digits(values, system).counts
    left, right, base = values - 0.5, values + 0.5, np.full(values.shape, 0.5)
    corners = [(left, base), (left, heights), (right, heights), (right, base)]
    bars = np.stack([np.stack(corner, axis=-1) for corner in corners], axis=1)
    face = [colours[n] for n in counts]
    axes.add_collection(
        PolyCollection(list(bars), facecolors=face, edgecolors=face, linewidths=0.3)
    )
    axes.set_yscale("log")
    _print_plainly(axes.yaxis, steps=(1,))
    span = float(values.max() - values.min())
    axes.set_xlim(float(values.min()) - 1 - 0.02 * span, float(values.max()) + 1 + 0.02 * span)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=6))
    axes.set_ylim(0.5, 1.6 * float(heights.max()))


def _draw_digits(figure: Any, layers: dict[str, Weights]) -> None:
    axes = figure.subplots()
    rows = np.arange(len(layers))
    for offset, (system, words), colour in zip(
        (-0.2, 0.2), _SYSTEM_NAMES.items(), _COLOURS, strict=False
    ):
        means = [to_digits(w, system).count / w.size for w in layers.values()]
        bars = axes.barh(rows + offset, means, height=0.36, color=colour, label=words)
        axes.bar_label(bars, fmt="%.2f", padding=3, fontsize=7)
    axes.set_yticks(rows, [_text(name) for name in layers])
    axes.set_ylim(len(layers) - 0.4, -0.6)
    axes.set_xlim(0, max(1.0, 1.15 * axes.get_xlim()[1]))
    axes.grid(visible=False, axis="y")
    axes.set_xlabel("digits per weight")
    figure.suptitle("Digits per weight of each layer")
    figure.legend(loc="outside lower center", ncols=2)


_SYSTEM_NAMES = {
    NumberSystem.BINARY: "one-bits of |w| (binary)",
    NumberSystem.CSD: "signed digits (CSD)",
}


def _check_points(points: Sequence[SweepPoint]) -> None:
    if not points:
        raise PruneError("a sweep of no points; give at least one SweepPoint")
    limits = {"accuracy": 1.0, "energy_pj": math.inf, "digits_per_weight": math.inf}
    problems = [
        f"point {number} ({point.method}, {point.label}): {field} {value}"
        for number, point in enumerate(points)
        for field, most in limits.items()
        if not (math.isfinite(value := getattr(point, field)) and 0 <= value <= most)
    ]
    if problems:
        raise PruneError(
            f"{'; '.join(problems)}; accuracy is 0..1, and energy and digits are finite and not "
            "negative"
        )


def _check_layers(layers: Mapping[str, Weights]) -> dict[str, Weights]:
    if not 1 <= len(layers) <= MAX_LAYERS:
        raise PruneError(f"a plot of {len(layers)} layers, but 1 to {MAX_LAYERS} fit; split them")
    return {name: check_weights(name, weights) for name, weights in layers.items()}


def _energy_unit(largest_pj: float) -> tuple[float, str]:
    return next((pair for pair in _PREFIXES if largest_pj >= pair[0]), _PREFIXES[-1])


def _text(name: str) -> str:
    """Return ``name`` as matplotlib prints it as it is: no mathematics, one line, not too long."""
    plain = "".join(c if c.isprintable() else " " for c in name)
    plain = plain if len(plain) <= 40 else f"{plain[:39]}…"
    # matplotlib leaves labels that begin with an underscore out of the legend.
    return (f" {plain}" if plain.startswith("_") else plain).replace("$", r"\$")
