"""Every file of a bundle, as bytes by relative path, and writing them as one folder."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bitfpga.deploy.bitstream import Bitstream, find_bitstream
from bitfpga.deploy.bundle_folder import check_replaceable
from bitfpga.deploy.texts import SOURCE_ENDINGS, VALIDATE
from bitfpga.deploy.wheel import wheel_file
from bitfpga.errors import ProjectError
from bitfpga.ir import IntArray
from bitfpga.ir.npy import npy_bytes
from bitfpga.paths import overlays_dir, runtime_dir
from bitfpga.project import golden_inputs
from bitfpga.project_folder import ProjectFolder, sha256
from bitfpga.reference import run
from bitfpga.whole_folder import write_whole

FORMAT, VERSION = "bitfpga-bundle", 1
MANIFEST, RUNTIME, NOTEBOOK = "manifest.json", "bitfpga_runtime", "quick_start.ipynb"
LABELLED = "test.npz"  # the network's own samples, with their classes


@dataclass(frozen=True, eq=False)
class Bundle:
    """What goes to the board: relative path to bytes, the manifest among them."""

    name: str
    files: dict[str, bytes]
    bit: str | None

    def write(self, path: str | Path, *, force: bool = False) -> Path:
        """Write the folder ``path`` as a whole and return it.

        It appears complete or not at all. An existing folder is only replaced with ``force``, and
        only if it is a bundle and nothing else lies in it; else ``ProjectError``.
        """
        folder = Path(path).absolute()
        write_whole(folder, self.files, lambda: check_replaceable(folder, force))
        return folder


def make_bundle(project: ProjectFolder, *, wheel: bool = False) -> Bundle:
    """Return the bundle of a project, with its bitstream where ``vitis/`` holds one.

    ``wheel``: with a pure-Python wheel of it, too, in ``wheel/``. ``ProjectError`` where the
    project lacks its sources or holds half a bitstream.
    """
    if project.interface is None:
        raise ProjectError(
            f"{project.path} has no core for a host: give a folder of 'bitfpga build'"
        )
    interface = project.interface.to_document()
    bitstream = find_bitstream(project.path, interface)
    files = {**_design(project, interface), **_software(project)}
    if bitstream is not None:
        files.update(bitstream.files)
    name, bit = interface["name"], f"{bitstream.stem}.bit" if bitstream else None
    if wheel:
        inside = {**files, MANIFEST: _manifest(project, interface, bitstream, files)}
        wheel_name, content = wheel_file(name, interface, inside)
        files[f"wheel/{wheel_name}"] = content
    files[MANIFEST] = _manifest(project, interface, bitstream, files)
    return Bundle(name, files, bit)


def _design(project: ProjectFolder, interface: dict[str, Any]) -> dict[str, bytes]:
    """Return golden and labelled vectors, streams and the sources of the C simulation."""
    x = golden_inputs(project.network)
    files = {"golden_x.npy": npy_bytes(x), "golden_y.npy": npy_bytes(run(project.network, x))}
    taps = interface["taps_file"]
    hls = project.path / "hls"
    needed = [hls / "testbench" / "simulate.cpp", *([project.path / taps] if taps else [])]
    for path in needed:
        if not path.is_file():
            raise ProjectError(f"{path} is missing: give a folder of 'bitfpga build'")
    vectors = project.network.vectors
    if vectors is not None and vectors.labels is not None:
        files[LABELLED] = _labelled(vectors.x, vectors.labels)
    if taps:
        files["taps.bin"] = (project.path / taps).read_bytes()
    for path in sorted(hls.rglob("*")):
        if path.is_file() and path.suffix in SOURCE_ENDINGS:
            files[f"csim/{path.relative_to(hls).as_posix()}"] = path.read_bytes()
    return files


def _labelled(x: IntArray, labels: IntArray) -> bytes:
    """Return samples and their classes as the notebook reads them."""
    content = io.BytesIO()
    np.savez_compressed(content, x=x, labels=labels)
    return content.getvalue()


def _software(project: ProjectFolder) -> dict[str, bytes]:
    """Return the runtime, the program that validates, and the notebook where there is one."""
    files = {f"{RUNTIME}/{p.name}": p.read_bytes() for p in sorted(runtime_dir().glob("*.py"))}
    files["validate.py"] = VALIDATE.encode()
    notebook = overlays_dir() / NOTEBOOK
    if notebook.is_file():
        files[NOTEBOOK] = notebook.read_bytes()
    return files


def _manifest(
    project: ProjectFolder,
    interface: dict[str, Any],
    bitstream: Bitstream | None,
    files: dict[str, bytes],
) -> bytes:
    board = project.schedule.board
    stem = bitstream.stem if bitstream else None
    document = {
        "format": FORMAT,
        "version": VERSION,
        "name": interface["name"],
        "board": board.name,
        "part": board.part,
        "family": board.family,
        "pynq": list(board.pynq),
        "interface": interface,
        "bitstream": {
            "bit": f"{stem}.bit" if stem else None,
            "hwh": f"{stem}.hwh" if stem else None,
            "sha256": sha256(bitstream.bit) if bitstream else None,
        },
        "clock_mhz": round(1000.0 / project.schedule.clock_ns, 6),
        "files": {name: sha256(data) for name, data in sorted(files.items())},
    }
    return (json.dumps(document, indent=1) + "\n").encode()
