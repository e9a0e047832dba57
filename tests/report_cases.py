"""For tests of reports: a small network of many kinds of layers, and a reader of the page."""

from __future__ import annotations

from html.parser import HTMLParser

import numpy as np

from bitfpga.boards import load_board
from bitfpga.ir import Add, Conv, Dense, Layer, MaxPool, Network, Requantise, TensorType
from bitfpga.plan import Schedule, plan
from bitfpga.report import report_page

VOID = {"meta", "link", "br"}


def small_cnn() -> Network:
    """Return conv -> conv -> add -> max pool -> dense on a 2 x 6 x 5 map, seeded.

    The second convolution has no weight but zeros; the last output of the dense layer neither.
    """
    rng = np.random.default_rng(7)
    source = TensorType((2, 6, 5), 8, True, 2.0**-6)
    maps = TensorType((3, 6, 5), 8, True, 2.0**-5)
    first = _conv(rng, "first", "input", 2, maps)
    pruned = _conv(rng, "pruned", "first", 3, maps)
    pruned.weight[:] = 0
    added = Add(
        "added",
        ("first", "pruned"),
        maps,
        "body.add",
        weights=(1, 1),
        requantise=_requantise((), 0, maps),
    )
    pooled = TensorType((3, 3, 2), 8, True, 2.0**-5)
    window = {"kernel": (2, 2), "stride": (2, 2), "padding": ((0, 0), (0, 0)), "dilation": (1, 1)}
    pool = MaxPool("pool", ("added",), pooled, "body.pool", **window)
    last = TensorType((3, 3, 4), 8, True, 2.0**-5)
    weight = rng.integers(-128, 128, (4, 2)).astype(np.int16)
    weight[-1] = 0
    dense = Dense(
        "last", ("pool",), last, "head", weight=weight, requantise=_requantise((4,), 6, last)
    )
    layers: tuple[Layer, ...] = (first, pruned, added, pool, dense)
    return Network("small_cnn", source, layers)


def _conv(
    rng: np.random.Generator, name: str, source: str, n_inputs: int, output: TensorType
) -> Conv:
    return Conv(
        name,
        (source,),
        output,
        f"body.{name}",
        weight=rng.integers(-128, 128, (3, n_inputs, 3, 3)).astype(np.int16),
        requantise=_requantise((3, 1, 1), 7, output),
        stride=(1, 1),
        padding=((1, 1), (1, 1)),
        dilation=(1, 1),
        groups=1,
    )


def _requantise(shape: tuple[int, ...], shift: int, output: TensorType) -> Requantise:
    ones, zeros = np.ones(shape, np.int64), np.zeros(shape, np.int64)
    return Requantise(ones, zeros, shift, output.low, output.high)


class Page(HTMLParser):
    """Every element of a page by tag: attributes, and the text directly inside it."""

    def __init__(self, page: bytes) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str], list[str]]] = []
        self.open: list[int] = []
        self.feed(page.decode("utf-8"))
        self.close()
        assert self.open == [], "elements were left open"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names))
        self.found.append((tag, {name: value or "" for name, value in attrs}, []))
        if tag not in VOID:
            self.open.append(len(self.found) - 1)

    def handle_endtag(self, tag: str) -> None:
        assert self.found[self.open.pop()][0] == tag

    def handle_data(self, data: str) -> None:
        if self.open:
            self.found[self.open[-1]][2].append(data)

    def all(self, tag: str, kind: str = "") -> list[dict[str, str]]:
        """Return the attributes of every element of a tag, of one class if ``kind`` is given."""
        found = [attributes for name, attributes, _ in self.found if name == tag]
        return [a for a in found if not kind or kind in a.get("class", "").split()]

    def classes(self, text: str) -> list[str]:
        """Return the class of every cell that holds just ``text``."""
        cells = [(a, "".join(inside)) for tag, a, inside in self.found if tag == "td"]
        return [attributes.get("class", "") for attributes, inside in cells if inside == text]

    def texts(self, tag: str) -> list[str]:
        """Return the text of every element of a tag."""
        return ["".join(text) for name, _, text in self.found if name == tag]


def planned(network: Network) -> Schedule:
    return plan(network, load_board("pynq-z2"))


def page_of(network: Network, schedule: Schedule) -> Page:
    return Page(report_page(network, schedule))
