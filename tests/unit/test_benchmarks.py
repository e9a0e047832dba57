"""A fast smoke of each benchmark: it runs, and what it says is true of a small case."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import pytest

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
