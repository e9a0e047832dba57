"""emit_results.v: sums over entries, blocks and tiles, requantised; values and cycles."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from rtl_bench import Bench, without_verilator
from rtl_choice import Clock, Load, Machine, Queue, choice, join, loads, run
from rtl_scaling import Scaling, extremes

pytestmark = pytest.mark.skipif(without_verilator(), reason="Verilator is not installed")

N_TILES = 13  # of a run


@dataclass(frozen=True)
class Case:
    """``outputs``: for each output its entries, (shift, whether it has a result)."""

    scaling: Scaling
    outputs: tuple[tuple[tuple[int, bool], ...], ...]
    tile_pixels: int = 1
    beat_pixels: int = 1
    samples: int = 1
    tiles: int = 1
    last_blocks: int = 0
    shift_bits: int = 0
    depth: int = 9
    all_last: bool = False
    style: str = "auto"
    one_scale: bool = False

    @property
    def acc(self) -> int:
        return self.scaling.in_bits

    @property
    def columns(self) -> int:
        return self.tile_pixels * self.samples

    @property
    def lanes(self) -> int:
        return self.beat_pixels * self.samples

    @property
    def entries(self) -> list[tuple[int, bool, bool]]:
        """Shift, whether there is a result, whether it is an output's last."""
        return [
            (shift, has, k == len(output) - 1)
            for output in self.outputs
            for k, (shift, has) in enumerate(output)
        ]

    @property
    def results(self) -> int:
        return sum(has for _, has, _ in self.entries)

    def blocks(self, tile: int) -> int:
        whole = self.tile_pixels // self.beat_pixels
        return self.last_blocks or whole if tile % self.tiles == self.tiles - 1 else whole


PLAIN = Scaling(((0, 0),), 12, 20, 3, 0, 255, 8, False, False, 1 << 17)
WIDE = Scaling(((2, 5), (0, 1)), 14, 22, 11, -128, 127, 8, bias_limit=1 << 19)
ONE = ((0, True),)
CASES = (
    Case(PLAIN, (ONE,), all_last=True, one_scale=True),
    Case(PLAIN, (ONE,) * 7, 6, 2, tiles=2, last_blocks=2, all_last=True),
    Case(
        WIDE,
        (((0, True), (2, True)), ((0, False),), ((3, True), (1, True), (0, True)), ((1, True),)),
        tile_pixels=10, beat_pixels=2, samples=2, tiles=3, last_blocks=1, shift_bits=2, depth=3,
        style="block",
    ),
    Case(PLAIN, (((0, True),) * 3, ((0, False),), ((0, True),) * 2) * 4, 24, 1, depth=2, tiles=2,
         last_blocks=5),
    Case(WIDE, (((0, False),),) * 3, 4, 4, shift_bits=0, all_last=True),
    Case(WIDE, (((0, True), (1, True)),), 8, 8, shift_bits=1, depth=1),
)  # fmt: skip

BODY = """
  localparam COLUMNS = {columns}, ACC = {acc}, OUT = {out}, RESULTS = {results};
  reg [1:0] waiting = 0;
  reg [7:0] tile = 0;
  reg wrong = 0;
  wire emitted, bank, place, make, write, is_there;
  wire [{address_bits}-1:0] address;
  wire [COLUMNS*ACC-1:0] row;
  wire [OUT-1:0] y;
  reg is_warm = 0;  // nothing is walked in the first cycle after a reset
  assign x_ready = waiting != 2 && is_warm;
  always @(posedge clk) begin
    is_warm <= !rst;
    waiting <= rst ? 0 : waiting + (x_valid && x_ready) - emitted;
    tile <= rst ? 0 : tile + emitted;
    wrong <= bank != tile[0];
  end
  rom #(.WIDTH(COLUMNS * ACC), .DEPTH({n_rows}), .FILE("rows{k}.hex")) rows (.clk(clk),
      .enable(1'b1), .addr(tile * RESULTS + address), .data(row));
  emit_results #(.TILE_PIXELS({tile_pixels}), .BEAT_PIXELS({beat_pixels}), .SAMPLES({samples}),
      .ACC(ACC), .RESULTS(RESULTS), .TILES({tiles}), .TILE_BLOCKS({blocks}),
      .LAST_BLOCKS({last_blocks}), .ENTRIES({entries}), .ENTRY_SHIFT_BITS({shift_bits}),
      .ALL_LAST({all_last}), .HAS_EMPTY({has_empty}), .ENTRY_FILE("entries{k}.hex"),
      .ENTRY_STYLE("{style}"), .SCALES({scales}), .SCALE_FILE("scales{k}.hex"),
      .SCALE_STYLE("{style}"), {parameters}) unit (.clk(clk), .rst(rst),
      .walked(x_valid && x_ready), .emitted(emitted), .res_bank(bank), .res_addr(address),
      .res_row(wrong ? ~row : row), .y_place(place), .y_make(make), .y_write(write), .y_data(y));
  fifo #(.WIDTH(OUT), .DEPTH({depth})) beats (.clk(clk), .rst(rst), .make(make), .place(place),
      .write(write), .data_in(y), .valid(is_there), .data_out(y_data[OUT-1:0]), .read(y_valid));
  assign y_valid = is_there && y_open[0];
  assign y_data[127:OUT] = 0;
"""


class Data:
    """The tables of a case: rows of every tile, entries, scales."""

    def __init__(self, number: int) -> None:
        rng = random.Random(number)
        case = CASES[number]
        self.case = case
        self.scales = [
            case.scaling.random_scale(rng)
            for _ in range(1 if case.one_scale else len(case.outputs))
        ]
        arrivals = rng.sample(range(case.results), case.results)
        self.arrival = [arrivals.pop() if has else 0 for _, has, _ in case.entries]
        most = max((shift for shift, _, _ in case.entries), default=0)
        parts = max(map(len, case.outputs))
        bits = case.acc - most - (parts - 1).bit_length()  # so that no sum leaves ACC bits
        self.rows = [
            [[extremes(bits, True, rng) for _ in range(case.columns)] for _ in range(case.results)]
            for _ in range(N_TILES)
        ]
        for tile, value in ((0, -(1 << bits - 1)), (1, (1 << bits - 1) - 1)):
            self.rows[tile] = [[value] * case.columns for _ in range(case.results)]

    @property
    def address_bits(self) -> int:
        return max(1, (self.case.results - 1).bit_length() if self.case.results else 0)

    def files(self, number: int) -> dict[str, list[int]]:
        case = self.case
        entries = [
            ((last << 1 | has) << case.shift_bits | shift) << self.address_bits | arrival
            for (shift, has, last), arrival in zip(case.entries, self.arrival, strict=True)
        ]
        rows = [join(row, case.acc) for tile in self.rows for row in tile] or [0]
        return {
            f"rows{number}.hex": rows,
            f"entries{number}.hex": entries,
            f"scales{number}.hex": [case.scaling.word(scale) for scale in self.scales],
        }

    def beats(self, tile: int) -> Iterator[int]:
        """The beats of a tile in the order in which they are made."""
        case = self.case
        for block in range(case.blocks(tile)):
            sums, output = [0] * case.lanes, 0
            for (shift, has, last), arrival in zip(case.entries, self.arrival, strict=True):
                if has:
                    row = self.rows[tile][arrival][block * case.lanes :]
                    sums = [total + (row[v] << shift) for v, total in enumerate(sums)]
                if last:
                    scale = self.scales[output % len(self.scales)]
                    yield join([case.scaling.apply(x, scale) for x in sums], case.scaling.out_bits)
                    sums, output = [0] * case.lanes, output + 1


DATA = [Data(number) for number in range(len(CASES))]


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    bodies, files = [], {}
    for k, data in enumerate(DATA):
        case = data.case
        files |= data.files(k)
        body = BODY.format(
            k=k, columns=case.columns, acc=case.acc, out=case.lanes * case.scaling.out_bits,
            results=case.results, address_bits=data.address_bits,
            n_rows=max(1, N_TILES * case.results), tile_pixels=case.tile_pixels,
            beat_pixels=case.beat_pixels, samples=case.samples, tiles=case.tiles,
            blocks=case.tile_pixels // case.beat_pixels, last_blocks=case.blocks(case.tiles - 1),
            entries=len(case.entries), shift_bits=case.shift_bits, all_last=int(case.all_last),
            has_empty=int(case.results < len(case.entries)), style=case.style,
            scales=len(data.scales), parameters=case.scaling.parameters(), depth=case.depth,
        )  # fmt: skip
        bodies.append(body)
    return choice(tmp_path_factory.mktemp("emit"), bodies, files)


def hand_over(clock: Clock, walked: list[int], emitted: list[int]) -> Machine:
    """Tiles come while fewer than two are waiting."""
    for _ in range(N_TILES):
        while not (
            clock.load.may_come(clock.cycle)
            and len(walked) - sum(cycle < clock.cycle for cycle in emitted) < 2
        ):
            yield
        walked.append(clock.cycle)
        yield


def emit(clock: Clock, data: Data, walked: list[int], emitted: list[int], out: Queue) -> Machine:
    for tile in range(N_TILES):
        while not (len(walked) > tile and walked[tile] < clock.cycle):
            yield
        beats = data.beats(tile)
        n_steps = data.case.blocks(tile) * len(data.case.entries)
        for step in range(n_steps):
            if data.case.entries[step % len(data.case.entries)][2]:
                while not out.has_place():
                    yield
                out.make(clock.cycle + 5 + data.case.scaling.n_terms, next(beats))
            if step == n_steps - 1:
                emitted.append(clock.cycle)
            yield


def expected(number: int, load: Load) -> Clock:
    data, clock = DATA[number], Clock(load)
    walked: list[int] = []
    emitted: list[int] = []
    out = clock.queue(data.case.depth)
    clock.machines += [
        hand_over(clock, walked, emitted),
        emit(clock, data, walked, emitted, out),
    ]
    clock.sink([out])
    clock.run(sum(data.case.blocks(tile) for tile in range(N_TILES)) * len(data.case.outputs))
    return clock


@pytest.mark.parametrize("number", range(len(CASES)))
def test_values_and_cycles(bench: Bench, number: int) -> None:
    resets = [Load(0x77777777, 0xF0FF0FF3, reset_at=at) for at in (22, 23, 25, 30)]
    for load in (*loads(number), *resets):
        clock = expected(number, load)
        words = [(0, 0)] * N_TILES
        assert run(bench, number, words, len(clock.out), load) == clock.out, load
