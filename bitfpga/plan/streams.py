"""Index streams: the taps of a dense layer in the order the hardware eats them.

Per output: planes from the highest to the lowest used (Horner), in a plane first the taps that
add, then those that subtract, by rising input. An empty plane between two used ones costs one
word that only shifts; empty planes above and below cost nothing.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from bitfpga.digits import Digits, NumberSystem, to_digits
from bitfpga.plan.dealing import deal
from bitfpga.plan.schedule import LayerStream
from bitfpga.plan.words import INDEX_SHIFT, LAST, NEGATE, SHIFT

Int64 = npt.NDArray[np.int64]
_CHUNK_ELEMENTS = 1 << 18


def stream_lengths(digits: Digits) -> Int64:
    """Return the words of each output, int64 [n_outputs]: its taps and its inner empty planes."""
    taps = digits.counts.sum(axis=1, dtype=np.int64)
    used = np.bitwise_or.reduce(digits.positive | digits.negative, axis=1).astype(np.int64)
    n_used = np.bitwise_count(used).astype(np.int64)
    span = _bit_length(used) - trailing_planes(used)
    lengths: Int64 = taps + np.where(used > 0, span - n_used, 0)
    return lengths


def trailing_planes(used: Int64) -> Int64:
    """Return the lowest used plane of each output from its mask of used planes (0 if none)."""
    return np.where(used > 0, _bit_length(used & -used) - 1, 0)


def build_stream(
    weight: npt.NDArray[np.int16], system: NumberSystem, n_pes: int, word_bits: int
) -> LayerStream:
    """Return the stream of ``weight`` [n_outputs, n_inputs] on ``n_pes`` PEs."""
    n_outputs, n_inputs = weight.shape
    lengths = stream_lengths(to_digits(weight, system))
    hands = deal(lengths, n_pes)
    live = np.concatenate([*hands, np.zeros(0, np.int64)])
    pruned = np.flatnonzero(lengths == 0)
    order = np.concatenate([live, pruned])
    pe_words = np.array([lengths[hand].sum() for hand in hands], np.int64)
    dtype = np.dtype(f"uint{word_bits}")
    padding = n_inputs << INDEX_SHIFT
    words = np.full((n_pes, int(pe_words.max(initial=0))), padding, dtype)
    starts = np.cumsum(lengths[live]) - lengths[live]
    flat = np.empty(int(lengths.sum()), dtype)
    rows = max(1, _CHUNK_ELEMENTS // n_inputs)
    used = np.zeros(n_outputs, np.int64)
    for first in range(0, len(live), rows):
        chosen = live[first : first + rows]
        digits = to_digits(weight[chosen], system)
        used[chosen] = np.bitwise_or.reduce(digits.positive | digits.negative, axis=1)
        begin = int(starts[first])
        chunk = _chunk_words(digits, n_inputs, dtype)
        flat[begin : begin + len(chunk)] = chunk
    words[np.arange(words.shape[1]) < pe_words[:, None]] = flat
    slots = np.array([len(hand) for hand in hands], np.int64)
    return LayerStream(words, pe_words, order, slots, trailing_planes(used)[order])


def read_stream(stream: LayerStream, n_inputs: int) -> Int64:
    """Return the weights, int64 [n_outputs, n_inputs], that the stream's words describe.

    It follows the words as a PE does, so it proves the stream.
    """
    weight = np.zeros((len(stream.order), n_inputs), np.int64)
    slot = 0
    for pe, length in enumerate(stream.lengths):
        row = np.zeros(n_inputs + 1, np.int64)
        for word in stream.words[pe, :length].tolist():
            if word & SHIFT:
                row *= 2
            row[word >> INDEX_SHIFT] += -1 if word & NEGATE else 1
            if word & LAST:
                weight[stream.order[slot]] = row[:n_inputs] << stream.trailing[slot]
                slot += 1
                row[:] = 0
    return weight


def _bit_length(values: Int64) -> Int64:
    return np.frexp(values.astype(np.float64))[1].astype(np.int64)


def _chunk_words(
    digits: Digits, n_inputs: int, dtype: np.dtype[Any]
) -> npt.NDArray[np.unsignedinteger[Any]]:
    """Return the words of consecutive live outputs, one after the other."""
    planes = digits.planes[::-1]
    n_outputs = len(digits.positive)
    present = np.empty((n_outputs, len(planes), 2, n_inputs), bool)
    for i, plane in enumerate(planes):
        for sign, masks in enumerate((digits.positive, digits.negative)):
            np.not_equal(masks & np.uint16(1 << plane), 0, out=present[:, i, sign])
    run, index = np.divmod(np.flatnonzero(present).astype(np.int32), n_inputs)
    group = run >> 1
    output = group // len(planes)
    last = np.append(output[1:] != output[:-1], True)
    drop = np.diff(group, prepend=0)
    drop[0] = 0
    drop[1:][last[:-1]] = 0
    tap = (index << INDEX_SHIFT) | (drop > 0) * SHIFT | (run & 1) * NEGATE | last * LAST
    gaps = np.maximum(drop - 1, 0)
    shift_only = (n_inputs << INDEX_SHIFT) | SHIFT
    words = np.full(len(tap) + int(gaps.sum()), shift_only, dtype)
    words[np.arange(len(tap)) + np.cumsum(gaps)] = tap
    return words
