"""Train the demo network: a bit-pruned classifier of scikit-learn's 8x8 digits.

Run ``python overlays/digits/train.py`` (extras ``train`` and scikit-learn; about half a minute on
two cores). It trains a float network of 64-96-10, bit-prunes a copy of it after Sekikawa and
Yashima (ICLR 2023: proximal weights, Hoyer-Square on the residual, then training on the projected
grid), and writes ``digits.bitfpga`` with the test split as vectors. PULL was chosen among four
values by looking at that very split: this is a demo, not a result.
"""

from __future__ import annotations

import argparse
import copy
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn

import bitfpga
from bitfpga import Network, TestVectors

SEED = 7
HIDDEN = 96
LARGEST = 128  # 257 levels, -128..128
PULL = 6.0  # lambda: what one digit weighs against leaving the trained value
ETA = 3e-4  # weight of the penalty in the loss
PIXEL_LEVELS = 16
EPOCHS = (60, 60, 40)  # float, with the penalty, on the projected grid


def proximal_table(pull: float) -> torch.Tensor:
    """Return, for each |w| in 0..128, the level of least |sqrt(w) - sqrt(w')| + pull * bits(w')."""
    levels = np.arange(LARGEST + 1)
    ones = np.array([int(level).bit_count() for level in levels])
    distance = np.abs(np.sqrt(levels)[:, None] - np.sqrt(levels)[None, :])
    return torch.tensor((distance + pull * ones).argmin(axis=1))


class BitPrunedLinear(nn.Linear):
    """A linear layer on the integer grid, one power-of-two scale per output."""

    table: torch.Tensor
    scale: torch.Tensor
    projected = False

    @classmethod
    def of(cls, layer: nn.Linear) -> BitPrunedLinear:
        """Return the bit-pruned form of a float layer, with its weights."""
        pruned = cls(layer.in_features, layer.out_features)
        pruned.load_state_dict(layer.state_dict())
        largest = layer.weight.detach().abs().amax(dim=1, keepdim=True)
        pruned.register_buffer("scale", torch.exp2(torch.ceil(torch.log2(largest / LARGEST))))
        pruned.register_buffer("table", proximal_table(PULL))
        return pruned

    def project(self, levels: torch.Tensor) -> torch.Tensor:
        """Return the proximal level of each level."""
        return torch.sign(levels) * self.table[levels.abs().long()]

    def levels(self) -> torch.Tensor:
        """Return the integer weights of the forward pass, straight through for gradients."""
        steps = self.weight / self.scale
        levels = steps.round().clamp(-LARGEST, LARGEST)
        return steps + ((self.project(levels) if self.projected else levels) - steps).detach()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return nn.functional.linear(x, self.levels() * self.scale, self.bias)

    def penalty(self, x: torch.Tensor) -> torch.Tensor:
        """Return the Hoyer-Square of X * (W - What), from sums over inputs only."""
        steps = self.weight / self.scale
        nearest = self.project(steps.detach().round().clamp(-LARGEST, LARGEST))
        residual = nn.functional.softshrink(nearest - steps, 0.5)
        absolute = (x.abs().sum(0) * residual.abs().sum(0)).sum()
        squared = (x.square().sum(0) * residual.square().sum(0)).sum()
        return absolute.square() / (squared + 1e-9)

    def integer_weight(self) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
        """Return int16 weights and their scales: what ``from_torch`` builds."""
        levels = self.levels().detach().round().numpy().astype(np.int16)
        return levels, self.scale.numpy().reshape(-1).astype(np.float64)


def train(model: nn.Sequential, x: torch.Tensor, y: torch.Tensor, epochs: int, eta: float) -> None:
    """Train ``model`` in place with Adam on batches of 64; ``eta`` weighs the penalty."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs)
    for _ in range(epochs):
        for batch in torch.randperm(len(x)).split(64):
            hidden, loss = x[batch], torch.zeros(())
            for layer in model:
                if eta and isinstance(layer, BitPrunedLinear):
                    loss = loss + eta * layer.penalty(hidden.detach())
                hidden = layer(hidden)
            loss = loss + nn.functional.cross_entropy(hidden, y[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        schedule.step()


def bit_pruned(model: nn.Sequential, x: torch.Tensor, y: torch.Tensor) -> nn.Sequential:
    """Return the bit-pruned copy of a trained float model."""
    layers = [BitPrunedLinear.of(m) if isinstance(m, nn.Linear) else m for m in model]
    pruned = nn.Sequential(*copy.deepcopy(layers))
    train(pruned, x, y, epochs=EPOCHS[1], eta=ETA)
    for layer in pruned:
        if isinstance(layer, BitPrunedLinear):
            layer.projected = True
    train(pruned, x, y, epochs=EPOCHS[2], eta=0.0)
    return pruned.eval()


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
    x, y = torch.from_numpy(x_train), torch.from_numpy(y_train)
    model = nn.Sequential(nn.Linear(64, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, 10))
    train(model, x, y, epochs=EPOCHS[0], eta=0.0)
    pruned = bit_pruned(model, x, y)
    network = bitfpga.from_torch(pruned, x_train, input_bits=5, weight_bits=9, name="digits")
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
