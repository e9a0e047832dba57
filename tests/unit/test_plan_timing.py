"""The cycle model: equal to a simulation clock by clock, and to hand-counted cycles."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from clocked import clocked_timing
from stream_nets import StreamNet

from bitfpga.errors import PlanError
from bitfpga.plan.processes import Fork, Gather, Load, Map, Process, Store, Sum
from bitfpga.plan.tiled import Array, VectorArray
from bitfpga.plan.timing import fifo_beats, simulate


def compare(processes: list[Process], depths: dict[str, int | None], n_images: int) -> bool:
    """Assert that both simulations agree on every cycle; return whether the network stops."""
    try:
        timing = simulate(processes, depths, n_images)
    except PlanError:
        assert clocked_timing(processes, depths, n_images, 6000) is None
        return True
    n_cycles = max(last for process in timing.processes.values() for last in process.last)
    clocked = clocked_timing(processes, depths, n_images, n_cycles + 500)  # beats no window reads
    assert clocked is not None
    outputs, occupancy = clocked
    for name, process in timing.processes.items():
        assert (list(process.first), list(process.last)) == outputs[name], name
    assert timing.occupancy == occupancy
    ends = outputs["store"][1]
    assert timing.latency_cycles == ends[0] + 1
    assert timing.interval_cycles == ends[-1] - ends[-2]
    return False


@pytest.mark.parametrize("block", range(8))
def test_random_networks_run_as_clock_by_clock(block: int) -> None:
    stops = 0
    for seed in range(25 * block, 25 * block + 25):
        net = StreamNet(seed)
        names = fifo_beats(net.processes)
        depths = {
            name: None if net.rng.random() < 0.3 else int(net.rng.integers(1, 9)) for name in names
        }
        stops += compare(net.processes, depths, int(net.rng.integers(2, 5)))
    assert stops < 15  # most of them run


def line(*middle: Process) -> list[Process]:
    """Load 3 beats into FIFO a; store 3 beats from FIFO z."""
    return [Load("load", (), ("a",), 3), *middle, Store("store", ("z",), (), 3)]


def test_hand_counted_map() -> None:
    processes = line(Map("map", ("a",), ("z",), 3, stages=2))
    timing = simulate(processes, {"a": 3, "z": 4})
    # stages 1 and 2: loaded in cycle 0, written in 1, read in 2, written in 4, stored in 5
    assert timing.processes["load"].first == (1, 4, 7)
    assert timing.processes["map"].first == (4, 7, 10)
    assert timing.processes["store"].first == (5, 8, 11)
    assert timing.processes["store"].last == (7, 10, 13)
    assert (timing.latency_cycles, timing.interval_cycles) == (8, 3)
    # a place is taken when a beat is made: stages + 2 of them are full speed
    assert timing.occupancy == {"a": 3, "z": 4}
    assert timing.processes["map"].busy_cycles == 3


def test_a_fifo_of_one_beat_lets_one_pass_every_third_cycle() -> None:
    timing = simulate(line(Map("map", ("a",), ("z",), 3)), {"a": 1, "z": 2})
    assert timing.interval_cycles == 9
    assert timing.occupancy == {"a": 1, "z": 1}


def test_hand_counted_vector_array() -> None:
    entry_last = np.array([False, True, True, False, True])
    dense = VectorArray("dense", ("a",), ("z",), 3, 10, entry_last, stages=4)
    timing = simulate(line(dense), {"a": 3, "z": 8})
    # read in 2, 3, 4; restart in 5 and 6, walked in 7 to 16; seven more cycles; entries in 24 to
    # 28, four stages
    assert timing.processes["dense"].first == (24 + 1 + 4, 41, 53)
    assert timing.processes["dense"].last == (28 + 4, 44, 56)
    assert timing.interval_cycles == 2 + 10 == timing.processes["dense"].busy_cycles


def test_the_last_pe_ends_later_but_holds_up_no_tile() -> None:
    entry_last = np.array([True, True, True])
    dense = VectorArray("dense", ("a",), ("z",), 3, 20, entry_last, skew=5, stages=4)
    timing = simulate(line(dense), {"a": 3, "z": 8})
    assert timing.processes["dense"].first == (34 + 5 + 4, 65, 87)
    assert timing.interval_cycles == 2 + 20


def test_hand_counted_array() -> None:
    conv = Array(
        "conv",
        ("a",),
        ("z",),
        n_beats=3,
        need=np.array([2, 3]),
        limit=np.array([3, 4]),
        fill_cycles=5,
        blocks=np.array([1, 2]),
        walk_cycles=7,
        entry_last=np.array([False, True]),
        stages=4,
    )
    timing = simulate(line(conv), {"a": 3, "z": 8})
    # tile 0: beats read in 2 and 3, rows in 4 to 8, walk in 9 to 17, entries in 25 and 26
    # tile 1: beat read in 4, rows in 9 to 13, walk in 18 to 26, entries in 34 to 37
    # image 1, tile 0: its memory is free after 17, rows in 18 to 22, walk in 27 to 35
    # image 1, tile 1: the results of image 0, tile 1 have left after 37, walk in 38 to 46
    assert timing.processes["conv"].first == (30, 48, 68)
    assert timing.processes["conv"].last == (41, 61, 81)
    assert timing.interval_cycles == 20
    assert timing.processes["conv"].busy_cycles == 18


def test_sum_makes_its_beats_in_the_last_block() -> None:
    processes: list[Process] = [
        Load("load", (), ("a",), 6),
        Sum("sum", ("a",), ("z",), 2, 3, stages=4),
        Store("store", ("z",), (), 2, n_elements=5),
    ]
    timing = simulate(processes, {"a": 3, "z": 8})
    assert timing.processes["sum"].first == (6 + 4, 16, 22)  # beats are read from cycle 2 on
    assert timing.processes["store"].first == (13, 19, 25)
    assert timing.processes["store"].last == (17, 23, 29)
    assert (timing.latency_cycles, timing.interval_cycles) == (18, 6)


def test_a_layer_without_a_walk_takes_a_cycle_for_it() -> None:
    dense = VectorArray("dense", ("a",), ("z",), 3, 0, np.ones(3, dtype=bool), stages=4)
    timing = simulate(line(dense), {"a": 3, "z": 8}, n_images=5)
    assert timing.processes["dense"].first[0] == 4 + (2 + 1) + 7 + 1 + 4
    # a result memory is busy for 3 + 7 + 3 cycles, and there are two
    assert np.diff(timing.processes["dense"].last).tolist() == [3, 10, 3, 10]


@pytest.mark.parametrize(
    ("processes", "depths", "fault"),
    [
        (line(Map("map", ("a",), ("z",), 4)), {"a": 2, "z": 2}, "FIFO a: 3 beats .* 4 read"),
        (line(Map("map", ("a",), ("z",), 3)), {"a": 2}, "FIFO z has no depth"),
        (line(Map("map", ("a",), ("z",), 3)), {"a": 2, "z": 0}, "FIFO z has depth 0"),
        (line(Map("map", ("a",), ("y",), 3)), {}, "FIFO . has no (reader|writer)"),
        (line(Map("map", ("a", "z"), ("z",), 3)), {}, "FIFO z is used twice, again by store"),
        (line(), {}, "FIFO . has no (reader|writer)"),
        ([], {}, "the network has no Load"),
    ],
)
def test_wrong_networks_are_refused(
    processes: list[Process], depths: dict[str, int | None], fault: str
) -> None:
    with pytest.raises(ValueError, match=fault):
        simulate(processes, depths)


def test_one_image_has_no_interval() -> None:
    with pytest.raises(ValueError, match="1 images have no interval"):
        simulate(line(Map("map", ("a",), ("z",), 3)), {"a": 2, "z": 2}, n_images=1)


def test_processes_that_wait_for_each_other_name_their_fifos() -> None:
    loop = [
        Load("load", (), ("a",), 3),
        Fork("fork", ("a",), ("b", "c"), 3),
        Sum("sum", ("b",), ("d",), 1, 3),
        Gather("gather", ("d", "c"), ("z",), (1, 3), 3),
        Store("store", ("z",), (), 3),
    ]
    depths: dict[str, int | None] = {"a": 2, "b": 2, "c": 2, "d": 2, "z": 2}
    with pytest.raises(
        PlanError, match=r"full FIFOs a \(2 beats\), c \(2 beats\); empty FIFOs b, d, z"
    ):
        simulate(loop, depths)
    simulate(loop, depths | {"c": 3})


def test_a_long_line_runs_at_full_speed() -> None:
    n_beats = 30_000
    names = [f"fifo_{k}" for k in range(6)]
    maps = [Map(f"map_{k}", (a,), (b,), n_beats) for k, (a, b) in enumerate(pairwise(names))]
    ends = [Load("load", (), (names[0],), n_beats), Store("store", (names[-1],), (), n_beats)]
    timing = simulate([*ends, *maps], dict.fromkeys(names, 16))
    assert timing.interval_cycles == n_beats


def test_a_store_reads_its_first_beat_at_once() -> None:
    processes: list[Process] = [
        Load("load", (), ("a",), 2),
        Store("store", ("a",), (), 2, cycles_per_beat=9),
    ]
    timing = simulate(processes, {"a": 2})
    assert timing.processes["store"].first == (2, 20, 38)
    assert timing.processes["store"].last == (19, 37, 55)
