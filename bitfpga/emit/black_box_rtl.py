"""The Verilog of RTL black boxes: a wrapper and its tables for each, and the library for all."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from bitfpga.emit.render import BANNER, render
from bitfpga.emit.rtl_arrays import array_part
from bitfpga.emit.rtl_part import Part
from bitfpga.emit.rtl_wiring import Instance, Process, Wire, Wiring, instance_name, table_file
from bitfpga.emit.rtl_words import address_bits, hex_file
from bitfpga.paths import rtl_dir
from bitfpga.plan import Alone, LayerStream, Resources, Schedule, Step, Stream, alone

TIMESCALE = b"`timescale 1 ns / 1 ps\n"  # HLS gives its own Verilog one, and xsim wants all or none
ROM, LUT_ROM, CONTROL = "rom", "lut_rom", "black_box"
PORTS = {
    "clk": "ap_clk",
    "rst": "ap_rst",
    "head_x": "x_dout",
    "read_x": "x_read",
    "head_y": "y_din",
    "read_y": "y_write",
}
ATTRIBUTES = {  # as in rom.v
    "block": '(* rom_style = "block" *)',
    "distributed": '(* ram_style = "registers", rom_style = "distributed" *)',
    "auto": "",
}
_INSTANCE = re.compile(r"^\s*(\w+)\s+(?:#\(|\w+\s*\()", re.MULTILINE)


@dataclass(frozen=True)
class Table:
    """A table as a module: its words in hexadecimal, ``bits`` the most a word may have."""

    file: str
    style: str
    words: tuple[str, ...]

    @property
    def module(self) -> str:
        """The module's name: that of the file without its suffix."""
        return self.file.partition(".")[0]

    @property
    def bits(self) -> int:
        """Bits of the digits: ``rom`` says how many of them there are."""
        return 4 * len(self.words[0])

    @property
    def address_bits(self) -> int:
        """Bits of an address."""
        return address_bits(len(self.words))

    @property
    def attributes(self) -> str:
        """What tells tools where the table lies."""
        return ATTRIBUTES[self.style]


@dataclass(frozen=True, eq=False)
class Box:
    """An array to be put in a box: ``name`` is that of the module and of the C++ function."""

    name: str
    step: Step
    part: Part
    alone: Alone
    n_samples: int
    resources: Resources

    @staticmethod
    def of(step: Step, schedule: Schedule, stream: LayerStream) -> Box:
        """Return the box of an array of ``schedule``."""
        folded, samples = schedule.layer(step.name), schedule.n_samples
        part = array_part(step, folded, stream, samples, None)
        name = f"box_{step.name}"
        return Box(name, step, part, alone(step, schedule), samples, folded.resources)

    @property
    def source(self) -> Stream:
        """What it reads."""
        return self.step.inputs[0]

    @property
    def output(self) -> Stream:
        """What it writes."""
        assert self.step.output is not None
        return self.step.output

    def tables(self) -> list[Table]:
        """Return the tables that modules of the library read by name, those without words left
        out: nothing reads them."""
        parameters = self.part.parameters
        styles = {
            value: str(parameters.get(key.replace("FILE", "STYLE"), "auto"))
            for key, value in parameters.items()
            if key.endswith("FILE")
        }
        tables = [self._table(key, styles[key], data) for key, data in self.part.data.items()]
        return [table for table in tables if table.words]

    def tap_tables(self) -> list[Table]:
        """Return the tap rows of each PE that lie in block RAM; others are parameters."""
        return [
            self._table(f"taps{pe}", "block", hex_file(rom.words, rom.bits))
            for pe, rom in enumerate(self.part.roms)
            if not rom.in_luts
        ]

    def _table(self, key: str, style: str, data: bytes) -> Table:
        file = table_file(instance_name(self.step.name), key)
        return Table(file, style, tuple(data.decode().split()))


def box_files(box: Box) -> dict[str, bytes]:
    """Return the wrapper and the tables of ``box``."""
    wires, instances = _inside(box)
    samples = box.n_samples
    wrapper = render(
        "black_box.v.j2",
        banner=BANNER,
        name=box.name,
        n_samples=samples,
        in_beats=box.source.n_beats,
        out_beats=box.output.n_beats,
        in_bits=box.source.beat_bits * samples,
        out_bits=box.output.beat_bits * samples,
        wires=wires,
        instances=instances,
    )
    tables = [*box.tables(), *box.tap_tables()]
    text = render("black_box_tables.v.j2", banner=BANNER, box=box.name, tables=tables)
    return {f"{box.name}.v": wrapper, f"tables_{box.step.name}.v": text}


def library_files(boxes: Sequence[Box]) -> dict[str, bytes]:
    """Return what the wrappers share: modules of the library, and a ``rom.v`` that finds the tables
    of all of them by name."""
    sources = {path.stem: path.read_bytes() for path in sorted(rtl_dir().glob("*.v"))}
    used = {CONTROL, "fifo", *(box.part.module for box in boxes)}
    used |= {LUT_ROM for box in boxes for rom in box.part.roms if rom.in_luts}
    found: set[str] = set()
    while used - found:
        module = min(used - found)
        found.add(module)
        used |= set(_INSTANCE.findall(sources[module].decode())) & set(sources)
    named = [(table.file, table.module) for box in boxes for table in box.tables()]
    files = {f"lib/{name}.v": TIMESCALE + sources[name] for name in sorted(found - {ROM})}
    files["rom.v"] = render("black_box_rom.v.j2", banner=BANNER, tables=named)
    return files


def _inside(box: Box) -> tuple[list[Wire], list[Instance]]:
    """Return wires and instances of a wrapper: the array, its FIFO and tables, the handshakes."""
    step, pipeline = box.step, box.alone.pipeline
    x, y = pipeline.fifos
    wiring = Wiring(pipeline, {y.name: box.alone.depth}, box.n_samples)
    wiring.add(Process(step.name, (x,), (y,), step.inputs, box.output), box.part)
    wires = [wire for wire in wiring.wires if wire.name not in PORTS]
    instances = [_at_ports(instance) for instance in wiring.instances]
    return [Wire("valid_x", ""), *wires], [*instances, _control(box)]


def _at_ports(instance: Instance) -> Instance:
    """Return an instance with the wrapper's ports for wires; a tap table as its own module."""
    ports = tuple((name, PORTS.get(wire, wire)) for name, wire in instance.ports)
    if instance.module != ROM:
        return replace(instance, ports=ports)
    file = dict(instance.parameters)["FILE"].strip('"')
    width = tuple(pair for pair in instance.parameters if pair[0] == "WIDTH")
    return Instance(file.partition(".")[0], instance.name, width, ports)


def _control(box: Box) -> Instance:
    parameters = (("IN_BEATS", f"{box.source.n_beats}"), ("OUT_BEATS", f"{box.output.n_beats}"))
    ports = (
        ("clk", "ap_clk"),
        ("rst", "ap_rst"),
        ("ce", "ap_ce"),
        ("start", "ap_start"),
        ("ready", "ap_ready"),
        ("done", "ap_done"),
        ("proceed", "ap_continue"),
        ("idle", "ap_idle"),
        ("x_empty_n", "x_empty_n"),
        ("x_valid", "valid_x"),
        ("x_read", "x_read"),
        ("y_valid", "valid_y"),
        ("y_read", "y_write"),
        ("y_full_n", "y_full_n"),
    )
    return Instance(CONTROL, "control", parameters, ports)
