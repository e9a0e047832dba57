"""What the methods must reach, judged on means over the seeds."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from statistics import mean

import numpy as np
from prune_runs import FREE, Point

from bitfpga.ir import ROUNDED_AVERAGING, ZERO_POINT_SHIFTING
from bitfpga.prune.bbs_code import prune_matrix
from bitfpga.prune.bitwave import zero_columns

Row = list[str]


class Means:
    """Means over the seeds, by family and label."""

    def __init__(self, points: Sequence[Point]) -> None:
        self.points = points

    def labels(self, family: str) -> list[str]:
        """Return the labels of a family, in the order they were trained."""
        return list(dict.fromkeys(p.label for p in self.points if p.family == family))

    def of(self, family: str, label: str, field: str) -> float:
        """Return the mean of one figure."""
        chosen = [p for p in self.points if (p.family, p.label) == (family, label)]
        return mean(float(getattr(point, field)) for point in chosen)

    def cheapest(self, family: str, floor: float, field: str) -> tuple[float, str]:
        """Return the least ``field`` of a family at accuracy ``floor`` or better, and where."""
        fit = [x for x in self.labels(family) if self.of(family, x, "accuracy") >= floor - 1e-12]
        return min(((self.of(family, x, field), x) for x in fit), default=(float("inf"), "none"))


def gates(task: str, points: Sequence[Point]) -> list[Row]:
    """Return (gate, what was found, yes or no) for every gate of the task."""
    means = Means(points)
    found = {"digits": _digits, "mnist": _mnist, "fsdd": _fsdd}[task](means)
    wrong = sum(not point.exact for point in points)
    return [*found, _row("torch equals the integer network", f"{wrong} unequal", wrong == 0)]


def _row(gate: str, found: str, passed: bool) -> Row:
    return [gate, found, "yes" if passed else "NO"]


def _digits(means: Means) -> list[Row]:
    best = max(means.of(p.family, p.label, "accuracy") for p in means.points)
    pruned, where = means.cheapest("bit_pruning", best - 0.005, "bits")
    density, there = means.cheapest("weight_pruning", best - 0.005, "density")
    ratio = density * 0.23 / (pruned * 0.03)
    # Beyond eta 10 every weight is at its proximal level: the last one is shown, not judged.
    *free, last = [means.of(FREE, label, "bits") for label in means.labels(FREE)]
    rows = [
        _row(
            "within 0.5 point of the best: bit_pruning takes >= 1.3x fewer pJ per weight",
            f"{ratio:.1f}x ({where}: {pruned:.3f} bits; {there}: density {density:.3f})",
            ratio >= 1.3,
        ),
        _row(
            "not projected, one-bits per weight fall strictly as eta rises from 0 to 10",
            " > ".join(f"{bits:.3f}" for bits in free) + f" (at eta 100: {last:.3f})",
            all(a > b for a, b in pairwise(free)),
        ),
    ]
    return rows + _bitpruner_rows(means) + _bitlength_rows(means) + _bbs_rows(means)


def _bitpruner_rows(means: Means) -> list[Row]:
    dense, half = means.labels("plain")
    loss = means.of("plain", dense, "accuracy") - means.of("bitpruner", "B 2", "accuracy")
    cycles = means.of("bitpruner", "B 2", "lockstep")
    ratios = [means.of("plain", label, "lockstep") / cycles for label in (dense, half)]
    return [
        _row("bitpruner B=2 loses <= 0.5 point", f"{100 * loss:.2f} points", loss <= 0.005),
        _row(
            "bitpruner B=2: >= 2.0x fewer lock-step cycles than 8 bit, and than half pruned",
            " and ".join(f"{ratio:.2f}x" for ratio in ratios),
            min(ratios) >= 2,
        ),
    ]


def _bitlength_rows(means: Means) -> list[Row]:
    labels = means.labels("bitlength")
    bits = [means.of("bitlength", label, "length") for label in labels]
    floor = means.of("plain", "8 bit", "accuracy") - 0.005
    short, where = means.cheapest("bitlength", floor, "length")
    return [
        _row(
            "bitlength: the average length falls with gamma",
            " >= ".join(f"{value:.2f}" for value in bits),
            all(a >= b for a, b in pairwise(bits)) and bits[0] > bits[-1],
        ),
        _row(
            "bitlength: some gamma gives <= 4 bits within 0.5 point of 8 bit",
            f"{short:.2f} bits ({where})",
            short <= 4,
        ),
    ]


def _bbs_rows(means: Means) -> list[Row]:
    floor = means.of("plain", "8 bit", "accuracy")
    rows = []
    for label in ("conservative", "moderate"):
        loss = floor - means.of("bbs", label, "accuracy")
        rows.append(
            _row(f"bbs {label}: loses <= 0.5 point", f"{100 * loss:.2f} points", loss <= 0.005)
        )
    rng = np.random.default_rng(0)
    weights = np.clip(np.round(rng.normal(0, 30, (512, 256))), -128, 127).astype(np.int16)
    for n_sparse in (4, 5, 6):
        pruned = [
            prune_matrix(weights, n_sparse, mode, 32).weight
            for mode in (ZERO_POINT_SHIFTING, ROUNDED_AVERAGING)
        ]
        pruned.append(zero_columns(weights.reshape(-1, 32), n_sparse).reshape(weights.shape))
        errors = [float(np.square(p.astype(float) - weights).mean()) for p in pruned]
        rows.append(
            _row(
                f"squared error at N={n_sparse}, Gaussian weights: shifting < averaging < BitWave",
                " < ".join(f"{error:.2f}" for error in errors),
                errors[0] < errors[1] < errors[2],
            )
        )
    return rows


def _mnist(means: Means) -> list[Row]:
    floor = means.of("plain", "8 bit", "accuracy") - 0.003
    pruned, where = means.cheapest("bit_pruning", floor, "energy_nj")
    weight, there = means.cheapest("weight_pruning", floor, "energy_nj")
    digits, least = means.cheapest("bit_pruning", floor, "csd")
    return [
        _row(
            "at 8 bit's accuracy - 0.3 points: bit_pruning's energy <= 1/2 of weight_pruning's",
            f"{pruned:.3f} against {weight:.3f} nJ ({where}; {there})",
            pruned <= weight / 2,
        ),
        _row("there, digits per weight <= 0.6", f"{digits:.3f} ({least})", digits <= 0.6),
    ]


def _fsdd(means: Means) -> list[Row]:
    return []
