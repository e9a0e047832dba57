"""Targets: the fastest schedule that fits, or the smallest that reaches a rate or a latency."""

from __future__ import annotations

import math

from bitfpga.errors import PlanError
from bitfpga.plan.finish import fold_design
from bitfpga.plan.folding import Folding
from bitfpga.plan.schedule import Resources, Schedule
from bitfpga.plan.search import PRICE_WEIGHTS, DesignSpace, smallest_true
from bitfpga.plan.spaces import NOTHING, Spaces

RETRIES = 8
TRIALS, SLACK = 6, 1.02
TIGHTEST = 0.94  # of a limit that fits, where none that did not has been tried


def fastest(spaces: Spaces, chosen: list[DesignSpace]) -> Schedule:
    """Return the schedule of most samples a second that fits with its real streams and FIFOs."""
    reserve, failed = NOTHING, 0
    for _ in range(RETRIES):
        found = []
        for space in chosen:
            option = spaces.fastest(space, reserve)
            if option is not None:
                limit, design = option
                found.append((limit / space.n_samples, design.cost, limit, design))
        if not found:
            break
        _, _, limit, design = min(found, key=lambda best: best[:2])
        folded = fold_design(design, limit)
        real = folded.resources + design.space.least_fifos
        if spaces.fits(real):
            schedule = spaces.finished(folded)
            if spaces.fits(schedule.resources):
                least = failed or int(limit * TIGHTEST)
                return _tightened(spaces, design.space, least, limit, schedule)
            real = schedule.resources
        reserve, failed = reserve + _excess(real, design.resources), limit
    return slowest(spaces)


def slowest(spaces: Spaces) -> Schedule:
    """Return the schedule of one PE a layer. ``PlanError`` if even that does not fit."""
    space = spaces.space(1, 1)
    designs = [space.design(space.slowest, weight) for weight in PRICE_WEIGHTS]
    found = [spaces.schedule(design, space.slowest) for design in designs if design is not None]
    for schedule in found:
        if spaces.fits(schedule.resources):
            return schedule
    least = min(found, key=lambda s: s.resources.luts + 300 * s.resources.bram36)
    raise PlanError(too_small(least.resources, spaces))


def _tightened(
    spaces: Spaces, space: DesignSpace, failed: int, limit: int, schedule: Schedule
) -> Schedule:
    """Return the fastest schedule found near a limit that fits, for real and not as estimated.

    Estimates jump where real streams do not: so a few limits between ``failed``, which seemed not
    to fit, and ``limit`` are tried, and a few above where ``schedule`` came out slower than that.
    Not for networks too large to be simulated.
    """
    best, missed = schedule, schedule.interval_cycles - limit
    seen: set[tuple[Folding, ...]] = set()
    tried = [failed + (limit - failed) * part // TRIALS for part in range(1, TRIALS)]
    tried += [limit + missed * part // TRIALS for part in range(1, TRIALS) if missed > 0]
    for cycles in tried if schedule.simulated else ():
        for weight in PRICE_WEIGHTS:
            design = space.design(cycles, weight)
            if design is None or not spaces.fits(design.resources, SLACK):
                continue
            foldings = tuple(design.foldings.values())
            if foldings in seen:
                continue
            seen.add(foldings)
            folded = fold_design(design, cycles)
            slowest_layer = max((a.interval_cycles for a in folded.arrays.values()), default=0)
            if slowest_layer < best.interval_cycles and spaces.fits(
                folded.resources + space.least_fifos
            ):
                found = spaces.finished(folded)
                if spaces.fits(found.resources):
                    best = min(best, found, key=lambda made: made.interval_cycles)
    return best


def _excess(real: Resources, estimated: Resources) -> Resources:
    """Return what came out beyond the estimate, and a little more, so that a search ends."""
    return Resources(
        max(0, real.luts - estimated.luts) + 50,
        max(0, real.ffs - estimated.ffs) + 50,
        max(0.0, real.bram36 - estimated.bram36) + 0.5,
    )


def for_rate(spaces: Spaces, wanted: float) -> Schedule:
    """Return the smallest schedule of at least ``wanted`` samples a second, or ``PlanError``."""
    found = []
    for space in spaces.shapes(True):
        limit = math.floor(space.n_samples * 1e9 / (wanted * spaces.clock_ns))
        # A rate this plan itself reported asks for a whole number of cycles; division rounds.
        if space.n_samples * 1e9 / ((limit + 1) * spaces.clock_ns) >= wanted:
            limit += 1
        for tighter in (1.0, 0.99, 0.97, 0.94, 0.9):
            cycles = min(int(limit * tighter), space.slowest)
            design = spaces.cheapest(space, cycles)
            if design is None:
                break
            schedule = spaces.schedule(design, cycles)
            if schedule.samples_per_second >= wanted and spaces.fits(schedule.resources):
                found.append(schedule)
                break
    if not found:
        best = fastest(spaces, spaces.shapes(True))
        raise PlanError(_out_of_reach(f"{wanted:,g} samples/s", best))
    return min(found, key=lambda s: (s.resources.luts, s.n_samples))


def for_latency(spaces: Spaces, wanted: float) -> Schedule:
    """Return the smallest schedule found of at most ``wanted`` us from first input to last output.

    ``PlanError`` with the figures of the fastest where none reaches it.
    """
    found = [_slowest_reaching(spaces, space, wanted) for space in spaces.shapes(False)]
    reaching = [schedule for schedule in found if schedule is not None]
    if not reaching:
        best = fastest(spaces, spaces.shapes(False))
        raise PlanError(_out_of_reach(f"latency {wanted:g} us", best))
    return min(reaching, key=lambda s: (s.resources.luts, s.resources.bram36))


def _slowest_reaching(spaces: Spaces, space: DesignSpace, wanted: float) -> Schedule | None:
    """Return the schedule of most cycles in ``space`` whose latency is ``wanted`` us or less."""
    schedules: dict[int, Schedule] = {}

    def reaches(slower: int) -> bool:
        limit = space.slowest - slower
        design = spaces.cheapest(space, limit)
        if design is None:
            return True
        schedules[slower] = spaces.schedule(design, limit)
        return schedules[slower].latency_us <= wanted

    faster = smallest_true(0, space.slowest - space.shortest, reaches)
    best = schedules.get(faster) if faster is not None else None
    if best is None or best.latency_us > wanted or not spaces.fits(best.resources):
        return None
    return best


def too_small(least: Resources, spaces: Spaces) -> str:
    """Return what to tell where even ``least`` does not fit: by how much, and what helps."""
    board, over = spaces.board, []
    for name, share in spaces.target.shares.items():
        need, have = getattr(least, name), getattr(board, name) * share
        if need > have:
            over.append(f"{need:,.0f} {name} of {have:,.0f} ({need - have:,.0f} too many)")
    return (
        f"{board.name} is too small even for one PE a layer: estimated {', '.join(over)}; "
        "choose a larger --board, or a network with fewer inputs and digits"
    )


def _out_of_reach(wanted: str, best: Schedule) -> str:
    longest = max(best.layers, key=lambda layer: layer.interval_cycles, default=None)
    why = "input and output move one element a cycle"
    if longest is not None:
        why = f"layer '{longest.origin}' is slowest, bound by its {longest.bound}"
    return (
        f"{wanted} is out of reach on {best.board.name} at {best.clock_ns} ns: the best that fits "
        f"is {best.latency_us:.3g} us and {best.samples_per_second:,.0f} samples/s ({why}); "
        "relax the target, lower --clock-ns, choose a larger --board or prune more digits"
    )
