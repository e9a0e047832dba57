"""What each supported board offers, read from one small TOML file a board.

The shipped files are ``overlays/boards/*.toml``; a user's own file has the same keys and is named
by its path.
"""

from __future__ import annotations

import difflib
import os
import sys
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bitfpga.errors import BoardError
from bitfpga.paths import boards_dir

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

MAX_FILE_BYTES = 64 * 1024

Family = Literal["zynq7000", "zynqus"]
Count = Annotated[int, Field(ge=0, le=10_000_000)]
Version = Annotated[str, Field(pattern=r"^[0-9]{1,4}(\.[0-9]{1,4}){1,2}$")]
Word = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,79}$")]
Setting = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.:+-]{1,80}$")]
BoardPart = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{1,40}(:[A-Za-z0-9_.-]{1,40}){2}$")]

_PS_IPS = {"zynq7000": "processing_system7", "zynqus": "zynq_ultra_ps_e"}
_PART_PREFIXES: dict[str, Family] = {"xc7z": "zynq7000", "xczu": "zynqus", "xck": "zynqus"}


class _Table(BaseModel):
    """A table of a board file: no other keys, no value of another type, not changed later."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class MemoryPort(_Table):
    """A slave port of the processing system into its memory; ``config`` switches it on."""

    name: Word
    config: dict[Word, Setting]


class ProcessingSystem(_Table):
    """What the block design must know of the processing system: names and settings of its IP.

    ``external``: interfaces that are pins of the chip. ``clock`` and ``reset`` are pins towards the
    logic, ``clock_setting`` takes the clock's frequency in MHz. ``interconnect``: the IP to use
    between buses where Vivado has it.
    """

    ip: Literal["processing_system7", "zynq_ultra_ps_e"]
    external: Annotated[tuple[Word, ...], Field(strict=False, max_length=8)] = ()
    clock: Word
    clock_setting: Word
    reset: Word
    control_port: Word
    interconnect: Literal["axi_interconnect", "smartconnect"]
    config: dict[Word, Setting]
    memory_ports: Annotated[tuple[MemoryPort, ...], Field(strict=False, max_length=8)]


class Board(_Table):
    """One board: its chip's part number and resources, and what the board adds to them.

    Only a bitstream needs ``ps``. ``board_part``, without its version, names the vendor's board
    files: where Vivado has them, their preset of the processing system is applied first.
    """

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,39}$")]
    title: Annotated[str, Field(pattern=r"^[\w ()+.,/-]{1,80}$")]
    part: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9-]{3,39}$")]
    family: Family
    clock_ns: Annotated[float, Field(ge=1.0, le=1000.0)]
    luts: Annotated[Count, Field(ge=1)]
    ffs: Annotated[Count, Field(ge=1)]
    bram36: Count
    uram: Count
    dsps: Count
    hp_port_bits: Literal[32, 64, 128]
    pynq: Annotated[tuple[Version, ...], Field(strict=False)]
    board_part: BoardPart | None = None
    ps: ProcessingSystem | None = None

    @property
    def clock_mhz(self) -> float:
        """Return the default clock of the programmable logic in MHz."""
        return 1000.0 / self.clock_ns


def board_names() -> tuple[str, ...]:
    """Return the names of the shipped boards, sorted; ProjectError if the folder is missing."""
    return tuple(sorted(path.stem for path in boards_dir().glob("*.toml")))


def load_board(name_or_path: str | Path) -> Board:
    """Return the shipped board of that name, or the board in a TOML file of the user.

    A ``Path``, a name that ends in ``.toml`` and a name with a path separator are files. An unknown
    name, and all faults of a file together, end in one BoardError.
    """
    if isinstance(name_or_path, Path) or _looks_like_path(name_or_path):
        return _read_board(Path(name_or_path))
    names = board_names()
    if name_or_path not in names:
        raise BoardError(
            f"no board is called {_short(name_or_path)}{_suggestion(name_or_path, names)}; "
            f"known boards: {', '.join(names)}; or give the path of your own board file (.toml)"
        )
    return _read_board(boards_dir() / f"{name_or_path}.toml")


def _looks_like_path(text: str) -> bool:
    """Return whether ``text`` names a file and not a shipped board."""
    return text.endswith(".toml") or "/" in text or os.sep in text


def _read_board(path: Path) -> Board:
    """Return the board that the file describes; BoardError lists all that is wrong with it."""
    raw = _parse(path)
    try:
        board, problems = Board.model_validate(raw), []
    except ValidationError as error:
        board, problems = None, [_problem(detail) for detail in error.errors(include_url=False)]
    problems += _family_problems(raw)
    if board is None or problems:
        count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
        raise BoardError(f"board file {path}: {count}" + "".join(f"\n  {p}" for p in problems))
    return board


def _parse(path: Path) -> dict[str, Any]:
    """Return the file's table; BoardError if it cannot be read as a small UTF-8 TOML file."""
    try:
        with path.open("rb") as stream:
            data = stream.read(MAX_FILE_BYTES + 1)
    except (OSError, ValueError) as error:  # ValueError: a null character in the name
        reason = getattr(error, "strerror", None) or str(error)
        raise BoardError(f"cannot read board file {str(path)!r}: {reason}") from error
    if len(data) > MAX_FILE_BYTES:
        raise BoardError(
            f"board file {path} is larger than {MAX_FILE_BYTES // 1024} KiB; "
            "a board file holds about 40 lines: is this the right file?"
        )
    try:
        return tomllib.loads(data.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise BoardError(
            f"board file {path} is not UTF-8 text (byte {error.start}); save it as UTF-8"
        ) from error
    except (tomllib.TOMLDecodeError, RecursionError, ValueError) as error:
        raise BoardError(f"board file {path} is not valid TOML: {error}") from error


def _problem(detail: Any) -> str:
    """Return one line for one pydantic error: the key, what it holds, what is allowed."""
    key = ".".join(str(step) for step in detail["loc"] if step != "[key]")
    if detail["type"] == "missing":
        return f"{_short(key, quote=False)}: missing; {_allowed(detail)}"
    if detail["type"] == "extra_forbidden":
        hint = _suggestion(str(detail["loc"][-1]), _known_keys(detail["loc"][:-1]))
        return f"{_short(key, quote=False)}: unknown key{hint}"
    return f"{_short(key, quote=False)}: got {_short(detail['input'])}; {_allowed(detail)}"


def _known_keys(table: tuple[int | str, ...]) -> tuple[str, ...]:
    """Return the keys of the table at that place of the file."""
    models: dict[tuple[str, ...], type[BaseModel]] = {
        (): Board,
        ("ps",): ProcessingSystem,
        ("ps", "memory_ports"): MemoryPort,
    }
    return tuple(models[tuple(str(step) for step in table if isinstance(step, str))].model_fields)


def _allowed(detail: Any) -> str:
    """Return what a key may hold, from its own description or else in pydantic's words."""
    steps = [step for step in detail["loc"] if isinstance(step, str)]
    if "[key]" in steps:
        return f"allowed: {_WORD_TEXT}"
    named = ".".join(steps)
    text = _ALLOWED.get(named) or _ALLOWED.get(named.rpartition(".")[0])
    return f"allowed: {text}" if text else str(detail["msg"])


_COUNT_TEXT = "a whole number from 0 to 10,000,000"
_WORD_TEXT = "a name of 1 to 80 letters, digits and _"
_CONFIG_TEXT = 'settings of the IP, each a text such as PCW_USE_M_AXI_GP0 = "1"'
_ALLOWED = {
    "name": "1 to 40 of a-z 0-9 _ -, a letter or digit first",
    "title": "1 to 80 letters, digits, spaces and ( ) + . , / - _",
    "part": "a part number such as 'xc7z020clg400-1': 4 to 40 letters, digits and -",
    "family": "'zynq7000' or 'zynqus'",
    "clock_ns": "a number of nanoseconds from 1.0 to 1000.0",
    "luts": _COUNT_TEXT.replace("0 to", "1 to", 1),
    "ffs": _COUNT_TEXT.replace("0 to", "1 to", 1),
    "bram36": _COUNT_TEXT,
    "uram": _COUNT_TEXT,
    "dsps": _COUNT_TEXT,
    "hp_port_bits": "32, 64 or 128",
    "pynq": 'a list of PYNQ versions such as ["2.7", "3.0.1"]',
    "board_part": "vendor:board:part such as 'tul.com.tw:pynq-z2:part0', without a version",
    "ps": "a table [ps]; see overlays/boards/pynq-z2.toml",
    "ps.ip": "'processing_system7' or 'zynq_ultra_ps_e'",
    "ps.external": 'a list of at most 8 interfaces such as ["FIXED_IO", "DDR"]',
    "ps.clock": _WORD_TEXT,
    "ps.clock_setting": _WORD_TEXT,
    "ps.reset": _WORD_TEXT,
    "ps.control_port": _WORD_TEXT,
    "ps.interconnect": "'axi_interconnect' or 'smartconnect'",
    "ps.config": _CONFIG_TEXT,
    "ps.memory_ports": "1 to 8 tables [[ps.memory_ports]] with name and config",
    "ps.memory_ports.name": _WORD_TEXT,
    "ps.memory_ports.config": _CONFIG_TEXT,
}


def _family_problems(raw: dict[str, Any]) -> list[str]:
    """Return the problems of a part or a processing system that is not of the family given."""
    part, family, ps = raw.get("part"), raw.get("family"), raw.get("ps")
    problems = []
    for prefix, expected in _PART_PREFIXES.items():
        if str(part).lower().startswith(prefix) and family in ("zynq7000", "zynqus"):
            if family != expected:
                problems = [
                    f"family: got '{family}'; part {_short(part)} is of family '{expected}'"
                ]
    ip = ps.get("ip") if isinstance(ps, dict) else None
    if family in _PS_IPS and ip in _PS_IPS.values() and ip != _PS_IPS[family]:
        problems.append(f"ps.ip: got '{ip}'; family '{family}' has '{_PS_IPS[family]}'")
    if isinstance(ps, dict) and ps.get("memory_ports") == []:
        problems.append(f"ps.memory_ports: none; allowed: {_ALLOWED['ps.memory_ports']}")
    return problems


def _suggestion(word: str, known: tuple[str, ...]) -> str:
    """Return ``"; did you mean 'x'?"`` for the nearest known word, or an empty string."""
    near = difflib.get_close_matches(word[:100].lower().replace("_", "-"), known, n=1)
    near = near or difflib.get_close_matches(word[:100].lower(), known, n=1)
    return f"; did you mean '{near[0]}'?" if near else ""


def _short(value: object, *, quote: bool = True) -> str:
    """Return ``value`` as it would be typed, cut to one line of at most 60 characters."""
    text = repr(value) if quote else str(value).encode("unicode_escape").decode("ascii")
    return text if len(text) <= 60 else text[:57] + "..."
