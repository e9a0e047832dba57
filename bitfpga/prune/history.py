"""What a training run did, epoch by epoch."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from typing import Any

from bitfpga.errors import PruneError


@dataclass(frozen=True)
class Epoch:
    """One epoch. ``loss`` and ``penalty`` are means over its samples, without eta.

    ``epoch`` counts from 0; ``penalty`` is None where eta was 0. ``score`` (None without
    validation data; higher is better): the share of right answers, 0..1, with cross entropy,
    else minus the validation loss. ``digits_per_weight``: one-bits of |w| in a mean weight,
    were the training to end there.
    ``seconds``, validation included, is not compared by ``==``.
    """

    epoch: int
    loss: float
    penalty: float | None
    score: float | None
    digits_per_weight: float
    seconds: float = field(compare=False)


@dataclass(frozen=True)
class History:
    """The epochs of a run, in order.

    ``best_epoch`` is the one whose state the model was left in: of the best score among those in
    the method's last stage; None without validation data, or if that stage was not reached (the
    model is then in the state of the last epoch).
    """

    epochs: tuple[Epoch, ...] = ()
    best_epoch: int | None = None

    def __len__(self) -> int:
        return len(self.epochs)

    def __iter__(self) -> Iterator[Epoch]:
        return iter(self.epochs)

    def is_better(self, score: float) -> bool:
        """Return whether ``score`` beats that of the best epoch so far."""
        best = None if self.best_epoch is None else self.epochs[self.best_epoch].score
        return best is None or score > best

    def document(self) -> dict[str, Any]:
        """Return the history as JSON values."""
        rows = [[getattr(epoch, each.name) for each in fields(Epoch)] for epoch in self.epochs]
        return {"epochs": rows, "best_epoch": self.best_epoch}

    @staticmethod
    def of_document(document: Any, most_epochs: int, has_scores: bool) -> History:
        """Return the history in JSON values from a file; ``PruneError`` unless it is one."""
        rows, best = _get(document, "epochs"), _get(document, "best_epoch")
        if type(rows) is not list or len(rows) > most_epochs:
            raise PruneError("its history is not a list of the epochs asked for")
        if best is not None and not (has_scores and type(best) is int and 0 <= best < len(rows)):
            raise PruneError("its best epoch is none of its epochs")
        return History(tuple(_epoch(n, row, has_scores) for n, row in enumerate(rows)), best)


def _get(document: Any, key: str) -> Any:
    if type(document) is not dict or key not in document:
        raise PruneError(f"its history lacks '{key}'")
    return document[key]


def _epoch(number: int, row: Any, has_score: bool) -> Epoch:
    whole = type(row) is list and len(row) == len(fields(Epoch)) and row[0] == number
    if not whole or type(row[0]) is not int:
        raise PruneError(f"row {number} of its history is damaged")
    _, loss, penalty, score, digits, seconds = row
    needed = [loss, digits, seconds, *([score] if has_score else [])]
    needed += [] if penalty is None else [penalty]
    if not all(type(value) is float and math.isfinite(value) for value in needed):
        raise PruneError(f"row {number} of its history holds something else than finite numbers")
    if not has_score and score is not None:
        raise PruneError(f"row {number} of its history has a score, but there is no validation")
    return Epoch(number, loss, penalty, score, digits, seconds)
