"""Arrays of PEs to test pe_array.v with: weights, their streams, and the tables of the Verilog."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from rtl_bench import Output
from tap_cases import random_weight, stream_of, whole_window

from bitfpga.plan.streams import LayerStream

ACC = 24
CYCLE_BITS = 32


@dataclass(frozen=True)
class Case:
    """Weights and what is chosen for their array."""

    shape: tuple[int, int]
    n_pes: int = 1
    columns: int = 1
    spread: float = 20.0
    n_groups: int = 1
    split_rows: int = 0
    symbol_bits: int | None = 3
    lanes: int = 1
    x_bits: int = 8
    x_signed: bool = True
    style: str = "auto"
    weight: np.ndarray = field(init=False)
    stream: LayerStream = field(init=False)

    def __post_init__(self) -> None:
        weight = random_weight(self.shape, self.spread, sum(self.shape)) if self.spread else None
        if weight is None:
            weight = np.zeros(self.shape, np.int16)
        weight[1::5] = 0
        stream = stream_of(
            weight,
            self.n_groups,
            split_rows=self.split_rows,
            n_pes=self.n_pes,
            symbol_bits=self.symbol_bits,
        )
        object.__setattr__(self, "weight", whole_window(weight, self.n_groups))
        object.__setattr__(self, "stream", stream)

    @property
    def n_results(self) -> int:
        return int(self.stream.n_jobs.sum())

    @property
    def walk_cycles(self) -> int:
        return max(1, int(self.stream.pe_cycles.max()))

    @property
    def n_beats(self) -> int:
        return self.weight.shape[1] // self.lanes

    @property
    def row_bits(self) -> int:
        return self.lanes * self.columns * self.x_bits

    @property
    def out_bits(self) -> int:
        return 2 * CYCLE_BITS + self.columns * ACC


def events(stream: LayerStream) -> list[int]:
    ends, words = stream.job_ends, {}
    for pe, count in enumerate(stream.n_jobs.tolist()):
        for slot in range(count):
            base = int(stream.job_base[pe, slot + 1]) if slot + 1 < count else 0
            words[int(ends[pe, slot])] = pe << 16 | base
    return [time << 28 | words[time] for time in sorted(words)]


def packed(values: np.ndarray, bits: int) -> int:
    """Return ``values`` side by side, the first lowest."""
    fields = (int(v) & ((1 << bits) - 1) for v in values.tolist())
    return sum(value << number * bits for number, value in enumerate(fields))


def packed_pes(values: np.ndarray) -> str:
    return f"{16 * len(values)}'h{packed(values, 16):x}"


def parameters(case: Case, number: int = 0) -> dict[str, str | int]:
    stream = case.stream
    return {
        "PES": len(stream.pe_split),
        "COLUMNS": case.columns,
        "X_BITS": case.x_bits,
        "X_SIGNED": int(case.x_signed),
        "ACC": ACC,
        "FILL_LANES": case.lanes,
        "SPLIT_ROWS": stream.split_rows,
        "SPAN": stream.span,
        "SYMBOL_BITS": stream.symbol_bits,
        "CELLS_PER_ROW": stream.cells_per_row,
        "TAP_ROWS": stream.tap_rows.shape[1],
        "WALK_CYCLES": case.walk_cycles,
        "RESULTS": case.n_results,
        "EVENT_FILE": f'"events{number}"',
        "HAS_BASE": int(stream.job_base.any()),
        "FIRST_BASE": packed_pes(stream.job_base[:, 0]),
        "PE_SPLIT": packed_pes(stream.pe_split),
        "TILE_STYLE": f'"{case.style}"',
        "RESULT_STYLE": f'"{case.style}"',
        "IMPL": '"generic"',
    }


def tables(case: Case, number: int = 0) -> dict[str, list[int]]:
    """Return the hex files of array ``number``."""
    taps = {f"taps{number}_{p}": row.tolist() for p, row in enumerate(case.stream.tap_rows)}
    return {**taps, f"events{number}": events(case.stream)}


def outputs(case: Case, read: list[Output]) -> np.ndarray:
    """Return the outputs, int64 [n_outputs, columns], of a tile's results."""
    stream, arrivals = case.stream, case.stream.arrivals
    totals = np.zeros((len(stream.trailing), case.columns), np.int64)
    lists = stream.entry_output, stream.entry_pe, stream.entry_slot, stream.entry_shift
    entries = zip(*lists, strict=True)
    for output, pe, slot, shift in entries:
        if pe >= 0:
            totals[output] += unpacked(read[arrivals[pe, slot]].word, case.columns) << shift
    return totals << stream.trailing[:, None]


def unpacked(word: int, columns: int) -> np.ndarray:
    fields = np.array([word >> ACC * v & ((1 << ACC) - 1) for v in range(columns)], np.int64)
    return fields - (fields >> (ACC - 1) << ACC)
