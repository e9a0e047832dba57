"""Which C++ compiler is found, and that each one there does what `Compiler` says of it."""

from __future__ import annotations

import importlib.util
import shutil
import stat
import sys
from pathlib import Path

import pytest

from bitfpga.errors import ToolError
from bitfpga.tools import Compiler, find_cxx, run_tool

LIMIT_S = 300.0
GCC = "g++ (Debian) 12.2.0\nCopyright (C) 2022 Free Software Foundation, Inc."
CLANG = "Debian clang version 14.0.6\nTarget: x86_64-pc-linux-gnu"

PLAIN_PROGRAM = r"""
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
template <int kTerms>
struct Sum {
  static int32_t of(const int32_t* x) { return Sum<kTerms - 1>::of(x) + x[kTerms - 1]; }
};
template <>
struct Sum<0> {
  static int32_t of(const int32_t*) { return 0; }
};
int main(int argc, char** argv) {
  const char* fault = argc == 2 ? argv[1] : "none";
  int32_t* x = static_cast<int32_t*>(malloc(5 * sizeof(int32_t)));
  memset(x, 0, 5 * sizeof(int32_t));
  for (int i = 0; i < 5; ++i) x[i] = i * i;
  printf("%d\n", static_cast<int>(Sum<5>::of(x)));
  if (!strcmp(fault, "undefined")) printf("%d\n", 0x7fffffff + argc);
  if (!strcmp(fault, "address")) printf("%d\n", static_cast<int>(x[argc + 3]));
  free(x);
  return 0;
}
"""


class Machine:
    """A made-up machine: PATH holds only the programs that a test puts there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def add(self, name: str, says: str, code: int = 0) -> str:
        """Return the path of a program that says its lines and ends with a code."""
        path = self.folder / name
        path.write_text(f"#!/bin/sh\ncat <<'END'\n{says}\nEND\nexit {code}\n", encoding="utf-8")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        return str(path)


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    """Return a machine without any compiler, $CXX or ziglang."""
    cat = shutil.which("cat")
    if cat is None:
        pytest.skip("needs the program 'cat' on PATH")
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "cat").symlink_to(cat)
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.delenv("CXX", raising=False)
    monkeypatch.setitem(sys.modules, "ziglang", None)
    return Machine(folder)


def add_ziglang(machine: Machine, monkeypatch: pytest.MonkeyPatch, version: str) -> None:
    """Give the machine a Python package ziglang that knows its version."""
    package = machine.folder.parent / "packages" / "ziglang"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("", encoding="utf-8")
    (package / "__main__.py").write_text(
        f"import sys\nassert sys.argv[1:] == ['version']\nprint('{version}')\n", encoding="utf-8"
    )
    monkeypatch.delitem(sys.modules, "ziglang")
    monkeypatch.syspath_prepend(package.parent)
    monkeypatch.setenv("PYTHONPATH", str(package.parent))


def refusal() -> str:
    """Return the message of the ToolError that the search ends in."""
    with pytest.raises(ToolError) as caught:
        find_cxx()
    return str(caught.value)


def test_gcc_comes_before_clang(machine: Machine) -> None:
    machine.add("clang++", CLANG)
    gcc = machine.add("g++", GCC)
    assert find_cxx() == Compiler((gcc,), "g++ (Debian) 12.2.0", "gcc")


def test_clang_comes_next_and_under_any_name(machine: Machine) -> None:
    clang = machine.add("clang++", CLANG)
    assert find_cxx() == Compiler((clang,), "Debian clang version 14.0.6", "clang")
    disguised = machine.add("g++", CLANG)
    assert find_cxx() == Compiler((disguised,), "Debian clang version 14.0.6", "clang")


def test_ziglang_comes_last(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    add_ziglang(machine, monkeypatch, "0.17.0")
    zig = Compiler((sys.executable, "-m", "ziglang", "c++"), "zig 0.17.0", "zig")
    assert find_cxx() == zig
    monkeypatch.setenv("CXX", f"'{sys.executable}' -m ziglang c++")
    assert find_cxx() == zig
    monkeypatch.delenv("CXX")
    gcc = machine.add("g++", GCC)
    assert find_cxx().argv == (gcc,)


def test_a_broken_compiler_is_passed_over(machine: Machine) -> None:
    machine.add("g++", "no developer tools were found", code=1)
    clang = machine.add("clang++", CLANG)
    assert find_cxx().argv == (clang,)


def test_without_a_compiler_the_message_says_what_to_install(machine: Machine) -> None:
    plain = (
        "no working C++ compiler; looked for g++ and clang++ on PATH and for the Python package "
        "ziglang; install one, for example: pip install ziglang; or set CXX"
    )
    assert refusal() == plain
    broken = machine.add("g++", "no developer tools were found", code=1)
    message = refusal()
    assert message.startswith(f"{plain}\n  {broken} ended with exit code 1: ")
    assert message.endswith("| no developer tools were found")


def test_the_variable_cxx_comes_first_with_its_arguments(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine.add("g++", GCC)
    cache = machine.add("cache", CLANG)
    monkeypatch.setenv("CXX", f"{cache} 'clang++' --flag")
    assert find_cxx() == Compiler(
        (cache, "clang++", "--flag"), "Debian clang version 14.0.6", "clang"
    )
    monkeypatch.setenv("CXX", "  ")
    assert find_cxx().family == "gcc"


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("no-such-compiler", "no-such-compiler was not found"),
        ("'open", "No closing quotation"),
        ("other", "other is not g++, clang++ or zig; it says 'hello'"),
        ("failing", "failing ended with exit code 5"),
    ],
)
def test_a_cxx_that_does_not_work_is_never_replaced(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, value: str, reason: str
) -> None:
    machine.add("g++", GCC)
    machine.add("other", "hello")
    machine.add("failing", GCC, code=5)
    monkeypatch.setenv("CXX", value)
    message = refusal()
    start = f"the environment variable CXX names no usable C++ compiler ({value!r}): {reason}"
    assert message.startswith(start)
    assert "correct it, or unset it" in message


@pytest.fixture(params=["g++", "clang++", "zig"])
def compiler(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Compiler:
    """Return each compiler this machine really has."""
    name = str(request.param)
    if name == "zig":
        if importlib.util.find_spec("ziglang") is None:
            pytest.skip("needs the Python package ziglang")
        monkeypatch.setenv("CXX", f"'{sys.executable}' -m ziglang c++")
    else:
        if shutil.which(name) is None:
            pytest.skip(f"needs {name} on PATH")
        monkeypatch.setenv("CXX", name)
    return find_cxx()


def build(compiler: Compiler, folder: Path, *flags: str) -> Path:
    """Return the plain program, compiled with the compiler's own flags and these."""
    (folder / "plain.cpp").write_text(PLAIN_PROGRAM, encoding="utf-8")
    words = [
        *compiler.argv,
        *compiler.extra_flags,
        "-std=c++14",
        *flags,
        "plain.cpp",
        "-o",
        "plain",
    ]
    run_tool(words, cwd=folder, limit_s=LIMIT_S)
    return folder / "plain"


@pytest.mark.parametrize("flags", [("-O0",), ("-O3", "-march=native")])
def test_a_plain_program_is_built_without_hidden_traps(
    compiler: Compiler, tmp_path: Path, flags: tuple[str, ...]
) -> None:
    program = build(compiler, tmp_path, *flags)
    assert run_tool([program], cwd=tmp_path, limit_s=LIMIT_S).stdout == "30\n"
    wrapped = run_tool([program, "undefined"], cwd=tmp_path, limit_s=LIMIT_S)
    assert wrapped.stdout.startswith("30\n"), "signed overflow was trapped, though nobody asked"


def test_its_sanitizers_catch_what_they_are_for(compiler: Compiler, tmp_path: Path) -> None:
    names = ",".join(compiler.sanitizers)
    program = build(compiler, tmp_path, "-O1", f"-fsanitize={names}", "-fno-sanitize-recover=all")
    assert run_tool([program], cwd=tmp_path, limit_s=LIMIT_S).stdout == "30\n"
    for fault in compiler.sanitizers:
        with pytest.raises(ToolError, match=r"plain (ended with exit code|was ended by signal)"):
            run_tool([program, fault], cwd=tmp_path, limit_s=LIMIT_S)


def test_what_the_families_can_do() -> None:
    gcc, clang, zig = (Compiler(("c",), "1", name) for name in ("gcc", "clang", "zig"))
    assert gcc.extra_flags == clang.extra_flags == ()
    assert "-nostdlib++" in zig.extra_flags
    assert gcc.sanitizers == clang.sanitizers == ("address", "undefined")
    assert zig.sanitizers == ("undefined",)
    assert (gcc.builds_ap_int, clang.builds_ap_int, zig.builds_ap_int) == (True, True, False)
