"""Bi-directional bit sparsity on a layer: what hardware needs to use shared sums of activations.

BBS (Chen et al., MICRO 2024): every group of weights keeps 8 - N of its 8 bit columns, and one
constant that all its weights share. ``bitfpga.prune`` makes these codes; here they are only
held, applied and checked against the weights.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from bitfpga.errors import ModelError

ROUNDED_AVERAGING = "rounded_averaging"
ZERO_POINT_SHIFTING = "zero_point_shifting"
GROUP_MODES = (ROUNDED_AVERAGING, ZERO_POINT_SHIFTING)
MAX_REDUNDANT = 3  # two bits of metadata
MAX_SPARSE = 6  # six bits of metadata hold any average of the low columns
MAX_SHIFT_CONSTANT = 31
SUB_GROUP = 8  # weights that one sub-group of the BitVert PE takes at a time
MAX_GROUP_SIZE = 1024

Int16s = npt.NDArray[np.int16]


@dataclass(frozen=True, eq=False)
class BitGroups:
    """The codes of a layer whose weights are ``(stored << (n_sparse - redundant)) + constant``.

    Groups are ``group_size`` neighbours (a multiple of 8, at most 1024) along the flattened inputs
    of one output, ``weight.reshape(n_outputs, -1)``; the last group of an output may be shorter.
    ``n_sparse`` (1..6) columns of each group are gone, so ``stored`` has 8 - n_sparse bits, two's
    complement. ``redundant``: uint8 [n_outputs, n_groups], how many of them lay below the sign
    bit (0..3, at most ``n_sparse``). ``constant``: int8 [n_outputs, n_groups], what decoding
    adds: 0..2^(n_sparse - redundant) - 1 under rounded averaging, -31..31 under zero-point
    shifting. ``sensitive``: uint8 [n_outputs], 1 where the output keeps plain 8-bit weights (its
    redundant and constant are 0). A ``Network`` checks all of it.
    """

    mode: str
    n_sparse: int
    group_size: int
    redundant: npt.NDArray[np.uint8]
    constant: npt.NDArray[np.int8]
    sensitive: npt.NDArray[np.uint8]

    def stored(self, weight: npt.NDArray[np.integer[Any]]) -> Int16s:
        """Return what is stored of each weight, int16 [n_outputs, n_inputs].

        ``weight``: [n_outputs, ...]; n_inputs is the product of its other axes. Plain 8-bit
        weights are stored as they are.
        """
        rows = weight.reshape(len(weight), -1)
        shifts, constants = self._per_weight(rows.shape[1])
        return np.asarray((rows.astype(np.int16) - constants) >> shifts)

    def decode(self, stored: npt.NDArray[np.integer[Any]]) -> Int16s:
        """Return the weights, int16 [n_outputs, n_inputs], of ``stored``, of the same shape."""
        shifts, constants = self._per_weight(stored.shape[1])
        return np.asarray((stored.astype(np.int16) << shifts) + constants)

    def holds(self, weight: npt.NDArray[np.integer[Any]]) -> npt.NDArray[np.bool_]:
        """Return where ``weight`` is what these codes can give, bool [n_outputs, n_inputs]."""
        rows, stored = weight.reshape(len(weight), -1), self.stored(weight)
        half = 1 << np.where(self.sensitive != 0, 7, 7 - self.n_sparse)[:, None]
        return np.asarray((self.decode(stored) == rows) & (stored >= -half) & (stored < half))

    def _per_weight(self, n_inputs: int) -> tuple[Int16s, Int16s]:
        """Return shift and constant of each weight, int16 [n_outputs, n_inputs]."""
        group = np.arange(n_inputs) // self.group_size
        shifts = self.n_sparse - self.redundant.astype(np.int16)
        shifts[self.sensitive != 0] = 0
        return shifts[:, group], self.constant.astype(np.int16)[:, group]


def check_bit_groups(label: str, weight: npt.NDArray[np.int16], groups: BitGroups) -> None:
    """Raise ``ModelError``, naming the layer, unless ``groups`` fit and decode ``weight``."""
    rows = weight.reshape(len(weight), -1)
    for problem in (_settings_problem, _arrays_problem, _codes_problem, _weights_problem):
        if found := problem(rows, groups):
            raise ModelError(f"layer '{label}': bit groups: {found}")


def _settings_problem(rows: Int16s, groups: BitGroups) -> str:
    if groups.mode not in GROUP_MODES:
        return f"mode {str(groups.mode)[:40]!r}, but {' and '.join(GROUP_MODES)} are known"
    if not 1 <= groups.n_sparse <= MAX_SPARSE:
        return f"{groups.n_sparse} sparse columns, but 1 to {MAX_SPARSE} are allowed"
    if groups.group_size % SUB_GROUP or not SUB_GROUP <= groups.group_size <= MAX_GROUP_SIZE:
        allowed = f"multiples of {SUB_GROUP} up to {MAX_GROUP_SIZE} are allowed"
        return f"groups of {groups.group_size} weights, but {allowed}"
    return ""


def _arrays_problem(rows: Int16s, groups: BitGroups) -> str:
    n_outputs, n_inputs = rows.shape
    per_group = (n_outputs, -(-n_inputs // groups.group_size))
    for name, dtype, shape in (
        ("redundant", np.uint8, per_group),
        ("constant", np.int8, per_group),
        ("sensitive", np.uint8, (n_outputs,)),
    ):
        array = getattr(groups, name)
        if array.dtype != dtype or array.shape != shape:
            expected = f"{np.dtype(dtype)} {list(shape)}"
            return f"{name} is {array.dtype} {list(array.shape)}, expected {expected}"
    return ""


def _codes_problem(rows: Int16s, groups: BitGroups) -> str:
    if groups.sensitive.max() > 1:
        return f"sensitive holds {groups.sensitive.max()}, but 0 and 1 are allowed"
    plain = groups.sensitive != 0
    if groups.redundant[plain].any() or groups.constant[plain].any():
        return "redundant and constant must be 0 where sensitive is 1"
    most = min(MAX_REDUNDANT, groups.n_sparse)
    if groups.redundant.max() > most:
        return f"{groups.redundant.max()} redundant columns, but 0 to {most} are allowed"
    low: Any = -MAX_SHIFT_CONSTANT
    high: Any = MAX_SHIFT_CONSTANT
    if groups.mode == ROUNDED_AVERAGING:
        low, high = 0, (1 << (groups.n_sparse - groups.redundant.astype(np.int16))) - 1
    outside = (groups.constant < low) | (groups.constant > high)
    if outside.any():
        return f"{_place(outside)} the constant {groups.constant[outside][0]} is out of range"
    return ""


def _weights_problem(rows: Int16s, groups: BitGroups) -> str:
    wrong = ~groups.holds(rows)
    if wrong.any():
        where = _place(wrong, "input")
        return f"{where} the weight {rows[wrong][0]} is not what its group can hold"
    return ""


def _place(found: npt.NDArray[np.bool_], axis: str = "group") -> str:
    output, index = np.argwhere(found)[0]
    return f"at output {output}, {axis} {index},"
