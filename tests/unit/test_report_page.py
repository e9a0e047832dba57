"""The page for a browser: sound HTML, nothing from outside, and figures that are the schedule's."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from cli_runs import small_mlp
from report_cases import Page, page_of, planned, small_cnn

from bitfpga.ir import Network
from bitfpga.plan import Resources
from bitfpga.report import report_page
from bitfpga.report.charts import ticks

HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=//x.example onerror=alert(1)>',
    "a&amp;b</style></title>",
    "\u202egnp.exe\x1b[31m\x00\ud800",
    "x" * 300,
    "[bold]{{ 7 * 7 }}[/]",
)


def share(length: str) -> float:
    assert length.endswith("%")
    return float(length[:-1]) / 100


def bars(page: Page, *kinds: str) -> list[tuple[float, float]]:
    """Return start and length, shares of the width, of every bar of charts that scale."""
    rects = [a for a in page.all("rect") if a["width"].endswith("%")]
    wanted = [a for a in rects if not kinds or set(kinds) & set(a["class"].split())]
    return [(share(a["x"]), share(a["width"])) for a in wanted]


@pytest.mark.parametrize("network", [small_cnn(), small_mlp((3, 2)), small_mlp((5, 7) * 50)])
def test_a_page_is_sound_html_of_any_number_of_layers(network: Network) -> None:
    schedule = planned(network)
    page = page_of(network, schedule)
    assert page.texts("h2") == ["Pipeline", "Board", "Layers", "Digits", "FIFOs"]
    assert len(page.all("caption")) == 3
    names = Counter(page.texts("th"))
    for layer in schedule.layers:
        assert names[layer.origin] == 3  # pipeline, interval, layers
    for fifo in schedule.fifos:
        assert names[fifo.name] == 1
    n_arrays = sum(layer.n_weights > 0 for layer in schedule.layers)
    assert len(page.all("section", "card")) == n_arrays
    assert report_page(network, schedule) == report_page(network, schedule)


def test_nothing_comes_from_outside_and_nothing_runs() -> None:
    network = small_cnn()
    page = page_of(network, planned(network))
    assert not {tag for tag, _, _ in page.found} & {"script", "iframe", "img", "object", "use"}
    for tag, attributes, _ in page.found:
        assert not [name for name in attributes if name.startswith("on")]
        for name in ("src", "href", "xlink:href", "action", "srcset"):
            assert attributes.get(name, "data:,") == "data:,", tag
    (style,) = page.texts("style")
    assert not re.search(r"url\(|@import|expression", style)
    policy = next(a for a in page.all("meta") if "http-equiv" in a)
    assert policy["content"].startswith("default-src 'none'")


def test_names_are_text_and_nothing_else() -> None:
    network = small_cnn()
    schedule = planned(network)
    plain = page_of(network, schedule)
    layers = zip(schedule.layers, HOSTILE, strict=True)
    hostile = replace(
        schedule,
        network=HOSTILE[0],
        layers=tuple(replace(layer, origin=name, bound=name) for layer, name in layers),
        fifos=tuple(replace(fifo, name=HOSTILE[1]) for fifo in schedule.fifos),
    )
    page = page_of(network, hostile)
    assert [tag for tag, _, _ in page.found] == [tag for tag, _, _ in plain.found]
    headings = page.texts("th")
    for name in (*HOSTILE[:3], *HOSTILE[4:], r"\u202egnp.exe\x1b[31m\x00\ud800"):
        assert headings.count(name) >= 3
    assert page.texts("h1") == [HOSTILE[0]]
    labels = [a["aria-label"] for a in page.all("svg")]
    assert any(HOSTILE[1] in label for label in labels)


def test_bars_stand_where_the_cycles_say() -> None:
    network = small_mlp((3, 4, 5))
    schedule = planned(network)
    times = ((0, 250, 400, "slow"), (250, 1_000, 200, "fast"))
    layers = tuple(
        replace(layer, first_cycle=first, last_cycle=last, interval_cycles=interval, bound=bound)
        for layer, (first, last, interval, bound) in zip(schedule.layers, times, strict=True)
    )
    schedule = replace(schedule, layers=layers, latency_cycles=1_000, interval_cycles=500)
    page = page_of(network, replace(schedule, resources=Resources()))
    assert bars(page, "c0")[:2] == [(0.0, 0.25), (0.0, 0.8)]
    assert bars(page, "c1")[:2] == [(0.25, 0.75), (0.0, 0.4)]
    cells = page.texts("td")
    for text in ("0 to 250", "250 to 1,000", "400", "80%", "200", "40%"):
        assert text in cells
    assert [page.classes(name)[0] for name in ("slow", "fast")] == ["word strong", "word"]
    limits = [share(a["x1"]) for a in page.all("line", "limit")]
    assert limits == [1.0] * 5  # of two layers the pipeline's interval, of three resources
    told = " ".join(page.texts("p"))
    assert "interval, 500 cycles" in told
    assert "take the longest, 400 cycles; what is left" in told
    slow = replace(schedule, interval_cycles=400)
    assert "400 cycles: they bound" in " ".join(page_of(network, slow).texts("p"))


def test_a_pipeline_that_was_not_simulated_shows_intervals_only() -> None:
    network = small_mlp((3, 4, 5))
    schedule = planned(network)
    page = page_of(network, replace(schedule, simulated=False))
    assert len(page.all("caption")) == 2
    assert not [text for text in page.texts("td") if " to " in text]
    assert any("not simulated" in text for text in page.texts("p"))
    assert "planned" in page.texts("dd")
    assert "simulated" not in page.texts("dd")


def test_resources_are_stacked_against_the_board() -> None:
    network = small_mlp((3, 4, 5))
    schedule = planned(network)
    board = schedule.board.model_copy(update={"luts": 1_000, "ffs": 2_000, "bram36": 0})
    parts = (Resources(100, 0, 0.5), Resources(300, 500, 0.0))
    layers = zip(schedule.layers, parts, strict=True)
    schedule = replace(
        schedule,
        board=board,
        layers=tuple(replace(layer, resources=part) for layer, part in layers),
        resources=Resources(500, 4_000, 0.5),
    )
    page = page_of(network, schedule)
    assert bars(page, "c0")[2:] == [(0.0, 0.1), (0.0, 0.5)]
    assert bars(page, "c1")[2:] == [(0.1, 0.3), (0.0, 0.125)]
    assert bars(page, "rest") == [(0.4, 0.1), (0.125, 0.875)]
    budgets = [share(a["x1"]) for a in page.all("line", "budget")]
    assert budgets == [0.85, 0.425, 0.0]
    assert [share(a["x1"]) for a in page.all("line", "limit")][-3:] == [1.0, 0.5, 0.0]
    figures = page.texts("td")
    for text in ("500 of 1,000", "50.0%", "4,000 of 2,000", "200.0%", "0.5 of 0", "none there"):
        assert text in figures
    over = [page.classes(text)[:1] for text in ("50.0%", "200.0%", "none there")]
    assert over == [["num"], ["num strong"], ["num strong"]]


def test_fifos_are_listed_with_their_sizes() -> None:
    network = small_mlp((3, 2))
    schedule = planned(network)
    fifos = (replace(schedule.fifos[0], depth=1_234, bits=72),)
    page = page_of(network, replace(schedule, fifos=fifos))
    assert page.texts("td")[-3:] == ["1,234", "72", "88,848"]
    assert page_of(network, replace(schedule, fifos=())).texts("h2")[-1] == "Digits"


def test_ticks_are_round_and_few() -> None:
    assert ticks(1) == [0, 1]
    assert ticks(4) == [0, 1, 2, 3, 4]
    assert ticks(681) == [0, 200, 400, 600]
    for most in (*range(1, 300), 7_654_321, 10**12, 10**12 - 1):
        marks = ticks(most)
        assert 2 <= len(marks) <= 5
        assert marks[0] == 0
        assert most // 2 < marks[-1] <= most
        assert str(marks[1]).rstrip("0") in ("1", "2", "5")


def luminance(colour: str) -> float:
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return float(np.dot(linear, (0.2126, 0.7152, 0.0722)))


def test_text_and_bars_stand_out_in_light_and_dark() -> None:
    network = small_mlp((3, 2))
    (style,) = page_of(network, planned(network)).texts("style")
    themes = [dict(re.findall(r"--(\w+): (#\w{6})", part)) for part in style.split("@media")[:2]]
    for theme in themes:
        assert len(theme) >= 15
        for ground in ("page", "panel"):
            behind = luminance(theme[ground])
            for name, colour in theme.items():
                least = {"text": 7.0, "dim": 4.5, "rule": 1.1, "page": 1.0, "panel": 1.0}
                dark, light = sorted((behind, luminance(colour)))
                assert (light + 0.05) / (dark + 0.05) >= least.get(name, 3.0), (name, ground)
