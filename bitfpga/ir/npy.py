"""``.npy`` bytes of plain arrays and back.

Read are the bytes numpy writes for an array of integers or reals, C order, little-endian, and no
others: numpy's own reader evaluates a header as Python text, and fails in many ways on a bad one.
"""

from __future__ import annotations

import io
import math
import re
from typing import Any

import numpy as np

from bitfpga.errors import ModelError
from bitfpga.ir.tensors import FILE_DTYPES

_MAGIC = b"\x93NUMPY\x01\x00"
_HEADER = re.compile(
    rb"{'descr': '(?P<dtype>[<|][iuf][1248])', 'fortran_order': False, "
    rb"'shape': \((?P<shape>|[0-9]{1,10},|[0-9]{1,10}(, [0-9]{1,10}){1,31})\), } *\n"
)
_DTYPES = {np.dtype(name).newbyteorder("<").str: np.dtype(name) for name in FILE_DTYPES}


def npy_bytes(array: np.ndarray[Any, Any]) -> bytes:
    """Return ``array`` (one of ``FILE_DTYPES``) as an npy file of version 1.0."""
    buffer = io.BytesIO()
    plain = np.asarray(array, array.dtype.newbyteorder("<"), order="C")
    np.lib.format.write_array(buffer, plain, (1, 0), allow_pickle=False)
    return buffer.getvalue()


def read_npy(data: bytes, name: str) -> np.ndarray[Any, Any]:
    """Return the read-only array of ``npy_bytes``; ``name`` is for the ``ModelError``."""
    if data[: len(_MAGIC)] != _MAGIC:
        raise ModelError(f"array {name!r} is not an npy file of version 1.0")
    start = len(_MAGIC) + 2
    end = start + int.from_bytes(data[len(_MAGIC) : start], "little")
    header = _HEADER.fullmatch(data[start:end])
    dtype = header and _DTYPES.get(header["dtype"].decode())
    if not header or not dtype:
        raise ModelError(
            f"array {name!r}: header {data[start : start + 80]!r} is not that of a plain array "
            "of integers or reals, in C order and little-endian"
        )
    shape = tuple(int(n) for n in header["shape"].split(b",") if n)
    if end + math.prod(shape) * dtype.itemsize != len(data):
        raise ModelError(f"array {name!r}: shape {shape} does not match its {len(data)} bytes")
    return np.frombuffer(data, dtype, offset=end).reshape(shape)
