"""Small designs as a board gets them: a project, its interface, a bitstream's stand-in, vectors."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from conv_nets import conv_net
from foldings import any_schedule
from mlps import mlp, one_dense, random_weights

from bitfpga.boards import load_board
from bitfpga.demo import demo_network
from bitfpga.deploy import make_bundle
from bitfpga.ir import Network
from bitfpga.project import Project, build, emit
from bitfpga.project_folder import open_project
from bitfpga.reference import run
from bitfpga.simboard import write_bitstream

MAX_SAMPLES = 300
BOARDS = {"zynq7000": "pynq-z2", "zynqus": "kv260"}


def interface_document(project: Project) -> dict[str, Any]:
    """Return the contents of ``interface.json`` of a project, renamed, with few samples a call."""
    document: dict[str, Any] = json.loads(project.files["interface.json"])
    name = {"name": "tiny", "vlnv": "bitfpga:hls:tiny:1.0"}
    return {**document, **name, "max_samples": MAX_SAMPLES}


def write_design(
    folder: Path, project: Project, kind: str, board: str, *, n_vectors: int = MAX_SAMPLES
) -> Path:
    """Write a project with interface, bitstream, .hwh and random vectors; return its folder."""
    project = emit(project.network, project.schedule, interface=kind)
    project.write(folder)
    document = json.dumps(interface_document(project))
    (folder / "interface.json").write_text(document, encoding="utf-8")
    write_bitstream(document, load_board(board), folder)
    network = project.network
    low, high = network.input.low, network.input.high
    shape = (n_vectors, *network.input.shape)
    x = np.random.default_rng(3).integers(low, high + 1, shape)
    np.save(folder / "x.npy", x.astype(network.input.dtype))
    np.save(folder / "y.npy", run(network, x).astype(network.output.dtype))
    return folder


def write_bundle(folder: Path, network: Network, kind: str, board: str) -> Path:
    """Write the bundle of a network with a bitstream's stand-in; return its folder."""
    project = folder.parent / f"{folder.name}-project"
    build(network, board, interface=kind).write(project)
    (project / "vitis").mkdir()
    interface = (project / "interface.json").read_text("utf-8")
    write_bitstream(interface, load_board(board), project / "vitis")
    return make_bundle(open_project(project)).write(folder)


def write_designs(folder: Path) -> None:
    """Write a design of every sort: both kinds and families, 8 and 16 bits, taps in memory."""
    for kind in ("m_axi", "axi_dma"):
        for family, board in BOARDS.items():
            write_bundle(folder / "bundles" / f"{kind}-{family}", demo_network(), kind, board)
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
