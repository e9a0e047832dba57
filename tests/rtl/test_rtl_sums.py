"""fill_rows.v with shared sums: rows, sums, places and cycles; and whole networks of ``bbs``."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from bbs_nets import MODES, coded, coded_network, dense
from foldings import any_schedule
from rtl_bench import Bench, Output
from rtl_choice import Load, choice, join, loads, run
from rtl_runs import assert_exact, needs_verilator, samples

from bitfpga.digits import NumberSystem
from bitfpga.emit.rtl_sums import sums_of_rows
from bitfpga.ir import Network, Reshape, TensorType
from bitfpga.plan import GroupSums, Schedule
from bitfpga.prune.bbs import BbsConfig

pytestmark = needs_verilator

N_TILES = 4


@dataclass(frozen=True)
class Case:
    """``groups``: of each row, -1 of a lane without an element; ``lanes`` rows come at once."""

    groups: tuple[int, ...]
    split_rows: int
    lanes: int = 1
    columns: int = 1
    bits: int = 8
    signed: bool = True
    style: str = "auto"

    @property
    def sums(self) -> GroupSums:
        group, n_groups = np.array(self.groups), max(self.groups) + 1
        return GroupSums(
            np.where(group < 0, n_groups, group), n_groups, self.bits - int(self.signed)
        )

    @property
    def by_table(self) -> bool:
        return "SUM_FILE" in self.emitted[0]

    @property
    def emitted(self) -> tuple[dict[str, Any], dict[str, bytes]]:
        """Parameters and table as they go into the top module."""
        return sums_of_rows(self.sums, self.lanes, self.bits)

    @property
    def row_bits(self) -> int:
        return self.columns * self.bits

    def rows(self, rng: np.random.Generator) -> np.ndarray:
        """Return tiles of rows, int64 [N_TILES, rows, columns], the first two all extreme."""
        low = -(1 << self.bits - 1) if self.signed else 0
        high = low + (1 << self.bits) - 1
        rows = rng.integers(low, high, (N_TILES, len(self.groups), self.columns), endpoint=True)
        rows[0], rows[1] = low, high
        return rows


def neighbours(n_rows: int, size: int) -> tuple[int, ...]:
    return tuple(k // size for k in range(n_rows))


CASES = (
    Case(neighbours(18, 8), 24),
    Case(neighbours(9, 8), 7, columns=3, bits=6),
    Case(neighbours(5, 8), 7, columns=2, bits=8, signed=False),
    Case((0,), 3, bits=4, signed=False),
    Case(neighbours(12, 1), 9, bits=5, style="block"),
    Case(neighbours(30, 10), 16, columns=2, bits=7, style="block"),
    Case((0, 1, 2, 0, 0, 1, 2, 2, 0), 15, bits=7),
    Case((0, 0, 0, 0, 1, 1, 0, 0, 1, 1, 1, -1), 8, lanes=2, columns=2),
    Case((0, 1, 1, -1, 2, 0, 1, -1, 0, 2, 2, -1), 4, lanes=4, bits=6),
    Case((0, 0, 0, 0, 0, 0, 0, -1), 16, lanes=8, bits=5, signed=False),
    Case((1, 0) * 12, 12, lanes=4, bits=9, style="block"),
)

BODY = """
  localparam W = {width}, LAST = {last}, REST = {rest};
  reg [1:0] warm = 0;
  reg [15:0] count = 0, rest = 0;
  wire [15:0] split, row;
  wire bank, we;
  wire [W-1:0] data;
  assign x_ready = warm == 3 && rest == 0;
  wire take = x_valid && x_ready;
  always @(posedge clk) begin
    warm <= rst ? 0 : {{warm[0], 1'b1}};
    count <= rst ? 0 : !take ? count : count == LAST ? 0 : count + 1;
    rest <= rst ? 0 : take && count == LAST ? REST : rest == 0 ? 0 : rest - 1;
  end
  fill_rows #(.ROWS({rows}), .LANES({lanes}), .SPLIT_ROWS({split_rows}), .COLUMNS({columns}),
      .X_BITS({bits}), .X_SIGNED({signed}), {parameters}) unit (.clk(clk), .rst(rst),
      .x_valid(take), .x_data(x_data[W-1:0]), .fill_we(we), .fill_bank(bank), .fill_split(split),
      .fill_row(row), .fill_data(data));
  assign y_valid = we;
  assign y_data = {{bank, split[7:0], row[7:0], {{111 - W{{1'b0}}}}, data}};
"""


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    bodies, files = [], {}
    for number, case in enumerate(CASES):
        parameters, tables = case.emitted
        for data in tables.values():
            files[f"sums{number}"] = [int(word, 16) for word in data.split()]
        texts = {"SUM_FILE": f"sums{number}", "SUM_STYLE": case.style, "SUM_TABLE_STYLE": "auto"}
        parameters = {**parameters, **{k: v for k, v in texts.items() if k in parameters}}
        settings = [
            f'.{key}("{value}")' if isinstance(value, str) else f".{key}({value})"
            for key, value in parameters.items()
        ]
        body = BODY.format(
            width=case.lanes * case.row_bits, last=len(case.groups) // case.lanes - 1,
            rest=2 * case.sums.n_groups + int(case.by_table), rows=len(case.groups),
            lanes=case.lanes, split_rows=case.split_rows, columns=case.columns, bits=case.bits,
            signed=int(case.signed), parameters=", ".join(settings),
        )  # fmt: skip
        bodies.append(body)
    return choice(tmp_path_factory.mktemp("sums"), bodies, files)


def sum_rows(case: Case, rows: np.ndarray) -> np.ndarray:
    """Return the rows that follow ``rows`` [n_rows, columns], by the words of plan.shared_sums."""
    sums = case.sums
    totals = np.zeros((sums.n_groups + 1, case.columns), np.int64)
    np.add.at(totals, sums.group, rows)
    halves = totals[:-1] & ((1 << sums.low_bits) - 1), totals[:-1] >> sums.low_bits
    return np.stack(halves, axis=1).reshape(-1, case.columns)


def expected(case: Case, rows: np.ndarray, load: Load) -> Iterator[tuple[Output, int]]:
    """Yield every word written and the rows of it that are known."""
    lanes, cycle = case.lanes, 0
    rest = 2 * case.sums.n_groups + int(case.by_table)
    for tile, sent in enumerate(rows):
        beats = sent.reshape(-1, lanes * case.columns)
        for k, beat in enumerate(beats):
            while not load.may_come(cycle):
                cycle += 1
            yield word(case, cycle + (3 if case.by_table else 1), tile, k * lanes, beat), lanes
            cycle += 1
        last, after = cycle - 1, sum_rows(case, sent)
        for i in range(0, len(after), lanes):
            together = after[i : i + lanes].reshape(-1)
            n = len(together) // case.columns
            out = last + (5 if case.by_table else 2) + i + n - 1
            yield word(case, out, tile, len(beats) * lanes + i, together), n
        cycle += rest


def word(case: Case, cycle: int, tile: int, row: int, values: np.ndarray) -> Output:
    split, in_split = divmod(row, case.split_rows)
    place = (tile % 2) << 16 | split << 8 | in_split
    return Output(cycle, place << 111 | join(values.tolist(), case.bits))


@pytest.mark.parametrize("number", range(len(CASES)))
def test_rows_sums_and_cycles(bench: Bench, number: int) -> None:
    case = CASES[number]
    rows = case.rows(np.random.default_rng(number))
    beats = rows.reshape(-1, case.lanes * case.columns)
    words = [(0, join(beat.tolist(), case.bits)) for beat in beats]
    resets = [Load(0x77F7B777, reset_at=at) for at in (9, 10, 13, 17, 22)]
    for load in (*loads(number), *resets):
        wanted = list(expected(case, rows, load))
        found = run(
            bench, number, words, len(wanted), Load(load.in_pattern, reset_at=load.reset_at)
        )
        for got, (want, n_rows) in zip(found, wanted, strict=True):
            unknown = (case.lanes - n_rows) * case.row_bits
            mask = (1 << 128) - 1 ^ ((1 << unknown) - 1) << n_rows * case.row_bits
            assert Output(got.cycle, got.word & mask) == want, (load, want.cycle)


def test_the_cases_have_both_ways_of_adding_up() -> None:
    assert {case.by_table for case in CASES} == {True, False}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("rtl")


def one_layer(shape: tuple[int, ...], n_outputs: int, bits: int, size: int, **how: Any) -> Network:
    """Return a dense layer coded in groups of ``size``, on a vector or on a flattened map."""
    signed, n_sensitive = how.get("signed", False), how.get("n_sensitive")
    source, output = TensorType(shape, bits, signed), TensorType((n_outputs,), 9, True)
    flat = TensorType((int(np.prod(shape)),), bits, signed)
    layers = [Reshape("flat", ("input",), flat)] if len(shape) > 1 else []
    before = "flat" if layers else "input"
    layer = coded(
        dense("fc", flat, output, before), BbsConfig(3, MODES[1], 0.0, size), 3, n_sensitive
    )
    return Network("sums", source, (*layers, layer))


def bbs(network: Network, *folding: Any) -> Schedule:
    return any_schedule(network, NumberSystem.BBS, *folding)


CODED = {
    "one element": (one_layer((1,), 1, 7, 8), (1, 1, 0.0)),
    "all sensitive": (one_layer((13,), 5, 8, 8, n_sensitive=5), (1, 2, 0.5)),
    "a group and one more": (one_layer((9,), 4, 8, 8, signed=True), (1, 1, 0.0)),
    "a vector of eight lanes": (one_layer((5, 3, 3), 7, 6, 16, n_sensitive=0), (8, 2, 0.1)),
    "lanes, splits": (one_layer((7, 2, 7), 6, 8, 8, signed=True, n_sensitive=1), (4, 1, 0.0)),
}


@pytest.mark.parametrize("name", CODED)
def test_single_layers(name: str, folder: Path) -> None:
    network, folding = CODED[name]
    assert_exact(folder, network, bbs(network, *folding), samples(network))


@pytest.mark.parametrize(
    ("size", "bits", "signed", "folding"),
    [
        (8, (8, 7, 6), False, (1, 1, 0.5)),
        (8, (7, 8, 6), True, (2, 1, 0.2)),
        (16, (6, 8, 7), False, (4, 2, 0.7)),
        (32, (8, 8, 8), False, (8, 1, 0.0)),
    ],
)
def test_whole_networks(
    size: int, bits: tuple[int, ...], signed: bool, folding: tuple[Any, ...], folder: Path
) -> None:
    mode = MODES[size // 8 % 2]
    network = coded_network(BbsConfig(4, mode, 0.2, size), bits, signed, size)
    schedule = bbs(network, *folding)
    assert schedule.simulated
    assert_exact(folder, network, schedule, samples(network), gaps=size)
