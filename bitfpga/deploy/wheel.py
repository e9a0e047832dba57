"""A bundle as a wheel: zip and text only, so that making one needs no build tool and no network."""

from __future__ import annotations

import base64
import hashlib
import io
import re
import zipfile
from typing import Any

from bitfpga.deploy.texts import DRIVER, ENTRY_POINTS, METADATA, NOTEBOOKS, PACKAGE, WHEEL

_EPOCH = (2020, 1, 1, 0, 0, 0)  # the same input gives the same bytes
_LEFT_OUT = ("validate.py",)
_NOTEBOOK = ".ipynb"


def wheel_file(name: str, interface: dict[str, Any], files: dict[str, bytes]) -> tuple[str, bytes]:
    """Return file name and content of the wheel of a bundle's ``files``.

    It has PYNQ's entry points ``pynq.overlays``, ``pynq.lib`` and ``pynq.notebooks``. Its version
    tells the interface's id, so that another design is another version.
    """
    plain = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_") or "network"
    package = distribution = f"bitfpga_overlay_{plain}"
    version = f"1.0+{interface['id']}"
    title = re.sub(r"[^\w .-]", "_", name)
    words = {"title": title, "vlnv": interface["vlnv"], "name": plain, "package": package}
    entries = {
        f"{package}/{_place(path)}": data for path, data in files.items() if path not in _LEFT_OUT
    }
    texts = {
        f"{package}/__init__.py": PACKAGE,
        f"{package}/driver.py": DRIVER,
        f"{package}/notebooks/__init__.py": NOTEBOOKS,
    }
    info = f"{distribution}-{version}.dist-info"
    texts |= {f"{info}/METADATA": METADATA, f"{info}/entry_points.txt": ENTRY_POINTS}
    words |= {"distribution": distribution, "version": version}
    entries |= {path: text.format(**words).encode() for path, text in texts.items()}
    entries[f"{info}/WHEEL"] = WHEEL.encode()
    entries[f"{info}/RECORD"] = _record(entries, f"{info}/RECORD")
    return f"{distribution}-{version}-py3-none-any.whl", _zipped(entries)


def _place(path: str) -> str:
    """Return where a file of the bundle lies in the package: notebooks in a folder of their own."""
    return f"notebooks/{path}" if path.endswith(_NOTEBOOK) else path


def _record(entries: dict[str, bytes], own: str) -> bytes:
    lines = []
    for path, data in sorted(entries.items()):
        digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
        lines.append(f"{path},sha256={digest},{len(data)}\n")
    return "".join([*lines, f"{own},,\n"]).encode()


def _zipped(entries: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, data in sorted(entries.items()):
            entry = zipfile.ZipInfo(path, _EPOCH)
            entry.external_attr = 0o100644 << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, data)
    return buffer.getvalue()
