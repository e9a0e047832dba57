"""Every fault of the simulated board shows as it would on a real one, and goes away."""

from __future__ import annotations

import os

import numpy as np
import pytest
from plain_driver import KINDS, Driver, board, pynq, vectors, wait_until

from bitfpga.errors import ProjectError
from bitfpga.simboard import SimDevice
from bitfpga.simboard.memory import BusError

FAMILY = os.environ["BITFPGA_FAMILY"]
SHORT_S = 0.2


def small(kind: str, *faults: str) -> tuple[Driver, np.ndarray, np.ndarray]:
    folder, device = board(f"small-{kind}-{FAMILY}", faults)
    return Driver(folder, device, 20), *(array[:20] for array in vectors(folder))


def usable(driver: Driver, x: np.ndarray, y: np.ndarray) -> None:
    """Assert that a new download makes the board work again."""
    driver.device.faults.clear()
    driver.overlay.download()
    driver.overlay._ip_map.__dict__.pop("axi_dma_0", None)  # a new driver starts both channels
    np.testing.assert_array_equal(driver.predict(x), y)


def never(condition) -> None:
    with pytest.raises(TimeoutError):
        wait_until(condition, SHORT_S)


@pytest.mark.parametrize("kind", KINDS)
def test_a_core_that_never_ends_stays_busy_until_a_download(kind: str) -> None:
    driver, x, y = small(kind, "never_done")
    driver.start(0)
    never(lambda: driver.read("CTRL") != 1)
    usable(driver, x, y)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("fault", ["wrong_id", "wrong_version"])
def test_another_design_says_so(kind: str, fault: str) -> None:
    driver, x, y = small(kind, fault)
    identity = driver.identity() == int(driver.interface["id"], 16)
    version = driver.read("interface_version") == 1
    assert (identity, version) == (fault != "wrong_id", fault != "wrong_version")
    usable(driver, x, y)


@pytest.mark.parametrize("kind", KINDS)
def test_a_refused_call_has_a_status(kind: str) -> None:
    driver, x, y = small(kind, "bad_status")
    driver.start(4)
    driver.wait()
    assert driver.read("status") == 1
    usable(driver, x, y)


def test_without_tlast_the_receiving_dma_never_ends() -> None:
    driver, x, y = small("axi_dma", "no_tlast")
    driver.x[:] = x
    dma = driver.overlay.axi_dma_0
    dma.recvchannel.transfer(driver.y)
    driver.start(len(x))
    dma.sendchannel.transfer(driver.x)
    driver.wait()  # the DMA has taken all the core gave
    assert dma.sendchannel.idle
    assert not dma.recvchannel.error
    never(lambda: dma.recvchannel.idle)
    assert (np.array(driver.y) == 0).all()
    usable(driver, x, y)


@pytest.mark.parametrize(
    ("fault", "bit"),
    [("dma_internal_error", 0x10), ("dma_slave_error", 0x20), ("dma_decode_error", 0x40)],
)
def test_a_dma_that_fails_stops_with_its_error_bit(fault: str, bit: int) -> None:
    driver, x, y = small("axi_dma", fault)
    channel = driver.overlay.axi_dma_0.sendchannel
    channel.transfer(driver.x)
    assert driver.overlay.axi_dma_0.read(4) & 0x73 == bit | 1
    with pytest.raises(RuntimeError, match="DMA channel not started"):
        channel.wait()
    usable(driver, x, y)


def test_a_dma_stays_stopped_until_it_is_reset() -> None:
    driver, x, y = small("axi_dma", "dma_slave_error")
    dma = driver.overlay.axi_dma_0
    dma.recvchannel.transfer(driver.y)
    driver.device.faults.clear()
    dma.write(0x30, 1)
    assert dma.read(0x34) & 0x20
    dma.write(0x30, 4)
    assert dma.read(0x34) == dma.read(0x04) == 1
    dma.sendchannel.start()
    dma.recvchannel.start()
    np.testing.assert_array_equal(driver.predict(x), y)


def test_a_core_whose_output_nobody_takes_is_not_done() -> None:
    driver, x, y = small("axi_dma")
    np.testing.assert_array_equal(driver.predict(x[::-1]), y[::-1])
    driver.x[:] = x
    dma = driver.overlay.axi_dma_0
    assert dma.sendchannel.idle
    dma.sendchannel.transfer(driver.x)
    assert not dma.sendchannel.idle
    driver.start(len(x))
    never(lambda: driver.read("CTRL") & 2 != 0)
    dma.recvchannel.transfer(driver.y)
    driver.wait()
    dma.recvchannel.wait()
    np.testing.assert_array_equal(driver.y, y)


def test_a_reset_drops_what_was_sent_and_a_stopped_channel_sends_nothing() -> None:
    driver, x, y = small("axi_dma")
    dma = driver.overlay.axi_dma_0
    dma.sendchannel.transfer(driver.x)
    dma.write(0x00, 4)
    dma.write(0x18, driver.x.physical_address & 0xFFFFFFFF)
    dma.write(0x1C, driver.x.physical_address >> 32)
    dma.write(0x28, driver.x.nbytes)
    assert dma.read(0x04) == 1
    dma.sendchannel.start()
    dma.recvchannel.start()
    np.testing.assert_array_equal(driver.predict(x), y)


def test_a_packet_longer_than_the_buffer_is_an_internal_error() -> None:
    driver, x, y = small("axi_dma")
    driver.x[:] = x
    dma = driver.overlay.axi_dma_0
    dma.recvchannel.transfer(driver.y, nbytes=y.nbytes - 1)
    driver.start(len(x))
    dma.sendchannel.transfer(driver.x)
    wait_until(lambda: dma.recvchannel.error)
    assert dma.read(0x34) & 0x71 == 0x11
    usable(driver, x, y)


def test_a_transfer_past_the_end_of_a_buffer_is_a_decode_error() -> None:
    driver, x, y = small("axi_dma")
    dma = driver.overlay.axi_dma_0
    dma.sendchannel.transfer(driver.x, nbytes=driver.x.nbytes + 1)
    assert dma.read(4) & 0x71 == 0x41
    usable(driver, x, y)


def test_a_longer_buffer_receives_what_came() -> None:
    driver, x, y = small("axi_dma")
    np.testing.assert_array_equal(driver.predict(x[:3]), y[:3])
    dma = driver.overlay.axi_dma_0
    dma.recvchannel.transfer(driver.y)
    driver.start(2)
    driver.x[:2] = x[4:6]
    dma.sendchannel.transfer(driver.x, nbytes=2 * x[0].nbytes)
    wait_until(lambda: dma.recvchannel.idle)
    dma.recvchannel.wait()
    assert dma.recvchannel.transferred == 2 * y[0].nbytes
    np.testing.assert_array_equal(driver.y[:2], y[4:6])
    np.testing.assert_array_equal(driver.y[2], y[2])


@pytest.mark.parametrize(("n_sent", "status"), [(2, 2), (4, 4)], ids=["early", "missing"])
def test_an_input_of_another_length_has_a_status(n_sent: int, status: int) -> None:
    driver, x, y = small("axi_dma")
    driver.x[:] = x
    dma = driver.overlay.axi_dma_0
    dma.recvchannel.transfer(driver.y)
    driver.start(3)
    dma.sendchannel.transfer(driver.x, nbytes=n_sent * x[0].nbytes)
    driver.wait()
    assert driver.read("status") == status
    assert dma.sendchannel.idle == (n_sent < 3)
    usable(driver, x, y)


@pytest.mark.parametrize("kind", KINDS)
def test_a_short_buffer_can_be_seen(kind: str) -> None:
    folder, device = board(f"small-{kind}-{FAMILY}", ("short_buffer",))
    driver = Driver(folder, device, 20)
    assert driver.x.shape == (19, 13)
    device.faults.clear()
    assert pynq.allocate((20, 13), target=device).shape == (20, 13)


def test_a_core_that_leaves_its_buffers_is_an_error_and_hangs() -> None:
    folder, device = board(f"small-m_axi-{FAMILY}", ("short_buffer",))
    driver = Driver(folder, device, 20)
    driver.point("x", driver.x)
    driver.point("y", driver.y)
    driver.start(20)
    with pytest.raises(BusError, match=r"reads 260 bytes at 0x[0-9A-F]+, where no buffer is"):
        driver.wait()
    never(lambda: driver.read("CTRL") != 1)


def test_without_memory_allocate_fails() -> None:
    driver, x, y = small("m_axi")
    driver.device.faults.add("no_memory")
    with pytest.raises(RuntimeError, match="BO allocation failed"):
        pynq.allocate(4, target=driver.device)
    driver.device.faults.clear()
    with pytest.raises(RuntimeError, match="BO allocation failed"):
        pynq.allocate(257 << 20, "u1", target=driver.device)
    usable(driver, x, y)


def test_an_address_without_a_register_is_an_error() -> None:
    driver, _, _ = small("m_axi")
    base = driver.overlay.ip_dict["tiny_0"]["phys_addr"]
    with pytest.raises(BusError, match="no block of the loaded design"):
        pynq.MMIO(base + 0x10000, 16, device=driver.device).read(0)


def test_unknown_faults_and_faults_of_another_kind_are_refused() -> None:
    folder, device = board(f"small-m_axi-{FAMILY}")
    with pytest.raises(ValueError, match="no fault is called 'nope'; there are: never_done, "):
        device.faults.add("nope")
    with pytest.raises(ValueError, match="'no_tlast' needs a design of kind axi_dma"):
        SimDevice(folder, ("no_tlast",))
    assert device.faults == set()


def test_a_folder_without_a_design_is_refused(tmp_path) -> None:
    with pytest.raises(ProjectError, match=r"neither a project with interface\.json nor a bundle"):
        SimDevice(tmp_path)
