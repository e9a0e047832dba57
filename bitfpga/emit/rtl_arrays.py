"""Verilog of PE arrays: streams, events, entries and scales as tables."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from bitfpga.emit.arrays import packed_rows
from bitfpga.emit.rtl_part import Feed, Part, Rom
from bitfpga.emit.rtl_scales import make_scale
from bitfpga.emit.rtl_sums import sums_of_rows
from bitfpga.emit.rtl_windows import line_buffer
from bitfpga.emit.rtl_words import Parameter, address_bits, hex_file, pack, packed
from bitfpga.ir import Conv, Dense
from bitfpga.plan import (
    GroupSums,
    LayerSchedule,
    LayerStream,
    Step,
    TapFeed,
    channel_multipliers,
    memory_style,
    tap_feed,
)

Int64 = npt.NDArray[np.int64]
TIME_BITS, PE_BITS, BASE_BITS = 20, 12, 16
PE_ROWS_BITS = 32
EVENT_BITS = TIME_BITS + PE_BITS + BASE_BITS
Tables = tuple[dict[str, Parameter], dict[str, bytes]]


def array_part(
    step: Step,
    folded: LayerSchedule,
    stream: LayerStream,
    n_samples: int,
    sums: GroupSums | None,
) -> Part:
    """Return a dense layer or a convolution on its PEs; ``sums``: of its rows, if it has any."""
    source = step.inputs[0]
    feed = tap_feed(stream) if folded.source == "memory" else None
    pes, tables = _pes(folded, stream, feed)
    emitted, scales = _emission(step, folded, stream)
    parameters: dict[str, Parameter] = {
        "X_BITS": source.tensor.bits,
        "X_SIGNED": int(source.tensor.signed),
        "SAMPLES": n_samples,
        **pes,
        **emitted,
    }
    data = {**tables, **scales}
    if step.kind == "window_array":
        assert step.output is not None
        lines, limits = line_buffer(step, folded, n_samples, folded.fill_cycles)
        parameters |= {**lines, "Y_BEAT_PIXELS": step.output.lanes}
        data |= limits
    else:
        parameters["LANES"], parameters["BEATS"] = source.lanes, source.n_beats
        parameters["ROWS_AFTER"] = folded.fill_cycles - source.n_beats
    if sums is not None:
        lanes = source.lanes if step.kind == "vector_array" else 1
        added, groups = sums_of_rows(sums, lanes, source.tensor.bits)
        parameters |= added
        data |= groups
    if feed is not None:
        return Part(step.kind, parameters, data, feed=_feed(stream, feed))
    return Part(step.kind, parameters, data, roms=_tap_roms(folded, stream))


def _pes(folded: LayerSchedule, stream: LayerStream, feed: TapFeed | None) -> Tables:
    """Return what ``pe_array.v`` needs."""
    longest = max(int(stream.pe_cycles.max(initial=0)), 1)
    n_results = int(stream.n_jobs.sum())
    events = _events(stream)
    parameters: dict[str, Parameter] = {
        "PES": len(stream.pe_split),
        "ACC": folded.accumulator_bits,
        "SPLIT_ROWS": stream.split_rows,
        "SPAN": stream.span,
        "SYMBOL_BITS": stream.symbol_bits,
        "CELLS_PER_ROW": stream.cells_per_row,
        "ROW_BITS": stream.row_bits,
        "TAP_ROWS": max(stream.tap_rows.shape[1], 1),
        "WALK_CYCLES": feed.n_steps if feed else longest,
        "FED": int(feed is not None),
        "RESULTS": n_results,
        "EVENT_FILE": "events",
        "HAS_BASE": int(stream.job_base.any()),
        "FIRST_BASE": packed(stream.job_base[:, 0], BASE_BITS),
        "PE_SPLIT": packed(stream.pe_split, 16),
        "EVENT_STYLE": memory_style(n_results, read_only=True),
        "TILE_STYLE": folded.memories["tile"],
        "RESULT_STYLE": folded.memories["results"],
    }
    return parameters, {"events": hex_file(events, EVENT_BITS)}


def _events(stream: LayerStream) -> list[int]:
    """Return a word for each job, by the cycle it ends in."""
    n_pes, n_slots = stream.job_base.shape
    order = np.argsort(np.where(stream.arrivals < 0, stream.arrivals.size, stream.arrivals), None)
    order = order[: int(stream.n_jobs.sum())]
    after = np.concatenate([stream.job_base[:, 1:], np.zeros((n_pes, 1), np.int64)], axis=1)
    return pack(
        [
            (stream.job_ends.reshape(-1)[order], TIME_BITS),
            (order // n_slots, PE_BITS),
            (after.reshape(-1)[order], BASE_BITS),
        ]
    )


def _emission(step: Step, folded: LayerSchedule, stream: LayerStream) -> Tables:
    """Return what ``emit_results.v`` needs."""
    layer, output = step.layer, step.output
    assert isinstance(layer, Dense | Conv)
    assert output is not None
    multiplier, bias = channel_multipliers(layer)
    scaled = max(folded.scaled_bits, folded.accumulator_bits)
    scale = make_scale(
        multiplier << stream.trailing, bias, layer.requantise, scaled, output.tensor.bits
    )
    words = scale.words if len(set(scale.words)) > 1 else scale.words[:1]
    has_result = stream.entry_pe >= 0
    arrival = stream.arrivals[stream.entry_pe * has_result, stream.entry_slot * has_result]
    bits = address_bits(max(int(stream.n_jobs.sum()), 1))
    shift_bits = int(stream.entry_shift.max(initial=0)).bit_length()
    entries = pack(
        [
            (stream.entry_last, 1),
            (has_result, 1),
            (stream.entry_shift, shift_bits),
            (np.where(has_result, arrival, 0), bits),
        ]
    )
    parameters: dict[str, Parameter] = {
        "ENTRIES": len(entries),
        "ENTRY_SHIFT_BITS": shift_bits,
        "ALL_LAST": int(stream.entry_last.all()),
        "ENTRY_FILE": "entries",
        "ENTRY_STYLE": memory_style(len(entries), read_only=True),
        "SCALES": len(words),
        "SCALE_FILE": "scale",
        "SCALE_STYLE": memory_style(len(words), read_only=True),
        **scale.parameters,
    }
    data = {
        "entries": hex_file(entries, 2 + shift_bits + bits),
        "scale": hex_file(words, scale.bits),
    }
    return parameters, data


def _feed(stream: LayerStream, feed: TapFeed) -> Feed:
    """Return what deals a layer's tap rows to its PEs."""
    parameters: dict[str, Parameter] = {
        "PES": len(stream.pe_split),
        "TAP_ROWS": stream.tap_rows.shape[1],
        "PE_ROWS": packed(feed.n_rows, PE_ROWS_BITS),
        "QUEUE": feed.queue,
        "QUEUE_STYLE": memory_style(feed.queue),
        "ROW_BITS": stream.row_bits,
    }
    return Feed(parameters, packed_rows(stream))


def _tap_roms(folded: LayerSchedule, stream: LayerStream) -> tuple[Rom, ...]:
    """Return the table of each PE's tap rows."""
    rows = stream.tap_rows if stream.tap_rows.size else np.zeros((len(stream.pe_split), 1), int)
    in_luts = folded.memories["taps"] == "distributed"
    return tuple(Rom(stream.row_bits, tuple(pe), in_luts) for pe in rows.tolist())
