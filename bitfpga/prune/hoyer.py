"""The Hoyer-Square measure of X * R, without ever forming the product of inputs and weights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch.nn import functional as F


@dataclass(frozen=True, eq=False)
class InputSums:
    """Sums over all rows (samples, times output positions) of what each weight column meets.

    ``absolute``, ``square``: float [groups, inputs per group], in the order of the flattened
    weight row; ``n_rows``: how many rows were summed.
    """

    absolute: torch.Tensor
    square: torch.Tensor
    n_rows: int

    def __add__(self, other: InputSums) -> InputSums:
        return InputSums(
            self.absolute + other.absolute,
            self.square + other.square,
            self.n_rows + other.n_rows,
        )

    @staticmethod
    @torch.no_grad()
    def of(layer: Any, x: torch.Tensor) -> InputSums:
        """Return the sums for one batch of inputs of ``layer`` (a ``PrunedLayer``), no gradient."""
        x = x.detach()
        if layer.weight.dtype != x.dtype:
            x = x.to(layer.weight.dtype)
        if layer.weight.ndim == 2:
            rows = x.reshape(-1, x.shape[-1])
            absolute = rows.abs().sum(0, keepdim=True)
            return InputSums(absolute, rows.square().sum(0, keepdim=True), len(rows))
        windows = [_windows(layer, total) for total in (x.abs().sum(0), x.square().sum(0))]
        groups = [columns.sum(1).reshape(layer.groups, -1) for columns in windows]
        return InputSums(groups[0], groups[1], len(x) * windows[0].shape[1])


def _windows(layer: Any, total: torch.Tensor) -> torch.Tensor:
    """Return the windows of a map summed over the batch, [inputs * kernel, positions]."""
    mode = "constant" if layer.padding_mode == "zeros" else layer.padding_mode
    padded = F.pad(total[None], layer._reversed_padding_repeated_twice, mode=mode)
    kernel, stride, dilation = layer.kernel_size, layer.stride, layer.dilation
    if total.ndim == 2:
        padded = padded.unsqueeze(2)
        kernel, stride, dilation = (1, *kernel), (1, *stride), (1, *dilation)
    return F.unfold(padded, kernel, dilation, 0, stride)[0]


def hoyer_square(residual: torch.Tensor, sums: InputSums | None) -> torch.Tensor:
    """Return ``(sum |v|)^2 / sum v^2`` of the product v of inputs and ``residual``, a scalar.

    ``v[i, j, k] = x[i, j] * residual[k, j]``: both sums split into sums over rows i and over
    outputs k. ``sums`` None: all inputs are 1, in one row. 0 where the product is all zero.
    """
    groups = 1 if sums is None else len(sums.absolute)
    rows = residual.reshape(groups, len(residual) // groups, -1)
    absolute, square = rows.abs().sum(1), rows.square().sum(1)
    if sums is not None:
        absolute, square = absolute * sums.absolute, square * sums.square
    total, squares = absolute.sum(), square.sum()
    return total.square() / torch.where(squares == 0, torch.ones_like(squares), squares)
