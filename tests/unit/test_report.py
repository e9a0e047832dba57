"""The schedule's figures add up, and its tables show all of them at every width."""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import pytest
from cli_runs import small_mlp
from hypothesis import given, settings
from rich.console import Console
from strategies import dense_networks

from bitfpga.boards import load_board
from bitfpga.digits import NumberSystem
from bitfpga.errors import PlanError
from bitfpga.ir import Dense, Network
from bitfpga.plan import Schedule, Target, plan, schedule_from_json
from bitfpga.report import (
    board_share,
    facts_table,
    print_whole,
    schedule_lines,
    schedule_summary,
)


def planned(network: Network, system: NumberSystem = NumberSystem.CSD, **target: float) -> Schedule:
    return plan(network, load_board("zcu104"), number_system=system, target=Target(**target))


def printed(schedule: Schedule, width: int) -> str:
    out = io.StringIO()
    console = Console(file=out, width=width, force_terminal=False)
    print_whole(console, schedule_lines(schedule, console))
    return out.getvalue()


def csd_digits(weight: int) -> int:
    """Count the digits of one weight the slow way, digit by digit."""
    count, rest = 0, abs(weight)
    while rest:
        if rest & 1:
            count += 1
            rest -= 2 - (rest & 3)
        rest >>= 1
    return count


@pytest.mark.parametrize("system", list(NumberSystem))
def test_the_summary_adds_up(system: NumberSystem) -> None:
    network = small_mlp((11, 13, 7, 5))
    summary = schedule_summary(planned(network, system))
    count = csd_digits if system is NumberSystem.CSD else lambda w: abs(w).bit_count()
    for layer, figures in zip(network.layers, summary["layers"], strict=True):
        assert isinstance(layer, Dense)
        assert figures["taps"] == sum(count(w) for w in layer.weight.reshape(-1).tolist())
        assert figures["weights"] == layer.weight.size
        assert figures["shape"] == list(layer.output.shape)
        assert figures["layer"] == layer.origin
    n_weights = sum(layer["weights"] for layer in summary["layers"])
    n_taps = sum(layer["taps"] for layer in summary["layers"])
    assert summary["adds_per_sample"] == n_taps
    assert summary["dense_multiplies_per_sample"] == n_weights
    assert summary["digits_per_weight"] == n_taps / n_weights
    for name in ("luts", "ffs", "bram36"):
        layers = sum(layer["estimate"][name] for layer in summary["layers"])
        assert layers <= summary["estimate"][name]


def test_times_follow_from_cycles_and_clock() -> None:
    network = small_mlp()
    one_column = planned(network)
    assert one_column.n_columns == 1
    assert "1 sample every" in printed(one_column, 200)
    schedule = planned(network, fps=1.5 * one_column.samples_per_second)
    assert f"{schedule.n_columns} samples every" in printed(schedule, 200)
    summary = schedule_summary(schedule)
    assert summary["n_columns"] > 1
    assert summary["latency_us"] == summary["latency_cycles"] * summary["clock_ns"] / 1000
    per_second = summary["n_columns"] * 1e9 / (summary["interval_cycles"] * summary["clock_ns"])
    assert summary["samples_per_second"] == pytest.approx(per_second, rel=1e-12)  # float order


def test_the_share_of_the_board_is_the_scarcest_resource() -> None:
    schedule = planned(small_mlp())
    board = schedule.board
    for resources, share in (
        (replace(schedule.resources, luts=board.luts, ffs=0, bram36=0), 1.0),
        (replace(schedule.resources, luts=0, ffs=board.ffs * 2, bram36=0), 2.0),
        (replace(schedule.resources, luts=0, ffs=0, bram36=board.bram36 / 4), 0.25),
    ):
        assert board_share(resources, schedule) == share
    none = replace(schedule, board=board.model_copy(update={"bram36": 0}))
    assert board_share(schedule.resources, none) > 0


@settings(max_examples=25)
@given(network=dense_networks())
def test_any_network_is_summed_and_printed(network: Network) -> None:
    try:
        schedule = planned(network)
    except PlanError:
        return  # a multiplier that differs by position: refused elsewhere
    assert schedule_from_json(schedule.to_json()) == schedule
    summary = schedule_summary(schedule)
    assert summary["adds_per_sample"] == sum(layer["taps"] for layer in summary["layers"])
    for width in (60, 80, 200):
        text = printed(schedule, width)
        assert "…" not in text
        assert "whole design" in text


def with_origins(schedule: Schedule, *origins: str) -> Schedule:
    layers = zip(schedule.layers, origins, strict=True)
    return replace(
        schedule, layers=tuple(replace(layer, origin=origin) for layer, origin in layers)
    )


def test_one_table_where_it_fits_and_two_where_not() -> None:
    schedule = planned(small_mlp())
    for width, n_tables in ((200, 1), (120, 1), (80, 2), (20, 2)):
        text = printed(schedule, width)
        assert text.count("whole design ") == n_tables
        assert len([line for line in text.splitlines() if line.startswith("body.1 ")]) == n_tables
        headers = text.replace("\n", " ").split()
        for header in ("layer", "kind", "shape", "engine", "cycles", "taps", "weight", "BRAM36"):
            assert header in headers


def test_long_names_are_folded_and_not_cut() -> None:
    name = "encoder.blocks.3.attention.projection.out.linear.quantised"
    schedule = with_origins(planned(small_mlp()), name, "b", "c")
    text = printed(schedule, 80)
    table = text.split("\n\n")[1].splitlines()
    assert max(map(len, table[:-2])) <= 80
    at = next(i for i, line in enumerate(table) if line.startswith("encoder"))
    width = table[at].index("  ")
    pieces = "".join(line[:width].strip() for line in table[at:])
    assert pieces.startswith(name)
    assert name[:40] in printed(schedule, 200)


def test_names_are_never_read_as_markup() -> None:
    names = ("[bold]x[/]", "[/]", ":smile: [link=x]")
    text = printed(with_origins(planned(small_mlp()), *names), 200)
    for name in names:
        assert name in text
    out = io.StringIO()
    console = Console(file=out, width=80)
    print_whole(console, ["[red]a[/]", facts_table([("[b]", "[/i] 7")])])
    assert out.getvalue().split() == ["[red]a[/]", "[b]", "[/i]", "7"]


def test_lines_longer_than_the_console_are_not_broken() -> None:
    out = io.StringIO()
    console = Console(file=out, width=20)
    path = "/a/long/path/" + "x" * 100
    print_whole(console, [path, facts_table([("a", "y" * 90)])])
    assert path in out.getvalue()
    assert "y" * 90 in out.getvalue()


def test_layers_without_taps_show_no_digits() -> None:
    network = small_mlp((3, 2))
    layer = network.layers[0]
    assert isinstance(layer, Dense)
    pruned = replace(network, layers=(replace(layer, weight=np.zeros_like(layer.weight)),))
    summary = schedule_summary(planned(pruned))
    assert (summary["adds_per_sample"], summary["digits_per_weight"]) == (0, 0.0)
    assert " 0.00 " in printed(planned(pruned), 200)
