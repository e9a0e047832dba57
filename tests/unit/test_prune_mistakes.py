"""Plausible mistakes with a prepared model: a clear error, or no harm."""

import numpy as np
import pytest
import torch
from prune_models import assert_exact
from torch import nn

import bitfpga
from bitfpga import prune
from bitfpga.errors import ModelError, PruneError
from bitfpga.prune.methods import METHODS


def net():
    torch.manual_seed(5)
    return nn.Sequential(nn.Linear(6, 9), nn.ReLU(), nn.Linear(9, 3))


def samples(n=40, seed=0):
    return torch.rand(n, 6, generator=torch.Generator().manual_seed(seed))


def test_a_network_learns_far_beyond_its_first_outputs():
    """From scratch: the output's grid follows, so that its gradients are not cut off."""
    torch.manual_seed(2)
    x = samples(256)
    y = 6 * x[:, :1] - 4 * x[:, 1:2]
    model = prune.prepare(nn.Sequential(nn.Linear(6, 32), nn.ReLU(), nn.Linear(32, 1)), "plain")
    model.train()
    with torch.no_grad():
        assert model(x).abs().max() < 0.7
    mse = nn.functional.mse_loss
    prune.fit(model, (x, y), epochs=60, lr=2e-2, batch_size=32, loss=mse, progress=False)
    with torch.no_grad():
        assert model(x).abs().max() > 3.5
        assert mse(model(x), y) < 0.1 * y.var()
    prune.finish(model)
    assert_exact(model, x)


def test_the_grids_of_input_and_output_only_widen_and_only_in_training():
    model = prune.prepare(net(), "plain").train()
    x = samples()
    model(x)
    first, last = model.bitfpga_quantisers.input_1, model.bitfpga_quantisers._2
    before = float(first.step().detach())
    model(x * 0.1)
    assert float(first.step().detach()) == before
    model(x * 8)
    assert float(first.step().detach()) == 8 * before
    output = float(last.step().detach())
    model(torch.full_like(x, torch.inf))
    assert float(first.step().detach()) == 8 * before
    model.eval()
    model(x * 1000)
    assert (float(first.step().detach()), float(last.step().detach())) == (8 * before, output)


def test_a_first_look_in_eval_mode_binds_nothing():
    """``summary`` needs a forward; its sign and size must not stay when training begins."""
    model = prune.prepare(net(), "plain").eval()
    model(torch.randn(4, 6, generator=torch.Generator().manual_seed(1)) * 50)
    other = prune.prepare(net(), "plain").train()
    model.train()
    torch.testing.assert_close(model(samples()), other(samples()), rtol=0, atol=0)
    assert model.bitfpga_quantisers.input_1.signed is False
    state = other.state_dict()
    for key, value in model.state_dict().items():
        assert torch.equal(value, state[key]), key


def test_a_first_look_is_forgotten_before_the_first_checkpoint(tmp_path):
    """Else a run cut off in its first epoch would go on with other scales."""
    runs = []
    for looks in (False, True):
        model = prune.prepare(net(), "plain")
        if looks:
            model.eval()(samples(3, seed=9) * 7)
        path = tmp_path / f"{looks}.safetensors"
        y = torch.arange(40) % 3
        prune.fit(model, (samples(), y), epochs=2, checkpoint=path, progress=False)
        runs.append(model.state_dict())
    assert all(torch.equal(value, runs[1][key]) for key, value in runs[0].items())


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int64, torch.bool])
def test_integers_are_refused_before_they_set_a_grid(dtype):
    model = prune.prepare(net())
    with pytest.raises(PruneError, match=rf"got {dtype}, but real values are needed"):
        model(torch.ones(2, 6).to(dtype))
    assert not model.bitfpga_quantisers.input_1.is_set


@pytest.mark.parametrize("method", list(METHODS))
def test_an_optimiser_of_another_model_is_refused(method):
    model = prune.prepare(net(), method).train()
    model(samples())
    stale = torch.optim.Adam(net().parameters())
    with pytest.raises(PruneError, match="does not train the weights of 0, 2: make it after"):
        prune.step(model, stale)
    with pytest.raises(PruneError, match="optimizer is a NoneType"):
        prune.step(model, None)
    prune.step(model, torch.optim.Adam(model.parameters()))


def test_steps_without_a_penalty_leave_nothing_behind():
    """As in a warm-up with eta 0: the next penalty is that of the next inputs alone."""
    found = []
    for n_steps in (0, 5):
        model = prune.prepare(net(), "bit_pruning").train()
        optimizer = torch.optim.SGD(model.parameters(), lr=0.0)
        model(samples())
        for seed in range(n_steps):
            model(samples(seed=seed))
            prune.step(model, optimizer)
        prune.step(model, optimizer)
        model(samples(7, seed=77))
        found.append(prune.penalty(model))
    assert torch.equal(*found)


@pytest.mark.parametrize("method", list(METHODS))
def test_finish_checks_before_it_changes(method):
    model = nn.Sequential(nn.Linear(6, 4), nn.BatchNorm1d(4), nn.ReLU(), nn.Linear(4, 3))
    model = prune.prepare(model, method).train()
    model(samples())
    before = {key: value.clone() for key, value in model.state_dict().items()}
    with pytest.raises(PruneError, match=f"{method}: finish has no option another"):
        prune.finish(model, another=1)
    after = model.state_dict()
    assert before.keys() == after.keys()
    assert all(torch.equal(value, after[key]) for key, value in before.items())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (lambda: prune.BitPruning(pull="4"), "pull='4'"),
        (lambda: prune.BitPruning(pull=True), "pull=True"),
        (lambda: prune.BitPruning(power=None), "power=None"),
        (lambda: prune.BitPruning(power=0), "power=0"),
        (lambda: prune.BitPruning(projects_from="x"), "projects_from='x'"),
        (lambda: prune.BitLength(rounds_from="x"), "rounds_from='x'"),
        (lambda: prune.BitPruner(fraction="x"), "fraction='x'"),
    ],
)
def test_options_of_other_types_are_named(options, message):
    with pytest.raises(PruneError, match=message):
        prune.prepare(net(), options())


def test_other_things_than_prepared_models_and_shares_are_refused():
    for call in (prune.penalty, prune.finish, prune.summary):
        with pytest.raises(PruneError, match=r"a prepared torch\.nn\.Module is needed"):
            call(None)
    for progress in ("x", None, True, -0.1, float("nan")):
        with pytest.raises(PruneError, match="progress="):
            prune.advance(prune.prepare(net()), progress)
    with pytest.raises(PruneError, match="energy model"):
        prune.energy.energy_model(["asic45"])


def test_what_cannot_be_built_yet_says_why():
    """The reason comes from prune, not from the tracer around it."""
    with pytest.raises(ModelError, match=r"^quantiser 'input_1' has seen no data but zeros"):
        bitfpga.from_torch(prune.prepare(net()).eval(), samples().numpy())
    model = prune.prepare(net(), "bitlength").eval()
    model(samples())
    with pytest.raises(
        ModelError, match=r"its bit length is still learned.*prune\.finish\(model\)"
    ):
        bitfpga.from_torch(model, samples().numpy())


def test_another_config_than_the_prepared_one_is_refused():
    model = prune.prepare(net(), prune.Bbs("conservative")).train()
    model(samples())
    with pytest.raises(PruneError, match="layers 0, 2 were prepared with another config"):
        prune.bbs(model, "moderate")
    with pytest.raises(PruneError, match="no configuration 'nonsense'"):
        prune.bbs(model, "nonsense")
    same, default = prune.bbs(model, "conservative"), prune.bbs(model)
    for a, b in zip(prune.pruned_layers(same), prune.pruned_layers(default), strict=True):
        np.testing.assert_array_equal(a.integer_weight()[0], b.integer_weight()[0])
        assert a.bit_groups().n_sparse == 2


def test_learned_lengths_are_what_the_summary_counts():
    model = prune.prepare(net(), "bitlength").train()
    model(samples())
    assert [layer.work.weight_bits for layer in prune.summary(model.eval()).layers] == [8, 8]
    for layer in prune.pruned_layers(model):
        layer.quantiser.bitlength.length.data.fill_(2.5)
    for _ in range(2):
        assert [layer.work.weight_bits for layer in prune.summary(model).layers] == [3, 3]
        prune.finish(model)


def test_a_peak_between_two_powers_of_two_is_exact():
    """The nearest power of two of a step is decided in float64 on both sides."""
    model = prune.prepare(nn.Sequential(nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 2)), "bitlength")
    model.train()(samples())
    for module in model.modules():
        if hasattr(module, "peak"):
            module.peak.fill_(180.31222534179688 / 256)
    prune.finish(model).eval()
    assert_exact(model, samples(200))
