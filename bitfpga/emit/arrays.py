"""Constant arrays of a project: what each process needs besides its sizes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from bitfpga.ir import Add, Conv, Dense, Requantise, Table
from bitfpga.plan import (
    POOLS,
    GroupSums,
    LayerSchedule,
    LayerStream,
    Step,
    Terms,
    channel_multipliers,
    element_multipliers,
    step_window,
    tile_limits,
    to_terms,
)

Int64 = npt.NDArray[np.int64]


@dataclass(frozen=True)
class ConstArray:
    """One ``const`` array definition: ``const type name extent = {values};``."""

    type: str
    name: str
    extent: str
    values: str


def step_arrays(
    step: Step,
    folded: LayerSchedule,
    stream: LayerStream | None,
    sums: GroupSums | None = None,
) -> list[ConstArray]:
    """Return the constant arrays of one process that is neither load, store nor fork."""
    arrays: list[ConstArray] = []
    if step.kind == "window_array" or step.kind in POOLS:
        arrays.append(_tiles(step, folded))
    if stream is not None:
        arrays += _stream_arrays(step, folded, stream)
    elif step.source is not None:
        arrays.append(_numbers("unsigned", f"source_{step.name}", step.source))
    if sums is not None:
        arrays.append(_numbers("unsigned", f"sum_group_{step.name}", sums.group))
    if isinstance(step.layer, Add):
        terms = to_terms(np.array(step.layer.weights, np.int64))
        kind = f"bitfpga::ShiftAdd<{terms.n_terms}>"
        arrays.append(_items(kind, f"weights_{step.name}", _shift_adds(terms)))
    if isinstance(step.layer, Table):
        arrays.append(_numbers("int", f"table_{step.name}", step.layer.table))
    requantise: Requantise | None = getattr(step.layer, "requantise", None)
    if requantise is not None and stream is None:
        multiplier, bias, _ = element_multipliers(step, requantise)
        arrays.append(_scale(step.name, multiplier, bias))
    return arrays


def packed_rows(stream: LayerStream) -> bytes:
    """Return a layer's tap rows as they lie in memory: row after row, in each every PE's."""
    return np.ascontiguousarray(stream.tap_rows.T).astype("<u8").tobytes()


def _stream_arrays(step: Step, folded: LayerSchedule, stream: LayerStream) -> list[ConstArray]:
    name, layer = step.name, step.layer
    assert isinstance(layer, Dense | Conv)
    jobs = [
        "{" + _joined([f"{{{b}, {c}}}" for b, c in zip(base, cycles, strict=True)]) + "}"
        for base, cycles in zip(stream.job_base.tolist(), stream.job_cycles.tolist(), strict=True)
    ]
    multiplier, bias = channel_multipliers(layer)
    arrays = [
        ConstArray("bitfpga::Job", f"jobs_{name}", _extent(stream.job_base), _joined(jobs)),
        _numbers("unsigned", f"n_jobs_{name}", stream.n_jobs),
        _numbers("unsigned", f"pe_split_{name}", stream.pe_split),
        _items("bitfpga::Entry", f"entries_{name}", _entries(stream)),
        _scale(name, multiplier << stream.trailing, bias),
    ]
    if folded.source != "memory":
        rows = stream.tap_rows if stream.tap_rows.size else np.zeros((len(stream.n_jobs), 1), int)
        texts = ["{" + _joined([f"{row}ULL" for row in pe]) + "}" for pe in rows.tolist()]
        arrays.append(ConstArray("uint64_t", f"tap_rows_{name}", _extent(rows), _joined(texts)))
    return arrays


def _entries(stream: LayerStream) -> list[str]:
    columns = (stream.entry_pe, stream.entry_slot, stream.entry_shift, stream.entry_last)
    rows = zip(*(column.tolist() for column in columns), strict=True)
    return [
        f"{{{max(pe, 0)}, {max(slot, 0)}, {shift}, {_bool(pe >= 0)}, {_bool(last)}}}"
        for pe, slot, shift, last in rows
    ]


def _tiles(step: Step, folded: LayerSchedule) -> ConstArray:
    lanes = step.inputs[0].lanes
    need, limit = tile_limits(step_window(step), folded.tile_pixels, lanes, folded.buffer_rows)
    pairs = [f"{{{n}, {m}}}" for n, m in zip(need.tolist(), limit.tolist(), strict=True)]
    return _items("bitfpga::TileLimits", f"tiles_{step.name}", pairs)


def _scale(name: str, multiplier: Int64, bias: Int64) -> ConstArray:
    terms = to_terms(multiplier)
    texts = [
        f"{{{offset}LL, {text}}}"
        for offset, text in zip(bias.tolist(), _shift_adds(terms), strict=True)
    ]
    return _items(f"bitfpga::ChannelScale<{terms.n_terms}>", f"scale_{name}", texts)


def _shift_adds(terms: Terms) -> list[str]:
    """Return each multiplier as ``{{shifts}, {signs}}``."""
    return [
        f"{{{{{_joined(shifts)}}}, {{{_joined(signs)}}}}}"
        for shifts, signs in zip(terms.shifts.tolist(), terms.signs.tolist(), strict=True)
    ]


def _numbers(cpp_type: str, name: str, values: npt.NDArray[Any]) -> ConstArray:
    return _items(cpp_type, name, [str(value) for value in values.reshape(-1).tolist()])


def _items(cpp_type: str, name: str, items: list[str]) -> ConstArray:
    return ConstArray(cpp_type, name, f"[{len(items)}]", _joined(items, 12))


def _extent(values: npt.NDArray[Any]) -> str:
    return "".join(f"[{n}]" for n in values.shape)


def _joined(items: list[Any], per_line: int = 16) -> str:
    texts = [str(item) for item in items]
    lines = [", ".join(texts[i : i + per_line]) for i in range(0, len(texts), per_line)]
    return ",\n    ".join(lines)


def _bool(value: Any) -> str:
    return "true" if value else "false"
