"""``plan``: Network and board in, Schedule out."""

from __future__ import annotations

import math
from collections.abc import Callable

from bitfpga.boards import Board
from bitfpga.digits import NumberSystem
from bitfpga.errors import PlanError
from bitfpga.ir import Network
from bitfpga.plan.schedule import Schedule, Target
from bitfpga.plan.search import PRICE_WEIGHTS
from bitfpga.plan.spaces import Spaces
from bitfpga.plan.targets import fastest, for_latency, for_rate, too_small


def plan(
    network: Network,
    board: Board,
    *,
    clock_ns: float | None = None,
    number_system: NumberSystem = NumberSystem.CSD,
    target: Target | None = None,
    on_layer: Callable[[str], None] | None = None,
) -> Schedule:
    """Return the schedule of ``network`` on ``board``.

    Without a target: the shortest interval that fits 85 % of LUTs and flip-flops and 90 % of
    block RAM, one sample at a time, with the fewest PEs of that interval. With one: the smallest
    design that reaches it. ``PlanError`` when the board is too small or the target out of reach,
    with the figures and the flag that helps. ``on_layer`` is called with a line of progress for
    each layer.
    """
    target = target or Target()
    period_ns = board.clock_ns if clock_ns is None else clock_ns
    _check_settings(period_ns, target)
    spaces = Spaces(network, board, period_ns, number_system, target, on_layer)
    _check_room(spaces)
    if target.fps is not None:
        return for_rate(spaces, target.fps)
    if target.latency_us is not None:
        return for_latency(spaces, target.latency_us)
    return fastest(spaces, spaces.shapes(False))


def _check_settings(clock_ns: float, target: Target) -> None:
    values = {
        "--clock-ns": clock_ns,
        "--target-latency-us": target.latency_us,
        "--target-fps": target.fps,
    }
    for flag, value in values.items():
        if value is not None and not (math.isfinite(value) and value > 0):
            raise PlanError(f"{flag} {value}: must be a number above 0")
    if not 1.0 <= clock_ns <= 1000.0:
        raise PlanError(f"--clock-ns {clock_ns}: 1 to 1000 ns are supported")
    if target.latency_us is not None and target.fps is not None:
        raise PlanError("give --target-latency-us or --target-fps, not both")


def _check_room(spaces: Spaces) -> None:
    space = spaces.space(1, 1)
    smallest = [space.design(space.slowest, weight) for weight in PRICE_WEIGHTS]
    designs = [design for design in smallest if design is not None]
    if not any(spaces.fits(design.resources) for design in designs):
        least = min(designs, key=lambda d: d.resources.luts + 300 * d.resources.bram36)
        raise PlanError(too_small(least.resources, spaces))
