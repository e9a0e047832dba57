"""One error class per stage, each with the exit code the command line ends with.

Exit codes: 0 fine, 1 a problem bitfpga found, 2 wrong usage, 3 an outside tool failed. A message
says what is wrong, where, what was found, what is allowed, and what to do next.
"""

from __future__ import annotations


class BitfpgaError(Exception):
    """A problem the user can act on; the base of every error bitfpga raises on purpose."""

    exit_code = 1


class ModelError(BitfpgaError):
    """Front ends, ``ir``, ``digits``, ``reference``: a model, network file or array not allowed."""


class PruneError(BitfpgaError):
    """``prune``: bit-pruning was asked for something it cannot do."""


class BoardError(BitfpgaError):
    """``boards``: an unknown board, or a board file with faults in it."""


class PlanError(BitfpgaError):
    """``plan``: no schedule exists; the board is too small or the target out of reach."""


class ProjectError(BitfpgaError):
    """``emit``, ``project``, ``paths``: a folder that cannot be written, read or trusted."""


class CsimError(BitfpgaError):
    """``csim``: the simulation did not run to its end, or did not equal the reference."""


class SynthError(BitfpgaError):
    """``synth``: the Verilog does not equal the reference, its plan, or a rule of its own."""


class UsageError(BitfpgaError):
    """``cli``: flags or arguments that are unknown or make no sense together."""

    exit_code = 2


class ToolError(BitfpgaError):
    """``tools``: an outside program is missing, failed, or ran out of time."""

    exit_code = 3
