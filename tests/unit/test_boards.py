"""The shipped boards are right, and a user's own file is read strictly and judged as a whole."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from bitfpga.boards import MAX_FILE_BYTES, Board, board_names, load_board
from bitfpga.errors import BoardError

CHIPS = {  # data sheets DS190, DS891, DS987: luts, ffs, bram36, uram, dsps
    "xc7z020": (53_200, 106_400, 140, 0, 220),
    "xczu7ev": (230_400, 460_800, 312, 96, 1_728),
    "xczu3eg": (70_560, 141_120, 216, 0, 360),
    "xck26": (117_120, 234_240, 144, 64, 1_248),
}
BOARDS = {
    "kr260": "xck26-sfvc784-2LV-c",
    "kv260": "xck26-sfvc784-2LV-c",
    "pynq-z1": "xc7z020clg400-1",
    "pynq-z2": "xc7z020clg400-1",
    "ultra96v2": "xczu3eg-sbva484-1-i",
    "zcu104": "xczu7ev-ffvc1156-2-e",
    "zedboard": "xc7z020clg484-1",
    "zybo-z7-20": "xc7z020clg400-1",
}
GOOD: dict[str, Any] = {
    "name": "mine",
    "title": "My board (Zürich)",
    "part": "xc7z020clg400-1",
    "family": "zynq7000",
    "clock_ns": 8,
    "luts": 53_201,
    "ffs": 106_403,
    "bram36": 141,
    "uram": 0,
    "dsps": 223,
    "hp_port_bits": 64,
    "pynq": ["2.7", "3.0.1"],
}


def write(folder: Path, **changes: Any) -> Path:
    """Return a board file made of GOOD with changes; a value of None leaves the key out."""
    table = {key: value for key, value in {**GOOD, **changes}.items() if value is not None}
    lines = [f"{key} = {toml(value)}" for key, value in table.items()]
    path = folder / "mine.toml"
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def toml(value: Any) -> str:
    """Return the value as TOML writes it."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, (int, float, list)) else f'"{value}"'


def refusal(name_or_path: str | Path) -> str:
    """Return the message of the one BoardError that loading ends in."""
    with pytest.raises(BoardError) as caught:
        load_board(name_or_path)
    return str(caught.value)


def test_the_shipped_boards_are_these() -> None:
    assert board_names() == tuple(sorted(BOARDS))


@pytest.mark.parametrize("name", BOARDS)
def test_a_shipped_board_has_its_chip(name: str) -> None:
    board = load_board(name)
    chip = next(chip for chip in CHIPS if board.part.startswith(chip))
    assert (board.name, board.part) == (name, BOARDS[name])
    assert (board.luts, board.ffs, board.bram36, board.uram, board.dsps) == CHIPS[chip]
    is_7000 = chip == "xc7z020"
    assert board.family == ("zynq7000" if is_7000 else "zynqus")
    assert board.hp_port_bits == (64 if is_7000 else 128)
    assert (board.clock_ns, board.clock_mhz) == ((10.0, 100.0) if is_7000 else (5.0, 200.0))
    assert board.pynq
    assert not (is_7000 and "4.0" in board.pynq), "pynq 4 has dropped Zynq-7000"


def test_an_own_board_is_read_by_path_and_by_text(tmp_path: Path) -> None:
    path = write(tmp_path)
    board = load_board(path)
    assert board == load_board(str(path))
    rest = {"pynq": ("2.7", "3.0.1"), "board_part": None, "ps": None}
    assert board.model_dump() == {**GOOD, **rest}


def test_a_board_cannot_be_changed() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        load_board("pynq-z2").luts = 1


@pytest.mark.parametrize(
    ("name", "suggestion"),
    [
        ("pynq_z2", "; did you mean 'pynq-z2'?"),
        ("ZCU-104", "; did you mean 'zcu104'?"),
        ("artix", ""),
        ("", ""),
        ("x" * 100_000, ""),
    ],
)
def test_an_unknown_name_lists_the_known_ones(name: str, suggestion: str) -> None:
    shown = repr(name) if len(name) < 50 else repr(name)[:57] + "..."
    assert refusal(name) == (
        f"no board is called {shown}{suggestion}; known boards: kr260, kv260, pynq-z1, pynq-z2, "
        "ultra96v2, zcu104, zedboard, zybo-z7-20; or give the path of your own board file (.toml)"
    )


def test_all_problems_of_a_file_come_at_once(tmp_path: Path) -> None:
    path = write(tmp_path, luts="53k", ffs=None, dsps=-3, dps=3, hp_port_bits=48, family="zynqus")
    assert refusal(path).splitlines() == [
        f"board file {path}: 6 problems",
        "  luts: got '53k'; allowed: a whole number from 1 to 10,000,000",
        "  ffs: missing; allowed: a whole number from 1 to 10,000,000",
        "  dsps: got -3; allowed: a whole number from 0 to 10,000,000",
        "  hp_port_bits: got 48; allowed: 32, 64 or 128",
        "  dps: unknown key; did you mean 'dsps'?",
        "  family: got 'zynqus'; part 'xc7z020clg400-1' is of family 'zynq7000'",
    ]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("name", "My Board"),
        ("name", "mine; exit"),
        ("title", "a]b[exec rm"),
        ("title", ""),
        ("part", "xc7z020clg400-1;exit"),
        ("part", "xc7z020clg400-1\\n"),
        ("family", "versal"),
        ("clock_ns", 0.0),
        ("clock_ns", float("nan")),
        ("clock_ns", "10"),
        ("luts", 0),
        ("luts", 53_200.0),
        ("ffs", True),
        ("bram36", 10_000_001),
        ("pynq", "2.7"),
        ("pynq", ["two"]),
        ("pynq", [2.7]),
    ],
)
def test_one_wrong_value_is_the_one_problem(tmp_path: Path, key: str, value: Any) -> None:
    path = write(tmp_path, **{key: value})
    heading, problem = refusal(path).splitlines()
    assert heading == f"board file {path}: 1 problem"
    assert re.match(rf"^  {key}(\.0)?: got .*; allowed: .+$", problem)


def test_every_key_says_what_is_allowed(tmp_path: Path) -> None:
    path = tmp_path / "empty.toml"
    path.write_text("", encoding="utf-8")
    lines = refusal(path).splitlines()[1:]
    needed = [name for name, field in Board.model_fields.items() if field.is_required()]
    assert [line.split(":")[0].strip() for line in lines] == needed
    assert all("missing; allowed: " in line for line in lines)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"name = 'Z\xfcrich'", "is not UTF-8 text (byte 9); save it as UTF-8"),
        (b"name = ", "is not valid TOML: "),
        (b"\x00", "is not valid TOML: "),
        (b"a = " + b"[" * 20_000, "is not valid TOML: "),
        (b"a = " + b"9" * 10_000, "is not valid TOML: "),
        (b"#" * (MAX_FILE_BYTES + 1), "is larger than 64 KiB; a board file holds about 40 lines"),
    ],
)
def test_what_is_no_small_toml_text_is_refused(tmp_path: Path, content: bytes, reason: str) -> None:
    path = tmp_path / "odd.toml"
    path.write_bytes(content)
    assert refusal(path).startswith(f"board file {path} {reason}")


def test_a_file_of_the_largest_size_is_read(tmp_path: Path) -> None:
    path = write(tmp_path)
    text = path.read_bytes() + b"\n#"
    path.write_bytes(text + b"x" * (MAX_FILE_BYTES - len(text)))
    assert load_board(path).name == "mine"


@pytest.mark.parametrize("name", ["absent.toml", ".", "a/b/../c.toml", "bad\0.toml"])
def test_a_path_that_is_no_file_is_refused(tmp_path: Path, name: str) -> None:
    path = f"{tmp_path}/{name}"
    assert refusal(path).startswith(f"cannot read board file {str(Path(path))!r}: ")


def test_a_strange_key_cannot_break_the_lines_of_the_message(tmp_path: Path) -> None:
    path = write(tmp_path)
    path.write_text(
        path.read_text(encoding="utf-8") + '\n"a\\nb\\u001b[1m" = 1\n', encoding="utf-8"
    )
    assert refusal(path).splitlines()[1:] == [r"  a\nb\x1b[1m: unknown key"]


SYSTEM = """
[ps]
ip = "processing_system7"
external = ["DDR"]
clock = "FCLK_CLK1"
clock_setting = "PCW_FPGA1_PERIPHERAL_FREQMHZ"
reset = "FCLK_RESET1_N"
control_port = "M_AXI_GP1"
interconnect = "smartconnect"
[ps.config]
PCW_USE_M_AXI_GP1 = "1"
[[ps.memory_ports]]
name = "S_AXI_HP3"
config = { PCW_USE_S_AXI_HP3 = "1" }
"""


def with_system(folder: Path, old: str = "", new: str = "", **changes: Any) -> Path:
    """Return a board file with a processing system, in which ``old`` is replaced by ``new``."""
    path = write(folder, **changes)
    assert old in SYSTEM
    text = path.read_text(encoding="utf-8") + SYSTEM.replace(old, new, 1)
    path.write_text(text, encoding="utf-8")
    return path


def test_an_own_processing_system_is_read_and_survives_json(tmp_path: Path) -> None:
    board = load_board(with_system(tmp_path, board_part="a.b:c-d:part0"))
    assert board.ps is not None
    assert (board.board_part, board.ps.clock, board.ps.external) == (
        "a.b:c-d:part0",
        "FCLK_CLK1",
        ("DDR",),
    )
    assert [port.name for port in board.ps.memory_ports] == ["S_AXI_HP3"]
    assert Board.model_validate(board.model_dump(mode="json")) == board


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        (
            'ip = "processing_system7"',
            'ip = "microblaze"',
            "ps.ip: got 'microblaze'; allowed: 'processing_system7' or 'zynq_ultra_ps_e'",
        ),
        (
            'ip = "processing_system7"',
            'ip = "zynq_ultra_ps_e"',
            "ps.ip: got 'zynq_ultra_ps_e'; family 'zynq7000' has 'processing_system7'",
        ),
        (
            'clock = "FCLK_CLK1"\n',
            "",
            "ps.clock: missing; allowed: a name of 1 to 80 letters, digits and _",
        ),
        (
            'reset = "FCLK_RESET1_N"',
            'reset = "a b"',
            "ps.reset: got 'a b'; allowed: a name of 1 to 80 letters, digits and _",
        ),
        (
            'external = ["DDR"]',
            'external = ["DDR]"]',
            "ps.external.0: got 'DDR]'; allowed: a list of at most 8 interfaces such as "
            '["FIXED_IO", "DDR"]',
        ),
        (
            "control_port",
            "controlport",
            "ps.controlport: unknown key; did you mean 'control_port'?",
        ),
        (
            'PCW_USE_M_AXI_GP1 = "1"',
            "PCW_USE_M_AXI_GP1 = 1",
            "ps.config.PCW_USE_M_AXI_GP1: got 1; allowed: settings of the IP, each a text such as "
            'PCW_USE_M_AXI_GP0 = "1"',
        ),
        (
            'PCW_USE_M_AXI_GP1 = "1"',
            "\"x y\" = '1'",
            "ps.config.x y: got 'x y'; allowed: a name of 1 to 80 letters, digits and _",
        ),
        (
            'name = "S_AXI_HP3"',
            'name = "S_AXI_HP3"\nbits = 64',
            "ps.memory_ports.0.bits: unknown key",
        ),
        (
            '{ PCW_USE_S_AXI_HP3 = "1" }',
            '{ PCW_USE_S_AXI_HP3 = "1]" }',
            "ps.memory_ports.0.config.PCW_USE_S_AXI_HP3: got '1]'; allowed: settings of the IP, "
            'each a text such as PCW_USE_M_AXI_GP0 = "1"',
        ),
    ],
)
def test_a_wrong_processing_system_is_refused(
    tmp_path: Path, old: str, new: str, problem: str
) -> None:
    found = refusal(with_system(tmp_path, old, new)).splitlines()[1:]
    assert f"  {problem}" in found
    assert len(found) == (2 if "controlport" in problem else 1)


def test_a_processing_system_without_a_way_to_memory_is_refused(tmp_path: Path) -> None:
    path = with_system(tmp_path)
    text, _, _ = path.read_text(encoding="utf-8").partition("[ps.config]")
    path.write_text(f"{text}memory_ports = []\nconfig = {{}}\n", encoding="utf-8")
    assert refusal(path).splitlines()[1:] == [
        "  ps.memory_ports: none; allowed: 1 to 8 tables [[ps.memory_ports]] with name and config"
    ]


def test_problems_of_all_tables_come_at_once(tmp_path: Path) -> None:
    path = with_system(tmp_path, 'clock = "FCLK_CLK1"', "clock = 7", luts=0, board_part="pynq-z2")
    assert [line.split(":")[0] for line in refusal(path).splitlines()[1:]] == [
        "  luts",
        "  board_part",
        "  ps.clock",
    ]


@pytest.mark.parametrize("name", BOARDS)
def test_a_shipped_board_has_all_that_a_bitstream_needs(name: str) -> None:
    board = load_board(name)
    assert board.ps is not None
    assert board.board_part is not None
    is_7000 = board.family == "zynq7000"
    assert board.ps.ip == ("processing_system7" if is_7000 else "zynq_ultra_ps_e")
    assert board.ps.external == (("FIXED_IO", "DDR") if is_7000 else ())
    assert board.ps.clock_setting not in board.ps.config, "the project sets the clock"
    names = [port.name for port in board.ps.memory_ports]
    assert names == [f"S_AXI_HP{n}{'' if is_7000 else '_FPD'}" for n in range(3)]
    for n, port in enumerate(board.ps.memory_ports):
        width = f"PCW_S_AXI_HP{n}_DATA_WIDTH" if is_7000 else f"PSU__SAXIGP{n + 2}__DATA_WIDTH"
        use = f"PCW_USE_S_AXI_HP{n}" if is_7000 else f"PSU__USE__S_AXI_GP{n + 2}"
        assert port.config == {use: "1", width: str(board.hp_port_bits)}
