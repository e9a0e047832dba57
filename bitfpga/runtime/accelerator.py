"""``Accelerator``: a bundle on a board, or in its C simulation, behind one small interface."""

from __future__ import annotations

import math
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from .bundle import Bundle, read_bundle
from .convert import first_difference, to_integers, to_reals
from .csim_backend import CsimBackend
from .errors import DeviceError, InputError
from .pynq_backend import PynqBackend
from .results import Throughput, Validation, expected_outputs, validation

CSIM = "csim"
PHASES = ("convert", "copy_in", "run", "copy_out", "decode")


class Accelerator:
    """Runs the network of a bundle; free it with ``close()`` or as a context manager.

    ``bundle``: the folder of ``bitfpga deploy``. ``device``: None for the board this runs on,
    ``"csim"`` for the C simulation (needs a C++ compiler, no board, no PYNQ), or a
    ``pynq.Device``. ``timeout_s``: the longest a single call of the core may take.
    Raises ``BundleError``, ``DeviceError``, ``IdentityError``, ``TimeoutFault`` or ``BusyError``.
    """

    def __init__(self, bundle: str | Path, device: Any = None, *, timeout_s: float = 10.0) -> None:
        try:
            is_time = math.isfinite(timeout_s) and timeout_s > 0
        except TypeError:
            is_time = False
        if not is_time:
            raise InputError(f"timeout_s {timeout_s!r}: a number of seconds above 0")
        if isinstance(device, str) and device != CSIM:
            raise InputError(f"device {device!r}: None, {CSIM!r} or a pynq.Device")
        self.bundle: Bundle = read_bundle(bundle)
        self._input, self._output = self.bundle.interface.input, self.bundle.interface.output
        self._mutex = threading.Lock()
        self._executor: ThreadPoolExecutor | None = None
        self._backend: CsimBackend | PynqBackend | None = None
        backend: CsimBackend | PynqBackend = (
            CsimBackend(self.bundle, timeout_s)
            if device == CSIM
            else PynqBackend(self.bundle, device, timeout_s)
        )
        backend.open()
        self._backend = backend

    def predict(self, x: Any) -> np.ndarray[Any, Any]:
        """Return the outputs [n, *output shape] for samples [n, *input shape], n of any size.

        Real numbers are quantised and the results are real (float64); integers go in as they are
        and integers come out. The result is the caller's own. ``InputError`` before the hardware
        is touched; ``TimeoutFault``, ``DeviceError`` or ``StatusError`` from it, after which the
        next call loads the bitstream again.
        """
        return self._predicted(*to_integers(self._input, x))

    def predict_async(self, x: Any) -> Future[np.ndarray[Any, Any]]:
        """Return at once what ``.result(timeout)`` turns into ``predict``'s result.

        ``x`` is checked and copied now; calls run one after the other in their order.
        """
        integers, real = to_integers(self._input, x)
        own = integers.copy() if np.may_share_memory(integers, x) else integers
        self._opened()
        if self._executor is None:
            self._executor = ThreadPoolExecutor(1, thread_name_prefix="bitfpga")
        return self._executor.submit(self._predicted, own, real)

    def quantise(self, x: Any) -> np.ndarray[Any, Any]:
        """Return the integers that ``predict`` makes of real numbers (integers: checked only)."""
        return to_integers(self._input, x)[0]

    def dequantise(self, y: Any) -> np.ndarray[Any, Any]:
        """Return the real numbers, float64, that integer outputs stand for."""
        return to_reals(self._output, np.asarray(y))

    def self_test(self) -> int:
        """Run the bundle's golden vectors; return how many samples were equal, bit for bit.

        ``DeviceError`` names the first sample and index that differ.
        """
        x, expected = self.bundle.golden()
        difference = first_difference(expected, self._run(to_integers(self._input, x)[0]))
        if difference:
            raise DeviceError(
                f"self test: {difference}. The hardware does not compute what was simulated: check "
                "that the clock is not faster than planned and that timing was met; "
                "device='csim' tells whether the bundle itself is right"
            )
        return len(x)

    def validate(self, x: Any, y: Any) -> Validation:
        """Compare ``predict(x)`` with ``y`` and return how many samples are right.

        ``y``: integers [n, *output shape], compared bit for bit; or labels, integers [n], compared
        with the index of the greatest output (the first of equals).
        """
        integers, _ = to_integers(self._input, x)
        expected = expected_outputs(self._output, len(integers), y)
        return validation(expected, self._run(integers))

    def throughput_test(self, n: int = 1000, *, seed: int = 0) -> Throughput:
        """Return samples a second and seconds a phase for ``n`` random samples of real numbers.

        The first call is not counted: it makes buffers, caches and clocks ready.
        """
        if n < 1:
            raise InputError(f"n = {n}: at least 1 sample")
        low, high = self._input.low, self._input.high
        shape = (n, *self._input.shape)
        x = np.random.RandomState(seed).randint(low, high + 1, shape) * self._input.scale
        self.predict(x)
        times = dict.fromkeys(PHASES, 0.0)
        started = time.perf_counter()
        integers, _ = to_integers(self._input, x)
        times["convert"] = time.perf_counter() - started
        y = self._run(integers, times)
        ran = time.perf_counter()
        to_reals(self._output, y)
        ended = time.perf_counter()
        times["decode"] = ended - ran
        return Throughput(n, ended - started, times)

    def power(self) -> dict[str, float]:
        """Return watts by rail; ``DeviceError`` where the board has no sensors."""
        return self._opened().power()

    def close(self) -> None:
        """Wait for what runs, then free buffers and device; a second call does nothing."""
        executor, self._executor = self._executor, None
        if executor is not None:
            executor.shutdown(wait=True)
        with self._mutex:
            backend, self._backend = self._backend, None
            if backend is not None:
                backend.close()

    def __enter__(self) -> Accelerator:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _opened(self) -> CsimBackend | PynqBackend:
        if self._backend is None:
            raise DeviceError("this Accelerator was closed: make a new one")
        return self._backend

    def _predicted(self, integers: np.ndarray[Any, Any], real: bool) -> np.ndarray[Any, Any]:
        y = self._run(integers)
        return to_reals(self._output, y) if real else y

    def _run(
        self, x: np.ndarray[Any, Any], times: dict[str, float] | None = None
    ) -> np.ndarray[Any, Any]:
        """Return the outputs of checked integers, in as many calls of the core as they need."""
        y = np.empty((len(x), *self._output.shape), self._output.dtype)
        with self._mutex:
            backend, first = self._opened(), 0
            while first < len(x):
                last = first + backend.max_samples
                spent = backend.run(x[first:last], y[first:last])
                first = last
                if times is not None:
                    for phase, seconds in spent.items():
                        times[phase] += seconds
        return y
