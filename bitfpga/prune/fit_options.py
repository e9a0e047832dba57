"""The numbers a training run is asked for, checked together."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any

import torch

from bitfpga.errors import PruneError

Eta = float | Callable[[float], float]
_OPTIONAL = ("scale_lr", "patience")


@dataclass(frozen=True)
class FitOptions:
    """The numbers among the arguments of ``fit``, under the same names."""

    epochs: int
    eta: Eta
    lr: float
    scale_lr: float | None
    weight_decay: float
    batch_size: int
    patience: int | None
    seed: int
    accumulate: int
    autocast: torch.dtype | None

    def check(self, has_validation: bool) -> None:
        """Raise ``PruneError`` naming everything that is wrong."""
        least = {"epochs": 1, "batch_size": 1, "accumulate": 1, "patience": 1, "seed": 0}
        problems = [self._whole(name, low) for name, low in least.items()]
        above = {"lr": True, "scale_lr": False, "weight_decay": False}
        problems += [self._real(name, is_above) for name, is_above in above.items()]
        if self.patience is not None and not has_validation:
            problems.append("patience needs validation data to score; give validation=(x, y)")
        if self.autocast not in (None, torch.bfloat16):
            problems.append(
                f"autocast={self.autocast!r}: torch.bfloat16 or None is needed (float16 would need "
                "its gradients scaled)"
            )
        problems += [] if callable(self.eta) else [_eta_problem("eta", self.eta)]
        if found := [problem for problem in problems if problem]:
            raise PruneError("fit: " + "; ".join(found))

    def eta_at(self, epoch: int) -> float:
        """Return eta in ``epoch``; ``PruneError`` if a function gives no fit number."""
        if not callable(self.eta):
            return float(self.eta)
        progress = epoch / self.epochs
        value = self.eta(progress)
        if problem := _eta_problem(f"eta({progress})", value):
            raise PruneError(f"fit: {problem}")
        return float(value)

    def document(self) -> dict[str, Any]:
        """Return the options as JSON values; a function by what it gives in each epoch."""
        found = {each.name: getattr(self, each.name) for each in fields(self)}
        if callable(self.eta):
            found["eta"] = [self.eta_at(epoch) for epoch in range(self.epochs)]
        return {**found, "autocast": None if self.autocast is None else str(self.autocast)}

    def _whole(self, name: str, low: int) -> str:
        value = getattr(self, name)
        if (value is None and name in _OPTIONAL) or (type(value) is int and value >= low):
            return ""
        return f"{name}={value!r}: a whole number from {low} is needed"

    def _real(self, name: str, is_above: bool) -> str:
        value = getattr(self, name)
        if value is None and name in _OPTIONAL:
            return ""
        if _is_finite(value) and (value > 0 if is_above else value >= 0):
            return ""
        return f"{name}={value!r}: a finite number {'above 0' if is_above else 'from 0'} is needed"


def _is_finite(value: Any) -> bool:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and math.isfinite(value)


def _eta_problem(name: str, value: Any) -> str:
    if _is_finite(value) and value >= 0:
        return ""
    return f"{name}={value!r}: a finite number from 0 is needed"
