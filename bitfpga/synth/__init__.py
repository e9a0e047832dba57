"""Verilog of a project in outside tools: simulated cycle by cycle, and what it takes of a chip."""

from bitfpga.synth.area import DELAY_NOTE, AreaReport, MappedBlock, PartArea
from bitfpga.synth.cells import BlockArea, block_area
from bitfpga.synth.checks import check_cycles, check_values
from bitfpga.synth.delay import LogicDelay, read_delays
from bitfpga.synth.simulation import RtlResult, simulate_rtl
from bitfpga.synth.sources import RtlSources, rtl_sources
from bitfpga.synth.verilator import find_verilator
from bitfpga.synth.yosys import synthesise

__all__ = [
    "DELAY_NOTE",
    "AreaReport",
    "BlockArea",
    "LogicDelay",
    "MappedBlock",
    "PartArea",
    "RtlResult",
    "RtlSources",
    "block_area",
    "check_cycles",
    "check_values",
    "find_verilator",
    "read_delays",
    "rtl_sources",
    "simulate_rtl",
    "synthesise",
]
