"""The two consoles of the command line, and how its process ends: errors, signals, exit codes."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from types import FrameType
from typing import NoReturn

from rich.console import Console

from bitfpga.errors import BitfpgaError

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

out = Console()
err = Console(stderr=True)


class _Ended(BaseException):
    """This process was told to end by the signal ``args[0]``."""


@contextmanager
def exit_codes() -> Iterator[None]:
    """Turn every foreseen error inside into one message on stderr and the exit code it stands for.

    An interruption ends with 128 + its signal, after everything inside has been tidied up.
    """
    _raise_on_signals()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a name may not fit the encoding
    try:
        yield
    except BitfpgaError as error:
        _fail(str(error), error.exit_code)
    except MemoryError:
        _fail("out of memory; use a smaller network or fewer samples", 1)
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        _fail(f"{place}{error.strerror or error}", 1)
    except _Ended as ended:
        say("interrupted; nothing was left half-written")
        sys.exit(128 + int(ended.args[0]))


def say(text: str) -> None:
    """Print plain text to stderr, not wrapped, so that paths can be copied."""
    err.print(text, markup=False, highlight=False, soft_wrap=True)


def _fail(message: str, exit_code: int) -> NoReturn:
    err.print("[bold red]error:[/] ", end="")
    say(message)
    sys.exit(exit_code)


def _raise_on_signals() -> None:
    """Make the signals that end a process an exception, so that everything is tidied up.

    Only the first counts: tidying is short, and a second one would leave it half done.
    """

    def end(number: int, frame: FrameType | None) -> NoReturn:
        for each in ENDING:
            signal.signal(each, signal.SIG_IGN)
        raise _Ended(number)

    for each in ENDING:
        if signal.getsignal(each) != signal.SIG_IGN:  # as under nohup
            signal.signal(each, end)
