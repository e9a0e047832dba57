"""bitfpga: bit-pruned networks as multiplier-free accelerators for Zynq boards, proven exact.

``from_torch`` (extra ``train``) makes a ``Network``; ``run`` is the integer reference; ``build``
makes a ``Project``, whose ``write`` and ``csim`` give the folder and its C simulation.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bitfpga.errors import BitfpgaError
from bitfpga.ir import Network, TensorType, TestVectors
from bitfpga.reference import run

if TYPE_CHECKING:
    from bitfpga.frontends.torch import from_torch
    from bitfpga.project import Project, build
    from bitfpga.project_folder import open_project

__version__ = "0.1.0"
__all__ = [
    "BitfpgaError",
    "Network",
    "Project",
    "TensorType",
    "TestVectors",
    "build",
    "from_torch",
    "open_project",
    "run",
]

_LATER = {
    "from_torch": "bitfpga.frontends.torch",
    "build": "bitfpga.project",
    "Project": "bitfpga.project",
    "open_project": "bitfpga.project_folder",
}


def __getattr__(name: str) -> Any:
    """Import torch and jinja2 only when something that needs them is asked for."""
    if name not in _LATER:
        raise AttributeError(f"module 'bitfpga' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_LATER[name]), name)
