"""The command line as a process: terminals, pipes, signals, and two of them at once."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import termios
from dataclasses import replace
from pathlib import Path

import pytest
from cli_runs import LIMIT_S, cli, ended, small_mlp, start

from bitfpga import __version__
from bitfpga.project import build


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a project that nobody has simulated, not to be changed."""
    network = small_mlp(n_vectors=3)
    folder = build(network).write(tmp_path_factory.mktemp("process") / "project")
    network.save(folder.parent / "small.bitfpga")
    return folder


def on_terminal(width: int, *arguments: object, cwd: Path, **env: str) -> tuple[int, str]:
    """Return exit code and all that is shown on a terminal of this many columns."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, width, 0, 0))
    streams = {"stdin": theirs, "stdout": theirs, "stderr": theirs}
    process = start(*arguments, cwd=cwd, env={"TERM": "xterm-256color", **env}, **streams)
    os.close(theirs)
    shown = b""
    try:
        while block := os.read(ours, 1 << 16):
            shown += block
    except OSError:  # Linux: EIO once the other end is closed
        pass
    os.close(ours)
    return process.wait(LIMIT_S), shown.decode()


def plain(shown: str) -> list[str]:
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown).replace("\r", "").splitlines()


def test_help_and_version(tmp_path: Path) -> None:
    version = ended(start("--version", cwd=tmp_path))
    assert (version.code, version.out) == (0, f"bitfpga {__version__}\n")
    alone = ended(start(cwd=tmp_path))
    assert "Usage: bitfpga [OPTIONS] COMMAND" in alone.out
    assert alone.err == ""
    for verb in ("build", "csim", "report", "demo"):
        assert re.search(rf"^│ {verb} ", alone.out, re.MULTILINE)


def test_help_says_units_and_defaults() -> None:
    text = " ".join(cli("build", "--help").out.replace("│", " ").split())
    for words in ("[default: pynq-z2]", "[default: build]", "[default: csd]", "period in ns"):
        assert words in text
    for words in ("latency in us", "samples/s", "(default: the board's)", "shortest interval"):
        assert words in text
    assert "--no-force" not in text


@pytest.mark.parametrize("width", [80, 200])
def test_on_a_terminal_no_figure_is_cut(project: Path, width: int) -> None:
    code, shown = on_terminal(width, "report", project, cwd=project.parent)
    lines = plain(shown)
    assert code == 0
    assert "\x1b[1m" in shown
    assert "…" not in shown
    assert max(map(len, lines)) <= width
    assert len([line for line in lines if "body.1" in line]) == (1 if width == 200 else 2)
    document = cli("report", project, "--json").json
    for layer in document["layers"]:
        row = " ".join(line for line in lines if layer["layer"] in line)
        for figure in (layer["taps"], layer["interval_cycles"], layer["estimate"]["luts"]):
            assert f" {figure:,} " in f"{row} "


def test_no_color_and_narrow_terminals(project: Path) -> None:
    _, shown = on_terminal(80, "report", project, cwd=project.parent, NO_COLOR="1")
    assert not re.search(r"\x1b\[[0-9;]*3[0-7]", shown)
    code, shown = on_terminal(30, "report", project, cwd=project.parent)
    assert code == 0
    assert "…" not in shown


def test_progress_is_shown_on_stderr_and_only_on_a_terminal(project: Path, tmp_path: Path) -> None:
    small = small_mlp((3, 2))
    network = project.parent / "small.bitfpga"
    markup = replace(small, layers=(replace(small.layers[0], origin="[/x]"),))
    for path in (network, markup.save(tmp_path / "markup.bitfpga")):
        code, shown = on_terminal(80, "build", path, "-o", "seen", "--force", cwd=tmp_path)
        assert code == 0, shown
        assert "building" in shown
    for form in ((), ("--json",)):
        ran = ended(start("build", network, "-o", "piped", "--force", *form, cwd=tmp_path))
        assert (ran.code, ran.err) == (0, "")
        assert "building" not in ran.out
        assert "\x1b" not in ran.out


def test_a_reader_that_goes_away_is_no_traceback(project: Path) -> None:
    for form in ((), ("--json",)):
        read, write = os.pipe()
        process = start("report", project, *form, cwd=project.parent, stdout=write)
        os.close(write)
        os.close(read)
        assert ended(process).err == ""


def test_a_full_disk_and_a_poor_encoding(project: Path) -> None:
    if Path("/dev/full").exists():
        with open("/dev/full", "w", encoding="utf-8") as full:
            ran = ended(start("report", project, cwd=project.parent, stdout=full))
        assert (ran.code, ran.err) == (1, "error: No space left on device\n")
    poor = {"PYTHONIOENCODING": "ascii"}
    ran = ended(start("report", "ünï", cwd=project.parent, env=poor))
    assert ran.code == 1
    assert ran.err.startswith(r"error: \xfcn\xef is not a bitfpga project")


def test_python_keeps_no_scratch_folders(tmp_path: Path) -> None:
    (tmp_path / "tmp").mkdir()
    network = small_mlp().save(tmp_path / "small.bitfpga")
    code = (
        "import bitfpga, os, numpy as np\n"
        f"project = bitfpga.build(bitfpga.Network.load({str(network)!r}))\n"
        "x = np.zeros((2, 11), np.int8)\n"
        "assert (project.csim(x) == bitfpga.run(project.network, x)).all()\n"
        "assert os.listdir(os.environ['TMPDIR'])\n"
    )
    ran = ended(
        start("--version", cwd=tmp_path, before=code, env={"TMPDIR": str(tmp_path / "tmp")})
    )
    assert ran.code == 0, ran
    assert list((tmp_path / "tmp").iterdir()) == []
    assert sorted(path.name for path in tmp_path.iterdir()) == ["small.bitfpga", "tmp"]
