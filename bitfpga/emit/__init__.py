"""Schedule to files. It decides nothing: every size, order and width comes from the plan."""

from bitfpga.emit.rtl import emit_rtl
from bitfpga.emit.sources import emit_sources, render_readme

__all__ = ["emit_rtl", "emit_sources", "render_readme"]
