"""Runs the steps that are missing, one after the other, and reads their reports.

A step is done when ``flow.json`` says so for exactly these inputs and what it left is still there.
Each is noted when it has ended, so a run that was interrupted goes on at the step it was in.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bitfpga.emit.vendor import Core
from bitfpga.errors import SynthError
from bitfpga.project_folder import ProjectFolder
from bitfpga.vitis.logs import error_lines
from bitfpga.vitis.programs import find_hls, find_vivado
from bitfpga.vitis.reports import (
    HlsReport,
    ImplReport,
    cosim_verdict,
    read_csynth,
    read_implementation,
)
from bitfpga.vitis.run import Run, prepare
from bitfpga.vitis.running import run_step
from bitfpga.vitis.state import Done, locked, read_state
from bitfpga.vitis.steps import BEFORE, BY_HLS, Step, results


@dataclass(frozen=True)
class FlowResult:
    """What the flow left. ``ran``: the steps that ran now, with their seconds; others were kept."""

    core: Core
    done: dict[Step, Done]
    ran: tuple[Step, ...]
    csynth: HlsReport
    cosim: str | None
    impl: ImplReport | None
    bit: Path | None
    hwh: Path | None
    warnings: tuple[str, ...]


def run_flow(
    project: ProjectFolder,
    until: Step,
    *,
    limit_s: float,
    on_step: Callable[[str], None] = lambda _: None,
    on_line: Callable[[str], None] = lambda _: None,
) -> FlowResult:
    """Return the reports after every step that leads to ``until``; those missing are run.

    ``limit_s``: for all steps together. ``on_step`` gets a line when a step starts or ends, and
    warnings; ``on_line`` every line of a running tool's log. ToolError where a tool is missing,
    fails, or leaves nothing; SynthError where the co-simulation differs or the timing is not met;
    ProjectError and BoardError before anything has run.
    """
    run = prepare(project, until, time.monotonic() + limit_s, limit_s)
    run.on_step, run.on_line = on_step, on_line
    steps = [*BEFORE[until], until]
    run.folder.mkdir(exist_ok=True)
    with locked(run.folder):
        run.done = read_state(run.folder, [step.value for step in Step])
        missing = _missing(run, steps)
        _find_tools(run, missing)
        missing = _missing(run, steps)
        for step in steps:
            if step in missing:
                run_step(run, step)
            else:
                on_step(f"{step.value}: done before, kept")
            _judge(run, step)
        return _result(run, until, tuple(missing))


def _missing(run: Run, steps: list[Step]) -> list[Step]:
    """Return the steps to run: those not done, those after one that runs."""
    missing: list[Step] = []
    for step in steps:
        if any(before in missing for before in BEFORE[step]) or not run.is_done(step):
            missing.append(step)
    csynth = run.done.get(Step.CSYNTH.value)
    needs_work = [step for step in missing if step in BY_HLS]
    other = run.hls is not None and csynth is not None and csynth.flow != run.hls.flow
    if needs_work and Step.CSYNTH not in missing and (other or not _has_work(run, csynth)):
        missing = steps  # packaging goes on in the folder that synthesis left
    return missing


def _has_work(run: Run, csynth: Done | None) -> bool:
    """Return whether the folder in which Vitis HLS synthesised is still there."""
    flow = csynth.flow if csynth else ""
    first = results(Step.CSYNTH, flow, run.config.top, run.core.name)[0]
    return any((run.folder / source).is_file() for source in first.sources)


def _find_tools(run: Run, missing: list[Step]) -> None:
    """Find what the missing steps need, before any of them runs; note versions that differ."""
    if any(step in BY_HLS for step in missing):
        run.hls = find_hls()
    if any(step not in BY_HLS for step in missing):
        run.vivado = find_vivado()
    earlier = {name: step.version for name, step in run.done.items() if Step(name) not in missing}
    versions = {**earlier, "Vitis HLS": run.hls.version if run.hls else None}
    versions["Vivado"] = run.vivado.version if run.vivado else None
    known = {name: version for name, version in versions.items() if version}
    if len(set(known.values())) > 1:
        shown = ", ".join(f"{name} {version}" for name, version in known.items())
        run.warn(
            f"tools of different versions ({shown}): it often works, but if Vivado "
            "refuses the core, use one version for all"
        )


def _judge(run: Run, step: Step) -> None:
    """Raise SynthError where a step ended well, but found that the design is not right."""
    reports = run.folder / "reports"
    if step is Step.COSIM and (verdict := cosim_verdict(reports / "cosim.rpt")) != "Pass":
        log = run.folder / "logs" / "cosim.log"
        lines = "".join(f"\n  | {line}" for line in error_lines(log))
        raise SynthError(
            f"cosim: the RTL does not do what the C++ does (verdict {verdict})\n  log: {log}{lines}"
        )
    if step is Step.IMPL:
        found = read_implementation(reports, run.project.schedule)
        if not found.timing_met:
            clock_ns = run.project.schedule.clock_ns
            longer_ns = clock_ns - found.wns_ns + 0.1
            advice = f"build it again with --clock-ns {longer_ns:.1f} or more"
            if found.wns_ns >= 0:
                advice = "no clock helps against a negative hold slack: try another Vivado"
            raise SynthError(
                f"impl: the routed design does not keep its clock of {clock_ns:g} ns (worst setup "
                f"slack {found.wns_ns:g} ns, hold {found.whs_ns:g} ns; "
                f"{reports / 'timing_summary.rpt'}): {advice}"
            )


def _result(run: Run, until: Step, ran: tuple[Step, ...]) -> FlowResult:
    reports, schedule = run.folder / "reports", run.project.schedule
    csynth = read_csynth(reports / "csynth.xml", schedule)
    if csynth.estimated_ns > csynth.target_ns:
        run.warn(
            f"Vitis HLS estimates a period of {csynth.estimated_ns:g} ns, the clock has "
            f"{csynth.target_ns:g} ns: the routed timing decides"
        )
    steps = [*BEFORE[until], until]
    routed = Step.IMPL in steps
    has_bits = until is Step.BITSTREAM
    return FlowResult(
        core=run.core,
        done={step: run.done[step.value] for step in steps},
        ran=ran,
        csynth=csynth,
        cosim=cosim_verdict(reports / "cosim.rpt") if until is Step.COSIM else None,
        impl=read_implementation(reports, schedule) if routed else None,
        bit=run.folder / f"{run.core.name}.bit" if has_bits else None,
        hwh=run.folder / f"{run.core.name}.hwh" if has_bits else None,
        warnings=tuple(run.warnings),
    )
