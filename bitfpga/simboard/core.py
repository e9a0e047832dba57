"""The core behind its HLS control registers: what a start does, for both kinds."""

from __future__ import annotations

import itertools
from collections.abc import Generator, Iterator, Mapping

from bitfpga.simboard.core_facts import CoreFacts
from bitfpga.simboard.faults import Faults
from bitfpga.simboard.memory import BusError, Memory
from bitfpga.simboard.simulation import Simulation
from bitfpga.simboard.streams import Stream

START, DONE, IDLE, READY = 1 << 0, 1 << 1, 1 << 2, 1 << 3
REFUSED, EARLY_LAST, NO_LAST = 1 << 0, 1 << 1, 1 << 2  # bits of the status register
Call = Generator[None, None, int]  # one call, a yield while the core is busy; its status

BUSY_STEPS = 2  # how many register reads at least find the core busy
OUTPUTS = ("id_low", "id_high", "interface_version", "status")


class Core:
    """The registers at ``offsets`` (from the .hwh), the memory, and the streams of an axi_dma core.

    As in hardware, outputs are 0 until the first call has ended, and a call once started ends or
    waits for ever: only a download of the bitstream stops it.
    """

    def __init__(
        self,
        facts: CoreFacts,
        offsets: Mapping[str, int],
        memory: Memory,
        simulation: Simulation,
        faults: Faults,
        streams: tuple[Stream, Stream],
    ) -> None:
        self._facts, self._memory, self._faults = facts, memory, faults
        self._simulation = simulation
        self._to_core, self._from_core = streams
        self._names = {offset: name for name, offset in offsets.items()}
        self._values = dict.fromkeys(offsets, 0)
        self._call: Iterator[None] | None = None
        self._done = False

    def read(self, offset: int) -> int:
        """Return the value of a register; reading ap_done and the valid bits clears them."""
        name = self._names.get(offset, "")
        if name == "CTRL":
            running = self._call is not None
            value = START if running else IDLE | (DONE | READY if self._done else 0)
            self._done = False
            return value
        value = self._values.get(name, 0)
        if name.removesuffix("_ctrl") in OUTPUTS and name.endswith("_ctrl"):
            self._values[name] = 0
        return value

    def write(self, offset: int, value: int) -> None:
        """Write a register; ap_start starts a call unless one is running."""
        name = self._names.get(offset, "")
        if name == "CTRL":
            if value & START and self._call is None:
                self._done = False
                self._call = self._run()
        elif name in self._values and name.removesuffix("_ctrl") not in OUTPUTS:
            self._values[name] = value & 0xFFFF_FFFF

    def step(self) -> None:
        """Go on with the call as far as memory and streams allow.

        A ``BusError`` is passed on, so that tests see it; the core itself then never ends.
        """
        try:
            if self._call is not None:
                next(self._call)
        except StopIteration:
            self._call, self._done = None, True
        except BusError:
            self._call = itertools.repeat(None)
            raise

    def _run(self) -> Iterator[None]:
        """Do one call; each ``yield`` is a moment in which the core is still busy."""
        n_samples = self._values["n_samples"]
        for _ in range(BUSY_STEPS):
            yield
        while "never_done" in self._faults:
            yield
        status = REFUSED
        if 0 < n_samples <= self._facts.max_samples and "bad_status" not in self._faults:
            call = self._streamed if self._facts.kind == "axi_dma" else self._through_memory
            status = yield from call(n_samples)
        self._set_outputs(status)

    def _through_memory(self, n_samples: int) -> Call:
        yield from ()
        x = self._memory.read(self._address("x"), n_samples * self._facts.input_bytes)
        self._memory.write(self._address("y"), self._compute(x, n_samples))
        return 0

    def _streamed(self, n_samples: int) -> Call:
        """Take the samples up to the first TLAST, zeros after it; put the outputs and wait."""
        n_bytes, x, last = n_samples * self._facts.input_bytes, b"", False
        while len(x) < n_bytes and not last:
            if self._to_core.is_empty:
                yield
                continue
            data, last = self._to_core.take(n_bytes - len(x))
            x += data
        status = 0 if last else NO_LAST
        if len(x) < n_bytes:
            status = EARLY_LAST
        y = self._compute(x.ljust(n_bytes, b"\0"), n_samples)
        self._from_core.put(y, last="no_tlast" not in self._faults)
        while not self._from_core.is_empty:
            yield
        return status

    def _compute(self, x: bytes, n_samples: int) -> bytes:
        if "taps" in self._facts.pointers:
            n_bytes = self._simulation.n_tap_bytes
            self._simulation.set_taps(self._memory.read(self._address("taps"), n_bytes))
        return self._simulation.run(x, n_samples)

    def _address(self, name: str) -> int:
        return self._values[f"{name}_2"] << 32 | self._values[f"{name}_1"]

    def _set_outputs(self, status: int) -> None:
        number = int(self._facts.id, 16)
        outputs = {
            "id_low": (number & 0xFFFF_FFFF) ^ ("wrong_id" in self._faults),
            "id_high": number >> 32,
            "interface_version": self._facts.interface_version + ("wrong_version" in self._faults),
            "status": status,
        }
        for name, value in outputs.items():
            self._values[name] = value
            self._values[f"{name}_ctrl"] = 1
