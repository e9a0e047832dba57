"""The steps from C++ to a bitstream: what decides each, how it is run, and what it must leave.

Everything lies below ``vitis/`` in the project. ``hls/`` there is a copy of the project's own
folder, in which Vitis HLS works; results that later steps need are copied out of it.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from bitfpga.emit.vendor import HlsConfig, hls_script
from bitfpga.vitis.programs import Hls, Vivado

WORK = "work"  # of the config flow, below hls/
SOLUTION = "project/solution"  # of vitis_hls, below hls/


class Step(str, Enum):
    """A step of the flow, and what ``--until`` names."""

    CSYNTH = "csynth"
    COSIM = "cosim"
    PACKAGE = "package"
    IMPL = "impl"
    BITSTREAM = "bitstream"


BEFORE: dict[Step, tuple[Step, ...]] = {
    Step.CSYNTH: (),
    Step.COSIM: (Step.CSYNTH,),
    Step.PACKAGE: (Step.CSYNTH,),
    Step.IMPL: (Step.CSYNTH, Step.PACKAGE),
    Step.BITSTREAM: (Step.CSYNTH, Step.PACKAGE, Step.IMPL),
}
BY_HLS = (Step.CSYNTH, Step.COSIM, Step.PACKAGE)


def behind(step: Step) -> tuple[Step, ...]:
    """Return the steps that take what ``step`` makes."""
    return tuple(later for later, needed in BEFORE.items() if step in needed)


@dataclass(frozen=True)
class Result:
    """Something a step leaves: the first of ``sources`` that is there, kept as ``place``.

    ``made``: whether it is this step that makes it.
    """

    sources: tuple[str, ...]
    place: str
    made: bool = True
    optional: bool = False


def results(step: Step, flow: str, top: str, name: str) -> tuple[Result, ...]:
    """Return what ``step`` must leave, all paths relative to ``vitis/``."""
    hls = f"hls/{WORK}/hls" if flow == "config" else f"hls/{SOLUTION}"
    reports = f"{hls}/syn/report"
    if step is Step.CSYNTH:
        found = (f"{reports}/csynth.xml", f"{reports}/{top}_csynth.xml")
        return (Result(found, "reports/csynth.xml"),)
    if step is Step.COSIM:
        return (Result((f"{hls}/sim/report/{top}_cosim.rpt",), "reports/cosim.rpt"),)
    if step is Step.PACKAGE:
        return (Result((f"{hls}/impl/ip/component.xml",), "ip/component.xml"),)
    if step is Step.IMPL:
        names = ("utilization.rpt", "timing_summary.rpt")
        kept = [Result((f"vivado/reports/{report}",), f"reports/{report}") for report in names]
        here = [Result((path,), path) for path in ("vivado/routed.dcp", "vivado/system.hwh")]
        alone = "accelerator_utilization.rpt"
        core = Result((f"vivado/reports/{alone}",), f"reports/{alone}", optional=True)
        return (*kept, *here, core)
    return (
        Result(("vivado/system.bit",), f"{name}.bit"),
        Result(("vivado/system.hwh",), f"{name}.hwh", made=False),
    )


def hls_command(step: Step, hls: Hls, config: HlsConfig, folder: Path) -> list[str]:
    """Return the command of a step of Vitis HLS, to be run in ``folder``; may write its script."""
    if hls.flow == "tcl":
        script = f"{step.value}.tcl"
        (folder / script).write_bytes(hls_script(config, step.value))
        return [hls.programs["vitis_hls"], "-f", script]
    settings = ["--config", "hls_config.cfg", "--work_dir", WORK]
    if step is Step.CSYNTH:
        return [hls.programs["v++"], "-c", "--mode", "hls", *settings]
    return [hls.programs["vitis-run"], "--mode", "hls", f"--{step.value}", *settings]


def vivado_command(step: Step, vivado: Vivado) -> list[str]:
    """Return the command of a step of Vivado."""
    script = "implement.tcl" if step is Step.IMPL else "bitstream.tcl"
    return [vivado.program, "-mode", "batch", "-nojournal", "-nolog", "-notrace", "-source", script]


def forget(folder: Path, wanted: Sequence[Result]) -> None:
    """Remove what an earlier run of the step left, so that it cannot pass for this one's."""
    for result in wanted:
        for name in (result.place, *(result.sources if result.made else ())):
            (folder / name).unlink(missing_ok=True)


def collect(folder: Path, wanted: Sequence[Result]) -> str | None:
    """Copy the results to their places; return the first that is not there or empty, else None."""
    for result in wanted:
        sources = [folder / name for name in result.sources]
        source = next((path for path in sources if _holds_something(path)), None)
        if source is None and result.optional:
            continue
        if source is None:
            return result.sources[0]
        place = folder / result.place
        if source == place:
            continue
        place.parent.mkdir(parents=True, exist_ok=True)
        if place.name == "component.xml":
            shutil.rmtree(place.parent)
            shutil.copytree(source.parent, place.parent)
            continue
        partial = place.with_name(f"{place.name}.partial")
        shutil.copyfile(source, partial)
        partial.replace(place)
    return None


def is_complete(folder: Path, wanted: Sequence[Result]) -> bool:
    """Return whether everything the step left is still in its place."""
    needed = [result for result in wanted if not result.optional]
    return all(_holds_something(folder / result.place) for result in needed)


def _holds_something(path: Path) -> bool:
    return path.is_file() and path.stat().st_size > 0
