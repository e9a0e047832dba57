"""Train a small bit-pruned CNN of scikit-learn's 8x8 digits.

Run ``python overlays/digits_cnn/train.py`` (extras ``train`` and scikit-learn; about a minute). It
trains two convolutions with pooling and a dense layer, bit-prunes them with ``bitfpga.prune``, and
writes ``digits_cnn.bitfpga`` with the test split as vectors. A demo, not a result: PULL and the
epochs were taken over from ``overlays/digits``.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn

import bitfpga
from bitfpga import Network, TestVectors, prune

SEED = 7
CHANNELS = (8, 16)
PULL = 4.0  # lambda: what one digit weighs against leaving the trained value
PIXEL_LEVELS = 16
EPOCHS = (30, 40)  # of the float network, of the pruned one


def make_model() -> nn.Sequential:
    """Return the float network, [n, 1, 8, 8] to [n, 10]."""
    first, second = CHANNELS
    return nn.Sequential(
        *(nn.Conv2d(1, first, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(first, second, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Flatten(), nn.Linear(4 * second, 10)),
    )


def train(model: nn.Sequential, x: torch.Tensor, y: torch.Tensor) -> None:
    """Train the float network with AdamW on batches of 64."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=4e-3, weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, EPOCHS[0])
    for _ in range(EPOCHS[0]):
        for batch in torch.randperm(len(x)).split(64):
            loss = nn.functional.cross_entropy(model(x[batch]), y[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        schedule.step()
    model.eval()


def make_network() -> Network:
    """Return the network with its test split (a fifth of the data, stratified)."""
    torch.manual_seed(SEED)
    torch.set_num_threads(1)
    pixels, labels = load_digits(return_X_y=True)
    images = (pixels / PIXEL_LEVELS).astype(np.float32).reshape(-1, 1, 8, 8)
    x_train, x_test, y_train, y_test = train_test_split(
        images, labels.astype(np.int64), test_size=0.2, random_state=SEED, stratify=labels
    )
    x_train, y_train = torch.from_numpy(x_train), torch.from_numpy(y_train)
    model = make_model()
    train(model, x_train, y_train)
    method = prune.BitPruning(pull=PULL, projects_from=0.5)
    pruned = prune.prepare(model, method, input_bits=5)
    data = (x_train, y_train)
    prune.fit(pruned, data, epochs=EPOCHS[1], eta=1.0, lr=4e-3, batch_size=64, seed=SEED)
    network = bitfpga.from_torch(prune.finish(pruned), x_train, name="digits_cnn")
    with torch.no_grad():
        float_outputs = model(torch.from_numpy(x_test)).numpy()
    vectors = TestVectors(network.quantise(x_test), y_test, float_outputs)
    return Network(network.name, network.input, network.layers, network.metadata, vectors)


def main() -> None:
    """Train and write ``digits_cnn.bitfpga`` (or the file named with ``-o``)."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    default = Path(__file__).parent / "digits_cnn.bitfpga"
    parser.add_argument("-o", "--output", type=Path, default=default)
    make_network().save(parser.parse_args().output)


if __name__ == "__main__":
    main()
