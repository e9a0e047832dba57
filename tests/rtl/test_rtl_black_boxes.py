"""Layers as RTL black boxes: exact through FIFOs, ap_ctrl_chain and a clock enable."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from foldings import any_schedule
from hostile import HOSTILE
from hostile_maps import HOSTILE_MAPS, Chain
from rtl_black_boxes import BoxBench, Pace, array_steps, assert_box_exact, rtl_files
from rtl_cells import needs_pyosys, run_yosys, xilinx_cells
from rtl_runs import needs_verilator, samples

from bitfpga.ir import IntArray, Network
from bitfpga.plan import Schedule, alone
from bitfpga.project import emit

PACES = (
    Pace(40, 100, 100, 100, 2),
    Pace(100, 30, 100, 60, 3),
    Pace(70, 70, 50, 100, 4),
    Pace(60, 50, 60, 15, 5),
    Pace(100, 100, 30, 30, 6),
)


def a_map_whose_end_no_window_needs() -> Network:
    return Chain(2, 17, 5).conv("c", 3, (1, 1), stride=(9, 2)).network()


@dataclass(frozen=True)
class Case:
    """The box of ``layer`` of a network."""

    network: Callable[[], Network]
    layer: str
    folding: dict[str, Any] = field(default_factory=dict)

    def make(self) -> tuple[Network, Schedule]:
        network = self.network()
        return network, any_schedule(network, **self.folding)


CASES = (
    Case(HOSTILE["weights_of_nine_bits"], "fc", {"slowness": 0.5}),
    Case(HOSTILE["a_layer_pruned_whole"], "fc1", {"n_samples": 2}),
    Case(HOSTILE_MAPS["depthwise_then_pointwise"], "dw", {"beat_pixels": 4, "n_samples": 2}),
    Case(HOSTILE_MAPS["one_sided_padding_and_dilation"], "c", {"beat_pixels": 2}),
    Case(HOSTILE_MAPS["strides_beyond_the_kernel"], "c", {"beat_pixels": 8, "slowness": 0.3}),
    Case(HOSTILE_MAPS["nothing_left"], "c", {"n_samples": 4}),
    Case(a_map_whose_end_no_window_needs, "c"),
)
by_name = pytest.mark.parametrize("case", CASES, ids=lambda case: case.network.__name__)


def blocks(network: Network, n_samples: int) -> IntArray:
    """Return inputs of a few calls: extreme and random samples, whole blocks."""
    x = samples(network, 7)
    return x[: len(x) // n_samples * n_samples]


def written(network: Network, schedule: Schedule, folder: Path) -> Path:
    return emit(network, schedule, black_boxes=True).write(folder / "project") / "hls"


@needs_verilator
@by_name
def test_a_box_gives_the_reference_at_any_pace(case: Case, tmp_path: Path) -> None:
    network, schedule = case.make()
    hls = written(network, schedule, tmp_path)
    x = blocks(network, schedule.n_samples)
    step = array_steps(network, schedule)[case.layer]
    bench = BoxBench(hls, step, schedule.n_samples, tmp_path / "bench")
    assert step.output is not None
    cycles = assert_box_exact(bench, network, x, Pace())
    ends = cycles.reshape(-1, step.output.n_beats)[:, -1]
    planned = alone(step, schedule).ends
    np.testing.assert_array_equal(ends[: len(planned)], planned[: len(ends)])
    for pace in PACES:
        assert_box_exact(bench, network, x, pace)
    for seed in range(8):  # with results on their way, or a call not acknowledged
        reset_at = int(ends[1]) + 9 * seed
        assert_box_exact(bench, network, x, Pace(90, 90, 80, 20, seed, reset_at))


@needs_pyosys
@needs_verilator
def test_a_box_of_mapped_cells_gives_the_same_without_a_multiplier(tmp_path: Path) -> None:
    network, schedule = CASES[0].make()
    hls = written(network, schedule, tmp_path)
    step = array_steps(network, schedule)["fc"]
    run_yosys(
        f"read_verilog -defer {' '.join(map(str, rtl_files(hls, step)))}",
        "read_verilog -lib +/xilinx/cells_sim.v",
        "read_verilog -lib +/xilinx/cells_xtra.v",
        "hierarchy -check -top box_fc",
        "synth_xilinx -family xc7 -flatten -noiopad -noclkbuf -abc9 -top box_fc",
        "tee -q -o stat.json stat -json",
        "rename -enumerate -pattern part%x",
        "write_verilog -noattr gates.v",
        cwd=tmp_path,
    )
    text = (tmp_path / "stat.json").read_text()
    cells = json.loads(text[text.index("{") :])["design"]["num_cells_by_type"]
    assert not [cell for cell in cells if cell.startswith("DSP")]
    assert cells["LUT6_2"] > 0
    assert cells["CARRY4"] > 0
    gates = (tmp_path / "gates.v", xilinx_cells())
    bench = BoxBench(hls, step, schedule.n_samples, tmp_path / "bench", gates)
    assert_box_exact(bench, network, blocks(network, schedule.n_samples), PACES[3])
