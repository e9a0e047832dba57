"""``.bitfpga`` files taken apart and put together again, with right digests unless told."""

from __future__ import annotations

import dataclasses
import hashlib
import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bitfpga.errors import ModelError
from bitfpga.ir import Network

Entries = dict[str, bytes]


def assert_refused(path: Path, words: str | None = None) -> None:
    """Assert that loading raises one short ``ModelError`` that names the file."""
    with pytest.raises(ModelError, match=words) as caught:
        Network.load(path)
    message = str(caught.value)
    assert str(path) in message
    assert len(message) < len(str(path)) + 500
    assert "\n" not in message


def assert_same(first: Any, second: Any) -> None:
    """Assert that two networks (or what they hold) are equal to the last field, bit and type."""
    assert type(first) is type(second)
    if isinstance(first, np.ndarray):
        assert first.dtype == second.dtype
        assert first.shape == second.shape
        assert first.tobytes() == second.tobytes()
    elif dataclasses.is_dataclass(first):
        for field in dataclasses.fields(first):
            assert_same(getattr(first, field.name), getattr(second, field.name))
    elif isinstance(first, tuple):
        assert len(first) == len(second)
        for one, other in zip(first, second, strict=True):
            assert_same(one, other)
    else:
        assert first == second


def read_entries(path: Path) -> Entries:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def signed(entries: Entries) -> Entries:
    """Return ``entries`` with a manifest whose digests are right."""
    rest = {name: data for name, data in entries.items() if name != "manifest.json"}
    manifest = json.loads(entries["manifest.json"])
    manifest["sha256"] = {name: hashlib.sha256(data).hexdigest() for name, data in rest.items()}
    return {"manifest.json": json.dumps(manifest).encode(), **rest}


def write_entries(path: Path, entries: Entries, compression: int = zipfile.ZIP_STORED) -> Path:
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
    return path


def edited(path: Path, edit: Callable[[Any], Any]) -> Path:
    """Write the file again with ``edit`` done to its network.json, digests right."""
    entries = read_entries(path)
    document = json.loads(entries["network.json"])
    entries["network.json"] = json.dumps(edit(document) or document).encode()
    return write_entries(path, signed(entries))


def with_array(path: Path, data: bytes) -> Path:
    """Write the file again with its first array replaced by ``data``, digests right."""
    entries = read_entries(path)
    entries["arrays/0000.npy"] = data
    return write_entries(path, signed(entries))


def npy(header: str, data: bytes = b"", version: bytes = b"\x01\x00") -> bytes:
    """Return an npy file with this header text."""
    text = header.encode() + b"\n"
    return b"\x93NUMPY" + version + len(text).to_bytes(2, "little") + text + data


def saved_array(array: np.ndarray, version: tuple[int, int] = (1, 0)) -> bytes:
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, array, version)
    return buffer.getvalue()


def network_with_everything(small: Network) -> Network:
    """Return ``small`` with metadata and test vectors of every kind."""
    from bitfpga.ir import TestVectors

    x = np.zeros((2, *small.input.shape), small.input.dtype)
    floats = np.full((2, *small.output.shape), 0.1, np.float32)
    vectors = TestVectors(x, np.array([1, 0]), floats)
    metadata = {"accuracy": 0.1, "epochs": 7, "who": 'naïve "quoted"\n'}
    return dataclasses.replace(small, metadata=metadata, vectors=vectors)
