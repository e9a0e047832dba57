"""A fast smoke of the benchmarks of the Verilog: they run, and their figures are true."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import pytest
from cli_runs import small_mlp
from rtl_cells import needs_pyosys
from rtl_runs import needs_verilator, samples

from bitfpga.plan import Resources
from bitfpga.synth import AreaReport, BlockArea, LogicDelay, MappedBlock, PartArea

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return a function that imports a benchmark by name."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module


@needs_verilator
def test_a_network_is_simulated_in_the_planned_cycles(
    load: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    benchmark = load("rtl_simulation")
    network = small_mlp((5, 3))
    x = samples(network, 4)
    monkeypatch.setattr(benchmark, "inputs", lambda name, n_images: (network, x[:n_images]))
    row = benchmark.measure("tiny", 4)
    assert row["blocks_compared_by_cycle"] == row["n_images"] == 4
    assert row["latency_cycles"] == row["planned_latency_cycles"] > 0
    assert row["compile_cpu_seconds"] > 0
    assert row["images_per_minute"] == pytest.approx(60 * 4 / row["run_seconds"])
    shown = benchmark.table([row])
    assert f"| {row['latency_cycles']:,} ({row['latency_cycles']:,}) |" in shown
    assert shown.count("\n") == 3


def test_the_inputs_are_those_of_the_demo_or_random_ones(load: Any) -> None:
    benchmark = load("rtl_simulation")
    assert len(benchmark.inputs("digits", 4)[1]) == 360
    network, x = benchmark.inputs("digits_cnn", 3)
    assert x.shape == (3, *network.input.shape)


def test_a_synthesis_is_shown_beside_its_estimate(
    load: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    benchmark = load("rtl_synthesis")
    area = BlockArea(lut_logic=1234, ffs=567, ramb18=3)
    part = PartArea("fc0", "layer", "vector_array", MappedBlock(area, None), None)

    def synthesise(files: dict[str, bytes], *_: object, **options: float) -> AreaReport:
        assert "bitfpga_top.v" in files
        assert options["limit_s"] > 0
        return AreaReport("fake", "xc7", (part,), LogicDelay(3210, ()), Resources(1111, 1, 2.0))

    monkeypatch.setattr(benchmark, "network", lambda name: small_mlp((5, 3)))
    monkeypatch.setattr(benchmark, "synthesise", synthesise)
    row = benchmark.measure("tiny", tmp_path)
    assert row["total"]["luts"] == 1234
    shown = benchmark.table([row]).splitlines()[-1]
    assert shown.startswith("| tiny | 1,234 | 1,111 | -10.0% | 567 | 1.5 | 2 | 0 | 3.21 ns |")


@needs_pyosys
def test_an_array_of_tap_words_keeps_to_its_budget(load: Any, tmp_path: Path) -> None:
    row = load("rtl_arrays").measure_array(16, 6, tmp_path, coded=False)
    assert row["luts_per_add"] <= 26
    assert row["dsp"] == 0
    assert row["logic_delay_ns"] <= 3.5


@needs_pyosys
@pytest.mark.parametrize("coded", [False, True])
def test_an_array_alone_is_mapped(load: Any, tmp_path: Path, coded: bool) -> None:
    arrays = load("rtl_arrays")
    row = arrays.measure_array(1, 1, tmp_path, coded=coded)
    assert row["stream"] == ("cells" if coded else "words")
    assert row["luts_per_add"] == row["luts"] > arrays.ACC
    assert (row["dsp"], row["n_pes"], row["columns"]) == (0, 1, 1)
    assert row["logic_delay_ns"] > 1
    assert f"{row['luts']:,}" in arrays.array_table([row])
