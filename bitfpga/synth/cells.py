"""What mapped Xilinx cells take of a chip: counts by cell type become LUTs, flip-flops, block RAMs.

Yosys' own "Estimated number of LCs" is not used: it is about half of the LUTs.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

# LUTs a RAM of LUTs takes. 7 series: UG474 (v1.9), table "Distributed RAM Configuration".
# UltraScale+: UG574, eight LUTs share a write address, so a RAM of one takes all eight.
LUT_RAM = {
    "RAM32X1S": 1,
    "RAM64X1S": 1,
    "RAM128X1S": 2,
    "RAM256X1S": 4,
    "RAM512X1S": 8,
    "RAM32X1D": 2,
    "RAM64X1D": 2,
    "RAM128X1D": 4,
    "RAM256X1D": 8,
    "RAM32M": 4,
    "RAM64M": 4,
    "RAM32M16": 8,
    "RAM64M8": 8,
}
# An INV is a LUT of its own unless placement merges it into the next one: counted as one.
LUT_LOGIC = ("LUT1", "LUT2", "LUT3", "LUT4", "LUT5", "LUT6", "LUT6_2", "INV")
SHIFT_REGISTERS = ("SRL16", "SRL16E", "SRLC16", "SRLC16E", "SRLC32E")
ONE_OF = {
    "carry4": ("CARRY4",),
    "carry8": ("CARRY8",),
    "muxf7": ("MUXF7",),
    "muxf8": ("MUXF8",),
    "muxf9": ("MUXF9",),
    "ramb18": ("RAMB18E1", "RAMB18E2"),
    "ramb36": ("RAMB36E1", "RAMB36E2"),
    "uram": ("URAM288",),
    "dsp": ("DSP48E1", "DSP48E2"),
    "ffs": ("FDRE", "FDSE", "FDCE", "FDPE", "FDRE_1", "FDSE_1", "FDCE_1", "FDPE_1"),
    "latches": ("LDCE", "LDPE"),
    "srl": SHIFT_REGISTERS,
    "lut_logic": LUT_LOGIC,
}
_FIELD = {cell: name for name, cells in ONE_OF.items() for cell in cells}
_OUTER = re.compile(r"outer\d+")
_NOTHING = ("VCC", "GND", "BUFG", "$scopeinfo")


@dataclass(frozen=True)
class BlockArea:
    """What a part of the design takes after mapping. LUT5 pairs are not packed into one LUT.

    ``lut_ram`` is in LUTs, everything else in cells. ``other``: cells no figure here counts.
    """

    lut_logic: int = 0
    lut_ram: int = 0
    srl: int = 0
    ffs: int = 0
    carry4: int = 0
    carry8: int = 0
    muxf7: int = 0
    muxf8: int = 0
    muxf9: int = 0
    ramb18: int = 0
    ramb36: int = 0
    uram: int = 0
    dsp: int = 0
    latches: int = 0
    other: Mapping[str, int] = field(default_factory=dict)

    @property
    def luts(self) -> int:
        """LUTs of logic, of shift registers and of LUT RAM."""
        return self.lut_logic + self.srl + self.lut_ram

    @property
    def bram36(self) -> float:
        """Block RAMs of 36 kbit; a RAMB18 is half of one."""
        return self.ramb36 + self.ramb18 / 2

    def __add__(self, another: BlockArea) -> BlockArea:
        numbers = {name: getattr(self, name) + getattr(another, name) for name in _NUMBERS}
        return BlockArea(**numbers, other=_joined(self.other, another.other))

    def to_document(self) -> dict[str, Any]:
        """Return the counts, with the totals of LUTs and block RAM first."""
        return {"luts": self.luts, "bram36": self.bram36, **asdict(self)}


_NUMBERS = tuple(item.name for item in fields(BlockArea) if item.name != "other")


def block_area(counts: Mapping[str, int]) -> BlockArea:
    """Return the area of so many cells of each type."""
    numbers = dict.fromkeys(_NUMBERS, 0)
    other: dict[str, int] = {}
    for cell, count in counts.items():
        if cell in _FIELD:
            numbers[_FIELD[cell]] += count
        elif cell in LUT_RAM:
            numbers["lut_ram"] += LUT_RAM[cell] * count
        elif cell not in _NOTHING:
            other[cell] = other.get(cell, 0) + count
    return BlockArea(**numbers, other=other)


def area_from_document(document: Mapping[str, Any]) -> BlockArea:
    """Return the area that ``to_document`` wrote; KeyError or TypeError if it is not one."""
    numbers = {name: int(document[name]) for name in _NUMBERS}
    return BlockArea(**numbers, other=dict(document["other"]))


def read_counts(statistics: Mapping[str, Any]) -> dict[str, dict[str, int]]:
    """Return how many of each cell stand in each module, of what ``stat -json`` wrote.

    Black boxes that stand for other blocks are left out.
    """
    return {
        _plain(name): {
            _plain(cell): int(count)
            for cell, count in module["num_cells_by_type"].items()
            if not _OUTER.fullmatch(_plain(cell))
        }
        for name, module in statistics["modules"].items()
    }


def cells_below(modules: Mapping[str, Mapping[str, int]], top: str) -> dict[str, int]:
    """Return how many of each primitive cell ``top`` holds, instances of modules counted out.

    ``modules``: for each module, how many of each cell (primitive or module) stand in it.
    """
    done: dict[str, dict[str, int]] = {}

    def below(module: str) -> dict[str, int]:
        if module not in done:
            found: dict[str, int] = {}
            for cell, count in modules[module].items():
                inside = below(cell) if cell in modules else {cell: 1}
                for name, inner in inside.items():
                    found[name] = found.get(name, 0) + count * inner
            done[module] = found
        return done[module]

    return below(top)


def _plain(name: str) -> str:
    return name.removeprefix("\\")


def _joined(one: Mapping[str, int], another: Mapping[str, int]) -> dict[str, int]:
    return {name: one.get(name, 0) + another.get(name, 0) for name in sorted({*one, *another})}
