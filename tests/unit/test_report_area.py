"""The table of a synthesis: figures, estimates, notes, and terminals of every width."""

from __future__ import annotations

import io
from types import SimpleNamespace
from typing import Any

import pytest
from rich.console import Console

from bitfpga.boards import load_board
from bitfpga.plan import Resources
from bitfpga.report.area import area_lines
from bitfpga.report.tables import print_whole
from bitfpga.synth.area import AreaReport, MappedBlock, PartArea, Role
from bitfpga.synth.cells import BlockArea
from bitfpga.synth.delay import LogicDelay


def part(name: str, role: Role, luts: int, ps: int | None, estimate: int | None) -> PartArea:
    """Return a part with so many LUTs, some registers and block RAM, and a delay."""
    area = BlockArea(lut_logic=luts, ffs=2 * luts, ramb18=3 if role == "layer" else 0)
    path = (f"303 {name}.from_FDRE_Q (FDRE.C->Q)", f"{ps} {name}.to_FDRE_Q_1 (FDRE.D)")
    delay = LogicDelay(ps, path) if ps is not None else None
    planned = Resources(estimate, estimate, 0.5) if estimate is not None else None
    return PartArea(name, role, "module", MappedBlock(area, delay), planned)


def report(timed: bool = True) -> AreaReport:
    """Return the report of two layers, two FIFOs and a store."""
    rows: tuple[tuple[str, Role, int, int, int | None], ...] = (
        ("conv", "layer", 4321, 3284, 5000),
        ("dense", "layer", 210, 2999, 300),
        ("fifo_a", "fifo", 24, 1472, 16),
        ("fifo_b", "fifo", 30, 1500, 16),
        ("store", "process", 7, 900, None),
        ("bitfpga_top", "top", 0, 0, None),
    )
    parts = tuple(
        part(name, role, luts, ps if timed else None, estimate)
        for name, role, luts, ps, estimate in rows
    )
    whole = LogicDelay(3333, parts[0].mapped.delay.path) if parts[0].mapped.delay else None
    return AreaReport("pyosys 0.70", "xc7", parts, whole, Resources(7000, 8000, 12.5))


def shown(timed: bool = True, width: int = 100) -> str:
    """Return the table as a terminal of that width shows it."""
    layers = [SimpleNamespace(name=name, origin=f"net.{name}") for name in ("conv", "dense")]
    schedule: Any = SimpleNamespace(network="tiny", board=load_board("pynq-z2"), layers=layers)
    console = Console(file=io.StringIO(), width=width, color_system=None)
    print_whole(console, area_lines(report(timed).to_document(), schedule, console))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


@pytest.mark.parametrize(
    ("start", "cells"),
    [
        ("net.conv", ["4,321", "5,000", "8,642", "5,000", "1.5", "0.5", "0", "3.28", "ns"]),
        ("FIFOs", ["54", "32", "108", "32", "0", "1", "0", "1.50", "ns"]),
        ("load, store, forks", ["7", "14", "0", "0", "0.90", "ns"]),
        ("whole design", ["4,592", "7,000", "9,184", "8,000", "3", "12.5", "0", "3.33", "ns"]),
    ],
)
def test_a_row_says_what_a_part_takes_and_what_was_planned(start: str, cells: list[str]) -> None:
    row = next(line for line in shown().splitlines() if line.startswith(start))
    assert row.removeprefix(start).split() == cells


def test_the_notes_say_what_the_figures_are() -> None:
    text = shown()
    assert "9% of 53,200 LUT" in text
    assert "not placed, not routed" in text
    assert "no wires" in text
    assert "from conv.from to conv.to" in text
    assert "frequency" not in text
    assert "MHz" not in text


def test_a_family_without_delays_says_so() -> None:
    text = shown(timed=False)
    assert "Yosys has none for the cells of this family" in text
    assert " ns" not in text


@pytest.mark.parametrize("width", [30, 60, 80, 200])
def test_every_width_shows_all_rows(width: int) -> None:
    text = shown(width=width)
    assert "4,592" in text
    assert ("5,000" in text) == (width >= 80)
