"""The data folders: found beside the package in a checkout, inside it in a wheel, or refused."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from bitfpga import paths
from bitfpga.errors import ProjectError

FOLDERS: dict[str, Callable[[], Path]] = {
    "hls_templates/templates": paths.templates_dir,
    "hls_templates/include": paths.include_dir,
    "hls_templates/rtl": paths.rtl_dir,
    "hls_templates/testbench": paths.testbench_dir,
    "hls_templates/vivado": paths.vivado_dir,
    "overlays/boards": paths.boards_dir,
    "overlays": paths.overlays_dir,
}


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a made-up place of installation without data, which bitfpga takes for its own."""
    package = tmp_path / "site" / "bitfpga"
    package.mkdir(parents=True)
    monkeypatch.setattr(paths, "_PACKAGE", package)
    monkeypatch.setattr(paths, "_WHEEL_DATA", package / "_data")
    return package


def test_this_installation_has_boards_and_headers() -> None:
    assert (paths.boards_dir() / "pynq-z2.toml").is_file()
    assert paths.boards_dir().parent == paths.overlays_dir()
    assert list((paths.include_dir() / "bitfpga").glob("*.hpp"))


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_checkout_has_its_data_beside_the_package(install: Path, folder: str) -> None:
    (install.parent / folder).mkdir(parents=True)
    assert FOLDERS[folder]() == install.parent / folder


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_wheel_has_its_data_inside_and_ignores_its_neighbours(install: Path, folder: str) -> None:
    (install.parent / folder).mkdir(parents=True)
    (install / "_data" / folder).mkdir(parents=True)
    assert FOLDERS[folder]() == install / "_data" / folder


@pytest.mark.parametrize("folder", FOLDERS)
def test_an_installation_without_data_is_refused(install: Path, folder: str) -> None:
    place = install.parent / folder
    message = (
        f"this installation of bitfpga lacks its folder '{folder}' (looked for {place}); "
        "install it again: pip install --force-reinstall bitfpga"
    )
    with pytest.raises(ProjectError, match=f"^{re.escape(message)}$"):
        FOLDERS[folder]()
