"""What a requantiser's constants ask of the hardware: ``requantise.v`` and its table."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bitfpga.ir import Requantise
from bitfpga.plan.multipliers import to_terms
from bitfpga.plan.widths import signed_bits

Int64 = npt.NDArray[np.int64]


@dataclass(frozen=True)
class ScaleCost:
    """``lane_luts``: LUTs of one lane. ``rows`` of ``word_bits``: the table of constants; one row
    is wiring."""

    lane_luts: int
    rows: int
    word_bits: int


def scale_cost(
    multiplier: Int64, bias: Int64, requantise: Requantise, scaled_bits: int, value_bits: int
) -> ScaleCost:
    """Return the cost for ``multiplier`` and ``bias``, int64 [n] each.

    A term is an adder of the bits above its least shift, and of no bit below which the sum so far
    is constant; its shifter has a level of multiplexers for every two bits in which the shifts
    differ. The clamp chooses a limit or the value for each output bit.
    """
    terms = to_terms(multiplier)
    used, shifts = terms.signs != 0, terms.shifts
    rows = len(np.unique(np.column_stack([multiplier, bias]), axis=0))
    known = scaled_bits if rows == 1 else 0  # bits of the sum so far that are constant
    luts, word_bits = 0, _bias_bits(bias + requantise.half)
    for term in range(terms.n_terms):
        places = shifts[used[:, term], term]
        if not places.size:
            continue
        negative, least = terms.signs[:, term] < 0, int(places.min())
        start = least if negative.any() else max(least, min(known, scaled_bits))
        differing = differing_bits(places - least)
        width = min(scaled_bits - least, value_bits + int(places.max()) - least)
        luts += scaled_bits - start + -(-differing // 2) * width
        known = min(known, least)
        skips = bool((~used[:, term]).any())
        word_bits += differing + skips + bool(negative.any() and not negative.all())
    kept = signed_bits(requantise.low, requantise.high)
    luts += kept + max(scaled_bits - requantise.shift - kept, 0) // 5
    return ScaleCost(luts, rows, word_bits)


def _bias_bits(bias: Int64) -> int:
    """Return the bits in which biases differ, a sign that is repeated counted once."""
    return min(signed_bits(int(bias.min()), int(bias.max())), 64) if np.ptp(bias) else 0


def differing_bits(values: Int64) -> int:
    """Return how many bits are not the same in all ``values``, int64 [at least 1]."""
    return int(np.bitwise_count(np.bitwise_or.reduce(values ^ values[0])))
