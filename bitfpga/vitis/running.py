"""Runs one step: its command in its folder, its log, what it left, its note in ``flow.json``."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

from bitfpga.emit.vendor import vivado_settings
from bitfpga.errors import ToolError
from bitfpga.paths import vivado_dir
from bitfpga.tools import run_tool
from bitfpga.vitis.logs import error_lines, following
from bitfpga.vitis.reports import cosim_verdict, read_csynth, read_implementation
from bitfpga.vitis.run import SCRIPTS, Run
from bitfpga.vitis.state import Done, write_state
from bitfpga.vitis.steps import BY_HLS, Step, behind, collect, forget, hls_command, vivado_command


def run_step(run: Run, step: Step) -> None:
    """Run one step, check what it left, and note it in ``flow.json``.

    ToolError where the tool fails, runs out of time, or leaves nothing that can be read.
    """
    log = run.folder / "logs" / f"{step.value}.log"
    command, cwd = _command(run, step)
    name = Path(command[0]).name
    for old in (step, *behind(step)):  # what was made of this step's last results goes, too
        forget(run.folder, run.wanted(old))
        run.done.pop(old.value, None)
    run.on_step(f"{step.value}: {name} runs; its log is {log}")
    limit = run.deadline - time.monotonic()
    started = time.monotonic()
    log.parent.mkdir(parents=True, exist_ok=True)
    try:
        with following(log, run.on_line):
            run_tool(command, cwd=cwd, limit_s=max(limit, 0.0), log=log)
    except ToolError as error:
        if time.monotonic() >= run.deadline:
            raise ToolError(
                f"{step.value}: {name} did not end within the limit of "
                f"{run.limit_s:g} s for all steps; the steps before it are kept: run it again with "
                f"a higher --limit-s\n  log: {log}"
            ) from None
        ending = str(error).partition("\n")[0].partition(": ")[0].replace(command[0], name)
        raise _failure(step, ending, log) from None
    absent = collect(run.folder, run.wanted(step))
    if absent is not None:
        ending = f"{name} ended with exit code 0, but there is no {run.folder / absent}"
        raise _failure(step, ending, log)
    read_reports(run, step)
    tool = run.hls if step in BY_HLS else run.vivado
    seconds = round(time.monotonic() - started, 1)
    flow = run.hls.flow if run.hls is not None and step in BY_HLS else ""
    version = tool.version if tool else None
    run.done[step.value] = Done(run.keys[step], name, version, flow, seconds)
    write_state(run.folder, run.core.name, run.done)
    run.on_step(f"{step.value}: done in {seconds:,.0f} s")


def _command(run: Run, step: Step) -> tuple[list[str], Path]:
    """Return the command of a step and its folder, in which all it reads lies."""
    if step in BY_HLS:
        assert run.hls is not None
        folder = run.folder / "hls"
        if step is Step.CSYNTH:
            shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(run.project.path / "hls", folder, dirs_exist_ok=True)
        return hls_command(step, run.hls, run.config, folder), folder
    assert run.vivado is not None
    folder = run.folder / "vivado"
    folder.mkdir(exist_ok=True)
    (folder / "settings.tcl").write_bytes(vivado_settings(run.project.schedule, run.core))
    for name in SCRIPTS:
        shutil.copyfile(vivado_dir() / name, folder / name)
    return vivado_command(step, run.vivado), folder


def _failure(step: Step, ending: str, log: Path) -> ToolError:
    lines = "".join(f"\n  | {line}" for line in error_lines(log))
    return ToolError(f"{step.value}: {ending}\n  log: {log}{lines}")


def read_reports(run: Run, step: Step) -> None:
    """Read the reports of a step, only to know that they can be read; ToolError if not."""
    reports, schedule = run.folder / "reports", run.project.schedule
    if step is Step.CSYNTH:
        read_csynth(reports / "csynth.xml", schedule)
    elif step is Step.COSIM:
        cosim_verdict(reports / "cosim.rpt")
    elif step is Step.IMPL:
        read_implementation(reports, schedule)
