"""The board as a device: PYNQ's Overlay, MMIO, allocate and DMA. PYNQ is imported when opened."""

from __future__ import annotations

import os
import re
import time
from contextlib import contextmanager, suppress
from typing import Any, Iterator

import numpy as np

from .buffers import Buffers, taps_buffer
from .bundle import Bundle
from .errors import BundleError, DeviceError, IdentityError, RuntimeFault
from .links import DmaLink, MasterLink
from .lock import DeviceLock
from .registers import CoreRegisters

DMA_VLNV = "xilinx.com:ip:axi_dma:"
MOST_BUFFER_BYTES = 16 << 20  # contiguous memory is scarce: boards have 128 MiB of it, shared
_OLDEST, _FIRST_WITHOUT_ZYNQ7000 = (2, 7), (4, 0)


class PynqBackend:
    """Drives one device with one bundle; the bitstream is loaded again after a fault."""

    def __init__(self, bundle: Bundle, device: Any, timeout_s: float) -> None:
        interface = bundle.interface
        sample_bytes = interface.input.sample_bytes + interface.output.sample_bytes
        fitting = max(1, MOST_BUFFER_BYTES // sample_bytes)
        self.max_samples = min(interface.max_samples, fitting)
        self._bundle, self._device, self._timeout_s = bundle, device, timeout_s
        self._pynq: Any = None
        self._lock: DeviceLock | None = None
        self._link: MasterLink | None = None
        self._buffers: Buffers | None = None
        self._taps: Any = None
        self._faulty = False

    def open(self) -> None:
        """Load the bitstream and check that it is the bundle's; all or nothing."""
        if self._bundle.bit is None or self._bundle.hwh is None:
            raise BundleError(
                f"{self._bundle.path} holds no bitstream yet: run 'bitfpga synth PROJECT --tool "
                "vitis --until bitstream' where Vivado is installed and deploy again; "
                "device='csim' works without one"
            )
        self._bundle.file(self._bundle.bit)
        self._bundle.file(self._bundle.hwh)
        self._pynq = _import_pynq()
        check_supported(self._bundle, str(self._pynq.__version__))
        self._device = _found_device(self._pynq, self._device)
        self._lock = DeviceLock(_key(self._device))
        try:
            self._load()
        except BaseException:
            self.close()
            raise

    def run(self, x: np.ndarray[Any, Any], y: np.ndarray[Any, Any]) -> dict[str, float]:
        """Fill ``y`` [n, *output shape] from ``x`` [n, *input shape]; return seconds a phase."""
        if self._buffers is None:
            raise DeviceError("the device is closed")
        if self._faulty:
            self._load()
        times = [time.perf_counter()]
        with _explained("using the device"):
            self._buffers.fit(len(x))
            self._buffers.put(x)
            times.append(time.perf_counter())
            self._faulty = True  # until it is known to have ended well
            assert self._link is not None
            self._link.run(len(x), self._buffers.x, self._buffers.y)
            self._faulty = False
            times.append(time.perf_counter())
            self._buffers.take(y)
        times.append(time.perf_counter())
        return {
            name: times[i + 1] - times[i] for i, name in enumerate(("copy_in", "run", "copy_out"))
        }

    def power(self) -> dict[str, float]:
        """Return watts by rail; ``DeviceError`` on a board without power sensors."""
        try:
            rails = self._pynq.get_rails()
            sensors = {name: getattr(rail, "power", None) for name, rail in rails.items()}
            watts = {str(n): float(s.value) for n, s in sensors.items() if s is not None}
        except Exception as error:
            raise DeviceError(f"PYNQ cannot read power sensors here: {error}") from error
        if not watts:
            raise DeviceError(f"the board {self._bundle.board} has no power sensors PYNQ knows")
        return watts

    def close(self) -> None:
        """Free buffers and the device; a second call does nothing."""
        if self._faulty and self._link is not None:
            # A core that still runs may write to its buffers: loading the bitstream stops it.
            with suppress(Exception):
                self._overlay()
        buffers, self._buffers, taps, self._taps = self._buffers, None, self._taps, None
        self._link, self._faulty = None, False
        try:
            if buffers is not None:
                buffers.free()
            if taps is not None:
                taps.freebuffer()
        finally:
            lock, self._lock = self._lock, None
            if lock is not None:
                lock.release()

    def _overlay(self) -> Any:
        path = self._bundle.path / str(self._bundle.bit)
        with _explained(f"loading {path.name}"):
            return self._pynq.Overlay(str(path), download=True, device=self._device)

    def _load(self) -> None:
        """Load the bitstream, find the core, and see that it is the right one and alive."""
        interface = self._bundle.interface
        overlay = self._overlay()
        self._faulty = True
        with _explained("setting the device up"):
            name, facts = _only(overlay.ip_dict, interface.vlnv)
            core = CoreRegisters(_part(overlay, name), facts["registers"], interface)
            self._link = MasterLink(core, interface, self._timeout_s)
            if interface.kind == DmaLink.name:
                dma = _part(overlay, _only(overlay.ip_dict, DMA_VLNV)[0])
                self._link = link = DmaLink(core, interface, self._timeout_s, dma)
                self.max_samples = min(self.max_samples, link.max_samples)
            if interface.taps_file is not None:
                if self._taps is None:
                    self._taps = taps_buffer(self._pynq, self._device, self._bundle)
                self._link.set_taps(int(self._taps.physical_address))
            if self._buffers is None:
                self._buffers = Buffers(self._pynq, self._device, interface, self.max_samples)
            self._link.check_identity()
        self._faulty = False


def check_supported(bundle: Bundle, pynq_version: str) -> None:
    """Raise ``DeviceError`` where this PYNQ cannot drive the bundle's board."""
    numbers = tuple(int(n) for n in re.findall(r"[0-9]+", pynq_version)[:2])
    if numbers < _OLDEST:
        raise DeviceError(f"PYNQ {pynq_version} is too old: use an image of PYNQ 2.7 or later")
    if bundle.family == "zynq7000" and numbers >= _FIRST_WITHOUT_ZYNQ7000:
        image = bundle.pynq[-1] if bundle.pynq else "3.1"
        raise DeviceError(
            f"PYNQ {pynq_version} does not support the Zynq-7000 of the board {bundle.board}: "
            f"boot the PYNQ {image} image for this board instead (any from 2.7 up to, not "
            "including, 4.0)"
        )


def _import_pynq() -> Any:
    try:
        import pynq
    except ImportError as error:
        raise DeviceError(
            f"the package pynq is not here ({error}): run this on a board with a PYNQ image, or "
            "use Accelerator(bundle, device='csim')"
        ) from None
    return pynq


def _found_device(pynq: Any, given: Any) -> Any:
    """Return the device to drive; ``DeviceError`` where there is none or only root may."""
    if given is None:
        try:
            given = pynq.Device.active_device
        except Exception as error:
            raise DeviceError(
                f"PYNQ finds no device here ({error}): run this on the board, as root (Jupyter "
                "does), or use Accelerator(bundle, device='csim')"
            ) from None
    if not isinstance(given, pynq.Device):
        raise DeviceError(f"device {given!r}: give None, 'csim' or a pynq.Device")
    if type(given).__module__.startswith("pynq.pl_server.embedded") and os.geteuid() != 0:
        raise DeviceError(
            "driving the board needs root: use the board's Jupyter, or start Python with 'sudo -E'"
        )
    return given


def _key(device: Any) -> str:
    return str(getattr(device, "tag", None) or getattr(device, "name", None) or "device")


def _only(ip_dict: dict[str, Any], vlnv: str) -> Any:
    """Return name and description of the one IP whose type starts with ``vlnv``."""
    found = [(name, facts) for name, facts in ip_dict.items() if facts["type"].startswith(vlnv)]
    if len(found) != 1:
        others = ", ".join(sorted(facts["type"] for facts in ip_dict.values())) or "nothing"
        raise IdentityError(
            f"the .hwh names {len(found)} parts {vlnv}, not one (it holds {others}): it is not of "
            "this bundle"
        )
    return found[0]


def _part(overlay: Any, name: str) -> Any:
    """Return the driver of an IP, also of one inside hierarchies (``a/b``)."""
    for step in name.split("/"):
        overlay = getattr(overlay, step)
    return overlay


@contextmanager
def _explained(doing: str) -> Iterator[None]:
    """Turn whatever PYNQ raises into a ``DeviceError`` that says what was being done."""
    try:
        yield
    except RuntimeFault:
        raise
    except PermissionError as error:
        raise DeviceError(
            f"{doing}: not allowed ({error}); driving the board needs root: use the board's "
            "Jupyter, or start Python with 'sudo -E'"
        ) from error
    except Exception as error:
        raise DeviceError(f"{doing} failed: {type(error).__name__}: {error}") from error
