"""The borders between the modules: what each may import, read from the source, not from hope."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

import bitfpga

PACKAGE = Path(bitfpga.__file__).parent

EVERYTHING = "*"
COMPUTED = "a computed name"  # cannot be judged, so only the Python interface may import by one

# The layout: each place in bitfpga/, and what it may import from bitfpga besides itself.
# A place is a module or a folder; the first pattern that matches a module's dotted name counts.
MAY_IMPORT: dict[str, set[str]] = {
    "errors": set(),
    "paths": {"errors"},
    "tools": {"errors"},
    "ir": {"errors"},
    "digits": {"errors"},
    "reference": {"ir", "errors"},
    "prune": {"digits", "errors", "ir"},
    "frontends.torch*": {"frontends", "ir", "prune", "errors"},
    "frontends": {"ir", "errors"},
    "boards": {"paths", "errors"},
    "plan": {"ir", "digits", "boards", "errors"},
    "interface": {"ir", "plan", "errors"},
    "emit": {"ir", "plan", "interface", "paths", "errors"},
    "project_folder": {"ir", "plan", "interface", "errors"},
    "project": {
        "interface",
        "boards",
        "plan",
        "emit",
        "project_folder",
        "whole_folder",
        "ir",
        "digits",
        "reference",
        "errors",
        "csim",  # late, for Project.csim; csim itself knows project_folder only
    },
    "csim": {"project_folder", "ir", "reference", "paths", "tools", "errors"},
    "tool_server": {"errors"},
    "simboard": {"boards", "csim", "tool_server", "errors"},
    "report": {"plan", "ir", "digits", "project_folder", "errors"},
    "output": {"csim", "project_folder", "report", "terminal"},
    "npy": {"ir", "errors"},
    "terminal": {"errors"},
    "demo": {"project", "csim", "report", "ir", "reference", "paths", "errors"},
    "synth": {
        "project_folder",
        "emit",
        "plan",
        "ir",
        "reference",
        "digits",
        "boards",
        "paths",
        "tools",
        "errors",
    },
    "vitis": {"project_folder", "interface", "emit", "plan", "synth", "paths", "tools", "errors"},
    "whole_folder": {"errors"},
    "deploy": {
        "project",
        "project_folder",
        "whole_folder",
        "interface",
        "ir",
        "reference",
        "paths",
        "tools",
        "errors",
    },
    "runtime": set(),
    "cli*": {EVERYTHING},  # cli_*.py: what one verb, or several, need besides
    "__main__": {"cli*"},
    "__init__": {EVERYTHING},  # the Python interface
}

# The packages that only some places may use, wherever in the module the import stands.
ONLY_IN: dict[str, set[str]] = {
    "subprocess": {"tools", "tool_server", "runtime"},
    "jinja2": {"emit"},
    "torch": {"frontends.torch*", "prune"},
    "onnx": {"frontends.onnx*"},
    "qonnx": {"frontends.onnx*"},
    "pynq": {"runtime", "simboard"},
    "typer": {"cli*"},
    "rich": {"cli*", "demo", "output", "report", "terminal", "prune.progress"},
    "hls4ml": set(),  # csim only asks importlib where its ap_int headers lie
    "pickle": set(),
    "marshal": set(),
    "shelve": set(),
}

# What the board side may use besides the standard library.
RUNTIME_PACKAGES = {"numpy", "pynq", "bitfpga"}

# What `import bitfpga` must not load: each is slow, or absent from a plain installation.
HEAVY = ("torch", "hls4ml", "matplotlib", "jinja2")


def modules() -> list[str]:
    """Return the dotted name, inside bitfpga, of every module; a package is its `__init__`."""
    paths = sorted(PACKAGE.rglob("*.py"))
    return [".".join(path.relative_to(PACKAGE).with_suffix("").parts) for path in paths]


def covers(place: str, module: str) -> bool:
    """Return whether a module is the place, or lies inside it."""
    return fnmatchcase(module, place) or fnmatchcase(module, f"{place}.*")


def place_of(module: str) -> str | None:
    """Return the first place of the layout that covers a module."""
    return next((place for place in MAY_IMPORT if covers(place, module)), None)


def imports(module: str, source: str) -> Iterator[tuple[int, str]]:
    """Yield line and absolute dotted name of every import in a module, also those in functions."""
    package = ["bitfpga", *module.split(".")[:-1]]
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            origin = ".".join([*base, *([node.module] if node.module else [])])
            yield from ((node.lineno, f"{origin}.{alias.name}") for alias in node.names)
        elif isinstance(node, ast.Call) and is_import_call(node.func) and node.args:
            name = node.args[0]
            yield node.lineno, str(name.value) if isinstance(name, ast.Constant) else COMPUTED


def is_import_call(function: ast.expr) -> bool:
    """Return whether a call of this function imports a module by name."""
    name = function.attr if isinstance(function, ast.Attribute) else ""
    name = function.id if isinstance(function, ast.Name) else name
    return name in ("import_module", "__import__")


def own_trespass(module: str, target: str) -> str | None:
    """Return the place of bitfpga that the import wrongly reaches into, if any."""
    place = place_of(module)
    inner = target.removeprefix("bitfpga").removeprefix(".")
    if target.split(".")[0] != "bitfpga" or place is None or inner == "__version__":
        return None
    reached = place_of(inner) or "__init__"
    allowed = MAY_IMPORT[place] | {place}
    if EVERYTHING in allowed or reached in allowed:
        return None
    return reached


def trespasses(module: str, source: str) -> list[str]:
    """Return one line for every import of a module that the tables above do not allow."""
    found = []
    for line, target in imports(module, source):
        top = target.split(".")[0]
        users = ONLY_IN.get(top)
        outside = place_of(module) == "runtime" and top not in RUNTIME_PACKAGES
        if reached := own_trespass(module, target):
            found.append(f"{module}:{line} may not import from bitfpga {reached}")
        elif users is not None and not any(covers(user, module) for user in users):
            found.append(f"{module}:{line} may not import {top}")
        elif target == COMPUTED and place_of(module) != "__init__":
            found.append(f"{module}:{line} may not import {COMPUTED}")
        elif outside and top not in sys.stdlib_module_names:
            found.append(f"{module}:{line} may use numpy only, not {top}")
    return found


@pytest.mark.parametrize("module", modules())
def test_a_module_imports_only_what_its_place_may(module: str) -> None:
    assert place_of(module) is not None, "a new place: give it a line in MAY_IMPORT and the layout"
    source = (PACKAGE / (module.replace(".", "/") + ".py")).read_text(encoding="utf-8")
    assert trespasses(module, source) == []


@pytest.mark.parametrize(
    ("module", "source", "trespass"),
    [
        ("ir.file", "import bitfpga.plan", "may not import from bitfpga plan"),
        ("ir.file", "from bitfpga.plan.words import x", "may not import from bitfpga plan"),
        ("ir.file", "from bitfpga import plan", "may not import from bitfpga plan"),
        ("ir.file", "from bitfpga import build", "may not import from bitfpga __init__"),
        ("ir.file", "import bitfpga", "may not import from bitfpga __init__"),
        ("ir.file", "from ..plan import x", "may not import from bitfpga plan"),
        ("ir.file", "from .. import plan", "may not import from bitfpga plan"),
        ("ir.file", "def f():\n from bitfpga.plan import x", "may not import from bitfpga plan"),
        ("ir.file", "if TYPE_CHECKING:\n import torch", "may not import torch"),
        ("csim", "import subprocess as s", "may not import subprocess"),
        ("csim", "from hls4ml.utils import x", "may not import hls4ml"),
        ("csim", "importlib.import_module('hls4ml')", "may not import hls4ml"),
        ("csim", "__import__('torch')", "may not import torch"),
        ("csim", "import_module(name)", "may not import a computed name"),
        ("frontends.onnx", "from torch import nn", "may not import torch"),
        ("frontends.onnx", "from bitfpga.prune import x", "may not import from bitfpga prune"),
        ("frontends.onnx", "from .torch import x", "may not import from bitfpga frontends.torch*"),
        ("plan.words", "import jinja2.nodes", "may not import jinja2"),
        ("runtime.driver", "from bitfpga.errors import x", "may not import from bitfpga errors"),
        ("runtime.driver", "import pandas", "may use numpy only, not pandas"),
    ],
)
def test_a_trespass_is_seen(module: str, source: str, trespass: str) -> None:
    assert [line.split(" ", 1)[1] for line in trespasses(module, source)] == [trespass]


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("ir.file", "from bitfpga.errors import x\nfrom . import layers\nfrom .layers import y"),
        ("ir.file", "from bitfpga import __version__, errors\nimport numpy, json"),
        ("frontends.torch.trace", "import torch.fx\nfrom bitfpga.prune import x"),
        ("frontends.torch.trace", "from bitfpga.frontends.seams import x\nfrom ..seams import y"),
        ("frontends.torch", "import torch"),
        ("csim", "importlib.util.find_spec('hls4ml')"),
        ("__init__", "import_module(name)"),
        ("cli", "from bitfpga import deploy\nimport rich.table"),
        ("runtime.driver", "import numpy, time\nfrom . import overlay\ndef f():\n import pynq"),
    ],
)
def test_what_is_allowed_passes(module: str, source: str) -> None:
    assert trespasses(module, source) == []


def test_importing_bitfpga_loads_nothing_heavy() -> None:
    program = f"import sys, bitfpga; print(*(set({HEAVY!r}) & set(sys.modules)))"
    run = subprocess.run(
        [sys.executable, "-c", program], cwd=PACKAGE.parent, capture_output=True, text=True
    )
    assert (run.returncode, run.stdout, run.stderr) == (0, "\n", "")
