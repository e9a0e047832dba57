"""Schedules of every kind for a network, not only those that a search would choose."""

from __future__ import annotations

from unittest.mock import patch

from hypothesis import strategies as st

from bitfpga.boards import Board, load_board
from bitfpga.digits import NumberSystem
from bitfpga.ir import Network
from bitfpga.plan import Schedule, Target
from bitfpga.plan.spaces import Spaces

BOARD = load_board("zcu104")

FOLDINGS = st.fixed_dictionaries(
    {
        "system": st.sampled_from(list(NumberSystem)),
        "beat_pixels": st.sampled_from((1, 2, 4, 8)),
        "n_samples": st.sampled_from((1, 2, 4)),
        "slowness": st.floats(0.0, 1.0),
        "in_memory": st.booleans(),
    }
)


def any_schedule(
    network: Network,
    system: NumberSystem = NumberSystem.CSD,
    beat_pixels: int = 1,
    n_samples: int = 1,
    slowness: float = 0.0,
    in_memory: bool = False,
    board: Board = BOARD,
) -> Schedule:
    """Return the schedule for beats of ``beat_pixels`` pixels of ``n_samples`` samples.

    ``slowness``: 0 for the fastest folding, 1 for one PE a layer. ``in_memory``: whether taps are
    read from memory. ``board`` has room for all.
    """
    rows = 0 if in_memory else 1 << 16
    with patch("bitfpga.plan.search.ON_CHIP_ROWS", rows):
        planner = Spaces(network, board, 5.0, system, Target(), None)
        space = planner.space(beat_pixels, n_samples)
        limit = int(space.shortest + (space.slowest - space.shortest) * slowness**2)
        design = space.design(limit, 1.0)
        while design is None:
            limit *= 2
            design = space.design(limit, 1.0)
        return planner.schedule(design, limit)
