"""One layer alone, against the network that has no other."""

from __future__ import annotations

import numpy as np
import pytest
from cli_runs import small_mlp
from foldings import any_schedule
from hostile_maps import Chain
from rtl_black_boxes import array_steps

from bitfpga.ir import Network
from bitfpga.plan import alone

LOAD_CYCLES = 2  # a beat is written a cycle after its step, and read a cycle after that


def single_conv() -> Network:
    """Return a convolution of one channel: its elements come and go in the order of memory."""
    return Chain(1, 7, 5).conv("c", 1, (3, 2), padding=((1, 1), (0, 1))).network()


@pytest.mark.parametrize("slowness", [0.0, 0.4, 1.0])
@pytest.mark.parametrize("network", [small_mlp((11, 7)), single_conv()], ids=["dense", "conv"])
def test_a_network_of_one_layer_takes_what_the_layer_takes(
    network: Network, slowness: float
) -> None:
    schedule = any_schedule(network, slowness=slowness)
    (step,) = array_steps(network, schedule).values()
    found = alone(step, schedule)
    assert found.latency_cycles + LOAD_CYCLES == schedule.latency_cycles
    assert found.interval_cycles == schedule.interval_cycles
    assert (np.diff(found.ends) > 0).all()
    assert found.depth > 7
