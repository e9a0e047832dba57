"""The core as the vendor's tools take it: ``hls_config.cfg`` and the project's interface."""

from __future__ import annotations

from pathlib import Path

from bitfpga.emit.vendor import Core, HlsConfig
from bitfpga.errors import ProjectError
from bitfpga.interface import Interface

CONFIG = "hls/hls_config.cfg"


def read_config(project: Path) -> HlsConfig:
    """Return the settings of the project's HLS; ProjectError where any is missing."""
    path = project / CONFIG
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        raise ProjectError(f"there is no readable {path}; build the project again") from None
    values: dict[str, list[str]] = {}
    for line in lines:
        key, equals, value = line.strip().partition("=")
        if equals and not key.startswith("#"):
            values.setdefault(key.strip(), []).append(value.strip())

    def one(key: str, default: str | None = None) -> str:
        found = values.get(key, [] if default is None else [default])
        if not found:
            raise ProjectError(f"{path} has no {key}=; build the project again")
        return found[-1]

    one("syn.file")
    return HlsConfig(
        part=one("part"),
        flow_target=one("flow_target"),
        clock=one("clock"),
        clock_uncertainty=one("clock_uncertainty"),
        top=one("syn.top"),
        sources=tuple(values["syn.file"]),
        black_boxes=tuple(values.get("syn.blackbox.file", [])),
        testbench=tuple(values.get("tb.file", [])),
        cflags=one("syn.cflags", ""),
        testbench_cflags=one("tb.cflags", ""),
        cosim_ldflags=one("cosim.ldflags", ""),
        vendor=one("package.ip.vendor"),
        library=one("package.ip.library"),
        name=one("package.ip.name"),
        version=one("package.ip.version"),
    )


def core_of(interface: Interface, config: HlsConfig) -> Core:
    """Return the core that ``config`` packages, of the kind that ``interface`` says.

    ProjectError where the two do not belong together.
    """
    if interface.vlnv != config.vlnv:
        raise ProjectError(
            f"interface.json is of {interface.vlnv!r}, {CONFIG} of {config.vlnv!r}; they do not "
            "belong together: build the project again"
        )
    return Core(interface.vlnv, interface.kind, 8 * interface.input.dtype.itemsize)
