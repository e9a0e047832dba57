"""The board side under the name it has in a bundle: imported from its place, without bitfpga."""

from pathlib import Path

SOURCE = Path(__file__).resolve().parents[2] / "bitfpga" / "runtime"

__path__ = [str(SOURCE)]
exec(compile((SOURCE / "__init__.py").read_text("utf-8"), str(SOURCE / "__init__.py"), "exec"))
