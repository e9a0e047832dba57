"""The memory that processor and core share: allocated once, grown when needed, never leaked."""

from __future__ import annotations

from typing import Any

import numpy as np

from .bundle import TAPS, Bundle, Interface
from .errors import BundleError, DeviceError


class Buffers:
    """Cacheable input and output buffers ``x`` and ``y`` of whole blocks of samples."""

    def __init__(self, pynq: Any, device: Any, interface: Interface, most: int) -> None:
        self._pynq, self._device, self._interface, self._most = pynq, device, interface, most
        self.x: Any = None
        self.y: Any = None
        self._capacity = 0
        self.fit(1)

    def fit(self, n_samples: int) -> None:
        """Make room for so many samples; old buffers go first, as contiguous memory is scarce."""
        if n_samples <= self._capacity:
            return
        wanted = max(n_samples, min(2 * self._capacity, self._most))
        self.free()
        block = self._interface.n_samples
        capacity = -(-wanted // block) * block
        try:
            self.x = self._allocated(capacity * self._interface.input.size, self._interface.input)
            self.y = self._allocated(capacity * self._interface.output.size, self._interface.output)
        except BaseException:
            self.free()
            raise
        self._capacity = capacity

    def put(self, x: np.ndarray[Any, Any]) -> None:
        """Copy integers in and flush the cache, so that the core sees them."""
        self.x[: x.size] = x.reshape(-1)
        self.x.flush()

    def take(self, y: np.ndarray[Any, Any]) -> None:
        """Copy the results out, past what the cache still holds of older ones."""
        self.y.invalidate()
        y[...] = np.asarray(self.y)[: y.size].reshape(y.shape)

    def free(self) -> None:
        """Give the memory back; a second call does nothing."""
        self._capacity = 0
        x, self.x, y, self.y = self.x, None, self.y, None
        for buffer in (x, y):
            if buffer is not None:
                buffer.freebuffer()

    def _allocated(self, n_elements: int, tensor: Any) -> Any:
        buffer = _allocate(self._pynq, self._device, n_elements, tensor.dtype)
        buffer[:] = 0
        buffer.flush()  # or old lines of the cache could be written over what the core writes
        return buffer


def taps_buffer(pynq: Any, device: Any, bundle: Bundle) -> Any:
    """Return a buffer with the index streams the core reads from memory."""
    words = np.fromfile(str(bundle.file(TAPS)), np.uint8)
    if not words.size or words.size % 8:
        raise BundleError(f"{bundle.path / TAPS} holds no whole words: deploy the project again")
    buffer = _allocate(pynq, device, words.size, np.dtype(np.uint8))
    buffer[:] = words
    buffer.flush()
    return buffer


def _allocate(pynq: Any, device: Any, n_elements: int, dtype: np.dtype[Any]) -> Any:
    try:
        buffer = pynq.allocate((n_elements,), dtype, target=device, cacheable=True)
    except Exception as error:
        raise DeviceError(
            f"no {n_elements * dtype.itemsize:,} bytes of contiguous memory for a buffer "
            f"({error}): close other notebooks, predict fewer samples at once, or boot with a "
            "larger cma="
        ) from error
    if buffer.size != n_elements:
        found = buffer.size
        buffer.freebuffer()
        raise DeviceError(
            f"PYNQ gave a buffer of {found:,} elements, not {n_elements:,}: the core would write "
            "past its end; restart the board, and report this if it comes again"
        )
    return buffer
