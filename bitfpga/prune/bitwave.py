"""The baseline that BBS is compared with: zero columns of sign-magnitude weights, by flipping bits.

After BitWave (Shi et al., HPCA 2024), as the comparison in BBS (Chen et al., MICRO 2024) needs
it. Not a method to use: ones are only ever flipped to zero, lowest columns first, and nothing is
retrained. The nearest values over every choice of columns would be a stronger baseline, with about
the squared error of rounded averaging (measured on Gaussian weights, N 4 to 6).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Integers = npt.NDArray[np.integer[Any]]
_MAGNITUDE_BITS = 7


def zero_columns(groups: Integers, n_sparse: int) -> npt.NDArray[np.int16]:
    """Return groups with ``n_sparse`` of their 7 magnitude columns zero, int16 [n_groups, size].

    ``groups``: int8 values [n_groups, size], -128 read as -127. Columns that are zero already
    count; then the lowest others are cleared.
    """
    values = np.maximum(groups, -127).astype(np.int16)
    magnitudes = np.abs(values)
    used = np.bitwise_or.reduce(magnitudes, axis=1)
    excess = np.bitwise_count(used).astype(np.int16) - (_MAGNITUDE_BITS - n_sparse)
    for column in range(_MAGNITUDE_BITS):
        clears = (excess > 0) & (used >> column & 1 == 1)
        used = np.where(clears, used & ~(1 << column), used).astype(np.int16)
        excess = excess - clears
    return np.asarray(np.sign(values) * (magnitudes & used[:, None]))
