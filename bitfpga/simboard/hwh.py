"""The hardware description that Vivado writes beside a .bit file, for a design of ours."""

from __future__ import annotations

import re
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from bitfpga.boards import Board
from bitfpga.simboard.core_facts import CoreFacts, core_facts
from bitfpga.simboard.hwh_design import End, Module, Nets
from bitfpga.simboard.hwh_registers import dma_registers, hls_registers
from bitfpga.simboard.processing_system import ProcessingSystem, processing_system

XML_HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="no" ?>'
TOOL_VERSION = "2023.2"
DMA_VLNV = "xilinx.com:ip:axi_dma:7.1"
DMA_LENGTH_BITS = 26
CORE_BASE, DMA_BASE = 0x0, 0x1_0000  # from where the control port's addresses begin
CONTROL_BYTES = 0x1_0000
DMA_BYTES = 0x1000


def write_hwh(interface: object, board: Board) -> bytes:
    """Return the .hwh of a block design around the core, as XML in UTF-8.

    ``interface``: an ``Interface``, its JSON text or document. The design: processing system,
    core, interconnects, reset, and for kind ``axi_dma`` an AXI DMA without scatter-gather.
    """
    facts, ps, nets = core_facts(interface), processing_system(board), Nets()
    modules = _modules(facts, ps, board, nets)
    nets.finish()
    root = Element("EDKSYSTEM", EDWVERSION="1.2", TIMESTAMP=facts.id, VIVADOVERSION=TOOL_VERSION)
    device, package, grade = _chip(board.part)
    SubElement(
        root,
        "SYSTEMINFO",
        ARCH=ps.arch,
        DEVICE=device,
        NAME="design_1",
        PACKAGE=package,
        SPEEDGRADE=grade,
    )
    SubElement(root, "EXTERNALPORTS")
    SubElement(root, "EXTERNALINTERFACES")
    parent = SubElement(root, "MODULES")
    parent.extend(module.element() for module in sorted(modules, key=lambda m: m.instance))
    indent(root)
    return f"{XML_HEAD}\n{tostring(root, 'unicode')}\n".encode()


def _chip(part: str) -> tuple[str, str, str]:
    """Return device, package and speed grade of a part such as ``xc7z020clg400-1``."""
    zynq = re.fullmatch(r"xc(7z\d+s?)([a-z]+\d+)(-\d).*", part)
    if zynq:
        return zynq[1], zynq[2], zynq[3]
    device, package, grade = (*part.split("-"), "", "")[:3]
    return device, package, f"-{grade}"


def _modules(facts: CoreFacts, ps: ProcessingSystem, board: Board, nets: Nets) -> list[Module]:
    """Return all blocks with their buses, clocks and resets on ``nets``."""
    core = Module(f"{facts.name}_0", facts.vlnv)
    core.parameters |= {
        "C_S_AXI_CONTROL_ADDR_WIDTH": "7",
        "C_S_AXI_CONTROL_DATA_WIDTH": "32",
        "Component_Name": f"design_1_{facts.name}_0_0",
        "clk_period": f"{board.clock_ns:g}",
        "EDK_IPTYPE": "PERIPHERAL",
    }
    control = Module("axi_control", "xilinx.com:ip:axi_interconnect:2.1")
    memory = Module("axi_memory", "xilinx.com:ip:axi_interconnect:2.1")
    reset = Module("rst_0", "xilinx.com:ip:proc_sys_reset:5.0")
    modules = [ps.module, core, control, memory, reset]
    nets.connect("lite", ps.control, End(control, "S00_AXI", "S00_AXI", True), 32, 40)
    core_end = End(core, "s_axi_control", "s_axi_control")
    slaves = [(core_end, CORE_BASE, hls_registers(facts))]
    masters = [End(core, f"m_axi_gmem_{name}", f"m_axi_gmem_{name}") for name in facts.pointers]
    if facts.kind == "axi_dma":
        dma = _dma(facts, ps, board)
        modules.append(dma)
        slaves.append((End(dma, "S_AXI_LITE", "s_axi_lite", True), DMA_BASE, _DMA_REGISTERS))
        masters += [End(dma, f"M_AXI_{way}", f"m_axi_{way.lower()}", True) for way in _WAYS]
        _streams(facts, core, dma, nets)
    for i, (end, offset, registers) in enumerate(slaves):
        nets.connect("lite", End(control, f"M{i:02}_AXI", f"M{i:02}_AXI", True), end, 32, 7)
        size = DMA_BYTES if offset else CONTROL_BYTES
        end.module.add_registers(end.interface, registers, size)
        base = ps.control_base + offset
        ps.module.add_range(base, CONTROL_BYTES, end, ps.control.interface, "REGISTER")
    for i, end in enumerate(masters):
        name = f"S{i:02}_AXI"
        slave = End(memory, name, name, True)
        nets.connect("full", end, slave, board.hp_port_bits, ps.address_bits)
        end.module.add_range(0, ps.memory_bytes, ps.memory, end.interface, "MEMORY")
    from_interconnect = End(memory, "M00_AXI", "M00_AXI", True)
    nets.connect("full", from_interconnect, ps.memory, board.hp_port_bits, ps.address_bits)
    _clock_and_reset(modules, ps, reset, board, nets)
    nets.add_port(core, "interrupt", None, drives=True, SIGIS="INTERRUPT")
    return modules


_WAYS = ("MM2S", "S2MM")
_DMA_REGISTERS = dma_registers(DMA_LENGTH_BITS)


def _dma(facts: CoreFacts, ps: ProcessingSystem, board: Board) -> Module:
    """Return the AXI DMA in simple mode: each parameter in both cases, as Vivado writes them."""
    widths = {"mm2s": facts.input_dtype.itemsize, "s2mm": facts.output_dtype.itemsize}
    values = {
        "include_sg": 0,
        "micro_dma": 0,
        "sg_length_width": DMA_LENGTH_BITS,
        "addr_width": ps.address_bits,
        "prmry_is_aclk_async": 0,
        "include_mm2s": 1,
        "include_s2mm": 1,
    }
    for way, itemsize in widths.items():
        values |= {
            f"include_{way}_dre": 0,
            f"{way}_burst_size": 16,
            f"m_axi_{way}_data_width": board.hp_port_bits,
        }
        stream = "m_axis_mm2s" if way == "mm2s" else "s_axis_s2mm"
        values[f"{stream}_tdata_width"] = 8 * itemsize
    module = Module("axi_dma_0", DMA_VLNV)
    module.parameters |= {f"C_{name.upper()}": str(value) for name, value in values.items()}
    module.parameters |= {f"c_{name}": str(value) for name, value in values.items()}
    module.parameters["EDK_IPTYPE"] = "PERIPHERAL"
    return module


def _streams(facts: CoreFacts, core: Module, dma: Module, nets: Nets) -> None:
    nets.connect(
        "stream",
        End(dma, "M_AXIS_MM2S", "m_axis_mm2s", True),
        End(core, "x", "x"),
        8 * facts.input_dtype.itemsize,
    )
    nets.connect(
        "stream",
        End(core, "y", "y"),
        End(dma, "S_AXIS_S2MM", "s_axis_s2mm", True),
        8 * facts.output_dtype.itemsize,
    )


def _clock_and_reset(
    modules: list[Module], ps: ProcessingSystem, reset: Module, board: Board, nets: Nets
) -> None:
    """Drive every block's clock from the processing system and its reset from the reset block."""
    clock, released = f"{ps.module.instance}_{ps.clock}", f"{reset.instance}_peripheral_aresetn"
    frequency = str(round(1e9 / board.clock_ns))
    options = {"SIGIS": "clk", "CLKFREQUENCY": frequency}
    nets.add_port(ps.module, ps.clock, clock, drives=True, **options)
    raw = f"{ps.module.instance}_{ps.reset}"
    nets.add_port(ps.module, ps.reset, raw, drives=True, SIGIS="rst")
    nets.add_port(reset, "ext_reset_in", raw, drives=False, SIGIS="rst")
    nets.add_port(reset, "slowest_sync_clk", clock, drives=False, **options)
    nets.add_port(reset, "peripheral_aresetn", released, drives=True, SIGIS="rst")
    for module in modules:
        if module not in (ps.module, reset):
            nets.add_port(module, "ap_clk", clock, drives=False, **options)
            nets.add_port(module, "ap_rst_n", released, drives=False, SIGIS="rst")
    for name in ps.bus_clocks:
        nets.add_port(ps.module, name, clock, drives=False, **options)
