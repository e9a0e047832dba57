"""A simulated board: real pynq code on any machine, the C simulation behind its registers.

``write_hwh`` and ``fake_bit`` make the files that pynq's ``Overlay`` loads, ``write_bitstream``
both of them; ``SimDevice`` (needs pynq) is the device to load them on.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from bitfpga.boards import Board
from bitfpga.simboard.bit_file import fake_bit
from bitfpga.simboard.core_facts import core_facts
from bitfpga.simboard.hwh import write_hwh

if TYPE_CHECKING:
    from bitfpga.simboard.device import SimDevice

__all__ = ["SimDevice", "fake_bit", "write_bitstream", "write_hwh"]


def write_bitstream(interface: object, board: Board, folder: Path) -> Path:
    """Write ``<name>.bit`` and ``<name>.hwh`` into ``folder``; return the path of the .bit file."""
    path = folder / f"{core_facts(interface).name}.bit"
    path.write_bytes(fake_bit(interface, board))
    path.with_suffix(".hwh").write_bytes(write_hwh(interface, board))
    return path


def __getattr__(name: str) -> Any:
    if name != "SimDevice":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from bitfpga.simboard.device import SimDevice

    return SimDevice
