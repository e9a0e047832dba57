"""``vitis/flow.json``: which steps were done, with what, from which inputs."""

from __future__ import annotations

import fcntl
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from bitfpga.errors import ProjectError

FLOW, LOCK = "flow.json", ".lock"
FORMAT, VERSION = "bitfpga-flow", 1


@dataclass(frozen=True)
class Done:
    """One finished step. ``key``: hash of all that decided it; ``flow``: of Vitis HLS, if any."""

    key: str
    tool: str
    version: str | None
    flow: str
    seconds: float


def read_state(folder: Path, names: Sequence[str]) -> dict[str, Done]:
    """Return the finished ones of these steps; none where there is no sound ``flow.json``."""
    try:
        document = json.loads((folder / FLOW).read_text("utf-8"))
        if (document["format"], document["version"]) != (FORMAT, VERSION):
            return {}
        return {name: Done(**step) for name, step in document["steps"].items() if name in names}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def write_state(folder: Path, name: str, steps: Mapping[str, Done]) -> None:
    """Write ``flow.json`` as a whole: the core's name and its finished steps."""
    done = {step: asdict(state) for step, state in steps.items()}
    document = {"format": FORMAT, "version": VERSION, "name": name, "steps": done}
    partial = folder / f"{FLOW}.partial"
    partial.write_text(json.dumps(document, indent=1) + "\n", "utf-8")
    partial.replace(folder / FLOW)


def content_key(parts: Iterable[bytes]) -> str:
    """Return the hash of these bytes, cut as they are."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(len(part).to_bytes(8, "little") + part)
    return digest.hexdigest()


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keep other runs out of ``folder`` meanwhile; ProjectError where one is in it."""
    with (folder / LOCK).open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise ProjectError(
                f"another synth is at work in {folder}: wait until it ends"
            ) from None
        yield
