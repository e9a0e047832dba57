"""The runtime on a board, PYNQ played by ``fake_pynq``: results, buffers, identity, faults."""

from __future__ import annotations

import gc
import threading
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest import mock

import numpy as np
import pytest
from bitfpga_runtime import (
    Accelerator,
    DeviceError,
    IdentityError,
    InputError,
)
from bitfpga_runtime.buffers import Buffers
from bitfpga_runtime.bundle import read_bundle
from bitfpga_runtime.registers import CoreRegisters
from fake_pynq import DMA_BYTES, FakeDevice, fake_pynq
from runtime_bundles import INPUT, MAX_SAMPLES, TAPS, reference, samples, write_bundle

if TYPE_CHECKING:
    Opener = Callable[..., Accelerator]


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


def test_buffers_stay_below_their_limit(opened: Opener, device: FakeDevice) -> None:
    with mock.patch("bitfpga_runtime.pynq_backend.MOST_BUFFER_BYTES", 2 * (15 + 8) + 22):
        accelerator = opened()
    before, x = device.n_calls, samples(7)
    np.testing.assert_array_equal(accelerator.predict(x), reference(x))
    assert device.n_calls - before == 4  # of two samples at most


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


def test_buffers_double_up_to_the_most(device: FakeDevice, tmp_path: Path) -> None:
    manifest = write_bundle(tmp_path / "b")
    interface = read_bundle(tmp_path / "b").interface
    buffers = Buffers(fake_pynq(manifest), device, interface, 20)
    sizes = []
    for n in (1, 3, 4, 7, 13, 20):
        buffers.fit(n)
        sizes.append(buffers.x.size // INPUT.size)
    assert sizes == [3, 3, 6, 12, 21, 21]  # whole blocks of 3
    assert len(device.buffers) == 2
    buffers.free()
    buffers.free()
    assert device.buffers == {}


def test_an_address_must_fit_its_register(tmp_path: Path) -> None:
    write_bundle(tmp_path / "b")
    interface = read_bundle(tmp_path / "b").interface
    names = ("CTRL", *interface.registers)
    written: dict[int, int] = {}
    core = mock.Mock(write=written.__setitem__)
    for size, fits in ((32, False), (64, True)):
        facts = {n.upper(): {"address_offset": 8 * i, "size": size} for i, n in enumerate(names)}
        registers = CoreRegisters(core, facts, interface)
        if fits:
            registers.write("x", 0x1_2345_6789)
            assert written == {8: 0x2345_6789, 12: 1}
        else:
            registers.write("x", 0xFFFF_FFFF)
            assert written.pop(8) == 0xFFFF_FFFF
            with pytest.raises(IdentityError, match="register x has 32 bits, too few for 0x1"):
                registers.write("x", 1 << 32)


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


def test_calls_never_overlap(opened: Opener) -> None:
    accelerator = opened()
    backend: Any = accelerator._backend
    inside, most = [0], [0]

    def run(x: Any, y: Any) -> Any:
        inside[0] += 1
        most[0] = max(most[0], inside[0])
        time.sleep(0.01)
        inside[0] -= 1
        return {}

    with mock.patch.object(backend, "run", run):
        threads = [threading.Thread(target=accelerator.predict, args=(samples(2),)) for _ in "abc"]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert most == [1]


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
        futures = [accelerator.predict_async(samples(7, seed)) for seed in range(20)]
    for seed, future in enumerate(futures):  # closing waits for them
        np.testing.assert_array_equal(future.result(0), reference(samples(7, seed)))
    accelerator.close()
    assert device.buffers == {}
    with pytest.raises(DeviceError, match="was closed"):
        accelerator.predict(samples(3))
    with pytest.raises(DeviceError, match="was closed"):
        accelerator.predict_async(samples(3))
