"""Plain pynq calls on the simulated board give what the reference gives."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import plain_driver
import pytest
from plain_driver import DESIGNS, Driver, board, pynq, vectors

FAMILY = os.environ["BITFPGA_FAMILY"]
DESIGN_NAMES = sorted(path.name for path in DESIGNS.iterdir() if path.name.endswith(FAMILY))
N_BATCHES = 10_000


def resident_kib() -> int:
    """Return the memory of this process in KiB."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith("VmRSS:")))


@pytest.mark.parametrize("name", DESIGN_NAMES)
@pytest.mark.parametrize("cacheable", [True, False], ids=["cached", "uncached"])
def test_batches_of_every_size_equal_the_reference(name: str, cacheable: bool) -> None:
    folder, device = board(name)
    x, y = vectors(folder)
    driver = Driver(folder, device, len(x), cacheable=cacheable)
    for n in (1, 2, 127, 129, len(x)):
        got = driver.predict(x[-n:])
        assert got.dtype == y.dtype
        np.testing.assert_array_equal(got, y[-n:])
    device.close()


@pytest.mark.parametrize("kind", plain_driver.KINDS)
def test_ten_thousand_random_batches_equal_the_reference(kind: str) -> None:
    folder, device = board(f"small-{kind}-{FAMILY}")
    x, y = vectors(folder)
    driver = Driver(folder, device, 16)
    random = np.random.default_rng(7)
    after_start = 0
    for i in range(N_BATCHES):
        chosen = random.integers(0, len(x), random.integers(1, 17))
        np.testing.assert_array_equal(driver.predict(x[chosen]), y[chosen])
        if i == N_BATCHES // 10:
            after_start = resident_kib()
    assert resident_kib() - after_start < 2048
    assert device.n_buffers == 2
    device.close()


@pytest.mark.parametrize("kind", plain_driver.KINDS)
def test_the_core_tells_who_it_is_after_an_empty_call(kind: str) -> None:
    folder, device = board(f"wide-{kind}-{FAMILY}")
    driver = Driver(folder, device, 3)
    assert [driver.read(name) for name in ("id_low", "id_low_ctrl", "status")] == [0, 0, 0]
    assert driver.identity() == int(driver.interface["id"], 16)
    assert driver.read("interface_version") == 1
    assert [driver.read("id_low_ctrl") for _ in range(2)] == [1, 0]


@pytest.mark.parametrize("n_samples", [0, 301, 0xFFFF_FFFF])
def test_too_few_and_too_many_samples_are_refused_and_nothing_is_written(n_samples: int) -> None:
    folder, device = board(f"wide-m_axi-{FAMILY}")
    driver = Driver(folder, device, 300)
    driver.y[:] = 77
    driver.y.flush()
    driver.start(n_samples)
    driver.wait()
    assert driver.read("status") == 1
    driver.y.invalidate()
    assert (np.array(driver.y) == 77).all()


def test_the_core_is_busy_first_and_done_is_read_once() -> None:
    folder, device = board(f"small-m_axi-{FAMILY}")
    driver = Driver(folder, device, 5)
    assert driver.read("CTRL") == 4
    driver.start(0)
    assert driver.read("CTRL") & 6 == 0
    driver.wait()
    assert driver.read("CTRL") == 4


def test_without_flush_or_invalidate_old_data_is_seen() -> None:
    folder, device = board(f"small-m_axi-{FAMILY}")
    x, y = vectors(folder)
    driver = Driver(folder, device, 4)
    zero = driver.predict(np.zeros_like(x[:4]))
    driver.x[:] = x[:4]
    driver.start(4)
    driver.wait()
    driver.y.invalidate()
    np.testing.assert_array_equal(driver.y, zero)
    driver.x.flush()
    driver.start(4)
    driver.wait()
    np.testing.assert_array_equal(driver.y, zero)
    driver.y.invalidate()
    np.testing.assert_array_equal(driver.y, y[:4])
    assert (zero != y[:4]).any()


def test_other_taps_in_memory_give_other_results() -> None:
    folder, device = board(f"taps-m_axi-{FAMILY}")
    x, y = vectors(folder)
    driver = Driver(folder, device, 9)
    stored = np.array(driver.taps)
    np.testing.assert_array_equal(driver.predict(x[:9]), y[:9])
    driver.taps[:] = stored[::-1].copy() & np.uint64(0)
    assert (driver.predict(x[:9]) != y[:9]).any()
    driver.taps[:] = stored
    np.testing.assert_array_equal(driver.predict(x[:9]), y[:9])


def test_buffers_are_given_back_and_used_again() -> None:
    folder, device = board(f"small-m_axi-{FAMILY}")
    driver = Driver(folder, device, 5)
    first = pynq.allocate((3, 5), "i2", target=device)
    address = first.physical_address
    view = first[1:]
    assert view.physical_address == address + 10
    assert device.n_buffers == 3
    first.freebuffer()
    again = pynq.allocate(7, "i4", target=device, cacheable=True)
    assert again.physical_address == address
    assert address % 4096 == 0
    assert (address >= 1 << 32) == (FAMILY == "zynqus")
    del again, first, view, driver
    assert device.n_buffers == 0


def test_the_clock_is_the_boards() -> None:
    folder, device = board(f"small-m_axi-{FAMILY}")
    overlay = pynq.Overlay(str(folder / "tiny.bit"), device=device)
    assert overlay.is_loaded()
    expected = {"zynq7000": 100.0, "zynqus": 187.498125}[FAMILY]
    assert pynq.ps.Clocks.fclk0_mhz == expected


def test_one_bit_file_is_told_from_another() -> None:
    found = {(DESIGNS / name / "tiny.bit").read_bytes() for name in DESIGN_NAMES}
    assert len(found) == len(DESIGN_NAMES) == 8
