"""A driver in plain pynq calls, and the designs it drives: what a user could type in a notebook.

Run by tests/csim/test_pynq_board.py in an environment that has pynq; ``BITFPGA_DESIGNS`` names the
folder of designs that it made.
"""

from __future__ import annotations

import json
import os
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # pynq warns on every machine that is no board
    import pynq
    import pynq.lib.dma  # registers the driver of the AXI DMA

from bitfpga.simboard import SimDevice

DESIGNS = Path(os.environ["BITFPGA_DESIGNS"])
KINDS = ("m_axi", "axi_dma")
LIMIT_S = 2.0
DONE, IDLE = 2, 4


class Driver:
    """The design in ``folder`` on a simulated board, with buffers for ``n_samples``."""

    def __init__(self, folder: Path, device: Any, n_samples: int, *, cacheable: bool = True):
        self.interface = json.loads((folder / "interface.json").read_text())
        self.device = device
        bit = folder / f"{self.interface['name']}.bit"
        self.overlay = pynq.Overlay(str(bit), device=device)
        name = next(
            key
            for key, details in self.overlay.ip_dict.items()
            if details["type"] == self.interface["vlnv"]
        )
        self.core = getattr(self.overlay, name)
        self.at = {
            register: details["address_offset"]
            for register, details in self.overlay.ip_dict[name]["registers"].items()
        }
        self.is_streamed = self.interface["kind"] == "axi_dma"
        self.x, self.y = (
            pynq.allocate(
                (n_samples, *self.interface[side]["shape"]),
                self.interface[side]["dtype"],
                target=device,
                cacheable=cacheable,
            )
            for side in ("input", "output")
        )
        self.taps = None
        if self.interface["taps_file"]:
            stored = np.fromfile(folder / self.interface["taps_file"], np.uint64)
            self.taps = pynq.allocate(stored.shape, np.uint64, target=device)
            self.taps[:] = stored
            self.point("taps", self.taps)

    def point(self, name: str, buffer: Any) -> None:
        """Write the address of a buffer into an argument."""
        self.core.write(self.at[f"{name}_1"], buffer.physical_address & 0xFFFFFFFF)
        self.core.write(self.at[f"{name}_2"], buffer.physical_address >> 32)

    def read(self, name: str) -> int:
        """Return a register of the core by its name in the .hwh."""
        return int(self.core.read(self.at[name]))

    def start(self, n_samples: int) -> None:
        """Let the core begin a call."""
        self.core.write(self.at["n_samples"], n_samples)
        self.core.write(self.at["CTRL"], 1)

    def wait(self) -> None:
        """Return when the core is done; ``TimeoutError`` past the limit."""
        wait_until(lambda: bool(self.read("CTRL") & DONE))

    def identity(self) -> int:
        """Return the core's id; an empty call makes it appear."""
        self.start(0)
        self.wait()
        assert self.read("status") == 1
        return self.read("id_high") << 32 | self.read("id_low")

    def predict(self, x: np.ndarray) -> np.ndarray:
        """Return a copy of the outputs for ``x``, integers [n, *input shape]."""
        n = len(x)
        self.x[:n] = x
        if self.is_streamed:
            self._through_dma(n)
        else:
            self.x.flush()
            self.point("x", self.x)
            self.point("y", self.y)
            self.start(n)
            self.wait()
            self.y.invalidate()
        assert self.read("status") == 0
        return np.array(self.y[:n])

    def _through_dma(self, n: int) -> None:
        dma = self.overlay.axi_dma_0
        dma.recvchannel.transfer(self.y, nbytes=n * self.y[0].nbytes)
        self.start(n)
        dma.sendchannel.transfer(self.x, nbytes=n * self.x[0].nbytes)
        for channel in (dma.sendchannel, dma.recvchannel):
            wait_until(lambda channel=channel: channel.idle or channel.error)
            channel.wait()
        self.wait()


def wait_until(condition: Callable[[], bool], limit_s: float = LIMIT_S) -> None:
    """Return when the condition holds; ``TimeoutError`` past the limit."""
    end = time.monotonic() + limit_s
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError("the board did not answer")


def vectors(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """Return the inputs and the reference's outputs that were stored with a design."""
    return np.load(folder / "x.npy"), np.load(folder / "y.npy")


def board(name: str, faults: tuple[str, ...] = ()) -> tuple[Path, Any]:
    """Return the folder of a design and a new simulated board for it."""
    return DESIGNS / name, SimDevice(DESIGNS / name, faults)
