"""One epoch of training and validation of a prepared model, on its device, from its own seed."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NoReturn

import numpy as np
import torch
from torch import nn

from bitfpga.errors import PruneError
from bitfpga.prune.fit_options import FitOptions
from bitfpga.prune.history import Epoch
from bitfpga.prune.layers import PrunedLayer, pruned_layers
from bitfpga.prune.loop import advance, parameter_groups, penalty, step
from bitfpga.prune.method import Optimizer
from bitfpga.prune.samples import Batch, Pair, Stream, check_labels
from bitfpga.prune.tensor_file import is_finite

Loss = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
Augment = Callable[[torch.Tensor], torch.Tensor]


class Divergence(Exception):
    """The training has come to NaN or infinity; says where."""


class Trainer:
    """What an epoch needs: the model, its optimiser, data, and how the loss is made."""

    def __init__(
        self,
        model: nn.Module,
        options: FitOptions,
        data: Pair | Stream,
        validation: Pair | Stream | None,
        loss: Loss | None,
        augment: Augment | None,
    ) -> None:
        self.model, self.options = model, options
        self.data, self.validation, self.augment = data, validation, augment
        self.is_labelled = loss is None
        self.loss: Loss = nn.functional.cross_entropy if loss is None else loss
        first = next(model.parameters())
        self.device, self.dtype = first.device, first.dtype
        self.optimizer = self.new_optimizer()

    def new_optimizer(self) -> Optimizer:
        """Return an optimiser of what requires gradients now."""
        lr, scale_lr = self.options.lr, self.options.scale_lr
        groups = parameter_groups(self.model, lr, scale_lr, self.options.weight_decay)
        for group in groups:
            group["initial_lr"] = group["lr"]
        return torch.optim.AdamW(groups, lr=lr)

    def check_samples(self) -> None:
        """Raise ``PruneError`` if the model cannot take the arrays, or give one of their labels."""
        for what, source in (("data", self.data), ("validation", self.validation)):
            if not isinstance(source, Pair):
                continue
            # A copy, because the first batch sets the scales of activations for good.
            trial = copy.deepcopy(self.model).eval()
            try:
                with torch.no_grad():
                    outputs = trial(self._on_device((source.x[:1], source.y[:1]))[0])
            except (RuntimeError, IndexError, ValueError) as error:
                raise PruneError(
                    f"{what}: the model cannot take x of shape {list(source.x.shape)} "
                    f"({str(error)[:200]}); reshape it"
                ) from None
            if self.is_labelled:
                shape = torch.Size((len(source.x), *outputs.shape[1:]))
                check_labels(what, source.y, shape)

    def epoch(self, number: int, moved: Callable[[float], None]) -> Epoch:
        """Train epoch ``number`` and return what came of it; ``Divergence`` stops it at once.

        ``moved`` is told the number of epochs done after each step.
        """
        began = time.monotonic()
        seed = _seed(self.options.seed, number)
        _seed_all(seed, self.device)
        self.forget_inputs()
        advance(self.model, number / self.options.epochs)
        self.model.train()
        eta = self.options.eta_at(number)
        size, accumulate = self.options.batch_size, self.options.accumulate
        n_steps = self.data.n_steps(size, accumulate)
        sums, n_samples = np.zeros(2), 0
        generator = torch.Generator().manual_seed(seed)
        for index, batches in enumerate(self.data.steps(size, accumulate, generator)):
            done = number + (min(index / n_steps, 1.0) if n_steps else 0.0)
            moved(done)
            self._set_rates(done / self.options.epochs)
            n = sum(len(x) for x, _ in batches)
            means = self._step(batches, eta, f"epoch {number}, step {index}")
            sums, n_samples = sums + n * means, n_samples + n
        if not all(is_finite(tensor) for tensor in self.model.state_dict().values()):
            self._stop(f"epoch {number}, its end", "a weight is NaN or infinite")
        loss, pull = (sums / n_samples).tolist()
        score = self._score(number)
        digits = digits_per_weight(pruned_layers(self.model))
        seconds = time.monotonic() - began
        return Epoch(number, loss, pull if eta else None, score, digits, seconds)

    def _step(
        self, batches: list[Batch], eta: float, where: str
    ) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        """Make one step of the optimiser; return the mean loss and penalty, float64 [2]."""
        self.optimizer.zero_grad(set_to_none=True)
        n_samples, means = sum(len(x) for x, _ in batches), np.zeros(2)
        for batch in batches:
            x, y = self._on_device(batch)
            share = len(x) / n_samples
            x = x if self.augment is None else self.augment(x)
            loss = self._loss(self._outputs(x), y, "data")
            means[0] += share * float(loss.detach())
            # Before the penalty: a method may use weights as an index, which NaN is not.
            pull = penalty(self.model) if eta and math.isfinite(means[0]) else loss.new_zeros(())
            means[1] += share * float(pull.detach())
            if not np.isfinite(means).all():
                self._stop(where, f"the loss is {means.sum()}")
            (share * (loss + eta * pull)).backward()  # type: ignore[no-untyped-call]
        # No clipping: a limit of infinity leaves every finite gradient as it is.
        norm = nn.utils.clip_grad_norm_(self.model.parameters(), math.inf)
        if not math.isfinite(norm):
            self._stop(where, "a gradient is NaN or infinite")
        self.optimizer.step()
        step(self.model, self.optimizer)
        return means

    @torch.no_grad()
    def _score(self, number: int) -> float | None:
        """Return the share of right labels, or minus the mean loss; None without validation."""
        if self.validation is None:
            return None
        self.model.eval()
        total, count = 0.0, 0
        for ((batch_x, batch_y),) in self.validation.steps(self.options.batch_size, 1, None):
            x, y = self._on_device((batch_x, batch_y))
            outputs = self.model(x)
            loss = self._loss(outputs, y, "validation")
            if self.is_labelled:
                total += float((outputs.argmax(1) == y).sum())
            else:
                total -= len(x) * float(loss)
            if not math.isfinite(float(loss)):
                self._stop(f"epoch {number}, validation", f"the loss is {float(loss)}")
            count += y.numel() if self.is_labelled else len(x)
        return total / count

    def _outputs(self, x: torch.Tensor) -> torch.Tensor:
        """Return the outputs, float32 where autocast made them shorter."""
        kind = self.options.autocast
        with torch.autocast(self.device.type, dtype=kind, enabled=kind is not None):
            outputs: torch.Tensor = self.model(x)
        return outputs if kind is None else outputs.float()

    def _loss(self, outputs: torch.Tensor, y: torch.Tensor, what: str) -> torch.Tensor:
        if self.is_labelled:
            check_labels(what, y, outputs.shape)
        loss = self.loss(outputs, y)
        if loss.numel() != 1:
            raise PruneError(
                "fit: loss(outputs, y) must return one number, as a tensor; take a mean"
            )
        return loss

    def _on_device(self, batch: Batch) -> Batch:
        x, y = batch
        target = y.to(self.device, self.dtype if y.is_floating_point() else y.dtype)
        return x.to(self.device, self.dtype), target

    def _set_rates(self, progress: float) -> None:
        factor = (1 + math.cos(math.pi * progress)) / 2
        for group in self.optimizer.param_groups:
            group["lr"] = group["initial_lr"] * factor

    def _stop(self, where: str, what: str) -> NoReturn:
        lower = self.options.lr / 10
        raise Divergence(f"fit: {where}: {what}; try a lower lr, such as {lower:g}")

    def forget_inputs(self) -> None:
        """Drop what a forward has noted for a penalty that was never called."""
        for layer in pruned_layers(self.model):
            layer.quantiser.forget()


def digits_per_weight(layers: list[PrunedLayer]) -> float:
    """Return the mean number of one-bits of |w| over all weights, as if the training ended now."""
    found = [np.abs(layer.current_levels().numpy()) for layer in layers]
    ones = sum(int(np.bitwise_count(each).sum()) for each in found)
    n_weights: int = sum(each.size for each in found)
    return ones / n_weights


@contextmanager
def forked_random(device: torch.device) -> Iterator[None]:
    """Give torch's random state back, of the CPU and of ``device``, as it was before."""
    devices = [device] if device.type == "cuda" else []
    with torch.random.fork_rng(devices=devices):
        yield


def _seed(seed: int, epoch: int) -> int:
    """Return the seed of one epoch, below 2^63."""
    return int(np.random.SeedSequence([seed, epoch]).generate_state(1, np.uint64)[0] >> 1)


def _seed_all(seed: int, device: torch.device) -> None:
    # Not torch.manual_seed, which seeds every CUDA device, also those that fit does not fork.
    torch.default_generator.manual_seed(seed)
    if device.type == "cuda":
        with torch.cuda.device(device):
            torch.cuda.manual_seed(seed)
