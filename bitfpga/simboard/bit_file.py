"""A stand-in for a bitstream: the header of a .bit file around bytes that configure nothing."""

from __future__ import annotations

import hashlib

from bitfpga.boards import Board
from bitfpga.simboard.core_facts import core_facts

_WORDS = 64  # 32-bit words of payload
_PREAMBLE = bytes.fromhex("0009 0ff00ff00ff00ff000 0001".replace(" ", ""))
_DATE, _TIME = "2000/01/01", "00:00:00"


def fake_bit(interface: object, board: Board | None = None) -> bytes:
    """Return a .bit file that no chip accepts, other bytes for every other design or kind.

    pynq keeps what it knows of a design by the hash of its .bit: two designs must never share one.
    ``board``: names its part in the header.
    """
    facts = core_facts(interface)
    part = board.part if board else "none"
    name = board.name if board else ""
    seed = repr((facts.id, facts.kind, facts.vlnv, facts.interface_version, name)).encode()
    payload = b"".join(hashlib.sha256(seed + bytes([i])).digest() for i in range(_WORDS // 8))
    header = b"".join(
        key + len(text).to_bytes(2, "big") + text
        for key, text in (
            (b"a", _text(f"{facts.name};UserID=0XFFFFFFFF;Version=bitfpga")),
            (b"b", _text(part)),
            (b"c", _text(_DATE)),
            (b"d", _text(_TIME)),
        )
    )
    return _PREAMBLE + header + b"e" + len(payload).to_bytes(4, "big") + payload


def _text(text: str) -> bytes:
    return text.encode("ascii") + b"\0"
