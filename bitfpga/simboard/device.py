"""A pynq device without a board: its registers run the C simulation of a project."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from pynq import Device
from pynq.buffer import PynqBuffer
from pynqmetadata.frontends import Metadata

from bitfpga.simboard.core import Core
from bitfpga.simboard.dma import Dma
from bitfpga.simboard.faults import Faults
from bitfpga.simboard.memory import Memory
from bitfpga.simboard.registers import CLOCKS, AddressMap, PlainRegisters
from bitfpga.simboard.simulation import Simulation
from bitfpga.simboard.sources import design
from bitfpga.simboard.streams import Stream

try:
    from pynq.metadata.runtime_metadata_parser import RuntimeMetadataParser
except ImportError:  # pynq 4 has it elsewhere
    from pynqmetadata.views.runtime import RuntimeMetadataParser

ARCH = {"processing_system7": "armv7l", "zynq_ultra_ps_e": "aarch64"}
# Buffers lie where boards have them; above 4 GiB on the large ones, so that high halves count.
MEMORY = {"processing_system7": 0x1000_0000, "zynq_ultra_ps_e": 0x8_0000_0000}
MEMORY_BYTES = 256 << 20
DMA_TYPE = "xilinx.com:ip:axi_dma:7.1"
_numbers = itertools.count()


class SimBuffer(PynqBuffer):  # type: ignore[misc]
    """A buffer in the board's memory; a slice has no ``memory`` and gives nothing back."""

    memory: Memory | None = None

    def freebuffer(self) -> None:
        """Give the memory back; twice does nothing more."""
        memory, self.memory = self.memory, None
        if memory is not None:
            memory.free(self.bo)


class SimDevice(Device):  # type: ignore[misc]
    """A board that exists in software only, for ``Overlay(bit, device=SimDevice(folder))``.

    ``folder``: a project or a bundle; its C simulation is compiled at once and answers in a child
    process. ``faults``: names of ``FAULTS``, a set that may be changed at any time. Register
    accesses outside the design raise ``BusError``, and so do the core's outside its buffers.
    """

    _probe_priority_ = 9000

    @classmethod
    def _probe_(cls) -> list[Device]:
        """Return no device: a simulated board is only used where it is asked for."""
        return []

    def __init__(self, folder: str | Path, faults: Iterable[str] = ()) -> None:
        super().__init__(f"bitfpga_sim{next(_numbers)}")
        self.name = "bitfpga-simboard"
        self.arch = ""
        self.capabilities = {"REGISTER_RW": True}
        facts, hls, programs = design(Path(folder))
        self.facts = facts
        self.faults = Faults(faults, facts.kind)
        self._simulation = Simulation(hls, programs, facts)
        self._processor = AddressMap()  # what is there without any design
        self._map = AddressMap()
        self._memory = Memory(0, 0)  # until a .hwh says which family this is
        self._blocks: list[Core | Dma] = []

    def get_bitfile_metadata(self, bitfile_name: str, partial: bool = False) -> Any:
        """Return what the .hwh beside the bitstream says, by pynq's own parser."""
        path = Path(bitfile_name).with_suffix(".hwh")
        if partial or not path.is_file():
            raise RuntimeError(f"there is no {path}, or a partial bitstream was asked for")
        parser = RuntimeMetadataParser(Metadata(input=str(path)))
        if not self.arch:
            self.arch = ARCH[parser.family_ps]
            self._memory = Memory(MEMORY[parser.family_ps], MEMORY_BYTES)
            for base, n_bytes in CLOCKS[parser.family_ps]:
                self._processor.add(base, n_bytes, PlainRegisters(base))
            self._map = self._processor
        return parser

    def download(self, bitstream: Any, parser: Any = None) -> None:
        """Configure the logic anew: whatever ran is gone, buffers stay."""
        streams = (Stream(), Stream())
        self._map, self._blocks = self._processor.copy(), []
        for details in parser.ip_dict.values():
            block = self._block(details, streams)
            if block is not None:
                self._blocks.append(block)
                self._map.add(details["phys_addr"], details["addr_range"], block)
        self.post_download(bitstream, parser, self.name)

    def _block(self, details: Any, streams: tuple[Stream, Stream]) -> Core | Dma | None:
        """Return the model of a block of the design, or None for one without registers."""
        if details["type"] == self.facts.vlnv:
            offsets = {
                name: register["address_offset"] for name, register in details["registers"].items()
            }
            return Core(self.facts, offsets, self._memory, self._simulation, self.faults, streams)
        if details["type"] == DMA_TYPE:
            length_bits = int(details["parameters"]["c_sg_length_width"])
            return Dma(*streams, self._memory, self.faults, length_bits)
        return None

    def read_registers(self, address: int, length: int) -> bytes:
        """Return registers; time passes on the board with every read."""
        for block in self._blocks:
            block.step()
        return self._map.read(address, length)

    def write_registers(self, address: int, data: bytes) -> None:
        """Write registers."""
        self._map.write(address, bytes(data))

    def allocate(
        self, shape: int | tuple[int, ...], dtype: npt.DTypeLike, cacheable: bool = False
    ) -> PynqBuffer:
        """Return a buffer the logic can reach; ``RuntimeError`` when there is none left."""
        if not self.arch:
            raise RuntimeError("Overlay is not downloaded")
        sizes = (shape,) if isinstance(shape, int) else tuple(shape)
        if "short_buffer" in self.faults:
            sizes = (sizes[0] - 1, *sizes[1:])
        n_bytes = math.prod(sizes) * np.dtype(dtype).itemsize
        try:
            if "no_memory" in self.faults:
                raise MemoryError("injected")
            address = self._memory.allocate(n_bytes, cached=cacheable)
        except MemoryError as error:
            raise RuntimeError(f"BO allocation failed: {error}") from None
        buffer = SimBuffer(
            sizes,
            dtype,
            buffer=self._memory.buffer(address).program,
            device=self,
            device_address=address,
            bo=address,
            coherent=not cacheable,
        )
        buffer.memory = self._memory
        return buffer

    @property
    def n_buffers(self) -> int:
        """Return how many buffers are in use."""
        return self._memory.n_buffers

    def flush(self, bo: int, offset: int, _address: int, n_bytes: int) -> None:
        """Show the logic what the program wrote into a cached buffer."""
        self._memory.flush(bo, offset, n_bytes)

    def invalidate(self, bo: int, offset: int, _address: int, n_bytes: int) -> None:
        """Show the program what the logic wrote into a cached buffer."""
        self._memory.invalidate(bo, offset, n_bytes)

    def close(self) -> None:
        """End the simulation's child process; a later call starts it again."""
        self._simulation.close()
