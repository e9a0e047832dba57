"""Folding: targets are reached by the smallest folding, or refused with figures and a flag."""

from __future__ import annotations

import math
import re
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mlps import mlp, one_dense, random_weights

from bitfpga.boards import Board, load_board
from bitfpga.digits import NumberSystem, to_digits
from bitfpga.errors import PlanError
from bitfpga.ir import Network
from bitfpga.plan import Schedule, Target, layer_stream, plan
from bitfpga.plan.dealing import deal, longest
from bitfpga.plan.facts import collect_facts
from bitfpga.plan.folding import choose_sources
from bitfpga.plan.planner import _Planner
from bitfpga.plan.streams import stream_lengths

BOARD = load_board("pynq-z2")
NETWORK = mlp((16, 24, 9, 5))
FIGURES = r"the best that fits is ([\d.e+]+) us and ([\d,]+) samples/s"


def one_pe_fewer(network: Network, schedule: Schedule, limit: int) -> list[str]:
    """Return the layers that would keep to ``limit`` cycles with one PE fewer."""
    kept = []
    for layer in network.layers:
        folded = schedule.layer(layer.name)
        lengths = stream_lengths(to_digits(layer.weight, schedule.number_system))
        if folded.n_pes > 1 and longest(lengths, deal(lengths, folded.n_pes - 1)) <= limit:
            kept.append(layer.name)
    return kept


@given(st.floats(2e4, 2e7), st.sampled_from((5.0, 7.3, 10.0)), st.sampled_from(list(NumberSystem)))
@settings(max_examples=60)
def test_a_rate_is_reached_with_no_pe_to_spare(fps, clock_ns, system) -> None:
    try:
        schedule = plan(
            NETWORK, BOARD, clock_ns=clock_ns, number_system=system, target=Target(fps=fps)
        )
    except PlanError as error:
        best = float(re.search(FIGURES, str(error))[2].replace(",", ""))
        assert best < fps
        return
    assert schedule.samples_per_second >= fps
    limit = math.floor(schedule.n_columns * 1e9 / (fps * clock_ns) * (1 + 1e-12))
    assert schedule.interval_cycles <= limit
    assert one_pe_fewer(NETWORK, schedule, limit) == []


@given(st.integers(20, 9000), st.sampled_from((3.3, 5.0, 7.0, 10.0)))
@settings(max_examples=60)
def test_a_rate_that_was_reported_is_reached_again_as_cheaply(interval, clock_ns) -> None:
    first = plan(NETWORK, BOARD, clock_ns=clock_ns, target=Target(fps=1e9 / interval / clock_ns))
    target = Target(fps=first.samples_per_second)
    again = plan(NETWORK, BOARD, clock_ns=clock_ns, target=target)
    assert again.samples_per_second >= first.samples_per_second
    assert again.resources.luts <= first.resources.luts


@cache
def every_folding() -> list[Schedule]:
    """Return the schedules of one column for every limit from 1 cycle a layer to the slowest."""
    planner = _Planner(NETWORK, BOARD, BOARD.clock_ns, NumberSystem.CSD, None)
    return [planner.schedule(limit, 1) for limit in range(1, planner.slowest_limit() + 1)]


@given(st.floats(1.5, 12.0))
@settings(max_examples=60)
def test_a_latency_is_reached_with_the_fewest_pes(latency_us) -> None:
    reaching = [s for s in every_folding() if s.latency_us <= latency_us]
    if not reaching:
        with pytest.raises(PlanError, match="out of reach") as caught:
            plan(NETWORK, BOARD, target=Target(latency_us=latency_us))
        assert float(re.search(FIGURES, str(caught.value))[1]) >= latency_us
        return
    schedule = plan(NETWORK, BOARD, target=Target(latency_us=latency_us))
    assert schedule.n_columns == 1
    assert schedule.latency_us <= latency_us
    assert n_pes(schedule) == min(map(n_pes, reaching))


def n_pes(schedule: Schedule) -> int:
    return sum(layer.n_pes for layer in schedule.layers)


def test_without_a_target_the_board_is_filled() -> None:
    schedule = plan(NETWORK, BOARD)
    assert schedule.n_columns == 1
    small = BOARD.model_copy(update={"luts": schedule.resources.luts})
    slower = plan(NETWORK, small)
    assert slower.resources.luts <= 0.85 * small.luts
    assert slower.interval_cycles >= schedule.interval_cycles
    assert slower.latency_cycles > schedule.latency_cycles


@pytest.mark.parametrize("target", [Target(fps=1e9), Target(latency_us=0.05)])
def test_a_target_out_of_reach_says_what_is_in_reach(target: Target) -> None:
    with pytest.raises(PlanError) as caught:
        plan(NETWORK, BOARD, target=target)
    message = str(caught.value)
    wanted = "1000000000.0 samples/s" if target.fps else "latency 0.05 us"
    assert message.startswith(f"{wanted} is out of reach on pynq-z2 at 10.0 ns: the best")
    latency_us, rate = re.search(FIGURES, message).groups()
    if target.fps:
        reached = plan(NETWORK, BOARD, target=Target(fps=float(rate.replace(",", "")) * 0.999))
    else:
        reached = plan(NETWORK, BOARD, target=Target(latency_us=float(latency_us) * 1.01))
    assert reached.layers
    assert "--clock-ns" in message
    assert "--board" in message


def test_a_target_that_does_not_fit_is_refused() -> None:
    fast = plan(NETWORK, BOARD, target=Target(fps=1e6))
    small = BOARD.model_copy(update={"luts": fast.resources.luts})
    with pytest.raises(PlanError, match="out of reach"):
        plan(NETWORK, small, target=Target(fps=1e6))


def tiny_board(**changes: int) -> Board:
    return BOARD.model_copy(update={"name": "tiny", **changes})


@pytest.mark.parametrize(("name", "have"), [("luts", 900), ("bram36", 0)])
def test_a_board_that_is_too_small_says_by_how_much(name: str, have: int) -> None:
    with pytest.raises(PlanError) as caught:
        plan(NETWORK, tiny_board(**{name: have}))
    message = str(caught.value)
    assert message.startswith("tiny is too small even for one PE a layer: estimated ")
    need, room, over = re.search(
        rf"([\d,]+) {name} of (\d+) \(([\d,]+) too many\)", message
    ).groups()
    assert int(room) == int(have * {"luts": 0.85, "bram36": 0.9}[name])
    assert int(need.replace(",", "")) - int(room) == int(over.replace(",", ""))
    assert "--board" in message


def test_a_users_board_file_is_planned_for(tmp_path) -> None:
    text = "\n".join(
        f"{key} = {value!r}"
        for key, value in tiny_board(luts=9000).model_dump().items()
        if key != "pynq"
    )
    path = tmp_path / "tiny.toml"
    path.write_text(text + '\npynq = ["3.0.1"]\n', encoding="utf-8")
    schedule = plan(NETWORK, load_board(path))
    assert schedule.board.name == "tiny"
    assert schedule.resources.luts <= 0.85 * 9000


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"clock_ns": 0.0}, "--clock-ns 0.0: must be"),
        ({"clock_ns": float("nan")}, "--clock-ns nan: must be"),
        ({"clock_ns": 0.5}, "--clock-ns 0.5: 1 to 1000 ns"),
        ({"target": Target(fps=-1.0)}, "--target-fps -1.0: must be"),
        ({"target": Target(latency_us=math.inf)}, "--target-latency-us inf: must be"),
        ({"target": Target(latency_us=1.0, fps=1.0)}, "not both"),
    ],
)
def test_settings_that_make_no_sense_are_refused(settings: dict, words: str) -> None:
    with pytest.raises(PlanError, match=re.escape(words)):
        plan(NETWORK, BOARD, **settings)


def test_the_largest_layers_go_to_memory_first() -> None:
    facts = collect_facts(NETWORK, NumberSystem.CSD)
    on_chip = {f.layer.name: f.n_words * f.stored_bits for f in facts}
    assert set(choose_sources(facts, BOARD).values()) == {"rom"}
    largest = max(on_chip, key=on_chip.__getitem__)
    bits = sum(on_chip.values()) - 1
    room = BOARD.model_copy(update={"bram36": bits * 2 // 36864})
    if room.bram36 * 36864 // 2 >= sum(on_chip.values()):
        pytest.fail("the board is meant to be one word too small")
    sources = choose_sources(facts, room)
    assert sources[largest] == "memory"


@pytest.mark.parametrize(("n_inputs", "word_bits", "pes"), [(40, 16, 4), (8200, 32, 2)])
def test_a_memory_layer_gets_a_pe_for_each_word_of_the_port(
    monkeypatch: pytest.MonkeyPatch, n_inputs: int, word_bits: int, pes: int
) -> None:
    monkeypatch.setattr("bitfpga.plan.folding.ON_CHIP_WORDS", 0)
    network = one_dense(random_weights(6, n_inputs, 0.1))
    schedule = plan(network, BOARD)
    (layer,) = schedule.layers
    assert (layer.source, layer.word_bits, layer.n_pes) == ("memory", word_bits, pes)
    stream = layer_stream(network.layers[0], schedule)
    assert stream.words.dtype == np.dtype(f"uint{word_bits}")
    assert layer.walk_cycles == stream.words.shape[1]


def test_memory_layers_share_the_port(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bitfpga.plan.folding.ON_CHIP_WORDS", 0)
    schedule = plan(NETWORK, BOARD)
    assert schedule.interval_cycles == sum(layer.walk_cycles for layer in schedule.layers)


def test_pruned_layers_need_no_pe() -> None:
    (layer,) = plan(one_dense(np.zeros((5, 3), np.int16)), BOARD).layers
    assert (layer.n_pes, layer.n_pruned, layer.source, layer.walk_cycles) == (0, 5, "none", 0)
    assert layer.requantise_cycles == 5
