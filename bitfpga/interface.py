"""What a host sees of a core: its arrays, registers and identity, as ``interface.json`` says it.

The file goes with a project and with what is made of it. It is untrusted when read back: all that
can be derived is derived again, and must be the same.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from enum import Enum
from typing import Any

from bitfpga.errors import BitfpgaError, ProjectError
from bitfpga.ir import Network, TensorType
from bitfpga.ir.network import check_name
from bitfpga.plan import Schedule

FORMAT, VERSION = "bitfpga-interface", 1
INTERFACE_VERSION = 1  # of the core's registers
MAX_CALL_BYTES = (1 << 26) - 1  # of input, or output: what a DMA's length register of 26 bits holds
MAX_CALL_ELEMENTS = (1 << 32) - 1  # of any tensor: the core counts in 32 bits
MAX_FILE_BYTES = 1 << 16
TAPS_FILE = "hls/taps.bin"
_ID = re.compile(r"[0-9a-f]{16}")
_TENSOR_KEYS = {"shape": list, "bits": int, "signed": bool, "scale": float, "dtype": str}
_KEYS: dict[str, type | tuple[type, ...]] = {
    "format": str,
    "version": int,
    "name": str,
    "vlnv": str,
    "kind": str,
    "id": str,
    "interface_version": int,
    "n_samples": int,
    "max_samples": int,
    "input": dict,
    "output": dict,
    "taps_file": (str, type(None)),
    "registers": list,
}


class Kind(str, Enum):
    """How samples reach the core: it reads and writes memory, or AXI streams of a DMA."""

    M_AXI = "m_axi"
    AXI_DMA = "axi_dma"


@dataclass(frozen=True)
class Interface:
    """How a host calls a core. ``n_samples``: of a block; ``max_samples``: of one call, at most.

    ``id``: 16 hexadecimal digits, as ``interface_id`` gives them; the core reports the same.
    ``taps_from_memory``: whether the host must give the core the index streams (``taps_file``).
    """

    name: str
    kind: str
    id: str
    n_samples: int
    max_samples: int
    input: TensorType
    output: TensorType
    taps_from_memory: bool

    def __post_init__(self) -> None:
        check_kind(self.kind)
        check_name("interface", self.name)
        if not _ID.fullmatch(self.id):
            raise ProjectError(f"interface id {self.id[:40]!r}: 16 hexadecimal digits are needed")
        most = MAX_CALL_BYTES // _most_bytes(self.input, self.output)
        for key, limit in (("n_samples", MAX_CALL_ELEMENTS), ("max_samples", max(most, 1))):
            if not 1 <= getattr(self, key) <= limit:
                value = getattr(self, key)
                raise ProjectError(f"interface {key} {value}: 1 to {limit} are possible")

    @staticmethod
    def of(
        network: Network, schedule: Schedule, sources: tuple[bytes, bytes], kind: str
    ) -> Interface:
        """Return the interface of a core; ``sources``: the bytes of its network and its schedule.

        ``ProjectError`` where one sample is more than a DMA transfers at once.
        """
        return Interface(
            name=network.name,
            kind=kind,
            id=interface_id(*sources, kind),
            n_samples=schedule.n_samples,
            max_samples=_max_samples(network, kind),
            input=network.input,
            output=network.output,
            taps_from_memory=any(layer.source == "memory" for layer in schedule.layers),
        )

    @property
    def vlnv(self) -> str:
        """Vendor, library, name and version of the IP."""
        return f"bitfpga:hls:{self.name}:1.0"

    @property
    def registers(self) -> tuple[str, ...]:
        """Names of the arguments that are registers, in order."""
        arrays = ("x", "y") if self.kind == "m_axi" else ()
        taps = ("taps",) if self.taps_from_memory else ()
        answers = ("id_low", "id_high", "interface_version", "status")
        return (*arrays, *taps, "n_samples", *answers)

    def to_document(self) -> dict[str, Any]:
        """Return what ``interface.json`` holds."""
        return {
            "format": FORMAT,
            "version": VERSION,
            "name": self.name,
            "vlnv": self.vlnv,
            "kind": self.kind,
            "id": self.id,
            "interface_version": INTERFACE_VERSION,
            "n_samples": self.n_samples,
            "max_samples": self.max_samples,
            "input": _tensor_document(self.input),
            "output": _tensor_document(self.output),
            "taps_file": TAPS_FILE if self.taps_from_memory else None,
            "registers": list(self.registers),
        }

    def to_json(self) -> str:
        """Return the text of ``interface.json``."""
        return json.dumps(self.to_document(), indent=1) + "\n"

    @staticmethod
    def read(text: str) -> Interface:
        """Return the interface that ``text`` tells; ``ProjectError`` says what is wrong with it."""
        if len(text) > MAX_FILE_BYTES:
            raise ProjectError(f"more than {MAX_FILE_BYTES} characters")
        try:
            document = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise ProjectError(f"no JSON: {str(error)[:80]}") from None
        _check_keys("the whole", document, _KEYS)
        try:
            interface = _from_document(document)
        except BitfpgaError as error:
            raise ProjectError(str(error)) from None
        expected = interface.to_document()
        wrong = [key for key in _KEYS if _text(document[key]) != _text(expected[key])]
        if wrong:
            key = wrong[0]
            raise ProjectError(
                f"{key} is {_text(document[key])[:80]}, expected {_text(expected[key])[:200]}"
            )
        return interface


def interface_id(network: bytes, schedule: bytes, kind: str) -> str:
    """Return 16 hexadecimal digits that tell cores apart, from the files they are made of."""
    return hashlib.sha256(network + schedule + kind.encode()).hexdigest()[:16]


def check_kind(kind: str) -> None:
    """Raise ``ProjectError`` unless ``kind`` is a value of ``Kind``."""
    kinds = [known.value for known in Kind]
    if kind not in kinds:
        raise ProjectError(f"interface {str(kind)[:40]!r}: {' or '.join(kinds)}")


def _max_samples(network: Network, kind: str) -> int:
    sample_bytes = _most_bytes(network.input, network.output)
    if kind == "axi_dma" and sample_bytes > MAX_CALL_BYTES:
        raise ProjectError(
            f"network '{network.name}': a sample of {sample_bytes} bytes is more than the "
            f"{MAX_CALL_BYTES} of one DMA transfer; build with --interface m_axi"
        )
    largest = max(tensor.size for tensor in network.types.values())
    return max(1, min(MAX_CALL_BYTES // sample_bytes, MAX_CALL_ELEMENTS // largest))


def _most_bytes(*tensors: TensorType) -> int:
    return max(tensor.size * tensor.dtype.itemsize for tensor in tensors)


def _tensor_document(tensor: TensorType) -> dict[str, Any]:
    return {
        "shape": list(tensor.shape),
        "bits": tensor.bits,
        "signed": tensor.signed,
        "scale": float(tensor.scale),
        "dtype": str(tensor.dtype),
    }


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True)


def _check_keys(where: str, document: Any, keys: dict[str, Any]) -> None:
    """Raise ``ProjectError`` unless ``document`` has exactly these keys, of these types."""
    if not isinstance(document, dict):
        raise ProjectError(f"{where} is no JSON object")
    missing = [key for key in keys if key not in document]
    foreign = sorted(key for key in document if key not in keys)
    if missing or foreign:
        what = f"without {missing[0]!r}" if missing else f"with an unknown {foreign[0][:40]!r}"
        raise ProjectError(f"{where} is {what}")
    for key, kind in keys.items():
        value = document[key]
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            raise ProjectError(f"{key} of {where} is {_text(value)[:60]}, of another type")


def _tensor(document: dict[str, Any], name: str) -> TensorType:
    values = document[name]
    _check_keys(name, values, _TENSOR_KEYS)
    shape = values["shape"]
    if not all(isinstance(n, int) and not isinstance(n, bool) for n in shape):
        raise ProjectError(f"shape of {name} is {_text(shape)[:60]}, not of integers")
    return TensorType(tuple(shape), values["bits"], values["signed"], values["scale"])


def _from_document(document: dict[str, Any]) -> Interface:
    return Interface(
        name=document["name"],
        kind=document["kind"],
        id=document["id"],
        n_samples=document["n_samples"],
        max_samples=document["max_samples"],
        input=_tensor(document, "input"),
        output=_tensor(document, "output"),
        taps_from_memory=document["taps_file"] is not None,
    )
