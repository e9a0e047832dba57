"""Scales, bits and requantisation that ``from_torch`` chooses, and what it leaves untouched."""

import copy
import importlib.util
import math
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from bitfpga import reference
from bitfpga.errors import ModelError
from bitfpga.frontends.torch import fake_quantised, from_torch
from bitfpga.frontends.torch.fit import MAX_DIGITS, fit_requantise, lowest_digit, signed_digits
from bitfpga.frontends.torch.weights import common_unit, quantise_weight


def mlp():
    torch.manual_seed(1)
    return nn.Sequential(
        nn.Linear(7, 9), nn.BatchNorm1d(9), nn.ReLU6(), nn.Dropout(), nn.Linear(9, 5)
    ).eval()


def x(n=40, seed=0, shape=(7,)):
    return torch.randn(n, *shape, generator=torch.Generator().manual_seed(seed))


def relative_rms(model, network, inputs):
    with torch.no_grad():
        expected = model(inputs).numpy()
    got = network.dequantise(reference.run(network, network.quantise(inputs.numpy())))
    return np.sqrt(np.square(got - expected).mean() / np.square(expected).mean())


def is_power_of_two(value):
    return math.frexp(value)[0] == 0.5


def test_pow2_scales_and_single_digit_multipliers():
    network = from_torch(mlp(), x(), 6, 5, 7)
    assert all(is_power_of_two(t.scale) for t in network.types.values())
    for layer in network.layers:
        assert all(is_power_of_two(int(m)) for m in layer.requantise.multiplier.flat)
        assert layer.requantise.real_multiplier is None
        assert np.abs(layer.weight).max() <= 15
    assert (network.input.bits, network.layers[0].output.bits, network.output.bits) == (6, 7, 16)
    assert not network.layers[0].output.signed
    assert network.metadata["scale"] == "pow2"
    wide = from_torch(mlp(), x() * 20).layers[0]
    assert (wide.requantise.low, wide.requantise.high) == (0, 6 / wide.output.scale)


def test_float_scales_keep_the_real_multiplier():
    network = from_torch(mlp(), x(), scale="float")
    layer = network.layers[0]
    assert not is_power_of_two(network.input.scale)
    real, shift = layer.requantise.real_multiplier, layer.requantise.shift
    np.testing.assert_allclose(layer.requantise.multiplier / 2.0**shift, real, rtol=0.01)


@pytest.mark.parametrize("scale", ["pow2", "float"])
def test_more_bits_less_error(scale):
    errors = [
        relative_rms(mlp(), from_torch(mlp(), x(), b, min(b, 9), b, scale), x(99, 5))
        for b in (4, 6, 8, 12)
    ]
    assert errors == sorted(errors, reverse=True)
    assert errors[-1] < 0.01


def test_input_type_follows_the_calibration():
    assert from_torch(mlp(), x().abs()).input.signed is False
    assert from_torch(mlp(), x()).input.signed is True
    network = from_torch(mlp(), x(), input_scale=0.125)
    assert network.input.scale == 0.125
    assert from_torch(mlp(), x(), scale="float", input_scale=1 / 255).input.scale == 1 / 255
    assert from_torch(mlp(), (x() > 0).float(), input_bits=1).input.label == "uint1[7]"


def test_numpy_torch_and_double_give_one_network(tmp_path):
    files = []
    for i, calibration in enumerate((x(), x().numpy(), x().double(), x().numpy().astype("f8"))):
        files.append(from_torch(mlp(), calibration).save(tmp_path / f"{i}.bitfpga").read_bytes())
    assert len(set(files)) == 1


def test_the_model_and_the_random_state_stay():
    model = mlp().train(False)
    model[3].train()
    model[3].p = 0.0
    before = copy.deepcopy(model.state_dict())
    flags = [m.training for m in model.modules()]
    torch.manual_seed(8)
    state, calibration = torch.get_rng_state(), x()
    kept = calibration.clone()
    from_torch(model, calibration)
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(calibration, kept)
    assert [m.training for m in model.modules()] == flags
    assert all(torch.equal(before[k], v) for k, v in model.state_dict().items())
    assert all(p.requires_grad and p.dtype == torch.float32 for p in model.parameters())


def test_double_and_half_models_are_read():
    assert relative_rms(mlp(), from_torch(mlp().double(), x()), x()) < 0.05
    assert relative_rms(mlp(), from_torch(mlp().half(), x()), x()) < 0.05


def test_agreement_is_reported():
    metadata = from_torch(mlp(), x()).metadata
    assert 0 < metadata["calibration_rms_error"] <= metadata["calibration_max_error"]
    assert 0.8 <= metadata["calibration_argmax_agreement"] <= 1
    assert "calibration_argmax_agreement" not in from_torch(nn.ReLU(), x(4, 0, (3, 2))).metadata


def test_names_are_legal_and_origins_the_users():
    network = from_torch(nn.ModuleDict({"a-b;c": nn.Linear(7, 3)})["a-b;c"], x(), name="n1")
    assert network.name == "n1"
    model = nn.Sequential(nn.Sequential(nn.Linear(7, 7), nn.Tanh()), nn.Linear(7, 2))
    assert [layer.origin for layer in from_torch(model, x()).layers] == ["0.0", "0.1", "1"]


@pytest.mark.parametrize("size", [1e-12, 1e12])
def test_huge_and_small_models(size):
    model = mlp()
    with torch.no_grad():
        model[4].weight *= size
        model[4].bias *= size
        model[0].weight /= size
    inputs = x() * size
    assert relative_rms(model, from_torch(model, inputs), inputs) < 0.05


def test_dead_channels_and_constant_zero_outputs():
    model = mlp()
    with torch.no_grad():
        model[0].weight[2] = 0
        model[4].weight[:] = 0
        model[4].bias[1:] = 0
    network = from_torch(model, x())
    got = network.dequantise(reference.run(network, network.quantise(x().numpy())))
    np.testing.assert_allclose(got, model(x()).detach().numpy(), atol=2**-12)
    with torch.no_grad():
        model[4].bias[:] = 0
    network = from_torch(model, torch.zeros(3, 7))
    assert not reference.run(network, network.quantise(x().numpy())).any()


def test_a_tiny_channel_beside_a_large_one():
    model = nn.Linear(7, 3).eval()
    with torch.no_grad():
        model.weight[1] *= 1e-15
    assert relative_rms(model, from_torch(model, x()), x()) < 0.02


def test_weights_far_beyond_the_output_are_refused():
    model = nn.Sequential(nn.Linear(7, 3), nn.Hardtanh(-1e-12, 1e-12)).eval()
    with pytest.raises(ModelError, match=r"'0'.*52 bits"):
        from_torch(model, x())


def test_tables_read_ten_bits_at_most():
    model = nn.Sequential(nn.Linear(7, 7), nn.Tanh(), nn.Linear(7, 2)).eval()
    for act_bits, expected in ((6, 8), (8, 10), (16, 10)):
        network = from_torch(model, x(), act_bits=act_bits)
        assert network.input_types(network.layers[1])[0].bits == expected
    direct = from_torch(nn.Sigmoid(), x(), input_bits=16)
    assert [layer.kind for layer in direct.layers] == ["scale", "table"]


def test_a_table_undefined_on_its_codes_is_refused():
    model = nn.Sequential(nn.Linear(1, 1, bias=False), Root()).eval()
    model[0].weight.data[:] = 1.0
    with pytest.raises(ModelError, match=r"'1'.* is not defined at -"):
        from_torch(model, torch.ones(3, 1))


class Root(nn.Module):
    def forward(self, v):
        return torch.sqrt(v)


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=9).map(np.array))
def test_signed_digits_are_few_and_close(values):
    fitted = signed_digits(values)
    assert (np.abs(fitted - values) <= np.abs(values) * 3.0**-MAX_DIGITS).all()
    scaled = np.ldexp(fitted, -lowest_digit(fitted))
    assert (scaled == np.round(scaled)).all()
    assert ((scaled % 2 == 1) | (fitted == 0)).all()


@given(
    st.lists(st.integers(-20, 8), min_size=3, max_size=3),
    st.lists(st.floats(-90, 90), min_size=3, max_size=3),
    st.lists(st.integers(-4000, 4000), min_size=3, max_size=3),
)
def test_powers_of_two_requantise_exactly(exponents, biases, sums):
    gain, bias = 2.0 ** np.array(exponents), np.round(np.array(biases) * 16) / 16
    requantise = fit_requantise("l", gain, bias, 4000.0, (-128, 127))
    expected = np.clip(np.floor(np.array(sums) * gain + bias + 0.5), -128, 127)
    assert requantise.real_multiplier is None
    np.testing.assert_array_equal(requantise.apply(np.array([sums], np.int64))[0], expected)


def test_biases_beside_inexact_multipliers_round_to_a_sixteenth_or_finer():
    third = np.full(2, 1 / 3)
    requantise = fit_requantise("l", third, np.array([0.3, -0.3]), 9.0, (-8, 7))
    assert requantise.shift >= 4
    steps = np.ldexp([0.3, -0.3], requantise.shift)
    np.testing.assert_array_equal(requantise.bias, np.floor(steps + 0.5))


@pytest.mark.parametrize("exponents", [[0, 0], [-3, -1], [2, -4], [3, 1], [-7, 0]])
def test_powers_of_two_requantise_as_real_arithmetic_does(exponents):
    """Whatever the bias: halves, ties, and values between the steps of the sums."""
    rng = np.random.default_rng(5)
    biases = [*rng.normal(0, 3, 40), 0.5, -0.5, 0.25, -2.5, 0.3, 1 / 3, 0.0, 4.0]
    for bias in biases:
        offsets = np.array([bias, -bias])
        multipliers = np.ldexp(1.0, exponents)
        requantise = fit_requantise("l", multipliers, offsets, 150.0, (-100, 90))
        for c, e in enumerate(exponents):
            for total in range(-150, 151):
                exact = Fraction(total) * Fraction(2) ** e + Fraction(offsets[c]) + Fraction(1, 2)
                half = (1 << requantise.shift) >> 1
                scaled = total * int(requantise.multiplier[c]) + int(requantise.bias[c]) + half
                assert min(max(scaled >> requantise.shift, -100), 90) == min(
                    max(math.floor(exact), -100), 90
                )


def test_weights_are_symmetric_and_per_channel():
    weight = np.array([[1.0, -1.0, 0.25], [1e-3, 2e-3, -4e-3], [0.0, 0.0, 0.0]])
    values, scale = quantise_weight(weight, 4, "pow2", 2.0**-40)
    assert np.abs(values).max() <= 7
    assert scale[0] / scale[1] == 256
    assert np.abs(values * scale[:, None] - weight).max() < 0.13


def test_common_unit():
    assert common_unit(np.array([0.5, -0.125])) == ((4, -1), 0.125)
    weights, unit = common_unit(np.array([0.3, 0.7]))
    np.testing.assert_allclose(np.array(weights) * unit, [0.3, 0.7], rtol=0.01)


def test_extreme_inputs_saturate_alike():
    network = from_torch(mlp(), x())
    inputs = torch.tensor([[1e30] * 7, [-1e30] * 7, [0.0] * 7])
    expected = network.dequantise(reference.run(network, network.quantise(inputs.numpy())))
    np.testing.assert_array_equal(fake_quantised(network)(inputs).numpy(), expected)


def test_coverage_smoke(monkeypatch):
    folder = Path(__file__).parents[2] / "benchmarks"
    monkeypatch.syspath_prepend(folder)
    spec = importlib.util.spec_from_file_location("torch_coverage", folder / "torch_coverage.py")
    coverage = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(importlib.import_module("sys").modules, "torch_coverage", coverage)
    spec.loader.exec_module(coverage)
    wanted = {"mlp": "right", "resnet": "right", "gelu": "right", "lstm": "refused"}
    cases = [case for case in coverage.CASES if case.name in wanted]
    assert {case.name: coverage.judge(case).verdict for case in cases} == wanted
