"""The files of plots: written whole or not at all, by suffix, without pyplot or a display."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from bitfpga.errors import PruneError
from bitfpga.prune.plot import plot_digits

pytest.importorskip("matplotlib", reason="needs matplotlib: pip install 'bitfpga[plot]'")

LAYERS = {"fc1": np.array([[-256, 3, 0]]), "fc2": np.array([[-128], [7]])}


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("a.pdf", r"a\.pdf: a file name that ends in \.png or \.svg is needed"),
        ("png", r"that ends in \.png or \.svg"),
        ("none/a.png", "no folder .*none; make it first"),
    ],
)
def test_a_path_that_cannot_be_is_refused(tmp_path: Path, name: str, message: str) -> None:
    with pytest.raises(PruneError, match=message):
        plot_digits(LAYERS, tmp_path / name)
    assert os.listdir(tmp_path) == []


def test_a_plot_takes_the_place_of_an_older_one(tmp_path: Path) -> None:
    (tmp_path / "real.svg").write_text("old")
    (tmp_path / "link.svg").symlink_to("real.svg")
    plot_digits(LAYERS, str(tmp_path / "link.svg"))
    assert (tmp_path / "link.svg").is_symlink()
    assert (tmp_path / "real.svg").read_bytes().startswith(b"<?xml")


def test_a_folder_is_not_a_file_name(tmp_path: Path) -> None:
    (tmp_path / "a.png").mkdir()
    with pytest.raises(PruneError, match="is a folder; give a file name"):
        plot_digits(LAYERS, tmp_path / "a.png")


def test_a_failed_write_keeps_the_older_plot(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(source: str, target: str) -> None:
        raise OSError(28, "No space left on device")

    (tmp_path / "a.svg").write_text("old")
    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(PruneError, match=r"a\.svg: cannot write it \(No space left on device\)"):
        plot_digits(LAYERS, tmp_path / "a.svg")
    assert os.listdir(tmp_path) == ["a.svg"]
    assert (tmp_path / "a.svg").read_text() == "old"


def test_without_matplotlib_the_extra_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(PruneError, match=r"pip install 'bitfpga\[plot\]'"):
        plot_digits(LAYERS, tmp_path / "a.svg")
    assert os.listdir(tmp_path) == []


def test_a_plot_needs_neither_pyplot_nor_a_display(tmp_path: Path) -> None:
    program = (
        "import sys; from bitfpga.prune.plot import plot_digits; import numpy as np;"
        "assert 'matplotlib' not in sys.modules;"
        "plot_digits({'a': np.array([[3]])}, 'a.png');"
        "assert 'matplotlib.pyplot' not in sys.modules"
    )
    env = {name: value for name, value in os.environ.items() if name != "DISPLAY"}
    run = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, env=env, capture_output=True, text=True
    )
    assert (run.returncode, run.stderr) == (0, "")
