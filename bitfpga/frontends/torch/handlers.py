"""The table of operations: one handler for each ATen overload."""

from __future__ import annotations

from typing import Any

from bitfpga.frontends.torch import (
    function,
    ops_arith,
    ops_linear,
    ops_move,
    ops_pool,
    ops_spread,
)

HANDLERS: dict[Any, Any] = {
    **function.HANDLERS,
    **ops_linear.HANDLERS,
    **ops_arith.HANDLERS,
    **ops_pool.HANDLERS,
    **ops_move.HANDLERS,
    **ops_spread.HANDLERS,
}
