"""Models, training steps and the exact comparison that the tests of ``prune.prepare`` share."""

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

import bitfpga
from bitfpga import prune, reference

N_SAMPLES = 200


class ConvNet(nn.Module):
    """Batch norms, groups, strides, functional calls, a pool of two by two."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 6, 3, padding=1, bias=False), nn.BatchNorm2d(6))
        self.deep = nn.Conv2d(6, 8, 3, stride=2, groups=2)
        self.norm = nn.BatchNorm2d(8)
        self.wide = nn.Conv2d(8, 8, 2, groups=8, dilation=1)
        self.head = nn.Linear(8, 5)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.stem(x)), 2)
        x = torch.relu(self.norm(self.deep(x)))
        x = F.relu6(self.wide(F.pad(x, (1, 0, 1, 0))))
        return self.head(F.avg_pool2d(x, 2).view(x.size(0), -1))


class ResNet(nn.Module):
    """A residual sum and a concat of two signs."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(2, 6, 3, padding=1)
        self.left = nn.Sequential(nn.Conv2d(6, 6, 3, padding=1, bias=False), nn.BatchNorm2d(6))
        self.down, self.up = nn.Conv2d(6, 3, 1), nn.Conv2d(6, 5, 1)
        self.relu, self.head = nn.ReLU(), nn.Linear(8 * 4, 3)

    def forward(self, x):
        x = self.relu(self.stem(x))
        x = self.relu(x + self.left(x))
        x = torch.cat([self.down(x), self.relu(self.up(x))], 1)
        return self.head(F.max_pool2d(x, 2).flatten(1))


def mlp():
    torch.manual_seed(3)
    return nn.Sequential(
        *(nn.Linear(13, 11), nn.BatchNorm1d(11), nn.ReLU(), nn.Dropout(0.1)),
        *(nn.Linear(11, 7, bias=False), nn.ReLU(), nn.Linear(7, 5)),
    )


def conv1d_net():
    torch.manual_seed(4)
    return nn.Sequential(
        *(nn.Conv1d(2, 5, 3, stride=2, padding=1), nn.BatchNorm1d(5), nn.ReLU()),
        *(nn.MaxPool1d(2), nn.Conv1d(5, 4, 2), nn.ReLU(), nn.Flatten(), nn.Linear(12, 3)),
    )


def rows_net():
    """Linear layers on samples of two axes."""
    torch.manual_seed(5)
    return nn.Sequential(nn.Linear(6, 7), nn.ReLU(), nn.Linear(7, 3))


def seeded(cls):
    torch.manual_seed(6)
    return cls()


MODELS = {
    "mlp": (mlp, (13,)),
    "conv": (lambda: seeded(ConvNet), (3, 10, 10)),
    "residual": (lambda: seeded(ResNet), (2, 4, 4)),
    "conv1d": (conv1d_net, (2, 15)),
    "rows": (rows_net, (4, 6)),
}


def batch(shape, n=33, seed=0, unsigned=False):
    """Return x, float32 [n, *shape]."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(n, *shape, generator=generator)
    return x.abs() if unsigned else x


def train(model, x, n_steps=3, lr=0.02, eta=1.0):
    """Train in place towards arbitrary labels; return the losses."""
    losses, optimizer = [], torch.optim.AdamW(prune.parameter_groups(model, lr), lr=lr)
    model.train()
    for index in range(n_steps):
        prune.advance(model, index / n_steps)
        y = model(x).flatten(1)
        labels = torch.arange(len(x)) % y.shape[1]
        loss = F.cross_entropy(y, labels) + eta * prune.penalty(model)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        prune.step(model, optimizer)
        losses.append(float(loss.detach()))
    return losses


def extremes(shape, size):
    """Return 200 samples, float32: all 0, all at either end, far beyond, odd halves, random."""
    x = batch(shape, N_SAMPLES, 9) * size / 2
    for i, value in enumerate((0.0, size, -size, 1e6, -1e6, 2.0**-9, -(2.0**-9))):
        x[i] = value
    x[7] = size * (-1.0) ** torch.arange(x[7].numel()).reshape(shape)
    return x


def assert_exact(model, x, **options):
    """Assert that the eval forward in float32 equals the integer network; return that."""
    model.eval()
    network = bitfpga.from_torch(model, x[-40:].numpy(), **options)
    samples = extremes(tuple(x.shape[1:]), float(x.abs().max()))
    got = network.dequantise(reference.run(network, network.quantise(samples.numpy())))
    with torch.no_grad():
        np.testing.assert_array_equal(got, model(samples).double().numpy())
    return network


def quantisers(model):
    """Return what each quantiser is called and whether it is signed, before any data."""
    return {
        name.removeprefix("bitfpga_quantisers."): module.signed
        for name, module in model.named_modules()
        if isinstance(module, prune.ActivationQuantiser)
    }
