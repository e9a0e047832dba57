"""The board side as a bundle carries it, through real pynq, on the simulated board."""

from __future__ import annotations

import os
import resource
import sys
import time
from typing import Any

import numpy as np
import pytest
from plain_driver import DESIGNS, KINDS

from bitfpga.simboard import SimDevice
from bitfpga.simboard.faults import OF_DMA

FAMILY = os.environ["BITFPGA_FAMILY"]
sys.path.insert(0, str(DESIGNS / "bundles" / f"m_axi-{FAMILY}"))

from bitfpga_runtime import Accelerator, errors  # noqa: E402  the bundle's own copy

TIMEOUT_S, SLACK_S = 0.5, 2.0
N_PREDICTIONS, MOST_GROWTH_KB = 10_000, 4_000
FAULTS = {
    "never_done": errors.TimeoutFault,
    "wrong_id": errors.IdentityError,
    "wrong_version": errors.IdentityError,
    "bad_status": errors.StatusError,
    "no_tlast": errors.TimeoutFault,
    "dma_internal_error": errors.DeviceError,
    "dma_slave_error": errors.DeviceError,
    "dma_decode_error": errors.DeviceError,
}
OF_BUFFERS = ("short_buffer", "no_memory")


def opened(kind: str, timeout_s: float = TIMEOUT_S) -> tuple[Accelerator, Any, np.ndarray, Any]:
    folder = DESIGNS / "bundles" / f"{kind}-{FAMILY}"
    device = SimDevice(folder)
    x, y = (np.load(folder / f"golden_{side}.npy") for side in "xy")
    return Accelerator(folder, device, timeout_s=timeout_s), device, x, y


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("fault", [*FAULTS, *OF_BUFFERS])
def test_a_fault_ends_in_its_own_error_in_time_and_leaves_the_device_usable(
    kind: str, fault: str
) -> None:
    if fault in OF_DMA and kind != "axi_dma":
        return
    accelerator, device, x, y = opened(kind)
    with accelerator:
        np.testing.assert_array_equal(accelerator.predict(x[:3]), y[:3])
        device.faults.add(fault)
        started = time.monotonic()
        with pytest.raises(FAULTS.get(fault, errors.DeviceError)) as caught:
            accelerator.predict(np.concatenate([x] * 9))  # larger buffers than before
        assert time.monotonic() - started < TIMEOUT_S + SLACK_S
        assert len(str(caught.value)) > 40
        device.faults.clear()
        np.testing.assert_array_equal(accelerator.predict(x), y)
        assert accelerator.self_test() == len(x)


@pytest.mark.parametrize("kind", KINDS)
def test_ten_thousand_predictions_are_right_and_memory_does_not_grow(kind: str) -> None:
    accelerator, _, x, y = opened(kind, 10.0)
    rng = np.random.default_rng(5)
    with accelerator:
        for number in range(N_PREDICTIONS):
            rows = rng.integers(0, len(x), rng.integers(1, 9))
            assert (accelerator.predict(x[rows]) == y[rows]).all()
            if number == N_PREDICTIONS // 10:
                before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < MOST_GROWTH_KB


@pytest.mark.parametrize("kind", KINDS)
def test_a_second_accelerator_on_the_device_is_refused(kind: str) -> None:
    accelerator, device, x, y = opened(kind)
    folder = accelerator.bundle.path
    with accelerator, pytest.raises(errors.BusyError):
        Accelerator(folder, device)
    with Accelerator(folder, device) as again:
        np.testing.assert_array_equal(again.predict(x), y)
