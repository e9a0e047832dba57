"""The shipped demo network, and the script that trains it."""

from __future__ import annotations

import importlib.util
from types import ModuleType

import numpy as np
import pytest

import bitfpga
from bitfpga.demo import accuracy, demo_network
from bitfpga.digits import NumberSystem, to_digits
from bitfpga.paths import overlays_dir


@pytest.fixture(scope="module")
def trainer() -> ModuleType:
    """Return ``overlays/digits/train.py`` as a module."""
    spec = importlib.util.spec_from_file_location("train", overlays_dir() / "digits" / "train.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_shipped_network_classifies_the_digits() -> None:
    network = demo_network()
    vectors = network.vectors
    assert vectors is not None
    assert vectors.labels is not None
    assert vectors.float_outputs is not None
    assert len(vectors.x) == 360
    integer = accuracy(bitfpga.run(network, vectors.x), vectors.labels)
    assert integer >= 0.98
    assert integer >= accuracy(vectors.float_outputs, vectors.labels) - 0.005


def test_shipped_vectors_are_the_real_test_split() -> None:
    datasets = pytest.importorskip("sklearn.datasets", reason="needs scikit-learn")
    pixels = datasets.load_digits().data / 16
    network = demo_network()
    assert network.vectors is not None
    known = {row.tobytes() for row in network.quantise(pixels)}
    assert all(row.tobytes() in known for row in network.vectors.x)


def test_shipped_network_is_bit_pruned() -> None:
    layers = demo_network().layers
    weights = np.concatenate([layer.weight.reshape(-1) for layer in layers])  # type: ignore[attr-defined]
    digits = to_digits(weights, NumberSystem.CSD)
    assert digits.count / weights.size < 0.6
    assert digits.counts.max() <= 2


def test_training_gives_the_same_network_twice(
    trainer: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trainer, "EPOCHS", (2, 2))
    first, second = trainer.make_network(), trainer.make_network()
    assert bitfpga.ir.network_bytes(first) == bitfpga.ir.network_bytes(second)
