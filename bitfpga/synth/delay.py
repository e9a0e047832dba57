"""The longest path that Yosys' ``sta`` prints, as data. Logic delay: cells only, no wires."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

_LATEST = re.compile(r"^Latest arrival time in '\\?([^']+)' is (\d+):$")
_STEP = re.compile(r"^ +(\d+) +(?:(\S.*) )?\((\S.*)\)$")
_NO_ARCS = re.compile(r"^Warning: Module '\\?([^']+)' has no timing arcs!")
_UNKNOWN = re.compile(r"^Warning: Cell type '\\?([^']+)' not recognised!")
_NOT_A_CELL = re.compile(r"\$scopeinfo|outer\d+")  # the second: another block, a black box here
_TWICE = re.compile(r"\bbitfpga_top_(\w+)\.\1\b")  # of a module that submod made
_MAPPED = re.compile(r"_(?:FD[RSCP]E|CARRY[48]|LUT\d|SRLC?\d|RAM[B\d]|MUXF\d|INV)\w*_.*$")


@dataclass(frozen=True)
class LogicDelay:
    """The logic delay of the longest path in ps, and the path from its start to its end.

    ``path``: "arrival in ps, cell, (type.pin)" from the start to the end. ``unknown``: cell types
    without delays, where paths are cut.
    """

    ps: int
    path: tuple[str, ...]
    unknown: tuple[str, ...] = ()

    @property
    def start(self) -> str:
        """Where the path starts: a register, a memory or an input."""
        return _named(self.path[0]) if self.path else ""

    @property
    def end(self) -> str:
        """Where the path ends."""
        return _named(self.path[-1]) if self.path else ""

    def to_document(self) -> dict[str, Any]:
        """Return the delay with both ends of its path."""
        return {**asdict(self), "start": self.start, "end": self.end}


def delay_from_document(document: Mapping[str, Any]) -> LogicDelay:
    """Return the delay that ``to_document`` wrote; KeyError or TypeError if it is not one."""
    return LogicDelay(int(document["ps"]), tuple(document["path"]), tuple(document["unknown"]))


def read_delays(text: str) -> dict[str, LogicDelay]:
    """Return the logic delay of each module in what ``sta`` printed; 0 ps where it has no path."""
    found: dict[str, LogicDelay] = {}
    unknown: set[str] = set()
    blocks = re.split(r"^(?=Latest arrival)|^(?=No timing)", text, flags=re.M)
    for block in blocks:
        lines = block.splitlines()
        for line in lines:
            if missing := _NO_ARCS.match(line) or _UNKNOWN.match(line):
                unknown.add(missing[1])
        if lines and (latest := _LATEST.match(lines[0])):
            found[latest[1]] = LogicDelay(int(latest[2]), _path(lines[1:]), ())
    cut = tuple(sorted(name for name in unknown if not _NOT_A_CELL.fullmatch(name)))
    return {name: LogicDelay(delay.ps, delay.path, cut) for name, delay in found.items()}


def _path(lines: list[str]) -> tuple[str, ...]:
    """Return the steps of a path, which is printed from its end to its start."""
    steps = []
    lines = [line for line in lines if not line.lstrip().startswith("Warning")]
    for line, net in zip(lines, [*lines[1:], ""], strict=True):
        if line.startswith("Arrival"):
            break
        if (step := _STEP.match(line)) and step[2] != "\\clk":
            cell = step[2] or net.strip()
            cell = _TWICE.sub(r"\1", cell.removeprefix("\\"))
            steps.append(f"{step[1]} {cell} ({step[3].strip('<>')})")
    return tuple(reversed(steps))


def _named(step: str) -> str:
    """Return the register, memory or port in a line of a path, without what mapping added."""
    name = step.split(" ", 1)[1].rpartition(" (")[0]
    return _MAPPED.sub("", name)
