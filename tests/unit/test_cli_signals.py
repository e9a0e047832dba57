"""Interrupted runs, and two at once: nothing half-written, nothing lost, nothing left running."""

from __future__ import annotations

import os
import shutil
import signal
from pathlib import Path

import pytest
from cli_runs import cli, contents, ended, small_mlp, start, wait_for

from bitfpga.project import build
from bitfpga.project_folder import CACHE, open_project


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_a_signal_while_planning_leaves_nothing(tmp_path: Path, number: int, code: int) -> None:
    before = (
        "import pathlib, time, bitfpga.project as p\n"
        "p.emit_sources = lambda *a, **k: (pathlib.Path('reached').touch(), time.sleep(60))"
    )
    network = small_mlp((3, 2)).save(tmp_path / "small.bitfpga")
    process = start("build", network, "-o", "new/deep", cwd=tmp_path, before=before)
    wait_for(tmp_path / "reached", process)
    process.send_signal(number)
    ran = ended(process)
    assert (ran.code, ran.out) == (code, "")
    assert ran.err == "interrupted; nothing was left half-written\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["reached", "small.bitfpga"]


def test_a_signal_that_is_ignored_stays_ignored(tmp_path: Path) -> None:
    before = (
        "import os, signal, bitfpga.project as p\n"
        "signal.signal(signal.SIGHUP, signal.SIG_IGN)\n"  # as nohup does
        "real = p.emit_sources\n"
        "p.emit_sources = lambda *a, **k: (os.kill(os.getpid(), signal.SIGHUP), real(*a, **k))[1]"
    )
    network = small_mlp((3, 2)).save(tmp_path / "small.bitfpga")
    ran = ended(start("build", network, "-o", "new", cwd=tmp_path, before=before))
    assert (ran.code, ran.err) == (0, "")


STOP_AT = """
import os, pathlib, shutil, signal, time

def stopping(real, n_before):
    calls = []
    def call(*arguments, **options):
        calls.append(arguments)
        if len(calls) == n_before + 1:
            pathlib.Path("reached").touch()
            time.sleep(60)
        return real(*arguments, **options)
    return call

def impatient(*arguments, real=shutil.rmtree, **options):
    os.kill(os.getpid(), signal.SIGINT)  # once more, while things are tidied up
    real(*arguments, **options)

shutil.rmtree = impatient
"""


@pytest.mark.parametrize(
    "patch",
    [
        "pathlib.Path.write_bytes = stopping(pathlib.Path.write_bytes, 0)",
        "pathlib.Path.write_bytes = stopping(pathlib.Path.write_bytes, 7)",
        "os.rename = stopping(os.rename, 0)",
        "os.rename = stopping(os.rename, 1)",  # the old project is away
    ],
)
def test_a_signal_while_writing_keeps_the_old_project(tmp_path: Path, patch: str) -> None:
    old = build(small_mlp((11, 5))).write(tmp_path / "project")
    before, network = contents(old), small_mlp().save(tmp_path / "small.bitfpga")
    arguments = ("build", network, "-o", "project", "--force")
    process = start(*arguments, cwd=tmp_path, before=STOP_AT + patch)
    wait_for(tmp_path / "reached", process)
    process.send_signal(signal.SIGINT)
    assert ended(process).code == 130
    assert contents(old) == before
    assert open_project(old).changed == ()
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["project", "reached", "small.bitfpga"]


def fake_compiler(folder: Path, body: str) -> dict[str, str]:
    path = folder / "fake-g++"
    path.write_text(
        "#!/bin/sh\n"
        'if [ "$1" = --version ]; then echo "g++ Free Software Foundation"; exit 0; fi\n'
        f"{body}\n",
        encoding="utf-8",
    )
    path.chmod(0o755)
    return {"CXX": str(path)}


def test_a_signal_while_compiling_ends_the_compiler(tmp_path: Path) -> None:
    folder = build(small_mlp()).write(tmp_path / "project")
    body = (
        "sleep 0.5\n"  # until bitfpga waits for the compiler, and not only starts it
        f"echo $$ > {tmp_path}/part; mv {tmp_path}/part {tmp_path}/pid\nexec sleep 60"
    )
    env = fake_compiler(tmp_path, body)
    process = start("csim", folder, "--output", "y.npy", cwd=tmp_path, env=env)
    wait_for(tmp_path / "pid", process)
    process.send_signal(signal.SIGINT)
    assert ended(process).code == 130
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["fake-g++", "pid", "project"]
    assert cli("csim", folder).code == 0


@pytest.mark.skipif(shutil.which("g++") is None, reason="needs g++")
def test_two_csims_at_once_do_not_disturb_each_other(tmp_path: Path) -> None:
    folder = build(small_mlp(n_vectors=3)).write(tmp_path / "project")
    # Each compiler writes its program, waits until the other has begun, and finishes.
    body = (
        f"echo begun > {tmp_path}/begun.$$\n"
        'for word; do last="$word"; done; echo rubbish > "$last"\n'
        f"while [ $(ls {tmp_path} | grep -c begun) -lt 2 ]; do sleep 0.02; done\n"
        'exec g++ "$@"'
    )
    env = fake_compiler(tmp_path, body)
    both = [start("csim", folder, "--json", cwd=tmp_path, env=env) for _ in range(2)]
    for process in both:
        ran = ended(process)
        assert ran.code == 0, ran
        assert ran.json["compiled"] is True
    (kept,) = (folder / CACHE).iterdir()
    assert sorted(path.name for path in kept.iterdir()) == ["compile.log", "simulate"]
