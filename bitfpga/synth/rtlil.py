"""Yosys' text of an elaborated design, cut into modules: what stands in what, and blocks of it.

Only the outer shape of the text is read: ``module`` to ``end`` lines, ``cell`` and port lines.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from bitfpga.errors import ToolError

_CELL = re.compile(r"^  cell (\S+) (\S+)$", re.M)
_PORT = re.compile(r"^  wire .*\b(?:input|output|inout) \d+ ")
_SOURCE = re.compile(r'^ *attribute \\(?:src|hdlname) ".*"\n', re.M)
_LINE = re.compile(r"\.v:\d[\d.]*(?:-[\d.]+)?")
_NUMBER = re.compile(r"\$\d+(?![0-9A-Za-z])")
_ORIGIN = re.compile(r'^attribute \\hdlname "\\?([^"]+)"$', re.M)


@dataclass(frozen=True)
class Module:
    """A module's text, from its attributes to its ``end``, and its cells as (type, instance)."""

    name: str
    text: str
    cells: tuple[tuple[str, str], ...]

    @property
    def origin(self) -> str:
        """The name that the Verilog has, before parameters."""
        found = _ORIGIN.search(self.text)
        return found.group(1) if found else self.name.rpartition("\\")[2]


def read_modules(text: str) -> dict[str, Module]:
    """Return the modules of an RTLIL file by name (``\\top``, ``$paramod$1f2e\\fifo``)."""
    modules = {}
    start, name = 0, ""
    lines = text.splitlines(keepends=True)
    for i, line in enumerate(lines):
        if line.startswith("module "):
            name = line[7:].strip()
        elif line.startswith("autoidx"):
            start = i + 1
        elif line.rstrip() == "end" and not line.startswith(" "):
            body = "".join(row for row in lines[start : i + 1] if row[0] not in "#\n")
            cells = tuple((kind, cell) for kind, cell in _CELL.findall(body))
            modules[name] = Module(name, body, cells)
            start = i + 1
    return modules


def below(modules: Mapping[str, Module], top: str) -> list[str]:
    """Return ``top`` and every module inside it, each once, in the order they are met."""
    found: dict[str, None] = {}

    def visit(name: str) -> None:
        if name in modules and name not in found:
            found[name] = None
            for kind, _ in modules[name].cells:
                visit(kind)

    visit(top)
    return list(found)


def content(modules: Mapping[str, Module], names: list[str]) -> str:
    """Return the text of these modules without what an edit elsewhere changes: lines, numbers."""
    text = _LINE.sub("", _SOURCE.sub("", "".join(modules[name].text for name in names)))
    numbers: dict[str, str] = {}
    return _NUMBER.sub(lambda found: numbers.setdefault(found[0], f"${len(numbers)}"), text)


def content_key(*parts: str) -> str:
    """Return 16 hexadecimal digits that stand for these texts."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(hashlib.sha256(part.encode()).digest())
    return digest.hexdigest()[:16]


def renamed(module: Module, name: str, attributes: tuple[str, ...] = ()) -> str:
    """Return the module's text under another name, with more attributes set to 1."""
    head, _, rest = module.text.partition(f"module {module.name}\n")
    marks = "".join(f"attribute \\{mark} 1\n" for mark in attributes)
    return f"{head}{marks}module {name}\n{rest}"


def outline(module: Module) -> str:
    """Return the module with its ports and nothing inside: a black box."""
    ports = [line for line in module.text.splitlines() if _PORT.match(line)]
    return "\n".join(["attribute \\blackbox 1", f"module {module.name}", *ports, "end\n"])


def instances(names: Mapping[str, str], top: str) -> str:
    """Return a module ``top`` that holds one instance of each module: instance name to module."""
    cells = [f"  attribute \\keep 1\n  cell {kind} {name}\n  end" for name, kind in names.items()]
    return "\n".join([f"module {top}", *cells, "end\n"])


def top_cells(modules: Mapping[str, Module], top: str) -> Iterator[tuple[str, str]]:
    """Yield (instance, module) of what stands in ``top`` and is a module; ToolError without it."""
    if top not in modules:
        raise ToolError(f"Yosys wrote no module {top}")
    for kind, name in modules[top].cells:
        if kind in modules:  # a module that submod made is called bitfpga_top_layer_conv1
            yield name.removeprefix(f"{top}_").removeprefix("\\"), kind
