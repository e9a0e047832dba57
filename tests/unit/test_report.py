"""The schedule's figures add up, and its tables show all of them at every width."""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import pytest
from cli_runs import small_mlp
from hypothesis import given, settings
from report_cases import small_cnn
from rich.console import Console
from strategies import dense_networks

from bitfpga.boards import load_board
from bitfpga.digits import NumberSystem
from bitfpga.errors import PlanError
from bitfpga.ir import Dense, Network
from bitfpga.plan import Resources, Schedule, Target, plan, schedule_from_json
from bitfpga.report import (
    board_share,
    facts_table,
    print_whole,
    schedule_lines,
    schedule_summary,
)


def planned(network: Network, system: NumberSystem = NumberSystem.CSD, **target: float) -> Schedule:
    return plan(network, load_board("zcu104"), number_system=system, target=Target(**target))


def planned_cnn() -> Schedule:
    return plan(small_cnn(), load_board("zcu104"))


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
    binary = system is NumberSystem.BINARY
    count = (lambda w: abs(w).bit_count()) if binary else csd_digits  # bbs: without groups, csd
    for layer, figures in zip(network.layers, summary["layers"], strict=True):
        assert isinstance(layer, Dense)
        assert figures["taps"] == sum(count(w) for w in layer.weight.reshape(-1).tolist())
        assert figures["weights"] == layer.weight.size
        assert figures["shape"] == list(layer.output.shape)
        assert figures["layer"] == layer.origin
        assert figures["digits_per_weight"] == figures["digits"] / layer.weight.size
        assert figures["bits_per_tap"] == figures["tap_bits"] / figures["digits"]
        carried = figures["digits"] / (figures["n_pes"] * figures["walk_cycles"])
        assert figures["utilisation"] == carried
    n_weights = sum(layer["weights"] for layer in summary["layers"])
    n_taps = sum(layer["taps"] for layer in summary["layers"])
    assert summary["adds_per_sample"] == n_taps
    assert summary["dense_multiplies_per_sample"] == n_weights
    assert summary["digits_per_weight"] == n_taps / n_weights
    for name in ("luts", "ffs", "bram36"):
        layers = sum(layer["estimate"][name] for layer in summary["layers"])
        assert layers <= summary["estimate"][name]


def test_times_follow_from_cycles_and_clock() -> None:
    one = replace(planned(small_mlp()), interval_cycles=1_234, latency_cycles=7_654_321)
    assert one.n_samples == 1
    cycles = "1 sample every 1,234 cycles: 162,075 samples/s\nlatency: 7,654,321 cycles, 38,272 us"
    assert cycles in printed(one, 80)
    many = replace(one, n_samples=32, latency_cycles=7)
    cycles = "32 samples every 1,234 cycles: 5,186,386 samples/s\nlatency: 7 cycles, 0.035 us"
    assert cycles in printed(many, 80)
    summary = schedule_summary(many)
    assert (summary["samples_per_block"], summary["latency_us"]) == (32, 7 * 5 / 1000)
    assert summary["samples_per_second"] == pytest.approx(32e9 / (1_234 * 5), rel=1e-12)  # order


def test_what_was_not_simulated_is_called_planned() -> None:
    schedule = planned(small_mlp())
    assert "cycles: the pipeline simulated beat by beat" in printed(schedule, 200)
    assert all(layer["last_cycle"] > 0 for layer in schedule_summary(schedule)["layers"])
    schedule = replace(schedule, simulated=False)
    assert "cycles: planned from" in printed(schedule, 200)
    for layer in schedule_summary(schedule)["layers"]:
        assert (layer["first_cycle"], layer["last_cycle"]) == (None, None)


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


def test_one_table_where_it_fits_and_more_where_not() -> None:
    schedule = planned(small_mlp())
    for width, n_tables in ((200, 1), (80, 2), (50, 4), (20, 4)):
        text = printed(schedule, width)
        assert text.count("whole design ") == n_tables
        assert len([line for line in text.splitlines() if line.startswith("body.1 ")]) == n_tables
        headers = text.replace("\n", " ").split()
        for header in ("layer", "kind", "shape", "cycles", "bound", "taps", "weight", "BRAM36"):
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
    whole = printed(schedule, 200)
    assert name[:40] in whole
    width = max(map(len, whole.splitlines()[1:-5]))
    assert printed(schedule, width).count(name[:40]) == 1
    assert printed(schedule, width - 1).count(name[:40]) == 2  # two tables, and no name folded


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
    (figures,) = summary["layers"]
    assert (figures["weights"], figures["digits_per_weight"], figures["n_pruned"]) == (6, 0.0, 2)
    for none in ("utilisation", "bits_per_tap", "entropy_bits_per_tap", "symbol_bits"):
        assert figures[none] is None
    text = printed(planned(pruned), 200)
    assert " 0.00 " in text
    row = next(line for line in text.splitlines() if line.startswith("body.0"))
    assert row.split()[:6] == ["body.0", "dense", "2", "4", "input", "0"]


def test_layers_without_weights_show_what_they_have() -> None:
    schedule = planned_cnn()
    rows = {layer["kind"]: layer for layer in schedule_summary(schedule)["layers"]}
    for kind in ("max_pool", "add"):
        assert rows[kind]["n_pes"] == rows[kind]["taps"] == 0
        assert rows[kind]["digits_per_weight"] is rows[kind]["walk_cycles"] is None
        (line,) = (line for line in printed(schedule, 200).splitlines() if f" {kind} " in line)
        assert "%" in line
        assert line.split().count("0.00") == 0
    conv = schedule_summary(schedule)["layers"][0]
    assert conv["n_pixels"] == 30
    assert conv["taps"] == conv["digits"] * 30 > 0


def test_fifos_are_in_the_summary_with_their_depths() -> None:
    schedule = planned_cnn()
    first, *others = schedule.fifos
    schedule = replace(schedule, fifos=(replace(first, depth=5, bits=72), *others))
    fifos = schedule_summary(schedule)["fifos"]
    assert [fifo["fifo"] for fifo in fifos] == [fifo.name for fifo in schedule.fifos]
    sizes = [(fifo["depth"], fifo["bits"]) for fifo in fifos]
    assert sizes == [(fifo.depth, fifo.bits) for fifo in schedule.fifos]


def test_figures_of_one_layer_are_where_their_columns_say() -> None:
    schedule = planned(small_mlp((3, 2)))
    layer = replace(
        schedule.layers[0],
        n_pes=1_200,
        tile_pixels=16,
        n_tiles=1_024,
        interval_cycles=7_654_321,
        bound="taps from memory",
        walk_cycles=10,
        n_taps=9_000,
        n_weights=4_000,
        n_pixels=1_000,
        tap_bits=63_000,  # 7 bits a tap
        entropy=5.25,
        source="memory",
        shape=(2, 5),
        resources=Resources(23_040, 1, 7.5),
    )
    text = printed(replace(schedule, layers=(layer,)), 250)
    row = next(line for line in text.splitlines() if line.startswith("body.0"))
    figures = "dense 2 x 5 1,200 x 16 1,024 7,654,321 taps from memory 75% 9,000,000 2.25"
    costs = "7.0 (5.2) memory 23,040 1 7.5 10.0%"
    assert " ".join(row.split()) == f"body.0 {figures} {costs}"
    whole = next(line for line in text.splitlines() if line.startswith("whole design "))
    assert whole.split()[3:6] == ["9,000,000", "2.25", "7.0"]
