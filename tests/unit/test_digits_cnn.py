"""The shipped CNN of digits: right on the real test split, bit-pruned, trained the same twice."""

from __future__ import annotations

import importlib.util

import numpy as np
import pytest

import bitfpga
from bitfpga.demo import accuracy
from bitfpga.digits import NumberSystem, to_digits
from bitfpga.ir import Network
from bitfpga.paths import overlays_dir

FOLDER = overlays_dir() / "digits_cnn"


@pytest.fixture(scope="module")
def network() -> Network:
    return Network.load(FOLDER / "digits_cnn.bitfpga")


def test_it_classifies_the_real_test_split(network: Network) -> None:
    datasets = pytest.importorskip("sklearn.datasets", reason="needs scikit-learn")
    images = (datasets.load_digits().data / 16).reshape(-1, 1, 8, 8)
    known = {image.tobytes() for image in network.quantise(images)}
    vectors = network.vectors
    assert len(vectors.x) == 360
    assert all(image.tobytes() in known for image in vectors.x)
    right = accuracy(bitfpga.run(network, vectors.x), vectors.labels)
    assert f"{right:.1%}" == "98.9%"  # as its README says


def test_it_is_bit_pruned(network: Network) -> None:
    weights = np.concatenate(
        [layer.weight.reshape(-1) for layer in network.layers if hasattr(layer, "weight")]
    )
    assert weights.size == 1864
    assert f"{to_digits(weights, NumberSystem.CSD).count / weights.size:.2f}" == "0.57"


def test_training_gives_the_same_network_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    spec = importlib.util.spec_from_file_location("train_cnn", FOLDER / "train.py")
    trainer = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(trainer)
    monkeypatch.setattr(trainer, "EPOCHS", (1, 1))
    first, second = trainer.make_network(), trainer.make_network()
    assert bitfpga.ir.network_bytes(first) == bitfpga.ir.network_bytes(second)
    shipped = Network.load(FOLDER / "digits_cnn.bitfpga")
    assert [layer.kind for layer in first.layers] == [layer.kind for layer in shipped.layers]
