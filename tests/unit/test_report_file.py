"""`bitfpga report --html`: where the page goes, and what it never replaces."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from cli_runs import cli, contents, refused, small_mlp

from bitfpga.boards import load_board
from bitfpga.errors import ProjectError
from bitfpga.ir import network_bytes
from bitfpga.plan import plan
from bitfpga.project import Project
from bitfpga.project_folder import check_replaceable, open_project
from bitfpga.report import report_page, write_report


@pytest.fixture
def project(tmp_path: Path) -> Path:
    network = small_mlp()
    schedule = plan(network, load_board("pynq-z2"))
    files = {
        "schedule.json": schedule.to_json().encode(),
        "network.bitfpga": network_bytes(network),
    }
    return Project(network, schedule, files).write(tmp_path / "build")


def test_the_page_goes_into_the_project(project: Path) -> None:
    plain = cli("report", project)
    ran = cli("report", project, "--html")
    written = project / "report.html"
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.splitlines() == [*plain.out.splitlines(), f"wrote {written}"]
    read = open_project(project)
    assert read.changed == ()
    assert written.read_bytes() == report_page(read.network, read.schedule)
    assert written.stat().st_mode & 0o777 == 0o644
    assert sorted(contents(project)) == [
        "manifest.json",
        "network.bitfpga",
        "report.html",
        "schedule.json",
    ]


def test_a_page_of_ours_is_replaced_and_goes_with_its_project(project: Path) -> None:
    written = project / "report.html"
    cli("report", project, "--html")
    page = written.read_bytes()
    written.write_bytes(page[:200])
    assert cli("report", project, "--html").code == 0
    assert written.read_bytes() == page
    check_replaceable(project, force=True)


@pytest.mark.parametrize("mine", [b"", b"<!DOCTYPE html>\n<p>my notes</p>", b"\xff\xfe\x00"])
def test_a_foreign_file_is_left_alone(project: Path, mine: bytes) -> None:
    written = project / "report.html"
    written.write_bytes(mine)
    for form in ((), ("--json",)):
        refused(cli("report", project, "--html", *form), 1, "report.html", "--force", "--output")
    assert written.read_bytes() == mine
    with pytest.raises(ProjectError, match=r"did not make \(report.html\)"):
        check_replaceable(project, force=True)
    assert cli("report", project, "--html", "--force").code == 0
    check_replaceable(project, force=True)


def test_the_page_goes_where_it_is_told(project: Path, tmp_path: Path) -> None:
    before = contents(project)
    for option, name in (("-o", "a.html"), ("--output", "ünï <b>.html")):
        ran = cli("report", project, "--html", option, tmp_path / name, "--json")
        assert ran.json["html"] == str(tmp_path / name)
        assert ran.json["network"] == "small"
        assert (tmp_path / name).read_bytes().startswith(b"<!DOCTYPE html>\n")
    assert contents(project) == before
    assert "html" not in cli("report", project, "--json").json


def test_what_is_no_file_is_never_replaced(project: Path, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    for name in ("folder", "pipe", "/dev/null"):
        for form in ((), ("--force",)):
            ran = cli("report", project, "--html", "-o", tmp_path / name, *form)
            refused(ran, 1, name, "is not a file", "--output")
    os.mkfifo(project / "report.html")
    with pytest.raises(ProjectError, match="did not make"):
        check_replaceable(project, force=True)


def test_links_are_followed_to_pages_only(project: Path, tmp_path: Path) -> None:
    target, link = tmp_path / "target.html", tmp_path / "link.html"
    target.write_text("mine", encoding="utf-8")
    link.symlink_to(target)
    refused(cli("report", project, "--html", "-o", link), 1, "not made by bitfpga")
    assert cli("report", project, "--html", "-o", link, "--force").code == 0
    assert link.is_symlink()
    assert target.read_bytes().startswith(b"<!DOCTYPE html>\n")
    (project / "report.html").symlink_to(target)
    with pytest.raises(ProjectError, match="did not make"):
        check_replaceable(project, force=True)


@pytest.mark.parametrize("name", ["absent/page.html", "x" * 300, "build/manifest.json/x"])
def test_places_that_cannot_be_written_are_one_error(
    project: Path, tmp_path: Path, name: str
) -> None:
    before = contents(tmp_path)
    refused(cli("report", project, "--html", "-o", f"{tmp_path}/{name}"), 1, "cannot write")
    with pytest.raises(ProjectError, match="cannot write"):
        write_report(open_project(project), tmp_path / f"{name}\0")
    assert contents(tmp_path) == before


def test_nothing_is_left_behind_where_writing_fails(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = contents(project)

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", fail)
    with pytest.raises(ProjectError, match="No space left"):
        write_report(open_project(project))
    assert contents(project) == before


@pytest.mark.parametrize("options", [("--force",), ("-o", "x.html"), ("-o", "x.html", "--json")])
def test_options_of_the_page_need_the_page(project: Path, options: tuple[str, ...]) -> None:
    refused(cli("report", project, *options), 2, "--html")
