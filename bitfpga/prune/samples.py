"""Training data as steps of batches: two arrays, or an iterable of batches."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

import numpy as np
import torch

from bitfpga.errors import PruneError
from bitfpga.prune.tensor_file import is_finite

Batch = tuple[torch.Tensor, torch.Tensor]


class Pair:
    """Samples ``x`` [n, ...] and their targets ``y`` [n, ...] in memory."""

    def __init__(self, what: str, x: Any, y: Any) -> None:
        self.x, self.y = _checked(what, x, y)

    def n_steps(self, batch_size: int, accumulate: int) -> int:
        """Return the number of steps of the optimiser in an epoch."""
        return math.ceil(len(self.x) / (batch_size * accumulate))

    def steps(
        self, batch_size: int, accumulate: int, generator: torch.Generator | None
    ) -> Iterator[list[Batch]]:
        """Yield the batches of each step; shuffled by ``generator``, in order without one.

        Steps, and the batches of a step, differ by at most one sample: no batch is left with a
        single sample, which a batch norm could not take.
        """
        n = len(self.x)
        order = torch.arange(n) if generator is None else torch.randperm(n, generator=generator)
        for step in order.tensor_split(self.n_steps(batch_size, accumulate)):
            batches = step.tensor_split(math.ceil(len(step) / batch_size))
            yield [(_pick(self.x, part), _pick(self.y, part)) for part in batches]


class Stream:
    """Batches (x, y) of an iterable, which is iterated once per epoch; it sizes and shuffles."""

    def __init__(self, what: str, source: Iterable[Any]) -> None:
        self._what, self._source, self._epochs = what, source, 0

    def n_steps(self, batch_size: int, accumulate: int) -> int | None:
        """Return the number of steps of the optimiser in an epoch; None if it is not known."""
        try:
            return math.ceil(len(self._source) / accumulate)  # type: ignore[arg-type]
        except TypeError:
            return None

    def steps(
        self, batch_size: int, accumulate: int, generator: torch.Generator | None
    ) -> Iterator[list[Batch]]:
        """Yield the batches of each step; ``PruneError`` if there are none, or one is not fit."""
        batches, is_empty = iter(self._source), True
        while group := list(islice(batches, accumulate)):
            is_empty = False
            yield [_batch(self._what, item) for item in group]
        if is_empty and self._epochs:
            raise PruneError(
                f"{self._what}: the {type(self._source).__name__} is exhausted after "
                f"{self._epochs} epoch(s); give what can be iterated once per epoch, such as a "
                "DataLoader, a list of batches or a pair of arrays"
            )
        if is_empty:
            raise PruneError(f"{self._what}: is empty; at least one batch is needed")
        self._epochs += 1


def samples(what: str, source: Any) -> Pair | Stream:
    """Return ``source`` as batches; ``PruneError`` names ``what`` if it is neither kind."""
    if isinstance(source, tuple | list) and len(source) == 2:
        if all(isinstance(part, np.ndarray | torch.Tensor) for part in source):
            return Pair(what, *source)
    if isinstance(source, np.ndarray | torch.Tensor | str) or not isinstance(source, Iterable):
        raise PruneError(
            f"{what}: is a {type(source).__name__}; give (x, y), a pair of arrays or tensors, or "
            "an iterable of such pairs"
        )
    return Stream(what, source)


def check_labels(what: str, y: torch.Tensor, outputs: torch.Size) -> None:
    """Raise ``PruneError`` unless ``y`` are labels that outputs [n, n_classes, ...] can give."""
    wanted = (len(y), *outputs[2:])
    if len(outputs) < 2 or tuple(y.shape) != wanted or y.is_floating_point():
        raise PruneError(
            f"{what}: y is {y.dtype} {list(y.shape)} and the model gives {list(outputs)}, but "
            "cross entropy needs one whole label for each sample; give loss= for other targets"
        )
    low, high = int(y.min()), int(y.max())
    if low < 0 or high >= outputs[1]:
        raise PruneError(
            f"{what}: labels from {low} to {high}, but the model has {outputs[1]} outputs: labels "
            f"0 to {outputs[1] - 1} are allowed; renumber them, or widen the last layer"
        )


def _pick(values: torch.Tensor, index: torch.Tensor) -> torch.Tensor:
    return values[index.to(values.device)]


def _batch(what: str, item: Any) -> Batch:
    is_pair = isinstance(item, tuple | list) and len(item) == 2
    if not is_pair or not all(isinstance(part, np.ndarray | torch.Tensor) for part in item):
        raise PruneError(
            f"{what}: yields a {type(item).__name__}, but batches (x, y) of arrays or tensors are "
            "needed; put a dataset of single samples into a DataLoader"
        )
    return _checked(what, *item)


def _checked(what: str, x: Any, y: Any) -> Batch:
    """Return x and y as tensors of equal, not zero, length and finite values."""
    inputs, targets = _tensor(f"{what}: x", x), _tensor(f"{what}: y", y)
    lengths = [tensor.shape[0] if tensor.ndim else 0 for tensor in (inputs, targets)]
    if lengths[0] != lengths[1]:
        raise PruneError(
            f"{what}: {lengths[0]} samples in x but {lengths[1]} in y; give each sample its target"
        )
    if not inputs.numel() or not targets.numel():
        raise PruneError(f"{what}: is empty; at least one sample is needed")
    for name, tensor in (("x", inputs), ("y", targets)):
        if not is_finite(tensor):
            raise PruneError(f"{what}: {name} holds NaN or infinity; clean the data first")
    return inputs, targets if targets.is_floating_point() else targets.long()


def _tensor(what: str, values: Any) -> torch.Tensor:
    """Return an array or tensor as a tensor of uint8, int64 or reals."""
    if isinstance(values, np.ndarray):
        if values.dtype.kind not in "biuf":
            raise PruneError(f"{what} is of dtype {values.dtype}; give real numbers or integers")
        dtype = np.float32 if values.dtype.kind == "f" else np.int64
        kept = np.uint8 if values.dtype == np.uint8 else dtype
        with np.errstate(over="ignore"):  # beyond float32 is infinity, and refused as that
            own = np.ascontiguousarray(values, dtype=kept)
        return torch.from_numpy(own if own.flags.writeable else own.copy())
    tensor: torch.Tensor = values.detach()
    if tensor.is_complex():
        raise PruneError(f"{what} is of dtype {tensor.dtype}; give real numbers or integers")
    return tensor
