"""The bitstream of a project, where the vendor's tools have made one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bitfpga.errors import ProjectError
from bitfpga.project_folder import sha256

VITIS = "vitis"
MAKE_BITSTREAM = "bitfpga synth {folder} --tool vitis --until bitstream"


@dataclass(frozen=True)
class Bitstream:
    """A ``.bit`` and the ``.hwh`` beside it; their names tell by a hash what is in the ``.bit``."""

    stem: str
    bit: bytes
    hwh: bytes

    @property
    def files(self) -> dict[str, bytes]:
        """Both files by name."""
        return {f"{self.stem}.bit": self.bit, f"{self.stem}.hwh": self.hwh}


def find_bitstream(folder: Path, interface: dict[str, Any]) -> Bitstream | None:
    """Return the bitstream in a project's ``vitis/``, or None where there is none yet.

    ``ProjectError`` where only one of its two files is there, or the ``.hwh`` is of another core.
    """
    name = interface["name"]
    paths = [folder / VITIS / f"{name}.{ending}" for ending in ("bit", "hwh")]
    there = [path for path in paths if path.is_file()]
    if not there:
        return None
    if len(there) == 1:
        missing = next(path for path in paths if path not in there)
        raise ProjectError(
            f"{there[0]} is there, but {missing} is not: make both again with "
            f"'{MAKE_BITSTREAM.format(folder=folder)}'"
        )
    bit, hwh = (path.read_bytes() for path in paths)
    if not bit or interface["vlnv"].encode() not in hwh:
        raise ProjectError(
            f"{paths[0]} is empty, or {paths[1]} names no core {interface['vlnv']}: make both "
            f"again with '{MAKE_BITSTREAM.format(folder=folder)}'"
        )
    return Bitstream(f"{name}-{sha256(bit)[:12]}", bit, hwh)
