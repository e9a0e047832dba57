"""Small models, training steps and brute force for the tests of ``bitpruner``."""

import itertools

import numpy as np
import torch
from torch import nn

from bitfpga import prune

VALUES = np.arange(128)
ONES = np.array([bin(v).count("1") for v in VALUES])
SGD, ADAM = "sgd", "adam"


def mlp(seed=3, sizes=(13, 11, 9, 5)):
    torch.manual_seed(seed)
    pairs = itertools.pairwise(sizes)
    layers = [layer for n, m in pairs for layer in (nn.Linear(n, m), nn.ReLU())][:-1]
    with torch.no_grad():
        layers[0].weight[:, ::3] = 0.0  # pruned already
        layers[2].weight[4] = 0.0
    return nn.Sequential(*layers)


def data(n_inputs=13, n_classes=5, n=67):
    torch.manual_seed(17)
    return torch.rand(n, n_inputs), torch.randint(0, n_classes, (n,))


def optimiser(model, kind, lr=0.03):
    if kind == SGD:
        return torch.optim.SGD(model.parameters(), lr=10 * lr, momentum=0.9, weight_decay=1e-3)
    return torch.optim.AdamW(model.parameters(), lr=lr, weight_decay=1e-2)


def update(model, optimizer, x, y, eta=1.0):
    loss = nn.functional.cross_entropy(model(x).flatten(1), y) + eta * prune.penalty(model)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()


def train(model, optimizer, steps, x, y):
    for _ in range(steps):
        update(model, optimizer, x, y)
        prune.step(model, optimizer)


def levels(layer):
    return layer.integer_weight()[0].numpy()


def ones(layer):
    return ONES[np.abs(levels(layer))]


def prepared(method=None, model=None, **options):
    method = method or prune.BitPruner(**options)
    model = prune.prepare(model or mlp(), method=method)
    model(data()[0])
    return model


def nearest(value, most, last=127):
    """Return the nearest of at most ``most`` one-bits by trying all; the larger of two."""
    allowed = [int(v) for v in VALUES[: last + 1] if ONES[v] <= most]
    return min(allowed, key=lambda v: (abs(v - value), -v))


def cycles_by_output(values, group):
    rows = ONES[np.abs(values.reshape(len(values), -1))]
    parts = [rows[:, i : i + group].max(axis=1) for i in range(0, rows.shape[1], group)]
    return np.sum(parts, axis=0)
