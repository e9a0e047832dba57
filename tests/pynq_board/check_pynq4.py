"""pynq 4 has left Zynq-7000 behind: its Overlay fails there, as bitfpga's documentation says."""

from __future__ import annotations

import pytest
from plain_driver import board, pynq


def test_a_zynq7000_design_cannot_be_loaded() -> None:
    folder, device = board("small-m_axi-zynq7000")
    assert pynq.__version__.startswith("4.")
    with pytest.raises(TypeError):
        pynq.Overlay(str(folder / "tiny.bit"), device=device)
