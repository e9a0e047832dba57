"""A project's files: always the same bytes, signed, written as a whole or not at all."""

from __future__ import annotations

import gc
import json
import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cli_runs import ROOT, contents, small_mlp
from hypothesis import given, settings
from strategies import dense_networks

import bitfpga
from bitfpga.errors import PlanError, ProjectError
from bitfpga.interface import Interface
from bitfpga.ir import Network
from bitfpga.project import Project, build, golden_inputs
from bitfpga.project_folder import MANIFEST, open_project, sha256


@pytest.fixture(scope="module")
def project() -> Project:
    return build(small_mlp(n_vectors=5))


def test_the_folder_holds_what_the_project_holds(project: Project, tmp_path: Path) -> None:
    folder = project.write(tmp_path / "out")
    assert folder == tmp_path / "out"
    files = contents(folder)
    manifest = json.loads(files.pop(MANIFEST))
    assert files == project.files
    assert manifest["files"] == {name: sha256(data) for name, data in sorted(files.items())}
    for name in ("schedule.json", "network.bitfpga", "interface.json", "README.md", "hls/top.cpp"):
        assert name in files
    assert files["README.md"].count(b"\n") == 3
    opened = open_project(folder)
    assert opened.changed == ()
    assert opened.schedule == project.schedule
    assert opened.path == folder
    assert opened.interface == Interface.read(project.files["interface.json"].decode())
    x = golden_inputs(project.network)
    np.testing.assert_array_equal(bitfpga.run(opened.network, x), bitfpga.run(project.network, x))


@settings(max_examples=15)
@given(network=dense_networks())
def test_the_same_network_gives_the_same_bytes(network: Network) -> None:
    try:
        first = build(network)
    except PlanError:
        return  # refused, as test_plan_* say
    assert build(network).files == first.files
    assert list(first.files) == list(build(network).files)


def test_another_process_and_place_give_the_same_bytes(project: Project, tmp_path: Path) -> None:
    folder = project.write(tmp_path / "here")
    network = project.network.save(tmp_path / "net.bitfpga")
    (tmp_path / "elsewhere").mkdir()
    for seed in ("1", "2"):
        environment = {
            "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]),
            "PYTHONHASHSEED": seed,
            "TZ": "Asia/Tokyo",
            "LC_ALL": "C",
        }
        command = [sys.executable, "-m", "bitfpga", "build", network, "-o", f"deep/{seed}"]
        subprocess.run(
            command,
            cwd=tmp_path / "elsewhere",
            env={**os.environ, **environment},
            check=True,
            capture_output=True,
        )
        assert contents(tmp_path / "elsewhere" / "deep" / seed) == contents(folder)


def test_no_file_names_the_place_it_was_built_in(project: Project) -> None:
    for name, data in project.files.items():
        for place in (str(ROOT), os.path.expanduser("~") + "/", sys.prefix):
            assert place.encode() not in data, name


def test_building_and_simulating_do_not_change_the_network(tmp_path: Path) -> None:
    network = small_mlp(n_vectors=3)
    before = build(network).files["network.bitfpga"]
    project = build(network)
    assert network.vectors is not None
    y = project.csim(network.vectors.x)
    np.testing.assert_array_equal(y, bitfpga.run(network, network.vectors.x))
    assert y.dtype == network.output.dtype
    assert project.files["network.bitfpga"] == before
    assert contents(project.write(tmp_path / "out")).keys() == {*project.files, MANIFEST}


def test_one_scratch_folder_serves_all_simulations(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    project = build(small_mlp((3, 2)))
    for n_samples in (1, 4):
        assert project.csim(np.zeros((n_samples, 3), np.int8)).shape == (n_samples, 2)
    assert len(list(tmp_path.iterdir())) == 1
    del project
    gc.collect()
    assert list(tmp_path.iterdir()) == []


def test_an_existing_folder_needs_force(project: Project, tmp_path: Path) -> None:
    old = build(small_mlp((3, 2))).write(tmp_path / "out")
    with pytest.raises(ProjectError, match="use --force"):
        project.write(old)
    assert contents(project.write(old, force=True)).keys() == {*project.files, MANIFEST}
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_relative_and_deep_paths(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert project.write("a/b/c") == tmp_path / "a" / "b" / "c"
    assert project.write("../" + tmp_path.name + "/d").resolve() == tmp_path / "d"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "d"]


def test_files_get_the_users_permissions(project: Project, tmp_path: Path) -> None:
    mask = os.umask(0o027)
    try:
        folder = project.write(tmp_path / "out")
    finally:
        os.umask(mask)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o750
    assert stat.S_IMODE((folder / MANIFEST).stat().st_mode) == 0o640


def interrupting(real: Callable[..., Any], at: int, counter: list[int], error: type) -> Any:
    def call(*arguments: Any, **options: Any) -> Any:
        counter[0] += 1
        if counter[0] == at:
            raise error(5, "the disk is gone")
        return real(*arguments, **options)

    return call


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError])
@pytest.mark.parametrize("existing", [False, True])
def test_whatever_fails_the_folder_is_old_or_new_but_whole(
    project: Project, tmp_path: Path, error: type, existing: bool
) -> None:
    old = build(small_mlp((3, 2)))
    target = tmp_path / "deep" / "er" / "out"
    whole = {*project.files, MANIFEST}
    for at in range(1, 200):
        shutil.rmtree(tmp_path / "deep", ignore_errors=True)
        if existing:
            old.write(target)
        counter = [0]
        with pytest.MonkeyPatch.context() as patch:
            for place, name in (
                (Path, "write_bytes"), (Path, "mkdir"), (os, "rename"), (shutil, "rmtree")
            ):  # fmt: skip
                real = getattr(place, name)
                patch.setattr(place, name, interrupting(real, at, counter, error))
            try:
                project.write(target, force=True)
                ended = True
            except (KeyboardInterrupt, ProjectError):
                ended = False
        if counter[0] < at:
            assert ended
            assert at > len(project.files) + 4, "not every step was stopped"
            return
        found = set(contents(target)) if target.exists() else set()
        assert found in ([set(old.files) | {MANIFEST}, whole] if existing else [set(), whole]), at
        if found:
            assert open_project(target).changed == ()
            assert [path.name for path in target.parent.iterdir()] == ["out"], at
        else:
            assert list(tmp_path.iterdir()) == [], at
    raise AssertionError("it never came to its end")


def test_a_folder_that_appears_meanwhile_is_not_replaced(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Path.write_bytes

    def write_bytes(path: Path, data: bytes) -> int:
        (tmp_path / "out").mkdir(exist_ok=True)
        real(tmp_path / "out" / "thesis.txt", b"years of work")
        return real(path, data)

    monkeypatch.setattr(Path, "write_bytes", write_bytes)
    with pytest.raises(ProjectError, match="not made by bitfpga"):
        project.write(tmp_path / "out", force=True)
    assert contents(tmp_path) == {"out/thesis.txt": b"years of work"}


def test_golden_inputs_hold_the_extremes(project: Project) -> None:
    network = project.network
    plain = replace(network, vectors=None)
    many = small_mlp(n_vectors=23)
    for x, n_samples in (
        (golden_inputs(network), 7), (golden_inputs(plain), 16), (golden_inputs(many), 16)
    ):  # fmt: skip
        assert x.shape == (n_samples, *network.input.shape)
        assert x.dtype == network.input.dtype
        assert (x[0] == network.input.low).all()
        assert (x[1] == network.input.high).all()
    stored = np.frombuffer(project.files["hls/testbench/golden_y.bin"], network.output.dtype)
    expected = bitfpga.run(network, golden_inputs(network))
    np.testing.assert_array_equal(stored.reshape(expected.shape), expected)


def test_an_unknown_number_system_is_refused() -> None:
    with pytest.raises(PlanError, match="csd, binary or bbs"):
        build(small_mlp((3, 2)), number_system="ternary")
