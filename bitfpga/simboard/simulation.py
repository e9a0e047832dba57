"""The C simulation of a design as a child process that answers one batch after the other."""

from __future__ import annotations

import struct
import tempfile
from pathlib import Path

from bitfpga.csim import compile_server
from bitfpga.simboard.core_facts import CoreFacts
from bitfpga.tool_server import ToolServer

LIMIT_S = 600.0
_RUN, _TAPS = 0, 1


class Simulation:
    """The network in ``hls``; the child starts at the first batch, and again after ``close``."""

    def __init__(self, hls: Path, cache: Path, facts: CoreFacts) -> None:
        self._program = compile_server(hls, cache)
        self._facts = facts
        taps = hls / "taps.bin"
        self.n_tap_bytes = taps.stat().st_size if taps.is_file() else 0
        self._server: ToolServer | None = None
        self._taps = b""

    def run(self, x: bytes, n_samples: int) -> bytes:
        """Return the outputs of ``n_samples`` inputs, both as they lie in memory."""
        return self._ask(struct.pack("<II", _RUN, n_samples) + x, n_samples * self._output_bytes)

    def set_taps(self, taps: bytes) -> None:
        """Give the simulation what lies where the core reads its taps, when that has changed.

        The child decodes taps once: other taps need another child.
        """
        if taps != self._taps:
            self.close()
        if self._server is None:
            self._ask(struct.pack("<II", _TAPS, len(taps) // 8) + taps, 0)
            self._taps = taps

    def close(self) -> None:
        """End the child process."""
        if self._server is not None:
            self._server.close()
            self._server = None

    @property
    def _output_bytes(self) -> int:
        return self._facts.output_bytes

    def _ask(self, request: bytes, n_answer: int) -> bytes:
        if self._server is None:
            self._server = ToolServer([self._program], cwd=Path(tempfile.gettempdir()))
        try:
            return self._server.ask(request, n_answer, limit_s=LIMIT_S)
        except BaseException:  # it has ended, or its answer is half read
            self.close()
            raise
