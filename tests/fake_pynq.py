"""A stand-in for the package pynq: one device whose core and DMA engine do what they are told.

Memory has two sides, as behind a cache: what the processor wrote is seen by the core only after
``flush``, and the other way round after ``invalidate``. ``Faults`` says what goes wrong.
"""

from __future__ import annotations

import types
from pathlib import Path
from typing import Any

import numpy as np
from runtime_bundles import INPUT, MAX_SAMPLES, OUTPUT, reference

BIT0, BIT1, BIT2 = 1, 2, 4


class Faults:
    """What goes wrong; all of it off."""

    def __init__(self) -> None:
        self.never_done = False
        self.busy = False
        self.status = 0
        self.id = ""
        self.version = 1
        self.probe_status = 1
        self.no_tlast = False
        self.early_tlast = False
        self.dma_error = 0
        self.stuck_input = False
        self.wrong_value = False
        self.no_memory = 0  # allocations of at least so many elements fail
        self.no_output_memory = self.short_buffer = False


class Device:
    """The base class that the runtime asks about."""

    active_device: Any = None


class FakeDevice(Device):
    """A device of the user's own kind: no root needed."""

    def __init__(self, tag: str = "fake") -> None:
        self.tag, self.faults = tag, Faults()
        self.buffers: dict[int, FakeBuffer] = {}
        self.n_allocated = self.n_downloads = self.n_calls = 0
        self.taps_seen = b""


class FakeBuffer(np.ndarray):
    """A buffer with the memory behind the cache beside it."""

    memory: Any
    home: Any
    physical_address: int

    dirty: bool

    def __setitem__(self, key: Any, value: Any) -> None:
        super().__setitem__(key, value)
        self.dirty = True

    def flush(self) -> None:
        self.memory[:] = np.asarray(self)
        self.dirty = False

    def invalidate(self) -> None:
        np.asarray(self)[:] = self.memory

    def evict(self) -> None:
        """Do what a cache may do at any time: write to memory what was not flushed."""
        if self.dirty:
            self.flush()

    def freebuffer(self) -> None:
        del self.home.buffers[self.physical_address]  # KeyError for a second time


class Core:
    """The registers of a core, and what a start makes of them."""

    def __init__(self, device: FakeDevice, registers: dict[str, Any], identity: str) -> None:
        self._device, self._own_id = device, identity
        self._names = {facts["address_offset"]: name for name, facts in registers.items()}
        self._values: dict[str, int] = {}
        self._ctrl = 0 if device.faults.busy else BIT2
        self.streams: Any = None

    def read(self, offset: int) -> int:
        name = self._names[offset]
        if name != "CTRL":
            return self._values.get(name, 0)
        value = self._ctrl
        self._ctrl &= ~BIT1  # clear on read
        return value

    def write(self, offset: int, value: int) -> None:
        assert 0 <= value < 1 << 32
        name = self._names[offset]
        if name != "CTRL":
            self._values[name] = value
        elif value & BIT0:
            self._start()

    def _start(self) -> None:
        faults, n = self._device.faults, self._values["n_samples"]
        self._device.n_calls += 1
        self._ctrl = 0
        if faults.never_done and n:
            self._ctrl = BIT0
            return
        identity = faults.id or self._own_id
        self._values.update(id_high=int(identity[:8], 16), id_low=int(identity[8:], 16))
        self._values.update(interface_version=faults.version, status=0)
        if not 1 <= n <= MAX_SAMPLES:
            self._values["status"] = faults.probe_status
        elif faults.status:
            self._values["status"] = faults.status
        elif self.streams is not None:
            self.streams.compute(n)
        else:
            self._memory("y")[: n * OUTPUT.size] = self._computed(self._memory("x"), n)
        for buffer in self._device.buffers.values():
            if buffer.dtype == OUTPUT.dtype:
                buffer.evict()
        self._ctrl = 0 if faults.stuck_input and n else BIT1 | BIT2

    def _computed(self, x: Any, n: int) -> Any:
        if "taps_1" in self._names.values():
            self._device.taps_seen = self._memory("taps").tobytes()
        y = reference(x[: n * INPUT.size].reshape(n, *INPUT.shape)).reshape(-1)
        if self._device.faults.wrong_value:
            y[OUTPUT.size + 2] += 1
        return y

    def _memory(self, name: str) -> Any:
        return self._device.buffers[
            self._values[f"{name}_1"] + (self._values[f"{name}_2"] << 32)
        ].memory


class Channel:
    """One direction of the DMA engine, in pynq's words."""

    def __init__(self, device: FakeDevice, offset: int) -> None:
        self._device, self._offset, self._mmio = device, offset, self
        self.running, self.idle, self.transferred = True, False, 0
        self.array: Any = None
        self.nbytes = 0

    def read(self, offset: int) -> int:
        assert offset == self._offset + 4
        return self._device.faults.dma_error

    @property
    def error(self) -> bool:
        return self._device.faults.dma_error != 0

    def transfer(self, array: Any, start: int = 0, nbytes: int = 0) -> None:
        assert start == 0
        assert 0 < nbytes <= DMA_BYTES
        self.array, self.nbytes, self.idle = array, nbytes, False

    def wait(self) -> None:
        assert self.idle
        self.transferred = self.nbytes - self._device.faults.early_tlast


DMA_BYTES = 5 * INPUT.sample_bytes + 3


class Dma:
    """The engine: what is sent goes through the core."""

    buffer_max_size = DMA_BYTES

    def __init__(self, device: FakeDevice, core: Core) -> None:
        self._device, self._core = device, core
        self.sendchannel, self.recvchannel = Channel(device, 0), Channel(device, 0x30)
        core.streams = self

    def compute(self, n: int) -> None:
        send, receive = self.sendchannel, self.recvchannel
        assert (send.nbytes, receive.nbytes) == (n * INPUT.sample_bytes, n * OUTPUT.sample_bytes)
        send.idle = not self._device.faults.stuck_input
        y = self._core._computed(send.array.memory, n)
        receive.array.memory[: y.size] = y
        receive.idle = not self._device.faults.no_tlast


def fake_pynq(manifest: dict[str, Any], version: str = "3.0.1") -> types.ModuleType:
    """Return a module ``pynq`` whose every bitstream is that of the manifest."""
    pynq = types.ModuleType("pynq")
    interface = manifest["interface"]

    class Overlay:
        def __init__(self, path: str, download: bool = True, device: Any = None) -> None:
            assert download
            assert Path(path).is_file()
            assert Path(path).with_suffix(".hwh").is_file()
            device.n_downloads += 1
            registers = described(interface)
            core = Core(device, registers, interface["id"])
            parts = {"core_0": (interface["vlnv"], registers, core)}
            if interface["kind"] == "axi_dma":
                parts["axi_dma_0"] = ("xilinx.com:ip:axi_dma:7.1", {}, Dma(device, core))
            self.ip_dict = {k: {"type": t, "registers": r} for k, (t, r, _) in parts.items()}
            for name, (_, _, part) in parts.items():
                setattr(self, name, part)

    def allocate(shape: Any, dtype: Any, target: Any = None, cacheable: bool = False) -> FakeBuffer:
        assert cacheable
        assert isinstance(target, FakeDevice)
        if target.faults.no_memory and shape[0] >= target.faults.no_memory:
            raise RuntimeError("Failed to allocate Memory!")
        if target.faults.no_output_memory and dtype == OUTPUT.dtype:
            raise RuntimeError("Failed to allocate Memory!")
        target.n_allocated += 1
        shape = (shape[0] - target.faults.short_buffer,)
        buffer = np.full(shape, 99, dtype).view(FakeBuffer)
        buffer.dirty = False
        buffer.memory = np.full(shape, 77, dtype)
        buffer.home, buffer.physical_address = target, (3 << 32) + 4096 * target.n_allocated
        target.buffers[buffer.physical_address] = buffer
        return buffer

    for name, value in {
        "__version__": version,
        "Overlay": Overlay,
        "allocate": allocate,
        "Device": Device,
        "get_rails": dict,
    }.items():
        setattr(pynq, name, value)
    return pynq


def described(interface: dict[str, Any]) -> dict[str, Any]:
    """Return the registers as pynq reads them of a .hwh: pointers in two halves."""
    names: list[str] = ["CTRL", "GIER"]
    for name in interface["registers"]:
        names += [f"{name}_1", f"{name}_2"] if name in ("x", "y", "taps") else [name]
    return {n: {"address_offset": 8 * i, "size": 32} for i, n in enumerate(names)}
