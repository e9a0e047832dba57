"""Streams that ``load`` and ``store`` move as they come: plan and C++ mean the same ones."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import networks

from bitfpga.ir import MaxPool, Network, TensorType
from bitfpga.plan.assemble import is_sequential, processes
from bitfpga.plan.lower import lower
from bitfpga.plan.processes import Load, Store
from bitfpga.plan.steps import Stream


def streams_in_order(stream: Stream) -> bool:
    """Return what ``host_io.hpp`` says of one sample, from the constants of the tensor's struct."""
    order, lanes = stream.order, stream.lanes
    assert order.strides is not None
    channel_stride, pixel_stride = order.strides
    if order.channels == 1 or order.pixels == 1:
        return True
    return (lanes == 1 and channel_stride == 1) or (order.pixels <= lanes and pixel_stride == 1)


@given(networks(), st.sampled_from((1, 2, 4, 8)))
@settings(max_examples=60)
def test_load_and_store_stage_what_the_hardware_stages(network: Network, beat_pixels: int) -> None:
    pipeline = lower(network, beat_pixels)
    for stream in pipeline.streams.values():
        if stream.order.strides is not None:
            assert is_sequential(stream, 1) == streams_in_order(stream)
        assert not is_sequential(stream, 2)
    first, last = pipeline.streams["input"], pipeline.steps[-1].inputs[0]
    assert first.order.strides is not None
    assert last.order.strides is not None


@pytest.mark.parametrize(
    ("shape", "beat_pixels", "n_samples", "moved"),
    [
        ((1, 5, 2), 4, 1, (3, 0, 4)),
        ((3, 1, 3), 4, 1, (3, 0, 3)),
        ((3, 1, 3), 4, 2, (3, 18, 3)),
        ((3, 1, 5), 4, 1, (6, 15, 4)),
        ((2, 2, 2), 1, 1, (8, 8, 1)),
    ],
)
def test_elements_move_one_a_cycle(shape, beat_pixels, n_samples, moved) -> None:
    tensor = TensorType(shape, 8, True)
    pool = {"kernel": (1, 1), "stride": (1, 1), "padding": ((0, 0),) * 2, "dilation": (1, 1)}
    network = Network("n", tensor, (MaxPool("pool", ("input",), tensor, **pool),))
    found = processes(lower(network, beat_pixels), {}, n_samples)
    ends = [process for process in found if isinstance(process, Load | Store)]
    assert len(ends) == 2
    for end in ends:
        assert (end.n_beats, end.n_elements, end.cycles_per_beat) == moved
