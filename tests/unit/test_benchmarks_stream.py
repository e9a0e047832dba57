"""A fast smoke of each benchmark of the stream engine: it runs, and its figures are true."""

from __future__ import annotations

import importlib
import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import bitfpga
from bitfpga.errors import CsimError

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return a function that imports a benchmark by name."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module


def test_the_figures_of_a_plan(load: Any) -> None:
    benchmark = load("stream_plan")
    (row,) = benchmark.rates([("digits_cnn", 1.0, 1.0)])
    assert row["digits"] == pytest.approx(1.0)
    assert row["ms"] == pytest.approx(row["cycles"] * benchmark.CLOCK_NS / 1e6)
    assert row["latency_ms"] > row["ms"]
    assert row["simulated"]
    assert row["asked"] == "fastest"
    # 24 k multiply-adds, one digit each; every add takes a cycle of one adder.
    n_taps = 64 * 9 * 8 + 16 * 8 * 9 * 16 + 640
    assert row["adds_per_cycle"] == pytest.approx(n_taps / row["cycles"])
    assert row["utilisation"] == pytest.approx(row["adds_per_cycle"] / row["memory"]["adders"])
    assert row["of_entropy"] >= 1
    assert 0 < row["luts"] <= 0.85
    assert 0 < row["bram36"] <= 0.90
    tables = load("stream_tables")
    assert "digits_cnn | 1.00" in tables.rate_table([row])
    assert tables.memory_table([row]).count("\n") == 3
    memory = row["memory"]
    shares = [memory[part] for part in ("activations", "lines", "taps", "results", "rest")]
    assert sum(shares) == pytest.approx(1)
    assert all(share >= 0 for share in shares)
    assert memory["bits_read"] <= memory["bits_of_ports"]
    assert memory["all_ports"] == 140 * 9


def test_an_aim_out_of_reach_is_said(load: Any) -> None:
    (row,) = load("stream_plan").rates([("digits_cnn", 1.0, 1e-5)])
    assert row["asked"] == "fastest; 100,000,000 fps are refused"
    assert "| NO |" in load("stream_tables").rate_table([row])


def test_what_bounds_a_plan_is_named(load: Any) -> None:
    benchmark = load("stream_plan")
    found = benchmark.planned(load("cnn_nets").random_network("digits_cnn", 1.0))
    slowest = max(found.schedule.layers, key=lambda layer: layer.interval_cycles)
    assert benchmark.bound(found) == f"{slowest.bound} of {slowest.name}"
    at_port_rate = replace(found, schedule=replace(found.schedule, interval_cycles=64))
    assert benchmark.bound(at_port_rate) == "input: 64 elements, one a cycle"


def test_half_of_the_digits_take_about_half_of_the_cycles(load: Any) -> None:
    (row,) = load("stream_plan").halves(["autoencoder"], [1.6, 0.8])
    assert row["half"]["digits"] == pytest.approx(row["whole"]["digits"] / 2, rel=1e-3)
    assert row["ratio"] == pytest.approx(row["half"]["cycles"] / row["whole"]["cycles"])
    assert 0.45 < row["ratio"] < 0.75
    assert load("stream_tables").half_table([row]).count("\n") == 3


def test_csim_of_a_cnn_and_hls4ml_are_both_exact(
    load: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("hls4ml", reason="needs hls4ml")
    benchmark = load("csim_cnn_vs_hls4ml")
    monkeypatch.setattr(benchmark, "PEERS", benchmark.PEERS[:1])
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(1, 3, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2))
    model.append(nn.Flatten()).append(nn.Linear(12, 4))
    calibration = np.random.default_rng(0).random((50, 1, 4, 4), dtype=np.float32)
    network = bitfpga.from_torch(model.eval(), calibration)
    found = benchmark.compare(network, samples=300, peer_samples=50, repeats=1)
    assert len(found["tools"]) == 2
    assert all(tool["unequal"] == 0 for tool in found["tools"].values())
    assert found["compile_ratio"] < 1


def test_what_hls4ml_gets_is_the_network(load: Any) -> None:
    """In floats wide enough for every sum the model rounds to the reference's integers."""
    benchmark = load("csim_cnn_vs_hls4ml")
    network = benchmark.digits_network()
    model = benchmark.exact_float_model(network).double()
    x = np.random.default_rng(0).integers(0, 256, (20, 1, 8, 8)).astype(np.uint8)
    values, modules = torch.tensor(x * network.input.scale), iter(model)
    for layer in network.layers:
        y = layer.output
        values = next(modules)(values)
        if layer.kind == "conv":
            values = next(modules)(values)
        values = torch.floor(values / y.scale + 0.5).clamp(y.low, y.high) * y.scale
    expected = network.dequantise(bitfpga.run(network, x))
    assert np.array_equal(values.detach().numpy(), expected)


def test_the_commands_of_resnet18_on_a_small_network(load: Any) -> None:
    benchmark = load("resnet18_scale")
    row = benchmark.measure("digits_cnn", 1.0, "pynq-z2", images=20)
    assert row["exact"]
    assert row["images_per_cpu_second"] > 0
    assert 0 < row["build"][2] < 1
    assert 0 < row["csim"][2] < 2
    assert "| pynq-z2 |" in benchmark.plan_table([row])
    assert "| yes |" in benchmark.build_table([row])
    with pytest.raises(SystemExit):
        benchmark.ran("build", "no/such/file.bitfpga")


@pytest.fixture
def trained(load: Any, tmp_path: Path) -> Path:
    """Return a folder with one network as ``cnn_train`` leaves it, not trained at all."""
    pytest.importorskip("sklearn", reason="needs scikit-learn")
    load("cnn_nets").random_network("digits_cnn", 1.0).save(tmp_path / "digits_x.bitfpga")
    record = {"task": "digits", "file": "digits_x.bitfpga", "weights": 1864}
    record |= {"float_accuracy": 0.5, "torch_accuracy": 0.25}
    (tmp_path / "results.json").write_text(json.dumps([record]))
    return tmp_path


def test_an_example_is_simulated_on_its_test_set(load: Any, trained: Path) -> None:
    benchmark = load("cnn_examples")
    (record,) = json.loads((trained / "results.json").read_text())
    row = benchmark.measure(record, trained, samples=40)
    assert row["samples"] == 40
    assert 0 <= row["csim"] <= 1
    assert row["rate"] > 0
    assert "| digits_x | 1,864 | 1.000 | 50.00 | 25.00 |" in benchmark.table([row])


def test_an_example_that_differs_is_an_error(
    load: Any, trained: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    benchmark = load("cnn_examples")
    (record,) = json.loads((trained / "results.json").read_text())
    wrong = SimpleNamespace(y=np.zeros((40, 10), np.int16), run_cpu_seconds=1.0)
    monkeypatch.setattr(benchmark, "simulate", lambda *_: wrong)
    monkeypatch.setattr("bitfpga.csim._trace_difference", lambda *_: None)
    with pytest.raises(CsimError, match="differs from the reference on 40 of 40 samples"):
        benchmark.measure(record, trained, samples=40)
