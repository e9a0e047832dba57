"""What several verbs of the command line share: options, inputs to run on, JSON, warnings."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from bitfpga.ir import IntArray
from bitfpga.npy import read_npy
from bitfpga.project import golden_inputs
from bitfpga.project_folder import ProjectFolder
from bitfpga.terminal import say

RANDOM_SAMPLES = 1000

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of tables.")]
Folder = Annotated[Path, typer.Argument(help="A project folder made by 'bitfpga build'.")]
Output = Annotated[Path, typer.Option("-o", "--output", help="Folder to write.")]


def print_json(document: dict[str, Any]) -> None:
    """Print the one JSON object of a command."""
    typer.echo(json.dumps(document, indent=1))


def warn_changed(project: ProjectFolder) -> None:
    """Say which files of a project were changed since it was built."""
    if project.changed:
        names, more = ", ".join(project.changed[:5]), len(project.changed) - 5
        say(f"note: changed since the build: {names}" + (f" and {more} more" if more > 0 else ""))


def chosen_inputs(project: ProjectFolder, path: Path | None) -> IntArray:
    """Return the samples to run on: a file's, else the network's test vectors, else random ones."""
    network = project.network
    if path is not None:
        array = read_npy(path)
        return network.quantise(array) if array.dtype.kind == "f" else array
    if network.vectors is not None:
        return network.vectors.x
    return golden_inputs(network, RANDOM_SAMPLES)
