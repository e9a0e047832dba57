"""bitlength: the price of lengths, their bounds, and what is refused."""

import math

import pytest
import torch
from bitlength_models import conv_net, data, mlp
from torch import nn

from bitfpga import prune
from bitfpga.errors import PruneError
from bitfpga.prune.lengths import LengthActivations, LengthWeights


def test_the_gradient_of_a_length_is_the_finite_difference_through_a_network():
    model = prune.prepare(mlp(), "bitlength", scale="float", act_bits=None).double().train()
    x, _ = data((7,))
    length = dict(model.named_modules())["2.quantiser.bitlength"].length
    length.data.fill_(3.5)

    def loss():
        return model(x.double()).sin().sum() + prune.penalty(model)

    loss().backward()
    values = []
    for here in (3.5 - 1e-5, 3.5 + 1e-5):
        length.data.fill_(here)
        values.append(float(loss().detach()))
    # Smooth, not linear: the error of the difference goes with the square of its width.
    assert float(length.grad) == pytest.approx((values[1] - values[0]) / 2e-5, rel=1e-6)


@pytest.mark.parametrize(("found", "kept"), [(-3.0, 2.0), (11.0, 6.0), (4.5, 4.5)])
def test_lengths_are_clipped_to_their_bounds(found, kept):
    method = prune.BitLength(smallest=2, largest=6)
    model = prune.prepare(mlp(), method)
    for name, length in model.named_parameters():
        if name.endswith(".length"):
            length.data.fill_(found)
    lengths = prune.bit_lengths(model)
    assert set(lengths.values()) == {kept}
    n = len(lengths)
    assert float(prune.penalty(model).detach()) == pytest.approx(n * kept / (8 * n))
    x, y = data((7,))
    model.eval()(x)
    assert float(model.get_submodule("0.quantiser.bitlength").length.detach()) == found
    model.train()(x)
    for module in model.modules():
        if isinstance(module, LengthWeights | LengthActivations):
            assert float(module.bitlength.length.detach()) == kept
    # At a bound the task may still pull the length back.
    nn.functional.cross_entropy(model(x), y).backward()
    assert float(model.get_submodule("0.quantiser.bitlength").length.grad) != 0


def test_lengths_begin_at_the_bits_of_prepare_and_8_at_most():
    model = prune.prepare(mlp(), "bitlength", act_bits=12, layers={"2": 5})
    assert prune.bit_lengths(model) == {
        "0.weight": 8,
        "2.weight": 5,
        "4.weight": 8,
        "bitfpga_quantisers._1": 8,
        "bitfpga_quantisers._2": 8,
        "bitfpga_quantisers._3": 8,
    }
    names = [name for name, _ in model.named_parameters() if "exponent" in name]
    assert not [name for name in names if "input_1" not in name and "_4" not in name]


@pytest.mark.parametrize("weighting", ["equal", "footprint", "operations"])
def test_the_penalty_is_one_at_eight_bits(weighting):
    for net, shape in ((mlp(), (7,)), (conv_net(), (2, 9, 8))):
        model = prune.prepare(net, prune.BitLength(weighting=weighting)).train()
        model(data(shape)[0])
        assert float(prune.penalty(model).detach()) == pytest.approx(1, rel=1e-6)
        prune.finish(model)
        assert float(prune.penalty(model)) == pytest.approx(1, rel=1e-6)
        assert not prune.penalty(model).requires_grad


def conv_costs():
    """Sizes of ``conv_net`` on 2 x 9 x 8 samples, by hand, in the order of ``bit_lengths``."""
    # Conv 3x3: 7 x 6 outputs; pool: 3 x 3; conv 2x2 stride 2: 1 x 1; flat: 4.
    weights, macs = [5 * 2 * 9, 4 * 5 * 4, 3 * 4], [90 * 42, 80, 12]
    return {
        "equal": [1] * 5,
        "footprint": [*weights, 5 * 7 * 6, 4],
        "operations": [*macs, macs[1], macs[2]],
    }


@pytest.mark.parametrize("weighting", ["equal", "footprint", "operations"])
def test_the_penalty_weighs_lengths_as_computed_by_hand(weighting):
    model = prune.prepare(conv_net(), prune.BitLength(weighting=weighting)).train()
    model(data((2, 9, 8))[0])
    costs = conv_costs()[weighting]
    lengths = [2.5, 7.0, 3.25, 5.5, 4.0]
    names = list(prune.bit_lengths(model))
    assert names == [
        "0.weight",
        "4.weight",
        "7.weight",
        "bitfpga_quantisers._2",
        "bitfpga_quantisers._4",
    ]
    for name, length in zip(names, lengths, strict=True):
        path = name.replace(".weight", ".quantiser")
        model.get_submodule(path).bitlength.length.data.fill_(length)
    pull = prune.penalty(model)
    expected = sum(c * n for c, n in zip(costs, lengths, strict=True)) / (8 * sum(costs))
    assert float(pull.detach()) == pytest.approx(expected, rel=1e-6)
    pull.backward()
    for name, cost in zip(names, costs, strict=True):
        path = name.replace(".weight", ".quantiser")
        grad = float(model.get_submodule(path).bitlength.length.grad)
        assert grad == pytest.approx(cost / (8 * sum(costs)), rel=1e-6)


@pytest.mark.parametrize("weighting", ["footprint", "operations"])
def test_the_penalty_needs_a_forward_where_it_needs_sizes(weighting):
    model = prune.prepare(mlp(), prune.BitLength(weighting=weighting))
    with pytest.raises(PruneError, match=r"bitfpga_quantisers\._1.* run a forward"):
        prune.penalty(model)
    model = prune.prepare(mlp(), prune.BitLength(weighting=weighting), act_bits=None)
    if weighting == "footprint":
        assert float(prune.penalty(model).detach()) == pytest.approx(1)
    else:
        with pytest.raises(PruneError, match=r"0\.weight, 2\.weight"):
            prune.penalty(model)


def test_what_no_layer_reads_costs_no_operations():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.second = nn.Linear(7, 5), nn.Linear(5, 3)

        def forward(self, x):
            y = torch.sigmoid(torch.tanh(self.first(x)))
            return self.second(y)

    model = prune.prepare(Net(), prune.BitLength(weighting="operations")).train()
    model(data((7,))[0])
    prune.penalty(model).backward()
    grads = {
        name.split(".")[1]: float(parameter.grad)
        for name, parameter in model.named_parameters()
        if name.startswith("bitfpga_quantisers") and name.endswith("length")
    }
    assert grads == {"first": 0, "tanh": 0, "sigmoid": pytest.approx(15 / (8 * (35 + 15 + 15)))}


def test_weights_without_a_range_are_refused():
    model = prune.prepare(mlp(), "bitlength")
    x, _ = data((7,))
    layer = prune.pruned_layers(model)[1]
    layer.weight.data.fill_(0.25)
    model(x)
    for value, shown in ((0.0, "0 to 0"), (math.nan, "nan")):
        layer.weight.data.fill_(value)
        with pytest.raises(PruneError, match=f"layer '2'.*{shown}.*nothing to quantise"):
            model(x)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"weighting": "macs"}, "'macs': one of equal, footprint, operations"),
        ({"rounds_from": 1.5}, "rounds_from=1.5"),
        ({"rounds_from": math.nan}, "rounds_from=nan"),
        ({"rounds_from": -0.1}, "rounds_from=-0.1"),
        ({"smallest": 0}, "smallest=0"),
        ({"smallest": 5, "largest": 4}, "smallest=5, largest=4"),
        ({"largest": 9}, "largest=9"),
        ({"largest": 1}, "largest=1"),
        ({"smallest": 2.0}, "smallest=2.0"),
        ({"largest": True}, "largest=True"),
        ({"weighting": "", "largest": 0, "rounds_from": 2}, "weighting=.*rounds_from=.*largest=0"),
    ],
)
def test_bad_options_are_refused(options, message):
    with pytest.raises(PruneError, match=f"bitlength: .*{message}"):
        prune.prepare(mlp(), prune.BitLength(**options))


def test_lengths_that_cannot_begin_above_their_bound_are_refused():
    with pytest.raises(PruneError, match=r"layer '0': weight_bits=3, .*smallest=4"):
        prune.prepare(mlp(), prune.BitLength(smallest=4), weight_bits=3)
    with pytest.raises(PruneError, match=r"act_bits=2, .*smallest=4"):
        prune.prepare(mlp(), prune.BitLength(smallest=4), act_bits=2)
    model = prune.prepare(mlp(), prune.BitLength(smallest=4), weight_bits=4, act_bits=4)
    model(data((7,))[0])
    assert set(prune.bit_lengths(prune.finish(model)).values()) == {4}


@pytest.mark.parametrize("options", [{"weighting": "footprint"}, {"rounds_from": 0.2}])
def test_layers_must_agree_on_what_is_decided_for_the_network(options):
    model = prune.prepare(mlp(), "bitlength", layers={"2": prune.BitLength(**options)})
    for call in (lambda: prune.penalty(model), lambda: prune.advance(model, 0.5)):
        with pytest.raises(PruneError, match="layers differ in weighting and rounds_from"):
            call()
    model = prune.prepare(mlp(), "bitlength", layers={"2": prune.BitLength(largest=3)})
    assert prune.bit_lengths(model)["2.weight"] == 3
    prune.penalty(model)
