"""One network pruned by one method: what it keeps and what it costs."""

from __future__ import annotations

import copy
import time
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from prune_tasks import Augment, Task, accuracy
from torch import nn
from torch.nn.utils import prune as torch_prune

import bitfpga
from bitfpga import prune, reference
from bitfpga.ir import ROUNDED_AVERAGING, ZERO_POINT_SHIFTING
from bitfpga.prune import BbsConfig, BitLength, BitPruner, BitPruning, Method, WeightPruning
from bitfpga.prune.work import lockstep_cycles

GROUP = 32
FREE = "bit_pruning, not projected"
MAGNITUDE = "weight_pruning, by magnitude"
_EXACT_SAMPLES = 200


@dataclass(frozen=True)
class Setting:
    """A method with its options, its weight in the loss, and what it is called in tables.

    ``zeros``: share of the float weights that are set to 0 first, the smallest of each layer, and
    stay 0.
    ``projects``: whether ``finish`` moves bit_pruning's weights to their proximal levels.
    """

    family: str
    label: str
    method: Method
    eta: float = 0.0
    zeros: float = 0.0
    projects: bool = True


@dataclass(frozen=True)
class Point:
    """A trained network. Energies: nJ per sample by the model asic45; counts are per weight.

    ``mult_nj``: multiply-add form, zero weights skipped; ``add_nj``: add-shift-add form, one-bits.
    """

    family: str
    label: str
    seed: int
    chosen_by: float
    accuracy: float
    density: float
    bits: float
    csd: float
    storage_bits: float
    length: float
    lockstep: float
    mult_nj: float
    add_nj: float
    exact: bool
    seconds: float


def settings(task: str) -> list[Setting]:
    """Return everything that is trained on ``task``."""
    found = [Setting("plain", "8 bit", Method())]
    for share in _MAGNITUDE[task]:
        found.append(Setting(MAGNITUDE, f"{100 * share:g} % zero", Method(), zeros=share))
    for pull, eta in _BIT_PRUNING[task]:
        # Without a penalty there is nothing to wait for: projected throughout.
        method = BitPruning(pull=pull, projects_from=0.25 if eta else 0.0)
        found.append(Setting("bit_pruning", f"lambda {pull:g}, eta {eta:g}", method, eta))
    if task == "digits":
        free = BitPruning(projects_from=1.0)
        for eta in (0.0, 0.1, 1.0, 10.0, 100.0):
            found.append(Setting(FREE, f"eta {eta:g}", free, eta, projects=False))
    for eta in _WEIGHT_PRUNING[task]:
        found.append(Setting("weight_pruning", f"eta {eta:g}", WeightPruning(), eta))
    for budget in (2, 1):
        found.append(Setting("bitpruner", f"B {budget}", BitPruner(budget), 1.0, zeros=0.5))
    for eta in _BIT_LENGTH[task]:
        found.append(Setting("bitlength", f"gamma {eta:g}", BitLength(), eta))
    for label, config in _BBS.items():
        found.append(Setting("bbs", label, prune.Bbs(config)))
    return found


_BIT_PRUNING = {
    "digits": [(0.5, 1.0), (1.001, 1.0), (2.0, 1.0), (4.0, 1.0), (6.0, 1.0), (6.0, 0.0)],
    "mnist": [(1.001, 1.0), (3.0, 1.0), (4.0, 1.0), (4.0, 0.0), (5.0, 0.0)],
    "fsdd": [(1.001, 1.0), (2.0, 1.0), (4.0, 0.0)],
}
_MAGNITUDE = {
    "digits": [0.5, 0.7, 0.8, 0.9],
    "mnist": [0.7, 0.85],
    "fsdd": [0.7],
}
_WEIGHT_PRUNING = {
    "digits": [1.0, 10.0, 30.0, 100.0],
    "mnist": [1.0, 3.0, 10.0],
    "fsdd": [1.0, 10.0],
}
_BIT_LENGTH = {
    "digits": [0.0, 0.02, 0.1, 0.5],
    "mnist": [0.01, 0.1],
    "fsdd": [0.1],
}
_BBS = {
    "conservative": "conservative",
    "moderate": "moderate",
    "N 5, shifting": BbsConfig(5, ZERO_POINT_SHIFTING, 0.2),
    "N 5, averaging": BbsConfig(5, ROUNDED_AVERAGING, 0.2),
}


def pruned(
    task: Task,
    setting: Setting,
    float_model: nn.Module,
    seed: int,
    *,
    augment: Augment | None = None,
    progress: bool = True,
) -> nn.Module:
    """Return a copy of ``float_model`` pruned by ``setting``, in eval mode."""
    model = prune.prepare(with_zeros(float_model, setting.zeros), setting.method)
    if setting.zeros:
        hold_zeros(model)
    if setting.family == "bbs":
        # No training: the activations' scales come from one forward of the training data.
        with torch.no_grad():
            model.eval()(task.train[0][:512])
    else:
        prune.fit(
            model,
            task.train,
            epochs=task.epochs[1],
            eta=setting.eta,
            lr=task.lr,
            batch_size=task.batch_size,
            augment=augment,
            seed=seed,
            progress=progress,
        )
    options = {} if setting.projects else {"project": False}
    return prune.finish(model, **options).eval()


def run(task: Task, setting: Setting, float_model: nn.Module, seed: int) -> Point:
    """Prune a copy of ``float_model`` by ``setting``; return what came out."""
    started = time.perf_counter()
    model = pruned(task, setting, float_model, seed, progress=False)
    network = bitfpga.from_torch(model, task.train[0][:64].numpy())
    found = prune.summary(model)
    energy = found.energy("asic45")
    return Point(
        family=setting.family,
        label=setting.label,
        seed=seed,
        chosen_by=accuracy(model, task.held_out),
        accuracy=accuracy(model, task.test),
        density=found.density,
        bits=found.digits_per_weight("binary"),
        csd=found.digits_per_weight("csd"),
        storage_bits=_storage_bits(model, network),
        length=_length(model),
        lockstep=_lockstep([layer.weights for layer in found.layers]),
        mult_nj=energy.mult_pj / 1e3,
        add_nj=energy.add_binary_pj / 1e3,
        exact=_is_exact(model, network, task.test[0][:_EXACT_SAMPLES]),
        seconds=time.perf_counter() - started,
    )


def with_zeros(model: nn.Module, share: float) -> nn.Module:
    """Return a copy whose Linear and Conv layers lack ``share`` of their weights, the smallest."""
    model = copy.deepcopy(model)
    for layer in model.modules():
        if share and isinstance(layer, nn.Linear | nn.Conv2d):
            torch_prune.l1_unstructured(layer, "weight", share)
            torch_prune.remove(layer, "weight")
    return model


def hold_zeros(model: nn.Module) -> None:
    """Let no gradient reach weights that are 0, so that they stay it."""
    for layer in prune.pruned_layers(model):
        layer.weight.register_hook(partial(torch.mul, (layer.weight != 0).float()))


def _is_exact(model: nn.Module, network: bitfpga.Network, x: torch.Tensor) -> bool:
    """Return whether torch and the integer network agree on every output of every sample."""
    with torch.no_grad():
        expected = model(x).numpy()
    got = network.dequantise(reference.run(network, network.quantise(x.numpy())))
    return bool(np.array_equal(got, expected))


def _lockstep(weights: list[Any]) -> float:
    """Return the mean cycles of a lock-step group of 32 weights, over all groups."""
    rows = [w.reshape(len(w), -1) for w in weights]
    groups = [len(w) * -(-w.shape[1] // GROUP) for w in rows]
    cycles = [lockstep_cycles(w, GROUP) for w in rows]
    return float(np.average(cycles, weights=groups))


def _length(model: nn.Module) -> float:
    """Return the mean bit length of weights and activations alike, 8 where none is learned."""
    if not isinstance(prune.pruned_layers(model)[0].method, BitLength):
        return 8.0
    return float(np.mean(list(prune.bit_lengths(model).values())))


def _storage_bits(model: nn.Module, network: bitfpga.Network) -> float:
    """Return bits per weight as stored: learned lengths, codes with metadata, else 8."""
    layers = prune.pruned_layers(model)
    if isinstance(layers[0].method, BitLength):
        lengths = prune.bit_lengths(model)
        bits = [lengths[f"{layer.name}.weight"] * layer.weight.numel() for layer in layers]
        return float(sum(bits)) / sum(layer.weight.numel() for layer in layers)
    return prune.effective_bits(network) if isinstance(layers[0].method, prune.Bbs) else 8.0
