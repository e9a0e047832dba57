"""``fit``: a training loop for prepared models that can be stopped, continued and repeated."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import nn

from bitfpga.errors import PruneError
from bitfpga.prune.activations import ActivationQuantiser
from bitfpga.prune.fit_options import Eta, FitOptions
from bitfpga.prune.history import Epoch, History
from bitfpga.prune.layers import pruned_layers
from bitfpga.prune.progress import ProgressBar
from bitfpga.prune.run_file import Run, read_run, resume_optimizer, write_run
from bitfpga.prune.samples import Pair, samples
from bitfpga.prune.tensor_file import SUFFIX
from bitfpga.prune.training import Divergence, Loss, Trainer, forked_random
from bitfpga.prune.whole_file import target


def fit(
    model: nn.Module,
    data: Any,
    *,
    epochs: int,
    eta: Eta = 0.0,
    lr: float = 1e-3,
    scale_lr: float | None = None,
    weight_decay: float = 0.01,
    batch_size: int = 128,
    loss: Loss | None = None,
    validation: Any = None,
    patience: int | None = None,
    checkpoint: str | os.PathLike[str] | None = None,
    seed: int = 0,
    accumulate: int = 1,
    autocast: torch.dtype | None = None,
    augment: Callable[[torch.Tensor], torch.Tensor] | None = None,
    progress: bool = True,
) -> History:
    """Train a prepared ``model`` in place, on its device, and return the history, in eval mode.

    ``data``, ``validation``: (x, y), arrays or tensors [n, ...]; or an iterable of such batches,
    iterated once per epoch (a DataLoader), which ``batch_size`` does not change. Each step of
    AdamW takes the mean over ``accumulate`` batches of ``loss(outputs, y)`` (a mean over samples;
    None: cross entropy of labels [n]) + eta * penalty; ``eta`` may be a function of the share of
    the training done, 0..1. Learning rates fall as a cosine from ``lr`` (for scales ``scale_lr``,
    a tenth of it if None; see ``parameter_groups`` for lengths) to 0. ``autocast``: None or
    torch.bfloat16; validation is always exact. ``augment`` changes x of each training batch, on
    the device.

    ``validation`` leaves the model in its best state of the method's last stage; ``patience``
    stops after so many epochs of it without a better score. ``checkpoint``: a .safetensors file,
    written before the first and after every epoch; where it exists, the run goes on from it, on
    the CPU bit for bit as if it had not stopped (given the same torch, threads, and randomness
    from torch only). ``seed`` sets every random number; the caller's random state is not touched.
    ``progress``: a bar on stderr if that is a terminal.

    ``PruneError``: options, data or labels not allowed, a checkpoint that is damaged or of another
    run, or a loss that becomes NaN or infinite.
    """
    options = FitOptions(
        epochs, eta, lr, scale_lr, weight_decay, batch_size, patience, seed, accumulate, autocast
    )
    options.check(validation is not None)
    _check_model(model)
    train = samples("data", data)
    held_out = None if validation is None else samples("validation", validation)
    trainer = Trainer(model, options, train, held_out, loss, augment)
    settings = options.document() | {
        "loss": "cross entropy" if loss is None else _name(loss),
        "augment": None if augment is None else _name(augment),
        "samples": len(train.x) if isinstance(train, Pair) else None,
        "validation": held_out is not None,
    }
    path = None if checkpoint is None else target(checkpoint, [SUFFIX])
    for module in model.modules():
        if isinstance(module, ActivationQuantiser):
            module.restart()
    with forked_random(trainer.device):
        trainer.check_samples()
        with ProgressBar(epochs, progress) as bar:
            history = _train(trainer, settings, path, bar)
    trainer.forget_inputs()
    model.eval()
    return history


def _train(
    trainer: Trainer, settings: dict[str, Any], path: Path | None, bar: ProgressBar
) -> History:
    """Train until the last epoch, or until patience ends, and leave the best state."""
    model, options, run = trainer.model, trainer.options, Run()
    if path is not None and os.path.lexists(path):
        run = read_run(path, model, settings)
        trainer.optimizer = trainer.new_optimizer()
        resume_optimizer(model, trainer.optimizer, run)
    elif path is not None:
        write_run(path, model, trainer.optimizer, settings, run)
    bar.tell(run.history)
    while not _is_done(run.history, options):
        try:
            row = trainer.epoch(len(run.history), bar.move)
        except Divergence as error:
            raise _after(error, trainer, settings, path) from None
        run = _with_epoch(run, row, model)
        if path is not None:
            write_run(path, model, trainer.optimizer, settings, run)
        bar.tell(run.history)
    if run.history.best_epoch is not None:
        model.load_state_dict(run.best)
    return run.history


def _is_done(history: History, options: FitOptions) -> bool:
    waited = -1 if history.best_epoch is None else len(history) - 1 - history.best_epoch
    is_stale = options.patience is not None and waited >= options.patience
    return len(history) >= options.epochs or is_stale


def _with_epoch(run: Run, row: Epoch, model: nn.Module) -> Run:
    """Return the run with one more epoch, whose state is kept if it is the best settled one."""
    layers, epochs = pruned_layers(model), (*run.history.epochs, row)
    is_settled = layers[0].method.settled(layers)
    if row.score is None or not is_settled or not run.history.is_better(row.score):
        return Run(History(epochs, run.history.best_epoch), run.best)
    best = {key: tensor.detach().clone() for key, tensor in model.state_dict().items()}
    return Run(History(epochs, row.epoch), best)


def _after(
    error: Divergence, trainer: Trainer, settings: dict[str, Any], path: Path | None
) -> PruneError:
    """Return the error that says how the model is left, at the last whole epoch if there is one."""
    if path is None:
        return PruneError(
            f"{error}; the model is left as it diverged: prepare it anew, or give checkpoint= to "
            "keep each epoch"
        )
    run = read_run(path, trainer.model, settings)
    return PruneError(
        f"{error}; the model is back where it was after {len(run.history)} epochs, as in {path}; "
        "give another checkpoint path with another lr"
    )


def _check_model(model: nn.Module) -> None:
    pruned_layers(model)
    devices = sorted({str(parameter.device) for parameter in model.parameters()})
    if len(devices) > 1:
        raise PruneError(f"fit: the model is on {', '.join(devices)}; move it to one device")
    if not any(parameter.requires_grad for parameter in model.parameters()):
        raise PruneError("fit: no parameter requires a gradient; unfreeze what is to be trained")


def _name(function: Any) -> str:
    return str(getattr(function, "__qualname__", type(function).__qualname__))
