"""``*.bitfpga`` files: a zip of JSON and ``.npy`` arrays, stored, never pickled.

Entries: ``manifest.json`` (format, version, SHA-256 of every other entry), ``network.json`` and
``arrays/NNNN.npy``. Entries are not compressed, so a file is as large as what it unpacks to, and
the same network always gives the same bytes. A file whose entries do not match the manifest is
refused: edit a network in Python, not by hand.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import stat
import struct
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from bitfpga.errors import ModelError
from bitfpga.ir.codec import FetchArray, decode, decode_layer, encode, encode_layer
from bitfpga.ir.network import Network, TestVectors
from bitfpga.ir.npy import npy_bytes, read_npy
from bitfpga.ir.tensors import TensorType

FORMAT, VERSION = "bitfpga-network", 1
MAX_FILE_BYTES = 4 << 30
MAX_JSON_BYTES = 64 << 20
_EPOCH = (1980, 1, 1, 0, 0, 0)
_ENTRY = re.compile(r"manifest\.json|network\.json|arrays/[0-9]{4,6}\.npy")
_MESSAGE_LIMIT = 400
_DAMAGE = (
    ValueError,
    LookupError,
    TypeError,
    ArithmeticError,
    EOFError,
    RuntimeError,
    struct.error,
)


def save_network(network: Network, path: Path) -> Path:
    """Write ``network`` to ``path`` (replaced as a whole, never half-written); return it."""
    _write_whole(path, network_bytes(network))
    return path


def network_bytes(network: Network) -> bytes:
    """Return the content of ``network``'s ``.bitfpga`` file; the same network, the same bytes."""
    entries: dict[str, bytes] = {}

    def store(array: np.ndarray[Any, Any]) -> str:
        key = f"arrays/{len(entries):04d}.npy"
        entries[key] = npy_bytes(array)
        return key

    document = {
        "name": network.name,
        "input": encode(network.input, store),
        "layers": [encode_layer(layer, store) for layer in network.layers],
        "metadata": network.metadata,
        "vectors": None if network.vectors is None else encode(network.vectors, store),
    }
    entries["network.json"] = _json_bytes(document)
    digests = {name: hashlib.sha256(data).hexdigest() for name, data in sorted(entries.items())}
    manifest = {"format": FORMAT, "version": VERSION, "sha256": digests}
    return _zip_bytes({"manifest.json": _json_bytes(manifest), **dict(sorted(entries.items()))})


def load_network(path: Path) -> Network:
    """Return the network in ``path``; raise ``ModelError`` saying what is wrong with the file."""
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise ModelError("not a file; a .bitfpga file is expected")
        size = status.st_size
        if size > MAX_FILE_BYTES:
            raise ModelError(f"{size} bytes: at most {MAX_FILE_BYTES} are read")
        with zipfile.ZipFile(path) as archive:
            return _read(archive, size)
    except ModelError as error:
        raise ModelError(f"{path}: {str(error)[:_MESSAGE_LIMIT]}") from None
    except (OSError, zipfile.BadZipFile) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise ModelError(f"{path}: not a readable .bitfpga file ({reason})") from None
    except _DAMAGE as error:
        reason = str(error)[:_MESSAGE_LIMIT] or type(error).__name__
        raise ModelError(f"{path}: damaged .bitfpga file ({reason})") from None


def _json_bytes(document: Any) -> bytes:
    return (json.dumps(document, indent=1, allow_nan=False) + "\n").encode()


def _zip_bytes(entries: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as out:
        for name, data in entries.items():
            info = zipfile.ZipInfo(name, _EPOCH)
            info.external_attr = 0o644 << 16
            out.writestr(info, data)
    return buffer.getvalue()


def _write_whole(path: Path, data: bytes) -> None:
    if os.path.isdir(path):
        raise ModelError(f"{path}: is a directory; give a file name")
    try:
        handle, partial = tempfile.mkstemp(dir=path.parent, prefix=".partial-")
    except OSError as error:
        raise ModelError(f"{path}: cannot write here ({error.strerror})") from None
    try:
        with os.fdopen(handle, "wb") as raw:
            raw.write(data)
        Path(partial).chmod(0o644)
        Path(partial).replace(path)
    except BaseException as error:
        Path(partial).unlink(missing_ok=True)
        if isinstance(error, OSError | ValueError):
            reason = getattr(error, "strerror", None) or error
            raise ModelError(f"{path}: cannot write it ({reason})") from None
        raise


def _read(archive: zipfile.ZipFile, file_size: int) -> Network:
    infos = archive.infolist()
    names = [info.filename for info in infos]
    for info in infos:
        if not _ENTRY.fullmatch(info.filename):
            raise ModelError(f"unexpected entry {info.filename[:60]!r}")
        if info.compress_type != zipfile.ZIP_STORED or info.flag_bits & 1:
            raise ModelError(f"entry {info.filename!r} is compressed or encrypted")
    if len(set(names)) != len(names):
        raise ModelError("an entry is there twice")
    if sum(info.file_size for info in infos) > file_size:
        raise ModelError("entries are larger than the file")
    _check_manifest(archive, set(names) - {"manifest.json"})
    return _decode_network(archive, _read_json(archive, "network.json"))


def _check_manifest(archive: zipfile.ZipFile, names: set[str]) -> None:
    """Raise ``ModelError`` unless format, version and every entry's digest are as written."""
    manifest = _read_json(archive, "manifest.json")
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise ModelError("not a bitfpga network (manifest.json)")
    version = manifest.get("version")
    if type(version) is not int or version != VERSION:
        raise ModelError(
            f"format version {str(version)[:20]}: this bitfpga reads {VERSION}; "
            "use the version that wrote it, or export the network again"
        )
    digests = manifest.get("sha256")
    if not isinstance(digests, dict) or set(digests) != names:
        raise ModelError("manifest.json does not list the entries of the file")
    for name, digest in digests.items():
        if _digest(archive, name) != digest:
            raise ModelError(f"entry {name!r} was changed after the file was written")


def _digest(archive: zipfile.ZipFile, name: str) -> str:
    digest = hashlib.sha256()
    with archive.open(name) as entry:
        while block := entry.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def _read_json(archive: zipfile.ZipFile, name: str) -> Any:
    if name not in archive.namelist():
        raise ModelError(f"entry {name!r} is missing")
    if archive.getinfo(name).file_size > MAX_JSON_BYTES:
        raise ModelError(f"entry {name!r} is larger than {MAX_JSON_BYTES} bytes")
    return json.loads(archive.read(name))


def _decode_network(archive: zipfile.ZipFile, document: Any) -> Network:
    expected = {"name", "input", "layers", "metadata", "vectors"}
    if not isinstance(document, dict) or set(document) != expected:
        raise ModelError(f"network.json must hold exactly {sorted(expected)}")

    def fetch(key: str) -> np.ndarray[Any, Any]:
        return _read_array(archive, key)

    metadata = document["metadata"]
    if not isinstance(metadata, dict) or not isinstance(document["layers"], list):
        raise ModelError("network.json: metadata must be scalars by name, layers a list")
    vectors = document["vectors"]
    return Network(
        name=document["name"],
        input=decode(TensorType, document["input"], fetch, "input"),
        layers=tuple(decode_layer(layer, fetch) for layer in document["layers"]),
        metadata=metadata,
        vectors=None if vectors is None else _decode_vectors(vectors, fetch),
    )


def _decode_vectors(value: Any, fetch: FetchArray) -> TestVectors:
    if not isinstance(value, dict) or set(value) != {"x", "labels", "float_outputs"}:
        raise ModelError("test vectors must hold x, labels and float_outputs")
    for item in value.values():
        if item is not None and (not isinstance(item, dict) or set(item) != {"array"}):
            raise ModelError("test vectors: expected array references")
    if value["x"] is None:
        raise ModelError("test vectors: x is missing")
    labels, floats = value["labels"], value["float_outputs"]
    return TestVectors(
        x=fetch(value["x"]["array"]),
        labels=None if labels is None else fetch(labels["array"]),
        float_outputs=None if floats is None else fetch(floats["array"]),
    )


def _read_array(archive: zipfile.ZipFile, key: Any) -> np.ndarray[Any, Any]:
    if not isinstance(key, str) or key not in archive.NameToInfo:
        raise ModelError(f"array {str(key)[:60]!r} is missing")
    return read_npy(archive.read(key), key)
