"""Quantisers of activations: values, the gradients of LSQ, first ranges, states."""

import math

import pytest
import torch

from bitfpga.errors import PruneError
from bitfpga.prune import ActivationQuantiser, fake_quantise
from bitfpga.prune.grid import power_of_two, rounded

torch.set_num_threads(1)


def test_values_with_ties_up_and_saturation():
    x = torch.tensor([-9.0, -1.25, -0.75, -0.25, 0.0, 0.2499, 0.25, 0.75, 1.25, 9.0])
    y = fake_quantise(x, torch.tensor([0.5]), -3, 2)
    assert y.tolist() == [-1.5, -1.0, -0.5, 0.0, 0.0, 0.0, 0.5, 1.0, 1.0, 1.0]
    assert fake_quantise(torch.tensor([0.49999997]), torch.ones(1), 0, 3).tolist() == [0.0]
    assert math.isnan(float(fake_quantise(torch.tensor([math.nan]), torch.ones(1), 0, 3)))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_other_types_keep_theirs_and_count_in_float32_at_least(dtype):
    x = torch.tensor([1.0, 3.0, 100.0], dtype=dtype, requires_grad=True)
    scale = torch.tensor([2.0**-9], requires_grad=True)
    y = fake_quantise(x, scale, 0, 65535)
    assert y.dtype == dtype
    assert y.tolist() == [1.0, 3.0, 100.0]
    y.sum().backward()
    assert x.grad.dtype == dtype
    assert scale.grad.dtype == torch.float32


@pytest.mark.parametrize(("low", "high"), [(0, 15), (-8, 7)])
def test_gradients_are_those_of_learned_step_size(low, high):
    torch.manual_seed(1)
    x = torch.randn(50, dtype=torch.float64) * 3
    scale, weights = torch.tensor([0.25], dtype=torch.float64), torch.randn(50).double()
    ours = (x.clone().requires_grad_(True), scale.clone().requires_grad_(True))
    (fake_quantise(*ours, low, high) * weights).sum().backward()
    other = (x.clone().requires_grad_(True), scale.clone().requires_grad_(True))
    steps = other[0] / other[1]
    steps = steps.clamp(low - 0.5, high + 0.5 - 1e-12)
    whole = steps + (torch.floor(steps + 0.5) - steps).detach()
    whole = torch.where(whole > high, high, torch.where(whole < low, low, whole))
    inside = (other[0] / scale >= low - 0.5) & (other[0] / scale < high + 0.5)
    whole = torch.where(inside, whole, torch.where(other[0] > 0, float(high), float(low)))
    (whole * other[1] * weights).sum().backward()
    assert 5 < int(inside.sum()) < 48
    # The same float64 sums in another order.
    torch.testing.assert_close(ours[0].grad, other[0].grad, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(ours[1].grad, other[1].grad, rtol=1e-12, atol=1e-12)


def test_gradients_at_the_ends_of_the_range():
    x = torch.tensor([-1.5, -1.25, -1.125, 1.5, 1.625, 1.75, 2.0], requires_grad=True)
    for place, (inside, error) in enumerate(
        # Inside: level - x in steps; outside: the last level.
        [(0, -2), (1, 0.5), (1, 0.25), (1, 0), (1, -0.25), (0, 3), (0, 3)]
    ):
        scale = torch.tensor([0.5], requires_grad=True)
        x.grad = None
        fake_quantise(x, scale, -2, 3)[place].backward()
        assert x.grad.tolist() == [float(i == place) * inside for i in range(len(x))]
        assert float(scale.grad) == error


@pytest.mark.parametrize("kind", ["pow2", "float"])
def test_the_gradient_of_the_step_is_slowed_by_its_tensor(kind):
    own = ActivationQuantiser("a", 4, kind, False)
    own(torch.tensor([[1.0, 2.0, 0.5]]))
    first = math.log2(2 * (3.5 / 3) / math.sqrt(15))
    assert float(own.exponent.detach()) == pytest.approx(first, rel=1e-6)
    x = torch.tensor([[100.0, 100.0, 0.0]])
    own(x).sum().backward()
    # Both saturate: 15 each; then ln2 * 2^exponent, and 1 / sqrt(numel * high).
    expected = 30 * math.log(2) * 2**first / math.sqrt(3 * 15)
    assert float(own.exponent.grad) == pytest.approx(expected, rel=1e-5)


def test_scales_are_powers_of_two_above_the_exponent():
    exponent = torch.tensor([-3.0, -2.9, 0.1, 4.0])
    assert power_of_two(exponent, "pow2").tolist() == [0.125, 0.25, 2.0, 16.0]
    # Float32 powers.
    assert power_of_two(exponent, "float").tolist() == pytest.approx(
        [2.0 ** float(e) for e in exponent], rel=1e-6
    )
    whole = torch.arange(-126.0, 127.0)
    assert power_of_two(whole, "pow2").tolist() == [2.0**e for e in range(-126, 127)]


def test_rounding_passes_gradients():
    x = torch.tensor([-1.6, -0.4, 0.6, 2.4], requires_grad=True)
    y = rounded(x)
    (y * torch.arange(4.0)).sum().backward()
    assert y.tolist() == [-2.0, 0.0, 1.0, 2.0]
    assert x.grad.tolist() == [0.0, 1.0, 2.0, 3.0]


@pytest.mark.parametrize(
    ("bits", "signed", "low", "high"), [(2, False, 0, 3), (2, True, -2, 1), (8, True, -128, 127)]
)
def test_ranges(bits, signed, low, high):
    own = ActivationQuantiser("a", bits, "pow2", signed)
    assert (own.low, own.high) == (low, high)
    assert str(own) == f"ActivationQuantiser({bits} bits, signed={signed}, pow2)"


@pytest.mark.parametrize("headroom", [1.0, 2.0])
def test_a_range_that_is_not_learned_holds_the_first_batch(headroom):
    own = ActivationQuantiser("a", 8, "pow2", None, learned=False, headroom=headroom)
    x = torch.tensor([[0.0, 3.0, 127.5]])
    own(x)
    assert own.signed is False
    assert float(own.step()) == headroom * 127.5 / 255
    own = ActivationQuantiser("a", 8, "float", None, learned=False, headroom=headroom)
    own(-x)
    assert own.signed is True
    assert float(own.step()) == pytest.approx(headroom * 127.5 / 127, rel=1e-6)
    assert not own.exponent.requires_grad


def test_batches_of_zeros_set_nothing():
    own = ActivationQuantiser("a", 8)
    for x in (torch.zeros(2, 3), torch.zeros(0, 3)):
        assert own(x) is x
        assert not own.is_set
    assert own(torch.full((2, 3), 1e-30)).shape == (2, 3)
    assert own.is_set
    assert float(own.step().detach()) == 2.0**-40


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_first_batch_without_a_range_is_refused(value):
    own = ActivationQuantiser("relu", 8)
    with pytest.raises(PruneError, match="'relu': its first batch holds NaN or infinity"):
        own(torch.tensor([1.0, value]))
    assert not own.is_set


def test_a_shared_range_holds_the_first_tensor_of_every_place():
    own = ActivationQuantiser("cat", 8, "float", True, learned=False).eval()
    own.n_places = 3
    for size in (2.0, 10.0, 5.0, 90.0):
        own(torch.tensor([size]))
    assert float(own.step()) == pytest.approx(10 / 127, rel=1e-6)
    alone = ActivationQuantiser("relu", 8, "float", True, learned=False).eval()
    for size in (2.0, 10.0):
        alone(torch.tensor([size]))
    assert float(alone.step()) == pytest.approx(2 / 127, rel=1e-6)


def test_states():
    own, other = ActivationQuantiser("a", 8), ActivationQuantiser("a", 8)
    fresh = {key: value.clone() for key, value in own.state_dict().items()}
    x = torch.tensor([-3.0, 1.0, 2.0])
    own(x)
    other.load_state_dict(own.state_dict())
    assert (other.is_set, other.signed) == (True, True)
    assert torch.equal(other(x), own(x))
    own(x.abs() * 100)
    assert torch.equal(other.exponent, own.exponent)
    other.load_state_dict(fresh)
    assert (other.is_set, other.signed) == (False, None)
    other(x.abs())
    assert other.signed is False
    with pytest.raises(PruneError, match="'a': state 3 is not one of 0, 1, 2"):
        other.load_state_dict({"exponent": torch.zeros(1), "state": torch.tensor([3]).byte()})


def test_data_is_needed_before_it_is_built():
    import bitfpga
    from bitfpga import prune

    model = prune.prepare(torch.nn.Sequential(torch.nn.Linear(3, 2))).eval()
    with pytest.raises(bitfpga.BitfpgaError, match="has seen no data but zeros"):
        bitfpga.from_torch(model, torch.randn(5, 3))
