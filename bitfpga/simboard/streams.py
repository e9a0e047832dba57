"""An AXI-Stream between two blocks: bytes in packets, whose last word carries TLAST."""

from __future__ import annotations

from collections import deque


class Stream:
    """Packets that wait to be taken; a packet may be put without an end (no TLAST)."""

    def __init__(self) -> None:
        self._packets: deque[tuple[bytes, bool]] = deque()

    @property
    def is_empty(self) -> bool:
        """Return whether everything was taken."""
        return not self._packets

    def put(self, data: bytes, *, last: bool = True) -> None:
        """Append a packet; ``last``: its last word carries TLAST."""
        self._packets.append((data, last))

    def take(self, n_bytes: int) -> tuple[bytes, bool]:
        """Return at most ``n_bytes`` of the first packet, and whether TLAST came with them."""
        data, last = self._packets.popleft()
        if len(data) > n_bytes:
            self._packets.appendleft((data[n_bytes:], last))
            return data[:n_bytes], False
        return data, last

    def clear(self) -> None:
        """Drop everything."""
        self._packets.clear()
