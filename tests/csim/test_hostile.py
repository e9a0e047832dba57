"""Hostile networks in C simulation, sanitised and in exact widths, on extreme inputs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from foldings import any_schedule
from hostile import HOSTILE
from hostile_maps import HOSTILE_MAPS
from mlps import mlp
from strategies import extreme_batches

from bitfpga.csim import ap_int_headers, simulate
from bitfpga.digits import NumberSystem
from bitfpga.errors import ToolError
from bitfpga.ir import IntArray, Network
from bitfpga.project import Project, build, emit
from bitfpga.reference import run
from bitfpga.tools import find_cxx

EXACT_WIDTHS = (
    "one_bit_into_a_clamp_of_sixteen",
    "weights_of_nine_bits",
    "a_layer_pruned_whole",
    "widths_from_one_to_sixteen",
    "multipliers_of_many_terms",
    "tables",
    "skips_from_the_input",
    "unsigned_beside_signed",
    "only_reshapes",
)


def samples(network: Network, n_random: int = 9) -> IntArray:
    """Return extreme and random inputs [n, *input shape]."""
    source = network.input
    shape = (n_random, *source.shape)
    random = np.random.default_rng(3).integers(source.low, source.high, shape, endpoint=True)
    return np.concatenate([extreme_batches(network), random.astype(source.dtype)])


def assert_equal(project: Project, folder: Path, x: IntArray, **mode: bool) -> None:
    """Assert that the C simulation of ``project`` gives what the reference gives."""
    y = simulate(project.write(folder), project.network, x, **mode).y
    np.testing.assert_array_equal(y, run(project.network, x))


def need_ap_int() -> None:
    """Skip where the ap_int headers are missing or do not compile."""
    if not find_cxx().builds_ap_int:
        pytest.skip(f"the ap_int headers do not compile with {find_cxx().version}")
    try:
        ap_int_headers()
    except ToolError as error:
        pytest.skip(str(error))


@pytest.mark.parametrize("name", HOSTILE)
def test_sanitised(name: str, tmp_path: Path) -> None:
    network = HOSTILE[name]()
    system = ("csd", "binary")[len(name) % 2]
    project = build(network, number_system=system, target_fps=1.0 if len(name) % 3 else None)
    assert_equal(project, tmp_path / "p", samples(network), sanitize=True)


@pytest.mark.parametrize("name", EXACT_WIDTHS)
def test_in_exact_widths(name: str, tmp_path: Path) -> None:
    need_ap_int()
    network = HOSTILE[name]()
    assert_equal(build(network), tmp_path / "p", samples(network), checked=True)


@pytest.fixture(scope="module")
def folded(tmp_path_factory: pytest.TempPathFactory) -> tuple[Project, Path]:
    """Return a project whose blocks of 128 simulated samples are filled and overrun."""
    project = build(mlp((7, 5, 3)))
    return project, project.write(tmp_path_factory.mktemp("csim") / "p")


@pytest.mark.parametrize("n_samples", [0, 1, 127, 128, 129, 300])
def test_blocks_of_every_filling(folded: tuple[Project, Path], n_samples: int) -> None:
    project, folder = folded
    x = np.random.default_rng(n_samples).integers(-128, 128, (n_samples, 7))
    result = simulate(folder, project.network, x)
    assert result.y.dtype == project.network.output.dtype
    np.testing.assert_array_equal(result.y, run(project.network, x))


@pytest.mark.parametrize(
    "name", ["two_small_windows_beside_a_large_one", "a_long_branch_and_a_short_one"]
)
def test_networks_too_large_to_simulate_do_not_stop(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bitfpga.plan.assemble.MOST_ELEMENTS", 0)
    project = build(HOSTILE_MAPS[name]())
    assert not project.schedule.simulated
    assert_equal(project, tmp_path / "p", samples(project.network, 3), bounded=True)


SHAPES = [(1, 1, "csd"), (1, 2, "binary"), (2, 1, "bbs"), (4, 1, "csd"), (8, 2, "binary")]


@pytest.mark.parametrize("in_memory", [False, True], ids=["rom", "memory"])
@pytest.mark.parametrize(("beat_pixels", "n_samples", "system"), SHAPES)
def test_every_shape_of_beats_in_exact_widths(
    beat_pixels: int, n_samples: int, system: str, in_memory: bool, tmp_path: Path
) -> None:
    need_ap_int()
    network = HOSTILE_MAPS["shortcuts_that_shrink"]()
    slowness = 0.3 if in_memory else 0.0
    schedule = any_schedule(
        network, NumberSystem(system), beat_pixels, n_samples, slowness, in_memory
    )
    sources = {layer.source for layer in schedule.layers if layer.n_taps}
    assert sources == {"memory" if in_memory else "rom"}
    assert max(layer.n_pes for layer in schedule.layers) > 1
    project = emit(network, schedule)
    assert ("hls/taps.bin" in project.files) == in_memory
    assert_equal(project, tmp_path / "p", samples(network, 8), checked=True)


@pytest.mark.parametrize("name", HOSTILE_MAPS)
def test_maps_sanitised(name: str, tmp_path: Path) -> None:
    network = HOSTILE_MAPS[name]()
    n = len(name)
    schedule = any_schedule(
        network, NumberSystem.CSD, (1, 2, 4)[n % 3], 1, (n % 5) / 4, in_memory=n % 2 == 0
    )
    assert_equal(emit(network, schedule), tmp_path / "p", samples(network), sanitize=True)


@pytest.mark.parametrize("name", HOSTILE_MAPS)
def test_maps_with_fifos_of_the_planned_depths(name: str, tmp_path: Path) -> None:
    network = HOSTILE_MAPS[name]()
    assert_equal(build(network), tmp_path / "p", samples(network, 3), bounded=True)


@pytest.mark.parametrize("system", ["csd", "binary"])
def test_streams_from_memory_sanitised(
    system: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bitfpga.plan.search.ON_CHIP_ROWS", 0)
    network = HOSTILE["a_layer_pruned_whole"]()
    project = build(network, number_system=system)
    sources = [layer.source for layer in project.schedule.layers]
    assert sources == ["memory", "none", "memory"]
    assert_equal(project, tmp_path / "p", samples(network), sanitize=True)


def test_a_fifo_that_is_too_shallow_ends_in_a_deadlock_that_is_told(tmp_path: Path) -> None:
    network = HOSTILE_MAPS["a_long_branch_and_a_short_one"]()
    project = build(network)
    shallow = {fifo.name: 1 for fifo in project.schedule.fifos}
    fifos = tuple(replace(f, depth=shallow[f.name]) for f in project.schedule.fifos)
    folder = emit(network, replace(project.schedule, fifos=fifos)).write(tmp_path / "p")
    with pytest.raises(ToolError, match="deadlock"):
        simulate(folder, network, samples(network, 1), bounded=True)
