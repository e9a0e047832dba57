"""Requantisers for tests of the RTL: random constants, their words, and the plain result."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from rtl_choice import join

Term = tuple[int, int]  # sign, shift; a sign of 0 is an unused term


@dataclass(frozen=True)
class Scaling:
    """What ``requantise.v`` is built for. ``spans``: least and most shift of each term."""

    spans: tuple[tuple[int, int], ...]
    in_bits: int
    scaled_bits: int
    shift: int
    low: int
    high: int
    out_bits: int
    negate: bool = True
    skip: bool = True
    bias_limit: int = 0
    scales: list[tuple[int, tuple[Term, ...]]] = field(default_factory=list)

    @property
    def n_terms(self) -> int:
        return len(self.spans)

    @property
    def shift_bits(self) -> int:
        return max((most - least for least, most in self.spans), default=0).bit_length()

    @property
    def word_bits(self) -> int:
        return self.scaled_bits + self.n_terms * (2 + self.shift_bits)

    def parameters(self) -> str:
        n = max(self.n_terms, 1)
        least = join([least for least, _ in self.spans], 8)
        most = join([most for _, most in self.spans], 8)
        flags = (self.negate * ((1 << n) - 1), self.skip * ((1 << n) - 1))
        return (
            f".SCALED_BITS({self.scaled_bits}), .TERMS({self.n_terms}), "
            f".SHIFT_BITS({self.shift_bits}), .SHIFT({self.shift}), .OUT_BITS({self.out_bits}), "
            f".SHIFT_MIN({8 * n}'d{least}), .SHIFT_MAX({8 * n}'d{most}), "
            f".MAY_NEGATE({n}'d{flags[0]}), .MAY_SKIP({n}'d{flags[1]}), "
            f".LOW({self.low}), .HIGH({self.high})"
        )

    def random_scale(self, rng: random.Random) -> tuple[int, tuple[Term, ...]]:
        """Return a bias and terms; no term at all now and then where terms may be skipped."""
        zero = self.skip and rng.random() < 0.2
        terms = []
        for least, most in self.spans:
            sign = rng.choice([1, -1]) if self.negate else 1
            used = not zero and not (self.skip and rng.random() < 0.2)
            terms.append((sign, rng.choice([least, most, rng.randint(least, most)])) if used
                         else (0, least))  # fmt: skip
        inside = min(self.bias_limit, 1 << (self.shift + self.out_bits - 2))
        limit = inside if rng.random() < 0.8 else self.bias_limit  # mostly not clamped
        return rng.randint(-limit, limit), tuple(terms)

    def word(self, scale: tuple[int, tuple[Term, ...]]) -> int:
        bias, terms = scale
        word = (bias + ((1 << self.shift) >> 1)) & (1 << self.scaled_bits) - 1
        for (sign, shift), (least, _) in reversed(list(zip(terms, self.spans, strict=True))):
            word = word << 1 | (sign < 0)
            word = word << 1 | (sign != 0)
            word = word << self.shift_bits | (shift - least)
        return word

    def apply(self, value: int, scale: tuple[int, tuple[Term, ...]]) -> int:
        bias, terms = scale
        multiplier = sum(sign << shift if sign > 0 else -(-sign << shift) for sign, shift in terms)
        half = (1 << self.shift) >> 1
        assert abs(value) * sum(abs(s) << k for s, k in terms) + abs(bias) + half < 1 << (
            self.scaled_bits - 1
        )
        return min(max((value * multiplier + bias + half) >> self.shift, self.low), self.high)


def extremes(bits: int, signed: bool, rng: random.Random) -> int:
    """Return a value of the type: an end, near zero, or any."""
    low, high = (-(1 << bits - 1), (1 << bits - 1) - 1) if signed else (0, (1 << bits) - 1)
    small, large = rng.randint(max(low, -2), min(high, 2)), rng.randint(low, high)
    return rng.choice([low, high, 0, small, large, large])


def signed_values(word: int, bits: int, count: int) -> list[int]:
    """Return ``count`` signed values that lie side by side."""
    fields = [word >> k * bits & (1 << bits) - 1 for k in range(count)]
    return [value - (value >> bits - 1 << bits) for value in fields]
