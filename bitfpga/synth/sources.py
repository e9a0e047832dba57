"""The Verilog of a project, written below ``synth/`` in its folder, by the hash of its text."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bitfpga.emit import emit_rtl
from bitfpga.errors import SynthError
from bitfpga.ir import Network
from bitfpga.plan import Schedule
from bitfpga.project_folder import SYNTH

TOP = "bitfpga_top"


@dataclass(frozen=True)
class RtlSources:
    """``rtl``: folder of ``bitfpga_top.v``, its tables and ``lib/``; tools that read the tables
    must run in it. ``cache``: where tools keep what they make of it."""

    rtl: Path
    cache: Path


def rtl_sources(
    folder: Path,
    network: Network,
    schedule: Schedule,
    on_layer: Callable[[str], None] | None = None,
) -> RtlSources:
    """Return the Verilog of the project in ``folder``, written below ``synth/`` if need be.

    ``SynthError`` where it cannot write.
    """
    files = emit_rtl(network, schedule, on_layer)
    place = folder.absolute() / SYNTH / _key(files)
    sources = RtlSources(place / "rtl", place)
    try:
        if not sources.rtl.is_dir():
            place.mkdir(parents=True, exist_ok=True)
            _write(sources.rtl, files)
    except OSError as error:
        reason = f"cannot write {place}: {error.strerror}"
        raise SynthError(f"{reason}; copy the project to a place where synth may write") from None
    return sources


def _write(rtl: Path, files: dict[str, bytes]) -> None:
    """Write all files into the new folder ``rtl``: it appears whole or not at all."""
    with tempfile.TemporaryDirectory(dir=rtl.parent, prefix="write-") as scratch:
        for name, data in files.items():
            path = Path(scratch) / "rtl" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        try:
            (Path(scratch) / "rtl").rename(rtl)
        except OSError:
            if not rtl.is_dir():  # else another process has written the same
                raise


def _key(files: dict[str, bytes]) -> str:
    digest = hashlib.sha256()
    for name, data in sorted(files.items()):
        digest.update(f"{name}\0{len(data)}\0".encode() + data)
    return digest.hexdigest()[:16]
