"""The interface of a project's core, as ``bitfpga build`` wrote it down."""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any

from bitfpga.errors import ProjectError
from bitfpga.ir import TensorType
from bitfpga.project_folder import NETWORK, SCHEDULE, ProjectFolder

INTERFACE = "interface.json"
_MAX_SAMPLES = 65536


def interface_of(project: ProjectFolder) -> dict[str, Any]:
    """Return the fields of the project's ``interface.json``; ``ProjectError`` if it is damaged."""
    path = project.path / INTERFACE
    if not path.is_file():
        return _default(project)
    try:
        document = json.loads(path.read_text("utf-8"))
        fits = document["format"] == "bitfpga-interface" and document["version"] == 1
    except (OSError, ValueError, KeyError, TypeError):
        fits = False
    if not fits:
        raise ProjectError(f"{path} is damaged or of another version; build the project again")
    return dict(document)


def _default(project: ProjectFolder) -> dict[str, Any]:
    """Return the interface of a project that was built before there was a file of it."""
    name, kind = re.sub(r"[^A-Za-z0-9_]", "_", project.network.name), "m_axi"
    taps = "hls/taps.bin" if (project.path / "hls" / "taps.bin").is_file() else None
    digest = hashlib.sha256((project.path / NETWORK).read_bytes())
    digest.update((project.path / SCHEDULE).read_bytes() + kind.encode())
    scalars = ["n_samples", "id_low", "id_high", "interface_version", "status"]
    return {
        "format": "bitfpga-interface",
        "version": 1,
        "name": name,
        "vlnv": f"bitfpga:hls:{name}:1.0",
        "kind": kind,
        "id": digest.hexdigest()[:16],
        "interface_version": 1,
        "n_samples": project.schedule.n_samples,
        "max_samples": _MAX_SAMPLES,
        "input": _tensor(project.network.input),
        "output": _tensor(project.network.output),
        "taps_file": taps,
        "registers": ["x", "y", *(["taps"] if taps else []), *scalars],
    }


def _tensor(tensor: TensorType) -> dict[str, Any]:
    return {
        "shape": list(tensor.shape),
        "bits": tensor.bits,
        "signed": tensor.signed,
        "scale": tensor.scale,
        "dtype": tensor.dtype.name,
    }
