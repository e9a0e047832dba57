"""The register maps of a .hwh: an HLS core's, in the order HLS lays them out, and the AXI DMA's."""

from __future__ import annotations

from dataclasses import dataclass, field

from bitfpga.simboard.core_facts import CoreFacts

FIRST_ARGUMENT = 0x10  # after CTRL, GIER, IP_IER and IP_ISR
OUTPUTS = ("id_low", "id_high", "interface_version", "status")  # by reference: with a valid bit

READ, WRITE, BOTH = "read-only", "write-only", "read-write"


@dataclass(frozen=True)
class Field:
    """Bits of a register, the lowest first."""

    name: str
    low_bit: int
    n_bits: int = 1
    access: str = BOTH


@dataclass(frozen=True)
class Register:
    """A 32-bit register ``offset`` bytes from the base address."""

    name: str
    offset: int
    access: str = BOTH
    text: str = ""
    fields: tuple[Field, ...] = field(default=())


def hls_registers(facts: CoreFacts) -> tuple[Register, ...]:
    """Return the control registers, then the arguments: addresses as two halves of 32 bits.

    An address takes 12 bytes, an input 8, an output with its valid bit 16.
    """
    found, offset = list(_CONTROL), FIRST_ARGUMENT
    for name in facts.registers:
        if name in facts.pointers:
            found += [
                _data(f"{name}_{half}", offset + 4 * (half - 1), BOTH, name) for half in (1, 2)
            ]
            offset += 12
        elif name in OUTPUTS:
            valid = Field(f"{name}_ap_vld", 0, 1, READ)
            text = f"Control signal of {name}"
            found.append(_data(name, offset, READ, name))
            found.append(Register(f"{name}_ctrl", offset + 4, READ, text, (valid,)))
            offset += 16
        else:
            found.append(_data(name, offset, BOTH, name))
            offset += 8
    return tuple(found)


def _data(name: str, offset: int, access: str, argument: str) -> Register:
    text = f"Data signal of {argument}"
    return Register(name, offset, access, text, (Field(name, 0, 32, access),))


_CONTROL = (
    Register(
        "CTRL",
        0x00,
        BOTH,
        "Control signals",
        (
            Field("AP_START", 0),
            Field("AP_DONE", 1, 1, READ),
            Field("AP_IDLE", 2, 1, READ),
            Field("AP_READY", 3, 1, READ),
            Field("RESERVED_1", 4, 3, READ),
            Field("AUTO_RESTART", 7),
            Field("RESERVED_2", 8, 24, READ),
        ),
    ),
    Register("GIER", 0x04, BOTH, "Global Interrupt Enable Register", (Field("Enable", 0),)),
    Register(
        "IP_IER",
        0x08,
        BOTH,
        "IP Interrupt Enable Register",
        (Field("CHAN0_INT_EN", 0), Field("CHAN1_INT_EN", 1)),
    ),
    Register(
        "IP_ISR",
        0x0C,
        BOTH,
        "IP Interrupt Status Register",
        (Field("CHAN0_INT_ST", 0), Field("CHAN1_INT_ST", 1)),
    ),
)


def dma_registers(length_bits: int) -> tuple[Register, ...]:
    """Return the registers of an AXI DMA without scatter-gather, both directions."""
    found: list[Register] = []
    for direction, base, address in (("MM2S", 0x00, "SA"), ("S2MM", 0x30, "DA")):
        found += [
            Register(f"{direction}_DMACR", base, BOTH, f"{direction} control", _DMA_CONTROL),
            Register(f"{direction}_DMASR", base + 0x04, BOTH, f"{direction} status", _DMA_STATUS),
            _word(f"{direction}_{address}", base + 0x18, 32),
            _word(f"{direction}_{address}_MSB", base + 0x1C, 32),
            _word(f"{direction}_LENGTH", base + 0x28, length_bits),
        ]
    return tuple(found)


def _word(name: str, offset: int, n_bits: int) -> Register:
    return Register(name, offset, BOTH, name, (Field(name, 0, n_bits),))


_DMA_CONTROL = (
    Field("RS", 0),
    Field("Reset", 2),
    Field("Keyhole", 3),
    Field("IOC_IrqEn", 12),
    Field("Dly_IrqEn", 13),
    Field("Err_IrqEn", 14),
)
_DMA_STATUS = (
    Field("Halted", 0, 1, READ),
    Field("Idle", 1, 1, READ),
    Field("SGIncld", 3, 1, READ),
    Field("DMAIntErr", 4, 1, READ),
    Field("DMASlvErr", 5, 1, READ),
    Field("DMADecErr", 6, 1, READ),
    Field("IOC_Irq", 12),
    Field("Dly_Irq", 13),
    Field("Err_Irq", 14),
)
