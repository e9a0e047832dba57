"""Lowering: every stream of the pipeline carries the reference's tensor, in the order it says."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mlps import dense, one_dense, requantise
from small_layers import identity_requantise
from strategies import networks
from streamed import check_pipeline

from bitfpga.errors import PlanError
from bitfpga.ir import (
    Add,
    AvgPool,
    Concat,
    Conv,
    Dense,
    MaxPool,
    Mean,
    Network,
    Pad,
    Reshape,
    Scale,
    TensorType,
    Transpose,
)
from bitfpga.plan.lower import lower
from bitfpga.plan.steps import ARRAYS, POOLS

BEATS = st.sampled_from((1, 2, 4, 8))
MAP = TensorType((3, 5, 7), 8, True)


@given(networks(), BEATS)
@settings(max_examples=150)
def test_every_stream_carries_the_references_tensor(network: Network, beat_pixels: int) -> None:
    check_pipeline(network, beat_pixels)


@given(networks(("concat", "reshape", "transpose", "add", "dense"), 7), BEATS)
@settings(max_examples=80)
def test_orders_that_clash_are_changed_on_the_way(network: Network, beat_pixels: int) -> None:
    check_pipeline(network, beat_pixels)


@given(networks(("conv", "max_pool", "avg_pool", "concat", "add"), 6, ranks=(2, 3)), BEATS)
@settings(max_examples=60)
def test_maps_stay_streams_of_maps(network: Network, beat_pixels: int) -> None:
    pipeline = check_pipeline(network, beat_pixels)
    assert {step.kind for step in pipeline.steps} <= {
        *ARRAYS,
        *POOLS,
        *("load", "store", "add", "concat", "gather", "sum_map"),
    }


@given(networks(("mean", "mean", "max_pool", "avg_pool", "scale"), 3, ranks=(2, 3)), BEATS)
@settings(max_examples=60)
def test_means_over_any_axes_get_their_maps_side_by_side(network, beat_pixels) -> None:
    check_pipeline(network, beat_pixels)


@pytest.mark.parametrize("axes", [(0, 2), (1,), (0,), (1, 2), (0, 1, 2)])
def test_an_input_is_loaded_by_strides_even_where_a_mean_wants_none(axes) -> None:
    shape = tuple(1 if axis in axes else n for axis, n in enumerate((3, 4, 5)))
    one = TensorType(shape, 8, True)
    layer = Mean("m", ("input",), one, axes=axes, requantise=identity_requantise(one))
    pipeline = check_pipeline(Network("n", TensorType((3, 4, 5), 8, True), (layer,)), 2)
    assert pipeline.streams["input"].order.strides is not None


def scale(name: str, source: str, tensor: TensorType) -> Scale:
    return Scale(name, (source,), tensor, requantise=identity_requantise(tensor))


MORE = ("input_order_", "a_order", "fork_a", "fifo0_a", "a_0", "input_0")
HOSTILE = ("load", "store", "fork_input", "input_order", "int", "fifo_input", "class", "x_order")


@pytest.mark.parametrize("name", [*HOSTILE, *MORE])
@pytest.mark.parametrize("other", ["a", "input_order", "fork_load", "a_order", "int"])
def test_names_of_layers_never_clash_with_those_of_processes(name: str, other: str) -> None:
    if name == other:
        return
    matrix = TensorType((3, 5), 8, True)
    layers = (
        scale(name, "input", matrix),
        dense(other, name, np.ones((5, 5)), matrix),
        pointwise("z", name, (4, 3)),
        pointwise("zz", "input", (2, 3)),
        Concat("last", (other, "z", "zz"), TensorType((9, 5), 8, True), axis=0),
    )
    pipeline = check_pipeline(Network("net", matrix, layers), 2)
    assert sum(step.kind == "gather" for step in pipeline.steps) >= 1


def pointwise(name: str, source: str, shape: tuple[int, int]) -> Conv:
    """Return a convolution of kernel 1 over 5 places: [outputs, inputs]."""
    output = TensorType((shape[0], 5), 8, True)
    return Conv(
        name,
        (source,),
        output,
        weight=np.ones((*shape, 1), np.int16),
        requantise=identity_requantise(output),
        stride=(1,),
        padding=((0, 0),),
        dilation=(1,),
        groups=1,
    )


def test_a_network_of_only_a_reshape_is_wires() -> None:
    source = TensorType((6,), 8, True)
    network = Network("n", source, (Reshape("r", ("input",), TensorType((2, 3), 8, True)),))
    pipeline = check_pipeline(network, 4)
    assert [step.kind for step in pipeline.steps] == ["load", "store"]
    assert [fifo.name for fifo in pipeline.fifos] == ["fifo_input"]


def test_a_flatten_before_a_dense_layer_moves_nothing() -> None:
    flat = TensorType((105,), 8, True)
    layers = (
        Reshape("r", ("input",), flat),
        dense("fc", "r", np.ones((4, 105)), TensorType((4,), 8, True)),
    )
    pipeline = check_pipeline(Network("n", MAP, layers), 4)
    assert [step.kind for step in pipeline.steps] == ["load", "vector_array", "store"]
    assert pipeline.steps[1].inputs[0].n_beats == 3 * 9


def test_what_nobody_reads_is_not_built() -> None:
    vector = TensorType((4,), 8, True)
    layers = (
        scale("dead", "input", vector),
        scale("live", "input", vector),
        scale("dying", "dead", vector),
        scale("last", "live", vector),
    )
    pipeline = check_pipeline(Network("n", vector, layers), 1)
    assert [step.name for step in pipeline.steps[1:-1]] == ["live", "last"]
    assert pipeline.forks() == {}


def test_an_output_of_irregular_order_is_stored_in_a_regular_one() -> None:
    one, three = TensorType((1, 4), 8, True), TensorType((3, 4), 8, True)
    layers = (
        Mean("m", ("input",), one, axes=(0,), requantise=identity_requantise(one)),
        Concat("c", ("input", "m", "input"), TensorType((7, 4), 8, True), axis=0),
    )
    pipeline = check_pipeline(Network("n", three, layers), 2)
    assert pipeline.steps[-1].views[0].strides is not None


def test_a_tensor_read_in_two_orders_is_put_into_each_once() -> None:
    matrix = TensorType((3, 5), 8, True)
    layers = (
        pointwise("c", "input", (2, 3)),
        dense("a", "input", np.ones((5, 5)), matrix),
        dense("b", "input", np.ones((5, 5)), matrix),
        Add("s", ("a", "b"), matrix, weights=(1, 1), requantise=identity_requantise(matrix)),
        Concat("all", ("c", "s"), TensorType((5, 5), 8, True), axis=0),
    )
    pipeline = check_pipeline(Network("n", matrix, layers), 2)
    assert [step.name for step in pipeline.steps if step.kind == "gather"] == ["input_order", "all"]


def test_the_input_comes_in_the_order_its_first_reader_wants() -> None:
    rows = TensorType((3, 2), 8, True)
    network = Network(
        "n", TensorType((3, 5), 8, True), (dense("a", "input", np.ones((2, 5)), rows),)
    )
    pipeline = check_pipeline(network, 2)
    assert [step.kind for step in pipeline.steps] == ["load", "window_array", "store"]
    assert pipeline.streams["input"].order.channels == 5


def test_means_and_whole_averages_sum_maps() -> None:
    each = TensorType((3, 1, 1), 8, True)
    options = {"stride": (1, 1), "requantise": identity_requantise(each)}
    pools = {
        ((5, 7), ((0, 0), (0, 0))): "sum_map",
        ((5, 7), ((0, 0), (0, 1))): "sum_pool",
        ((5, 6), ((0, 0), (0, 0))): "sum_pool",
    }
    for (kernel, padding), kind in pools.items():
        shape = (3, 1, 7 + padding[1][1] - kernel[1] + 1)
        output = replace(each, shape=shape)
        layer = AvgPool("p", ("input",), output, kernel=kernel, padding=padding, **options)
        assert check_pipeline(Network("n", MAP, (layer,)), 2).steps[1].kind == kind
    layer = Mean("m", ("input",), each, axes=(1, 2), requantise=requantise(each))
    assert check_pipeline(Network("n", MAP, (layer,)), 2).steps[1].kind == "sum_map"


def test_windows_over_three_axes_are_refused_together_by_name() -> None:
    out = TensorType((2, 2, 2), 8, True)
    pool = {"kernel": (2, 2, 2), "stride": (1, 1, 1), "padding": ((0, 0),) * 3}
    layers = (
        MaxPool("p", ("input",), out, "net.pool", dilation=(1,) * 3, **pool),
        AvgPool("q", ("input",), out, requantise=identity_requantise(out), **pool),
    )
    with pytest.raises(PlanError) as caught:
        lower(Network("n", TensorType((3, 3, 3), 8, True), layers), 1)
    message = str(caught.value)
    assert message.startswith("no hardware for layers: 'net.pool' pools over 3 axes; 'q' pools")
    assert "bitfpga.run(network, x)" in message
    assert "\n" not in message


@pytest.mark.parametrize("kind", [Pad, Transpose])
def test_a_move_that_ends_a_network_is_stored_row_by_row(kind: type) -> None:
    matrix = TensorType((3, 5), 8, False)
    if kind is Pad:
        layer = Pad("m", ("input",), TensorType((6, 5), 8, False), padding=((1, 2), (0, 0)))
    else:
        layer = Transpose("m", ("input",), TensorType((5, 3), 8, False), axes=(1, 0))
    pipeline = check_pipeline(Network("n", matrix, (layer,)), 4)
    assert [step.kind for step in pipeline.steps] == ["load", "gather", "store"]


def test_a_dense_layer_on_a_vector_takes_its_beats_as_rows() -> None:
    pipeline = check_pipeline(one_dense(np.ones((2, 7))), 8)
    (step,) = (step for step in pipeline.steps if isinstance(step.layer, Dense))
    assert step.kind == "vector_array"
    assert step.inputs[0].beats.tolist() == [[i] for i in range(7)]
