"""What the board side raises on purpose: each says what is wrong and what to do next."""

from __future__ import annotations


class RuntimeFault(Exception):
    """The base of every error the runtime raises on purpose."""


class BundleError(RuntimeFault):
    """The bundle is not one, is damaged, or lacks what is needed."""


class InputError(RuntimeFault):
    """The data given cannot go to the hardware; it was not touched."""


class DeviceError(RuntimeFault):
    """The board, its software or its hardware does not do what it must."""


class TimeoutFault(RuntimeFault):
    """The hardware did not end in time."""


class IdentityError(RuntimeFault):
    """The loaded bitstream is not the one of this bundle."""


class StatusError(RuntimeFault):
    """The core reports that it could not do its work."""


class BusyError(RuntimeFault):
    """The device is in use."""
