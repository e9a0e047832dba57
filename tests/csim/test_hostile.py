"""Hostile networks in C simulation, sanitised and in exact widths, on extreme inputs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hostile import HOSTILE
from mlps import dense, mlp, random_weights
from strategies import extreme_batches

from bitfpga.boards import load_board
from bitfpga.csim import ap_int_headers, simulate
from bitfpga.digits import NumberSystem
from bitfpga.errors import ToolError
from bitfpga.ir import IntArray, Network, TensorType
from bitfpga.plan import Schedule
from bitfpga.plan.planner import _Planner
from bitfpga.project import Project, build, emit
from bitfpga.reference import run
from bitfpga.tools import find_cxx

BOARD = load_board("pynq-z2")
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


def schedule_of(network: Network, n_columns: int, limit: int, system: NumberSystem) -> Schedule:
    """Return the schedule of this many columns, folded to ``limit`` cycles."""
    return _Planner(network, BOARD, BOARD.clock_ns, system, None).schedule(limit, n_columns)


@pytest.mark.parametrize("from_memory", [False, True], ids=["rom", "memory"])
@pytest.mark.parametrize(("n_columns", "system"), [(1, "csd"), (2, "binary"), (8, "csd")])
def test_every_schedule_in_exact_widths(
    n_columns: int,
    system: str,
    from_memory: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    need_ap_int()
    if from_memory:
        monkeypatch.setattr("bitfpga.plan.folding.ON_CHIP_WORDS", 60)
    network = mlp((7, 11, 6, 3), 0.4)
    schedule = schedule_of(network, n_columns, 30, NumberSystem(system))
    sources = {layer.source for layer in schedule.layers}
    assert sources == ({"rom", "memory"} if from_memory else {"rom"})
    assert max(layer.n_pes for layer in schedule.layers) > 1
    project = emit(network, schedule)
    assert ("hls/taps.bin" in project.files) == from_memory
    assert_equal(project, tmp_path / "p", samples(network, 8), checked=True)


@pytest.mark.parametrize("system", ["csd", "binary"])
def test_streams_from_memory_sanitised(
    system: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bitfpga.plan.folding.ON_CHIP_WORDS", 0)
    network = HOSTILE["a_layer_pruned_whole"]()
    project = build(network, number_system=system)
    sources = [layer.source for layer in project.schedule.layers]
    assert sources == ["memory", "none", "memory"]
    assert_equal(project, tmp_path / "p", samples(network), sanitize=True)


def test_words_of_two_widths_share_the_memory_port(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bitfpga.plan.folding.ON_CHIP_WORDS", 0)
    middle, output = TensorType((3,), 8, True), TensorType((2,), 8, True)
    layers = (
        dense("wide", "input", random_weights(3, 8200, 0.01), middle),
        dense("narrow", "wide", random_weights(2, 3, 1.0), output),
    )
    network = Network("n", TensorType((8200,), 8, True), layers)
    project = build(network)
    assert [layer.word_bits for layer in project.schedule.layers] == [32, 32]
    assert_equal(project, tmp_path / "p", samples(network))
