"""Copies a bundle to a board with the user's own rsync or scp."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from bitfpga.errors import ToolError, UsageError
from bitfpga.tools import run_tool

COPY_LIMIT_S = 600.0
_SSH = "ssh -o BatchMode=yes -o ConnectTimeout=20"
# No letter here means anything to a shell, for the other side's shell reads the path.
_TARGET = re.compile(r"[A-Za-z0-9_][\w.-]{0,63}@[A-Za-z0-9][A-Za-z0-9.-]{0,253}:[\w./~-]{1,500}")


def check_target(target: str) -> None:
    """Raise ``UsageError`` unless ``target`` is ``user@host:path`` of plain letters."""
    path = target.partition(":")[2]
    if _TARGET.fullmatch(target) is None or not target.isascii() or path.startswith("-"):
        raise UsageError(
            f"--to {target!r}: give user@host:path of letters, digits and . _ - / ~ only"
        )


def copy_to(folder: Path, target: str) -> list[str]:
    """Copy the bundle ``folder`` into the folder ``user@host:path``; return the command used.

    ``UsageError`` for a target that is not one, ``ToolError`` where neither rsync nor scp is there
    or the copy fails. Passwords are not asked for: keys must be set up.
    """
    check_target(target)
    inside = target if target.endswith("/") else f"{target}/"
    if rsync := shutil.which("rsync"):
        command = [rsync, "-rtz", "-e", _SSH, "--", str(folder.absolute()), inside]
    elif scp := shutil.which("scp"):
        options = _SSH.split()[1:]
        command = [scp, *options, "-r", "-p", "--", str(folder.absolute()), inside]
    else:
        raise ToolError("--to needs rsync or scp on PATH; install one, or copy the folder yourself")
    try:
        run_tool(command, cwd=folder.absolute().parent, limit_s=COPY_LIMIT_S)
    except ToolError as error:
        login = target.partition(":")[0]
        raise ToolError(
            f"{error}\n  the bundle is whole in {folder}; if a password was needed: run "
            f"'ssh-copy-id {login}' once (PYNQ images: user xilinx), then again"
        ) from None
    return command
