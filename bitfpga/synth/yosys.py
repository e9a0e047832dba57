"""Synthesis of the generated Verilog by Yosys: area and logic delay, block by block.

A distinct block (a module with its parameters and data) is mapped once and kept under its content's
hash, so a second run takes no time and an interrupted one goes on where it was.
"""

from __future__ import annotations

import gzip
import json
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from bitfpga.emit.rtl_wiring import instance_name
from bitfpga.errors import SynthError, ToolError
from bitfpga.plan import Schedule
from bitfpga.plan.resources import HOST_INTERFACE
from bitfpga.synth.area import (
    AreaReport,
    MappedBlock,
    PartArea,
    make_part,
    mapped_from_document,
    read_delay,
)
from bitfpga.synth.blocks import Block, Design, batch_text, batches, cut, whole_text
from bitfpga.synth.cells import block_area, cells_below, read_counts
from bitfpga.synth.delay import LogicDelay, read_delays
from bitfpga.synth.programs import (
    LUT6_2,
    Yosys,
    delay_script,
    elaborate_script,
    find_yosys,
    map_script,
)
from bitfpga.synth.rtlil import content_key, read_modules, renamed

FAMILIES = {"zynq7000": "xc7", "zynqus": "xcup"}
TIMED = ("xc7",)  # Yosys has no delays of UltraScale+ carry chains and block RAM
TOP = "bitfpga_top"


@dataclass(frozen=True)
class _Run:
    """What every step of one synthesis needs."""

    yosys: Yosys
    family: str
    cache: Path
    deadline: float
    tell: Callable[[str], None]

    @property
    def recipe(self) -> str:
        """What decides the result besides the Verilog: the tool and what it is told."""
        commands = [*map_script(self.family), *delay_script("", "", "block"), LUT6_2]
        return "\n".join([self.yosys.version, *commands])

    @property
    def is_timed(self) -> bool:
        return self.family in TIMED


def synthesise(
    files: dict[str, bytes],
    schedule: Schedule,
    cache: Path,
    *,
    limit_s: float,
    on_block: Callable[[str], None] | None = None,
) -> AreaReport:
    """Return what the Verilog in ``files`` (relative path to bytes) takes of the board's family.

    ``cache``: a folder that keeps every mapped block, and the logs. ``on_block`` gets a line for
    each. ToolError where Yosys is missing or fails, or ``limit_s`` seconds pass: what is
    mapped by then is kept. SynthError where ``cache`` cannot be written.
    """
    yosys = find_yosys()
    tell = on_block or (lambda _: None)
    run = _Run(yosys, FAMILIES[schedule.board.family], cache, time.monotonic() + limit_s, tell)
    try:
        cache.mkdir(parents=True, exist_ok=True)
        return _synthesise(run, files, schedule)
    except OSError as error:
        raise SynthError(
            f"cannot write {cache}: {error.strerror}; copy the project to a place where synth may "
            "write"
        ) from None
    except ToolError as error:
        if time.monotonic() < run.deadline:
            raise
        raise ToolError(
            f"synthesis did not end within {limit_s:g} s; blocks that are mapped are kept in "
            f"{cache}: run it again to go on, with a higher limit if it stops at the same block"
            f"\n{error}"
        ) from None


def _synthesise(run: _Run, files: dict[str, bytes], schedule: Schedule) -> AreaReport:
    layers = [instance_name(layer.name) for layer in schedule.layers]
    script = elaborate_script(sorted(name for name in files if name.endswith(".v")), TOP, layers)
    folder = run.cache / content_key(run.recipe, *script, *_all(files))
    folder.mkdir(exist_ok=True)
    elaborated = folder / "elaborated.il.gz"
    if not elaborated.is_file():
        _elaborate(run, files, script, folder)
    design = cut(gzip.decompress(elaborated.read_bytes()).decode(), run.recipe)
    mapped = _map_blocks(run, design)
    parts = []
    for name, kind in design.instances:
        block = design.blocks[kind]
        parts.append(make_part(name, block.origin(name), mapped[block.key], schedule))
    order = {layer.name: i for i, layer in enumerate(schedule.layers)}
    parts.sort(key=lambda part: order[part.name] if part.role == "layer" else len(order))
    parts.append(PartArea(TOP, "top", TOP, mapped[design.rest.key], None))
    delay = _whole_delay(run, design, folder) if run.is_timed else None
    planned = schedule.resources - HOST_INTERFACE  # which the Verilog does not have
    return AreaReport(run.yosys.version, run.family, tuple(parts), delay, planned)


def _all(files: dict[str, bytes]) -> list[str]:
    return [text for name in sorted(files) for text in (name, files[name].decode("latin-1"))]


def _elaborate(run: _Run, files: dict[str, bytes], script: list[str], folder: Path) -> None:
    """Write the elaborated design into ``folder``."""
    with tempfile.TemporaryDirectory(dir=run.cache, prefix="run-") as scratch:
        work = Path(scratch)
        for name, data in files.items():
            (work / name).parent.mkdir(parents=True, exist_ok=True)
            (work / name).write_bytes(data)
        run.yosys.run(script, "elaborate", work, folder / "elaborate.log", run.deadline)
        text = (work / "elaborated.il").read_bytes()
        _write(folder / "elaborated.il.gz", gzip.compress(text, 1, mtime=0))


def _map_blocks(run: _Run, design: Design) -> dict[str, MappedBlock]:
    """Return what each block takes, by key; maps those that are not kept from before."""
    blocks = {block.key: block for block in (*design.blocks.values(), design.rest)}
    users: dict[str, list[str]] = {design.rest.key: [TOP]}
    for name, kind in design.instances:
        users.setdefault(design.blocks[kind].key, []).append(name)
    mapped = {}
    for key in blocks:
        with suppress(OSError, ValueError, KeyError, TypeError, AttributeError):
            text = (run.cache / key / "block.json").read_text("utf-8")
            mapped[key] = mapped_from_document(json.loads(text))
            run.tell(_line(users[key], mapped[key]) + " (kept)")
    for batch in batches([block for key, block in blocks.items() if key not in mapped]):
        for key, found in _map_batch(run, batch).items():
            mapped[key] = found
            run.tell(_line(users[key], found))
    return mapped


def _map_batch(run: _Run, batch: Sequence[Block]) -> dict[str, MappedBlock]:
    """Map a few blocks in one run of Yosys; keep and return what each takes, by key."""
    with tempfile.TemporaryDirectory(dir=run.cache, prefix="run-") as scratch:
        work = Path(scratch)
        (work / "blocks.il").write_text(batch_text(batch), "utf-8")
        (work / "lut6_2.v").write_text(LUT6_2, "utf-8")
        script = map_script(run.family)
        if run.is_timed:
            script += delay_script("mapped.il", "bitfpga_blocks", "block*")
        log = run.cache / batch[0].key / "map.log"
        run.yosys.run(script, "map", work, log, run.deadline)
        statistics = json.loads((work / "stat.json").read_text("utf-8"))
        counts = read_counts(statistics)
        delays = read_delays((work / "delays.txt").read_text("utf-8")) if run.is_timed else {}
        netlist = read_modules((work / "mapped.il").read_text("utf-8")) if run.is_timed else {}
    found = {}
    for i, block in enumerate(batch):
        area = block_area(cells_below(counts, f"block{i}"))
        delay = delays.get(f"block{i}", LogicDelay(0, ())) if run.is_timed else None
        found[block.key] = MappedBlock(area, delay)
        folder = run.cache / block.key
        folder.mkdir(exist_ok=True)
        if run.is_timed:
            text = renamed(netlist[f"\\block{i}"], "\\block")
            _write(folder / "mapped.il.gz", gzip.compress(text.encode(), 1, mtime=0))
        _write(folder / "block.json", json.dumps(found[block.key].to_document()).encode())
    return found


def _whole_delay(run: _Run, design: Design, folder: Path) -> LogicDelay | None:
    """Return the logic delay of the design as a whole: paths go through several blocks."""
    kept = folder / "delay.json"
    with suppress(OSError, ValueError, KeyError, TypeError, AttributeError):
        return read_delay(json.loads(kept.read_text("utf-8")))
    keys = {block.key for block in (*design.blocks.values(), design.rest)}
    netlist = {
        key: gzip.decompress((run.cache / key / "mapped.il.gz").read_bytes()).decode()
        for key in keys
    }
    with tempfile.TemporaryDirectory(dir=run.cache, prefix="run-") as scratch:
        work = Path(scratch)
        (work / "whole.il").write_text(whole_text(design, netlist), "utf-8")
        (work / "lut6_2.v").write_text(LUT6_2, "utf-8")
        script = delay_script("whole.il", "bitfpga_whole", "")
        run.yosys.run(script, "delay", work, folder / "delay.log", run.deadline)
        delay = read_delays((work / "delays.txt").read_text("utf-8")).get("bitfpga_whole")
    document = {"logic_delay": delay.to_document() if delay else None}
    _write(kept, json.dumps(document).encode())
    return delay


def _line(users: Sequence[str], mapped: MappedBlock) -> str:
    """Return the progress line of a block."""
    more = f" and {len(users) - 1} more" if len(users) > 1 else ""
    area = mapped.area
    delay = f", logic delay {mapped.delay.ps / 1000:.2f} ns" if mapped.delay else ""
    figures = f"{area.luts:,} LUTs, {area.ffs:,} FFs, {area.bram36:g} BRAM36{delay}"
    return f"{users[0]}{more}: {figures}"


def _write(path: Path, data: bytes) -> None:
    """Write a file that appears whole or not at all."""
    path.parent.mkdir(exist_ok=True)
    partial = path.with_name(f"{path.name}.partial")
    partial.write_bytes(data)
    partial.replace(path)
