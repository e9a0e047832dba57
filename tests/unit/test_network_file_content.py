"""A sound zip with wrong content (digests right) is one ``ModelError`` that says where."""

from __future__ import annotations

import io
import json
import os
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from network_files import (
    assert_refused,
    edited,
    network_with_everything,
    npy,
    read_entries,
    saved_array,
    signed,
    with_array,
    write_entries,
)
from small_layers import dense, one_layer

SMALL = network_with_everything(one_layer(dense()))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return SMALL.save(tmp_path / "net.bitfpga")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"version": 2}, "format version 2: this bitfpga reads 1; use the version that wrote it"),
        ({"version": True}, "format version True"),
        ({"version": None}, "format version None"),
        ({"version": "x" * 999}, "format version xxx"),
        ({"format": "onnx"}, "not a bitfpga network"),
        ({"sha256": []}, "does not list the entries"),
        ({"sha256": {}}, "does not list the entries"),
    ],
)
def test_manifests(path: Path, change: dict[str, Any], words: str) -> None:
    entries = read_entries(path)
    manifest = {**json.loads(entries["manifest.json"]), **change}
    write_entries(path, {**entries, "manifest.json": json.dumps(manifest).encode()})
    assert_refused(path, words)


@pytest.mark.parametrize(
    "text", ["[]", "7", "null", '"a"', "{}", "{", "\xff", "[" * 100_000, "NaN"]
)
def test_json_that_is_something_else(path: Path, text: str) -> None:
    entries = read_entries(path)
    data = text.encode("latin1")
    assert_refused(write_entries(path, {**entries, "manifest.json": data}), "damaged|manifest")
    assert_refused(write_entries(path, signed({**entries, "network.json": data})))


def at(*keys: Any, value: Any) -> Callable[[Any], None]:
    """Return an edit that puts ``value`` at this place of the document."""

    def edit(document: Any) -> None:
        for key in keys[:-1]:
            document = document[key]
        document[keys[-1]] = value

    return edit


FC = ("layers", 0)
EDITS: list[tuple[Callable[[Any], Any], str]] = [
    (at("name", value="a b"), "network name 'a b'"),
    (at("name", value=7), "network name 7"),
    (at("extra", value=7), "must hold exactly"),
    (lambda document: document.pop("metadata") and None, "must hold exactly"),
    (at("layers", value={}), "layers a list"),
    (at("layers", value=[]), "no layers"),
    (at("layers", 0, value=[]), "layer kind"),
    (at("layers", 0, value={"kind": []}), "damaged|layer kind"),
    (at(*FC, "kind", value="__class__"), "layer kind '__class__': known kinds are dense"),
    (at(*FC, "kind", value="x" * 999), "layer kind 'xxx"),
    (at(*FC, "kind", value="max_pool"), "layer 'fc': fields"),
    (at(*FC, "extra", value=1), "layer 'fc': fields"),
    (lambda document: document["layers"][0].pop("weight") and None, "layer 'fc': fields"),
    (at(*FC, "name", value="x;rm -rf"), "layer name"),
    (at(*FC, "name", value=None), "name: got 'None', expected str"),
    (at(*FC, "origin", value="a\x1b[2Jb"), "origin .* printable"),
    (at(*FC, "origin", value="x" * 9999), "origin .* at most 255"),
    (at(*FC, "inputs", value="input"), "inputs: got 'input', expected a list"),
    (at(*FC, "inputs", value=[7]), "inputs: got '7', expected str"),
    (at(*FC, "inputs", value=["missing" * 999]), "reads"),
    (at(*FC, "weight", value=[[1, 2]]), "weight: expected an array reference"),
    (at(*FC, "weight", value={"array": 7}), "array '7' is missing"),
    (at(*FC, "weight", value={"array": "network.json"}), "not an npy file"),
    (at(*FC, "weight", value={"array": "../x"}), "array '../x' is missing"),
    (
        at(*FC, "weight", value={"array": "arrays/0001.npy"}),
        "weight: array of int64, expected int16",
    ),
    (at(*FC, "requantise", value=None), "requantise: fields None"),
    (at(*FC, "requantise", "shift", value=True), "shift: got 'True', expected int"),
    (at(*FC, "requantise", "shift", value=1.0), "shift: got '1.0', expected int"),
    (at(*FC, "requantise", "shift", value=1 << 99), "shift .*0 to 62"),
    (at(*FC, "output", value=[]), "output: fields"),
    (at(*FC, "output", "bits", value=True), "bits: got 'True', expected int"),
    (at(*FC, "output", "bits", value="8"), "bits: got '8', expected int"),
    (at(*FC, "output", "bits", value=10**300), "1 to 16"),
    (at(*FC, "output", "signed", value=1), "signed: got '1', expected bool"),
    (at(*FC, "output", "shape", value=7), "shape: got '7', expected a list"),
    (at(*FC, "output", "shape", value=[True]), "shape: got 'True', expected int"),
    (at(*FC, "output", "shape", value=[-3]), r"shape \(-3,\)"),
    (at(*FC, "output", "shape", value=[0]), r"shape \(0,\)"),
    (at(*FC, "output", "shape", value=[1 << 40, 1 << 40]), "more than"),
    (at(*FC, "output", "shape", value=[1] * 99_999), "99999 axes"),
    (at(*FC, "output", "scale", value=0), "scale 0.0"),
    (at(*FC, "output", "scale", value=10**400), "damaged"),
    (at(*FC, "output", "scale", value=float("inf")), "damaged|scale inf"),
    (at(*FC, "output", "scale", value=float("nan")), "damaged|scale nan"),
    (at(*FC, "output", "scale", value="1"), "scale: got '1', expected float"),
    (at("input", value=None), "input: fields None"),
    (at("input", "shape", value=[6]), "takes 5 inputs, got 6"),
    (at("metadata", value=[]), "metadata"),
    (at("metadata", value={"a": None}), "metadata 'a'"),
    (at("metadata", value={"a": True}), "metadata 'a'"),
    (at("metadata", value={"a": float("nan")}), "metadata 'a'|damaged"),
    (at("metadata", value={"a": 10**300}), "metadata 'a'"),
    (at("vectors", value=[]), "test vectors must hold"),
    (at("vectors", value={"x": None}), "test vectors must hold"),
    (at("vectors", "x", value=None), "x is missing"),
    (at("vectors", "x", value="arrays/0003.npy"), "expected array references"),
    (at("vectors", "labels", value={"array": "arrays/0005.npy"}), "labels is float32"),
    (at("vectors", "float_outputs", value={"array": []}), "is missing"),
]


@pytest.mark.parametrize(("edit", "words"), EDITS)
def test_edited_documents(path: Path, edit: Callable[[Any], Any], words: str) -> None:
    edited(path, edit)
    assert_refused(path, words)


def test_huge_numbers_and_nesting_inside_a_document(path: Path) -> None:
    good = read_entries(path)["network.json"].decode()
    scales = '"scale": 1.0'
    assert scales in good
    for text in ("1e999", "-1e999", "1" * 5000, "[" * 50_000, "NaN", "Infinity", "1" * 400):
        bad = good.replace(scales, f'"scale": {text}', 1).encode()
        write_entries(path, signed({**read_entries(path), "network.json": bad}))
        assert_refused(path)


HEADER = "{'descr': '<i2', 'fortran_order': False, 'shape': (3, 5), }"
THIRTY = bytes(30)


class Evil:
    """Unpickling one of these would run code."""

    def __reduce__(self) -> Any:
        return (os.mkdir, ("pickled",))


def pickled() -> bytes:
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, np.array([Evil()], object), (1, 0), allow_pickle=True)
    return buffer.getvalue()


PLAIN = "is not that of a plain array"
ARRAYS: dict[str, tuple[bytes, str]] = {
    "pickled": (pickled(), PLAIN),
    "version 2": (saved_array(np.ones((3, 5), np.int16), (2, 0)), "version 1.0"),
    "version 9": (npy(HEADER, THIRTY, b"\x09\x00"), "version 1.0"),
    "Fortran": (saved_array(np.asfortranarray(np.ones((3, 5), np.int16))), "in C order"),
    "big-endian": (saved_array(np.ones((3, 5), ">i2")), "'>i2'.* little-endian"),
    "structured": (saved_array(np.ones(3, "i2,i4")), PLAIN),
    "complex": (saved_array(np.ones(3, complex)), PLAIN),
    "half floats": (saved_array(np.ones(3, np.float16)), PLAIN),
    "unsigned": (saved_array(np.ones(3, np.uint64)), PLAIN),
    "bools": (saved_array(np.ones(3, bool)), PLAIN),
    "dates": (saved_array(np.ones(3, "M8[s]")), PLAIN),
    "texts": (saved_array(np.ones(3, "U3")), PLAIN),
    "short": (npy(HEADER, bytes(29)), "does not match"),
    "long": (npy(HEADER, bytes(31)), "does not match"),
    "huge": (npy(HEADER.replace("3, 5", f"{1 << 33},")), "does not match"),
    "too huge": (npy(HEADER.replace("3, 5", f"{1 << 62},")), PLAIN),
    "huge and empty": (npy(HEADER.replace("3, 5", f"0, {1 << 33}")), "takes|empty|weight"),
    "many axes": (npy(HEADER.replace("3, 5", ", ".join("1" * 99)), bytes(2)), PLAIN),
    "negative": (npy(HEADER.replace("3, 5", "-3, -5"), THIRTY), PLAIN),
    "floats": (npy(HEADER.replace("3, 5", "3.0, 5"), THIRTY), PLAIN),
    "Python 2": (npy(HEADER.replace("3, 5", "3L, 5L"), THIRTY), PLAIN),
    "code": (npy(HEADER.replace("3, 5", "__import__('os').mkdir('pickled'),")), PLAIN),
    "nested": (npy("(" * 9000), PLAIN),
    "no header": (npy(""), PLAIN),
    "no dict": (npy("7"), PLAIN),
    "long header": (npy(HEADER + " " * 20_000, THIRTY[1:]), "does not match"),
    "no magic": (b"", "version 1.0"),
    "magic only": (npy(HEADER)[:8], PLAIN),
    "half a header": (npy(HEADER)[:40], PLAIN),
    "axes": (saved_array(np.ones(15, np.int16)), "weight must be"),
    "dtype": (saved_array(np.ones((3, 5), np.int8)), "array of int8, expected int16"),
}


@pytest.mark.parametrize("name", ARRAYS)
def test_arrays(path: Path, tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    data, words = ARRAYS[name]
    with_array(path, data)
    assert_refused(path, words)
    assert os.listdir(tmp_path) == ["net.bitfpga"]


def test_declared_sizes_are_never_allocated(path: Path) -> None:
    tracemalloc.start()
    try:
        for shape in (f"{1 << 33},", f"{1 << 17}, {1 << 17}", f"{1 << 32}, {1 << 33}"):
            with_array(path, npy(HEADER.replace("3, 5", shape), THIRTY))
            assert_refused(path, "does not match")
        edited(path, at("input", "shape", value=[1 << 28]))
        assert_refused(path)
        assert tracemalloc.get_traced_memory()[1] < 20 << 20
    finally:
        tracemalloc.stop()
