"""What the command line prints besides tables of schedules: progress, results, what is next."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.markup import escape
from rich.progress import Progress

from bitfpga.csim import CsimResult
from bitfpga.project_folder import ProjectFolder
from bitfpga.report import print_whole
from bitfpga.terminal import err, out


@contextmanager
def progress(total: int) -> Iterator[Callable[[str], None]]:
    """Yield a function that moves a progress bar on stderr one step and names the step."""
    with Progress(console=err, transient=True, disable=not err.is_terminal) as progress:
        task = progress.add_task("building", total=total)

        def advance(step: str) -> None:
            progress.update(task, advance=1, description=escape(step))

        yield advance


def print_written(n_files: int, folder: Path, verb: str, output: Path) -> None:
    """Print where the files went, and the command to type next, as a shell takes it."""
    typed = str(output) if not str(output).startswith("-") else f"./{output}"
    following = f"{_program()} {verb} {shlex.quote(typed)}"
    print_whole(out, [f"wrote {n_files} files to {folder}", f"next: {following}"])


def _program() -> str:
    """Return how to call this program again: by name where PATH knows it, else as now."""
    if shutil.which("bitfpga"):
        return "bitfpga"
    called = Path(sys.argv[0])
    if called.name == "__main__.py":
        return f"{shlex.quote(sys.executable)} -m bitfpga"
    return shlex.quote(os.path.relpath(called))


def csim_document(project: ProjectFolder, result: CsimResult, types: str) -> dict[str, Any]:
    """Return what ``csim --json`` prints of a simulation that equals the reference."""
    return {
        "folder": str(project.path),
        "changed": list(project.changed),
        "n_samples": len(result.y),
        "bit_exact": True,
        "types": types,
        "compiled": result.compiled,
        "compile_cpu_seconds": result.compile_cpu_seconds,
        "run_cpu_seconds": result.run_cpu_seconds,
    }


def csim_rows(document: dict[str, Any]) -> list[tuple[str, str]]:
    """Return names and values of ``csim_document`` for people."""
    compiled = f"{document['compile_cpu_seconds']:.2f} CPU s"
    return [
        ("samples", f"{document['n_samples']:,}"),
        ("equal to the reference", "yes, bit for bit"),
        ("types", str(document["types"])),
        ("compiled", compiled if document["compiled"] else "nothing to do"),
        ("ran", f"{document['run_cpu_seconds']:.3f} CPU s"),
    ]
