"""An outside program that stays alive and answers one request after the other over pipes."""

from __future__ import annotations

import os
import select
import subprocess
import tempfile
import time
import weakref
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from bitfpga.errors import ToolError

_STOP_S = 2.0
_READ_BYTES = 1 << 20
_ERROR_CHARS = 2000


class ToolServer:
    """A running child process; ``close`` or the end of a ``with`` block ends it.

    It reads requests from its standard input, writes answers of known length to its standard
    output, and ends by itself when its input ends.
    """

    def __init__(self, argv: Sequence[str | Path], *, cwd: Path) -> None:
        self._name = str(argv[0])
        self._errors = tempfile.TemporaryFile()
        try:
            self._process = subprocess.Popen(
                [str(word) for word in argv],
                cwd=cwd,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._errors,
                bufsize=0,
            )
        except OSError as error:
            self._errors.close()
            raise ToolError(f"cannot start {self._name}: {error.strerror}") from None
        self._finalizer = weakref.finalize(self, _end, self._process, self._errors)

    def ask(self, request: bytes, n_answer: int, *, limit_s: float) -> bytes:
        """Return the ``n_answer`` bytes that the program answers to ``request``.

        The program must read the whole request before it answers. ``ToolError`` when it ends
        first, or after ``limit_s`` seconds; then it is ended too.
        """
        process = self._process
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            rest = memoryview(request)
            while rest:
                rest = rest[process.stdin.write(rest) :]
        except OSError:
            self._fail("ended early")
        answer = bytearray()
        end = time.monotonic() + limit_s
        while len(answer) < n_answer:
            left = end - time.monotonic()
            if left <= 0 or not select.select([process.stdout], [], [], left)[0]:
                self._fail(f"did not answer within {limit_s:g} s")
            block = os.read(process.stdout.fileno(), min(_READ_BYTES, n_answer - len(answer)))
            if not block:
                self._fail("ended early")
            answer += block
        return bytes(answer)

    def close(self) -> None:
        """End the program; twice does nothing more. It is also ended with this object."""
        self._finalizer()

    def __enter__(self) -> ToolServer:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _fail(self, what: str) -> None:
        """End the program and raise ``ToolError`` with what it wrote to standard error."""
        self._process.kill()
        self._process.wait()
        self._errors.seek(0)
        text = self._errors.read().decode("utf-8", "replace").strip()[-_ERROR_CHARS:]
        code = self._process.returncode
        self.close()
        raise ToolError(f"{self._name} {what} (exit code {code})" + (f"\n  {text}" if text else ""))


def _end(process: subprocess.Popen[bytes], errors: IO[bytes]) -> None:
    """Let the program see the end of its input; kill it when it takes too long."""
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.close()
    try:
        process.wait(_STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    process.stdout.close()
    errors.close()
