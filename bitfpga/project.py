"""``build`` makes a ``Project``: the files of an HLS project, in memory until they are written.

A project folder holds ``hls/``, ``interface.json``, ``schedule.json``, ``network.bitfpga``,
``README.md`` and ``manifest.json`` (SHA-256 of every other file). ``csim/`` holds what ``csim``
compiled.
"""

from __future__ import annotations

import json
import shutil
import tempfile
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from bitfpga.boards import load_board
from bitfpga.digits import NumberSystem
from bitfpga.emit import emit_rtl, emit_sources, render_readme
from bitfpga.errors import PlanError
from bitfpga.interface import Interface, check_kind
from bitfpga.ir import IntArray, Network, network_bytes
from bitfpga.plan import Schedule, Target, plan
from bitfpga.project_folder import (
    FORMAT,
    INTERFACE,
    MANIFEST,
    NETWORK,
    SCHEDULE,
    VERSION,
    check_replaceable,
    sha256,
)
from bitfpga.reference import run
from bitfpga.whole_folder import write_whole

if TYPE_CHECKING:
    from bitfpga.csim import CsimResult

GOLDEN_SAMPLES = 16


@dataclass(frozen=True, eq=False)
class Project:
    """A network, its schedule and the files that come of them (relative path to bytes)."""

    network: Network
    schedule: Schedule
    files: dict[str, bytes]

    def write(self, path: str | Path, *, force: bool = False) -> Path:
        """Write the folder ``path`` as a whole and return it.

        It appears complete or not at all. An existing folder is only replaced with ``force``, and
        only if bitfpga made it and nothing else lies in it; else ``ProjectError``.
        """
        folder = Path(path).absolute()
        files = {**self.files, MANIFEST: self._manifest()}
        write_whole(folder, files, lambda: check_replaceable(folder, force))
        return folder

    def csim(self, x: npt.ArrayLike, *, checked: bool = False, bounded: bool = False) -> IntArray:
        """Return the C simulation's outputs [n, *output shape] for integers [n, *input shape].

        Nothing is compared here; ``bitfpga.csim.check`` does that. ``checked`` uses ap_int types,
        ``bounded`` runs every process at once with FIFOs of the planned depths.
        Compiles once per Project; ``ToolError`` when there is no C++ compiler or it fails.
        """
        from bitfpga.csim import simulate

        result: CsimResult = simulate(
            self._scratch, self.network, x, checked=checked, bounded=bounded
        )
        return result.y

    @cached_property
    def _scratch(self) -> Path:
        folder = tempfile.mkdtemp(prefix="bitfpga-")
        weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        return self.write(Path(folder) / "project")

    def _manifest(self) -> bytes:
        digests = {name: sha256(data) for name, data in sorted(self.files.items())}
        document = {"format": FORMAT, "version": VERSION, "files": digests}
        return (json.dumps(document, indent=1) + "\n").encode()


def build(
    network: Network,
    board: str | Path = "pynq-z2",
    *,
    clock_ns: float | None = None,
    number_system: str = "csd",
    target_latency_us: float | None = None,
    target_fps: float | None = None,
    interface: str = "m_axi",
    on_layer: Callable[[str], None] | None = None,
) -> Project:
    """Return the HLS project of ``network`` for ``board`` (a name, or the path of a TOML file).

    ``clock_ns``: clock period in ns (default: the board's). ``number_system``: ``csd``, ``binary``
    or ``bbs`` (shared sums, in layers whose weights ``prune.bbs`` coded). A target (us a sample, or
    samples a second) makes the folding the smallest that reaches it; without one it is the fastest
    that fits. ``interface``: how samples reach the core, ``m_axi`` (it reads and writes memory) or
    ``axi_dma`` (AXI streams, for a DMA). ``on_layer`` is called with a line of progress, twice a
    layer. Raises ``BoardError``, ``PlanError`` or ``ProjectError`` before anything is written.
    """
    check_kind(interface)
    if number_system not in [system.value for system in NumberSystem]:
        raise PlanError(f"number system {number_system!r}: csd, binary or bbs")
    schedule = plan(
        network,
        load_board(board),
        clock_ns=clock_ns,
        number_system=NumberSystem(number_system),
        target=Target(latency_us=target_latency_us, fps=target_fps),
        on_layer=on_layer,
    )
    return emit(network, schedule, on_layer, interface=interface)


def emit(
    network: Network,
    schedule: Schedule,
    on_layer: Callable[[str], None] | None = None,
    *,
    interface: str = "m_axi",
    black_boxes: bool = False,
) -> Project:
    """Return the project that ``schedule`` makes of ``network``, golden vectors included.

    ``interface`` as in ``build``. ``black_boxes``: with its arrays as RTL black boxes;
    ``PlanError`` naming those that cannot be.
    """
    x = golden_inputs(network)
    y = run(network, x)
    origin = _origin(network, schedule)
    host = Interface.of(network, schedule, (origin[NETWORK], origin[SCHEDULE]), interface)
    sources = emit_sources(network, schedule, host, x, y, on_layer, black_boxes=black_boxes)
    files = {f"hls/{name}": data for name, data in sources.items()}
    files |= origin | {INTERFACE: host.to_json().encode()}
    files["README.md"] = render_readme(network, schedule)
    return Project(network, schedule, files)


def emit_verilog(
    network: Network, schedule: Schedule, on_layer: Callable[[str], None] | None = None
) -> Project:
    """Return the Verilog that ``schedule`` makes of ``network`` as a project of its own.

    It has no ``hls/``: ``csim`` cannot run it, ``synth`` and ``report`` can.
    """
    files = emit_rtl(network, schedule, on_layer) | _origin(network, schedule)
    return Project(network, schedule, files)


def _origin(network: Network, schedule: Schedule) -> dict[str, bytes]:
    """Return the files that every project holds: what it was made of."""
    return {
        SCHEDULE: schedule.to_json().encode(),
        NETWORK: network_bytes(network),
    }


def golden_inputs(network: Network, n_samples: int = GOLDEN_SAMPLES) -> IntArray:
    """Return inputs for golden vectors: all least, all greatest, then real or random samples."""
    x = network.input
    extremes = np.stack([np.full(x.shape, x.low), np.full(x.shape, x.high)]).astype(x.dtype)
    if network.vectors is not None:
        rest: Any = network.vectors.x[: n_samples - 2]
    else:
        shape = (n_samples - 2, *x.shape)
        rest = np.random.default_rng(0).integers(x.low, x.high, shape, endpoint=True)
    return np.concatenate([extremes, rest.astype(x.dtype)])
