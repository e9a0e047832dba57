"""How a call reaches the core: by addresses in registers (``m_axi``) or by DMA (``axi_dma``)."""

from __future__ import annotations

from typing import Any, Callable

from .bundle import Interface
from .errors import DeviceError, IdentityError, StatusError, TimeoutFault
from .registers import CTRL, DONE, IDLE, START, CoreRegisters
from .waiting import wait_until

NOTHING_DONE = 1
_STATUS = {
    1: "n_samples is 0 or more than the core takes, nothing was done",
    2: "the input's TLAST came too early (the input was shorter than n_samples)",
    4: "the input's TLAST is missing (the input was longer than n_samples)",
}
_DMA_ERRORS = {
    0x10: "internal error (a transfer of length 0?)",
    0x20: "slave error (memory cannot be reached: is the HP port enabled?)",
    0x40: "decode error (an address outside memory)",
}


class MasterLink:
    """The core reads and writes memory itself; this is also what both kinds share."""

    name = "m_axi"

    def __init__(self, registers: CoreRegisters, interface: Interface, limit_s: float) -> None:
        self._registers, self._interface, self._limit_s = registers, interface, limit_s
        self._taps_address: int | None = None

    def set_taps(self, address: int) -> None:
        """Tell where the index streams lie in memory."""
        self._taps_address = address

    def check_identity(self) -> None:
        """Call the core without samples and compare its identity with the bundle's."""
        self._start(0)
        self._wait(self._done())
        self._check_id()
        status = self._registers.read("status")
        if status != NOTHING_DONE:
            raise StatusError(
                f"the core's status after a call without samples is {status:#x}, not "
                f"{NOTHING_DONE:#x}: it does not work as built; check its clock and reset"
            )

    def run(self, n_samples: int, x: Any, y: Any) -> None:
        """Compute ``n_samples`` samples from the buffer ``x`` into the buffer ``y``."""
        self._registers.write("x", int(x.physical_address))
        self._registers.write("y", int(y.physical_address))
        self._start(n_samples)
        self._wait(self._done())
        self._check_status()

    def _start(self, n_samples: int) -> None:
        if self._taps_address is not None:
            self._registers.write("taps", self._taps_address)
        ctrl = self._registers.read(CTRL)
        if not ctrl & IDLE:
            raise DeviceError(
                f"the core is not idle before its start (CTRL = {ctrl:#04x}): does another program "
                "drive it? The bitstream is loaded again at the next call"
            )
        self._registers.write("n_samples", n_samples)
        self._registers.write(CTRL, START)

    def _done(self) -> Callable[[], bool]:
        """Return a function that says whether the core has ended since; reading clears the bit."""
        seen: list[bool] = []

        def done() -> bool:
            if not seen and self._registers.read(CTRL) & DONE:
                seen.append(True)
            return bool(seen)

        return done

    def _wait(self, done: Callable[[], bool]) -> None:
        if wait_until(done, self._limit_s):
            return
        raise TimeoutFault(
            f"the core did not end within {self._limit_s:g} s ({self._state()}). Check that the "
            "clock of the programmable logic runs at the planned rate, that the HP ports the core "
            "uses are enabled, and that no other program loaded a bitstream; for very large "
            "batches give a larger timeout_s. The bitstream is loaded again at the next call"
        )

    def _state(self) -> str:
        ctrl = self._registers.read(CTRL)
        running = "idle: it never started" if ctrl & IDLE else "started, not done"
        return f"CTRL = {ctrl:#04x}, {running}"

    def _check_id(self) -> None:
        """Raise ``IdentityError`` unless the core that answered is the bundle's."""
        found = "{:08x}{:08x}".format(*(self._registers.read(f"id_{h}") for h in ("high", "low")))
        version = self._registers.read("interface_version")
        if found != self._interface.id:
            raise IdentityError(
                f"the loaded bitstream is of the build {found}, this bundle of the build "
                f"{self._interface.id}: synthesise the project again, deploy it, copy it whole"
            )
        if version != self._interface.interface_version:
            raise IdentityError(
                f"the core's interface has version {version}, the bundle's "
                f"{self._interface.interface_version}: deploy again with one version of bitfpga"
            )

    def _check_status(self) -> None:
        self._check_id()  # each time: another program may have loaded a bitstream since
        status = self._registers.read("status")
        if not status:
            return
        reasons = [text for bit, text in _STATUS.items() if status & bit]
        reasons += ["unknown bits"] if status & ~sum(_STATUS) else []
        raise StatusError(f"the core's status is {status:#x}: {'; '.join(reasons)}")


class DmaLink(MasterLink):
    """A DMA engine in simple mode streams memory through the core."""

    name = "axi_dma"

    def __init__(
        self, registers: CoreRegisters, interface: Interface, limit_s: float, dma: Any
    ) -> None:
        super().__init__(registers, interface, limit_s)
        self._send, self._receive = dma.sendchannel, dma.recvchannel
        self._most_bytes = int(dma.buffer_max_size)

    @property
    def max_samples(self) -> int:
        """Most samples of one transfer; ``DeviceError`` where not even one fits."""
        tensors = (self._interface.input, self._interface.output)
        sample_bytes = max(tensor.sample_bytes for tensor in tensors)
        if sample_bytes > self._most_bytes:
            raise DeviceError(
                f"a transfer of the DMA engine holds at most {self._most_bytes} bytes, one sample "
                f"needs {sample_bytes}: set its length register to 26 bits (c_sg_length_width) in "
                "the block design"
            )
        return self._most_bytes // sample_bytes

    def run(self, n_samples: int, x: Any, y: Any) -> None:
        """Compute ``n_samples`` samples from the buffer ``x`` into the buffer ``y``."""
        n_out = n_samples * self._interface.output.sample_bytes
        self._receive.transfer(y, nbytes=n_out)  # before the input, so that nothing backs up
        self._send.transfer(x, nbytes=n_samples * self._interface.input.sample_bytes)
        self._start(n_samples)
        core_done = self._done()

        def ended() -> bool:
            if self._errors():
                return True
            if not core_done():
                return False
            return self._registers.read("status") != 0 or (self._send.idle and self._receive.idle)

        in_time = wait_until(ended, self._limit_s)
        if errors := self._errors():
            raise DeviceError(f"{errors}; the bitstream is loaded again at the next call")
        if not in_time:
            raise TimeoutFault(self._diagnosis(core_done()))
        self._check_status()
        self._receive.wait()  # idle by now: it notes how much came
        if self._receive.transferred != n_out:
            raise DeviceError(
                f"the core sent {self._receive.transferred} of {n_out} bytes: its TLAST came too "
                "early; the .bit is not of this bundle, or the stream was cut"
            )

    def _errors(self) -> str:
        found = []
        for name, channel in (("send", self._send), ("receive", self._receive)):
            if channel.error:
                status = channel._mmio.read(channel._offset + 4)
                texts = [text for bit, text in _DMA_ERRORS.items() if status & bit]
                found.append(f"the DMA engine's {name} channel reports {' and '.join(texts)}")
        return "; ".join(found)

    def _diagnosis(self, core_done: bool) -> str:
        sent, received = self._send.idle, self._receive.idle
        head = (
            f"the transfer did not end within {self._limit_s:g} s (core "
            f"{'done' if core_done else 'not done'}, input {'sent' if sent else 'not all sent'}, "
            f"output {'received' if received else 'not all received'}). "
        )
        if core_done and not received:
            cause = (
                "The core ended, but its output had no TLAST, so the DMA engine waits for ever: "
                "check that the stream keeps TLAST on its way (width converters, FIFOs)"
            )
        elif not sent:
            cause = "The core does not take its input: check its clock, reset and stream connection"
        else:
            cause = "The core does not end: check its clock, and that the .bit is of this bundle"
        return f"{head}{cause}. The bitstream is loaded again at the next call"
