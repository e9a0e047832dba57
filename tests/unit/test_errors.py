"""The error classes: one family, with the exit codes the command line promises."""

from __future__ import annotations

import pytest

from bitfpga import errors

EXIT_CODES = {
    "BitfpgaError": 1,
    "ModelError": 1,
    "PruneError": 1,
    "BoardError": 1,
    "PlanError": 1,
    "ProjectError": 1,
    "CsimError": 1,
    "SynthError": 1,
    "UsageError": 2,
    "ToolError": 3,
}


def test_every_error_has_the_exit_code_the_command_line_promises() -> None:
    defined = {name: kind for name, kind in vars(errors).items() if isinstance(kind, type)}
    assert {name: kind.exit_code for name, kind in defined.items()} == EXIT_CODES


@pytest.mark.parametrize("name", EXIT_CODES)
def test_every_error_is_a_bitfpga_error_and_says_who_raises_it(name: str) -> None:
    kind = getattr(errors, name)
    assert issubclass(kind, errors.BitfpgaError)
    assert kind.__doc__
    with pytest.raises(errors.BitfpgaError, match=r"^layer 'fc2': 9 bits$"):
        raise kind("layer 'fc2': 9 bits")
