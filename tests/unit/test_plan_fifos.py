"""Depths of FIFOs: enough to lose no cycle, and no more than that takes."""

from __future__ import annotations

import numpy as np
import pytest
from stream_nets import StreamNet

from bitfpga.errors import PlanError
from bitfpga.plan.fifos import size_fifos
from bitfpga.plan.processes import Fork, Load, Map, Process, Store
from bitfpga.plan.tiled import Array
from bitfpga.plan.timing import Timing, fifo_beats, simulate
from bitfpga.plan.windows import Window, least_buffer_rows, tile_blocks, tile_limits


def conv(name: str, source: str, target: str, side: int, channels: int, walk: int = 40) -> Array:
    """A 3 x 3 convolution that keeps the map, with tiles of 4 pixels and one pixel a beat."""
    window = Window(channels, side, side, side, side, (3, 3), padding_before=(1, 1))
    rows = least_buffer_rows(window, 4, 1)
    need, limit = tile_limits(window, 4, 1, rows)
    return Array(
        name,
        (source,),
        (target,),
        n_beats=window.n_beats(1),
        need=need,
        limit=limit,
        fill_cycles=9 * channels,
        blocks=tile_blocks(side * side, 4, 1),
        walk_cycles=walk,
        entry_last=np.ones(channels, dtype=bool),
    )


def residual(walk: int = 40, store_cycles: int = 1) -> list[Process]:
    """A residual block of two convolutions on 8 x 8 pixels of 3 channels."""
    n = 8 * 8 * 3
    return [
        Load("load", (), ("x",), n),
        Fork("fork", ("x",), ("main", "shortcut"), n),
        conv("conv_1", "main", "middle", 8, 3),
        conv("conv_2", "middle", "end", 8, 3, walk),
        Map("add", ("end", "shortcut"), ("sum",), n),
        Store("store", ("sum",), (), n, cycles_per_beat=store_cycles),
    ]


JOINS = {"end", "shortcut"}


def unlimited(processes: list[Process], joins: set[str], depth: int) -> Timing:
    """Return the timing with ``joins`` never full and every other FIFO of this depth."""
    depths: dict[str, int | None] = dict.fromkeys(fifo_beats(processes), depth)
    return simulate(processes, depths | dict.fromkeys(joins))


def runs(processes: list[Process], depths: dict[str, int]) -> bool:
    try:
        simulate(processes, depths)
    except PlanError:
        return False
    return True


def least_depth(processes: list[Process], depths: dict[str, int], name: str) -> int:
    """Return the least depth of one FIFO with which the network does not stop."""
    return next(d for d in range(1, 1000) if runs(processes, depths | {name: d}))


def test_a_residual_block_stops_with_one_place_less_than_the_least() -> None:
    processes = residual()
    depths = dict.fromkeys(fifo_beats(processes), 4)
    least = least_depth(processes, depths, "shortcut")
    assert 40 < least < 192  # some rows of the map, but not all of it
    depths["shortcut"] = least - 1
    with pytest.raises(PlanError, match=rf"full FIFOs .*shortcut \({least - 1} beats\)") as error:
        simulate(processes, depths)
    assert "empty FIFOs" in str(error.value)
    assert "end" in str(error.value).split("empty FIFOs")[1]
    assert size_fifos(processes, JOINS, 4)[0]["shortcut"] >= least


@pytest.mark.parametrize("walk", [1, 40, 300])
@pytest.mark.parametrize("store_cycles", [1, 20])
def test_sized_fifos_lose_no_cycle(walk: int, store_cycles: int) -> None:
    processes = residual(walk, store_cycles)
    depths, found = size_fifos(processes, JOINS, 8)
    free = unlimited(processes, JOINS, 8)
    timing = simulate(processes, depths)
    assert found == timing
    assert (timing.latency_cycles, timing.interval_cycles) == (
        free.latency_cycles,
        free.interval_cycles,
    )
    assert {name: depths[name] for name in depths if name != "shortcut"} == {
        "x": 8,
        "main": 8,
        "middle": 8,
        "end": 8,
        "sum": 8,
    }
    assert depths["shortcut"] < 192  # not what waits for a slow reader without need


def test_depths_of_random_networks_lose_no_cycle() -> None:
    n_deep = 0
    for seed in range(2000, 2080):
        net = StreamNet(seed)
        try:
            free = unlimited(net.processes, net.joins, 3)
        except PlanError:
            continue  # a fork inside another one: its FIFOs are joins only further on
        depths, _ = size_fifos(net.processes, net.joins, 3)
        timing = simulate(net.processes, depths)
        assert timing.interval_cycles <= free.interval_cycles
        assert timing.latency_cycles <= free.latency_cycles
        assert all(depths[name] == 3 for name in depths.keys() - net.joins)
        n_deep += any(depth > 3 for depth in depths.values())
    assert n_deep > 5


def test_largest_occupancy_is_the_least_depth_that_changes_nothing() -> None:
    for seed in range(3000, 3040):
        net = StreamNet(seed)
        depths: dict[str, int | None] = dict.fromkeys(fifo_beats(net.processes))
        free = simulate(net.processes, depths)
        tight = simulate(net.processes, free.occupancy)
        assert tight == free
        for name, depth in free.occupancy.items():
            if depth > 1:
                try:
                    assert simulate(net.processes, depths | {name: depth - 1}) != free
                except PlanError:
                    pass


def test_nothing_to_size_without_joins() -> None:
    processes: list[Process] = [Load("load", (), ("x",), 5), Store("store", ("x",), (), 5)]
    assert size_fifos(processes, set(), 7)[0] == {"x": 7}


def test_a_network_that_stops_for_other_fifos_is_refused() -> None:
    processes = residual()
    with pytest.raises(PlanError, match="full FIFOs"):
        size_fifos(processes, {"end"}, 4)
