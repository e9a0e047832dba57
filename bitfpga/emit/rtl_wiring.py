"""The instances of the generated top module, and the wires between them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bitfpga.emit.rtl_part import Feed, Part, Rom
from bitfpga.emit.rtl_words import Parameter, address_bits, packed, verilog
from bitfpga.plan import ARRAYS, Fifo, Pipeline, Stream, memory_style
from bitfpga.plan.steps import LOAD, STORE

CLOCK = (("clk", "clk"), ("rst", "rst"))


@dataclass(frozen=True)
class Wire:
    """One declaration; ``range`` is `` [7:0]``, or empty for a single bit."""

    name: str
    range: str


@dataclass(frozen=True)
class Instance:
    """One module in the top module: parameters and ports with Verilog text."""

    module: str
    name: str
    parameters: tuple[tuple[str, str], ...]
    ports: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Process:
    """What a process reads and writes: its FIFOs, and the tensors in them."""

    name: str
    inputs: tuple[Fifo, ...]
    outputs: tuple[Fifo, ...]
    sources: tuple[Stream, ...]
    output: Stream | None


class Wiring:
    """Collects instances and wires. ``depths``: places of each FIFO by name."""

    def __init__(self, pipeline: Pipeline, depths: Mapping[str, int], n_samples: int) -> None:
        self.pipeline, self.depths, self.n_samples = pipeline, depths, n_samples
        self.wires: list[Wire] = []
        self.instances: list[Instance] = []
        self.tap_ports: list[str] = []
        together = {step.name for step in pipeline.steps if step.kind == "add"}
        self.reads = {
            q.name: f"read_{instance_name(q.reader) if q.reader in together else q.name}"
            for q in pipeline.fifos
        }

    def add(self, process: Process, part: Part) -> None:
        """Add a process, the FIFOs that it writes, and what changes widths on the way."""
        name = instance_name(process.name)
        ports = [*CLOCK, *self._inputs(process, part, name), *self._outputs(process, part, name)]
        if part.roms:
            ports += self._tap_roms(part.roms, name)
        if part.feed is not None:
            ports += self._tap_feed(part, part.feed, tap_port(process.name), name)
        files = {key: table_file(name, key) for key in part.data}
        parameters = {
            key: files[str(value)] if key.endswith("FILE") else value
            for key, value in part.parameters.items()
        }
        self._instance(part.module, name, parameters, ports)
        for queue in process.outputs:
            self._fifo(queue, name)

    def _inputs(self, process: Process, part: Part, name: str) -> list[tuple[str, str]]:
        if process.name == LOAD:
            return [(f"s_{port}", f"s_axis_{port}") for port in ("tdata", "tvalid", "tready")]
        heads = [
            self._head(queue, source, part)
            for queue, source in zip(process.inputs, process.sources, strict=True)
        ]
        reads = [self.reads[queue.name] for queue in process.inputs]
        if part.one_read:
            reads = reads[:1]
            self._wire(reads[0], 1)
        return [
            ("x_valid", _joined([f"valid_{queue.name}" for queue in process.inputs])),
            ("x_data", _joined(heads)),
            ("x_read", _joined(reads)),
        ]

    def _outputs(self, process: Process, part: Part, name: str) -> list[tuple[str, str]]:
        if process.name == STORE:
            names = ("tdata", "tvalid", "tready", "tlast")
            return [(f"m_{port}", f"m_axis_{port}") for port in names]
        assert process.output is not None
        places = _joined([f"place_{queue.name}" for queue in process.outputs])
        data = f"data_{name}"
        self._wire(f"make_{name}", 1)
        self._wire(f"write_{name}", 1)
        lanes, bits = process.output.lanes * self.n_samples, process.output.tensor.bits
        self._wire(data, lanes * bits)
        return [
            ("y_place", places),
            ("y_make", f"make_{name}"),
            ("y_write", f"write_{name}"),
            ("y_data", data),
        ]

    def _head(self, queue: Fifo, source: Stream, part: Part) -> str:
        """Return the oldest beat of a FIFO, with as many lanes as the process wants."""
        missing = max(part.in_lanes - source.lanes, 0) * source.tensor.bits * self.n_samples
        head = f"head_{queue.name}"
        return f"{{{missing}'d0, {head}}}" if missing else head

    def _tap_feed(self, part: Part, feed: Feed, port: str, name: str) -> list[tuple[str, str]]:
        """Add what deals rows from memory to the PEs and return the ports that ask for them."""
        n_pes, bits = int(str(feed.parameters["PES"])), int(str(feed.parameters["ROW_BITS"]))
        wires = {"tap_enable": 1, "tap_off": n_pes, "tap_re": n_pes, "tap_row": n_pes * bits}
        for wire, width in wires.items():
            self._wire(f"{wire}_{name}", width)
        self.tap_ports.append(port)
        ports = [
            *CLOCK,
            *((f"s_{wire}", f"{port}_{wire}") for wire in ("tdata", "tvalid", "tready")),
            ("enable", f"tap_enable_{name}"),
            *((wire.removeprefix("tap_"), f"{wire}_{name}") for wire in ("tap_off", "tap_re")),
            ("tap_row", f"tap_row_{name}"),
        ]
        self._instance("tap_feed", f"taps_{name}", feed.parameters, ports)
        return [*((wire, f"{wire}_{name}") for wire in wires), ("tap_addr", "")]

    def _tap_roms(self, roms: Sequence[Rom], name: str) -> list[tuple[str, str]]:
        """Add a table for each PE and return the ports that read them."""
        bits, places = roms[0].bits, address_bits(len(roms[0].words))
        wires = {"tap_re": 1, "tap_addr": places, "tap_row": bits}
        for wire, width in wires.items():
            self._wire(f"{wire}_{name}", width * len(roms))
        for pe, rom in enumerate(roms):
            parameters: dict[str, Parameter] = {"WIDTH": rom.bits, "DEPTH": len(rom.words)}
            if rom.in_luts:
                parameters["WORDS"] = packed(rom.words, rom.bits)
            else:
                parameters["FILE"] = table_file(name, f"taps{pe}")
                parameters["STYLE"] = "block"
            one = f"[{pe}]" if len(roms) > 1 else ""
            ports = [
                ("clk", "clk"),
                ("enable", f"tap_re_{name}{one}"),
                (
                    "addr",
                    f"tap_addr_{name}[{pe * places}+:{places}]" if one else f"tap_addr_{name}",
                ),
                ("data", f"tap_row_{name}[{pe * bits}+:{bits}]"),
            ]
            module = "lut_rom" if rom.in_luts else "rom"
            self._instance(module, f"taps{pe}_{name}", parameters, ports)
        always = [("tap_enable", "1'b1"), ("tap_off", "")]
        return [*always, *((wire, f"{wire}_{name}") for wire in wires)]

    def _fifo(self, queue: Fifo, writer: str) -> None:
        bits = self.pipeline.streams[queue.stream].beat_bits * self.n_samples
        depth = self.depths[queue.name]
        parameters: dict[str, Parameter] = {
            "WIDTH": bits,
            "DEPTH": depth,
            "STYLE": memory_style(depth),
        }
        for wire in (f"place_{queue.name}", f"valid_{queue.name}"):
            self._wire(wire, 1)
        if self.reads[queue.name] == f"read_{queue.name}":
            self._wire(self.reads[queue.name], 1)
        self._wire(f"head_{queue.name}", bits)
        ports = [
            *CLOCK,
            ("make", f"make_{writer}"),
            ("place", f"place_{queue.name}"),
            ("write", f"write_{writer}"),
            ("data_in", f"data_{writer}"),
            ("valid", f"valid_{queue.name}"),
            ("data_out", f"head_{queue.name}"),
            ("read", self.reads[queue.name]),
        ]
        self._instance("fifo", queue.name, parameters, ports)

    def _wire(self, name: str, bits: int) -> None:
        self.wires.append(Wire(name, f" [{bits - 1}:0]" if bits > 1 else ""))

    def _instance(
        self,
        module: str,
        name: str,
        parameters: Mapping[str, Parameter],
        ports: Sequence[tuple[str, str]],
    ) -> None:
        texts = tuple((key, verilog(value)) for key, value in parameters.items())
        if module in (*ARRAYS, "lut_rom"):
            texts += (("IMPL", "IMPL"),)
        self.instances.append(Instance(module, name, texts, tuple(ports)))


def instance_name(process: str) -> str:
    """Return a process's name in Verilog: prefixed, so that no layer's name is a keyword."""
    return process[1:] if process.startswith("@") else f"layer_{process}"


def tap_port(process: str) -> str:
    """Return the AXI-Stream that brings a layer's tap rows from memory."""
    return f"s_axis_taps_{process}"


def table_file(instance: str, table: str) -> str:
    """Return the file of a table of an instance, as Verilog names it and where it lies.

    A bare name, beside the top module: Vivado finds a table that is among the sources of a project
    or an IP by that. It takes ``.mem`` for a memory's contents without being told.
    """
    return f"{instance}_{table}.mem"


def _joined(names: Sequence[str]) -> str:
    """Return wires side by side, the first lowest."""
    return names[0] if len(names) == 1 else f"{{{', '.join(reversed(names))}}}"
