"""The command line run inside this process or as one of its own, and a small network for it."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import time
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np

from bitfpga.cli import main
from bitfpga.ir import Dense, Network, Requantise, TensorType, TestVectors
from bitfpga.terminal import ENDING

ROOT = Path(__file__).parents[1]
LIMIT_S = 100.0
HEEDS_SIGNALS = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
for number in (signal.SIGTERM, signal.SIGHUP):
    signal.signal(number, signal.SIG_DFL)
"""


@dataclass(frozen=True)
class Ran:
    """How a run of the command line ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        """The one JSON object on stdout."""
        document = json.loads(self.out)
        assert isinstance(document, dict)
        return document


def cli(*arguments: object) -> Ran:
    """Run ``bitfpga`` with these arguments inside this process, stdout and stderr not terminals."""
    out, err = io.StringIO(), io.StringIO()
    handlers = {number: signal.getsignal(number) for number in ENDING}
    code: Any = 0
    try:
        with (
            redirect_stdout(out),
            redirect_stderr(err),
            mock.patch.object(sys, "argv", ["bitfpga", *map(str, arguments)]),
        ):
            main()
    except SystemExit as ended:
        code = ended.code
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
    return Ran(int(code or 0), out.getvalue(), err.getvalue())


def refused(ran: Ran, code: int, *words: str) -> str:
    """Assert that nothing was printed but one error that holds every word; return the error."""
    assert (ran.code, ran.out) == (code, ""), ran
    assert ran.err.startswith("error: "), ran.err
    assert ran.err.count("error: ") == 1, ran.err
    assert "Traceback" not in ran.err
    missing = [word for word in words if word not in ran.err]
    assert not missing, f"{ran.err!r} does not say {missing}"
    return ran.err


def start(
    *arguments: object,
    cwd: Path,
    before: str = "",
    env: dict[str, str] | None = None,
    **streams: Any,
) -> subprocess.Popen[str]:
    """Start ``bitfpga`` as a process of its own; ``before`` is Python that runs ahead of it.

    It heeds the signals that end a process even where the tests run under nohup.
    """
    code = (
        f"{HEEDS_SIGNALS}\nsys.argv[0] = 'bitfpga'\n{before}\nfrom bitfpga.cli import main\nmain()"
    )
    unset = ("COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR", "CXX")
    inherited = {key: value for key, value in os.environ.items() if key not in unset}
    inherited["PYTHONPATH"] = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)],
        cwd=cwd,
        env={**inherited, **(env or {})},
        text=True,
        **{**pipes, **streams},
    )


def ended(process: subprocess.Popen[str]) -> Ran:
    """Wait for a process and return how it ended."""
    try:
        out, err = process.communicate(timeout=LIMIT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        raise
    return Ran(process.returncode, out or "", err or "")


def wait_for(path: Path, process: subprocess.Popen[str]) -> None:
    """Wait until the process has made the file ``path``."""
    limit = time.monotonic() + LIMIT_S
    while not path.exists():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < limit, f"{path} never appeared"
        time.sleep(0.01)


def small_mlp(sizes: tuple[int, ...] = (11, 13, 7, 5), n_vectors: int = 0) -> Network:
    """Return a dense network of layers ``fc0``, .. (to the user ``body.0``, ..) of these sizes.

    Half of the weights are zero, and the first output of every layer is pruned.
    """
    rng = np.random.default_rng(len(sizes))
    source = TensorType((sizes[0],), 8, True, 2.0**-6)
    layers: list[Dense] = []
    for i, (n_inputs, n_outputs) in enumerate(pairwise(sizes)):
        output = TensorType((n_outputs,), 8, i == len(sizes) - 2, 2.0**-5)
        weight = rng.integers(-128, 128, (n_outputs, n_inputs)).astype(np.int16)
        weight[rng.random(weight.shape) < 0.5] = 0
        weight[0] = 0
        bias = rng.integers(-500, 500, n_outputs)
        requantise = Requantise(np.ones(n_outputs, np.int64), bias, 6, output.low, output.high)
        inputs = (layers[-1].name if layers else "input",)
        layers.append(
            Dense(f"fc{i}", inputs, output, f"body.{i}", weight=weight, requantise=requantise)
        )
    network = Network("small", source, tuple(layers))
    if not n_vectors:
        return network
    x = rng.integers(source.low, source.high + 1, (n_vectors, sizes[0])).astype(np.int8)
    return replace(network, vectors=TestVectors(x))


def contents(folder: Path) -> dict[str, bytes]:
    """Return every file below ``folder`` by relative path."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}
