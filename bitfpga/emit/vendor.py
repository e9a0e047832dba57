"""Scripts for the vendor's tools: settings of the block design, steps of Vitis HLS as Tcl."""

from __future__ import annotations

from dataclasses import dataclass

from bitfpga.emit.render import BANNER, render
from bitfpga.plan import Schedule


@dataclass(frozen=True)
class Core:
    """The packaged core as a block design sees it. ``input_bits``: of an element in memory.

    ``kind``: ``m_axi`` (it reads and writes memory itself) or ``axi_dma`` (streams ``x``, ``y``).
    """

    vlnv: str
    kind: str
    input_bits: int

    @property
    def name(self) -> str:
        """The third part of the VLNV: what bitstream and hand-off are called."""
        return self.vlnv.split(":")[2]


@dataclass(frozen=True)
class HlsConfig:
    """What ``hls_config.cfg`` says; files are relative to its folder."""

    part: str
    flow_target: str
    clock: str
    clock_uncertainty: str
    top: str
    sources: tuple[str, ...]
    black_boxes: tuple[str, ...]
    testbench: tuple[str, ...]
    cflags: str
    testbench_cflags: str
    cosim_ldflags: str
    vendor: str
    library: str
    name: str
    version: str

    @property
    def vlnv(self) -> str:
        """The name of the packaged IP."""
        return f"{self.vendor}:{self.library}:{self.name}:{self.version}"


def vivado_settings(schedule: Schedule, core: Core) -> bytes:
    """Return ``settings.tcl`` of ``hls_templates/vivado``; the board must have a ``ps``."""
    clock_mhz = f"{1000 / schedule.clock_ns:.6f}".rstrip("0").rstrip(".")
    return render(
        "vivado_settings.tcl.j2",
        banner=BANNER,
        board=schedule.board,
        clock_mhz=clock_mhz,
        core=core,
    )


def hls_script(config: HlsConfig, step: str) -> bytes:
    """Return the Tcl of one step (``csynth``, ``cosim``, ``package``) for ``vitis_hls -f``."""
    return render("vitis_hls.tcl.j2", banner=BANNER, config=config, step=step)
