"""C simulation equals the reference where layers have shared sums, in every mode."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from bbs_nets import MODES, coded_network
from foldings import any_schedule
from strategies import extreme_batches

from bitfpga.csim import ap_int_headers, simulate
from bitfpga.digits import NumberSystem
from bitfpga.errors import ToolError
from bitfpga.ir import Network
from bitfpga.project import emit
from bitfpga.prune.bbs import BbsConfig
from bitfpga.reference import run
from bitfpga.tools import find_cxx

WITH_SUMS = ("a", "b", "c", "d")


def check(network: Network, folder: Path, mode: dict[str, bool], **folding: Any) -> None:
    schedule = any_schedule(network, system=NumberSystem.BBS, **folding)
    path = emit(network, schedule).write(folder / "p")
    text = (path / "hls" / "network_data.hpp").read_text()
    for name in ("a", "each", "b", "c", "d"):
        assert (f" sum_group_{name}[" in text) == (name in WITH_SUMS)
    source = network.input
    x = np.random.default_rng(9).integers(source.low, source.high + 1, (37, *source.shape))
    x = np.concatenate([extreme_batches(network), x.astype(source.dtype)])
    y = simulate(path, network, x, **mode).y
    np.testing.assert_array_equal(y, run(network, x))


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("beat_pixels", [1, 2, 4])
def test_native(beat_pixels: int, signed: bool, tmp_path: Path) -> None:
    config = BbsConfig(4, MODES[signed], 0.0, 8)
    network = coded_network(config, (8, 6, 5), signed, seed=beat_pixels)
    slowness, in_memory = beat_pixels / 5, beat_pixels == 2
    folding = {"beat_pixels": beat_pixels, "slowness": slowness, "in_memory": in_memory}
    check(network, tmp_path, {}, n_samples=beat_pixels, **folding)


@pytest.mark.parametrize("mode", ["checked", "sanitize", "bounded"])
def test_modes(mode: str, tmp_path: Path) -> None:
    if mode == "checked":
        try:
            ap_int_headers()
        except ToolError as error:
            pytest.skip(str(error))
        if not find_cxx().builds_ap_int:
            pytest.skip("the ap_int headers do not compile here")
    network = coded_network(BbsConfig(2, MODES[0], 0.0, 16), (8, 8, 7), True, seed=3)
    check(network, tmp_path, {mode: True}, beat_pixels=2, n_samples=2, slowness=0.5)
