"""Which small torch models ``from_torch`` gets right.

    python benchmarks/torch_coverage.py [--json] [--only NAME]

A model is *right* when, on fresh random inputs, the integer network's relative RMS error to the
float model is below 2 % (5 % with lookup tables, which read 10 bits) at 12-bit activations, 9-bit
weights and 12-bit inputs, and the integers equal ``fake_quantised`` exactly. *refused* is a
``ModelError``; *wrong* anything else that gives an answer; *error* any other exception.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parent))
from measure import machine_line, markdown_table
from torch_models import CASES, Case

from bitfpga import reference
from bitfpga.errors import ModelError
from bitfpga.frontends.torch import fake_quantised, from_torch

LIMIT, TABLE_LIMIT = 0.02, 0.05


@dataclass(frozen=True)
class Result:
    """One model's verdict: right, refused, wrong or error."""

    name: str
    verdict: str
    relative_rms: float | None
    seconds: float
    message: str = ""


def prepared(case: Case) -> tuple[torch.nn.Module, torch.Tensor, torch.Tensor]:
    """Return (model, calibration, fresh inputs), the same at every call."""
    torch.manual_seed(1)
    model = case.make().train(case.train)
    return model, torch.randn(64, *case.shape), torch.randn(32, *case.shape)


def relative_rms(model: torch.nn.Module, x: torch.Tensor, got: Any) -> float:
    """Return RMS(got - float model) / RMS(float model)."""
    with torch.no_grad():
        expected = model(x).numpy().astype(np.float64)
    error = np.asarray(got, np.float64).reshape(expected.shape) - expected
    return float(np.sqrt(np.square(error).mean() / np.square(expected).mean()))


def judge(case: Case) -> Result:
    """Return how ``from_torch`` does on one model."""
    model, calibration, fresh = prepared(case)
    start = time.perf_counter()
    try:
        network = from_torch(model, calibration, input_bits=12, weight_bits=9, act_bits=12)
    except ModelError as error:
        return Result(case.name, "refused", None, time.perf_counter() - start, str(error))
    except Exception as error:
        message = f"{type(error).__name__}: {error}"[:300]
        return Result(case.name, "error", None, time.perf_counter() - start, message)
    seconds = time.perf_counter() - start
    got = network.dequantise(reference.run(network, network.quantise(fresh.numpy())))
    with torch.no_grad():
        exact = np.array_equal(got, fake_quantised(network)(fresh).numpy())
    rms = relative_rms(model, fresh, got)
    right = exact and rms < (TABLE_LIMIT if case.table else LIMIT)
    message = "" if exact else "fake_quantised differs from the reference"
    return Result(case.name, "right" if right else "wrong", rms, seconds, message)


def show(results: list[Result]) -> None:
    """Print the table and the totals."""
    header = ["model", "verdict", "relative RMS error", "s", "what it says"]
    rows = []
    for r in results:
        rms = "" if r.relative_rms is None else f"{100 * r.relative_rms:.2f} %"
        said = r.message.splitlines()[0] if r.message else ""
        rows.append([r.name, r.verdict, rms, f"{r.seconds:.2f}", said.replace("|", "/")])
    verdicts = [r.verdict for r in results]
    counts = ", ".join(f"{verdicts.count(v)} {v}" for v in sorted(set(verdicts)))
    print(machine_line())
    print(markdown_table(header, rows))
    print(f"{len(results)} models: {counts}; slowest {max(r.seconds for r in results):.2f} s")


def main() -> None:
    """Run the list and print it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--only", help="part of a model's name")
    options = parser.parse_args()
    torch.set_num_threads(1)  # small models: threads only wait for each other
    cases = [case for case in CASES if options.only is None or options.only in case.name]
    judge(CASES[0])  # warm-up: the first trace of a process loads half of torch
    results = [judge(case) for case in cases]
    if options.json:
        print(json.dumps([asdict(r) for r in results], indent=1))
    else:
        show(results)


if __name__ == "__main__":
    main()
