"""What a layer has to do, counted from its integer weights: digits, operations, lock-step cycles.

The counts are those of Sekikawa & Yashima, "Bit-pruning" (ICLR 2023), Table 2; ``energy`` puts a
price on them.
"""

from __future__ import annotations

import operator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from bitfpga.digits import LARGEST, NumberSystem, to_digits
from bitfpga.errors import PruneError

Weights = npt.NDArray[np.integer[Any]]
MAX_PLANES = LARGEST.bit_length()


@dataclass(frozen=True)
class LayerWork:
    """What one layer does for one sample, counted from its integer weights by ``layer_work``.

    ``n_weights`` and what follows it count stored weights; each is used at ``n_positions`` output
    positions (1 for dense). ``weight_bits`` is M, the planes of |w|; ``csd_planes`` the planes of
    the signed digits, M + 1 where a digit lies above the magnitude (255 = 256 - 1), else M.
    """

    name: str
    n_weights: int
    n_nonzero: int
    n_positions: int
    n_outputs: int
    weight_bits: int
    one_bits: int
    csd_digits: int
    csd_planes: int

    @property
    def macs(self) -> int:
        """Multiply-accumulates with zero weights included."""
        return self.n_weights * self.n_positions

    @property
    def density(self) -> float:
        """Share of weights that are not zero, 0..1: sigma_mult of eq 9."""
        return self.n_nonzero / self.n_weights

    @property
    def sigma_add(self) -> float:
        """Share of one-bits in the M planes of |w|, 0..1: sigma_add of Table 2 and eq 9."""
        return self.one_bits / (self.weight_bits * self.n_weights)

    def digits(self, system: NumberSystem | str = NumberSystem.BINARY) -> int:
        """Return the number of digits of all weights: one-bits of |w|, or signed digits."""
        return self.one_bits if check_system(system) is NumberSystem.BINARY else self.csd_digits

    def digits_per_weight(self, system: NumberSystem | str = NumberSystem.BINARY) -> float:
        """Return the mean number of digits of a weight, zeros included."""
        return self.digits(system) / self.n_weights

    def adds(self, system: NumberSystem | str = NumberSystem.BINARY) -> int:
        """Return the additions of add-shift-add form (Table 2).

        One per digit, and planes - 1 per dot product to join its planes, also where a plane or
        the whole dot product is empty. Subtractions count as additions: a sign is free.
        """
        return self.digits(system) * self.n_positions + self.shifts(system)

    def shifts(self, system: NumberSystem | str = NumberSystem.BINARY) -> int:
        """Return the shifts of add-shift-add form (Table 2): planes - 1 per dot product."""
        binary = check_system(system) is NumberSystem.BINARY
        planes = self.weight_bits if binary else self.csd_planes
        return (planes - 1) * self.n_outputs * self.n_positions


def layer_work(name: str, weights: Weights, n_positions: int, weight_bits: int) -> LayerWork:
    """Return the work of a layer with integer ``weights`` [n_outputs, ...], |w| < 2^weight_bits.

    ``n_positions`` is the number of output positions each weight is used at (1 for dense,
    height x width of the output for a convolution), ``weight_bits`` the planes M, 1..14.
    ``PruneError`` for anything else.
    """
    n_positions = check_whole(f"layer '{name}': positions", n_positions, 1)
    weight_bits = check_whole(f"layer '{name}': weight bits", weight_bits, 1, MAX_PLANES)
    values = check_weights(name, weights, weight_bits)
    if values.ndim < 2:
        raise PruneError(
            f"layer '{name}': weights of shape {values.shape}, but [n_outputs, n_inputs, ...] "
            "is needed; reshape them"
        )
    csd = to_digits(values, NumberSystem.CSD)
    return LayerWork(
        name=name,
        n_weights=values.size,
        n_nonzero=int(np.count_nonzero(values)),
        n_positions=n_positions,
        n_outputs=values.shape[0],
        weight_bits=weight_bits,
        one_bits=to_digits(values, NumberSystem.BINARY).count,
        csd_digits=csd.count,
        csd_planes=max(weight_bits, len(csd.planes)),
    )


def lockstep_cycles(weights: Weights, group: int = 32) -> float:
    """Return the mean cycles per lock-step group of integer ``weights`` [n_outputs, n_inputs].

    Each output takes its inputs ``group`` at a time, a one-bit of every |w| per cycle, so a group
    takes as many cycles as its largest popcount, and none if all its weights are zero. A short
    last group counts as one whole group. Model of the bit-serial accelerators of Zhao et al.,
    "BitPruner" (DAC 2020); to join layers, weigh by n_outputs · ceil(n_inputs / group).
    ``PruneError`` for other arrays or a group below 1.
    """
    group = check_whole("lock-step group", group, 1)
    values = check_weights("lock-step", weights)
    if values.ndim != 2:
        raise PruneError(
            f"lock-step weights of shape {values.shape}, but [n_outputs, n_inputs] is needed"
        )
    counts = to_digits(values, NumberSystem.BINARY).counts
    n_inputs = values.shape[1]
    starts = np.arange(0, n_inputs, min(group, n_inputs))
    return float(np.maximum.reduceat(counts, starts, axis=1).mean())


def check_weights(name: str, weights: Weights, weight_bits: int = MAX_PLANES) -> Weights:
    """Return ``weights`` as an array; ``PruneError`` unless integers with |w| < 2^weight_bits."""
    values = np.asarray(weights)
    if values.dtype.kind not in "iu":
        raise PruneError(
            f"layer '{name}': weights of dtype {values.dtype}, but integers are needed; "
            "quantise them first"
        )
    if not values.size:
        raise PruneError(f"layer '{name}': no weights in an array of shape {values.shape}")
    largest = max(abs(int(values.min())), abs(int(values.max())))
    if largest >> weight_bits:
        raise PruneError(
            f"layer '{name}': a weight of magnitude {largest} in {weight_bits} weight bits, but "
            f"at most {(1 << weight_bits) - 1} fits; give more weight bits or clip the weights"
        )
    return values


def check_whole(what: str, value: Any, lowest: int, highest: int | None = None) -> int:
    """Return ``value`` as an int; ``PruneError`` unless whole and within the bounds."""
    allowed = f"a whole number from {lowest}" + (f" to {highest}" if highest is not None else "")
    try:
        number = operator.index(value)
    except TypeError:
        raise PruneError(f"{what} {value!r}, but {allowed} is needed") from None
    if number < lowest or (highest is not None and number > highest):
        raise PruneError(f"{what} {number}, but {allowed} is needed")
    return number


def check_system(system: NumberSystem | str) -> NumberSystem:
    """Return the number system of that name; ``PruneError`` unless single weights have it."""
    for known in (NumberSystem.BINARY, NumberSystem.CSD):
        if system == known:
            return known
    raise PruneError(f"number system {system!r} is unknown here; use one of binary, csd")
