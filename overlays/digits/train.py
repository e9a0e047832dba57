"""Train the demo network: a bit-pruned classifier of scikit-learn's 8x8 digits.

Run ``python overlays/digits/train.py`` (extras ``train`` and scikit-learn; about half a minute).
It trains a float network of 64-96-10, bit-prunes it with ``bitfpga.prune``, and writes
``digits.bitfpga`` with the test split as vectors. PULL, ETA, the learning rate and the epochs
were chosen among a dozen by looking at that very split: this is a demo, not a result.
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
HIDDEN = 96
PULL = 6.0  # lambda: what one digit weighs against leaving the trained value
ETA = 1.0  # weight of the penalty in the loss
PIXEL_LEVELS = 16
EPOCHS = (60, 100)  # of the float network, of the pruned one


def trained(x: torch.Tensor, y: torch.Tensor) -> nn.Sequential:
    """Return the float network, trained with AdamW on batches of 64."""
    model = nn.Sequential(nn.Linear(64, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, 10))
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, EPOCHS[0])
    for _ in range(EPOCHS[0]):
        for batch in torch.randperm(len(x)).split(64):
            loss = nn.functional.cross_entropy(model(x[batch]), y[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        schedule.step()
    return model.eval()


def make_network() -> Network:
    """Return the demo network with its test split (a fifth of the data, stratified)."""
    torch.manual_seed(SEED)
    torch.set_num_threads(1)
    pixels, labels = load_digits(return_X_y=True)
    x_train, x_test, y_train, y_test = train_test_split(
        (pixels / PIXEL_LEVELS).astype(np.float32),
        labels.astype(np.int64),
        test_size=0.2,
        random_state=SEED,
        stratify=labels,
    )
    model = trained(torch.from_numpy(x_train), torch.from_numpy(y_train))
    method = prune.BitPruning(pull=PULL, projects_from=0.5)
    pruned = prune.prepare(model, method, input_bits=5)
    data = (x_train, y_train)
    prune.fit(pruned, data, epochs=EPOCHS[1], eta=ETA, lr=4e-3, batch_size=64, seed=SEED)
    network = bitfpga.from_torch(prune.finish(pruned), x_train, name="digits")
    with torch.no_grad():
        float_outputs = model(torch.from_numpy(x_test)).numpy()
    vectors = TestVectors(network.quantise(x_test), y_test, float_outputs)
    return Network(network.name, network.input, network.layers, network.metadata, vectors)


def main() -> None:
    """Train and write ``digits.bitfpga`` (or the file named with ``-o``)."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    default = Path(__file__).parent / "digits.bitfpga"
    parser.add_argument("-o", "--output", type=Path, default=default)
    make_network().save(parser.parse_args().output)


if __name__ == "__main__":
    main()
