"""The C++ library: every header compiles alone, and each passes a test program of its own."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from bitfpga.csim import ap_int_headers
from bitfpga.errors import ToolError
from bitfpga.paths import include_dir
from bitfpga.tools import Compiler, find_cxx, run_tool

HERE = Path(__file__).parent
HEADERS = sorted(path.stem for path in (include_dir() / "bitfpga").glob("*.hpp"))
WARNINGS = ("-Wall", "-Wextra", "-Werror", "-Wno-unknown-pragmas", "-Wno-unused-label")
LIMIT_S = 300.0
EXACT = ("ap_types", "black_box")  # with the ap_int headers


@pytest.fixture(scope="module", params=["g++", "clang++"])
def compiler(request: pytest.FixtureRequest) -> Compiler:
    """Return each compiler that may be found, and whatever else serves in place of g++."""
    with pytest.MonkeyPatch.context() as patch:
        if shutil.which(request.param):
            patch.setenv("CXX", request.param)
        elif request.param != "g++":
            pytest.skip(f"needs {request.param} on PATH")
        return find_cxx()


def flags(header: str, compiler: Compiler) -> list[str]:
    """Return the flags for a program that includes ``header``; skip where it cannot compile."""
    common = [*compiler.extra_flags, "-std=c++14", *WARNINGS, "-I", str(include_dir()), "-pthread"]
    if header not in EXACT:
        return [*common, "-fno-exceptions"]
    if not compiler.builds_ap_int:
        pytest.skip(f"the ap_int headers do not compile with {compiler.version}")
    try:
        return [*common, "-isystem", str(ap_int_headers())]
    except ToolError as error:
        pytest.skip(str(error))


@pytest.mark.parametrize("header", HEADERS)
def test_the_header_compiles_alone(header: str, compiler: Compiler, tmp_path: Path) -> None:
    source = tmp_path / "alone.cpp"
    source.write_text(f'#include "bitfpga/{header}.hpp"\n#include "bitfpga/{header}.hpp"\n')
    command = [*compiler.argv, *flags(header, compiler), "-c", source, "-o", "alone.o"]
    run_tool(command, cwd=tmp_path, limit_s=LIMIT_S)


@pytest.mark.parametrize("header", HEADERS)
def test_the_header_does_what_it_says(header: str, compiler: Compiler, tmp_path: Path) -> None:
    program, source = tmp_path / "test", HERE / f"{header}_test.cpp"
    options = flags(header, compiler)
    if header in EXACT:  # those headers shift negative values and leave values unset
        options = [*options, "-Wno-error", "-w"]
    else:
        checks = ",".join(compiler.sanitizers)
        options = [*options, f"-fsanitize={checks}", "-fno-sanitize-recover=all"]
    command = [*compiler.argv, *options, "-O1", "-I", HERE, source, "-o", program]
    run_tool(command, cwd=tmp_path, limit_s=LIMIT_S)
    done = run_tool([program], cwd=tmp_path, limit_s=LIMIT_S)
    assert done.stdout.endswith("0 failures\n")


def test_every_test_program_belongs_to_a_header() -> None:
    programs = sorted(path.stem.removesuffix("_test") for path in HERE.glob("*_test.cpp"))
    assert programs == HEADERS
