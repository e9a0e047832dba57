"""One run of the flow: what it works on, and the hash of all that decides each step."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from bitfpga.emit.vendor import Core, HlsConfig, vivado_settings
from bitfpga.errors import BoardError, ProjectError
from bitfpga.paths import vivado_dir
from bitfpga.project_folder import VITIS, ProjectFolder
from bitfpga.vitis.core import core_of, read_config
from bitfpga.vitis.programs import Hls, Vivado
from bitfpga.vitis.state import Done, content_key
from bitfpga.vitis.steps import Result, Step, is_complete, results

SCRIPTS = ("implement.tcl", "bitstream.tcl")
TESTBENCH = "testbench/"
_PATH = re.compile(r"[\w./+@=,~-]+", re.ASCII)


@dataclass
class Run:
    """One run of the flow. ``keys``: what each step must have been made of to count as done."""

    project: ProjectFolder
    folder: Path
    config: HlsConfig
    core: Core
    keys: dict[Step, str]
    done: dict[str, Done]
    deadline: float
    limit_s: float
    on_step: Callable[[str], None] = lambda _: None
    on_line: Callable[[str], None] = lambda _: None
    warnings: list[str] = field(default_factory=list)
    hls: Hls | None = None
    vivado: Vivado | None = None

    def warn(self, text: str) -> None:
        """Say a warning at once, and keep it for the result."""
        self.warnings.append(text)
        self.on_step(f"warning: {text}")

    def wanted(self, step: Step) -> tuple[Result, ...]:
        """Return what the step leaves, or left when it ran."""
        flow = self.hls.flow if self.hls else "config"
        return results(step, flow, self.config.top, self.core.name)

    def is_done(self, step: Step) -> bool:
        found = self.done.get(step.value)
        made = found is not None and found.key == self.keys[step]
        return made and is_complete(self.folder, self.wanted(step))


def prepare(project: ProjectFolder, until: Step, deadline: float, limit_s: float) -> Run:
    """Return the run after all checks that need no tool."""
    source = project.path / "hls"
    if not source.is_dir() or project.interface is None:
        raise ProjectError(
            f"{project.path} holds no hls/, so it is no HLS project: make one with 'bitfpga build'"
        )
    if not _PATH.fullmatch(str(project.path)):
        raise ProjectError(
            f"{project.path}: the vendor's tools take no path with spaces or special characters; "
            "move the project"
        )
    board = project.schedule.board
    if until in (Step.IMPL, Step.BITSTREAM) and board.ps is None:
        raise BoardError(
            f"board {board.name!r} has no table [ps], which the block design is made of; add one "
            "(see overlays/boards/pynq-z2.toml) and build again; --until package works without"
        )
    config = read_config(project.path)
    core = core_of(project.interface, config)
    folder = project.path / VITIS
    return Run(project, folder, config, core, _keys(project, core), {}, deadline, limit_s)


def _keys(project: ProjectFolder, core: Core) -> dict[Step, str]:
    """Return the hash of all that decides each step: files, scripts, the steps before it."""
    source = project.path / "hls"
    files = {
        path.relative_to(source).as_posix(): path.read_bytes()
        for path in sorted(source.rglob("*"))
        if path.is_file()
    }
    inputs = [(name, data) for name, data in files.items() if not name.startswith(TESTBENCH)]
    tests = [(name, data) for name, data in files.items() if name.startswith(TESTBENCH)]
    csynth = content_key(part for name, data in inputs for part in (name.encode(), data))
    cosim = [csynth.encode(), *(part for name, data in tests for part in (name.encode(), data))]
    scripts = {name: (vivado_dir() / name).read_bytes() for name in SCRIPTS}
    has_ps = project.schedule.board.ps is not None
    settings = vivado_settings(project.schedule, core) if has_ps else b""
    package = content_key([csynth.encode(), b"package"])
    impl = content_key([package.encode(), settings, scripts["implement.tcl"]])
    return {
        Step.CSYNTH: csynth,
        Step.COSIM: content_key(cosim),
        Step.PACKAGE: package,
        Step.IMPL: impl,
        Step.BITSTREAM: content_key([impl.encode(), scripts["bitstream.tcl"]]),
    }
