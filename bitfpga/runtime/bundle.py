"""Reads a bundle: what it holds, and whether it is whole."""

from __future__ import annotations

import hashlib
import json
import math
import re
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from .errors import BundleError

FORMAT, VERSION = "bitfpga-bundle", 1
MANIFEST = "manifest.json"
KINDS = ("m_axi", "axi_dma")
INTERFACE_VERSION = 1
GOLDEN_X, GOLDEN_Y, TAPS = "golden_x.npy", "golden_y.npy", "taps.bin"
_STEP = r"(?!\.{1,2}(/|$))[\w.+-]{1,200}"
_NAME = re.compile(f"{_STEP}(/{_STEP}){{0,8}}", re.ASCII)
_MAX_BITS, _MAX_AXES, _MAX_SAMPLES = 16, 8, 1 << 31
_BLOCK_BYTES = 1 << 20


class TensorSpec(NamedTuple):
    """The type of an input or output: integers of ``bits`` bits, real value = integer * scale."""

    shape: tuple[int, ...]
    bits: int
    signed: bool
    scale: float

    @property
    def low(self) -> int:
        """Smallest integer."""
        return -(1 << (self.bits - 1)) if self.signed else 0

    @property
    def high(self) -> int:
        """Largest integer."""
        return (1 << (self.bits - self.signed)) - 1

    @property
    def size(self) -> int:
        """Number of elements of one sample."""
        return math.prod(self.shape)

    @property
    def dtype(self) -> np.dtype[Any]:
        """The smallest numpy integer that holds it."""
        return np.dtype("{}int{}".format("" if self.signed else "u", 8 if self.bits <= 8 else 16))

    @property
    def sample_bytes(self) -> int:
        """Bytes of one sample in memory."""
        return self.size * self.dtype.itemsize

    @property
    def label(self) -> str:
        """Short name such as ``uint8[64]``."""
        axes = ", ".join(map(str, self.shape))
        return f"{'' if self.signed else 'u'}int{self.bits}[{axes}]"


class Interface(NamedTuple):
    """How the core is called: kind, identity, sizes and the names of its registers."""

    name: str
    vlnv: str
    kind: str
    id: str
    interface_version: int
    n_samples: int
    max_samples: int
    input: TensorSpec
    output: TensorSpec
    taps_file: str | None
    registers: tuple[str, ...]


class Bundle(NamedTuple):
    """A bundle whose manifest was read; ``file`` gives its parts."""

    path: Path
    interface: Interface
    board: str
    family: str
    pynq: tuple[str, ...]
    clock_mhz: float
    bit: str | None
    hwh: str | None
    files: dict[str, str]

    def file(self, name: str) -> Path:
        """Return the path of a file of the manifest; ``BundleError`` if it is gone or changed."""
        path = self.path / name
        if name not in self.files or not path.is_file():
            raise BundleError(f"{self.path} lacks its file {name}: copy the whole bundle again")
        if _sha256(path) != self.files[name]:
            raise BundleError(
                f"{path} is not the file that was deployed (its SHA-256 differs): "
                "copy the whole bundle again"
            )
        return path

    def golden(self) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
        """Return the golden inputs [n, *input shape] and outputs [n, *output shape], integers."""
        found = []
        for name, spec in ((GOLDEN_X, self.interface.input), (GOLDEN_Y, self.interface.output)):
            try:
                array = np.load(str(self.file(name)), allow_pickle=False)
            except (OSError, ValueError) as error:
                raise BundleError(f"{self.path / name} cannot be read: {error}") from None
            if array.dtype != spec.dtype or array.shape[1:] != spec.shape or not len(array):
                raise BundleError(
                    f"{self.path / name} holds {array.dtype}{list(array.shape)}, not samples of "
                    f"{spec.label}: deploy the project again"
                )
            found.append(array)
        if len(found[0]) != len(found[1]):
            raise BundleError(
                f"{self.path}: {len(found[0])} golden inputs, but {len(found[1])} golden outputs: "
                "deploy the project again"
            )
        return found[0], found[1]


def read_bundle(path: str | Path) -> Bundle:
    """Return the bundle in the folder ``path``; ``BundleError`` says what is not as it must be."""
    folder = Path(path).absolute()
    manifest = folder / MANIFEST
    if not manifest.is_file():
        raise BundleError(
            f"{folder} is not a bundle (no {MANIFEST}); make one with "
            "'bitfpga deploy PROJECT -o BUNDLE' and copy the whole folder"
        )
    try:
        document = json.loads(manifest.read_text("utf-8"))
        if (document["format"], document["version"]) != (FORMAT, VERSION):
            raise ValueError(
                f"format {document['format']!r} version {document['version']!r}, "
                f"this runtime reads {FORMAT!r} version {VERSION}"
            )
        return _bundle(folder, document)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        reason = f"lacks {error}" if isinstance(error, KeyError) else str(error)[:200]
        raise BundleError(
            f"{manifest} is damaged or of another version ({reason}): deploy the project again "
            "and copy the whole bundle"
        ) from None


def _bundle(folder: Path, document: dict[str, Any]) -> Bundle:
    files = document["files"]
    for name, digest in files.items():
        if _NAME.fullmatch(name) is None or not isinstance(digest, str):
            raise ValueError(f"the file name {name!r} is not allowed")
    bit, hwh = document["bitstream"]["bit"], document["bitstream"]["hwh"]
    if (bit is None) != (hwh is None) or any(f is not None and f not in files for f in (bit, hwh)):
        raise ValueError("the bitstream needs a .bit and a .hwh, both listed in files")
    return Bundle(
        path=folder,
        interface=_interface(document["interface"]),
        board=str(document["board"]),
        family=str(document["family"]),
        pynq=tuple(str(version) for version in document["pynq"]),
        clock_mhz=float(document["clock_mhz"]),
        bit=bit,
        hwh=hwh,
        files=dict(files),
    )


def _interface(given: dict[str, Any]) -> Interface:
    if given["interface_version"] != INTERFACE_VERSION:
        raise ValueError(
            f"interface version {given['interface_version']!r}; this runtime drives version "
            f"{INTERFACE_VERSION}"
        )
    if given["kind"] not in KINDS:
        raise ValueError(f"interface kind {given['kind']!r}: {' or '.join(KINDS)}")
    if re.fullmatch(r"[0-9a-f]{16}", given["id"]) is None:
        raise ValueError(f"id {given['id']!r}: 16 hexadecimal digits")
    return Interface(
        name=str(given["name"]),
        vlnv=str(given["vlnv"]),
        kind=given["kind"],
        id=given["id"],
        interface_version=INTERFACE_VERSION,
        n_samples=_count(given, "n_samples", _MAX_SAMPLES),
        max_samples=_count(given, "max_samples", _MAX_SAMPLES),
        input=_tensor(given["input"]),
        output=_tensor(given["output"]),
        taps_file=given["taps_file"],
        registers=tuple(_texts(given["registers"])),
    )


def _tensor(given: dict[str, Any]) -> TensorSpec:
    shape, scale = given["shape"], float(given["scale"])
    if not isinstance(shape, list) or not 1 <= len(shape) <= _MAX_AXES:
        raise ValueError(f"tensor shape {shape!r}: a list of 1 to {_MAX_AXES} sizes")
    axes = tuple(_count({"axis": n}, "axis", _MAX_SAMPLES) for n in shape)
    if not (math.isfinite(scale) and scale > 0):
        raise ValueError(f"tensor scale {scale}: finite and above 0")
    spec = TensorSpec(axes, _count(given, "bits", _MAX_BITS), given["signed"] is True, scale)
    if given["dtype"] != spec.dtype.name:
        raise ValueError(f"dtype {given['dtype']!r}: {spec.label} is {spec.dtype.name}")
    return spec


def _count(given: dict[str, Any], key: str, most: int) -> int:
    value = given[key]
    if type(value) is not int or not 1 <= value <= most:
        raise ValueError(f"{key} {value!r}: a whole number from 1 to {most}")
    return value


def _texts(given: Any) -> list[str]:
    if not isinstance(given, list) or not all(isinstance(text, str) for text in given):
        raise ValueError("registers: a list of names")
    return given


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        for block in iter(lambda: stream.read(_BLOCK_BYTES), b""):
            digest.update(block)
    return digest.hexdigest()
