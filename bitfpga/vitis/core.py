"""The core as the vendor's tools take it: ``hls_config.cfg`` and ``interface.json``."""

from __future__ import annotations

import json
import re
from pathlib import Path

from bitfpga.emit.vendor import Core, HlsConfig
from bitfpga.errors import ProjectError

CONFIG, INTERFACE = "hls/hls_config.cfg", "interface.json"
KINDS = ("m_axi", "axi_dma")
_BITS = re.compile(r"u?int(8|16|32|64)")


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


def read_core(project: Path, config: HlsConfig, input_bits: int) -> Core:
    """Return the core that ``config`` packages, of the kind that ``interface.json`` says.

    ``input_bits``: of an element where there is no such file (then it is ``m_axi``). ProjectError
    where the two files do not belong together.
    """
    path = project / INTERFACE
    if not path.is_file():
        return Core(config.vlnv, "m_axi", input_bits)
    try:
        document = json.loads(path.read_text("utf-8"))
        vlnv, kind = document["vlnv"], document["kind"]
        bits = _BITS.fullmatch(document["input"]["dtype"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ProjectError(f"{path} is damaged ({error}); build the project again") from None
    if vlnv != config.vlnv or kind not in KINDS or bits is None:
        raise ProjectError(
            f"{path} is of {vlnv!r} ({kind!r}), {CONFIG} of {config.vlnv!r}; they do not belong "
            "together: build the project again"
        )
    return Core(vlnv, kind, int(bits[1]))
