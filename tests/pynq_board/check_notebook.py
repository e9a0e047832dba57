"""The quick start runs from top to bottom on the simulated board, through real pynq."""

from __future__ import annotations

import os
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from plain_driver import DESIGNS, KINDS

OVERLAYS = Path(__file__).parents[2] / "overlays"
FAMILY = os.environ["BITFPGA_FAMILY"]


def test_the_quick_start(monkeypatch, tmp_path) -> None:
    for kind in KINDS:
        bundle = DESIGNS / "bundles" / f"{kind}-{FAMILY}"
        monkeypatch.setenv("BITFPGA_BUNDLE", str(bundle))
        monkeypatch.setenv("BITFPGA_DEVICE", "simulated")
        notebook = nbformat.read(OVERLAYS / "quick_start.ipynb", as_version=4)
        resources = {"metadata": {"path": str(tmp_path)}}
        NotebookClient(notebook, timeout=120, kernel_name="python3", resources=resources).execute()
        outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
        texts = "".join(output.text for output in outputs if output.output_type == "stream")
        assert "self test: 16 samples equal" in texts
        assert "right: 98.33% of 360" in texts
        assert sum("image/png" in output.get("data", {}) for output in outputs) == 2
