"""User's arrays to integers of the input type, and integers of the output type to real numbers.

Everything is checked here, before the hardware is touched.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .bundle import TensorSpec
from .errors import InputError

_CHUNK_ELEMENTS = 1 << 20


def to_integers(spec: TensorSpec, x: Any) -> tuple[np.ndarray[Any, Any], bool]:
    """Return ``x`` as integers [n, *shape], C order, in the dtype of ``spec``, and whether real.

    Real numbers are divided by the scale, rounded half up and clamped to the range, as the
    project's own reference does. ``InputError`` for a wrong shape or dtype, an integer out of
    range, NaN or infinity; it names the first place.
    """
    array = _array(spec, x)
    real = array.dtype.kind == "f"
    if not real and array.dtype == spec.dtype:
        _check_range(spec, array, 0)
        return np.ascontiguousarray(array), False
    result = np.empty(array.shape, spec.dtype)
    step = max(1, _CHUNK_ELEMENTS // spec.size)
    for first in range(0, len(array), step):
        chunk = array[first : first + step]
        result[first : first + step] = (
            quantised(spec, chunk, first) if real else _check_range(spec, chunk, first)
        )
    return result, real


def quantised(spec: TensorSpec, chunk: np.ndarray[Any, Any], first: int) -> np.ndarray[Any, Any]:
    """Return the nearest integers, as float64, of real numbers; ``first``: number of sample 0."""
    x = chunk.astype(np.float64)
    finite = np.isfinite(x)
    if not finite.all():
        place = np.argwhere(~finite)[0]
        raise InputError(
            f"input holds {x[tuple(place)]} at {_place(place, first)}: only finite numbers are "
            "allowed; clean the data first"
        )
    with np.errstate(over="ignore"):
        steps = np.floor(x / spec.scale + 0.5)
    return np.clip(steps, spec.low, spec.high)


def to_reals(spec: TensorSpec, y: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return the real numbers, float64, that integers of ``spec`` stand for."""
    return y.astype(np.float64) * spec.scale


def first_difference(expected: np.ndarray[Any, Any], got: np.ndarray[Any, Any]) -> str:
    """Return where two arrays [n, ...] differ first, and the two values; empty if nowhere."""
    places = np.argwhere(expected != got)
    if not len(places):
        return ""
    place = tuple(places[0])
    count = int((expected != got).reshape(len(got), -1).any(axis=1).sum())
    return (
        f"{_place(places[0], 0)}: expected {expected[place]}, got {got[place]} "
        f"({count} of {len(got)} samples differ)"
    )


def _array(spec: TensorSpec, x: Any) -> np.ndarray[Any, Any]:
    try:
        array = np.asarray(x)
    except (TypeError, ValueError) as error:
        raise InputError(f"input is not an array of numbers: {error}") from None
    if array.dtype.kind not in "iuf":
        raise InputError(
            f"input dtype {array.dtype}: give integers ({spec.low}..{spec.high}) or real numbers"
        )
    if array.shape == spec.shape:
        raise InputError(
            f"input shape {array.shape} is one sample without a batch axis: give x[None]"
        )
    if array.shape[1:] != spec.shape or array.ndim != len(spec.shape) + 1:
        axes = ", ".join(map(str, spec.shape))
        raise InputError(f"input shape {array.shape}: expected (n, {axes})")
    return array


def _check_range(spec: TensorSpec, chunk: np.ndarray[Any, Any], first: int) -> np.ndarray[Any, Any]:
    """Return ``chunk`` if all of it lies in the range of ``spec``, else raise ``InputError``."""
    if chunk.size and not (spec.low <= int(chunk.min()) and int(chunk.max()) <= spec.high):
        place = np.argwhere((chunk < spec.low) | (chunk > spec.high))[0]
        raise InputError(
            f"input value {chunk[tuple(place)]} at {_place(place, first)}: {spec.label} holds "
            f"{spec.low}..{spec.high}; real numbers are quantised, integers must fit"
        )
    return chunk


def _place(place: np.ndarray[Any, Any], first: int) -> str:
    sample, *index = (int(i) for i in place)
    return f"sample {first + sample}, index {tuple(index)}"
