"""How binary-pruned weights lie in memory: 8 - N columns of bits a group, and one byte of metadata.

BBS (Chen et al., MICRO 2024), section "encoding". Columns are plane-major: all bits of plane 0 of
a group (bit i is weight i, the first in the lowest bit), then plane 1, up to the sign. A group
that does not fill its last byte leaves zeros there. The metadata byte holds the redundant columns
in bits 6 and 7 and the constant in bits 0 to 5: unsigned under rounded averaging, two's
complement under zero-point shifting. Sensitive outputs lie apart, with 8 columns and no metadata;
decoding puts all outputs back in order.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from bitfpga.errors import PruneError
from bitfpga.ir import ROUNDED_AVERAGING, BitGroups

Integers = npt.NDArray[np.integer[Any]]
Bytes = npt.NDArray[np.uint8]
_METADATA_BITS = 8
_CONSTANT_BITS = 6


@dataclass(frozen=True, eq=False)
class EncodedWeights:
    """The bytes of one layer's weights, and what is needed to read them.

    ``columns``: uint8 [n_pruned, bytes of an output], ``metadata``: uint8 [n_pruned, n_groups],
    ``plain``: uint8 [n_sensitive, bytes of an output]; ``sensitive``: uint8 [n_outputs], 1 for
    the outputs in ``plain``.
    """

    mode: str
    n_sparse: int
    group_size: int
    n_inputs: int
    sensitive: Bytes
    columns: Bytes
    metadata: Bytes
    plain: Bytes

    @property
    def n_bytes(self) -> int:
        """Bytes of columns and metadata, those that fill up short groups included."""
        return self.columns.nbytes + self.metadata.nbytes + self.plain.nbytes


def encode(weight: Integers, groups: BitGroups) -> EncodedWeights:
    """Return the bytes of ``weight`` [n_outputs, ...], whose codes are ``groups``.

    Exact: ``decode`` gives both back. ``PruneError`` where ``groups`` do not hold the weights.
    """
    rows = weight.reshape(len(weight), -1)
    if not groups.holds(rows).all():
        raise PruneError("these weights are not those of the groups: prune them first")
    stored = groups.stored(rows)
    pruned, plain = groups.sensitive == 0, groups.sensitive != 0
    constant = groups.constant[pruned].astype(np.uint8) & ((1 << _CONSTANT_BITS) - 1)
    return EncodedWeights(
        mode=groups.mode,
        n_sparse=groups.n_sparse,
        group_size=groups.group_size,
        n_inputs=rows.shape[1],
        sensitive=groups.sensitive,
        columns=_pack(stored[pruned], 8 - groups.n_sparse, groups.group_size),
        metadata=groups.redundant[pruned] << _CONSTANT_BITS | constant,
        plain=_pack(stored[plain], 8, groups.group_size),
    )


def decode(encoded: EncodedWeights) -> tuple[npt.NDArray[np.int16], BitGroups]:
    """Return the weights, int16 [n_outputs, n_inputs], and their codes."""
    pruned, plain = encoded.sensitive == 0, encoded.sensitive != 0
    shape = (len(pruned), encoded.metadata.shape[1])
    redundant, constant = np.zeros(shape, np.uint8), np.zeros(shape, np.int8)
    redundant[pruned] = encoded.metadata >> _CONSTANT_BITS
    six_bits = (encoded.metadata & ((1 << _CONSTANT_BITS) - 1)).astype(np.int8)
    signed = encoded.mode != ROUNDED_AVERAGING
    constant[pruned] = _sign_extended(six_bits, _CONSTANT_BITS) if signed else six_bits
    groups = BitGroups(
        encoded.mode,
        encoded.n_sparse,
        encoded.group_size,
        redundant=redundant,
        constant=constant,
        sensitive=encoded.sensitive,
    )
    stored = np.empty((len(pruned), encoded.n_inputs), np.int16)
    sizes = encoded.n_inputs, encoded.group_size
    stored[pruned] = _unpack(encoded.columns, 8 - encoded.n_sparse, *sizes)
    stored[plain] = _unpack(encoded.plain, 8, *sizes)
    return groups.decode(stored), groups


def code_bits(groups: BitGroups, n_inputs: int) -> int:
    """Return the bits of a layer's columns and metadata, without those that fill up bytes.

    A weight of a whole group takes 8 - n_sparse + 8 / group_size bits, a sensitive one 8; which
    outputs are sensitive (one bit each) is not counted, as in the paper.
    """
    n_outputs, n_groups = (int(n) for n in groups.redundant.shape)
    n_sensitive = int(groups.sensitive.sum())
    pruned = n_inputs * (8 - groups.n_sparse) + n_groups * _METADATA_BITS
    return n_sensitive * n_inputs * 8 + (n_outputs - n_sensitive) * pruned


class _Part(NamedTuple):
    """Groups of one size, side by side in every row: the whole ones, or the short last one.

    Either may hold no weights.
    """

    n_groups: int
    size: int

    @property
    def n_weights(self) -> int:
        return self.n_groups * self.size

    @property
    def plane_bytes(self) -> int:
        return -(-self.size // 8)


def _parts(n_inputs: int, group_size: int) -> list[_Part]:
    n_whole, rest = divmod(n_inputs, group_size)
    return [_Part(n_whole, group_size), _Part(1, rest)]


def _pack(stored: Integers, n_columns: int, group_size: int) -> Bytes:
    """Return the low ``n_columns`` planes, uint8 [n_rows, bytes], of [n_rows, n_inputs]."""
    n_rows, n_inputs = stored.shape
    planes = np.arange(n_columns, dtype=np.int16)[:, None]
    packed, start = [], 0
    for part in _parts(n_inputs, group_size):
        values = stored[:, start : start + part.n_weights]
        bits = values.reshape(n_rows, part.n_groups, 1, part.size) >> planes & 1
        packs = np.packbits(bits.astype(np.uint8), axis=-1, bitorder="little")
        packed.append(packs.reshape(n_rows, part.n_groups * n_columns * part.plane_bytes))
        start += part.n_weights
    return np.hstack(packed)


def _unpack(packed: Bytes, n_columns: int, n_inputs: int, group_size: int) -> Integers:
    """Return the values [n_rows, n_inputs], int16, of ``_pack``'s bytes."""
    n_rows = len(packed)
    powers = (1 << np.arange(n_columns, dtype=np.int16))[:, None]
    unpacked, start = [], 0
    for part in _parts(n_inputs, group_size):
        stop = start + part.n_groups * n_columns * part.plane_bytes
        planes = packed[:, start:stop].reshape(n_rows, part.n_groups, n_columns, part.plane_bytes)
        bits = np.unpackbits(planes, axis=-1, count=part.size, bitorder="little")
        values = (bits * powers).sum(axis=2, dtype=np.int16)
        unpacked.append(values.reshape(n_rows, part.n_weights))
        start = stop
    return _sign_extended(np.hstack(unpacked), n_columns)


def _sign_extended(values: Integers, n_bits: int) -> Integers:
    """Return unsigned values of ``n_bits`` bits read as two's complement."""
    return np.asarray(values - ((values >> (n_bits - 1)) << n_bits))
