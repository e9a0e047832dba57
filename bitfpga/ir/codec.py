"""Layers and types as JSON values and back, driven by the dataclass fields themselves.

Arrays do not enter the JSON: they are handed to a callback that stores them and returns a key.
What is read is checked field by field; ``ModelError`` says which field is off.
"""

from __future__ import annotations

import dataclasses
import functools
import types
import typing
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from bitfpga.errors import ModelError
from bitfpga.ir.layers import LAYER_KINDS, Layer

StoreArray = Callable[[np.ndarray[Any, Any]], str]
FetchArray = Callable[[str], np.ndarray[Any, Any]]


def encode(value: Any, store: StoreArray) -> Any:
    """Return ``value`` (dataclass, tuple, array or scalar) as a JSON value."""
    if isinstance(value, np.ndarray):
        return {"array": store(value)}
    if dataclasses.is_dataclass(value):
        fields = [f for f in dataclasses.fields(value) if not _is_left_out(f, value)]
        return {f.name: encode(getattr(value, f.name), store) for f in fields}
    if isinstance(value, tuple):
        return [encode(item, store) for item in value]
    if isinstance(value, np.generic):
        return value.item()
    return value


def _is_left_out(field: dataclasses.Field[Any], value: Any) -> bool:
    return bool(field.metadata.get("left_out_if_none")) and getattr(value, field.name) is None


def encode_layer(layer: Layer, store: StoreArray) -> dict[str, Any]:
    """Return ``layer`` as a JSON object with its kind first."""
    return {"kind": layer.kind, **encode(layer, store)}


def decode_layer(value: Any, fetch: FetchArray) -> Layer:
    """Return the layer of a JSON object."""
    if not isinstance(value, dict) or value.get("kind") not in LAYER_KINDS:
        kind = value.get("kind") if isinstance(value, dict) else value
        raise ModelError(f"layer kind {str(kind)[:60]!r}: known kinds are {', '.join(LAYER_KINDS)}")
    fields = {key: item for key, item in value.items() if key != "kind"}
    cls = LAYER_KINDS[value["kind"]]
    layer = decode(cls, fields, fetch, f"layer {str(value.get('name'))[:60]!r}")
    assert isinstance(layer, Layer)
    return layer


def decode(cls: Any, value: Any, fetch: FetchArray, where: str) -> Any:
    """Return ``value`` as an instance of ``cls``: a dataclass, tuple, union, array or scalar."""
    origin, arguments = typing.get_origin(cls), typing.get_args(cls)
    if dataclasses.is_dataclass(cls):
        return _decode_dataclass(cls, value, fetch, where)
    if origin in (typing.Union, types.UnionType):
        return None if value is None else decode(arguments[0], value, fetch, where)
    if origin is tuple:
        return _decode_tuple(arguments, value, fetch, where)
    if origin in (np.ndarray, npt.NDArray):
        if not isinstance(value, dict) or set(value) != {"array"}:
            raise ModelError(f"{where}: expected an array reference")
        array = fetch(value["array"])
        # numpy 2.5 made NDArray[scalar] an alias of its own; before, it was the long form.
        scalar = arguments[0] if origin is npt.NDArray else typing.get_args(arguments[1])[0]
        if array.dtype != np.dtype(scalar):
            raise ModelError(f"{where}: array of {array.dtype}, expected {np.dtype(scalar)}")
        return array
    if cls is float and type(value) is int:
        return float(value)
    if type(value) is not cls:
        raise ModelError(f"{where}: got {str(value)[:60]!r}, expected {cls.__name__}")
    return value


def _decode_tuple(arguments: tuple[Any, ...], value: Any, fetch: FetchArray, where: str) -> Any:
    if not isinstance(value, list):
        raise ModelError(f"{where}: got {str(value)[:60]!r}, expected a list")
    if arguments[-1] is Ellipsis:
        arguments = arguments[:1] * len(value)
    if len(arguments) != len(value):
        raise ModelError(f"{where}: {len(value)} entries, expected {len(arguments)}")
    pairs = zip(arguments, value, strict=True)
    return tuple(decode(cls, item, fetch, where) for cls, item in pairs)


@functools.cache
def _type_hints(cls: Any) -> dict[str, Any]:
    return typing.get_type_hints(cls)


def _decode_dataclass(cls: Any, value: Any, fetch: FetchArray, where: str) -> Any:
    fields = dataclasses.fields(cls)
    names = {f.name for f in fields}
    needed = {f.name for f in fields if not f.metadata.get("left_out_if_none")}
    if not isinstance(value, dict) or not needed <= set(value) <= names:
        got = sorted(value) if isinstance(value, dict) else value
        raise ModelError(f"{where}: fields {str(got)[:120]}, expected {sorted(needed)}")
    hints = _type_hints(cls)
    return cls(**{key: decode(hints[key], value[key], fetch, f"{where}, {key}") for key in value})
