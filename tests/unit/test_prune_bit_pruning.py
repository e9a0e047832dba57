"""bit_pruning: the proximal weight, exactly; the softshrink; stages; options."""

import math

import numpy as np
import pytest
import torch
from prune_models import assert_exact, batch, mlp, train
from torch import nn

from bitfpga import prune
from bitfpga.digits import NumberSystem, to_digits
from bitfpga.errors import PruneError
from bitfpga.prune.bit_pruning import BitPruning, ProximalQuantiser, WeightPruning, proximal_table

torch.set_num_threads(1)
GOLDEN = {
    0: (0, 1), 2: (2, 2), 4: (3, 5), 8: (6, 11), 16: (12, 23), 32: (24, 46), 48: (47, 48),
    64: (49, 88), 96: (89, 101), 128: (102, 128),
}  # fmt: skip
SETS = {
    0.5: {0, 1, 2, 4, 8, 12, 16, 24, 32, 40, 48, 64, 80, 96, 128},
    1.001: set(GOLDEN),
    2.0: {0, 8, 16, 32, 64, 128},
    4.0: {0, 32, 64, 128},
}


def quantiser(pull=1.001, bits=8):
    weight = torch.zeros(1, 3)
    weight[0, 0] = 1.0
    return ProximalQuantiser(weight, bits, "pow2", BitPruning(pull=pull).table(bits))


def test_the_golden_table_with_every_switch_point():
    table = proximal_table(7, 1.001)
    assert table.dtype == np.int64
    expected = [next(to for to, (a, b) in GOLDEN.items() if a <= w <= b) for w in range(129)]
    assert table.tolist() == expected


@pytest.mark.parametrize("pull", SETS)
def test_fixed_points(pull):
    table = proximal_table(7, pull)
    assert set(table.tolist()) == SETS[pull]
    assert {w for w in range(129) if table[w] == w} == SETS[pull]


def test_a_small_pull_moves_little_and_none_moves_nothing():
    assert proximal_table(7, 0.0).tolist() == list(range(129))
    moved = np.abs(proximal_table(7, 0.01) - np.arange(129))
    assert moved.max() == 1
    assert 0 < (moved > 0).sum() < 20


def test_ties_of_lambda_one_go_to_the_smaller_on_both_sides():
    levels = torch.tensor([-1.0, 1.0])
    assert proximal_table(7, 1.0)[1] == 0
    assert quantiser(1.0).nearest(levels).tolist() == [0, 0]


def test_counting_signed_digits_instead_gives_the_same_set():
    levels = np.arange(129)
    digits = to_digits(levels.reshape(-1, 1).astype(np.int16), NumberSystem.CSD)
    counts = digits.counts.sum(axis=1)
    root = np.sqrt(levels)
    cost = np.abs(root[:, None] - root) + 1.001 * counts
    assert set(cost.argmin(axis=1).tolist()) == SETS[1.001]


@pytest.mark.parametrize("pull", [0.0, 0.01, 0.5, 1.0, 1.001, 2.0, 4.0])
@pytest.mark.parametrize("bits", [2, 5, 8])
def test_the_proximal_weight_is_odd_idempotent_and_has_no_more_ones(bits, pull):
    own, last = quantiser(pull, bits), 1 << (bits - 1)
    levels = torch.arange(-last, last + 1).float()
    found = own.nearest(levels)
    assert own.nearest(-levels).tolist() == (-found).tolist()
    assert own.nearest(found).tolist() == found.tolist()
    ones = [np.bitwise_count(v.abs().numpy().astype(np.int64)) for v in (found, levels)]
    assert (ones[0] <= ones[1]).all()


def test_the_power_is_that_of_the_distance():
    for p in (0.5, 1.0):
        cost = [[abs(w**p - v**p) + 1.3 * v.bit_count() for v in range(9)] for w in range(9)]
        assert proximal_table(3, 1.3, p).tolist() == [row.index(min(row)) for row in cost]


def one_layer(method, steps):
    """Return a prepared layer whose weights are ``steps`` in units of its scale, 1/128."""
    model = nn.Sequential(nn.Linear(len(steps), 1, bias=False))
    with torch.no_grad():
        model[0].weight.copy_(torch.tensor([steps]) / 128)
    prepared = prune.prepare(model, method, act_bits=None)
    return prepared, prune.pruned_layers(prepared)[0]


def test_the_residual_is_free_inside_the_rounding_bin():
    steps = [128.0, 1.0, -1.0, 3.25, 4.4, -4.4, 4.75, 47.6, 140.0, 0.3]
    _, layer = one_layer(BitPruning(), [*steps[:8], 0.3, 0.3])
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([steps]) / 128)
    residual = layer.quantiser.residual(layer)
    # What - w: 0, -1, 1, .75, -.4, .4, -.75 (5 -> 4), .4 (48), -12, -.3; 0.5 nearer to 0.
    expected = [0.0, -0.5, 0.5, 0.25, 0.0, 0.0, -0.25, 0.0, -11.5, 0.0]
    # 47.6/128 and the like are not float32 numbers.
    torch.testing.assert_close(residual[0], torch.tensor(expected), rtol=0, atol=1e-4)


def test_weight_pruning_pulls_whole_weights_to_zero():
    _, layer = one_layer(WeightPruning(), [128.0, 3.0, -0.25, -64.0])
    residual = layer.quantiser.residual(layer)
    assert residual[0].tolist() == [-127.5, -2.5, 0.0, 63.5]
    model, layer = one_layer(WeightPruning(weighs_inputs=False), [128.0, 3.0, -0.25, -64.0])
    total, squares = 127.5 + 2.5 + 63.5, 127.5**2 + 2.5**2 + 63.5**2
    assert float(prune.penalty(model).detach()) == pytest.approx(total**2 / squares / 4, rel=1e-6)
    prune.advance(model, 0.9)
    assert not layer.quantiser.projected
    assert prune.finish(model) is model
    assert layer.integer_weight()[0].tolist() == [[128, 3, 0, -64]]


def test_finish_projects_unless_told_not_to():
    steps = [128.0, 3.0, -5.0, 90.0, 1.0]
    for project, expected in ((True, [128, 4, -4, 96, 0]), (False, [128, 3, -5, 90, 1])):
        model, layer = one_layer(BitPruning(), steps)
        prune.finish(model, project=project)
        assert layer.integer_weight()[0].tolist() == [expected]
    with pytest.raises(PruneError, match="bit_pruning: finish has no option projct"):
        prune.finish(model, projct=False)


@pytest.mark.parametrize("method", [BitPruning(projects_from=0.5), WeightPruning(), "plain"])
def test_stages(method):
    model = prune.prepare(mlp(), method)
    layers = prune.pruned_layers(model)
    projects = type(method) is BitPruning
    for progress, held in ((0.0, False), (0.499, False), (0.5, projects), (1.0, projects)):
        prune.advance(model, progress)
        found = [bool(getattr(layer.quantiser, "projected", False)) for layer in layers]
        assert found == [held] * len(layers)
        assert layers[0].method.settled(layers) is (held or not projects)


def test_each_layer_has_its_own_options():
    own = BitPruning(pull=0.0, projects_from=0.0, weighs_inputs=False)
    model = prune.prepare(mlp(), "bit_pruning", layers={"4": own, "6": 5})
    layers = prune.pruned_layers(model)
    assert [layer.bits for layer in layers] == [8, 8, 5]
    assert layers[1].quantiser.table.tolist() == list(range(129))
    assert layers[0].quantiser.table.tolist() == proximal_table(7, 1.001).tolist()
    assert len(layers[2].quantiser.table) == 17
    prune.advance(model, 0.1)
    assert [bool(layer.quantiser.projected) for layer in layers] == [False, True, False]
    assert not layers[0].method.settled(layers)
    model.train()(batch((13,)))
    assert [layer.quantiser.sums is None for layer in layers] == [False, True, False]
    assert math.isfinite(float(prune.penalty(model).detach()))


def test_projected_weights_train_straight_through_and_stay_fixed_points():
    model = prune.prepare(mlp(), BitPruning(projects_from=0.0))
    x = batch((13,))
    before = [layer.weight.detach().clone() for layer in prune.pruned_layers(model)]
    train(model, x)
    for layer, old in zip(prune.pruned_layers(model), before, strict=True):
        assert set(np.abs(layer.integer_weight()[0].numpy()).ravel().tolist()) <= SETS[1.001]
        assert (layer.weight != old).all()
    assert_exact(prune.finish(model), x)


def test_the_penalty_wants_a_forward_in_training_mode_each_time():
    model = prune.prepare(mlp(), "bit_pruning")
    x = batch((13,))
    with pytest.raises(PruneError, match=r"layer '0' has seen no input.*model.train\(\)"):
        prune.penalty(model)
    model.eval()(x)
    with pytest.raises(PruneError, match="has seen no input"):
        prune.penalty(model)
    model.train()(x)
    assert 0 < float(prune.penalty(model).detach()) <= 1
    with pytest.raises(PruneError, match="has seen no input"):
        prune.penalty(model)


def test_the_penalty_brings_one_bits_down_and_eta_decides_how_far():
    x, found = batch((13,)), []
    for eta in (0.0, 300.0):
        model = prune.prepare(mlp(), BitPruning(projects_from=1))
        train(model, x, 25, lr=0.01, eta=eta)
        found.append(prune.summary(model).digits_per_weight(NumberSystem.BINARY))
    assert found[1] < found[0] - 0.2


@pytest.mark.parametrize("projects", [False, True])
def test_nan_weights_come_out_of_the_loss(projects):
    model = prune.prepare(mlp(), BitPruning(projects_from=0.0 if projects else 1.0))
    x = batch((13,))
    model.train()(x)
    prune.advance(model, 0.5)
    prune.pruned_layers(model)[2].weight.data.fill_(math.nan)
    assert torch.isnan(model(x)).all()
    assert projects or math.isnan(float(prune.penalty(model).detach()))


def test_layers_that_are_projected_add_no_penalty():
    """They compute with the proximal weight: nothing of the residual is left."""
    layers = {"0": BitPruning(projects_from=0.5)}
    model = prune.prepare(mlp(), BitPruning(projects_from=1.0), layers=layers).train()
    x, found = batch((13,)), []
    for progress in (0.4, 0.6):
        prune.advance(model, progress)
        model(x)
        found.append(float(prune.penalty(model).detach()))
    assert found[0] > found[1] > 0
    prune.finish(model)
    model(x)
    pulled = prune.penalty(model)
    assert float(pulled) == 0.0
    assert pulled.shape == ()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"pull": -1.0}, "pull=-1.0"),
        ({"pull": math.nan}, "pull=nan"),
        ({"pull": math.inf}, "pull=inf"),
        ({"power": 0.0}, "power=0.0"),
        ({"power": 1.5}, "power=1.5"),
        ({"projects_from": 1.01}, "projects_from=1.01"),
        ({"projects_from": -0.1, "power": -1}, "power=-1.*projects_from=-0.1"),
    ],
)
def test_wrong_options(options, message):
    with pytest.raises(PruneError, match=message):
        prune.prepare(mlp(), BitPruning(**options))
    with pytest.raises(PruneError, match=message):
        prune.prepare(mlp(), "bit_pruning", layers={"0": BitPruning(**options)})


@pytest.mark.parametrize("progress", [-0.1, 1.1, math.nan])
def test_progress_is_a_share(progress):
    with pytest.raises(PruneError, match="progress="):
        prune.advance(prune.prepare(mlp()), progress)
