"""Bundles of a made-up network, written without bitfpga: awkward sizes, plain arithmetic."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
from bitfpga_runtime.bundle import TensorSpec

INPUT, OUTPUT = TensorSpec((3, 5), 6, True, 0.25), TensorSpec((4,), 10, True, 0.5)
MAX_SAMPLES, BLOCK = 7, 3
TAPS = bytes(range(48))


def reference(x: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return the made-up network's outputs [n, 4], int16, for integers [n, 3, 5]."""
    flat = x.reshape(len(x), INPUT.size).astype(np.int64)
    weight = (np.arange(60).reshape(15, 4) * 7) % 11 - 5
    return np.clip(flat @ weight >> 1, OUTPUT.low, OUTPUT.high).astype(OUTPUT.dtype)


def samples(n: int, seed: int = 0) -> np.ndarray[Any, Any]:
    """Return ``n`` random inputs of the whole range."""
    shape = (n, *INPUT.shape)
    return np.random.RandomState(seed).randint(INPUT.low, INPUT.high + 1, shape).astype(np.int8)


def write_bundle(folder: Path, kind: str = "m_axi", **changes: Any) -> dict[str, Any]:
    """Write a bundle and return its manifest; ``changes`` replace keys of the manifest."""
    folder.mkdir(parents=True, exist_ok=True)
    x, taps = samples(5, seed=9), changes.pop("taps", False)
    np.save(str(folder / "golden_x.npy"), x)
    np.save(str(folder / "golden_y.npy"), reference(x))
    (folder / "net-012345678901.bit").write_bytes(b"bits")
    (folder / "net-012345678901.hwh").write_bytes(b"<xml/>")
    (folder / "taps.bin").write_bytes(TAPS)
    pointers = ([] if kind == "axi_dma" else ["x", "y"]) + (["taps"] if taps else [])
    interface = {
        "name": "net",
        "vlnv": "bitfpga:hls:net:1.0",
        "kind": kind,
        "id": "8badf00d0000beef",
        "interface_version": 1,
        "n_samples": BLOCK,
        "max_samples": MAX_SAMPLES,
        "input": tensor(INPUT),
        "output": tensor(OUTPUT),
        "taps_file": "hls/taps.bin" if taps else None,
        "registers": [*pointers, "n_samples", "id_low", "id_high", "interface_version", "status"],
    }
    files = {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in folder.iterdir()}
    manifest = {
        "format": "bitfpga-bundle",
        "version": 1,
        "name": "net",
        "board": "pynq-z2",
        "part": "xc7z020clg400-1",
        "family": "zynq7000",
        "pynq": ["2.7", "3.0.1"],
        "interface": interface,
        "bitstream": {"bit": "net-012345678901.bit", "hwh": "net-012345678901.hwh", "sha256": "-"},
        "clock_mhz": 100.0,
        "files": files,
        **changes,
    }
    files.pop("manifest.json", None)
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    return manifest


def tensor(spec: TensorSpec) -> dict[str, Any]:
    """Return a tensor as a manifest holds it."""
    return {**spec._asdict(), "shape": list(spec.shape), "dtype": spec.dtype.name}
