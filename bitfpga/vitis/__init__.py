"""From a project to a bitstream by the vendor's tools: Vitis HLS, then Vivado."""

from bitfpga.vitis.flow import FlowResult, run_flow
from bitfpga.vitis.steps import Step

__all__ = ["FlowResult", "Step", "run_flow"]
