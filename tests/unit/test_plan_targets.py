"""Targets: reached, with figures that hold when asked for again, or refused with figures."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest
from conv_nets import conv_layer, conv_net
from hostile import HOSTILE
from hypothesis import given, settings
from hypothesis import strategies as st
from mlps import mlp

from bitfpga.boards import Board, load_board
from bitfpga.digits import NumberSystem
from bitfpga.errors import PlanError
from bitfpga.ir import Network, TensorType
from bitfpga.plan import Schedule, Target, plan

BOARD = load_board("pynq-z2")
NETWORK = mlp((16, 24, 9, 5))
MAPS = conv_net(6)
FIGURES = r"the best that fits is ([\d.e+]+) us and ([\d,]+) samples/s"
CLOCKS = st.sampled_from((3.3, 5.0, 7.3, 10.0))


def rate_in(error: PlanError) -> float:
    return float(re.search(FIGURES, str(error))[2].replace(",", ""))


@given(st.floats(2e4, 3e7), CLOCKS, st.sampled_from((NumberSystem.CSD, NumberSystem.BINARY)))
@settings(max_examples=8)
def test_a_rate_is_reached_or_refused_with_the_best_one(fps, clock_ns, system) -> None:
    try:
        schedule = plan(
            NETWORK, BOARD, clock_ns=clock_ns, number_system=system, target=Target(fps=fps)
        )
    except PlanError as error:
        assert rate_in(error) < fps  # noqa: PT017
        return
    assert schedule.samples_per_second >= fps
    assert fits(schedule)


@given(st.integers(60, 9000), CLOCKS)
@settings(max_examples=3)
def test_a_rate_that_was_reported_is_reached_again_about_as_cheaply(interval, clock_ns) -> None:
    first = plan(NETWORK, BOARD, clock_ns=clock_ns, target=Target(fps=1e9 / interval / clock_ns))
    target = Target(fps=first.samples_per_second)
    again = plan(NETWORK, BOARD, clock_ns=clock_ns, target=target)
    assert again.samples_per_second >= first.samples_per_second
    assert again.resources.luts <= 1.1 * first.resources.luts


@pytest.mark.parametrize("share", [0.2, 0.7, 0.999])
def test_a_network_of_maps_reaches_rates_below_its_best(share: float) -> None:
    best = plan(MAPS, BOARD)
    wanted = best.samples_per_second * share
    schedule = plan(MAPS, BOARD, target=Target(fps=wanted))
    assert schedule.samples_per_second >= wanted
    assert fits(schedule)
    if share < 0.5:
        assert schedule.resources.luts < best.resources.luts


@pytest.mark.parametrize("latency_us", [4.0, 4.5, 9.0])
def test_a_latency_is_reached_by_fewer_pes_where_more_time_is_left(latency_us: float) -> None:
    schedule = plan(NETWORK, BOARD, target=Target(latency_us=latency_us))
    assert schedule.n_samples == 1
    assert schedule.latency_us <= latency_us
    tighter = plan(NETWORK, BOARD, target=Target(latency_us=latency_us * 0.8))
    assert n_pes(tighter) >= n_pes(schedule)


def n_pes(schedule: Schedule) -> int:
    return sum(layer.n_pes for layer in schedule.layers)


def fits(schedule: Schedule) -> bool:
    used, board = schedule.resources, schedule.board
    return (
        used.luts <= 0.85 * board.luts
        and used.ffs <= 0.85 * board.ffs
        and used.bram36 <= 0.9 * board.bram36
    )


def test_a_latency_of_maps_is_reached() -> None:
    best = plan(MAPS, BOARD)
    wanted = best.latency_us * 1.5
    schedule = plan(MAPS, BOARD, target=Target(latency_us=wanted))
    assert schedule.latency_us <= wanted
    assert fits(schedule)


@pytest.mark.parametrize("network", [NETWORK, MAPS], ids=["vectors", "maps"])
def test_without_a_target_the_board_is_filled(network: Network) -> None:
    schedule = plan(network, BOARD)
    assert schedule.n_samples == 1
    assert fits(schedule)
    small = BOARD.model_copy(update={"luts": schedule.resources.luts})
    slower = plan(network, small)
    assert fits(slower)
    assert slower.interval_cycles >= schedule.interval_cycles


@pytest.mark.parametrize("target", [Target(fps=1e9), Target(latency_us=0.05)])
def test_a_target_out_of_reach_says_what_is_in_reach(target: Target) -> None:
    with pytest.raises(PlanError) as caught:
        plan(NETWORK, BOARD, target=target)
    message = str(caught.value)
    wanted = "1e+09 samples/s" if target.fps else "latency 0.05 us"
    assert message.startswith(f"{wanted} is out of reach on pynq-z2 at 10.0 ns: the best")
    latency_us, rate = re.search(FIGURES, message).groups()
    if target.fps:
        reached = plan(NETWORK, BOARD, target=Target(fps=float(rate.replace(",", "")) * 0.999))
    else:
        reached = plan(NETWORK, BOARD, target=Target(latency_us=float(latency_us) * 1.01))
    assert reached.layers
    assert re.search(r"layer 'fc\d' is slowest, bound by its (PEs|outputs|input)\)", message)
    assert "--clock-ns" in message
    assert "--board" in message


def test_a_target_that_does_not_fit_is_refused() -> None:
    fast = plan(NETWORK, BOARD, target=Target(fps=1.5e6))
    small = BOARD.model_copy(update={"luts": round(0.8 * fast.resources.luts)})
    with pytest.raises(PlanError, match="out of reach"):
        plan(NETWORK, small, target=Target(fps=1.5e6))


def tiny_board(**changes: int) -> Board:
    return BOARD.model_copy(update={"name": "tiny", **changes})


@pytest.mark.parametrize(("name", "have"), [("luts", 900), ("bram36", 0), ("ffs", 1000)])
def test_a_board_that_is_too_small_says_by_how_much(name: str, have: int) -> None:
    with pytest.raises(PlanError) as caught:
        plan(NETWORK, tiny_board(**{name: have}))
    message = str(caught.value)
    assert message.startswith("tiny is too small even for one PE a layer: estimated ")
    found = re.search(rf"([\d,]+) {name} of ([\d,]+) \(([\d,]+) too many\)", message)
    need, room, over = (int(figure.replace(",", "")) for figure in found.groups())
    assert room == int(have * {"luts": 0.85, "bram36": 0.9, "ffs": 0.85}[name])
    assert abs(need - room - over) <= 1
    assert "--board" in message


def test_a_users_board_file_is_planned_for(tmp_path) -> None:
    text = "\n".join(
        f"{key} = {value!r}"
        for key, value in tiny_board(luts=9000).model_dump(exclude={"pynq", "ps"}).items()
    )
    path = tmp_path / "tiny.toml"
    path.write_text(text + '\npynq = ["3.0.1"]\n', encoding="utf-8")
    schedule = plan(NETWORK, load_board(path))
    assert schedule.board.name == "tiny"
    assert fits(schedule)


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


@pytest.mark.parametrize("channels", [16, 24, 32])
def test_half_the_digits_take_half_the_cycles(channels: int) -> None:
    """On a board that PEs fill: the default plan, everything but the weights alike."""
    board = BOARD.model_copy(update={"luts": 14000, "bram36": 60})
    intervals = [plan(digits_net(channels, n), board).interval_cycles for n in (2, 1)]
    assert intervals[1] <= 0.55 * intervals[0]


def digits_net(channels: int, n_digits: int) -> Network:
    """Return two convolutions whose weights all have ``n_digits`` digits, of random planes."""
    rng = np.random.default_rng(channels)
    shape = (channels, channels, 8, 8)
    layers = []
    for name, source in (("a", "input"), ("b", "a")):
        layer = conv_layer(name, source, shape, 3)
        low = 1 << rng.integers(0, 3, layer.weight.shape)
        high = 1 << rng.integers(5, 7, layer.weight.shape)
        signs = rng.choice((-1, 1), layer.weight.shape)
        layer.weight[:] = signs * (high + low * (n_digits - 1))
        layers.append(layer)
    return Network("digits", TensorType((channels, 8, 8), 8, False), tuple(layers))


def test_a_rate_that_only_input_and_output_hold_back_is_refused_in_one_sentence() -> None:
    network = HOSTILE["only_reshapes"]()
    with pytest.raises(PlanError, match=r"out of reach .*\(input and output move one"):
        plan(network, BOARD, target=Target(fps=1e9))
