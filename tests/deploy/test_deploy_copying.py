"""Copying a bundle to a board: the command, what is refused, what a failure says."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cli_runs import cli, refused, small_mlp

from bitfpga.deploy.copying import copy_to
from bitfpga.errors import ToolError, UsageError
from bitfpga.project import build

RECORD = """#!/bin/sh
for word in "$@"; do printf '%s\\n' "$word"; done > "{log}"
exit {code}
"""


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    return folder


def program(folder: Path, name: str, code: int = 0) -> Path:
    path, log = folder / name, folder / f"{name}.log"
    path.write_text(RECORD.format(log=log, code=code), encoding="utf-8")
    path.chmod(0o755)
    return log


def test_rsync_comes_first(programs: Path, tmp_path: Path) -> None:
    log = program(programs, "rsync")
    program(programs, "scp", code=1)
    folder = tmp_path / "a b:c; d"
    folder.mkdir()
    copy_to(folder, "xilinx@192.168.2.99:jupyter_notebooks/x")
    ssh = "ssh -o BatchMode=yes -o ConnectTimeout=20"
    words = ["-rtz", "-e", ssh, "--", str(folder), "xilinx@192.168.2.99:jupyter_notebooks/x/"]
    assert log.read_text("utf-8").splitlines() == words


def test_scp_where_there_is_no_rsync(programs: Path, tmp_path: Path) -> None:
    log = program(programs, "scp")
    copy_to(tmp_path, "me@pynq:~/x/")
    options = ["-o", "BatchMode=yes", "-o", "ConnectTimeout=20", "-r", "-p"]
    assert log.read_text("utf-8").splitlines() == [*options, "--", str(tmp_path), "me@pynq:~/x/"]


def test_without_either_it_says_so(programs: Path, tmp_path: Path) -> None:
    with pytest.raises(ToolError, match="needs rsync or scp"):
        copy_to(tmp_path, "me@pynq:x")


def test_a_failure_says_what_to_do(programs: Path, tmp_path: Path) -> None:
    program(programs, "rsync", code=255)
    with pytest.raises(ToolError, match="exit code 255") as caught:
        copy_to(tmp_path, "me@pynq:x")
    assert "'ssh-copy-id me@pynq'" in str(caught.value)


@pytest.mark.parametrize(
    "target",
    [
        "",
        "pynq",
        "pynq:x",
        "me@pynq",
        "me@pynq:",
        "-oProxyCommand=x@pynq:x",
        "me@-oProxyCommand=x:x",
        "me@pynq:x;reboot",
        "me@pynq:$(reboot)",
        "me@pynq:a b",
        "me@pynq:x\n",
        "me@pynq:-x",
        "me@pynq:`x`",
        "mé@pynq:x",
    ],
)
def test_what_is_no_target_is_refused(programs: Path, tmp_path: Path, target: str) -> None:
    log = program(programs, "rsync")
    with pytest.raises(UsageError, match="give user@host:path of letters"):
        copy_to(tmp_path, target)
    assert not log.exists()


def test_the_verb_copies_what_it_wrote(programs: Path, tmp_path: Path) -> None:
    log = program(programs, "rsync")
    project = build(small_mlp((5, 3))).write(tmp_path / "p")
    arguments = ("deploy", project, "-o", tmp_path / "b", "--json")
    ran = cli(*arguments, "--to", "me@pynq:x")
    assert ran.code == 0, ran
    assert json.loads(ran.out)["copied_to"] == "me@pynq:x"
    assert log.read_text("utf-8").splitlines()[-2:] == [str(tmp_path / "b"), "me@pynq:x/"]
    refused(cli("deploy", project, "-o", tmp_path / "c", "--to", "x"), 2, "user@host:path")
    assert not (tmp_path / "c").exists()
