"""Reading a bundle: what is damaged, foreign or missing ends in one sentence."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from bitfpga_runtime import Accelerator, BundleError, InputError
from bitfpga_runtime.bundle import read_bundle
from bitfpga_runtime.command import main
from runtime_bundles import INPUT, OUTPUT, samples, write_bundle


def test_a_bundle_is_read(tmp_path: Path) -> None:
    write_bundle(tmp_path, "axi_dma")
    bundle = read_bundle(str(tmp_path))
    assert (bundle.interface.input, bundle.interface.output) == (INPUT, OUTPUT)
    assert (bundle.interface.kind, bundle.board, bundle.clock_mhz) == ("axi_dma", "pynq-z2", 100.0)
    x, y = bundle.golden()
    np.testing.assert_array_equal(x, samples(5, seed=9))
    assert y.dtype == OUTPUT.dtype


def changed(manifest: Any, path: str, value: Any) -> Any:
    place, *rest = path.split(".")
    manifest[place] = changed(manifest[place], ".".join(rest), value) if rest else value
    return manifest


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("format", "bitfpga-project", "format 'bitfpga-project'"),
        ("version", 2, "version 2, this runtime reads"),
        ("interface.interface_version", 2, "interface version 2; this runtime drives version 1"),
        ("interface.kind", "axi", "kind 'axi': m_axi or axi_dma"),
        ("interface.id", "12", "id '12': 16 hexadecimal digits"),
        ("interface.max_samples", 0, "max_samples 0: a whole number from 1"),
        ("interface.n_samples", True, "n_samples True: a whole number"),
        ("interface.input.shape", [], r"shape \[\]: a list of 1 to 8"),
        ("interface.input.shape", [3, -1], "axis -1: a whole number"),
        ("interface.input.bits", 17, "bits 17: a whole number from 1 to 16"),
        ("interface.input.scale", 0.0, "scale 0.0: finite and above 0"),
        ("interface.output.dtype", "int8", r"dtype 'int8': int10\[4\] is int16"),
        ("interface.registers", "x", "registers: a list of names"),
        ("bitstream.bit", None, "needs a .bit and a .hwh"),
        ("bitstream.bit", "other.bit", "needs a .bit and a .hwh"),
        ("files", {"../x": "0"}, r"file name '\.\./x' is not allowed"),
        ("files", {"/x": "0"}, "file name '/x' is not allowed"),
        ("interface", {}, "lacks 'interface_version'"),
        ("clock_mhz", "fast", "could not convert"),
        ("pynq", None, "not iterable"),
    ],
)
def test_a_damaged_manifest_is_refused(tmp_path: Path, path: str, value: Any, words: str) -> None:
    manifest = changed(write_bundle(tmp_path), path, value)
    (tmp_path / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    with pytest.raises(BundleError, match=words) as caught:
        read_bundle(tmp_path)
    assert "deploy the project again" in str(caught.value)


@pytest.mark.parametrize("text", ["", "[]", "{", "null", '"a"', "[" * 100000])
def test_what_is_no_manifest_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "manifest.json").write_text(text, encoding="utf-8")
    with pytest.raises(BundleError, match="is damaged or of another version"):
        read_bundle(tmp_path)


def test_no_bundle_at_all(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="is not a bundle"):
        Accelerator(tmp_path / "nothing")


def test_files_are_checked_when_used(tmp_path: Path) -> None:
    write_bundle(tmp_path)
    bundle = read_bundle(tmp_path)
    (tmp_path / "taps.bin").write_bytes(b"other")
    with pytest.raises(BundleError, match=r"taps\.bin is not the file that was deployed"):
        bundle.file("taps.bin")
    (tmp_path / "taps.bin").unlink()
    with pytest.raises(BundleError, match=r"lacks its file taps\.bin"):
        bundle.file("taps.bin")
    with pytest.raises(BundleError, match="lacks its file other"):
        bundle.file("other")
    (tmp_path / bundle.bit).write_bytes(b"other")  # type: ignore[operator]
    with pytest.raises(BundleError, match=r"\.bit is not the file that was deployed"):
        Accelerator(tmp_path)


def test_golden_vectors_must_fit(tmp_path: Path) -> None:
    write_bundle(tmp_path)
    for array in (samples(5)[:, :2], samples(5).astype(np.int16), samples(0)):
        np.save(str(tmp_path / "golden_x.npy"), array)
        digest = write_digest(tmp_path)
        with pytest.raises(BundleError, match=r"golden_x\.npy holds .* not samples of int6"):
            digest.golden()
    np.save(str(tmp_path / "golden_x.npy"), samples(4))
    with pytest.raises(BundleError, match="4 golden inputs, but 5 golden outputs"):
        write_digest(tmp_path).golden()
    (tmp_path / "golden_x.npy").write_bytes(b"no array")
    with pytest.raises(BundleError, match=r"golden_x\.npy cannot be read"):
        write_digest(tmp_path).golden()


def write_digest(folder: Path) -> Any:
    """Read a bundle with the digest of golden_x.npy as it is now."""
    import hashlib

    bundle = read_bundle(folder)
    digest = hashlib.sha256((folder / "golden_x.npy").read_bytes()).hexdigest()
    return bundle._replace(files={**bundle.files, "golden_x.npy": digest})


@pytest.mark.parametrize("timeout_s", [0, -1.0, float("nan"), float("inf"), "3", None])
def test_a_limit_must_be_a_time(tmp_path: Path, timeout_s: Any) -> None:
    with pytest.raises(InputError, match="timeout_s"):
        Accelerator(tmp_path, timeout_s=timeout_s)


def test_a_device_is_not_any_word(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="device 'sim': None, 'csim' or"):
        Accelerator(tmp_path, "sim")


def test_files_that_hold_no_array_are_told(tmp_path: Path, capsys: Any) -> None:
    np.savez(tmp_path / "several.npz", a=np.zeros(3), b=np.zeros(2))
    (tmp_path / "cut.npz").write_bytes((tmp_path / "several.npz").read_bytes()[:60])
    for name, words in (("several.npz", "holds several arrays"), ("cut.npz", "save an array")):
        assert main(tmp_path, ["--x", str(tmp_path / name), "--y", str(tmp_path / name)]) == 1
        assert words in capsys.readouterr().err
