"""The board side on the Python of the oldest board image: 3.8."""

from __future__ import annotations

import ast
import os
import subprocess
from pathlib import Path

import pytest
from old_pythons import ROOT, oldest_python

from bitfpga.paths import runtime_dir

TESTS = ROOT / "tests"
FOLDER = TESTS / "runtime"
FILES = sorted(
    [
        *runtime_dir().glob("*.py"),
        *FOLDER.glob("*.py"),
        TESTS / "fake_pynq.py",
        TESTS / "runtime_bundles.py",
    ]
)


def test_there_are_files() -> None:
    assert {"accelerator.py", "pynq_backend.py", "test_runtime_board.py"} <= {p.name for p in FILES}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_the_syntax_is_that_of_python_3_8(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"), feature_version=(3, 8))
    annotated = any(isinstance(node, (ast.arg, ast.AnnAssign)) for node in ast.walk(tree))
    late = any(isinstance(n, ast.ImportFrom) and n.module == "__future__" for n in tree.body)
    assert late or not annotated, "annotations are only read late after the future import"


def test_it_compiles_on_the_oldest_python(tmp_path: Path) -> None:
    python = oldest_python()
    if python is None:
        pytest.skip("no Python from 3.8 on that is older than this one")
    code = "import sys; [compile(open(p, 'rb').read(), p, 'exec') for p in sys.argv[1:]]"
    subprocess.run([python, "-c", code, *map(str, FILES)], check=True, cwd=tmp_path)


def test_its_tests_pass_on_the_oldest_python(tmp_path: Path) -> None:
    python = oldest_python("numpy", "pytest")
    if python is None:
        pytest.skip("no older Python with numpy and pytest; 'make setup-test' makes .venv/old")
    options = ["-q", "-p", "no:cacheprovider", "--import-mode=importlib"]
    ran = subprocess.run(
        [python, "-m", "pytest", *options, "-c", os.devnull, "--confcutdir", FOLDER, FOLDER],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(TESTS), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout[-3000:] + ran.stderr[-1000:]
    assert " passed" in ran.stdout
