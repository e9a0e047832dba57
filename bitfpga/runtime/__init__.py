"""The board side of bitfpga: numpy only, and PYNQ where there is a board.

``Accelerator(bundle)`` runs a bundle of ``bitfpga deploy``; whatever it raises on purpose is a
``RuntimeFault``. A bundle carries a copy of this package as ``bitfpga_runtime``.
"""

from .accelerator import Accelerator
from .errors import (
    BundleError,
    BusyError,
    DeviceError,
    IdentityError,
    InputError,
    RuntimeFault,
    StatusError,
    TimeoutFault,
)
from .results import Throughput, Validation

__all__ = [
    "Accelerator",
    "BundleError",
    "BusyError",
    "DeviceError",
    "IdentityError",
    "InputError",
    "RuntimeFault",
    "StatusError",
    "Throughput",
    "TimeoutFault",
    "Validation",
]
