"""The XML of a block design: modules with parameters, ports, buses and address ranges, and nets."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal
from xml.etree.ElementTree import Element, SubElement

from bitfpga.simboard.hwh_registers import Register

BusKind = Literal["lite", "full", "stream"]

# Signals of a bus: name, whether its master drives it, and how many bits; 0 stands for the width
# of the address, -1 for that of the data, -2 for one bit a byte of data.
_ADDRESS, _DATA, _STROBE = 0, -1, -2
_LITE = (
    ("AWADDR", True, _ADDRESS),
    ("AWVALID", True, 1),
    ("AWREADY", False, 1),
    ("WDATA", True, _DATA),
    ("WSTRB", True, _STROBE),
    ("WVALID", True, 1),
    ("WREADY", False, 1),
    ("BRESP", False, 2),
    ("BVALID", False, 1),
    ("BREADY", True, 1),
    ("ARADDR", True, _ADDRESS),
    ("ARVALID", True, 1),
    ("ARREADY", False, 1),
    ("RDATA", False, _DATA),
    ("RRESP", False, 2),
    ("RVALID", False, 1),
    ("RREADY", True, 1),
)
_FULL = (
    *_LITE,
    ("AWLEN", True, 8),
    ("AWSIZE", True, 3),
    ("AWBURST", True, 2),
    ("WLAST", True, 1),
    ("ARLEN", True, 8),
    ("ARSIZE", True, 3),
    ("ARBURST", True, 2),
    ("RLAST", False, 1),
)
_STREAM = (
    ("TDATA", True, _DATA),
    ("TKEEP", True, _STROBE),
    ("TLAST", True, 1),
    ("TVALID", True, 1),
    ("TREADY", False, 1),
)
_SIGNALS = {"lite": _LITE, "full": _FULL, "stream": _STREAM}


@dataclass
class End:
    """One end of a bus: its module, its interface there, and how its ports are called."""

    module: Module
    interface: str
    prefix: str
    lower: bool = False

    def port(self, signal: str) -> str:
        """Return the name of the port that carries ``signal``."""
        return f"{self.prefix}_{signal.lower() if self.lower else signal}"


@dataclass
class Module:
    """One block of the design, with the children of its MODULE element."""

    instance: str
    vlnv: str
    is_pl: bool = True
    parameters: dict[str, str] = field(default_factory=dict)
    address_blocks: list[Element] = field(default_factory=list)
    ports: list[Element] = field(default_factory=list)
    buses: list[Element] = field(default_factory=list)
    ranges: list[Element] = field(default_factory=list)

    def add_registers(self, interface: str, registers: Iterable[Register], size: int) -> None:
        """Add the register map of a control interface that answers to ``size`` bytes."""
        block = Element(
            "ADDRESSBLOCK",
            ACCESS="read-write",
            INTERFACE=interface,
            NAME="Reg",
            RANGE=str(size),
            USAGE="register",
        )
        parent = SubElement(block, "REGISTERS")
        parent.extend(_register(register) for register in registers)
        self.address_blocks.append(block)

    def add_range(self, base: int, size: int, target: End, master: str, kind: str) -> None:
        """Add the place of ``target`` in what the interface ``master`` of this module sees."""
        attributes = {
            "ADDRESSBLOCK": "Reg" if kind == "REGISTER" else "HP0_DDR_LOWOCM",
            "BASENAME": "C_BASEADDR",
            "BASEVALUE": f"0x{base:08X}",
            "HIGHNAME": "C_HIGHADDR",
            "HIGHVALUE": f"0x{base + size - 1:08X}",
            "INSTANCE": target.module.instance,
            "IS_DATA": "TRUE",
            "IS_INSTRUCTION": "TRUE",
            "MASTERBUSINTERFACE": master,
            "MEMTYPE": kind,
            "SLAVEBUSINTERFACE": target.interface,
        }
        self.ranges.append(Element("MEMRANGE", attributes))

    def element(self) -> Element:
        """Return the MODULE element."""
        _, _, kind, version = self.vlnv.split(":")
        attributes = {
            "COREREVISION": "1",
            "FULLNAME": f"/{self.instance}",
            "HWVERSION": version,
            "INSTANCE": self.instance,
            "IPTYPE": "PERIPHERAL",
            "IS_ENABLE": "1",
            "MODCLASS": "PERIPHERAL",
            "MODTYPE": kind,
            "VLNV": self.vlnv,
        }
        if not self.is_pl:
            attributes |= {"CONFIGURABLE": "TRUE", "IS_PL": "FALSE"}
        module = Element("MODULE", dict(sorted(attributes.items())))
        SubElement(module, "DOCUMENTS")
        SubElement(module, "ADDRESSBLOCKS").extend(self.address_blocks)
        parameters = SubElement(module, "PARAMETERS")
        for name, value in self.parameters.items():
            SubElement(parameters, "PARAMETER", NAME=name, VALUE=value)
        SubElement(module, "PORTS").extend(self.ports)
        SubElement(module, "BUSINTERFACES").extend(self.buses)
        if self.ranges:
            SubElement(module, "MEMORYMAP").extend(self.ranges)
            peripherals = SubElement(module, "PERIPHERALS")
            for name in dict.fromkeys(str(place.get("INSTANCE")) for place in self.ranges):
                SubElement(peripherals, "PERIPHERAL", INSTANCE=name)
        return module


class Nets:
    """The wires of a design: every port on a net ends up connected to all others on it."""

    def __init__(self) -> None:
        self._ends: dict[str, list[tuple[str, Element]]] = {}

    def add_port(
        self, module: Module, name: str, net: str | None, *, drives: bool, **attributes: str
    ) -> None:
        """Add a port to ``module``, on ``net`` where one is given."""
        port = Element("PORT", {"DIR": "O" if drives else "I", "NAME": name, **attributes})
        module.ports.append(port)
        if net is not None:
            port.set("SIGNAME", net)
            self._ends.setdefault(net, []).append((module.instance, port))

    def connect(self, kind: BusKind, master: End, slave: End, data: int, address: int = 32) -> None:
        """Add a bus between two modules, all its signals as ports on both sides."""
        name = f"{master.module.instance}_{master.interface}"
        for end, is_master in ((master, True), (slave, False)):
            library = "axis" if kind == "stream" else "aximm"
            bus = Element(
                "BUSINTERFACE",
                BUSNAME=name,
                DATAWIDTH=str(data),
                NAME=end.interface,
                TYPE="MASTER" if is_master else "SLAVE",
                VLNV=f"xilinx.com:interface:{library}:1.0",
            )
            maps = SubElement(bus, "PORTMAPS")
            for signal, from_master, n_bits in _SIGNALS[kind]:
                width = {_ADDRESS: address, _DATA: data, _STROBE: data // 8}.get(n_bits, n_bits)
                attributes = {"SIGIS": "undef"}
                if width > 1:
                    attributes |= {"LEFT": str(width - 1), "RIGHT": "0"}
                drives = from_master == is_master
                net = f"{name}_{signal}"
                self.add_port(end.module, end.port(signal), net, drives=drives, **attributes)
                SubElement(maps, "PORTMAP", LOGICAL=signal, PHYSICAL=end.port(signal))
            end.module.buses.append(bus)

    def finish(self) -> None:
        """Write into each port which others it is connected to."""
        for ends in self._ends.values():
            for instance, port in ends:
                connections = SubElement(port, "CONNECTIONS")
                for other, far in ends:
                    if (other, far) != (instance, port) and far.get("DIR") != port.get("DIR"):
                        name = str(far.get("NAME"))
                        SubElement(connections, "CONNECTION", INSTANCE=other, PORT=name)


def _register(register: Register) -> Element:
    element = Element("REGISTER", NAME=register.name)
    properties = {
        "DESCRIPTION": register.text,
        "ADDRESS_OFFSET": f"0x{register.offset:02X}",
        "SIZE": "32",
        "ACCESS": register.access,
        "IS_ENABLED": "true",
        "RESET_VALUE": "0",
    }
    for name, value in properties.items():
        SubElement(element, "PROPERTY", NAME=name, VALUE=value)
    fields = SubElement(element, "FIELDS")
    for bits in register.fields:
        child = SubElement(fields, "FIELD", NAME=bits.name)
        properties = {
            "DESCRIPTION": bits.name,
            "ADDRESS_OFFSET": str(bits.low_bit),
            "ACCESS": bits.access,
            "BIT_OFFSET": str(bits.low_bit),
            "BIT_WIDTH": str(bits.n_bits),
        }
        for name, value in properties.items():
            SubElement(child, "PROPERTY", NAME=name, VALUE=value)
    return element
