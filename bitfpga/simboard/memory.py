"""The board's memory: buffers at physical addresses, with the cache between program and logic."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Bytes = npt.NDArray[np.uint8]

PAGE = 4096


class BusError(Exception):
    """The logic read or wrote where no buffer is."""


@dataclass(frozen=True)
class Buffer:
    """``program``: the bytes the program sees. ``logic``: those the logic sees, the same memory
    unless the buffer is cached, when only a flush or an invalidate moves them."""

    program: Bytes
    logic: Bytes


class Memory:
    """Buffers in ``n_bytes`` of memory from ``base`` on, each on pages of its own with a gap."""

    def __init__(self, base: int, n_bytes: int) -> None:
        self._base, self._end = base, base + n_bytes
        self._addresses: list[int] = []
        self._buffers: dict[int, Buffer] = {}

    @property
    def n_buffers(self) -> int:
        """Return how many buffers are in use."""
        return len(self._addresses)

    def allocate(self, n_bytes: int, *, cached: bool) -> int:
        """Return the address of a new buffer of zeros; ``MemoryError`` when none is left."""
        address = self._free_place(n_bytes)
        program = np.zeros(n_bytes, np.uint8)
        self._buffers[address] = Buffer(program, program.copy() if cached else program)
        self._addresses.insert(bisect_right(self._addresses, address), address)
        return address

    def _free_place(self, n_bytes: int) -> int:
        """Return the first address with room for a buffer and a page after it."""
        place = self._base
        for address in [*self._addresses, self._end]:
            if place + n_bytes + PAGE <= address:
                return place
            if address < self._end:
                size = len(self._buffers[address].program)
                place = address + (-(-size // PAGE) + 1) * PAGE
        raise MemoryError(f"the simulated board has no {n_bytes} bytes of memory left")

    def free(self, address: int) -> None:
        """Give a buffer back."""
        del self._buffers[address]
        self._addresses.remove(address)

    def buffer(self, address: int) -> Buffer:
        """Return the buffer that was allocated at ``address``."""
        return self._buffers[address]

    def flush(self, address: int, start: int, n_bytes: int) -> None:
        """Show the logic what the program wrote."""
        buffer = self._buffers[address]
        buffer.logic[start : start + n_bytes] = buffer.program[start : start + n_bytes]

    def invalidate(self, address: int, start: int, n_bytes: int) -> None:
        """Show the program what the logic wrote."""
        buffer = self._buffers[address]
        buffer.program[start : start + n_bytes] = buffer.logic[start : start + n_bytes]

    def read(self, address: int, n_bytes: int) -> bytes:
        """Return what the logic reads; ``BusError`` outside a buffer."""
        return self._logic(address, n_bytes, "reads").tobytes()

    def write(self, address: int, data: bytes) -> None:
        """Store what the logic writes; ``BusError`` outside a buffer."""
        self._logic(address, len(data), "writes")[:] = np.frombuffer(data, np.uint8)

    def _logic(self, address: int, n_bytes: int, does: str) -> Bytes:
        at = bisect_right(self._addresses, address) - 1
        if at >= 0:
            start = self._addresses[at]
            logic, offset = self._buffers[start].logic, address - start
            if offset + n_bytes <= len(logic):
                return logic[offset : offset + n_bytes]
        raise BusError(f"the logic {does} {n_bytes} bytes at 0x{address:X}, where no buffer is")
