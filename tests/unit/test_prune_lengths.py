"""The quantisers of bitlength: their grids, what lies between, and every gradient."""

import math

import numpy as np
import pytest
import torch
from bitlength_models import activations_at, weights_at
from hypothesis import given
from hypothesis import strategies as st

from bitfpga.errors import PruneError
from bitfpga.prune.lengths import LengthActivations, LengthWeights

SCALES = ("pow2", "float")


def expected_weights(weight, bits, scale):
    """Return (levels, step) of the min-max quantiser in plain numpy, in float64."""
    w = weight.numpy().astype(np.float64)
    low, high = min(w.min(), 0.0), max(w.max(), 0.0)
    last = 2**bits - 1
    step = (high - low) / last
    if scale == "pow2":
        step = 2.0 ** math.floor(math.log2(step) + 0.5)
    zero = math.floor(last * -low / (high - low) + 0.5)
    return np.clip(np.round(w / step), -zero, last - zero), step


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("bits", range(1, 9))
@pytest.mark.parametrize("shift", [-9.0, -0.4, 0.1, 9.0])
def test_weights_at_a_whole_length_are_the_integer_quantiser(bits, scale, shift):
    quantiser, weight = weights_at(bits, scale, (13, 29), shift=shift)
    levels, step = expected_weights(weight, bits, scale)
    learned, learned_scale = quantiser(weight, None)
    quantiser.bitlength.round_up()
    assert quantiser.bitlength.whole == bits
    whole, whole_scale = quantiser(weight, None)
    assert whole_scale.shape == learned_scale.shape == (13,)
    np.testing.assert_array_equal(whole.detach().numpy(), levels)
    np.testing.assert_array_equal(learned.detach().numpy(), levels)
    np.testing.assert_array_equal(whole_scale.numpy(), np.full(13, step))
    np.testing.assert_array_equal(learned_scale.numpy(), np.full(13, step))


@given(
    st.integers(1, 8),
    st.sampled_from(SCALES),
    st.floats(-30, 30),
    st.floats(1e-3, 1e3),
    st.integers(0, 99),
)
def test_levels_are_few_whole_and_within_nine_bits(bits, scale, shift, size, seed):
    quantiser, weight = weights_at(bits, scale, (7, 41), seed, shift, torch.float32)
    weight = weight * size
    quantiser.bitlength.round_up()
    levels = quantiser.integers(weight, None)[0].detach()
    assert torch.equal(levels, levels.round())
    assert len(levels.unique()) <= 2**bits
    assert float(levels.abs().max()) <= 2**bits - 1
    lowest, highest = torch.aminmax(levels)
    assert float(highest.clamp(min=0) - lowest.clamp(max=0)) <= 2**bits - 1


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("length", [1.25, 2.5, 3.75, 6.125, 7.5])
def test_between_whole_lengths_weights_are_interpolated(length, scale):
    quantiser, weight = weights_at(length, scale)
    levels, step = quantiser(weight, None)
    below, part = int(length), length - int(length)
    coarse, fine = (np.multiply(*expected_weights(weight, b, scale)) for b in (below, below + 1))
    got = (levels * step[:, None]).detach().numpy()
    # Float64: the sum of two products is rounded in another order.
    np.testing.assert_allclose(got, (1 - part) * coarse + part * fine, rtol=0, atol=1e-14)


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("length", [1.5, 4.25, 7.5])
def test_the_gradient_of_a_length_is_the_finite_difference_for_weights(length, scale):
    quantiser, weight = weights_at(length, scale)
    pull = torch.randn(
        weight.shape, dtype=torch.float64, generator=torch.Generator().manual_seed(1)
    )

    def loss():
        levels, step = quantiser(weight, None)
        return (levels * step[:, None] * pull).sum()

    loss().backward()
    got = float(quantiser.bitlength.length.grad)
    _assert_slope(got, loss, quantiser, length)
    coarse, fine = (np.multiply(*expected_weights(weight, int(length) + k, scale)) for k in (0, 1))
    assert got == pytest.approx(float(((fine - coarse) * pull.numpy()).sum()), rel=1e-12)


def test_the_gradient_at_the_largest_length_is_that_of_the_last_bit():
    quantiser, weight = weights_at(8.0, "float")
    levels, step = quantiser(weight, None)
    (levels * step[:, None]).square().sum().backward()
    coarse, fine = (np.multiply(*expected_weights(weight, bits, "float")) for bits in (7, 8))
    expected = float((2 * fine * (fine - coarse)).sum())
    assert float(quantiser.bitlength.length.grad) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize(("length", "signed"), [(1.5, False), (2.5, True), (7.25, False)])
def test_the_gradient_of_a_length_is_the_finite_difference_for_activations(length, signed, scale):
    quantiser = activations_at(length, scale, signed, peak=3.3).eval()
    x = torch.linspace(-4.1 if signed else 0.0, 4.7, 31, dtype=torch.float64)

    def loss():
        return (quantiser(x) * torch.cos(x)).sum()

    loss().backward()
    _assert_slope(float(quantiser.bitlength.length.grad), loss, quantiser, length)


def _assert_slope(got, loss, quantiser, length):
    """Assert the gradient by a wide central difference: the loss is linear in between."""
    values = []
    for here in (length - 0.125, length + 0.125):
        quantiser.bitlength.length.data.fill_(here)
        values.append(float(loss().detach()))
    quantiser.bitlength.length.data.fill_(length)
    assert abs(got) > 1e-6
    assert got == pytest.approx((values[1] - values[0]) / 0.25, rel=1e-9)


def test_weights_get_every_gradient_straight_through():
    for length in (2.0, 2.5, 8.0):
        for frozen in (False, True):
            quantiser, weight = weights_at(length, "pow2")
            weight.requires_grad_()
            if frozen:
                quantiser.bitlength.round_up()
            levels, step = quantiser(weight, None)
            (levels * step[:, None]).sum().backward()
            torch.testing.assert_close(weight.grad, torch.ones_like(weight))


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize(
    ("bits", "signed"), [(1, False), (5, False), (8, False), (2, True), (7, True)]
)
def test_activations_at_a_whole_length_are_the_frozen_grid(bits, signed, scale):
    quantiser = activations_at(bits, scale, signed, peak=3.3).eval()
    x = torch.linspace(-4.0 if signed else 0.0, 5.0, 97, dtype=torch.float64)
    learned = quantiser(x)
    assert not quantiser.is_set
    quantiser.bitlength.round_up()
    assert quantiser.is_set
    assert (quantiser.bits, quantiser.low) == (bits, -(2 ** (bits - 1)) if signed else 0)
    assert quantiser.high == quantiser.low + 2**bits - 1
    width = 3.3 * (2 if signed else 1) / (2**bits - 1)
    step = 2.0 ** math.floor(math.log2(width) + 0.5) if scale == "pow2" else width
    assert float(quantiser.step()) == pytest.approx(step, rel=1e-15)
    expected = torch.ops.bitfpga.fake_quantise(x, quantiser.step(), quantiser.low, quantiser.high)
    assert torch.equal(quantiser(x), expected)
    assert torch.equal(learned, expected)
    assert len(learned.unique()) <= 2**bits


def test_activations_in_between_are_interpolated_and_clipped_values_get_no_gradient():
    quantiser = activations_at(2.25, "float", peak=3.0).eval()
    x = torch.tensor([-1.0, 0.0, 1.4, 2.9, 9.0], dtype=torch.float64, requires_grad=True)
    y = quantiser(x)
    # 2 bits: steps of 1; 3 bits: steps of 3/7.
    fine = [0, 0, 3 * 3 / 7, 7 * 3 / 7, 3]
    expected = [0.75 * c + 0.25 * f for c, f in zip([0, 0, 1, 3, 3], fine, strict=True)]
    np.testing.assert_allclose(y.detach().numpy(), expected, rtol=0, atol=1e-14)
    y.sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), [0, 1, 1, 1, 0], rtol=0, atol=1e-14)


def test_the_range_follows_the_batches_seen_in_training_only():
    quantiser = activations_at(8, peak=2.0)
    quantiser(torch.tensor([[-4.0, 1.0]]))
    assert float(quantiser.peak) == pytest.approx(2.2)
    quantiser(torch.zeros(2, 3))
    quantiser(torch.tensor([[math.inf]]))
    quantiser(torch.tensor([[math.nan]]))
    quantiser.eval()(torch.tensor([[40.0, 1.0]]))
    assert float(quantiser.peak) == pytest.approx(2.2)
    assert int(quantiser.elements) == 2


def test_zeros_keep_waiting_and_other_first_batches_set_the_range():
    quantiser = LengthActivations("relu", 8, "pow2", None, 1)
    zeros = torch.zeros(3, 2)
    assert quantiser(zeros) is zeros
    assert not quantiser.is_set
    quantiser.bitlength.round_up()
    assert quantiser(zeros) is zeros
    assert not quantiser.is_set
    quantiser(torch.tensor([[-5.0, 1.0]]))
    assert quantiser.is_set
    assert (quantiser.signed, float(quantiser.peak)) == (True, 5.0)
    with pytest.raises(PruneError, match="NaN or infinity"):
        LengthActivations("relu", 8, "pow2", None, 1)(torch.tensor([math.nan]))


@pytest.mark.parametrize("signed", [True, None])
def test_signed_activations_keep_two_bits(signed):
    quantiser = LengthActivations("x", 8, "pow2", signed, 1)
    quantiser.bitlength.length.data.fill_(0.5)
    quantiser.bitlength.round_up()
    assert quantiser.bits == 2
    assert LengthActivations("x", 8, "pow2", False, 1).bitlength.smallest == 1
    assert LengthActivations("x", 8, "pow2", True, 5).bitlength.smallest == 5


def test_equal_weights_need_no_range_but_that_to_zero():
    weight = torch.full((3, 2), -0.3)
    quantiser = LengthWeights("fc", weight, "float", 1, 8)
    levels, step = quantiser(weight, None)
    assert set(levels.detach().unique().tolist()) == {-255}
    torch.testing.assert_close(levels.detach() * step[:, None], weight)


def test_half_precision_activations_stay_what_they_are():
    quantiser = LengthActivations("x", 8, "pow2", False, 1)
    quantiser(torch.tensor([1.0]))
    quantiser.bitlength.length.data.fill_(3.5)
    x = torch.rand(9, 4)
    for dtype in (torch.float16, torch.bfloat16):
        assert quantiser(x.to(dtype)).dtype == dtype
    quantiser, weight = weights_at(3.5, like=torch.bfloat16)
    assert {each.dtype for each in quantiser(weight, None)} == {torch.bfloat16}
