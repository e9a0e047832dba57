"""The wheel of a bundle: pip takes it, its records are right, its package runs."""

from __future__ import annotations

import base64
import hashlib
import subprocess
import sys
import zipfile
from importlib.metadata import PathDistribution
from pathlib import Path

import pytest
from cli_runs import small_mlp

from bitfpga.deploy import make_bundle
from bitfpga.project import build
from bitfpga.project_folder import open_project


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    project = open_project(build(small_mlp()).write(folder / "project"))
    made = make_bundle(project, wheel=True).write(folder / "bundle")
    [path] = (made / "wheel").iterdir()
    return path


def test_every_file_is_recorded_with_its_hash(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        [record] = [name for name in names if name.endswith("/RECORD")]
        lines = [line.split(",") for line in archive.read(record).decode().splitlines()]
        assert sorted(line[0] for line in lines) == sorted(names)
        for name, digest, size in lines:
            if name == record:
                assert (digest, size) == ("", "")
                continue
            data = archive.read(name)
            found = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).decode().rstrip("=")
            assert (digest, size) == (f"sha256={found}", str(len(data)))


def test_it_installs_and_runs_with_its_entry_points(wheel: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index"]
    options = ["--disable-pip-version-check", "--target", tmp_path / "site", wheel]
    subprocess.run([*command, *options], check=True, cwd=tmp_path)
    [info] = (tmp_path / "site").glob("*.dist-info")
    distribution = PathDistribution(info)
    assert distribution.metadata["Name"] == "bitfpga_overlay_small"
    assert distribution.version.startswith("1.0+")
    assert distribution.requires == ["numpy"]
    package = "bitfpga_overlay_small"
    assert {(e.group, e.name, e.value) for e in distribution.entry_points} == {
        ("pynq.overlays", "small", package),
        ("pynq.lib", "small", f"{package}.driver"),
        ("pynq.notebooks", "small", f"{package}.notebooks"),
    }
    code = f"""
import sys
sys.path.insert(0, {str(tmp_path / "site")!r})
import types
pynq = types.ModuleType("pynq")
pynq.DefaultIP = type("DefaultIP", (), {{}})
sys.modules["pynq"] = pynq
from {package} import BUNDLE, accelerator, driver, notebooks
assert driver.Core.bindto == ["bitfpga:hls:small:1.0"], driver.Core.bindto
with accelerator("csim") as a:
    print(a.self_test())
"""
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "16\n", "")
