"""The AXI DMA without scatter-gather: its registers, and what it moves to and from streams."""

from __future__ import annotations

from bitfpga.simboard.faults import Faults
from bitfpga.simboard.memory import BusError, Memory
from bitfpga.simboard.streams import Stream

CONTROL, STATUS, ADDRESS, ADDRESS_HIGH, LENGTH = 0x00, 0x04, 0x18, 0x1C, 0x28
RECEIVING = 0x30  # offset of the second direction's registers

RUN, RESET = 1 << 0, 1 << 2
HALTED, IDLE = 1 << 0, 1 << 1
INTERNAL_ERROR, SLAVE_ERROR, DECODE_ERROR = 1 << 4, 1 << 5, 1 << 6
COMPLETE, ERROR_IRQ = 1 << 12, 1 << 14
IRQS = 0x7000

_INJECTED = {
    "dma_internal_error": INTERNAL_ERROR,
    "dma_slave_error": SLAVE_ERROR,
    "dma_decode_error": DECODE_ERROR,
}


class Channel:
    """One direction. ``stream``: what it feeds (sending) or empties (receiving)."""

    def __init__(
        self, stream: Stream, memory: Memory, faults: Faults, length_bits: int, *, sends: bool
    ) -> None:
        self._stream, self._memory, self._faults = stream, memory, faults
        self._length_mask = (1 << length_bits) - 1
        self._sends = sends
        self.reset()

    def reset(self) -> None:
        """Return to the state after power-up: halted, nothing under way."""
        self._control, self._status = 0, HALTED
        self._address, self._length = 0, 0
        self._active = False
        self._received = bytearray()

    def read(self, offset: int) -> int:
        """Return the value of a register."""
        return {
            CONTROL: self._control,
            STATUS: self._status,
            ADDRESS: self._address & 0xFFFF_FFFF,
            ADDRESS_HIGH: self._address >> 32,
            LENGTH: self._length,
        }.get(offset, 0)

    def write(self, offset: int, value: int) -> None:
        """Write a register; a length starts the transfer when the channel runs."""
        if offset == CONTROL:
            self._control = value & ~RESET
            self._status = self._status & ~HALTED if value & RUN else self._status | HALTED
            self._active = self._active and bool(value & RUN)
        elif offset == STATUS:
            self._status &= ~(value & IRQS)
        elif offset == ADDRESS:
            self._address = self._address >> 32 << 32 | value
        elif offset == ADDRESS_HIGH:
            self._address = self._address & 0xFFFF_FFFF | value << 32
        elif offset == LENGTH and value and not self._status & HALTED and not self._active:
            self._start(value & self._length_mask)

    def _start(self, length: int) -> None:
        self._length, self._active = length, True
        self._status &= ~IDLE
        self._received.clear()
        for name, bit in _INJECTED.items():
            if name in self._faults:
                self._fail(bit)
                return
        if self._sends:
            try:
                self._stream.put(self._memory.read(self._address, length))
            except BusError:
                self._fail(DECODE_ERROR)

    def step(self) -> None:
        """Go on with the transfer as far as the stream allows."""
        if not self._active:
            return
        if self._sends:
            if self._stream.is_empty:
                self._end()
            return
        while not self._stream.is_empty:
            room = self._length - len(self._received)
            if room == 0:  # the packet is longer than the buffer
                self._fail(INTERNAL_ERROR)
                return
            data, last = self._stream.take(room)
            self._received += data
            if last:
                self._store()
                return

    def _store(self) -> None:
        try:
            self._memory.write(self._address, bytes(self._received))
        except BusError:
            self._fail(DECODE_ERROR)
        else:
            self._length = len(self._received)
            self._end()

    def _end(self) -> None:
        self._active = False
        self._status |= IDLE | COMPLETE

    def _fail(self, bit: int) -> None:
        """Stop with an error, which only a reset clears."""
        self._active = False
        self._control &= ~RUN
        self._status |= bit | HALTED | ERROR_IRQ


class Dma:
    """Both directions; a reset of one resets both and drops what waits in the streams."""

    def __init__(
        self, to_core: Stream, from_core: Stream, memory: Memory, faults: Faults, length_bits: int
    ) -> None:
        self._streams = (to_core, from_core)
        self._send = Channel(to_core, memory, faults, length_bits, sends=True)
        self._receive = Channel(from_core, memory, faults, length_bits, sends=False)

    def read(self, offset: int) -> int:
        """Return the value of a register."""
        channel, place = self._place(offset)
        return channel.read(place)

    def write(self, offset: int, value: int) -> None:
        """Write a register."""
        channel, place = self._place(offset)
        if place == CONTROL and value & RESET:
            self._send.reset()
            self._receive.reset()
            for stream in self._streams:
                stream.clear()
        else:
            channel.write(place, value)

    def step(self) -> None:
        """Go on with both directions as far as the streams allow."""
        self._send.step()
        self._receive.step()

    def _place(self, offset: int) -> tuple[Channel, int]:
        return (self._send, offset) if offset < RECEIVING else (self._receive, offset - RECEIVING)
