"""Tap words: a stream without code, one word for every cycle of a PE.

A word is ``(span - index) << 2 | shift << 1 | negate``: the row of the job that is added, and
whether the sum is doubled first. The null tap at index ``span`` reads zero, so that the word 0
does nothing. Words need no decoder, only more bits than cells: where a PE's memory is not full
anyway, they are the cheaper stream.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]
Bool = npt.NDArray[np.bool_]
Words = npt.NDArray[np.uint32]

NO_CODE = 0  # symbol bits of a stream of tap words
WORD_FLAGS = 2


def word_bits(span: int) -> int:
    """Return the bits of a tap word for jobs of ``span`` rows."""
    return span.bit_length() + WORD_FLAGS


def tap_words(gaps: Int32, negate: Bool, bounds: Int64, span: int) -> Words:
    """Return the word of each gap and its tap's sign, uint32 [n].

    ``bounds``: first gap of each job and the end, int64 [n_jobs + 1]. No gap passes two planes.
    """
    lengths = np.diff(bounds)
    place = np.cumsum(gaps, dtype=np.int64)
    place -= np.repeat(np.append(0, place)[bounds[:-1]], lengths) + 1
    plane, index = np.divmod(place, span + 1)
    shift = np.diff(plane, prepend=0)
    shift[bounds[:-1][lengths > 0]] = 0
    words: Words = ((span - index) << WORD_FLAGS | shift << 1 | negate).astype(np.uint32)
    return words


def pack_words(words: Words, n_words: Int64) -> npt.NDArray[np.uint64]:
    """Return the words of one PE after another as rows, uint64 [n_pes, most words], at least one.

    ``n_words``: of each PE, int64 [n_pes]. Shorter PEs are filled up with 0.
    """
    rows = np.zeros((len(n_words), max(1, int(n_words.max(initial=0)))), np.uint64)
    rows[np.arange(rows.shape[1]) < n_words[:, None]] = words
    return rows
