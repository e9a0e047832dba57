"""Small models, data and quantisers that several tests of ``bitlength`` share."""

import torch
from torch import nn

from bitfpga import prune
from bitfpga.prune.lengths import LengthActivations, LengthWeights


def mlp():
    torch.manual_seed(3)
    return nn.Sequential(nn.Linear(7, 11), nn.ReLU(), nn.Linear(11, 6), nn.Tanh(), nn.Linear(6, 3))


def conv_net():
    torch.manual_seed(4)
    return nn.Sequential(
        nn.Conv2d(2, 5, 3, bias=False),
        nn.BatchNorm2d(5),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(5, 4, 2, stride=2),
        nn.BatchNorm2d(4),
        nn.Flatten(),
        nn.Linear(4, 3),
    )


def data(shape, seed=5, n=40):
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(n, *shape, generator=generator)
    return x, torch.randint(0, 3, (n,), generator=generator)


def train(model, x, y, n_steps, eta=0.3, lr=5e-3, optimizer=None):
    """Train in place and return the losses."""
    optimizer = optimizer or torch.optim.Adam(prune.parameter_groups(model, lr))
    model.train()
    losses = []
    for _ in range(n_steps):
        loss = nn.functional.cross_entropy(model(x), y) + eta * prune.penalty(model)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    return losses


def weights_at(length, scale="pow2", shape=(3, 5), seed=0, shift=0.1, like=torch.float64):
    """Return (quantiser, float weight) with the length set."""
    weight = torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=like) + shift
    quantiser = LengthWeights("fc", weight, scale, 1, 8)
    quantiser.bitlength.length.data.fill_(length)
    return quantiser, weight


def activations_at(length, scale="pow2", signed=False, peak=None, smallest=1):
    """Return a quantiser that has seen a batch whose largest magnitude is ``peak``."""
    quantiser = LengthActivations("relu", 8, scale, signed, smallest).double()
    if peak is not None:
        quantiser(torch.tensor([[0.3 * peak, peak]], dtype=torch.float64))
    quantiser.bitlength.length.data.fill_(length)
    return quantiser
