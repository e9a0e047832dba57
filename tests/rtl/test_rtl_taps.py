"""Networks whose taps come over AXI-Streams: queues that fill, tiles of a map, slow rows."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from bbs_nets import MODES, coded_network, conv
from conv_nets import conv_net
from foldings import any_schedule
from mlps import mlp
from rtl_runs import assert_exact, needs_verilator, samples

from bitfpga.digits import NumberSystem
from bitfpga.emit import emit_rtl
from bitfpga.ir import Dense, Network, TensorType
from bitfpga.plan import Schedule
from bitfpga.prune.bbs import BbsConfig

pytestmark = needs_verilator


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("rtl")


def in_memory(network: Network, *folding: float) -> Schedule:
    schedule = any_schedule(network, NumberSystem.CSD, *folding, in_memory=True)
    assert {layer.source for layer in schedule.layers if layer.n_taps} == {"memory"}
    return schedule


@pytest.mark.parametrize("least", [1, 2, 16])
@pytest.mark.parametrize("slowness", [0.0, 0.4, 1.0])
def test_queues_that_fill(
    least: int, slowness: float, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bitfpga.plan.feeding.LEAST_QUEUE", least)
    network = mlp((33, 48, 19))
    schedule = in_memory(network, 1, 2, slowness)
    assert schedule.simulated or slowness == 0.0
    assert_exact(folder, network, schedule, samples(network), gaps=least)


@pytest.mark.parametrize(
    ("beat_pixels", "n_samples", "slowness"), [(1, 1, 0.3), (4, 1, 0.0), (2, 2, 0.6)]
)
def test_tiles_of_a_map(beat_pixels: int, n_samples: int, slowness: float, folder: Path) -> None:
    network = conv_net(7)
    schedule = in_memory(network, beat_pixels, n_samples, slowness)
    assert max(layer.n_tiles for layer in schedule.layers) > 2
    assert_exact(folder, network, schedule, samples(network))


def test_shared_sums_and_taps_in_memory(folder: Path) -> None:
    network = coded_network(BbsConfig(4, MODES[0], 0.2, 16), (8, 7, 6))
    schedule = any_schedule(network, NumberSystem.BBS, 2, 1, 0.3, in_memory=True)
    assert_exact(folder, network, schedule, samples(network))


def test_groups_of_channels_on_pes_that_wait(folder: Path) -> None:
    source, output = TensorType((24, 5, 6), 8, True), TensorType((24, 5, 6), 8, True)
    layer = conv("each", source, output, groups=24)
    weight = np.random.default_rng(4).integers(-120, 120, layer.weight.shape, np.int16)
    network = Network("each", source, (replace(layer, weight=weight),))
    schedule = in_memory(network, 1, 1, 0.25)
    assert schedule.streams is not None
    assert schedule.streams["each"].job_base.any()
    for gaps in (1, 2, 3):
        assert_exact(folder, network, schedule, samples(network), gaps=gaps)


def test_the_rows_of_a_layer_are_a_file_and_a_port() -> None:
    network = mlp((7, 5, 3))
    files = emit_rtl(network, in_memory(network))
    top = files["bitfpga_top.v"].decode()
    for layer in network.layers:
        assert isinstance(layer, Dense)
        port = f"s_axis_taps_{layer.name}"
        rows = np.frombuffer(files[f"{port}.bin"], "<u8")
        assert rows.size
        for wire in ("tdata", "tvalid", "tready"):
            assert f" {port}_{wire},\n" in top
            assert f".s_{wire}({port}_{wire})" in top
    assert not any("_taps0.mem" in name for name in files)
