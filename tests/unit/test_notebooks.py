"""The notebooks of overlays/ run from top to bottom, draw their pictures, and are stored empty."""

from __future__ import annotations

import base64
import io
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import pytest
from matplotlib.image import imread
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

from bitfpga.demo import demo_network
from bitfpga.deploy import make_bundle
from bitfpga.paths import overlays_dir
from bitfpga.project import build
from bitfpga.project_folder import open_project
from bitfpga.reference import run

LIMIT_S = 300
NAMES = ("quick_start.ipynb", "explore.ipynb")
LEAST_COLOURS = 8  # of a picture with something in it


def read(name: str) -> Any:
    """Return a notebook as it is stored."""
    return nbformat.read(overlays_dir() / name, as_version=4)


def executed(name: str, folder: Path) -> Any:
    """Return a notebook after every cell has run in ``folder``."""
    notebook = read(name)
    resources = {"metadata": {"path": str(folder)}}
    NotebookClient(notebook, timeout=LIMIT_S, kernel_name="python3", resources=resources).execute()
    return notebook


def texts(notebook: Any) -> str:
    """Return all that was printed."""
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    return "".join(output.text for output in outputs if output.output_type == "stream")


def pictures(notebook: Any) -> list[np.ndarray]:
    """Return all that was drawn, [height, width, 4]."""
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    data = [output.data["image/png"] for output in outputs if "image/png" in output.get("data", {})]
    return [imread(io.BytesIO(base64.b64decode(text)), format="png") for text in data]


def check_pictures(notebook: Any, expected: int) -> None:
    """Assert that so many pictures were drawn, and that none is blank."""
    found = pictures(notebook)
    assert len(found) == expected
    for picture in found:
        assert picture.shape[1] > 300
        assert len(np.unique(picture.reshape(-1, picture.shape[2]), axis=0)) > LEAST_COLOURS


@pytest.fixture
def bundle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the bundle of the digits network, to run in its C simulation."""
    project = build(demo_network()).write(tmp_path / "project")
    folder = make_bundle(open_project(project)).write(tmp_path / "bundle")
    monkeypatch.setenv("BITFPGA_BUNDLE", str(folder))
    monkeypatch.setenv("BITFPGA_DEVICE", "csim")
    return folder


@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_is_stored_without_outputs(name: str) -> None:
    cells = read(name).cells
    for cell in (cell for cell in cells if cell.cell_type == "code"):
        assert cell.outputs == []
        assert cell.execution_count is None
    text = (overlays_dir() / name).read_text("utf-8")
    assert text == nbformat.writes(read(name), indent=1) + "\n"
    assert set(NAMES) == {path.name for path in overlays_dir().glob("*.ipynb")}


def test_the_quick_start_classifies_the_labelled_samples(bundle: Path, tmp_path: Path) -> None:
    network = demo_network()
    right = run(network, network.vectors.x).argmax(axis=1) == network.vectors.labels
    notebook = executed("quick_start.ipynb", tmp_path)
    assert texts(notebook).splitlines()[:3] == [
        "self test: 16 samples equal",
        "360 samples of shape (64,)",
        f"right: {right.mean():.2%} of 360",
    ]
    assert 0.9 < right.mean() < 1
    check_pictures(notebook, 2)


def test_the_quick_start_runs_on_golden_vectors(bundle: Path, tmp_path: Path) -> None:
    (bundle / "test.npz").unlink()
    notebook = executed("quick_start.ipynb", tmp_path)
    assert "right: 100.00% of 16" in texts(notebook)


def test_the_quick_start_stops_where_the_bundle_is_damaged(bundle: Path, tmp_path: Path) -> None:
    golden = np.load(bundle / "golden_y.npy")
    golden[7, 3] += 1
    np.save(bundle / "golden_y.npy", golden)
    with pytest.raises(CellExecutionError, match=r"golden_y\.npy is not the file that was"):
        executed("quick_start.ipynb", tmp_path)


@pytest.mark.parametrize("name", ["digits", "digits_cnn"])
def test_a_network_can_be_explored(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BITFPGA_NETWORK", str(overlays_dir() / name / f"{name}.bitfpga"))
    notebook = executed("explore.ipynb", tmp_path)
    lines = texts(notebook).splitlines()
    assert lines[0].startswith(f"{name}: ")
    assert lines[1].startswith("latency ")
    assert lines[-1].endswith(" pJ with digits")
    check_pictures(notebook, 4)
