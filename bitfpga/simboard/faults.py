"""The faults a simulated board can be asked for, by name."""

from __future__ import annotations

from collections.abc import Iterable

FAULTS = {
    "never_done": "the core starts and never ends",
    "wrong_id": "the core's id is another design's",
    "wrong_version": "the core's interface version is another one",
    "bad_status": "the core reports that it refused the call (status 1) and does nothing",
    "no_tlast": "the core ends its output without TLAST, so the receiving DMA never ends",
    "short_buffer": "allocate gives a buffer one row shorter than asked",
    "no_memory": "allocate fails as if no contiguous memory were left",
    "dma_internal_error": "the next DMA transfer ends with DMAIntErr",
    "dma_slave_error": "the next DMA transfer ends with DMASlvErr",
    "dma_decode_error": "the next DMA transfer ends with DMADecErr",
}
OF_DMA = frozenset(name for name in FAULTS if name.startswith("dma_")) | {"no_tlast"}


class Faults(set[str]):
    """Names of faults that act now; adding an unknown one is a ``ValueError``."""

    def __init__(self, names: Iterable[str], kind: str) -> None:
        super().__init__()
        self._kind = kind
        for name in names:
            self.add(name)

    def add(self, name: str) -> None:
        """Let a fault act from now on."""
        if name not in FAULTS:
            raise ValueError(f"no fault is called {name!r}; there are: {', '.join(FAULTS)}")
        if name in OF_DMA and self._kind != "axi_dma":
            raise ValueError(f"fault {name!r} needs a design of kind axi_dma, this is {self._kind}")
        super().add(name)
