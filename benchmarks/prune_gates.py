"""What the methods must reach, judged on means over the seeds."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from statistics import mean

import numpy as np
from prune_runs import FREE, MAGNITUDE, Point

from bitfpga.ir import ROUNDED_AVERAGING, ZERO_POINT_SHIFTING
from bitfpga.prune.bbs_code import prune_matrix
from bitfpga.prune.bitwave import zero_columns

Row = list[str]
Where = tuple[str, str]
WEIGHT = ("weight_pruning", MAGNITUDE)


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

    def cheapest(self, families: Sequence[str], floor: float, field: str) -> Where | None:
        """Return (family, label) of the least ``field`` at ``floor`` or better, held out."""
        fit = [
            (self.of(family, label, field), family, label)
            for family in families
            for label in self.labels(family)
            if self.of(family, label, "chosen_by") >= floor - 1e-12
        ]
        return min(fit)[1:] if fit else None


def multiplies(point: Point) -> bool:
    """Return whether the method is made for multiply-add hardware."""
    return point.family in ("plain", *WEIGHT)


def gates(task: str, points: Sequence[Point]) -> list[Row]:
    """Return (gate, what was found, yes or no) for every gate of the task."""
    means = Means(points)
    found = {"digits": _digits, "mnist": _mnist, "fsdd": _fsdd}[task](means)
    wrong = sum(not point.exact for point in points)
    return [*found, _row("torch equals the integer network", f"{wrong} unequal", wrong == 0)]


def _row(gate: str, found: str, passed: bool) -> Row:
    return [gate, found, "yes" if passed else "NO"]


def _digits(means: Means) -> list[Row]:
    best = max(means.of(p.family, p.label, "chosen_by") for p in means.points)
    rows = [_digits_energy(means, best - 0.005)]
    # Beyond eta 10 every weight is at its proximal level: the last one is shown, not judged.
    *free, last = [means.of(FREE, label, "bits") for label in means.labels(FREE)]
    rows += [
        _row(
            "not projected, one-bits per weight fall strictly as eta rises from 0 to 10",
            " > ".join(f"{bits:.3f}" for bits in free) + f" (at eta 100: {last:.3f})",
            all(a > b for a, b in pairwise(free)),
        ),
    ]
    return rows + _bitpruner_rows(means) + _bitlength_rows(means) + _bbs_rows(means)


def _digits_energy(means: Means, floor: float) -> Row:
    gate = "within 0.5 point of the best: bit_pruning takes >= 1.3x fewer pJ per weight"
    ours = means.cheapest(["bit_pruning"], floor, "bits")
    theirs = means.cheapest(WEIGHT, floor, "density")
    added = means.cheapest(WEIGHT, floor, "bits")
    if ours is None or theirs is None or added is None:
        return _row(gate, f"accuracy {floor:.4f}: reached by {ours} and {theirs}", False)
    bits, density = means.of(*ours, "bits"), means.of(*theirs, "density")
    ratio, ratio_added = density * 0.23 / (bits * 0.03), means.of(*added, "bits") / bits
    found = f"{ratio:.1f}x ({ours[1]}: {bits:.3f} one-bits; {theirs[0]} {theirs[1]}: density "
    found += f"{density:.3f}); if those are added bit by bit too: {ratio_added:.1f}x"
    return _row(gate, found, ratio >= 1.3)


def _bitpruner_rows(means: Means) -> list[Row]:
    dense, half = ("plain", "8 bit"), (MAGNITUDE, "50 % zero")
    loss = means.of(*dense, "accuracy") - means.of("bitpruner", "B 2", "accuracy")
    cycles = means.of("bitpruner", "B 2", "lockstep")
    ratios = [means.of(*which, "lockstep") / cycles for which in (dense, half)]
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
    where = means.cheapest(["bitlength"], floor, "length")
    short = 8.0 if where is None else means.of(*where, "length")
    return [
        _row(
            "bitlength: the average length falls with gamma",
            " >= ".join(f"{value:.2f}" for value in bits),
            all(a >= b for a, b in pairwise(bits)) and bits[0] > bits[-1],
        ),
        _row(
            "bitlength: some gamma gives <= 4 bits within 0.5 point of 8 bit",
            f"{short:.2f} bits ({where and where[1]})",
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
    floor = means.of("plain", "8 bit", "chosen_by") - 0.003
    ours = means.cheapest(["bit_pruning"], floor, "add_nj")
    theirs = means.cheapest(WEIGHT, floor, "mult_nj")
    added = means.cheapest(WEIGHT, floor, "add_nj")
    if ours is None or theirs is None or added is None:
        found = f"held-out accuracy {floor:.4f}: reached by {ours} and {theirs}"
        return [_row("energy and digits at 8 bit's held-out accuracy - 0.3 points", found, False)]
    energy, other = means.of(*ours, "add_nj"), means.of(*theirs, "mult_nj")
    other_added = means.of(*added, "add_nj")
    loss = means.of("plain", "8 bit", "accuracy") - means.of(*ours, "accuracy")
    digits = means.of(*ours, "csd")
    return [
        _row(
            "at 8 bit's held-out accuracy - 0.3 points: energy <= 1/2 of weight pruning's",
            f"{energy:.2f} against {other:.2f} nJ ({ours[1]}; {theirs[0]} {theirs[1]}); against "
            f"weight pruning added bit by bit, too: {other_added:.2f} nJ ({added[1]})",
            energy <= other / 2,
        ),
        _row("there, digits per weight <= 0.6", f"{digits:.3f}", digits <= 0.6),
        _row("there, on the test set: loses <= 0.3 points", f"{100 * loss:.2f}", loss <= 0.003),
    ]


def _fsdd(means: Means) -> list[Row]:
    return []
