"""The small fixed texts of a bundle and of its wheel."""

SOURCE_ENDINGS = (".hpp", ".cpp")

VALIDATE = '''\
"""Runs the golden vectors of this bundle, and your own arrays: python3 validate.py --help"""

import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
sys.path.insert(0, str(FOLDER))

from bitfpga_runtime.command import main  # noqa: E402

if __name__ == "__main__":
    sys.exit(main(FOLDER))
'''

PACKAGE = '''\
"""{title}: ``accelerator()`` is the network, ready to run on this board."""

from pathlib import Path

from .bitfpga_runtime import Accelerator

BUNDLE = Path(__file__).resolve().parent


def accelerator(device=None, **options):
    """Return an ``Accelerator`` of this package's bundle; ``device="csim"`` needs no board."""
    return Accelerator(BUNDLE, device, **options)
'''

DRIVER = '''\
"""What PYNQ hands out for the core of {title} in an Overlay. PYNQ imports this module itself."""

from pynq import DefaultIP

from . import BUNDLE


class Core(DefaultIP):
    """The core; ``bitfpga_runtime.Accelerator(bundle)`` is the way to run it."""

    bindto = ["{vlnv}"]
    bundle = BUNDLE
'''

NOTEBOOKS = '''"""The notebooks of {title}."""\n'''

METADATA = """\
Metadata-Version: 2.1
Name: {distribution}
Version: {version}
Summary: {title}: a bit-pruned network as a PYNQ overlay, made by bitfpga
Requires-Python: >=3.8
Requires-Dist: numpy
"""

WHEEL = """\
Wheel-Version: 1.0
Generator: bitfpga
Root-Is-Purelib: true
Tag: py3-none-any
"""

ENTRY_POINTS = """\
[pynq.overlays]
{name} = {package}

[pynq.lib]
{name} = {package}.driver

[pynq.notebooks]
{name} = {package}.notebooks
"""
