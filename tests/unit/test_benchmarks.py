"""A fast smoke of each benchmark: it runs, and what it says is true of a small case."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import pytest
import torch

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return a function that imports a benchmark by name."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module


def test_the_shortest_work_takes_cpu_time(load: Any) -> None:
    """A rate divides by this; a clock of 10 ms ticks would return 0 for most calls."""
    seconds = [load("measure").cpu_seconds(lambda: sum(range(10)))[0] for _ in range(100)]
    assert min(seconds) > 0
    assert max(seconds) < 1


def test_build_scale_small(load: Any) -> None:
    row = load("build_scale").measure("small")
    assert row["weights"] == 200 * 200 + 200 * 200 + 200 * 100
    assert row["build_seconds"] > 0
    assert row["peak_gib"] < 1
    assert row["csim_compile_cpu_seconds"] > 0


def test_csim_and_hls4ml_are_both_exact(load: Any) -> None:
    pytest.importorskip("hls4ml", reason="needs hls4ml")
    result = load("csim_vs_hls4ml").compare(samples=3000, peer_samples=150, repeats=1)
    assert result["bitfpga"]["exact"]
    assert result["hls4ml"]["exact"]
    assert result["compile_ratio"] < 1


def test_the_peer_comparison_can_fail(load: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A peer that gets other integers is reported as not exact."""
    pytest.importorskip("hls4ml", reason="needs hls4ml")
    benchmark = load("csim_vs_hls4ml")
    monkeypatch.setattr(benchmark, "tensor_type", lambda *_: "ap_fixed<6,4>", raising=True)
    result = benchmark.compare(samples=300, peer_samples=300, repeats=1)
    assert not result["hls4ml"]["exact"]


def test_prune_methods_small(load: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """One seed of a few settings on few digits: every network is what torch computes."""
    pytest.importorskip("sklearn", reason="needs scikit-learn")
    monkeypatch.setattr(torch, "set_num_threads", lambda n: None)
    benchmark = load("prune_methods")
    float_accuracy, points = benchmark.one_seed("digits", 0, smoke=True)
    assert float_accuracy > 0.3
    assert [point.family for point in points] == ["plain", "bit_pruning", "bbs"]
    assert all(point.exact for point in points)
    assert points[1].bits < points[0].bits
    assert len(benchmark.rows(points)) == 3


def test_prune_gates_can_fail(load: Any) -> None:
    """Gates are judged on the points: where all methods are alike, only the trivial ones pass."""
    runs, gates = load("prune_runs"), load("prune_gates")
    figures = dict.fromkeys(("density", "bits", "csd", "lockstep", "mult_nj", "add_nj"), 1.0)
    points = [
        runs.Point(
            family=setting.family,
            label=setting.label,
            seed=0,
            chosen_by=0.9,
            accuracy=0.9,
            storage_bits=8.0,
            length=8.0,
            exact=setting.label != "moderate",
            seconds=0.0,
            **figures,
        )
        for setting in runs.settings("digits")
    ]
    failed = [row[0] for row in gates.gates("digits", points) if row[2] == "NO"]
    assert len(failed) == 5
    assert "torch equals the integer network" in failed


def test_prune_step_small(load: Any) -> None:
    steps = load("prune_step")
    found = steps.measure(load("prune_tasks").cnn(), (8, 1, 28, 28), steps=2, device="cpu")
    assert set(found) == {"plain", "bit_pruning"}
    assert all(0 < least <= middle for middle, least, _ in found.values())
