"""What a prepared model costs: counted by hand, as JSON, as a table."""

import json

import pytest
import torch
from prune_models import ConvNet, batch, rows_net, seeded
from torch import nn

from bitfpga import prune
from bitfpga.digits import NumberSystem
from bitfpga.errors import PruneError

torch.set_num_threads(1)
LEVELS = [[128.0, 3.0, 0.0], [-7.0, 0.0, -128.0]]  # one-bits 1, 2, 0; 3, 0, 1. CSD 1, 2, 0; 2, 0, 1


def counted():
    model = nn.Sequential(nn.Linear(3, 2, bias=False))
    with torch.no_grad():
        model[0].weight.copy_(torch.tensor(LEVELS) / 64)
    model = prune.prepare(model, "plain", act_bits=4, input_bits=6)
    model(batch((5, 3)))
    return model


def test_counts_by_hand():
    summary = prune.summary(counted())
    (layer,) = summary.layers
    assert (summary.method, summary.n_weights, summary.density) == ("plain", 6, 4 / 6)
    assert (layer.shape, layer.act_bits, layer.weights.tolist()) == ((2, 3), 6, LEVELS)
    assert layer.levels.tolist() == [-128, -7, 0, 3, 128]
    assert layer.counts.tolist() == [1, 1, 2, 1, 1]
    work = layer.work
    assert (work.name, work.n_nonzero, work.n_positions, work.macs) == ("0", 4, 5, 30)
    assert (work.weight_bits, work.n_outputs) == (8, 2)
    assert (summary.digits(), summary.digits(NumberSystem.BINARY)) == (6, 7)
    assert summary.digits_per_weight() == 1.0
    assert summary.digits_per_weight("binary") == 7 / 6


def test_convolutions_count_positions_and_each_layer_its_input():
    model = prune.prepare(seeded(ConvNet), "plain", act_bits=5, layers={"head": 4})
    model(batch((3, 10, 10)))
    summary = prune.summary(model)
    assert [layer.work.name for layer in summary.layers] == ["stem.0", "deep", "wide", "head"]
    assert [layer.work.macs for layer in summary.layers] == [162 * 100, 216 * 4, 32 * 4, 40]
    assert [layer.act_bits for layer in summary.layers] == [8, 5, 5, 5]
    assert [layer.work.weight_bits for layer in summary.layers] == [8, 8, 8, 4]
    assert summary.n_weights == 162 + 216 + 32 + 40


def test_energies():
    summary = prune.summary(counted())
    # asic45, 6-bit activations cost as 8: 0.2 + 0.03 for each of 4 weights at 5 positions.
    assert summary.energy().mult_pj == pytest.approx(4 * 5 * 0.23, rel=1e-12)
    assert summary.energy("zc706").mult_pj == pytest.approx(4 * 5 * 0.3, rel=1e-12)
    assert summary.energy().add_csd_pj < summary.energy().add_binary_pj
    with pytest.raises(PruneError, match="'asic' is unknown; use one of asic45, zc706, paper_plot"):
        summary.energy("asic")
    model = prune.prepare(rows_net(), act_bits=None)
    model(batch((4, 6)))
    # Real activations cost as 32 bits do.
    found = prune.summary(model)
    assert [layer.act_bits for layer in found.layers] == [None, None]
    n_nonzero = sum(layer.work.n_nonzero for layer in found.layers) * 4
    assert found.energy().mult_pj == pytest.approx(n_nonzero * 3.2, rel=1e-12)


def test_json():
    summary = prune.summary(counted())
    document = json.loads(json.dumps(summary.to_dict()))
    assert document["method"] == "plain"
    assert (document["density"], document["bits_per_weight"]) == (4 / 6, 7 / 6)
    assert document["csd_digits_per_weight"] == 1.0
    (layer,) = document["layers"]
    assert layer["histogram"] == {"levels": [-128, -7, 0, 3, 128], "counts": [1, 1, 2, 1, 1]}
    assert (layer["shape"], layer["act_bits"], layer["one_bits"]) == ([2, 3], 6, 7)
    assert {row["model"] for row in document["energy_pj"]} == {"asic45", "zc706", "paper_plot"}


def test_the_table():
    lines = str(prune.summary(counted())).splitlines()
    assert lines[0] == "plain: weights and work for one sample"
    assert lines[1].split() == [
        "layer", "weights", "bits", "density", "ones/weight", "CSD/weight", "MACs",
    ]  # fmt: skip
    assert lines[2].split() == ["0", "6", "8", "0.667", "1.167", "1.000", "30"]
    assert lines[3].split() == ["total", "6", "0.667", "1.167", "1.000", "30"]
    assert len({len(line) for line in lines[1:4]}) == 1
    assert "not measured" in lines[5]
    assert lines[7].split()[:2] == ["asic45", "0.005"]
    assert len(lines) == 10


def test_a_forward_is_needed_first():
    with pytest.raises(PruneError, match=r"layer '0' has not run yet.*run the model on a sample"):
        prune.summary(prune.prepare(rows_net()))
