"""Constant arrays of a project: what each layer needs besides its sizes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from bitfpga.ir import Add, Concat, Dense, Layer, Pad, Scale, Slice, Table, TensorType, Transpose
from bitfpga.plan import (
    LayerSchedule,
    LayerStream,
    Terms,
    channel_multipliers,
    element_multipliers,
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


def cpp_list(values: npt.NDArray[Any], per_line: int = 16) -> str:
    """Return ``a, b, c`` over several lines, without braces; values must be integers."""
    texts = [str(value) for value in values.reshape(-1).tolist()]
    lines = [", ".join(texts[i : i + per_line]) for i in range(0, len(texts), per_line)]
    return ",\n    ".join(lines)


def cpp_rows(rows: list[str]) -> str:
    """Return ``{..},\\n{..}`` of rows that are already lists of values."""
    return ",\n    ".join("{" + row + "}" for row in rows)


def shift_add_text(terms: Terms) -> list[str]:
    """Return each multiplier as ``{{shifts}, {signs}}``."""
    return [
        "{{" + ", ".join(map(str, shifts)) + "}, {" + ", ".join(map(str, signs)) + "}}"
        for shifts, signs in zip(terms.shifts.tolist(), terms.signs.tolist(), strict=True)
    ]


def scale_text(multiplier: Int64, bias: Int64, n_terms: int) -> list[str]:
    """Return each channel as ``{bias, {{shifts}, {signs}}}``, all of ``n_terms`` terms."""
    terms = to_terms(multiplier)
    missing = n_terms - terms.n_terms
    padded = Terms(
        np.pad(terms.shifts, ((0, 0), (0, missing))), np.pad(terms.signs, ((0, 0), (0, missing)))
    )
    texts = shift_add_text(padded)
    return [
        "{" + f"{offset}LL, {text}" + "}" for offset, text in zip(bias.tolist(), texts, strict=True)
    ]


def dense_arrays(layer: Dense, folded: LayerSchedule, stream: LayerStream) -> list[ConstArray]:
    """Return finished outputs, scale, pruned outputs and (when on chip) words of a dense layer."""
    name, n_live = layer.name, int(stream.slots.sum())
    multiplier, bias = channel_multipliers(layer)
    live, pruned = stream.order[:n_live], stream.order[n_live:]
    places = [(pe, slot) for pe, count in enumerate(stream.slots) for slot in range(count)]
    finished = [f"{p}, {s}, {o}" for (p, s), o in zip(places, live.tolist(), strict=True)]
    shifted = multiplier[live] << stream.trailing[:n_live]
    scale = scale_text(shifted, bias[live], dense_terms(layer))
    by_output = replace(layer.requantise, multiplier=multiplier, bias=bias)
    values = by_output.apply(np.zeros(folded.n_outputs, np.int64))[pruned]
    constants = [f"{o}, {v}" for o, v in zip(pruned.tolist(), values.tolist(), strict=True)]
    arrays = [
        _list_of("bitfpga::FinishedOutput", f"finished_{name}", [f"{{{x}}}" for x in finished]),
        _list_of(f"bitfpga::ChannelScale<Layer_{name}::kTerms>", f"scale_{name}", scale),
        _list_of("bitfpga::PrunedOutput", f"pruned_{name}", [f"{{{x}}}" for x in constants]),
    ]
    return arrays if folded.source == "memory" else [*arrays, *_word_arrays(folded, stream)]


def _list_of(cpp_type: str, name: str, items: list[str]) -> ConstArray:
    """Return an array of these items; C++ has none of length 0, so an empty one holds a zero."""
    return ConstArray(cpp_type, name, f"[{max(len(items), 1)}]", ",\n    ".join(items or ["{}"]))


def _word_arrays(folded: LayerSchedule, stream: LayerStream) -> list[ConstArray]:
    """Return the index streams of all PEs and their lengths."""
    pes = max(folded.n_pes, 1)
    words = stream.words if stream.words.size else np.full((pes, 1), folded.n_inputs << 3)
    lengths = stream.lengths if len(stream.lengths) else np.zeros(pes, np.int64)
    extent = f"[{pes}][{words.shape[1]}]"
    rows = cpp_rows([cpp_list(row) for row in words])
    return [
        ConstArray(f"uint{folded.word_bits}_t", f"words_{folded.name}", extent, rows),
        ConstArray("unsigned", f"n_words_{folded.name}", f"[{pes}]", cpp_list(lengths)),
    ]


def dense_terms(layer: Dense) -> int:
    """Return the terms of the longest multiplier of a dense layer."""
    return to_terms(channel_multipliers(layer)[0]).n_terms


def _scale_arrays(layer: Scale | Add) -> list[ConstArray]:
    multiplier, bias = element_multipliers(layer.requantise, layer.output.shape)
    texts = scale_text(multiplier, bias, to_terms(multiplier).n_terms)
    kind = f"bitfpga::ChannelScale<Layer_{layer.name}::kTerms>"
    return [ConstArray(kind, f"scale_{layer.name}", f"[{len(texts)}]", ",\n    ".join(texts))]


def _add_arrays(layer: Add) -> list[ConstArray]:
    terms = to_terms(np.array(layer.weights, np.int64))
    kind = f"bitfpga::ShiftAdd<{terms.n_terms}>"
    texts = ",\n    ".join(shift_add_text(terms))
    weights = ConstArray(kind, f"weights_{layer.name}", f"[{len(layer.weights)}]", texts)
    return [weights, *_scale_arrays(layer)]


def _table_arrays(layer: Table) -> list[ConstArray]:
    values = cpp_list(layer.table)
    return [ConstArray("int", f"table_{layer.name}", f"[{len(layer.table)}]", values)]


def source_map(layer: Layer, types: tuple[TensorType, ...]) -> Int64:
    """Return, for each output element, the row of the inputs counted one after the other.

    The row after the last reads zero.
    """
    ends = np.cumsum([t.size for t in types])
    places = [
        np.arange(end - t.size, end).reshape(t.shape) for t, end in zip(types, ends, strict=True)
    ]
    zero = int(ends[-1])
    if isinstance(layer, Concat):
        moved = np.concatenate(places, axis=layer.axis)
    elif isinstance(layer, Transpose):
        moved = places[0].transpose(layer.axes)
    elif isinstance(layer, Pad):
        moved = np.pad(places[0], layer.padding, constant_values=zero)
    else:
        assert isinstance(layer, Slice)
        bounds = zip(layer.starts, layer.stops, layer.steps, strict=True)
        moved = places[0][tuple(slice(*bound) for bound in bounds)]
    return moved.reshape(-1).astype(np.int64)


def elementwise_arrays(layer: Layer, types: tuple[TensorType, ...]) -> list[ConstArray]:
    """Return the constant arrays of a layer that is not dense."""
    makers: dict[type[Layer], Callable[[Any], list[ConstArray]]] = {
        Scale: _scale_arrays,
        Add: _add_arrays,
        Table: _table_arrays,
    }
    if type(layer) in makers:
        return makers[type(layer)](layer)
    source = source_map(layer, types)
    return [ConstArray("unsigned", f"source_{layer.name}", f"[{len(source)}]", cpp_list(source))]
