"""The taps of an array layer as flat arrays: one entry for each digit of each weight."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bitfpga.digits import Digits, NumberSystem, to_digits

Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]
Bool = npt.NDArray[np.bool_]
_CHUNK_ELEMENTS = 1 << 18


@dataclass(frozen=True, eq=False)
class Taps:
    """A layer's taps, sorted by output, then plane from the highest down, then rising row.

    ``output``, ``plane`` and ``row`` are int32 [n_taps], ``negate`` is bool [n_taps]. A row is a
    row of the whole window, 0..n_rows-1: output o of ``n_groups`` groups reads only the
    ``rows_per_group`` rows from ``o // (n_outputs // n_groups) * rows_per_group`` on.
    """

    output: Int32
    plane: Int32
    negate: Bool
    row: Int32
    n_outputs: int
    n_groups: int
    rows_per_group: int

    @property
    def n_rows(self) -> int:
        """Rows of the window, of all groups together."""
        return self.n_groups * self.rows_per_group

    def __len__(self) -> int:
        return len(self.output)

    @property
    def trailing(self) -> Int64:
        """The lowest plane each output uses, int64 [n_outputs]; 0 for an output without taps."""
        lowest = np.zeros(self.n_outputs, np.int64)
        last = np.flatnonzero(np.diff(self.output, append=-1))
        lowest[self.output[last]] = self.plane[last]
        return lowest


def layer_taps(weight: npt.NDArray[np.int16], n_groups: int, system: NumberSystem) -> Taps:
    """Return the taps of ``weight``, int16 [n_outputs, rows_per_group], |w| <= 16383.

    ``ValueError`` if the outputs do not divide into the groups.
    """
    n_outputs, n_rows = weight.shape
    if n_groups < 1 or n_outputs % n_groups:
        raise ValueError(f"{n_outputs} outputs do not divide into {n_groups} groups")
    step = max(1, _CHUNK_ELEMENTS // max(n_rows, 1))
    chunks = (to_digits(weight[i : i + step], system) for i in range(0, n_outputs, step))
    parts = [_chunk_taps(digits) for digits in chunks]
    first = np.repeat(np.arange(0, n_outputs, step), [len(part[0]) for part in parts])
    output, plane, negate, row = (np.concatenate(column) for column in zip(*parts, strict=True))
    output += first.astype(np.int32)
    row += output // np.int32(n_outputs // n_groups) * np.int32(n_rows)
    return Taps(output, plane, negate, row, n_outputs, n_groups, n_rows)


def digit_taps(digits: Digits) -> Taps:
    """Return the taps of ``digits``, masks of [n_outputs, n_rows], all of one group."""
    n_outputs, n_rows = digits.positive.shape
    return Taps(*_chunk_taps(digits), n_outputs, 1, n_rows)


def tap_entropy(taps: Taps) -> float:
    """Return the entropy of the taps' places and signs in bits per tap; 0 without taps.

    Every weight of the layer has one digit (+, - or none) in each plane, taken as independent
    with that plane's own frequencies: the sum over planes of n_weights * H(p+, p-, p0), divided
    by the taps. Planes that the layer does not use count nothing.
    """
    if not len(taps):
        return 0.0
    n_weights = taps.n_outputs * taps.rows_per_group
    n_signed = np.bincount(taps.plane * 2 + taps.negate, minlength=2).astype(np.float64)
    n_signed = np.append(n_signed, np.zeros(len(n_signed) % 2))
    n_none = n_weights - n_signed.reshape(-1, 2).sum(axis=1)
    counts = np.concatenate([n_signed, n_none])
    counts = counts[counts > 0]
    return float((counts * np.log2(n_weights / counts)).sum() / len(taps))


def _chunk_taps(digits: Digits) -> tuple[Int32, Int32, Bool, Int32]:
    """Return output, plane, negate and row of the taps of consecutive outputs, both from 0 on."""
    used = digits.positive | digits.negative
    n_outputs, n_rows = used.shape
    planes = np.array(digits.planes[::-1], np.int32)
    present = np.empty((n_outputs, len(planes), n_rows), bool)
    for i, plane in enumerate(planes):
        np.not_equal(used & used.dtype.type(1 << plane), 0, out=present[:, i])
    run, row = np.divmod(np.flatnonzero(present), max(n_rows, 1))
    output, step = np.divmod(run, max(len(planes), 1))
    plane = planes[step]
    negate = (digits.negative[output, row] >> plane & 1).astype(bool)
    return output.astype(np.int32), plane, negate, row.astype(np.int32)
