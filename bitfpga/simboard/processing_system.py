"""The processing systems of Zynq-7000 and Zynq UltraScale+ as a block design shows them."""

from __future__ import annotations

from dataclasses import dataclass

from bitfpga.boards import Board
from bitfpga.simboard.hwh_design import End, Module

ZYNQ_PLL_MHZ = 1000.0
ZYNQUS_PLL_MHZ = 1500.0
MOST_DIVISOR = 63
N_CLOCKS = 4


@dataclass
class ProcessingSystem:
    """A processing system: its block, its ports to and from the logic, and its address map."""

    module: Module
    arch: str
    control: End
    memory: End
    control_base: int
    memory_bytes: int
    address_bits: int
    clock: str
    reset: str
    bus_clocks: tuple[str, ...]


def processing_system(board: Board) -> ProcessingSystem:
    """Return the processing system of the board's family with its first clock at the board's."""
    return _zynq7000(board) if board.family == "zynq7000" else _zynqus(board)


def divisors(source_mhz: float, wanted_mhz: float) -> tuple[int, int]:
    """Return the two clock divisors, each 1 to 63, that come nearest without being too fast."""
    pairs = ((a, b) for a in range(1, MOST_DIVISOR + 1) for b in range(1, a + 1))
    slow = [pair for pair in pairs if source_mhz / (pair[0] * pair[1]) <= wanted_mhz * 1.000001]
    return min(slow, key=lambda pair: (pair[0] * pair[1], pair[0]))


def _zynq7000(board: Board) -> ProcessingSystem:
    module = Module("processing_system7_0", "xilinx.com:ip:processing_system7:5.5", is_pl=False)
    for i in range(N_CLOCKS):
        first, second = divisors(ZYNQ_PLL_MHZ, board.clock_mhz) if i == 0 else (1, 1)
        module.parameters |= {
            f"PCW_FCLK{i}_PERIPHERAL_DIVISOR0": str(first),
            f"PCW_FCLK{i}_PERIPHERAL_DIVISOR1": str(second),
            f"PCW_FCLK{i}_PERIPHERAL_CLKSRC": "IO PLL",
            f"PCW_FPGA_FCLK{i}_ENABLE": str(int(i == 0)),
            f"PCW_ACT_FPGA{i}_PERIPHERAL_FREQMHZ": f"{ZYNQ_PLL_MHZ / (first * second):.6f}",
        }
    module.parameters |= {
        "PCW_USE_M_AXI_GP0": "1",
        "PCW_USE_S_AXI_HP0": "1",
        "PCW_S_AXI_HP0_DATA_WIDTH": str(board.hp_port_bits),
    }
    return ProcessingSystem(
        module=module,
        arch="zynq",
        control=End(module, "M_AXI_GP0", "M_AXI_GP0"),
        memory=End(module, "S_AXI_HP0", "S_AXI_HP0"),
        control_base=0x4000_0000,
        memory_bytes=0x2000_0000,
        address_bits=32,
        clock="FCLK_CLK0",
        reset="FCLK_RESET0_N",
        bus_clocks=("M_AXI_GP0_ACLK", "S_AXI_HP0_ACLK"),
    )


def _zynqus(board: Board) -> ProcessingSystem:
    module = Module("zynq_ultra_ps_e_0", "xilinx.com:ip:zynq_ultra_ps_e:3.5", is_pl=False)
    for i in range(N_CLOCKS):
        first, second = divisors(ZYNQUS_PLL_MHZ, board.clock_mhz) if i == 0 else (15, 1)
        name = f"PSU__CRL_APB__PL{i}_REF_CTRL__"
        module.parameters |= {
            f"{name}DIVISOR0": str(first),
            f"{name}DIVISOR1": str(second),
            f"{name}SRCSEL": "IOPLL",
            f"{name}ACT_FREQMHZ": f"{ZYNQUS_PLL_MHZ / (first * second):.6f}",
            f"PSU__FPGA_PL{i}_ENABLE": str(int(i == 0)),
        }
    module.parameters |= {
        "PSU__USE__M_AXI_GP0": "1",
        "PSU__USE__S_AXI_GP2": "1",
        "C_SAXIGP2_DATA_WIDTH": str(board.hp_port_bits),
        "C_MAXIGP0_DATA_WIDTH": "128",
    }
    return ProcessingSystem(
        module=module,
        arch="zynquplus",
        control=End(module, "M_AXI_HPM0_FPD", "maxigp0", True),
        memory=End(module, "S_AXI_HP0_FPD", "saxigp2", True),
        control_base=0xA000_0000,
        memory_bytes=0x10_0000_0000,
        address_bits=40,
        clock="pl_clk0",
        reset="pl_resetn0",
        bus_clocks=("maxihpm0_fpd_aclk", "saxihp0_fpd_aclk"),
    )
