"""What a prepared model costs, counted from its integer weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from torch import nn

from bitfpga.digits import NumberSystem
from bitfpga.errors import PruneError
from bitfpga.prune.energy import ENERGY_MODELS, EnergyRow, energy_table
from bitfpga.prune.layers import PrunedLayer, pruned_layers
from bitfpga.prune.work import LayerWork, Weights, layer_work


@dataclass(frozen=True, eq=False)
class LayerSummary:
    """One layer: its work, and how often each integer weight occurs.

    ``levels``, ``counts``: int arrays of one length, the distinct integer weights in rising order
    and how many weights have each (the data of a histogram).
    """

    work: LayerWork
    shape: tuple[int, ...]
    act_bits: int | None
    weights: Weights
    levels: np.ndarray[Any, Any]
    counts: np.ndarray[Any, Any]


@dataclass(frozen=True, eq=False)
class Summary:
    """All layers, and their energies for one sample by every named model, in multiply-add form
    (zero weights skipped) and add-shift-add form (binary and CSD digits), pJ.
    """

    method: str
    layers: tuple[LayerSummary, ...]
    energies: tuple[EnergyRow, ...]

    @property
    def n_weights(self) -> int:
        """Number of weights, zeros included."""
        return sum(layer.work.n_weights for layer in self.layers)

    @property
    def density(self) -> float:
        """Share of weights that are not zero."""
        return sum(layer.work.n_nonzero for layer in self.layers) / self.n_weights

    def digits(self, system: NumberSystem | str = NumberSystem.CSD) -> int:
        """Return the number of digits of all weights."""
        return sum(layer.work.digits(system) for layer in self.layers)

    def digits_per_weight(self, system: NumberSystem | str = NumberSystem.CSD) -> float:
        """Return the mean number of digits of a weight, zeros included."""
        return self.digits(system) / self.n_weights

    def energy(self, model: str = "asic45") -> EnergyRow:
        """Return the whole network's energies by the model of that name; else ``PruneError``."""
        for row in self.energies:
            if row.model == model and row.layer is None:
                return row
        raise PruneError(
            f"energy model {model!r} is unknown; use one of {', '.join(ENERGY_MODELS)}"
        )

    def to_dict(self) -> dict[str, Any]:
        """Return everything but the weights as numbers and strings, for JSON."""
        layers = [
            {
                **asdict(layer.work),
                "shape": list(layer.shape),
                "act_bits": layer.act_bits,
                "histogram": {
                    "levels": layer.levels.tolist(),
                    "counts": layer.counts.tolist(),
                },
            }
            for layer in self.layers
        ]
        return {
            "method": self.method,
            "layers": layers,
            "density": self.density,
            "csd_digits_per_weight": self.digits_per_weight(),
            "bits_per_weight": self.digits_per_weight(NumberSystem.BINARY),
            "energy_pj": [asdict(row) for row in self.energies],
        }

    def __str__(self) -> str:
        heads = ("layer", "weights", "bits", "density", "ones/weight", "CSD/weight", "MACs")
        rows = [heads, *(_cells(layer.work) for layer in self.layers)]
        total = [str(self.n_weights), "", f"{self.density:.3f}"]
        total += [f"{self.digits_per_weight(NumberSystem.BINARY):.3f}"]
        total += [f"{self.digits_per_weight():.3f}", str(sum(x.work.macs for x in self.layers))]
        rows.append(("total", *total))
        names = ", ".join(ENERGY_MODELS)
        lines = [f"{self.method}: weights and work for one sample", *_aligned(rows)]
        lines += [
            "",
            f"energy of one sample by a model ({names}), nJ: arithmetic only, not measured",
        ]
        energy_rows: list[tuple[str, ...]] = [
            ("model", "multiply-add", "add-shift-add, ones", "add-shift-add, CSD")
        ]
        for row in self.energies:
            if row.layer is None:
                values = (row.mult_pj, row.add_binary_pj, row.add_csd_pj)
                energy_rows.append((row.model, *(f"{v / 1e3:.3f}" for v in values)))
        return "\n".join([*lines, *_aligned(energy_rows)])


def summary(model: nn.Module) -> Summary:
    """Return what the pruned layers of ``model`` cost, as they would be built now.

    Run the model once before, so that each layer knows its output positions; ``PruneError`` if it
    has not run, or has no pruned layers.
    """
    layers = tuple(_layer_summary(layer) for layer in pruned_layers(model))
    widths = [layer.act_bits for layer in layers if layer.act_bits is not None]
    works = [layer.work for layer in layers]
    rows = energy_table(works, activation_bits=max(widths, default=32))
    return Summary(pruned_layers(model)[0].method.name, layers, rows)


def _layer_summary(layer: PrunedLayer) -> LayerSummary:
    positions = int(layer.positions)
    if positions == 0:
        raise PruneError(
            f"layer '{layer.name}' has not run yet, so its output positions are not known; run "
            "the model on a sample first"
        )
    weights = layer.current_levels().numpy()
    width = layer.quantiser.width or layer.bits
    planes = max(width, int(np.abs(weights.astype(np.int32)).max()).bit_length())
    levels, counts = np.unique(weights, return_counts=True)
    work = layer_work(layer.name, weights, positions, planes)
    return LayerSummary(work, weights.shape, layer.input_bits, weights, levels, counts)


def _cells(work: LayerWork) -> tuple[str, ...]:
    systems = (NumberSystem.BINARY, NumberSystem.CSD)
    per_weight = (work.digits_per_weight(system) for system in systems)
    numbers = (f"{work.density:.3f}", *(f"{value:.3f}" for value in per_weight))
    return (work.name, str(work.n_weights), str(work.weight_bits), *numbers, str(work.macs))


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return the rows as lines, the first column to the left, all others to the right."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return [
        "  ".join(
            cell.rjust(width) if i else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    ]
