"""``bitfpga deploy``: the folder that goes to the board."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated, Any

import typer

from bitfpga.cli_options import Folder, Json, Output, print_json, warn_changed
from bitfpga.deploy import copy_to, make_bundle
from bitfpga.deploy.bitstream import MAKE_BITSTREAM
from bitfpga.deploy.bundle_folder import check_replaceable
from bitfpga.deploy.copying import check_target
from bitfpga.project_folder import open_project
from bitfpga.report import print_whole
from bitfpga.terminal import err, out, say

MISSING = (
    "bitstream: still missing, so only device='csim' works; where Vivado is installed, make it "
    "with '{command}', then deploy again"
)
OLDER = (
    "note: the bitstream may be older than they are; 'bitfpga synth {folder} --tool vitis' makes "
    "again what is"
)
CSIM = ("--csim",)


def deploy_command(
    folder: Folder,
    output: Output = Path("bundle"),
    force: Annotated[bool, typer.Option("--force", help="Replace a bundle.")] = False,
    wheel: Annotated[
        bool, typer.Option("--wheel", help="Put a pure-Python wheel for pip into wheel/, too.")
    ] = False,
    to: Annotated[
        str | None,
        typer.Option("--to", help="Copy the bundle into this folder, user@host:path, as well."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Write the bundle that a notebook on the board runs, bitstream included if there is one."""
    if to is not None:
        check_target(to)
    check_replaceable(output.absolute(), force)
    project = open_project(folder)
    warn_changed(project)
    with err.status("computing golden vectors and writing the bundle"):
        bundle = make_bundle(project, wheel=wheel)
        written = bundle.write(output, force=force)
    if bundle.bit and any(name.startswith("hls/") for name in project.changed):
        say(OLDER.format(folder=folder))
    if to is not None:
        with err.status(f"copying to {to}"):
            copy_to(written, to)
    wheels = [name for name in bundle.files if name.startswith("wheel/")]
    missing = None if bundle.bit else MAKE_BITSTREAM.format(folder=folder)
    if as_json:
        document: dict[str, Any] = {
            "folder": str(written),
            "name": bundle.name,
            "n_files": len(bundle.files),
            "bitstream": bundle.bit,
            "make_bitstream": missing,
            "wheel": wheels[0] if wheels else None,
            "copied_to": to,
        }
        print_json(document)
        return
    lines = [f"wrote {len(bundle.files)} files to {written}"]
    lines += [f"wheel: {written / wheels[0]}"] if wheels else []
    lines += [f"copied to {to}"] if to else []
    lines.append(f"bitstream: {bundle.bit}" if bundle.bit else MISSING.format(command=missing))
    command = shlex.join(["python3", str(written / "validate.py"), *([] if bundle.bit else CSIM)])
    print_whole(out, [*lines, f"next: {command}"])
