"""Verilog of the processes that only move values or look them up."""

from __future__ import annotations

from bitfpga.emit.rtl_part import Part
from bitfpga.emit.rtl_words import address_bits, hex_file, pack, packed, side_by_side
from bitfpga.ir import Table
from bitfpga.plan import Step, Stream, gather_places, memory_style


def fork_part(stream: Stream, n_samples: int, n_outputs: int) -> Part:
    """Return the process that copies ``stream`` to ``n_outputs`` readers."""
    parameters = {"WIDTH": stream.beat_bits * n_samples, "OUTPUTS": n_outputs}
    return Part("fork_beats", {**parameters})


def concat_part(step: Step, n_samples: int) -> Part:
    """Return the process that joins channels."""
    assert step.output is not None
    counts = [view.channels for view in step.views]
    return Part(
        "concat",
        {
            "WIDTH": step.output.beat_bits * n_samples,
            "INPUTS": len(step.inputs),
            "COUNTS": packed(counts, 16),
        },
    )


def gather_part(step: Step, n_samples: int) -> Part:
    """Return the process that brings elements into any other order."""
    output = step.output
    assert output is not None
    lanes = max(stream.lanes for stream in step.inputs)
    n_beats = [stream.n_beats for stream in step.inputs]
    beat, lane, is_zero = (places.reshape(-1) for places in gather_places(step))
    bits = address_bits(sum(n_beats)), address_bits(lanes)
    words = pack([(is_zero, 1), (beat, bits[0]), (lane, bits[1])])
    width = output.lanes * (1 + sum(bits))
    pixel_bits = output.tensor.bits * n_samples
    return Part(
        "gather",
        {
            "PIXEL_BITS": pixel_bits,
            "INPUTS": len(step.inputs),
            "IN_LANES": lanes,
            "BEATS": packed(n_beats, 32),
            "OUT_LANES": output.lanes,
            "OUT_BEATS": output.n_beats,
            "FILE": "source",
            "STYLE": memory_style(2 * sum(n_beats)),
            "SOURCE_STYLE": memory_style(output.n_beats, read_only=True),
        },
        {"source": hex_file(side_by_side(words, 1 + sum(bits), output.lanes), width)},
        in_lanes=lanes,
    )


def table_part(step: Step, n_samples: int) -> Part:
    """Return the process that looks every value up."""
    layer, output, source = step.layer, step.output, step.inputs[0]
    assert isinstance(layer, Table)
    assert output is not None
    bits, n_entries = output.tensor.bits, len(layer.table)
    return Part(
        "look_up",
        {
            "BITS": source.tensor.bits,
            "OUT_BITS": bits,
            "SAMPLES": n_samples,
            "LANES": source.lanes,
            "LOW": layer.low,
            "ENTRIES": n_entries,
            "FILE": "table",
            "STYLE": memory_style(n_entries, read_only=True),
        },
        {"table": hex_file(layer.table.tolist(), bits)},
    )
