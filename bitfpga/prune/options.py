"""Numbers among the options that users give."""

from __future__ import annotations

import math
from typing import Any


def is_real(value: Any, low: float, high: float = math.inf) -> bool:
    """Return whether ``value`` is a finite number from ``low`` to ``high``, and no truth value."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and math.isfinite(value) and low <= value <= high
