"""What the simulated board needs to know of a design, from its ``interface.json``."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from bitfpga.errors import ProjectError

Kind = Literal["m_axi", "axi_dma"]
KINDS = ("m_axi", "axi_dma")
SCALARS = ("n_samples", "id_low", "id_high", "interface_version", "status")
POINTERS = ("x", "y", "taps")


@dataclass(frozen=True)
class CoreFacts:
    """The core as a driver sees it. Sizes are those of one sample; ``id``: 16 hex digits."""

    name: str
    vlnv: str
    kind: Kind
    id: str
    interface_version: int
    max_samples: int
    input_dtype: np.dtype[Any]
    input_size: int
    output_dtype: np.dtype[Any]
    output_size: int
    registers: tuple[str, ...]

    @property
    def input_bytes(self) -> int:
        """Return the bytes of one input sample."""
        return self.input_size * self.input_dtype.itemsize

    @property
    def output_bytes(self) -> int:
        """Return the bytes of one output sample."""
        return self.output_size * self.output_dtype.itemsize

    @property
    def pointers(self) -> tuple[str, ...]:
        """Return the arguments that are 64-bit addresses in memory."""
        return tuple(name for name in self.registers if name in POINTERS)


def core_facts(interface: object) -> CoreFacts:
    """Return the facts of an interface: its document, its JSON text, or an object with ``to_json``.

    ``ProjectError`` says what is missing or not allowed.
    """
    document = interface.to_json() if hasattr(interface, "to_json") else interface
    try:
        if isinstance(document, (str, bytes)):
            document = json.loads(document)
        return _checked(document)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        reason = f"no {error}" if isinstance(error, KeyError) else str(error)
        raise ProjectError(
            f"interface.json is damaged or of another version ({reason}); build the project again"
        ) from None


def _checked(document: Any) -> CoreFacts:
    if not isinstance(document, Mapping) or document["format"] != "bitfpga-interface":
        raise ValueError("not a bitfpga-interface")
    kind, registers = document["kind"], tuple(document["registers"])
    pointers = tuple(name for name in POINTERS if name in registers)
    streamed = kind == "axi_dma"
    if kind not in KINDS:
        raise ValueError(f"kind {kind!r}, allowed: {', '.join(KINDS)}")
    if registers != (*pointers, *SCALARS) or ("x" in pointers) == streamed:
        raise ValueError(f"registers {registers} do not fit kind {kind}")
    if len(document["id"]) != 16 or int(document["id"], 16) < 0:
        raise ValueError(f"id {document['id']!r} has not 16 hex digits")
    return CoreFacts(
        name=document["name"],
        vlnv=document["vlnv"],
        kind=kind,
        id=document["id"],
        interface_version=int(document["interface_version"]),
        max_samples=int(document["max_samples"]),
        input_dtype=np.dtype(document["input"]["dtype"]).newbyteorder("<"),
        input_size=math.prod(document["input"]["shape"]),
        output_dtype=np.dtype(document["output"]["dtype"]).newbyteorder("<"),
        output_size=math.prod(document["output"]["shape"]),
        registers=registers,
    )
