"""Saving and loading: the same network and the same bytes, and nothing half-written."""

from __future__ import annotations

import io
import os
import tempfile
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from network_files import assert_same, network_with_everything, read_entries
from small_layers import I8, dense, one_layer, scale
from strategies import networks

from bitfpga.errors import ModelError
from bitfpga.ir import Network, Requantise, TestVectors
from bitfpga.ir import file as network_file
from bitfpga.ir.npy import npy_bytes

SMALL = network_with_everything(one_layer(dense()))


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(network=networks())
def test_any_network_comes_back(tmp_path: Path, network: Network) -> None:
    path = network.save(tmp_path / "a.bitfpga")
    loaded = Network.load(path)
    assert_same(loaded, network)
    assert loaded.save(tmp_path / "b.bitfpga").read_bytes() == path.read_bytes()


def test_metadata_and_vectors_come_back(tmp_path: Path) -> None:
    assert_same(Network.load(SMALL.save(tmp_path / "a.bitfpga")), SMALL)
    only_x = replace(SMALL, vectors=TestVectors(np.zeros((0, 5), np.int8)))
    assert_same(Network.load(only_x.save(str(tmp_path / "b.bitfpga"))), only_x)


def test_a_file_is_a_zip_of_stored_json_and_npy(tmp_path: Path) -> None:
    path = SMALL.save(tmp_path / "a.bitfpga")
    with zipfile.ZipFile(path) as archive:
        infos = archive.infolist()
    names = [info.filename for info in infos]
    arrays = [f"arrays/{i:04d}.npy" for i in range(6)]
    assert names == ["manifest.json", *arrays, "network.json"]
    assert all(info.compress_type == zipfile.ZIP_STORED for info in infos)
    assert {info.date_time for info in infos} == {(1980, 1, 1, 0, 0, 0)}


def test_the_bytes_do_not_depend_on_memory_layout_or_numpy_scalars(tmp_path: Path) -> None:
    path = SMALL.save(tmp_path / "a.bitfpga")
    layer: Any = SMALL.layers[0]
    output = replace(layer.output, shape=(np.int64(3),), bits=np.int32(8), scale=np.float64(1.0))
    other_layer = replace(layer, weight=np.asfortranarray(layer.weight), output=output)
    assert SMALL.vectors is not None
    vectors = replace(SMALL.vectors, x=np.zeros((4, 10), np.int8)[::2, ::2])
    other = replace(SMALL, layers=(other_layer,), vectors=vectors)
    assert other.save(tmp_path / "b.bitfpga").read_bytes() == path.read_bytes()


def test_arrays_of_another_byte_order_and_without_axes(tmp_path: Path) -> None:
    requantise = Requantise(np.array(3), np.array(-7), 2, -5, 5)
    vectors = TestVectors(np.array([[1, 2, 3, 4, 5]], ">i2"))
    network = replace(one_layer(scale()), vectors=vectors)
    network = replace(network, layers=(replace(scale(), requantise=requantise),))
    loaded = Network.load(network.save(tmp_path / "a.bitfpga"))
    assert loaded.vectors is not None
    assert loaded.vectors.x.dtype == np.dtype(np.int16)
    np.testing.assert_array_equal(loaded.vectors.x, vectors.x)
    layer: Any = loaded.layers[0]
    assert_same(layer.requantise, requantise)


def test_loaded_arrays_are_read_only(tmp_path: Path) -> None:
    layer: Any = Network.load(SMALL.save(tmp_path / "a.bitfpga")).layers[0]
    with pytest.raises(ValueError, match="read-only"):
        layer.weight[0, 0] = 5


def test_many_arrays_come_back(tmp_path: Path) -> None:
    layers = tuple(replace(scale(), name=f"s{i}") for i in range(5100))
    network = Network("net", I8, layers)
    assert_same(Network.load(network.save(tmp_path / "a.bitfpga")), network)


def test_a_file_is_replaced_as_a_whole(tmp_path: Path) -> None:
    path = tmp_path / "a.bitfpga"
    one_layer(scale()).save(path)
    SMALL.save(path)
    assert_same(Network.load(path), SMALL)
    assert os.listdir(tmp_path) == ["a.bitfpga"]


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
@pytest.mark.parametrize("n_bytes", [0, 300])
def test_a_failure_in_the_middle_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException, n_bytes: int
) -> None:
    path = one_layer(scale()).save(tmp_path / "a.bitfpga")
    before = path.read_bytes()

    class FullDisk(io.FileIO):
        def write(self, data: Any) -> int:
            super().write(data[:n_bytes])
            raise error

    monkeypatch.setattr(os, "fdopen", lambda handle, mode: FullDisk(handle, mode))
    expected = ModelError if isinstance(error, OSError) else KeyboardInterrupt
    with pytest.raises(expected, match="No space left" if expected is ModelError else None):
        SMALL.save(path)
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["a.bitfpga"]


def test_a_failure_before_renaming_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = one_layer(scale()).save(tmp_path / "a.bitfpga")
    before = path.read_bytes()

    def replace_file(self: Path, target: Path) -> Path:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "replace", replace_file)
    with pytest.raises(ModelError, match=r"a\.bitfpga.*Permission denied"):
        SMALL.save(path)
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["a.bitfpga"]


def test_places_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"none.*cannot write.*No such file"):
        SMALL.save(tmp_path / "none" / "a.bitfpga")
    (tmp_path / "file").touch()
    with pytest.raises(ModelError, match=r"file.*cannot write.*Not a directory"):
        SMALL.save(tmp_path / "file" / "a.bitfpga")
    (tmp_path / "folder").mkdir()
    with pytest.raises(ModelError, match=r"folder: is a directory; give a file name"):
        SMALL.save(tmp_path / "folder")
    with pytest.raises(ModelError, match="cannot write"):
        SMALL.save(tmp_path / ("x" * 300 + ".bitfpga"))
    with pytest.raises(ModelError, match="cannot write"):
        SMALL.save(tmp_path / "a\0b")
    assert sorted(os.listdir(tmp_path)) == ["file", "folder"]


def test_a_folder_without_write_permission(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def mkstemp(**arguments: Any) -> None:  # what the system says to all users but root
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(tempfile, "mkstemp", mkstemp)
    with pytest.raises(ModelError, match=r"a\.bitfpga: cannot write.*Permission denied"):
        SMALL.save(tmp_path / "a.bitfpga")


def test_a_link_is_read_through_and_replaced_not_written_through(tmp_path: Path) -> None:
    target = one_layer(scale()).save(tmp_path / "target.bitfpga")
    before = target.read_bytes()
    link = tmp_path / "link.bitfpga"
    link.symlink_to(target)
    assert_same(Network.load(link), Network.load(target))
    SMALL.save(link)
    assert target.read_bytes() == before
    assert not link.is_symlink()
    assert_same(Network.load(link), SMALL)


def test_saving_writes_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    SMALL.save("a.bitfpga")
    assert os.listdir(work) == ["a.bitfpga"]
    assert os.listdir(tmp_path) == ["work"]
    assert len(read_entries(work / "a.bitfpga")) == 8


def test_large_files_are_refused_before_reading(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = SMALL.save(tmp_path / "a.bitfpga")
    monkeypatch.setattr(network_file, "MAX_FILE_BYTES", 100)
    with pytest.raises(ModelError, match=r"a\.bitfpga: .* bytes: at most 100 are read"):
        Network.load(path)
    monkeypatch.undo()
    monkeypatch.setattr(network_file, "MAX_JSON_BYTES", 100)
    with pytest.raises(ModelError, match=r"'manifest\.json' is larger than 100 bytes"):
        Network.load(path)


def test_objects_are_never_pickled() -> None:
    with pytest.raises(ValueError, match="allow_pickle=False"):
        npy_bytes(np.array([{}], object))
