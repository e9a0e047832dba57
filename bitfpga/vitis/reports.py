"""Reports of Vitis HLS and Vivado in the shape that the open tools' figures have, too."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bitfpga.errors import ToolError
from bitfpga.plan import Schedule
from bitfpga.synth import AreaReport, BlockArea, MappedBlock, PartArea

TOP = "bitfpga_top"
_ROW = re.compile(r"^\|\s*([^|]+?)\*?\s*\|\s*([0-9.]+)\s*\|", re.MULTILINE)
_TOOL = re.compile(r"^\|\s*Tool Version\s*:\s*Vivado v\.?(\S+)", re.MULTILINE)
_COSIM = re.compile(r"^\|\s*Verilog\s*\|\s*(\w+)\s*\|", re.MULTILINE)
_TIMES = ("WNS(ns)", "TNS(ns)", "WHS(ns)", "THS(ns)")


@dataclass(frozen=True)
class HlsReport:
    """What C synthesis estimates. Cycles are (least, most) of a call, None where it knows none."""

    area: AreaReport
    target_ns: float
    estimated_ns: float
    latency_cycles: tuple[int, int] | None
    interval_cycles: tuple[int, int] | None

    def to_document(self) -> dict[str, Any]:
        """Return everything as plain data, for JSON."""
        return {
            **self.area.to_document(),
            "target_ns": self.target_ns,
            "estimated_ns": self.estimated_ns,
            "latency_cycles": self.latency_cycles,
            "interval_cycles": self.interval_cycles,
        }


@dataclass(frozen=True)
class ImplReport:
    """What the routed block design takes, the processing system's bridges included.

    ``accelerator``: the core alone, where reported. Slacks in ns: worst and total, setup and hold.
    """

    area: AreaReport
    accelerator: BlockArea | None
    wns_ns: float
    tns_ns: float
    whs_ns: float
    ths_ns: float

    @property
    def timing_met(self) -> bool:
        """Whether every path keeps its clock period."""
        return self.wns_ns >= 0 and self.whs_ns >= 0

    def to_document(self) -> dict[str, Any]:
        """Return everything as plain data, for JSON."""
        accelerator = self.accelerator.to_document() if self.accelerator else None
        slacks = {name: getattr(self, name) for name in ("wns_ns", "tns_ns", "whs_ns", "ths_ns")}
        document = {**self.area.to_document(), "accelerator": accelerator, **slacks}
        return {**document, "timing_met": self.timing_met}


def read_csynth(path: Path, schedule: Schedule) -> HlsReport:
    """Return the figures of a ``csynth.xml``; ToolError where it is not one."""
    try:
        root = ElementTree.fromstring(path.read_bytes())
    except (OSError, ElementTree.ParseError) as error:
        raise _unknown(path, str(error)) from None

    def text(place: str) -> str:
        found = root.findtext(place)
        if found is None:
            raise _unknown(path, f"no <{place}>")
        return found.strip()

    def number(place: str) -> float:
        try:
            return float(text(place))
        except ValueError:
            raise _unknown(path, f"<{place}> is {text(place)[:40]!r}") from None

    def cycles(least: str, most: str) -> tuple[int, int] | None:
        found = [
            root.findtext(f"PerformanceEstimates/SummaryOfOverallLatency/{name}") or ""
            for name in (least, most)
        ]
        return (int(found[0]), int(found[1])) if all(t.strip().isdecimal() for t in found) else None

    resources = "AreaEstimates/Resources"
    area = BlockArea(
        lut_logic=int(number(f"{resources}/LUT")),
        ffs=int(number(f"{resources}/FF")),
        ramb18=int(number(f"{resources}/BRAM_18K")),
        dsp=int(number(f"{resources}/DSP")),
        uram=int(root.findtext(f"{resources}/URAM") or 0),
    )
    version = root.findtext("ReportVersion/Version") or "of unknown version"
    timing = "PerformanceEstimates/SummaryOfTimingAnalysis/EstimatedClockPeriod"
    return HlsReport(
        area=_report(f"Vitis HLS {version}", area, schedule),
        target_ns=number("UserAssignments/TargetClockPeriod"),
        estimated_ns=number(timing),
        latency_cycles=cycles("Best-caseLatency", "Worst-caseLatency"),
        interval_cycles=cycles("Interval-min", "Interval-max"),
    )


def read_implementation(folder: Path, schedule: Schedule) -> ImplReport:
    """Return the figures of Vivado's reports in ``folder``; ToolError where any is missing."""
    path = folder / "utilization.rpt"
    text = _text(path)
    version = _TOOL.search(text)
    tool = f"Vivado {version[1]}" if version else "Vivado"
    area = _report(tool, _utilization(path, text), schedule)
    alone = folder / "accelerator_utilization.rpt"
    accelerator = _utilization(alone, _text(alone)) if alone.is_file() else None
    timing = folder / "timing_summary.rpt"
    slacks = _slacks(timing, _text(timing))
    return ImplReport(area, accelerator, *slacks)


def cosim_verdict(path: Path) -> str:
    """Return what the co-simulation of the Verilog came to: ``Pass``, ``Fail``, ``NA``."""
    verdict = _COSIM.search(_text(path))
    if verdict is None:
        raise _unknown(path, "no verdict of the Verilog")
    return verdict[1]


def _report(tool: str, area: BlockArea, schedule: Schedule) -> AreaReport:
    whole = PartArea(TOP, "top", TOP, MappedBlock(area, None), schedule.resources)
    return AreaReport(tool, schedule.board.family, (whole,), None, schedule.resources)


def _utilization(path: Path, text: str) -> BlockArea:
    rows: dict[str, float] = {}
    for name, count in _ROW.findall(text):
        rows.setdefault(name, float(count))

    def used(*names: str) -> int:
        for name in names:
            if name in rows:
                return int(rows[name])
        raise _unknown(path, f"no row {names[0]!r}")

    def maybe(name: str) -> int:
        return int(rows.get(name, 0))

    return BlockArea(
        lut_logic=used("LUT as Logic"),
        lut_ram=maybe("LUT as Distributed RAM"),
        srl=maybe("LUT as Shift Register"),
        ffs=used("Register as Flip Flop", "Slice Registers", "CLB Registers"),
        latches=maybe("Register as Latch"),
        carry8=maybe("CARRY8"),
        muxf7=maybe("F7 Muxes"),
        muxf8=maybe("F8 Muxes"),
        muxf9=maybe("F9 Muxes"),
        ramb36=used("RAMB36/FIFO"),
        ramb18=used("RAMB18"),
        uram=maybe("URAM"),
        dsp=used("DSPs"),
    )


def _slacks(path: Path, text: str) -> tuple[float, float, float, float]:
    """Return WNS, TNS, WHS, THS of the first summary table."""
    lines = text.splitlines()
    for i, line in enumerate(lines):
        names = re.split(r"\s{2,}", line.strip())
        if names[:2] == list(_TIMES[:2]) and len(lines) > i + 2:
            values = dict(zip(names, lines[i + 2].split(), strict=False))
            try:
                wns, tns, whs, ths = (float(values[name]) for name in _TIMES)
            except (KeyError, ValueError):
                raise _unknown(path, "no slack: is no path timed?") from None
            return wns, tns, whs, ths
    raise _unknown(path, "no table with WNS(ns)")


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8", errors="replace")
    except OSError as error:
        raise _unknown(path, str(error.strerror)) from None


def _unknown(path: Path, reason: str) -> ToolError:
    return ToolError(f"cannot read the report {path} ({reason}); send it with a bug report")
