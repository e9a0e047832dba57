"""The plan's estimate of a whole design beside what Yosys makes of its Verilog, for 7-series.

Block RAM must be the same, and there is no DSP. LUTs may differ by a tenth: how logic is packed
into LUTs is the tool's business, and no formula of the plan knows it.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import pytest
from conv_nets import conv_layer, conv_net
from foldings import any_schedule
from hostile import HOSTILE
from hostile_maps import HOSTILE_MAPS
from mlps import mlp

from bitfpga.boards import load_board
from bitfpga.demo import demo_network
from bitfpga.digits import NumberSystem
from bitfpga.emit import emit_rtl
from bitfpga.ir import Network, TensorType
from bitfpga.plan import Schedule, Target, plan
from bitfpga.synth.area import AreaReport
from bitfpga.synth.yosys import synthesise

pytestmark = pytest.mark.skipif(
    find_spec("pyosys") is None and shutil.which("yosys") is None,
    reason="neither pyosys nor yosys is installed",
)

LIMIT_S = 900.0
BOARD = load_board("pynq-z2")
LUT_SHARE = 0.10
LEAST_LUTS = 500  # of fewer, a few LUTs of control are a tenth
Design = tuple[Network, Schedule]
DESIGNS: dict[str, Callable[[], Design]] = {}


def design(make: Callable[[], Design]) -> Callable[[], Design]:
    DESIGNS[make.__name__] = make
    return make


def folded(
    network: Network, beat_pixels: int, n_samples: int, slowness: float, *, binary: bool = False
) -> Design:
    system = NumberSystem.BINARY if binary else NumberSystem.CSD
    shape = (beat_pixels, n_samples, slowness)
    return network, any_schedule(network, system, *shape, board=BOARD)


@design
def the_demo() -> Design:
    network = demo_network()
    return network, plan(network, BOARD)


@design
def a_residual_block_and_pools() -> Design:
    network = conv_net(12, seed=1)
    return network, plan(network, BOARD, target=Target(fps=20_000.0))


@design
def four_samples_at_once() -> Design:
    return folded(mlp((23, 31, 7)), 1, 4, 0.3)


@design
def one_pe_for_each_layer_of_two_samples() -> Design:
    return folded(HOSTILE_MAPS["groups_with_a_pruned_one"](), 1, 2, 1.0, binary=True)


@design
def pools_in_beats_of_four() -> Design:
    return folded(HOSTILE_MAPS["pools_that_overlap"](), 4, 1, 0.75)


@design
def joins_and_moves() -> Design:
    return folded(HOSTILE["concatenations"](), 4, 1, 1.0)


@design
def tables_in_luts_and_in_block_ram() -> Design:
    return folded(HOSTILE["tables"](), 4, 1, 0.25)


@design
def weighted_sums() -> Design:
    return folded(HOSTILE["skips_from_the_input"](), 1, 1, 0.0, binary=True)


@design
def a_map_of_many_tiles() -> Design:
    tensor = TensorType((2, 26, 25), 8, False)
    layer = conv_layer("a", "input", (2, 3, 26, 25), 3)
    return folded(Network("tiles", tensor, (layer,)), 1, 1, 1.0)


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("area")


@pytest.mark.parametrize("name", DESIGNS)
def test_the_plan_says_what_yosys_builds(
    name: str, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bitfpga.synth.yosys.TIMED", ())  # no delays: they take half of the time
    network, schedule = DESIGNS[name]()
    report = synthesise(emit_rtl(network, schedule), schedule, cache, limit_s=LIMIT_S)
    total, planned, worst = report.total, report.estimate, furthest(report)
    assert (total.dsp, total.latches, dict(total.other)) == (0, 0, {})
    assert planned.bram36 == total.bram36, worst
    assert total.luts > LEAST_LUTS
    assert abs(planned.luts - total.luts) <= LUT_SHARE * total.luts, worst


def furthest(report: AreaReport) -> str:
    """Return the blocks whose estimate is furthest from what Yosys built, in words."""
    known = [(part, part.estimate) for part in report.parts if part.estimate is not None]
    known.sort(key=lambda pair: -abs(pair[1].luts - pair[0].area.luts))
    known.sort(key=lambda pair: pair[1].bram36 == pair[0].area.bram36)
    lines = [
        f"{part.name} ({part.module}): {part.area.luts} LUT, planned {planned.luts}; "
        f"{part.area.bram36:g} BRAM36, planned {planned.bram36:g}"
        for part, planned in known[:4]
    ]
    rest = [f"{part.name} {part.area.bram36:g}" for part in report.parts if part.estimate is None]
    return "\n".join([*lines, f"BRAM36 of blocks without an estimate: {', '.join(rest)}"])
