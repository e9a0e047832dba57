"""The core's registers, by the names that the .hwh gives them; no table of offsets of our own."""

from __future__ import annotations

from typing import Any, Callable

from .bundle import Interface
from .errors import IdentityError

START, DONE, IDLE = 1, 2, 4
CTRL = "CTRL"
_MASK32 = 0xFFFFFFFF


class CoreRegisters:
    """Reads and writes a core's registers by name.

    ``described`` is what PYNQ read of the .hwh: name to ``{"address_offset": .., "size": ..}``.
    HLS splits what is wider than 32 bits in ``name_1`` (low) and ``name_2``.
    """

    def __init__(self, core: Any, described: dict[str, Any], interface: Interface) -> None:
        self._read: Callable[[int], int] = core.read
        self._write: Callable[[int, int], None] = core.write
        known = {name.lower(): facts for name, facts in described.items()}
        self._offsets = {
            name: _offsets(known, name, described) for name in (CTRL, *interface.registers)
        }

    def read(self, name: str) -> int:
        """Return a register, 32 bits."""
        return int(self._read(self._offsets[name][0])) & _MASK32

    def write(self, name: str, value: int) -> None:
        """Write a register; an address fills both of its halves."""
        offsets = self._offsets[name]
        if value >> (32 * len(offsets)):
            raise IdentityError(
                f"register {name} has {32 * len(offsets)} bits, too few for {value:#x}: the "
                ".hwh is not of this bundle"
            )
        for i, offset in enumerate(offsets):
            self._write(offset, (value >> (32 * i)) & _MASK32)


def _offsets(known: dict[str, Any], name: str, described: dict[str, Any]) -> list[int]:
    """Return where a register lies, one offset for every 32 bits, low half first."""
    low = name.lower()
    halves = [known.get(f"{low}_1"), known.get(f"{low}_2")]
    if low in known:
        offset = int(known[low]["address_offset"])
        return [offset, offset + 4] if int(known[low].get("size") or 32) > 32 else [offset]
    if all(half is not None for half in halves):
        return [int(half["address_offset"]) for half in halves if half is not None]
    raise IdentityError(
        f"the .hwh gives the core no register {name!r}, only {', '.join(sorted(described))}: it "
        "is not of this bundle"
    )
