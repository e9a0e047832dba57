"""Words of tables: fields packed into integers, and integers as the text of a hex file."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class Sized:
    """A number as a parameter of ``bits`` bits, two's complement where it is negative."""

    value: int
    bits: int


Parameter = int | str | Sized
Field = tuple[npt.NDArray[Any] | Sequence[int], int]


def address_bits(rows: int) -> int:
    """Return the bits that tell ``rows`` words apart, at least 1."""
    return max(1, (rows - 1).bit_length())


def pack(fields: Sequence[Field]) -> list[int]:
    """Return words of ``fields`` (values, bits), the first in the highest bits.

    ValueError where a value does not fit its field.
    """
    words = [0] * len(fields[0][0])
    for values, bits in fields:
        for i, value in enumerate(np.asarray(values).tolist()):
            if not -(1 << bits) < 2 * int(value) + 1 < 1 << (bits + 1):
                raise ValueError(f"{value} does not fit {bits} bits")
            words[i] = words[i] << bits | int(value) & ((1 << bits) - 1)
    return words


def packed(values: Iterable[int], bits: int) -> Sized:
    """Return ``values`` side by side, the first in the lowest ``bits`` bits."""
    numbers = [int(value) for value in values]
    word = 0
    for value in reversed(numbers):
        word = word << bits | value & ((1 << bits) - 1)
    return Sized(word, bits * max(len(numbers), 1))


def side_by_side(words: Sequence[int], bits: int, count: int) -> list[int]:
    """Return ``count`` neighbouring words of ``bits`` bits as one each, the first lowest."""
    groups = [words[i : i + count] for i in range(0, len(words), count)]
    return [packed(group, bits).value for group in groups]


def hex_file(words: Iterable[int], bits: int) -> bytes:
    """Return the text that $readmemh reads: one word of ``bits`` bits a line."""
    digits, mask = -(-bits // 4), (1 << bits) - 1
    return "".join(f"{int(word) & mask:0{digits}x}\n" for word in words).encode()


def verilog(value: Parameter) -> str:
    """Return a parameter as Verilog text."""
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, Sized):
        return f"{value.bits}'h{value.value & ((1 << value.bits) - 1):x}"
    if not -(1 << 31) <= value < 1 << 31:
        raise ValueError(f"{value} is no 32-bit parameter")
    return str(value)
