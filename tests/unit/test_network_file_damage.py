"""A damaged or hostile zip is an equal network or one ``ModelError``, never anything else."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

import numpy as np
import pytest
from network_files import (
    assert_refused,
    assert_same,
    network_with_everything,
    read_entries,
    signed,
    write_entries,
)
from small_layers import dense, one_layer, scale

from bitfpga.errors import ModelError
from bitfpga.ir import Network

SMALL = network_with_everything(one_layer(dense()))
TINY = one_layer(scale())


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return SMALL.save(tmp_path / "net.bitfpga")


def assert_equal_or_refused(path: Path, network: Network) -> bool:
    """Return whether the file was refused; assert that it is equal where it was not."""
    try:
        loaded = Network.load(path)
    except ModelError:
        return True
    assert_same(loaded, network)
    return False


@pytest.mark.parametrize("flip", [0x01, 0x80, 0xFF])
def test_every_byte_flipped(tmp_path: Path, flip: int) -> None:
    path = TINY.save(tmp_path / "net.bitfpga")
    good = path.read_bytes()
    n_refused = 0
    for place in range(len(good)):
        data = bytearray(good)
        data[place] ^= flip
        path.write_bytes(data)
        n_refused += assert_equal_or_refused(path, TINY)
    assert n_refused > 0.8 * len(good)


def test_every_truncation(tmp_path: Path) -> None:
    path = TINY.save(tmp_path / "net.bitfpga")
    good = path.read_bytes()
    for length in range(len(good)):
        path.write_bytes(good[:length])
        assert_refused(path)
    for start in range(1, len(good), 7):
        path.write_bytes(good[start:])
        assert_equal_or_refused(path, TINY)


def test_random_damage(path: Path) -> None:
    good = path.read_bytes()
    rng = np.random.default_rng(3)
    for _ in range(600):
        data = bytearray(good)
        for place in rng.integers(0, len(good), rng.integers(1, 9)):
            data[place] = rng.integers(256)
        path.write_bytes(data)
        assert_equal_or_refused(path, SMALL)


def test_damaged_directories_of_the_zip(path: Path) -> None:
    """The end of a zip steers its reader: damage there is tried much harder."""
    good = path.read_bytes()
    start = good.index(b"PK\x01\x02")
    rng = np.random.default_rng(4)
    for _ in range(2500):
        data = bytearray(good)
        for place in rng.integers(start, len(good), rng.integers(1, 4)):
            data[place] = rng.choice([0, 1, 0x7F, 0x80, 0xFF, rng.integers(256)])
        path.write_bytes(data)
        assert_equal_or_refused(path, SMALL)


def test_what_is_no_file(tmp_path: Path) -> None:
    assert_refused(tmp_path / "none.bitfpga", "No such file")
    assert_refused(tmp_path, "not a file")
    empty = tmp_path / "empty.bitfpga"
    empty.touch()
    assert_refused(empty, "not a readable .bitfpga file")
    dangling = tmp_path / "dangling.bitfpga"
    dangling.symlink_to(tmp_path / "none.bitfpga")
    assert_refused(dangling, "No such file")
    text = tmp_path / "text.bitfpga"
    text.write_text("import torch\n" * 99)
    assert_refused(text, "not a readable .bitfpga file")
    fifo = tmp_path / "fifo.bitfpga"
    os.mkfifo(fifo)
    assert_refused(fifo, "not a file")
    with pytest.raises(ModelError):
        Network.load(tmp_path / "a\0b")


@pytest.mark.parametrize(
    "name",
    ["../evil", "/etc/passwd", "arrays/../../evil.npy", "arrays/a.npy", "extra.txt", "network.py",
     "arrays\\0000.npy", "arrays/00000000.npy",
     "arrays/\u0660\u0660\u0660\u0660.npy", "arrays/", "a" * 999],
)  # fmt: skip
def test_entries_of_other_names(path: Path, tmp_path: Path, name: str) -> None:
    before = sorted(os.listdir(tmp_path))
    write_entries(path, signed({**read_entries(path), name: b""}))
    assert_refused(path, "unexpected entry")
    assert sorted(os.listdir(tmp_path)) == before


def test_entries_there_twice(path: Path) -> None:
    entries = read_entries(path)
    with (
        zipfile.ZipFile(path, "a") as archive,
        pytest.warns(UserWarning, match="Duplicate name"),
    ):
        archive.writestr("network.json", entries["network.json"])
    assert_refused(path, "there twice")


@pytest.mark.parametrize("compression", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_compressed_entries(path: Path, compression: int) -> None:
    write_entries(path, read_entries(path), compression)
    assert_refused(path, "is compressed or encrypted")


def test_entries_that_overlap(tmp_path: Path) -> None:
    """Two directory records for one stretch of bytes: more is listed than the file holds."""
    path = SMALL.save(tmp_path / "net.bitfpga")
    data = path.read_bytes()
    name = b"arrays/0001.npy"
    place = data.index(b"PK\x01\x02", data.index(b"PK\x01\x02"))
    record = data.index(name, place) - 46
    big = (len(data)).to_bytes(4, "little")
    path.write_bytes(data[: record + 20] + big + big + data[record + 28 :])
    assert_refused(path, "larger than the file")


@pytest.mark.parametrize("name", ["manifest.json", "network.json", "arrays/0000.npy"])
def test_entries_missing_or_empty(path: Path, name: str) -> None:
    entries = read_entries(path)
    rest = {key: data for key, data in entries.items() if key != name}
    assert_refused(write_entries(path, rest), "missing|does not list")
    if name != "manifest.json":
        assert_refused(write_entries(path, signed(rest)), "is missing")
        assert_refused(write_entries(path, {**entries, name: b""}), "was changed after")
        assert_refused(write_entries(path, signed({**entries, name: b""})), "damaged|npy")
    else:
        assert_refused(write_entries(path, {**entries, name: b""}), "damaged")
