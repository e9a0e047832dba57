"""The files of one tiny project, letter for letter; the same project runs in C simulation."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
import pytest
from mlps import dense, requantise
from strategies import extreme_batches

from bitfpga.ir import Network, TensorType
from bitfpga.project import Project, build
from bitfpga.reference import run

WEIGHT = [[5, 0, -128, 1, 0], [0, 0, 0, 0, 0], [-3, 64, 0, 7, -1]]
TEXTS = (
    "hls/network.hpp",
    "hls/network_data.hpp",
    "hls/top.hpp",
    "hls/top.cpp",
    "hls/top_types.hpp",
    "hls/hls_config.cfg",
    "schedule.json",
    "interface.json",
)


@cache
def project() -> Project:
    """Return a dense layer of 5 inputs and 3 outputs, one of them pruned, for a PYNQ-Z2."""
    output = TensorType((3,), 8, True, 0.25)
    scaling = requantise(output, [1, 4, 3], [10, 40, -50], 4)
    layer = dense("fc", "input", WEIGHT, output, scaling, "body.fc")
    return build(Network("tiny_3x5", TensorType((5,), 8, False, 0.5), (layer,)))


@pytest.mark.parametrize("name", TEXTS)
def test_the_text_is_as_it_was_read(name: str, golden: Callable[[str, str], None]) -> None:
    golden(f"tiny_3x5/{name.rpartition('/')[2]}", project().files[name].decode())


def test_the_same_project_equals_the_reference() -> None:
    x = extreme_batches(project().network)
    np.testing.assert_array_equal(project().csim(x), run(project().network, x))


def test_the_same_input_gives_the_same_bytes() -> None:
    project.cache_clear()
    first = project().files
    project.cache_clear()
    assert project().files == first
