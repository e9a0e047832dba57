"""What random compositions of layers once broke: wrong scales, tracebacks, and false refusals."""

import copy
import logging

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils import prune

from bitfpga import reference
from bitfpga.errors import ModelError
from bitfpga.frontends.torch import fake_quantised, from_torch
from bitfpga.frontends.torch.fit import fit_requantise
from bitfpga.ir import Network


class Fn(nn.Module):
    def __init__(self, function, **parts):
        super().__init__()
        self.function = function
        for name, part in parts.items():
            setattr(self, name, part)

    def forward(self, x):
        return self.function(self, x)


def randn(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def error(model, x, bits=12, **options):
    """Return the relative RMS error on ``x``, the calibration too; the integers are checked."""
    with torch.no_grad():
        expected = model.eval()(x.clone()).double().numpy()
    network = from_torch(model, x, bits, min(bits, 9), bits, **options)
    got = network.dequantise(reference.run(network, network.quantise(x.numpy())))
    np.testing.assert_allclose(got, fake_quantised(network)(x).numpy(), rtol=1e-12)
    return np.sqrt(np.square(got - expected).mean() / np.square(expected).mean())


@pytest.mark.parametrize("scale", ["pow2", "float"])
@pytest.mark.parametrize("bits", [8, 12])
def test_a_small_branch_beside_the_input_keeps_the_inputs_range(bits, scale):
    torch.manual_seed(0)
    model = Fn(
        lambda m, x: m.b(torch.cat([x, m.a(x) * 0.003], 1)), a=nn.Linear(8, 8), b=nn.Linear(16, 5)
    )
    assert error(model, randn(64, 8), bits, scale=scale) < 0.03


def test_a_concat_of_fixed_tensors_wastes_no_bits():
    quantise = torch.ops.bitfpga.fake_quantise

    def forward(m, x):
        return torch.cat([x, quantise(x, torch.tensor([0.125]), -8, 7)], 1) * 1.5

    model, x = Fn(forward), randn(64, 8)
    network = from_torch(model, x, 8, 8, 8)
    concat = next(layer for layer in network.layers if layer.kind == "concat")
    assert concat.output.scale * concat.output.high < 2 * float(x.abs().max())


def test_values_below_zero_only_at_one_point_stay():
    x = torch.from_numpy(np.random.default_rng(0).integers(0, 8, (64, 6))).float()
    assert error(Fn(lambda m, x: -2.0 * (x == 3).float()), x, 8) == 0


def test_gains_too_far_apart_for_one_shift_are_refused():
    model = nn.Linear(2, 2)
    with torch.no_grad():
        model.weight.copy_(torch.tensor([[2.0**33, 0.0], [0.1, 0.33]]))
    with pytest.raises(ModelError, match=r"'0'.*too far apart.*rescale"):
        from_torch(nn.Sequential(model, nn.Hardtanh()), randn(64, 2), 12, 9, 12)
    model.weight.data[0] /= 2.0**10
    assert error(nn.Sequential(model, nn.Hardtanh()), randn(64, 2)) < 0.01
    with pytest.raises(ModelError, match=r"'l'.*off by"):
        fit_requantise("l", np.array([2.0**20, 2.0**-20]), np.zeros(2), 2.0**31, (-128, 127))


@pytest.mark.parametrize("size", [1e30, 1e150, 1e200])
@pytest.mark.filterwarnings("error")
def test_huge_values_can_be_saved(size, tmp_path):
    network = from_torch(nn.Linear(6, 3, bias=False).eval(), randn(20, 6).double() * size)
    assert Network.load(network.save(tmp_path / "n.bitfpga")).metadata["scale"] == "pow2"


BAD_TENSORS = {
    "sparse": lambda: randn(9, 6).to_sparse(),
    "meta": lambda: torch.empty(9, 6, device="meta"),
    "holes": lambda: np.ma.masked_array(np.ones((9, 6)), np.eye(9, 6)),
}


@pytest.mark.parametrize("name", BAD_TENSORS)
def test_calibrations_that_are_no_plain_arrays(name):
    with pytest.raises(ModelError, match="calibration is"):
        from_torch(nn.Linear(6, 3), BAD_TENSORS[name]())


def test_float8_and_lazily_negated_calibrations_are_read():
    negated = torch.view_as_complex(randn(9, 6, 2)).conj().imag
    for calibration in (randn(9, 6).to(torch.float8_e4m3fn), negated, randn(9, 6).bfloat16()):
        assert from_torch(nn.Linear(6, 3).eval(), calibration).output.shape == (3,)


class Keeps(nn.Module):
    """Keeps what it computes, as models with auxiliary outputs do."""

    def __init__(self):
        super().__init__()
        self.fc, self.seen = nn.Linear(6, 5), []

    def forward(self, x):
        self.last = self.fc(x)
        self.seen.append(self.last)
        return self.last.relu()


def test_models_that_keep_activations():
    model = Keeps()
    from_torch(model.eval(), randn(9, 6))
    assert not model.seen
    assert not hasattr(model, "last")
    model.last = model.fc(randn(9, 6))
    assert error(model, randn(64, 6)) < 0.02


def test_weights_pruned_by_torch_are_read():
    conv = nn.Conv2d(3, 4, 3)
    prune.l1_unstructured(conv, "weight", 0.5)
    assert conv(randn(2, 3, 6, 6)).requires_grad  # as training leaves it: its weight is no leaf
    weight = from_torch(conv.eval(), randn(64, 3, 6, 6)).layers[0].weight
    assert (weight == 0).mean() >= 0.5
    assert error(nn.Sequential(conv), randn(64, 3, 6, 6)) < 0.02


@pytest.mark.filterwarnings("ignore::FutureWarning")
@pytest.mark.parametrize("norm", [nn.utils.weight_norm, nn.utils.spectral_norm])
def test_the_older_weight_norms_are_read(norm):
    layer = norm(nn.Linear(6, 6))
    layer(randn(9, 6))
    assert from_torch(layer.eval(), randn(9, 6)).output.shape == (6,)
    assert error(nn.Sequential(layer.eval(), nn.ReLU()), randn(64, 6)) < 0.02


def test_compiled_models_are_read_without_compiling():
    def backend(graph, inputs):
        raise AssertionError("compiled")

    model = torch.compile(nn.Sequential(nn.Linear(6, 3), nn.ReLU()).eval(), backend=backend)
    assert from_torch(model, randn(9, 6)).output.shape == (3,)


@pytest.mark.parametrize("answer", [None, 3.0, "a"])
def test_answers_that_are_no_tensors(answer):
    with pytest.raises(ModelError, match="one tensor"):
        from_torch(Fn(lambda m, x: answer), randn(9, 6))


def test_a_cast_in_a_batch_dependent_model_still_ends_in_a_sentence():
    model = Fn(lambda m, x: m.fc(x.float()) / x.size(0), fc=nn.Linear(6, 3))
    with pytest.raises(ModelError, match="depends on the batch"):
        from_torch(model.eval(), randn(9, 6))


def test_sums_of_truth_values_are_refused():
    model = Fn(lambda m, x: ((x > 0) + (x > 1)).float())
    with pytest.raises(ModelError, match=r"'or' in torch"):
        from_torch(model, randn(9, 6))


def test_any_module_name_will_do():
    model = nn.Sequential()
    model.add_module('a\nb\x00"); system("x', nn.Linear(6, 6))
    model.add_module("input_as_1", nn.Sigmoid())
    network = from_torch(model.eval(), randn(9, 6), act_bits=16, output_bits=16)
    assert network.layers[0].origin == 'a?b?"); system("x'
    nested = nn.Linear(6, 3)
    for _ in range(20):
        nested = nn.ModuleDict({"a_module_with_a_long_name": Fn(lambda m, x: m.f(x), f=nested)})
        nested = Fn(lambda m, x: m.d["a_module_with_a_long_name"](x), d=nested)
    assert from_torch(nested.eval(), randn(9, 6)).layers[0].origin.endswith("long_name.f")
    clash = nn.Sequential()
    clash.add_module("input_as_0", nn.Sigmoid())
    assert from_torch(clash.eval(), randn(9, 6), input_bits=16).layers[-1].name == "input_as_0"


@pytest.mark.parametrize("size", [0.01, 1.0])
def test_a_function_minus_its_argument_is_one_table(size):
    network = from_torch(nn.Tanhshrink(), randn(64, 6) * size)
    assert [layer.kind for layer in network.layers] == ["table"]
    assert error(nn.Tanhshrink(), randn(64, 6) * size, 8) < 0.03
    model = Fn(lambda m, x: (y := m.a(x).tanh()) + y.sigmoid() + x, a=nn.Linear(6, 6))
    assert error(model, randn(64, 6)) < 0.02


def test_a_trained_grid_keeps_its_integers_beside_a_table():
    quantise, step = torch.ops.bitfpga.fake_quantise, torch.tensor([2.0**-11])
    model = Fn(lambda m, x: (y := quantise(x * 1.0, step, -(1 << 14), (1 << 14) - 1)) + y.tanh())
    kinds = [layer.kind for layer in from_torch(model, randn(64, 6), 16, 8, 16).layers]
    assert kinds[-1] == "add"


def test_tables_of_wide_tensors_lose_no_bits_to_headroom():
    narrow, wide = (error(nn.Sigmoid(), randn(64, 6), bits) for bits in (10, 16))
    assert wide < 1.2 * narrow


def chain(n_layers):
    def forward(m, x):
        for _ in range(n_layers):
            x = torch.sigmoid(x) * 4 - 2
        return x

    return Fn(forward)


def doubled(m, x):
    y = x
    for _ in range(40):
        y = y * 0.5 + y * 0.25
    return y * x.sigmoid()


def newton(m, x):
    x = x.abs() + 1
    y = 0.4 - 0.05 * x
    for _ in range(20):
        y = y * (2 - x * y)
    return y


def test_long_and_branching_functions_neither_hang_nor_overflow():
    assert error(chain(150), randn(20, 3)) < 0.05
    assert error(Fn(newton), randn(20, 3)) < 0.05
    from_torch(Fn(doubled), randn(20, 3))


def test_global_state_stays():
    def state():
        return (
            torch.is_grad_enabled(),
            torch.get_default_dtype(),
            logging.root.manager.disable,
            torch.get_rng_state().tolist(),
        )

    model = nn.Linear(6, 3).eval()
    before = state()
    from_torch(model, np.ones((4, 6)))
    with pytest.raises(ModelError):
        from_torch(Fn(lambda m, x: F.dropout(x)), np.ones((4, 6)))
    assert state() == before


@pytest.mark.parametrize("kind", ["torch", "numpy"])
def test_an_in_place_first_layer_leaves_the_calibration(kind):
    x = randn(20, 5).double()
    x = x if kind == "torch" else x.numpy()
    kept = copy.deepcopy(x)
    from_torch(nn.Sequential(nn.ReLU(inplace=True), nn.Linear(5, 3)).eval(), x)
    assert (x == kept).all()
