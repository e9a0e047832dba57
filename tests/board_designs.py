"""Small designs as a board gets them: a project, its interface, a bitstream's stand-in, vectors."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
from conv_nets import conv_net
from foldings import any_schedule
from mlps import mlp, one_dense, random_weights

from bitfpga.boards import load_board
from bitfpga.ir import Network, TensorType
from bitfpga.project import Project, build, emit
from bitfpga.reference import run
from bitfpga.simboard import write_bitstream

MAX_SAMPLES = 300
BOARDS = {"zynq7000": "pynq-z2", "zynqus": "kv260"}
SCALARS = ["n_samples", "id_low", "id_high", "interface_version", "status"]


def interface_document(project: Project, kind: str, name: str = "tiny") -> dict[str, Any]:
    """Return the contents of ``interface.json`` for a project."""
    in_memory = "hls/taps.bin" in project.files
    registers = [*(["x", "y"] if kind == "m_axi" else []), *(["taps"] if in_memory else [])]
    sources = b"".join(project.files[key] for key in ("network.bitfpga", "schedule.json"))
    return {
        "format": "bitfpga-interface",
        "version": 1,
        "name": name,
        "vlnv": f"bitfpga:hls:{name}:1.0",
        "kind": kind,
        "id": hashlib.sha256(sources + kind.encode()).hexdigest()[:16],
        "interface_version": 1,
        "n_samples": project.schedule.n_samples,
        "max_samples": MAX_SAMPLES,
        "input": _tensor(project.network.input),
        "output": _tensor(project.network.output),
        "taps_file": "hls/taps.bin" if in_memory else None,
        "registers": registers + SCALARS,
    }


def _tensor(tensor: TensorType) -> dict[str, Any]:
    return {
        "shape": list(tensor.shape),
        "bits": tensor.bits,
        "signed": tensor.signed,
        "scale": tensor.scale,
        "dtype": tensor.dtype.name,
    }


def write_design(
    folder: Path, project: Project, kind: str, board: str, *, n_vectors: int = MAX_SAMPLES
) -> Path:
    """Write a project with interface, bitstream, .hwh and random vectors; return its folder."""
    project.write(folder)
    document = json.dumps(interface_document(project, kind))
    (folder / "interface.json").write_text(document, encoding="utf-8")
    write_bitstream(document, load_board(board), folder)
    network = project.network
    low, high = network.input.low, network.input.high
    shape = (n_vectors, *network.input.shape)
    x = np.random.default_rng(3).integers(low, high + 1, shape)
    np.save(folder / "x.npy", x.astype(network.input.dtype))
    np.save(folder / "y.npy", run(network, x).astype(network.output.dtype))
    return folder


def write_designs(folder: Path) -> None:
    """Write a design of every sort: both kinds and families, 8 and 16 bits, taps in memory."""
    small, wide = mlp((13, 9, 5)), one_dense(random_weights(3, 7))
    maps = conv_net(3)
    in_memory: Network = mlp((11, 6, 4), seed=5)
    projects = {
        "small": build(small, BOARDS["zynq7000"]),
        "wide": build(wide, BOARDS["zynq7000"]),
        "maps": build(maps, BOARDS["zynqus"]),
        "taps": emit(in_memory, any_schedule(in_memory, in_memory=True)),
    }
    for name, project in projects.items():
        for kind in ("m_axi", "axi_dma"):
            for family, board in BOARDS.items():
                write_design(folder / f"{name}-{kind}-{family}", project, kind, board)
