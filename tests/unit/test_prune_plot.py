"""Plots: what the files hold, that they are the same twice, and that errors leave nothing."""

from __future__ import annotations

import dataclasses
import math
import os
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bitfpga.errors import PruneError
from bitfpga.prune.plot import MAX_LAYERS, SweepPoint, plot_digits, plot_sweep, plot_weights

pytest.importorskip("matplotlib", reason="needs matplotlib: pip install 'bitfpga[plot]'")

RNG = np.random.default_rng(314)
POINTS = [
    SweepPoint("bit_pruning", "eta 0", 0.97, 90_000.0, 3.0),
    SweepPoint("weight_pruning", "eta 4", 0.93, 30_000.0, 1.5),
    SweepPoint("bit_pruning", "eta 16", 0.955, 2_000.0, 0.5),
]
LAYERS: dict[str, Any] = {
    "conv": RNG.choice((-128, -5, 0, 1, 127), size=(5, 3, 2, 2)).astype(np.int8),
    "fc1": RNG.choice((-256, -128, 0, 0, 128, 255), size=(7, 11)),
    "pruned": np.zeros((2, 3), np.int64),
    "one": np.array([[-128]]),
}
SVG = "{http://www.w3.org/2000/svg}"

PLOTS: dict[str, Callable[[Path], None]] = {
    "sweep": lambda path: plot_sweep(POINTS, path, "zc706"),
    "weights": lambda path: plot_weights(LAYERS, path),
    "digits": lambda path: plot_digits(LAYERS, path),
}


def texts(path: Path) -> list[str]:
    """Return the texts of an SVG file, in the order drawn."""
    return ["".join(node.itertext()) for node in ET.parse(path).iter(f"{SVG}text")]


def group(root: Any, name: str) -> Any:
    """Return the first group of an SVG whose id begins with ``name``."""
    return next(g for g in root.iter(f"{SVG}g") if g.get("id", "").startswith(name))


def corners(node: Any) -> list[tuple[float, float]]:
    """Return x and y of every corner of an SVG path; y grows downwards."""
    found = re.findall(r"[ML] ([\d.]+) ([\d.]+)", node.get("d", ""))
    return [(float(x), float(y)) for x, y in found]


def fills(path: Path, name: str) -> list[str]:
    """Return the fill of every path in the first group whose id begins with ``name``."""
    styles = [node.get("style", "") for node in group(ET.parse(path), name).iter(f"{SVG}path")]
    return [match[1] for style in styles if (match := re.search(r"fill: (#\w+)", style))]


@pytest.mark.parametrize("draw", PLOTS.values(), ids=PLOTS)
@pytest.mark.parametrize(
    ("name", "magic"),
    [("a.png", b"\x89PNG\r\n\x1a\n"), ("b.PNG", b"\x89PNG\r\n\x1a\n"), ("c.svg", b"<?xml ")],
)
def test_a_plot_is_one_whole_file(
    tmp_path: Path, draw: Callable[[Path], None], name: str, magic: bytes
) -> None:
    draw(tmp_path / name)
    assert (tmp_path / name).read_bytes().startswith(magic)
    assert os.listdir(tmp_path) == [name]
    assert (tmp_path / name).stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize("draw", PLOTS.values(), ids=PLOTS)
def test_the_same_input_gives_the_same_svg(tmp_path: Path, draw: Callable[[Path], None]) -> None:
    import matplotlib

    draw(tmp_path / "first.svg")
    with matplotlib.rc_context({"font.size": 23, "lines.linewidth": 9, "svg.fonttype": "path"}):
        draw(tmp_path / "second.svg")
        assert matplotlib.rcParams["font.size"] == 23
    first = (tmp_path / "first.svg").read_bytes()
    assert first == (tmp_path / "second.svg").read_bytes()
    assert b"dc:date" not in first


def test_the_sweep_names_methods_points_units_and_the_model(tmp_path: Path) -> None:
    plot_sweep(POINTS, tmp_path / "sweep.svg", "zc706")
    found = texts(tmp_path / "sweep.svg")
    assert "Accuracy against energy (model zc706) and digits" in found
    for text in ("energy per sample (nJ)", "accuracy (%)", "digits per weight"):
        assert found.count(text) == 1
    assert [text for text in found if "pruning" in text] == ["bit_pruning", "weight_pruning"]
    assert [text for text in found if "eta" in text] == ["eta 16", "eta 0", "eta 4"] * 2
    svg = (tmp_path / "sweep.svg").read_text()
    assert "stroke: #0072b2" in svg
    assert "stroke: #d55e00" in svg
    assert {"2", "5", "10", "50"} <= set(found), "a logarithmic axis of plain numbers"


def test_the_points_of_a_sweep_lie_where_they_belong(tmp_path: Path) -> None:
    """Left to right by energy, higher for the more accurate, a line for each method."""
    points = [
        SweepPoint("m", "a", 0.5, 30.0, 1.0),
        SweepPoint("m", "b", 1.0, 10.0, 2.0),
        SweepPoint("m", "c", 0.0, 20.0, 3.0),
    ]
    plot_sweep(points, tmp_path / "s.svg", "asic45")
    lines = [
        corners(node)
        for node in ET.parse(tmp_path / "s.svg").iter(f"{SVG}path")
        if "#0072b2" in node.get("style", "") and node.get("d", "").count("L") == 2
    ]
    (by_energy, by_digits) = lines[:2]
    for line, order in ((by_energy, "bca"), (by_digits, "abc")):
        xs, ys = zip(*line, strict=True)
        assert xs[1] - xs[0] == pytest.approx(xs[2] - xs[1], abs=1e-3)  # SVG rounds to 6 places
        assert xs[0] < xs[1]
        heights = dict(zip(order, ys, strict=True))
        assert heights["b"] < heights["a"] < heights["c"]
        assert heights["a"] * 2 == pytest.approx(heights["b"] + heights["c"], abs=1e-3)


@pytest.mark.parametrize(
    ("energy_pj", "unit"),
    [(0.0, "pJ"), (999.0, "pJ"), (1e3, "nJ"), (2e6, "µJ"), (3e12, "mJ")],
)
def test_the_unit_suits_the_energy(tmp_path: Path, energy_pj: float, unit: str) -> None:
    plot_sweep([SweepPoint("m", "", 1.0, energy_pj, 0.0)], tmp_path / "s.svg", "asic45")
    assert f"energy per sample ({unit})" in texts(tmp_path / "s.svg")


def test_names_are_printed_as_they_are(tmp_path: Path) -> None:
    names = ["_hidden", "a$b$ <&> \\frac", "line\nbreak\x00", "long " * 20]
    points = [dataclasses.replace(POINTS[0], method=name, label=f"η={name}") for name in names]
    plot_sweep(points, tmp_path / "s.svg", "asic45")
    found = [text.strip() for text in texts(tmp_path / "s.svg")]
    for name in ("_hidden", "a$b$ <&> \\frac", "line break", ("long " * 20)[:39] + "…"):
        assert name in found
    plot_digits({name: np.array([[3]]) for name in names}, tmp_path / "d.svg")
    assert "a$b$ <&> \\frac" in texts(tmp_path / "d.svg")


def test_the_histogram_names_layers_and_colours_by_digits(tmp_path: Path) -> None:
    weights = {"fc": np.array([[0, 0, 7, 255], [128, -1, 85, 85]])}
    seen = {}
    for system in ("binary", "csd"):
        path = tmp_path / f"{system}.svg"
        plot_weights(weights, path, system)
        seen[system] = fills(path, "PolyCollection"), texts(path)
    (colours, words), (csd_colours, csd_words) = seen["binary"], seen["csd"]
    minus_one, zero, seven, eighty_five, high, highest = colours
    assert zero == "#b0b0b0"
    assert minus_one == high
    assert len({zero, minus_one, seven, eighty_five, highest}) == 5
    assert csd_colours[2] == csd_colours[5] != csd_colours[3], "7 and 255 are two signed digits"
    assert "fc: 8 weights, 2.62 digits each" in words
    assert "Integer weights, coloured by one-bits of |w| (binary)" in words
    assert "Integer weights, coloured by signed digits (CSD)" in csd_words
    assert {"weight (integer)", "number of weights", "digits"} <= set(words)
    assert words[words.index("digits") + 1 :][:9] == [str(n) for n in range(9)]


def test_the_bars_of_the_histogram_are_as_high_as_their_counts(tmp_path: Path) -> None:
    """On the logarithmic axis 1, 10 and 100 are equally far apart."""
    weights = np.repeat(np.array([-128, 0, 127], np.int8), (1, 10, 100)).reshape(3, 37)
    plot_weights({"fc": weights}, tmp_path / "w.svg")
    root = ET.parse(tmp_path / "w.svg").getroot()
    bars = [corners(node) for node in group(root, "PolyCollection") if node.get("d")]
    tops = [min(y for _, y in bar) for bar in bars]
    assert tops[0] - tops[1] == pytest.approx(tops[1] - tops[2], abs=1e-3)  # rounded in the SVG
    frame = corners(next(group(root, "patch_2").iter(f"{SVG}path")))
    assert tops[0] > tops[1] > tops[2] > min(y for _, y in frame)
    middles = [sum(x for x, _ in bar[:4]) / 4 for bar in bars]
    unit = (middles[2] - middles[0]) / 255
    assert middles[1] - middles[0] == pytest.approx(128 * unit, abs=1e-3)
    for bar, top in zip(bars, tops, strict=True):
        assert [y == top for _, y in bar[:4]] == [False, True, True, False]
        widths = [bar[2][0] - bar[1][0], bar[3][0] - bar[0][0]]
        assert widths == pytest.approx([unit, unit], abs=1e-3)


def test_the_digits_of_every_layer_are_printed(tmp_path: Path) -> None:
    layers = {"fc1": np.array([[7, 255, 0]]), "fc2": np.array([[-128]])}
    plot_digits(layers, tmp_path / "d.svg")
    found = texts(tmp_path / "d.svg")
    assert [text for text in found if re.fullmatch(r"\d\.\d\d", text)] == [
        "3.67",
        "1.00",
        "1.33",
        "1.00",
    ]
    nodes = ET.parse(tmp_path / "d.svg").iter(f"{SVG}text")
    heights = {"".join(node.itertext()): float(node.get("y", "nan")) for node in nodes}
    assert heights["3.67"] < heights["fc1"] < heights["1.33"] < heights["fc2"], "top to bottom"
    words = {"Digits per weight of each layer", "digits per weight", "fc1", "fc2"}
    assert words | {"one-bits of |w| (binary)", "signed digits (CSD)"} <= set(found)


def test_the_most_layers_fit(tmp_path: Path) -> None:
    layers = {f"layer {n}": np.array([[n]]) for n in range(MAX_LAYERS)}
    plot_digits(layers, tmp_path / "d.png")
    with pytest.raises(PruneError, match=f"{MAX_LAYERS + 1} layers, but 1 to {MAX_LAYERS} fit"):
        plot_digits(layers | {"more": np.array([[1]])}, tmp_path / "e.png")


def point(**changes: float) -> list[SweepPoint]:
    return [dataclasses.replace(POINTS[0], **changes)]


def test_every_bad_value_of_a_sweep_is_named_at_once(tmp_path: Path) -> None:
    points = [*POINTS, *point(accuracy=97.0, energy_pj=-1.0), *point(digits_per_weight=math.nan)]
    with pytest.raises(PruneError) as caught:
        plot_sweep(points, tmp_path / "s.png", "asic45")
    assert str(caught.value) == (
        "point 3 (bit_pruning, eta 0): accuracy 97.0; point 3 (bit_pruning, eta 0): energy_pj -1.0;"
        " point 4 (bit_pruning, eta 0): digits_per_weight nan; accuracy is 0..1, and energy and "
        "digits are finite and not negative"
    )


REFUSALS: list[tuple[Callable[[Path], None], str]] = [
    (lambda f: plot_sweep([], f / "a.png", "asic45"), "no points"),
    (lambda f: plot_sweep(point(energy_pj=math.inf), f / "a.png", "asic45"), "energy_pj inf"),
    (lambda f: plot_sweep(point(accuracy=-0.1), f / "a.png", "asic45"), "accuracy -0.1"),
    (lambda f: plot_sweep(POINTS, f / "a.png", "asic"), "model 'asic' is unknown"),
    (lambda f: plot_digits({}, f / "a.png"), "plot of 0 layers"),
    (lambda f: plot_weights({}, f / "a.png"), "plot of 0 layers"),
    (lambda f: plot_weights(LAYERS, f / "a.png", "ternary"), "'ternary' is unknown"),
    (lambda f: plot_weights({"x": np.array([np.nan])}, f / "a.png"), "'x': .* float64"),
    (lambda f: plot_weights({"x": np.array([1 << 14])}, f / "a.svg"), "'x': .* 16384"),
    (lambda f: plot_digits({"x": np.zeros((0, 3), int)}, f / "a.png"), "'x': no weights"),
]


@pytest.mark.parametrize(("ask", "message"), REFUSALS)
def test_what_is_refused_leaves_nothing(
    tmp_path: Path, ask: Callable[[Path], None], message: str
) -> None:
    with pytest.raises(PruneError, match=message):
        ask(tmp_path)
    assert os.listdir(tmp_path) == []
