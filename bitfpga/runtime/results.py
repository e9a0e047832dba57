"""What measurements and comparisons come to."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from .bundle import TensorSpec
from .convert import first_difference
from .errors import InputError


class Throughput(NamedTuple):
    """``seconds`` for ``n_samples``, also by phase: convert, copy_in, run, copy_out, decode."""

    n_samples: int
    seconds: float
    phases: dict[str, float]

    @property
    def samples_per_second(self) -> float:
        """Samples a second, all phases together."""
        return self.n_samples / self.seconds

    def __str__(self) -> str:
        parts = ", ".join(f"{name} {1e3 * s:.3f} ms" for name, s in self.phases.items())
        return (
            f"{self.samples_per_second:,.0f} samples/s ({self.n_samples:,} in "
            f"{1e3 * self.seconds:.3f} ms: {parts})"
        )


class Validation(NamedTuple):
    """How many samples are right; ``by_label``: their class, else every bit of their outputs."""

    n_samples: int
    n_right: int
    by_label: bool
    difference: str  # the first one, empty where all are right or labels were compared

    @property
    def accuracy(self) -> float:
        """The share of samples that are right, 0 to 1."""
        return self.n_right / self.n_samples

    def __str__(self) -> str:
        how = "labels right" if self.by_label else "samples equal bit for bit"
        head = f"{self.n_right:,} of {self.n_samples:,} {how} ({100 * self.accuracy:.2f} %)"
        return f"{head}; first difference: {self.difference}" if self.difference else head


def expected_outputs(output: TensorSpec, n_samples: int, y: Any) -> np.ndarray[Any, Any]:
    """Return ``y`` if it can be compared with ``n_samples`` outputs, else raise ``InputError``."""
    expected = np.asarray(y)
    axes = ", ".join(map(str, output.shape))
    shapes = [(n_samples, *output.shape)] + ([(n_samples,)] if output.size > 1 else [])
    if expected.dtype.kind not in "iu" or expected.shape not in shapes or not n_samples:
        raise InputError(
            f"y is {expected.dtype}{list(expected.shape)} for {n_samples} samples: give integer "
            f"outputs (n, {axes})" + (" or integer labels (n,)" if output.size > 1 else "")
        )
    if expected.ndim == 1 and not 0 <= int(expected.min()) <= int(expected.max()) < output.size:
        raise InputError(
            f"labels {expected.min()}..{expected.max()}: the network has the classes "
            f"0..{output.size - 1}"
        )
    return expected


def validation(expected: np.ndarray[Any, Any], got: np.ndarray[Any, Any]) -> Validation:
    """Compare outputs ``got`` [n, *output shape] with outputs or labels that were checked."""
    by_label = expected.ndim != got.ndim
    flat = got.reshape(len(got), -1)
    if by_label:
        right = flat.argmax(axis=1) == expected
    else:
        right = (expected == got).reshape(len(got), -1).all(axis=1)
    difference = "" if by_label else first_difference(expected, got)
    return Validation(len(got), int(right.sum()), by_label, difference)
