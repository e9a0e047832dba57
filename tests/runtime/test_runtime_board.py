"""The runtime on a board, PYNQ played by ``fake_pynq``: results, buffers, identity, faults."""

from __future__ import annotations

import gc
import os
import sys
import threading
import tracemalloc
from collections.abc import Callable, Iterator
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
    InputError,
    StatusError,
    TimeoutFault,
)
from fake_pynq import DMA_BYTES, FakeDevice, fake_pynq
from runtime_bundles import INPUT, MAX_SAMPLES, TAPS, reference, samples, write_bundle

KINDS = ("m_axi", "axi_dma")
if TYPE_CHECKING:
    Opener = Callable[..., Accelerator]


@pytest.fixture
def device(tmp_path: Path) -> FakeDevice:
    return FakeDevice(f"fake-{tmp_path.name}-{os.getpid()}")


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def opened(tmp_path: Path, kind: str, device: FakeDevice) -> Iterator[Opener]:
    """Return a function that opens a bundle; whatever it opened leaves no buffer behind."""
    made = []

    def open_bundle(version: str = "3.0.1", timeout_s: float = 0.05, **changes: Any) -> Accelerator:
        manifest = write_bundle(tmp_path / "b", kind, **changes)
        sys.modules["pynq"] = fake_pynq(manifest, version)
        accelerator = Accelerator(tmp_path / "b", device, timeout_s=timeout_s)
        made.append(accelerator)
        return accelerator

    with mock.patch.dict(sys.modules):
        yield open_bundle
        for accelerator in made:
            accelerator.close()
    assert device.buffers == {}


@pytest.mark.parametrize("n", [0, 1, 3, MAX_SAMPLES, MAX_SAMPLES + 1, 23])
def test_integers_in_integers_out_for_any_batch(opened: Opener, n: int) -> None:
    x = samples(n, seed=n)
    y = opened().predict(x)
    assert y.dtype == np.int16
    np.testing.assert_array_equal(y, reference(x))


def test_real_numbers_are_quantised_and_results_are_real(opened: Opener) -> None:
    x = samples(11)
    y = opened().predict(x * 0.25 + 0.12)
    assert y.dtype == np.float64
    np.testing.assert_array_equal(y, reference(x) * 0.5)


def test_no_call_is_larger_than_allowed(opened: Opener, device: FakeDevice, kind: str) -> None:
    accelerator = opened()
    before = device.n_calls
    accelerator.predict(samples(23))
    most = MAX_SAMPLES if kind == "m_axi" else DMA_BYTES // INPUT.sample_bytes
    assert device.n_calls - before == -(-23 // most)


def test_results_are_copies(opened: Opener) -> None:
    accelerator, x = opened(), samples(4)
    first = accelerator.predict(x)
    accelerator.predict(samples(4, seed=1))
    np.testing.assert_array_equal(first, reference(x))


def test_buffers_are_made_once_and_grown_in_whole_blocks(
    opened: Opener, device: FakeDevice
) -> None:
    accelerator = opened()
    made = device.n_allocated
    for _ in range(5):
        accelerator.predict(samples(3))
    assert device.n_allocated == made
    accelerator.predict(samples(4))
    grown = device.n_allocated
    assert grown == made + 2
    assert sorted(b.size for b in device.buffers.values()) == [6 * 4, 6 * 15]
    accelerator.predict(samples(6))
    assert device.n_allocated == grown
    assert len(device.buffers) == 2


def test_memory_does_not_grow(opened: Opener, device: FakeDevice) -> None:
    accelerator, x = opened(), samples(9)
    accelerator.predict(x)
    gc.collect()
    tracemalloc.start()
    try:
        for _ in range(50):
            accelerator.predict(x)
        gc.collect()
        before = tracemalloc.get_traced_memory()[0]
        for _ in range(3000):
            accelerator.predict(x)
        gc.collect()
        grown = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert grown < 20_000  # one small object kept by each prediction would be 150,000 and more
    assert len(device.buffers) == 2


def test_index_streams_reach_the_core(opened: Opener, device: FakeDevice) -> None:
    accelerator = opened(taps=True)
    accelerator.predict(samples(2))
    assert device.taps_seen == TAPS
    assert len(device.buffers) == 3


def test_self_test_names_the_first_difference(opened: Opener, device: FakeDevice) -> None:
    accelerator = opened()
    assert accelerator.self_test() == 5
    device.faults.wrong_value = True
    y = reference(samples(5, seed=9))
    expected = rf"sample 1, index \(2,\): expected {y[1, 2]}, got {y[1, 2] + 1} \(1 of 5 samples"
    with pytest.raises(DeviceError, match=expected):
        accelerator.self_test()


def test_throughput_has_every_phase(opened: Opener) -> None:
    result = opened().throughput_test(n=10)
    assert result.n_samples == 10
    assert list(result.phases) == ["convert", "copy_in", "run", "copy_out", "decode"]
    assert all(seconds > 0 for seconds in result.phases.values())
    assert sum(result.phases.values()) <= result.seconds
    assert f"{result.samples_per_second:,.0f} samples/s" in str(result)


def test_async_results_come_in_order_and_keep_their_input(opened: Opener) -> None:
    accelerator = opened()
    x = samples(9)
    futures = []
    for seed in range(6):
        x[:] = samples(9, seed)
        futures.append(accelerator.predict_async(x))
    for seed, future in enumerate(futures):
        np.testing.assert_array_equal(future.result(10), reference(samples(9, seed)))
    with pytest.raises(InputError, match="input shape"):
        accelerator.predict_async(np.zeros((2, 3)))


def test_threads_may_share_one(opened: Opener) -> None:
    accelerator, wrong = opened(), []

    def work(seed: int) -> None:
        x = samples(8, seed)
        wrong.extend(1 for _ in range(20) if (accelerator.predict(x) != reference(x)).any())

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_a_wrong_input_never_touches_the_hardware(opened: Opener, device: FakeDevice) -> None:
    accelerator = opened()
    calls = device.n_calls
    x = samples(9).astype(np.int64)
    x[8, 2, 3] = 32
    with pytest.raises(InputError, match=r"32 at sample 8, index \(2, 3\): int6.* -32\.\.31"):
        accelerator.predict(x)
    assert device.n_calls == calls


def test_closed_is_closed(opened: Opener, device: FakeDevice) -> None:
    with opened() as accelerator:
        accelerator.predict_async(samples(3))
    accelerator.close()
    assert device.buffers == {}
    with pytest.raises(DeviceError, match="was closed"):
        accelerator.predict(samples(3))
    with pytest.raises(DeviceError, match="was closed"):
        accelerator.predict_async(samples(3))


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


def test_no_memory_is_told_and_leaves_the_device_usable(opened: Opener, device: FakeDevice) -> None:
    accelerator = opened()
    device.faults.no_memory = 50
    with pytest.raises(DeviceError, match=r"no 90 bytes of contiguous.*Failed to allocate"):
        accelerator.predict(samples(5))
    device.faults.no_memory = 0
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
        accelerator = opened()
        device.faults.dma_error = bits
        with pytest.raises(DeviceError, match=f"send channel reports {words} error"):
            accelerator.predict(samples(2))
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
