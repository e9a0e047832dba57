"""Finished schedules: FIFOs deep enough and no deeper, cycles as simulated, resources as summed."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from conv_nets import conv_net
from hostile_maps import Chain
from mlps import mlp, one_dense, random_weights

from bitfpga.boards import load_board
from bitfpga.digits import NumberSystem
from bitfpga.errors import PlanError
from bitfpga.ir import Network
from bitfpga.plan import Schedule, plan
from bitfpga.plan.assemble import FIFO_DEPTH, join_fifos, processes
from bitfpga.plan.feeding import tap_feed
from bitfpga.plan.finish import Folded, finish, fold_design
from bitfpga.plan.folded import fold_array
from bitfpga.plan.folding import Folding
from bitfpga.plan.resources import HOST_INTERFACE, fifo
from bitfpga.plan.schedule import Resources
from bitfpga.plan.search import DesignSpace
from bitfpga.plan.steps import STORE
from bitfpga.plan.timing import Timing, simulate

BOARD = load_board("pynq-z2")
CSD = NumberSystem.CSD
NETWORKS = {"maps": conv_net(6), "vectors": mlp((16, 24, 9, 5))}
WIDE = mlp((400, 300, 200))


@cache
def finished(name: str, beat_pixels: int, slower: int = 2) -> tuple[Folded, Schedule]:
    """Return a design of ``slower`` times the shortest interval, and its schedule."""
    space = DesignSpace(NETWORKS[name], BOARD, CSD, beat_pixels, 1)
    limit = slower * space.shortest
    design = space.design(limit, 1.0)
    assert design is not None
    folded = fold_design(design, limit)
    return folded, finish(folded, 10.0, CSD)


def timed(folded: Folded, depths: dict[str, int], n_images: int = 3) -> Timing:
    space = folded.design.space
    return simulate(processes(space.pipeline, folded.arrays, 1), depths, n_images)


def depths_of(schedule: Schedule) -> dict[str, int]:
    return {queue.name: queue.depth for queue in schedule.fifos}


@pytest.mark.parametrize("beat_pixels", [1, 2, 8])
@pytest.mark.parametrize("slower", [2, 7])
def test_the_schedules_cycles_are_those_of_its_fifos(beat_pixels: int, slower: int) -> None:
    folded, schedule = finished("maps", beat_pixels, slower)
    timing = timed(folded, depths_of(schedule))
    assert schedule.simulated
    assert schedule.interval_cycles == timing.interval_cycles
    assert schedule.latency_cycles == timing.latency_cycles
    for layer in schedule.layers:
        process = timing.processes[layer.name]
        assert (layer.first_cycle, layer.last_cycle) == (process.first[0], process.last[0])
        assert layer.interval_cycles == process.busy_cycles <= schedule.interval_cycles


@pytest.mark.parametrize("beat_pixels", [1, 2])
def test_more_images_and_deeper_fifos_change_no_interval(beat_pixels: int) -> None:
    folded, schedule = finished("maps", beat_pixels)
    depths = depths_of(schedule)
    assert timed(folded, depths, 6).interval_cycles == schedule.interval_cycles
    deeper = {name: 10 * depth for name, depth in depths.items()}
    assert timed(folded, deeper).interval_cycles == schedule.interval_cycles


def test_the_skip_of_a_residual_block_waits_in_its_fifo() -> None:
    """Without the places that its schedule gives it, the block stops for ever or takes longer."""
    folded, schedule = finished("maps", 1)
    depths = depths_of(schedule)
    deep = [name for name, depth in depths.items() if depth > FIFO_DEPTH]
    (skip,) = deep
    assert skip in join_fifos(folded.design.space.pipeline)
    assert depths[skip] > 2 * 9 * 6 // 2  # windows of two convolutions of kernel 3 lie between
    right = timed(folded, depths)
    slower = []
    for places in (1, FIFO_DEPTH, depths[skip] // 2):
        try:
            timing = timed(folded, depths | {skip: places})
        except PlanError as error:
            assert skip in str(error)  # noqa: PT017
            slower.append(True)
            continue
        slower.append(
            timing.interval_cycles > right.interval_cycles
            or timing.latency_cycles > right.latency_cycles
        )
    assert all(slower)


@pytest.mark.parametrize("name", ["maps", "vectors"])
def test_resources_are_the_sum_of_what_is_built(name: str) -> None:
    folded, schedule = finished(name, 1)
    queues = sum((fifo(queue.depth, queue.bits) for queue in schedule.fifos), Resources())
    assert schedule.resources == folded.resources + queues
    layers = sum((layer.resources for layer in schedule.layers), HOST_INTERFACE + queues)
    assert layers.luts < schedule.resources.luts <= layers.luts + 400  # load and store
    assert layers.bram36 <= schedule.resources.bram36


def test_a_vector_network_needs_no_deep_fifo() -> None:
    _, schedule = finished("vectors", 1)
    assert {queue.depth for queue in schedule.fifos} == {FIFO_DEPTH}


@pytest.mark.parametrize("network", list(NETWORKS.values()), ids=list(NETWORKS))
def test_a_network_too_large_to_simulate_gets_bounds(
    network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    exact = plan(network, BOARD)
    monkeypatch.setattr("bitfpga.plan.assemble.MOST_ELEMENTS", 0)
    bound = plan(network, BOARD)
    assert not bound.simulated
    slowest = max(layer.interval_cycles for layer in bound.layers)
    assert bound.interval_cycles >= slowest
    assert bound.interval_cycles <= 1.2 * exact.interval_cycles
    assert {layer.last_cycle for layer in bound.layers} == {0}


@pytest.mark.parametrize("network", [*NETWORKS.values(), WIDE], ids=[*NETWORKS, "wide"])
def test_bounds_hold_and_such_networks_do_not_stop(network, monkeypatch) -> None:
    monkeypatch.setattr("bitfpga.plan.assemble.MOST_ELEMENTS", 0)
    space = DesignSpace(network, BOARD, CSD, 2, 1)
    design = space.design(3 * space.shortest, 1.0)
    assert design is not None
    folded = fold_design(design, 3 * space.shortest)
    schedule = finish(folded, 10.0, CSD)
    timing = timed(folded, depths_of(schedule))
    assert timing.interval_cycles <= schedule.interval_cycles
    assert timing.latency_cycles <= schedule.latency_cycles < 10 * timing.latency_cycles


def test_layers_that_read_taps_from_memory_share_its_port(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bitfpga.plan.search.ON_CHIP_ROWS", 0)
    schedule = plan(mlp((40, 60, 50, 9)), BOARD)
    memory = [layer for layer in schedule.layers if layer.source == "memory"]
    assert len(memory) == 3
    rows = sum(layer.n_pes * layer.n_tap_rows * layer.n_tiles for layer in memory)
    assert schedule.interval_cycles == rows > max(layer.interval_cycles for layer in memory)
    assert not schedule.simulated


@pytest.mark.parametrize("slower", [1.1, 1.5, 3])
def test_layers_share_the_port_so_that_limits_are_kept(slower, monkeypatch) -> None:
    monkeypatch.setattr("bitfpga.plan.search.ON_CHIP_ROWS", 0)
    space = DesignSpace(conv_net(40), BOARD, CSD, 1, 1)
    assert sum(options.port_share for options in space.options.values()) == pytest.approx(1)
    limit = round(slower * space.shortest)
    design = space.design(limit, 1.0)
    if design is None:
        assert slower < 1.3
        return
    folded = fold_design(design, limit)
    rows = sum(a.stream.tap_rows.size * a.n_tiles for a in folded.arrays.values())
    assert rows <= 1.05 * limit
    assert finish(folded, 10.0, CSD).interval_cycles <= 1.1 * limit


def test_the_interval_is_that_of_a_full_pipeline() -> None:
    """A skip past many layers waits for more images than a few: only later do they all leave."""
    same = ((1, 1), (1, 1))
    chain = Chain(2, 5, 6).conv("a", 2, (3, 3), padding=same)
    for name in "bcdefgh":
        chain.conv(name, 2, (3, 3), padding=same)
    space = DesignSpace(chain.plus("sum", "h", "a").network(), BOARD, CSD, 1, 1)
    limit = 2 * space.shortest
    design = space.design(limit, 1.0)
    assert design is not None
    folded = fold_design(design, limit)
    schedule = finish(folded, 10.0, CSD)
    assert schedule.latency_cycles > 4 * schedule.interval_cycles
    depths = {fifo.name: fifo.depth for fifo in schedule.fifos}
    steps = processes(space.pipeline, folded.arrays, 1)
    later = simulate(steps, depths, 40)
    ends = np.array(later.processes[STORE].last)
    later_on = np.diff(ends)[10:]
    periods = [n for n in range(1, 10) if (later_on[n:] == later_on[:-n]).all()]
    assert periods, later_on
    assert -(-later_on[: periods[0]].sum() // periods[0]) == schedule.interval_cycles
    assert schedule.latency_cycles == later.latency_cycles


@pytest.mark.parametrize("n_pes", [1, 40])
def test_rows_from_memory_come_one_a_cycle_for_all_pes(n_pes: int) -> None:
    space = DesignSpace(one_dense(random_weights(64, 48)), BOARD, CSD, 1, 1)
    (facts,) = space.facts.values()
    folding = Folding(1, 48, True, n_pes, 0, "memory", 0.0, Resources())
    array = fold_array(facts, folding, 1, 1, space.streams)
    longest, rows = int(array.stream.pe_cycles.max()), array.stream.tap_rows.size
    assert (rows > longest) == (n_pes > 1)
    assert array.walk_cycles == tap_feed(array.stream).walk_cycles > max(rows, longest)
    assert ("taps from memory" in array.demands) == (n_pes > 1)
