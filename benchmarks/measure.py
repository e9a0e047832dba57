"""What the benchmarks share: CPU time, the machine they ran on, Markdown tables."""

from __future__ import annotations

import datetime
import os
import platform
import resource
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

Result = TypeVar("Result")


def cpu_seconds(work: Callable[[], Result]) -> tuple[float, Result]:
    """Return the CPU seconds of ``work``, here and in children that ended, and its result."""
    before = _cpu_clock()
    result = work()
    return _cpu_clock() - before, result


def _cpu_clock() -> float:
    """Return CPU seconds so far; unlike ``os.times``, which counts in ticks of 10 ms, to the us."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def machine_line() -> str:
    """Return processor, cores, system and date in one line."""
    model = platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        names = [line for line in cpuinfo.read_text().splitlines() if line.startswith("model name")]
        model = names[0].split(":", 1)[1].strip() if names else model
    today = datetime.date.today().isoformat()
    return f"{model}, {os.cpu_count()} cores, Python {platform.python_version()}, {today}\n"


def markdown_table(header: list[str], rows: list[list[str]]) -> str:
    """Return a Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"
