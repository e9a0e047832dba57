"""Verilog of the two ends of a pipeline, between AXI-Stream and beats."""

from __future__ import annotations

from bitfpga.emit.rtl_part import Part
from bitfpga.emit.rtl_words import Parameter
from bitfpga.ir import TensorType
from bitfpga.plan import Stream, is_sequential, memory_style


def load_part(stream: Stream, n_samples: int) -> Part:
    """Return the process that makes beats of the elements of ``s_axis``."""
    kind = "direct" if is_sequential(stream, n_samples) else "staged"
    return Part(f"load_{kind}", _sizes(stream, n_samples, stream.tensor))


def store_part(stream: Stream, n_samples: int, output: TensorType) -> Part:
    """Return the process that sends the elements of beats to ``m_axis`` as ``output``."""
    kind = "direct" if is_sequential(stream, n_samples) else "staged"
    sizes = _sizes(stream, n_samples, output)
    return Part(f"store_{kind}", {**sizes, "SIGNED": int(stream.tensor.signed)})


def tdata_bits(tensor: TensorType) -> int:
    """Return the width of an element on AXI-Stream: whole bytes."""
    return 8 * tensor.dtype.itemsize


def _sizes(stream: Stream, n_samples: int, tensor: TensorType) -> dict[str, Parameter]:
    sizes: dict[str, Parameter] = {
        "BITS": stream.tensor.bits,
        "LANES": stream.lanes,
        "CHANNELS": stream.order.channels,
        "PIXELS": stream.order.pixels,
        "TDATA_BITS": tdata_bits(tensor),
    }
    if not is_sequential(stream, n_samples):
        strides = stream.order.strides
        assert strides is not None
        sizes["SAMPLES"] = n_samples
        sizes["CHANNEL_STRIDE"], sizes["PIXEL_STRIDE"] = strides
        sizes["STYLE"] = memory_style(2 * stream.n_beats)
    return sizes
