"""The Tcl script that packages the Verilog as an IP for Vivado."""

from __future__ import annotations

from collections.abc import Sequence

from bitfpga.emit.render import BANNER, render
from bitfpga.ir import Network
from bitfpga.plan import Schedule


def package_script(network: Network, schedule: Schedule, tap_ports: Sequence[str]) -> bytes:
    """Return ``package_ip.tcl``, which makes the IP ``bitfpga:rtl:<network>:1.0`` of its folder.

    ``tap_ports``: the AXI-Streams that bring tap rows.
    """
    return render(
        "package_ip.tcl.j2",
        banner=BANNER,
        name=network.name,
        board=schedule.board,
        tap_ports=tap_ports,
    )
