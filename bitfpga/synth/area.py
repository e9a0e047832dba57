"""What synthesis found: the area of each layer and of the whole design, beside the plan's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from bitfpga.emit.rtl_wiring import instance_name
from bitfpga.plan import Resources, Schedule
from bitfpga.plan.resources import fifo
from bitfpga.synth.cells import BlockArea, area_from_document
from bitfpga.synth.delay import LogicDelay, delay_from_document

Role = Literal["layer", "fifo", "process", "top"]
DELAY_NOTE = (
    "logic delay: cells of the longest path (Artix-7, slow corner), no wires: not a clock period"
)


@dataclass(frozen=True)
class MappedBlock:
    """What one distinct block takes; ``delay`` is None where Yosys has no delays of the family."""

    area: BlockArea
    delay: LogicDelay | None

    def to_document(self) -> dict[str, Any]:
        """Return area and delay as plain data."""
        delay = self.delay.to_document() if self.delay else None
        return {"area": self.area.to_document(), "logic_delay": delay}


@dataclass(frozen=True)
class PartArea:
    """One instance in the top module. ``estimate``: the plan's, where it has one for it."""

    name: str
    role: Role
    module: str
    mapped: MappedBlock
    estimate: Resources | None

    @property
    def area(self) -> BlockArea:
        """What it takes, with all that is inside it."""
        return self.mapped.area


@dataclass(frozen=True)
class AreaReport:
    """The whole design as Yosys mapped it: ``parts``: layers in the plan's order, all others, what
    joins them last. ``delay`` is the logic delay of the design as a whole."""

    tool: str
    family: str
    parts: tuple[PartArea, ...]
    delay: LogicDelay | None
    estimate: Resources

    @property
    def total(self) -> BlockArea:
        """The sum over all instances."""
        return sum((part.area for part in self.parts), BlockArea())

    def layer(self, name: str) -> PartArea:
        """Return the part that computes the layer of this name."""
        return next(part for part in self.parts if part.role == "layer" and part.name == name)

    def to_document(self) -> dict[str, Any]:
        """Return everything as plain data, for JSON."""
        return {
            "tool": self.tool,
            "family": self.family,
            "total": self.total.to_document(),
            "estimate": _estimate(self.estimate),
            "logic_delay": self.delay.to_document() if self.delay else None,
            "parts": [
                {
                    "name": part.name,
                    "role": part.role,
                    "module": part.module,
                    **part.mapped.to_document(),
                    "estimate": _estimate(part.estimate),
                }
                for part in self.parts
            ],
        }


def mapped_from_document(document: Mapping[str, Any]) -> MappedBlock:
    """Return what ``MappedBlock.to_document`` wrote; KeyError or TypeError if it is not that."""
    return MappedBlock(area_from_document(document["area"]), read_delay(document))


def read_delay(document: Mapping[str, Any]) -> LogicDelay | None:
    """Return the ``logic_delay`` of a document, None where it has none."""
    delay = document["logic_delay"]
    return None if delay is None else delay_from_document(delay)


def make_part(name: str, module: str, mapped: MappedBlock, schedule: Schedule) -> PartArea:
    """Return the part of that instance name, with what the plan says of it.

    A layer's part has the layer's name, every other the instance's.
    """
    for layer in schedule.layers:
        if instance_name(layer.name) == name:
            return PartArea(layer.name, "layer", module, mapped, layer.resources)
    for queue in schedule.fifos:
        if queue.name == name:
            return PartArea(name, "fifo", module, mapped, fifo(queue.depth, queue.bits))
    return PartArea(name, "process", module, mapped, None)


def _estimate(resources: Resources | None) -> dict[str, float] | None:
    if resources is None:
        return None
    return {"luts": resources.luts, "ffs": resources.ffs, "bram36": resources.bram36}
