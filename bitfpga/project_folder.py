"""Project folders: the manifest, reading a project back, and when one may be replaced."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from bitfpga.errors import BitfpgaError, ModelError, ProjectError
from bitfpga.interface import MAX_FILE_BYTES as MAX_INTERFACE_BYTES
from bitfpga.interface import Interface
from bitfpga.ir import Network
from bitfpga.plan import Schedule, schedule_from_json

FORMAT, VERSION = "bitfpga-project", 1
MANIFEST, CACHE, SYNTH = "manifest.json", "csim", "synth"
SCHEDULE, NETWORK, INTERFACE = "schedule.json", "network.bitfpga", "interface.json"
REPORT, REPORT_MARK = "report.html", "<!DOCTYPE html>\n<!-- bitfpga report -->"
MAX_TEXT_BYTES = 16 << 20
_NAME = re.compile(r"(?!\.{1,2}(/|$))[\w.-]{1,200}(/(?!\.{1,2}(/|$))[\w.-]{1,200}){0,8}", re.ASCII)
# What csim and synth keep, or leave behind.
_CACHED = re.compile(r"([0-9a-f]{16}|(run|trace)-\w+)(/.+)?")


@dataclass(frozen=True, eq=False)
class ProjectFolder:
    """A project read back. ``changed``: files that differ from the manifest, or are gone.

    ``interface``: how a host calls the core; None for a project of Verilog, which has no ``hls/``.
    """

    path: Path
    network: Network
    schedule: Schedule
    interface: Interface | None
    changed: tuple[str, ...]


def open_project(path: str | Path) -> ProjectFolder:
    """Return the project in the folder ``path``; ``ProjectError`` if it is not one.

    Sources may be edited (``changed`` names them); a changed schedule or network is an error.
    """
    folder = Path(path)
    digests = _read_manifest(folder)
    changed = tuple(
        name for name, digest in digests.items() if _file_sha256(folder / name) != digest
    )
    try:
        network = Network.load(folder / NETWORK)
        schedule = schedule_from_json(_read_text(folder / SCHEDULE))
    except ModelError as error:
        raise ProjectError(f"{error}; build the project again") from None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        reason = str(error).partition("\n")[0][:120]
        raise ProjectError(
            f"{folder / SCHEDULE} is damaged ({reason}); build the project again"
        ) from None
    for name in (SCHEDULE, NETWORK):
        if name in changed:
            raise ProjectError(f"{folder / name} was changed since the build; build it again")
    interface = _checked_interface(folder, network, schedule) if _has_core(digests) else None
    return ProjectFolder(folder.absolute(), network, schedule, interface, changed)


def read_interface(folder: Path) -> Interface:
    """Return what ``interface.json`` in ``folder`` says; ``ProjectError`` if that cannot be."""
    path = folder / INTERFACE
    try:
        text = _read_text(path, MAX_INTERFACE_BYTES)
    except UnicodeDecodeError:
        raise ProjectError(f"{path} is damaged (no text); build the project again") from None
    try:
        return Interface.read(text)
    except ProjectError as error:
        raise ProjectError(f"{path} is damaged ({error}); build the project again") from None


def _has_core(names: Iterable[str]) -> bool:
    return any(name == INTERFACE or name.startswith("hls/") for name in names)


def _checked_interface(folder: Path, network: Network, schedule: Schedule) -> Interface:
    """Return the interface of a project, which must be that of its network and schedule."""
    interface = read_interface(folder)
    sources = ((folder / NETWORK).read_bytes(), (folder / SCHEDULE).read_bytes())
    if interface != Interface.of(network, schedule, sources, interface.kind):
        raise ProjectError(
            f"{folder / INTERFACE} belongs to another network or schedule; build the project again"
        )
    return interface


def check_replaceable(folder: Path, force: bool) -> None:
    """Raise ``ProjectError`` where ``folder`` exists, unless forced, ours, and ours alone."""
    if not (folder.exists() or folder.is_symlink()):
        return
    try:
        if folder.is_symlink():
            raise ProjectError(f"{folder} is a link")
        ours = {MANIFEST, CACHE, SYNTH, *_read_manifest(folder)}
        if is_report(folder / REPORT) and not (folder / REPORT).is_symlink():
            ours.add(REPORT)
    except BitfpgaError:
        raise ProjectError(
            f"{folder} exists and was not made by bitfpga: it is left alone; choose another folder"
        ) from None
    if not force:
        raise ProjectError(f"{folder} exists; use --force to replace it, or another -o folder")
    ours |= {parent.as_posix() for name in ours for parent in Path(name).parents}
    foreign = [name for name in _entries(folder) if name not in ours and not _is_cached(name)]
    if foreign:
        raise ProjectError(
            f"{folder} holds files bitfpga did not make ({', '.join(foreign[:5])}): it is left "
            "alone; move them away, or choose another folder"
        )


def is_report(path: Path) -> bool:
    """Return whether ``path`` is a page that ``bitfpga report --html`` wrote."""
    mark = REPORT_MARK.encode()
    if not path.is_file():
        return False
    try:
        with path.open("rb") as file:
            return file.read(len(mark)) == mark
    except OSError:
        return False


def _entries(folder: Path) -> list[str]:
    """Return every file, folder and link below ``folder``, relative, links not followed, sorted."""
    found = []
    for parent, folders, files in os.walk(folder):
        found += [Path(parent, name).relative_to(folder).as_posix() for name in folders + files]
    return sorted(found)


def _is_cached(name: str) -> bool:
    first, _, rest = name.partition("/")
    return first in (CACHE, SYNTH) and _CACHED.fullmatch(rest) is not None


def sha256(data: bytes) -> str:
    """Return the SHA-256 of ``data`` in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def _file_sha256(path: Path) -> str | None:
    if path.is_symlink() or not path.is_file():
        return None
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def _read_text(path: Path, max_bytes: int = MAX_TEXT_BYTES) -> str:
    if not path.is_file():
        raise ProjectError(f"there is no file {path}; build the project again")
    try:
        if path.stat().st_size > max_bytes:
            raise ProjectError(f"{path} is larger than {max_bytes} bytes; build the project again")
        return path.read_text("utf-8")
    except OSError as error:
        raise ProjectError(f"cannot read {path}: {error.strerror}") from None


def _read_manifest(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of each file by relative path."""
    if not (folder / MANIFEST).is_file():
        raise ProjectError(
            f"{folder} is not a bitfpga project (no {MANIFEST}); make one with 'bitfpga build'"
        )
    try:
        document = json.loads(_read_text(folder / MANIFEST))
        files = document["files"]
        known = document["format"] == FORMAT and document["version"] == VERSION
        plain = {SCHEDULE, NETWORK} <= set(files) and all(
            _NAME.fullmatch(name) is not None and isinstance(digest, str)
            for name, digest in files.items()
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        known = plain = False
    if not (known and plain):
        raise ProjectError(
            f"{folder / MANIFEST} is damaged or of another version; build the project again"
        )
    return dict(files)
