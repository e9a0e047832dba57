"""The benchmarks' convolutional networks: their geometry, their digits, and a small training."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import bitfpga
from bitfpga import Network, reference
from bitfpga.digits import NumberSystem, to_digits
from bitfpga.ir import Conv, Dense

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
# Multiply-accumulates of one sample, and weights.
GEOMETRY = {
    "digits_cnn": (23_680, 1_864),
    "mnist_cnn": (293_576, 29_936),
    "lenet": (416_520, 61_470),
    "ds_cnn": (2_656_768, 22_016),
    "autoencoder": (264_192, 264_192),
    "resnet8": (12_501_632, 77_360),
    "resnet18": (555_422_720, 11_164_352),
}


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return a function that imports a benchmark by name."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module


def weighted(network: Network) -> list[Dense | Conv]:
    return [layer for layer in network.layers if isinstance(layer, Dense | Conv)]


@pytest.mark.parametrize("name", GEOMETRY)
@pytest.mark.parametrize("digits", [0.8, 1.3])
def test_random_networks_have_the_geometry_and_digits_asked_for(
    load: Any, name: str, digits: float
) -> None:
    nets = load("cnn_nets")
    assert set(nets.NETS) == set(GEOMETRY)
    network = nets.random_network(name, digits, seed=1)
    macs = sum(layer.weight[0].size * layer.output.size for layer in weighted(network))
    assert (macs, sum(layer.weight.size for layer in weighted(network))) == GEOMETRY[name]
    for layer in weighted(network):
        found = to_digits(layer.weight, NumberSystem.CSD)
        assert found.count == round(digits * layer.weight.size)
        assert found.planes.stop <= 7
        factors = layer.requantise.multiplier
        assert (np.bitwise_count(factors) == 1).all()


@pytest.mark.parametrize("name", [name for name in GEOMETRY if name != "resnet18"])
def test_activations_of_random_networks_use_their_range(load: Any, name: str) -> None:
    network = load("cnn_nets").random_network(name, 1.0, seed=2)
    shape, ends = (2, *network.input.shape), (network.input.low, network.input.high)
    x = np.random.default_rng(3).integers(*ends, size=shape, endpoint=True)
    for tensor, values in reference.run_all(network, x).items():
        clamped = np.mean(values == network.types[tensor].high)
        assert values.std() > 4, tensor
        assert clamped < 0.3, tensor


@pytest.mark.parametrize("digits", [0.0, 4.0])
def test_no_digits_and_all_of_them(load: Any, digits: float) -> None:
    network = load("cnn_nets").random_network("digits_cnn", digits)
    sizes = {0.0: 0, 4.0: 85}
    assert all(np.abs(layer.weight).max() == sizes[digits] for layer in weighted(network))


def test_a_seed_makes_one_network(load: Any) -> None:
    make = load("cnn_nets").random_network
    one, same, other = (make("digits_cnn", 1.0, seed) for seed in (5, 5, 6))
    x = np.arange(64).reshape(1, 1, 8, 8)
    assert np.array_equal(bitfpga.run(one, x), bitfpga.run(same, x))
    assert not np.array_equal(bitfpga.run(one, x), bitfpga.run(other, x))


def test_what_has_no_integer_form_here_is_refused(load: Any) -> None:
    make = load("cnn_random").integer_network
    kind = bitfpga.TensorType((4,), 8, True)
    with pytest.raises(bitfpga.BitfpgaError, match="Sigmoid"):
        make("net", torch.nn.Sequential(torch.nn.Linear(4, 4), torch.nn.Sigmoid()), kind, 1.0, 0)
    with pytest.raises(bitfpga.BitfpgaError, match="0 to 4"):
        make("net", torch.nn.Linear(4, 4), kind, 5.0, 0)


def test_images_are_flipped_and_moved_whole(load: Any) -> None:
    """Each image comes out as one of its 2 x 81 variants, with 0 where nothing was."""
    augment = load("cnn_tasks").flip_and_crop
    torch.manual_seed(4)
    image = torch.arange(1.0, 1 + 2 * 6 * 5).reshape(2, 6, 5)
    padded = [torch.nn.functional.pad(turned, (4,) * 4) for turned in (image, image.flip(2))]
    moved = [p[:, i : i + 6, j : j + 5] for p in padded for i in range(9) for j in range(9)]
    variants = [tuple(variant.flatten().tolist()) for variant in moved]
    found = {tuple(each.flatten().tolist()) for each in augment(image.repeat(1500, 1, 1, 1))}
    assert found == set(variants)
    assert len(found) == 162


def test_training_saves_what_it_reports(
    load: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A few steps on the 8x8 digits: file, table and results belong to one network."""
    pytest.importorskip("sklearn", reason="needs scikit-learn")
    monkeypatch.setattr(torch, "set_num_threads", lambda n: None)
    train, results = load("cnn_train"), tmp_path / "results.json"
    options = ["--samples", "320", "--epochs", "6", "2", "--json", str(results)]
    train.main(["digits", "pruned", "--output", str(tmp_path), *options])
    train.main(["digits", "pruned", "--output", str(tmp_path / "net.bitfpga"), *options])
    first, second = json.loads(results.read_text())
    assert [first.pop("file"), second.pop("file")] == ["digits_pruned.bitfpga", "net.bitfpga"]
    assert {k: v for k, v in first.items() if k != "seconds"} == {
        k: v for k, v in second.items() if k != "seconds"
    }
    network = Network.load(tmp_path / "net.bitfpga")
    x, y = (part[:320] for part in load("cnn_tasks").CNN_TASKS["digits"].make(0).test)
    right = bitfpga.run(network, network.quantise(x.numpy())).argmax(1) == y.numpy()
    assert first["integer_accuracy"] == right.mean() > 0.2
    assert first["equal_outputs"] == 1
    assert network.vectors is not None
    assert np.array_equal(network.vectors.labels, y[:32].numpy())
    digits = sum(to_digits(x.weight, NumberSystem.CSD).count for x in weighted(network))
    assert first["digits_per_weight"] == digits / first["weights"]


def test_two_settings_do_not_fit_one_file(load: Any, capsys: pytest.CaptureFixture[str]) -> None:
    train = load("cnn_train")
    with pytest.raises(SystemExit):
        train.main(["digits", "--output", "net.bitfpga"])
    assert "one file holds one network" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        train.main(["digits", "sprase"])
    assert "no setting sprase" in capsys.readouterr().err
