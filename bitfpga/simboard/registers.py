"""What lies at the addresses a program can reach: the core, the DMA, and the clock registers."""

from __future__ import annotations

from typing import Protocol

from bitfpga.simboard.memory import BusError

# Where the processing systems keep their clocks, and what the plain registers hold after boot:
# every PLL at the frequency that the .hwh files of this package count with.
CLOCKS = {
    "processing_system7": ((0xF800_0000, 0x1000),),
    "zynq_ultra_ps_e": ((0xFF5E_0000, 0x1000), (0xFD1A_0000, 0x1000)),
}
_ZYNQ_PLL, _ZYNQUS_PLL = 20 << 12, 45 << 8
AFTER_BOOT = {
    **dict.fromkeys((0xF800_0100, 0xF800_0104, 0xF800_0108), _ZYNQ_PLL),
    **dict.fromkeys((0xFF5E_0020, 0xFF5E_0030, 0xFD1A_0020, 0xFD1A_002C, 0xFD1A_0038), _ZYNQUS_PLL),
}


class Block(Protocol):
    """A block with registers of 32 bits."""

    def read(self, offset: int) -> int:
        """Return the value of the register at ``offset``."""

    def write(self, offset: int, value: int) -> None:
        """Write the register at ``offset``."""


class PlainRegisters:
    """Registers that keep what is written into them."""

    def __init__(self, base: int) -> None:
        self._values = {
            address - base: value for address, value in AFTER_BOOT.items() if address >= base
        }

    def read(self, offset: int) -> int:
        """Return what was written last, or what is there after boot."""
        return self._values.get(offset, 0)

    def write(self, offset: int, value: int) -> None:
        """Keep a value."""
        self._values[offset] = value


class AddressMap:
    """Blocks by address range; an access elsewhere is a ``BusError``, as on a board."""

    def __init__(self) -> None:
        self._blocks: list[tuple[int, int, Block]] = []

    def copy(self) -> AddressMap:
        """Return a map of the same blocks."""
        other = AddressMap()
        other._blocks = list(self._blocks)
        return other

    def add(self, base: int, n_bytes: int, block: Block) -> None:
        """Put a block at an address."""
        self._blocks.append((base, n_bytes, block))

    def read(self, address: int, n_bytes: int) -> bytes:
        """Return ``n_bytes`` (a multiple of 4) from ``address`` on, little-endian."""
        words = []
        for place in range(address, address + n_bytes, 4):
            block, offset = self._find(place)
            words.append(block.read(offset).to_bytes(4, "little"))
        return b"".join(words)

    def write(self, address: int, data: bytes) -> None:
        """Write ``data`` (a multiple of 4 bytes, little-endian) from ``address`` on."""
        for at in range(0, len(data), 4):
            block, offset = self._find(address + at)
            block.write(offset, int.from_bytes(data[at : at + 4], "little"))

    def _find(self, address: int) -> tuple[Block, int]:
        for base, n_bytes, block in self._blocks:
            if base <= address < base + n_bytes:
                return block, address - base
        raise BusError(f"no block of the loaded design has a register at 0x{address:X}")
