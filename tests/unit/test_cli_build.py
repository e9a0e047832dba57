"""`bitfpga build` and `bitfpga report`: what they print, and what they refuse."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from cli_runs import cli, contents, refused, small_mlp

from bitfpga.ir import MaxPool, Network, TensorType
from bitfpga.paths import boards_dir
from bitfpga.project_folder import open_project


@pytest.fixture
def network(tmp_path: Path) -> Path:
    return small_mlp().save(tmp_path / "small.bitfpga")


def built_plainly(network: Path, folder: Path) -> Path:
    assert cli("build", network, "-o", folder).code == 0
    return folder


def test_build_prints_the_schedule_and_the_next_command(network: Path, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    ran = cli("build", network, "-o", folder)
    assert (ran.code, ran.err) == (0, "")
    lines = ran.out.splitlines()
    assert lines[0] == "small on pynq-z2 (xc7z020clg400-1) at 10 ns, csd digits"
    for word in ("body.0", "body.1", "body.2", "whole design", "digits/", "BRAM36", "samples/s"):
        assert word in ran.out
    assert lines[-2:] == [
        f"wrote {len(contents(folder))} files to {folder}",
        f"next: bitfpga csim {folder}",
    ]
    assert "\x1b" not in ran.out


def test_report_prints_what_build_printed(network: Path, tmp_path: Path) -> None:
    built = cli("build", network, "-o", tmp_path / "out").out.splitlines()[:-2]
    assert cli("report", tmp_path / "out").out.splitlines() == built


def test_json_of_report_is_that_of_build(network: Path, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    built = cli("build", network, "-o", folder, "--json")
    assert built.err == ""
    assert built.json["folder"] == str(folder)
    assert cli("report", folder, "--json").json == {**built.json, "changed": []}


def test_every_setting_reaches_the_schedule(network: Path, tmp_path: Path) -> None:
    settings = ("--board", "zcu104", "--clock-ns", "4.5", "--number-system", "binary")
    ran = cli("build", network, "-o", tmp_path / "out", *settings)
    assert ran.out.startswith("small on zcu104 (xczu7ev-ffvc1156-2-e) at 4.5 ns, binary digits")
    document = cli("report", tmp_path / "out", "--json").json
    assert (document["board"], document["clock_ns"]) == ("zcu104", 4.5)
    assert document["number_system"] == "binary"
    plain = cli("build", network, "-o", tmp_path / "csd", "--json").json
    assert document["adds_per_sample"] > plain["adds_per_sample"]


def test_the_interface_is_chosen_and_kept(network: Path, tmp_path: Path) -> None:
    for kind in ("m_axi", "axi_dma"):
        folder = tmp_path / kind
        assert cli("build", network, "-o", folder, "--interface", kind).code == 0
        opened = open_project(folder).interface
        assert opened is not None
        assert opened.kind == kind
        assert cli("csim", folder).code == 0
        boxes = tmp_path / f"{kind}-boxes"
        assert cli("synth", folder, "--tool", "black-box", "-o", boxes).code == 0
        assert open_project(boxes).interface == opened
    plain = open_project(built_plainly(network, tmp_path / "plain")).interface
    assert plain == open_project(tmp_path / "m_axi").interface != opened
    refused = cli("build", network, "-o", tmp_path / "no", "--interface", "axis")
    assert refused.code == 2
    assert not (tmp_path / "no").exists()


def test_a_project_of_verilog_has_no_such_interface(network: Path, tmp_path: Path) -> None:
    folder = built_plainly(network, tmp_path / "out")
    assert cli("synth", folder, "--tool", "verilog", "-o", tmp_path / "verilog").code == 0
    assert not (tmp_path / "verilog" / "interface.json").exists()
    assert open_project(tmp_path / "verilog").interface is None


def test_targets_are_reached_by_a_smaller_design(network: Path, tmp_path: Path) -> None:
    fastest = cli("build", network, "-o", tmp_path / "fast", "--json").json
    slow_us = 3 * fastest["latency_us"]
    latency = cli(
        "build", network, "-o", tmp_path / "a", "--json", "--target-latency-us", slow_us
    ).json
    assert fastest["latency_us"] < latency["latency_us"] <= slow_us
    assert latency["estimate"]["luts"] < fastest["estimate"]["luts"]
    wanted = fastest["samples_per_second"] / 4
    rate = cli("build", network, "-o", tmp_path / "b", "--json", "--target-fps", wanted).json
    assert rate["samples_per_second"] >= wanted
    assert rate["estimate"]["luts"] < fastest["estimate"]["luts"]


def test_a_users_own_board_file_is_read(network: Path, tmp_path: Path) -> None:
    text = (boards_dir() / "zedboard.toml").read_text(encoding="utf-8")
    own = tmp_path / "own.toml"
    own.write_text(re.sub("(?m)^name = .*$", 'name = "own-board"', text, count=1), encoding="utf-8")
    ran = cli("build", network, "-o", tmp_path / "out", "--board", own, "--json")
    assert ran.json["board"] == "own-board"


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("--board", "pynq-z3"), 1, ("did you mean 'pynq-z2'?", "zcu104")),
        (("--board", "absent.toml"), 1, ("absent.toml",)),
        (("--clock-ns", "nan"), 1, ("--clock-ns",)),
        (("--clock-ns", "-1"), 1, ("--clock-ns",)),
        (("--clock-ns", "0"), 1, ("--clock-ns",)),
        (("--clock-ns", "0.5"), 1, ("--clock-ns", "1 to 1000")),
        (("--clock-ns", "1e9"), 1, ("--clock-ns", "1 to 1000")),
        (("--target-fps", "nan"), 1, ("--target-fps",)),
        (("--target-fps", "-2"), 1, ("--target-fps",)),
        (("--target-fps", "inf"), 1, ("--target-fps",)),
        (("--target-latency-us", "nan"), 1, ("--target-latency-us",)),
        (("--target-latency-us", "0"), 1, ("--target-latency-us",)),
        (("--target-fps", "1e12"), 1, ("out of reach", "the best that fits", "--board")),
        (("--target-latency-us", "1e-3"), 1, ("out of reach", "the best that fits", "--board")),
        (("--target-latency-us", "5", "--target-fps", "5"), 2, ("not both",)),
    ],
)
def test_bad_settings_are_one_error(
    network: Path, tmp_path: Path, arguments: tuple[str, ...], code: int, words: tuple[str, ...]
) -> None:
    for form in ((), ("--json",)):
        refused(cli("build", network, "-o", tmp_path / "out", *arguments, *form), code, *words)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ("build",),
        ("build", "a.bitfpga", "--nonsense"),
        ("build", "a.bitfpga", "--clock-ns", "fast"),
        ("build", "a.bitfpga", "--number-system", "ternary"),
        ("csim",),
        ("nonsense",),
        ("report", "a", "b"),
    ],
)
def test_usage_errors_end_with_2(arguments: tuple[str, ...]) -> None:
    ran = cli(*arguments)
    assert (ran.code, ran.out) == (2, "")
    assert "Usage: bitfpga" in ran.err
    assert "Traceback" not in ran.err


def test_a_board_too_small_says_by_how_much(network: Path, tmp_path: Path) -> None:
    text = (boards_dir() / "pynq-z2.toml").read_text(encoding="utf-8")
    tiny = tmp_path / "tiny.toml"
    tiny.write_text(re.sub("(?m)^luts = .*$", "luts = 100", text), encoding="utf-8")
    ran = cli("build", network, "-o", tmp_path / "out", "--board", tiny)
    refused(ran, 1, "too small", "luts of", "too many", "--board")
    assert not (tmp_path / "out").exists()


def test_a_broken_board_file_lists_all_that_is_wrong(network: Path, tmp_path: Path) -> None:
    text = (boards_dir() / "pynq-z2.toml").read_text(encoding="utf-8")
    bad = tmp_path / "bad.toml"
    bad.write_text(re.sub("(?m)^luts = .*$", "lutz = -3", text), encoding="utf-8")
    ran = cli("build", network, "-o", tmp_path / "out", "--board", bad)
    refused(ran, 1, "luts", "missing", "lutz", "unknown key")
    bad.write_text("name = [", encoding="utf-8")
    refused(cli("build", network, "-o", tmp_path / "out", "--board", bad), 1, "not valid TOML")


def test_a_layer_without_hardware_is_named(tmp_path: Path) -> None:
    source, output = TensorType((3, 3, 3, 2), 8, True), TensorType((3, 2, 2, 1), 8, True)
    window = {"kernel": (2, 2, 2), "stride": (1, 1, 1), "dilation": (1, 1, 1)}
    pool = MaxPool("p", ("input",), output, "net.pool", padding=((0, 0),) * 3, **window)
    network = Network("deep", source, (pool,)).save(tmp_path / "deep.bitfpga")
    refused(cli("build", network, "-o", tmp_path / "out"), 1, "'net.pool' pools over 3 axes")
    assert not (tmp_path / "out").exists()


def test_what_is_not_a_network_is_one_error(network: Path, tmp_path: Path) -> None:
    text, cut = tmp_path / "text.bitfpga", tmp_path / "cut.bitfpga"
    text.write_text("hello", encoding="utf-8")
    cut.write_bytes(network.read_bytes()[:900])
    for path in (tmp_path / "absent.bitfpga", text, cut, tmp_path):
        refused(cli("build", path, "-o", tmp_path / "out"), 1, str(path))
    assert not (tmp_path / "out").exists()


def test_out_of_memory_is_one_error(
    network: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def build(*arguments: object, **options: object) -> None:
        raise MemoryError

    monkeypatch.setattr("bitfpga.cli.build", build)
    refused(cli("build", network, "-o", tmp_path / "out"), 1, "out of memory")


def test_the_folder_is_refused_before_the_work(network: Path, tmp_path: Path) -> None:
    (tmp_path / "taken").mkdir()
    ran = cli("build", tmp_path / "absent.bitfpga", "-o", tmp_path / "taken")
    refused(ran, 1, "taken", "not made by bitfpga")


@pytest.mark.parametrize(
    "name", ["with space", "ünï ✓", "it's", "-leading", "[bold]x[i]", "n" * 255]
)
def test_any_folder_name_works(
    network: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    ran = cli("build", network, "-o", name)
    assert ran.code == 0, ran
    assert f"files to {tmp_path / name}\n" in ran.out
    typed = ran.out.splitlines()[-1].removeprefix("next: bitfpga csim ")
    (word,) = shlex.split(typed)
    assert cli("report", word, "--json").json["folder"] == str(tmp_path / name)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([name, "small.bitfpga"])


def test_a_folder_name_of_256_characters_is_one_error(network: Path, tmp_path: Path) -> None:
    refused(cli("build", network, "-o", tmp_path / ("n" * 256)), 1, "File name too long")
    assert [path.name for path in tmp_path.iterdir()] == ["small.bitfpga"]
