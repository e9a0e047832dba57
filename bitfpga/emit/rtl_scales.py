"""Constants of a requantiser in Verilog: see ``hls_templates/rtl/requantise.v``."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bitfpga.emit.rtl_words import Field, Parameter, pack, packed
from bitfpga.ir import Requantise
from bitfpga.plan import Terms, to_terms

Int64 = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Scale:
    """``parameters`` of a requantiser and its constant ``words``, one a multiplier, of ``bits``."""

    parameters: dict[str, Parameter]
    words: list[int]
    bits: int


def make_scale(
    multiplier: Int64, bias: Int64, requantise: Requantise, scaled_bits: int, out_bits: int
) -> Scale:
    """Return the constants for ``multiplier`` and ``bias``, int64 [n] each."""
    terms = to_terms(multiplier)
    used = terms.signs != 0
    negates = (terms.signs < 0).max(axis=0)
    skips = (~used).max(axis=0)
    least, most = _shift_ends(terms, used, requantise.shift)
    shift_bits = int((most - least).max()).bit_length()
    fields: list[Field] = [([int(b) + requantise.half for b in bias], scaled_bits)]
    for t in reversed(range(terms.n_terms)):
        places = np.where(used[:, t], terms.shifts[:, t] - least[t], 0)
        fields += [(terms.signs[:, t] < 0, 1), (used[:, t], 1), (places, shift_bits)]
    parameters: dict[str, Parameter] = {
        "SCALED_BITS": scaled_bits,
        "TERMS": terms.n_terms,
        "SHIFT_BITS": shift_bits,
        "SHIFT_MIN": packed(least, 8),
        "SHIFT_MAX": packed(most, 8),
        "MAY_NEGATE": packed(negates, 1),
        "MAY_SKIP": packed(skips, 1),
        "SHIFT": requantise.shift,
        "LOW": requantise.low,
        "HIGH": requantise.high,
        "OUT_BITS": out_bits,
    }
    bits = scaled_bits + terms.n_terms * (2 + shift_bits)
    return Scale(parameters, pack(fields), bits)


def _shift_ends(terms: Terms, used: npt.NDArray[np.bool_], shift: int) -> tuple[Int64, Int64]:
    """Return the least and the most places of each term; ``shift`` where it is never used."""
    least = np.where(used, terms.shifts, 1 << 10).min(axis=0)
    most = np.where(used, terms.shifts, -1).max(axis=0)
    never = ~used.any(axis=0)
    return np.where(never, shift, least), np.where(never, shift, most)
