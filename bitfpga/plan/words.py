"""The word of an index stream: one tap. The same layout stands in ``bitfpga/tap_word.hpp``.

bit 0 ``negate``: subtract; bit 1 ``shift``: double the accumulator first (a new plane begins);
bit 2 ``last``: the output is complete; from bit 3 the input index. Index ``n_inputs`` reads a
constant zero, which serves the shift over an empty plane and the padding at a stream's end.
"""

from __future__ import annotations

NEGATE, SHIFT, LAST = 1, 2, 4
INDEX_SHIFT = 3


def word_bits(n_inputs: int) -> int:
    """Return the container width of a word, 16 or 32, that holds indices 0..n_inputs."""
    return 16 if n_inputs.bit_length() + INDEX_SHIFT <= 16 else 32


def used_bits(n_inputs: int) -> int:
    """Return the bits of a word that carry information."""
    return n_inputs.bit_length() + INDEX_SHIFT
