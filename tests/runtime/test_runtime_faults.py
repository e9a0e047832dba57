"""Whatever goes wrong on a board ends in its own clear error and leaves the device usable."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest import mock

import numpy as np
import pytest
from bitfpga_runtime import (
    Accelerator,
    BundleError,
    BusyError,
    DeviceError,
    IdentityError,
    StatusError,
    TimeoutFault,
)
from bitfpga_runtime.pynq_backend import _only
from fake_pynq import FakeDevice
from runtime_bundles import INPUT, reference, samples

if TYPE_CHECKING:
    Opener = Callable[..., Accelerator]


def usable(accelerator: Accelerator, device: FakeDevice) -> None:
    """Assert that after a fault the bitstream is loaded again and all is well."""
    device.faults.__init__()  # type: ignore[misc]
    downloads, x = device.n_downloads, samples(5, seed=3)
    np.testing.assert_array_equal(accelerator.predict(x), reference(x))
    assert device.n_downloads == downloads + 1
    accelerator.predict(x)
    assert device.n_downloads == downloads + 1


def test_a_core_that_never_ends(opened: Opener, device: FakeDevice, kind: str) -> None:
    accelerator = opened()
    device.faults.never_done = True
    words = r"CTRL = 0x01, started, not done.*clock" if kind == "m_axi" else "not all sent.*clock"
    with pytest.raises(TimeoutFault, match=rf"did not end within 0\.05 s.*{words}"):
        accelerator.predict(samples(2))
    usable(accelerator, device)


def test_a_core_that_is_busy(opened: Opener, device: FakeDevice) -> None:
    device.faults.busy = True
    with pytest.raises(DeviceError, match="not idle before its start"):
        opened()
    device.faults.busy = False
    opened().predict(samples(1))


@pytest.mark.parametrize(
    ("status", "words"), [(1, "nothing was done"), (6, "too early.*; .*missing"), (8, "unknown")]
)
def test_a_status_is_told(opened: Opener, device: FakeDevice, status: int, words: str) -> None:
    accelerator = opened()
    device.faults.status = status
    with pytest.raises(StatusError, match=rf"status is {status:#x}: .*{words}"):
        accelerator.predict(samples(2))
    usable(accelerator, device)


def test_another_bitstream_is_refused(opened: Opener, device: FakeDevice) -> None:
    device.faults.id = "0123456789abcdef"
    with pytest.raises(IdentityError, match=r"build 0123456789abcdef, .* 8badf00d0000beef"):
        opened()
    device.faults.id, device.faults.version = "", 2
    with pytest.raises(IdentityError, match="version 2, the bundle's 1"):
        opened()
    device.faults.version, device.faults.probe_status = 1, 0
    with pytest.raises(StatusError, match="without samples is 0x0, not 0x1"):
        opened()
    assert device.buffers == {}
    device.faults.probe_status = 1
    assert opened().self_test() == 5


def test_another_bitstream_is_noticed_later_too(opened: Opener, device: FakeDevice) -> None:
    accelerator = opened()
    device.faults.id = "0123456789abcdef"
    with pytest.raises(IdentityError, match="build 0123456789abcdef"):
        accelerator.predict(samples(2))
    usable(accelerator, device)


def test_streams_are_kept_over_a_fault(opened: Opener, device: FakeDevice) -> None:
    accelerator = opened(taps=True)
    device.faults.never_done = True
    with pytest.raises(TimeoutFault):
        accelerator.predict(samples(2))
    usable(accelerator, device)
    assert len(device.buffers) == 3


def test_a_core_that_may_still_run_is_stopped_before_its_buffers_go(
    opened: Opener, device: FakeDevice
) -> None:
    accelerator = opened()
    device.faults.never_done = True
    with pytest.raises(TimeoutFault):
        accelerator.predict(samples(2))
    downloads = device.n_downloads
    accelerator.close()
    assert device.n_downloads == downloads + 1


def test_two_cores_of_one_kind_are_refused() -> None:
    parts = {"a": {"type": "v:l:n:1.0"}, "b": {"type": "v:l:n:1.0"}, "c": {"type": "other"}}
    with pytest.raises(IdentityError, match=r"names 2 parts v:l:n:1\.0, not one"):
        _only(parts, "v:l:n:1.0")
    assert _only(parts, "other") == ("c", {"type": "other"})


def test_no_memory_is_told_and_leaves_the_device_usable(opened: Opener, device: FakeDevice) -> None:
    accelerator = opened()
    device.faults.no_memory = 50
    with pytest.raises(DeviceError, match=r"no 90 bytes of contiguous.*Failed to allocate"):
        accelerator.predict(samples(5))
    device.faults.no_memory, device.faults.no_output_memory = 0, True
    with pytest.raises(DeviceError, match="no 48 bytes of contiguous"):
        accelerator.predict(samples(5))
    assert device.buffers == {}
    device.faults.no_output_memory, device.faults.short_buffer = False, True
    with pytest.raises(DeviceError, match="a buffer of 89 elements, not 90"):
        accelerator.predict(samples(5))
    assert device.buffers == {}
    device.faults.short_buffer = False
    np.testing.assert_array_equal(accelerator.predict(samples(5)), reference(samples(5)))


def test_an_interruption_leaves_the_device_usable(opened: Opener, device: FakeDevice) -> None:
    accelerator = opened(timeout_s=30.0)
    device.faults.never_done = True
    with mock.patch("time.sleep", side_effect=KeyboardInterrupt), pytest.raises(KeyboardInterrupt):
        accelerator.predict(samples(2))
    usable(accelerator, device)


@pytest.mark.parametrize("kind", ["axi_dma"], indirect=True)
class TestDma:
    """What only the DMA engine can do wrong."""

    def test_an_output_without_tlast(self, opened: Opener, device: FakeDevice) -> None:
        accelerator = opened()
        device.faults.no_tlast = True
        with pytest.raises(TimeoutFault, match=r"core done.*output had no TLAST"):
            accelerator.predict(samples(2))
        usable(accelerator, device)

    def test_an_input_that_is_not_taken(self, opened: Opener, device: FakeDevice) -> None:
        accelerator = opened()
        device.faults.stuck_input = True
        with pytest.raises(TimeoutFault, match=r"not all sent.*does not take its input"):
            accelerator.predict(samples(2))
        usable(accelerator, device)

    @pytest.mark.parametrize(
        ("bits", "words"), [(0x10, "internal"), (0x20, "slave"), (0x40, "decode")]
    )
    def test_error_bits(self, opened: Opener, device: FakeDevice, bits: int, words: str) -> None:
        accelerator = opened(timeout_s=60.0)
        device.faults.dma_error = bits
        started = time.monotonic()
        with pytest.raises(DeviceError, match=f"send channel reports {words} error"):
            accelerator.predict(samples(2))
        assert time.monotonic() - started < 20.0  # at once, not at the end of the limit
        usable(accelerator, device)

    def test_a_short_output(self, opened: Opener, device: FakeDevice) -> None:
        accelerator = opened()
        device.faults.early_tlast = True
        with pytest.raises(DeviceError, match="sent 15 of 16 bytes: its TLAST came too early"):
            accelerator.predict(samples(2))
        usable(accelerator, device)

    def test_a_length_register_that_is_too_narrow(self, opened: Opener) -> None:
        with mock.patch("fake_pynq.Dma.buffer_max_size", INPUT.sample_bytes - 1):
            with pytest.raises(DeviceError, match="at most 14 bytes, one sample needs 15"):
                opened()


def test_power_is_read_or_refused(opened: Opener) -> None:
    accelerator = opened()
    with pytest.raises(DeviceError, match="no power sensors"):
        accelerator.power()
    rail = mock.Mock(power=mock.Mock(value=1.25))
    sys.modules["pynq"].get_rails = lambda: {"12V": rail, "1V8": mock.Mock(power=None)}
    assert accelerator.power() == {"12V": 1.25}
    sys.modules["pynq"].get_rails = mock.Mock(side_effect=OSError("no libsensors"))
    with pytest.raises(DeviceError, match="cannot read power sensors here: no libsensors"):
        accelerator.power()


def test_zynq_7000_needs_an_older_image(opened: Opener) -> None:
    with pytest.raises(DeviceError, match=r"PYNQ 4\.0\.0 .*pynq-z2: boot the PYNQ 3\.0\.1 image"):
        opened(version="4.0.0")
    opened(version="4.0.0", family="zynqus").predict(samples(1))


def test_an_old_image_is_refused(opened: Opener) -> None:
    with pytest.raises(DeviceError, match=r"PYNQ 2\.6\.1 is too old"):
        opened(version="2.6.1")
    opened(version="2.7.0").predict(samples(1))


def test_two_drivers_in_one_process(opened: Opener) -> None:
    accelerator = opened()
    with pytest.raises(BusyError, match="another Accelerator of this process"):
        opened()
    accelerator.close()
    opened().predict(samples(1))


def test_a_hwh_of_something_else(opened: Opener, kind: str) -> None:
    def other(interface: Any) -> Any:
        return {"CTRL": {"address_offset": 0, "size": 32}}

    with mock.patch("fake_pynq.described", other):
        with pytest.raises(IdentityError, match=r"gives the core no register '.*', only CTRL"):
            opened()


def test_a_bundle_without_a_bitstream(opened: Opener) -> None:
    nothing = {"bit": None, "hwh": None, "sha256": None}
    with pytest.raises(BundleError, match="no bitstream yet: run 'bitfpga synth"):
        opened(bitstream=nothing)


def test_no_pynq_no_device_no_root(opened: Opener, tmp_path: Path, device: FakeDevice) -> None:
    opened().close()
    pynq = sys.modules["pynq"]
    sys.modules["pynq"] = None  # type: ignore[assignment]
    with pytest.raises(DeviceError, match="package pynq is not here"):
        Accelerator(tmp_path / "b")
    sys.modules["pynq"] = pynq
    with pytest.raises(DeviceError, match="device None: give"):
        Accelerator(tmp_path / "b")
    with mock.patch.object(pynq.Device, "active_device", device):
        Accelerator(tmp_path / "b").close()
        embedded = mock.patch.object(FakeDevice, "__module__", "pynq.pl_server.embedded_device")
        with embedded, mock.patch("os.geteuid", return_value=1000):
            with pytest.raises(DeviceError, match=r"needs root.*sudo -E"):
                Accelerator(tmp_path / "b")
    with mock.patch.object(pynq, "Overlay", side_effect=PermissionError("/dev/mem")):
        with pytest.raises(DeviceError, match=r"loading net-.*/dev/mem.*needs root"):
            Accelerator(tmp_path / "b", device)
