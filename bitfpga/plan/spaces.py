"""The design spaces of one network on one board, and what the board has room for."""

from __future__ import annotations

from collections.abc import Callable

from bitfpga.boards import Board
from bitfpga.digits import NumberSystem
from bitfpga.ir import Network
from bitfpga.plan.finish import Folded, finish, fold_design
from bitfpga.plan.resources import ceil_div
from bitfpga.plan.schedule import Resources, Schedule, Target
from bitfpga.plan.search import (
    BEAT_PIXELS,
    PRICE_WEIGHTS,
    SAMPLES,
    Design,
    DesignSpace,
    smallest_true,
)

NOTHING = Resources()
FINEST = 500  # steps of a search in the fewest cycles that any design takes
BELOW = (0.86, 0.88, 0.9, 0.92, 0.94, 0.96, 0.98, 1.0)  # shares of a limit that fits


class Spaces:
    """Makes designs and schedules of ``network`` on ``board`` within ``target.shares`` of it."""

    def __init__(
        self,
        network: Network,
        board: Board,
        clock_ns: float,
        system: NumberSystem,
        target: Target,
        on_layer: Callable[[str], None] | None,
    ) -> None:
        self.network, self.board, self.clock_ns, self.system = network, board, clock_ns, system
        self.target, self.on_layer = target, on_layer
        self._spaces: dict[tuple[int, int], DesignSpace] = {}
        first = self.space(1, 1)
        self.has_maps = any(s.order.pixels > 1 for s in first.pipeline.streams.values())

    def space(self, beat_pixels: int, n_samples: int) -> DesignSpace:
        """Return the design space of this shape of beats."""
        key = (beat_pixels, n_samples)
        if key not in self._spaces:
            like = next(iter(self._spaces.values()), None)
            report = self.on_layer if like is None else None
            self._spaces[key] = DesignSpace(
                self.network, self.board, self.system, beat_pixels, n_samples, report, like
            )
        return self._spaces[key]

    def shapes(self, with_samples: bool) -> list[DesignSpace]:
        """Return the spaces to search: pixels side by side in maps, samples in vectors."""
        if self.has_maps:
            return [self.space(beat_pixels, 1) for beat_pixels in BEAT_PIXELS]
        return [self.space(1, n) for n in (SAMPLES if with_samples else (1,))]

    def fits(self, resources: Resources, slack: float = 1.0) -> bool:
        """Whether an estimate stays within the target's shares of the board, times ``slack``."""
        return all(
            getattr(resources, name) <= getattr(self.board, name) * share * slack
            for name, share in self.target.shares.items()
        )

    def cheapest(
        self, space: DesignSpace, limit: int, reserve: Resources = NOTHING
    ) -> Design | None:
        """Return the cheapest design at ``limit`` cycles that leaves ``reserve`` of the board."""
        found = [space.design(limit, weight) for weight in PRICE_WEIGHTS]
        good = [d for d in found if d is not None and self.fits(d.resources + reserve)]
        return min(good, key=lambda d: (d.resources.luts, d.resources.bram36), default=None)

    def fastest(self, space: DesignSpace, reserve: Resources) -> tuple[int, Design] | None:
        """Return the fewest cycles a block that were found to fit, and that design.

        What fits is not quite monotone in the limit, so after halving, some below are tried, too.
        """
        unit = max(1, space.shortest // FINEST)
        steps = smallest_true(
            space.shortest // unit,
            ceil_div(space.slowest, unit),
            lambda n: self.cheapest(space, n * unit, reserve) is not None,
        )
        if steps is None:
            return None
        limits = [int(steps * unit * share) for share in BELOW]
        tried = ((limit, self.cheapest(space, limit, reserve)) for limit in limits)
        return next((limit, design) for limit, design in tried if design is not None)

    def schedule(self, design: Design, limit: int) -> Schedule:
        """Return the schedule of ``design``."""
        return self.finished(fold_design(design, limit))

    def finished(self, folded: Folded) -> Schedule:
        """Return the schedule of a design whose streams are built."""
        return finish(folded, self.clock_ns, self.system)
