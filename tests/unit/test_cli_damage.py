"""Folders that are damaged, forged or not bitfpga's: always one error, and nothing is touched."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cli_runs import Ran, cli, contents, refused, small_mlp

from bitfpga.project import build
from bitfpga.project_folder import sha256

DEEP = b"[" * 200_000
DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "half": lambda data: data[: len(data) // 2],
    "empty": lambda data: b"",
    "garbage": lambda data: bytes(range(256)) * 3,
    "null characters": lambda data: data.replace(b'"', b"\0"),
    "deep": lambda data: DEEP,
    "a list": lambda data: b"[1, 2]",
    "a huge number": lambda data: b"9" * 100_000,
    "one bit": lambda data: data[:40] + bytes([data[40] ^ 1]) + data[41:],
}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    network = small_mlp(n_vectors=3)
    folder = build(network).write(tmp_path_factory.mktemp("damage") / "project")
    network.save(folder.parent / "small.bitfpga")
    return folder


@pytest.fixture
def project(built: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(built, tmp_path / "project"))


def edit_manifest(project: Path, edit: Callable[[dict[str, Any]], object]) -> None:
    path = project / "manifest.json"
    document = json.loads(path.read_text(encoding="utf-8"))
    edit(document)
    path.write_text(json.dumps(document), encoding="utf-8")


def resign(project: Path, name: str) -> None:
    """Make the manifest say that ``name`` is as it was built."""
    digest = sha256((project / name).read_bytes())
    edit_manifest(project, lambda manifest: manifest["files"].update({name: digest}))


@pytest.mark.parametrize("verb", ["report", "csim"])
@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize(
    "name", ["manifest.json", "schedule.json", "network.bitfpga", "interface.json"]
)
def test_a_damaged_file_is_one_error(project: Path, name: str, damage: str, verb: str) -> None:
    path = project / name
    path.write_bytes(DAMAGES[damage](path.read_bytes()))
    refused(cli(verb, project), 1, name, "build")
    if name != "manifest.json":
        resign(project, name)
        if damage != "one bit":  # in a string of the schedule, which may say so
            refused(cli(verb, project), 1, name, "build")


@pytest.mark.parametrize("verb", ["report", "csim"])
def test_a_missing_file_is_one_error(project: Path, verb: str) -> None:
    for name in ("interface.json", "schedule.json", "network.bitfpga", "manifest.json"):
        (project / name).unlink()
        refused(cli(verb, project), 1, name)
        os.mkfifo(project / name)
        refused(cli(verb, project), 1, name)
        (project / name).unlink()
        (project / name).mkdir()
        refused(cli(verb, project), 1, name)


@pytest.mark.parametrize("signed", [False, True])
def test_an_interface_of_another_core_is_refused(built: Path, project: Path, signed: bool) -> None:
    path = project / "interface.json"
    document = json.loads(path.read_text("utf-8"))
    wrong = {"id": "0" * 16, "max_samples": 7, "n_samples": 2}
    for key, value in wrong.items():
        path.write_text(json.dumps(document | {key: value}), encoding="utf-8")
        if signed:
            resign(project, "interface.json")
        refused(cli("report", project), 1, "interface.json belongs to another", "build")
    path.unlink()
    edit_manifest(project, lambda manifest: manifest["files"].pop("interface.json"))
    refused(cli("report", project), 1, "no file", "interface.json", "build the project again")


def test_an_edited_schedule_or_network_is_refused(project: Path) -> None:
    text = (project / "schedule.json").read_text(encoding="utf-8")
    (project / "schedule.json").write_text(text.replace('"small"', '"large"'), encoding="utf-8")
    refused(cli("report", project), 1, "schedule.json was changed since the build")
    (project / "schedule.json").write_text(text, encoding="utf-8")
    small_mlp((11, 5)).save(project / "network.bitfpga")
    refused(cli("csim", project), 1, "network.bitfpga was changed since the build")


@pytest.mark.parametrize(
    "name",
    ["/absent/file", "../outside", "hls/../../outside", "..", ".", "", "a//b", "a\0b", "\x1b[2J",
     "\ud800", "a/./b", "x" * 300, "C:\\x"],
)  # fmt: skip
def test_a_name_that_could_lead_outside_is_refused(project: Path, name: str) -> None:
    edit_manifest(project, lambda manifest: manifest["files"].update({name: "0" * 64}))
    for verb in ("report", "csim"):
        refused(cli(verb, project), 1, "manifest.json", "damaged")
    before = contents(project)
    network = project.parent / "small.bitfpga"
    small_mlp().save(network)
    refused(cli("build", network, "-o", project, "--force"), 1, "not made by bitfpga")
    assert contents(project) == before


@pytest.mark.parametrize(
    "edit",
    [
        lambda manifest: manifest.update(format="other"),
        lambda manifest: manifest.update(version=2),
        lambda manifest: manifest.update(files=list(manifest["files"])),
        lambda manifest: manifest.update(files={}),
        lambda manifest: manifest["files"].pop("network.bitfpga"),
        lambda manifest: manifest["files"].update({"README.md": 7}),
        lambda manifest: manifest.pop("files"),
    ],
)
def test_a_forged_manifest_is_refused(
    project: Path, edit: Callable[[dict[str, Any]], object]
) -> None:
    edit_manifest(project, edit)
    refused(cli("report", project), 1, "manifest.json", "another version")


def test_what_is_no_project_is_one_error(built: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for path in (tmp_path / "empty", tmp_path / "[/x]absent", built / "README.md"):
        for verb in ("report", "csim"):
            refused(cli(verb, path), 1, str(path), "not a bitfpga project", "bitfpga build")


def rebuild(built: Path, folder: Path, *arguments: str) -> Ran:
    return cli("build", built.parent / "small.bitfpga", "-o", folder, *arguments)


def test_a_project_is_only_replaced_by_force(built: Path, project: Path) -> None:
    (project / "README.md").write_text("an older build", encoding="utf-8")
    (project / "csim" / ("0" * 16)).mkdir(parents=True)
    (project / "csim" / ("0" * 16) / "simulate").write_text("compiled", encoding="utf-8")
    before = contents(project)
    refused(rebuild(built, project), 1, "exists; use --force")
    assert contents(project) == before
    assert rebuild(built, project, "--force").code == 0
    assert contents(project) == contents(built)


@pytest.mark.parametrize("arguments", [(), ("--force",)])
def test_what_bitfpga_did_not_make_is_left_alone(
    built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]
) -> None:
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "thesis.txt").write_text("years of work", encoding="utf-8")
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("mine", encoding="utf-8")
    (tmp_path / "link").symlink_to(built)
    (tmp_path / "dangling").symlink_to(tmp_path / "absent")
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    before = sorted(tmp_path.rglob("*")), contents(tmp_path)
    for name in ("notes", "empty", "file", "link", "dangling", "../here", "."):
        ran = rebuild(built, Path("..", name) if name[0] != "." else Path(name), *arguments)
        refused(ran, 1, "not made by bitfpga", "left alone")
    for name in ("file/sub", "file/sub/deeper"):
        refused(rebuild(built, tmp_path / name, *arguments), 1, "cannot write", "file")
    assert (sorted(tmp_path.rglob("*")), contents(tmp_path)) == before
    assert (tmp_path / "dangling").is_symlink()
    assert built.is_dir()


@pytest.mark.parametrize("name", ["mine.txt", "hls/mine.hpp", "csim/y.npy", "csim/data/y.npy"])
def test_a_foreign_file_inside_saves_the_project(built: Path, project: Path, name: str) -> None:
    (project / name).parent.mkdir(parents=True, exist_ok=True)
    (project / name).write_text("mine", encoding="utf-8")
    before = contents(project)
    refused(rebuild(built, project, "--force"), 1, name, "did not make", "left alone")
    assert contents(project) == before


def test_foreign_folders_and_links_inside_save_the_project(built: Path, project: Path) -> None:
    (project / "empty").mkdir()
    refused(rebuild(built, project, "--force"), 1, "empty", "left alone")
    (project / "empty").rmdir()
    (project / "up").symlink_to("..")
    refused(rebuild(built, project, "--force"), 1, "up", "left alone")


def test_a_parent_that_cannot_be_written_is_one_error(built: Path, tmp_path: Path) -> None:
    parent = tmp_path / "closed"
    parent.mkdir(mode=0o555)
    if os.access(parent, os.W_OK):  # root may write anywhere, but not make files in /proc
        parent = Path("/proc")
    if os.geteuid() == 0 and not parent.joinpath("self").exists():
        pytest.skip("needs a folder that cannot be written")
    refused(rebuild(built, parent / "project"), 1, "cannot write", str(parent / "project"))
    refused(cli("csim", built, "--output", parent / "y.npy"), 2, "--output", "cannot write")
