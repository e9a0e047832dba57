"""The page as a file: written whole or not at all, and never over what bitfpga did not make."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from bitfpga.errors import ProjectError
from bitfpga.project_folder import REPORT, ProjectFolder, is_report
from bitfpga.report.page import report_page

_REMEDY = "choose another file with --output"


def write_report(
    project: ProjectFolder, path: str | Path | None = None, *, force: bool = False
) -> Path:
    """Write the page of ``project`` to ``path`` (default: report.html in its folder).

    Returns the file. ``ProjectError`` as ``write_page``.
    """
    wanted = Path(project.path / REPORT if path is None else path).absolute()
    check_writable(wanted, force)
    return write_page(wanted, report_page(project.network, project.schedule), force=force)


def write_page(path: str | Path, page: bytes, *, force: bool = False) -> Path:
    """Write ``page`` to the file ``path``, links followed, and return it, absolute.

    A file that is no report of bitfpga's is only replaced with ``force``; what is no file, never.
    ``ProjectError`` then, and where ``path`` cannot be written.
    """
    given = Path(path).absolute()
    check_writable(given, force)
    try:
        target = Path(os.path.realpath(given))
        handle, partial = tempfile.mkstemp(dir=target.parent, prefix=".bitfpga-")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(page)
            os.chmod(partial, 0o644)
            check_writable(given, force)  # again: something may have come in between
            os.replace(partial, target)
        finally:
            Path(partial).unlink(missing_ok=True)
    except (OSError, ValueError) as error:  # ValueError: a null character in the name
        reason = getattr(error, "strerror", None) or str(error)
        raise ProjectError(f"cannot write {given}: {reason}; {_REMEDY}") from None
    return given


def check_writable(path: Path, force: bool) -> None:
    """Raise ``ProjectError`` where ``path`` exists, unless it is a report, or forced and a file."""
    if not os.path.exists(path):
        return
    if not path.is_file():
        raise ProjectError(f"{path} exists and is not a file; {_REMEDY}")
    if not force and not is_report(path):
        raise ProjectError(
            f"{path} exists and was not made by bitfpga; use --force to replace it, or {_REMEDY}"
        )
