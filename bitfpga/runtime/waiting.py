"""Waiting for the hardware, never for ever."""

from __future__ import annotations

import time
from typing import Callable

_SPIN_S = 0.0005
_LONGEST_SLEEP_S = 0.001


def wait_until(ready: Callable[[], bool], limit_s: float) -> bool:
    """Return whether ``ready()`` became true within ``limit_s`` seconds.

    It is asked at once and often at first, then a thousand times a second, so that short runs are
    not prolonged and long ones leave the processor to others.
    """
    started = time.monotonic()
    while not ready():
        waited = time.monotonic() - started
        if waited >= limit_s:
            return ready()
        if waited > _SPIN_S:
            time.sleep(min(_LONGEST_SLEEP_S, limit_s - waited))
    return True
