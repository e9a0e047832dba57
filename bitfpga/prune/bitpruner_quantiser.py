"""The int8 levels of one ``bitpruner`` layer, and everything that follows them while it trains."""

from __future__ import annotations

import math

import numpy as np
import torch

from bitfpga.errors import PruneError
from bitfpga.prune.bitpruner_budget import deal_caps, grouped, nearest_table
from bitfpga.prune.grid import straight_through
from bitfpga.prune.method import WeightQuantiser

_NO_GOAL = torch.iinfo(torch.int64).max


class BudgetQuantiser(WeightQuantiser):
    """Levels -(2^(bits-1) - 1) .. +(2^(bits-1) - 1) times one power-of-two scale, fixed at once.

    With il = ceil(log2(max|w|)) the scale is 2^(il - bits + 1): il binary places, the sign, and
    the rest of the ``bits`` behind the point. |w| = 2^il itself takes the last level. Real weights
    go to the nearest level, ties away from 0. Weights that are 0 now stay 0.

    All state is in buffers of fixed shapes, so that a state_dict resumes a run in any stage.
    """

    step_size: torch.Tensor  # real value of one level, [1]
    kept: torch.Tensor  # bool, of the weight's shape: False where the weight stays 0
    before: torch.Tensor  # the weight after the last step
    consensus: torch.Tensor  # Z of ADMM, real units
    dual: torch.Tensor  # U of ADMM, real units
    caps: torch.Tensor  # uint8, of the weight's shape: the most one-bits the budget allows
    budgets: torch.Tensor  # int64: most one-bits of a weight; of a mean cap over groups
    held: torch.Tensor  # bool [1]: the forward obeys the caps
    stage: torch.Tensor  # int64 [1], -1 before the first
    goal: torch.Tensor  # int64 [1]: the one-bits the layer is to come down to
    n_steps: torch.Tensor  # int64 [1]: steps in the ADMM stage
    table: torch.Tensor
    ones: torch.Tensor

    def __init__(
        self, name: str, weight: torch.Tensor, bits: int, budget: int, mean_cap: int, group: int
    ) -> None:
        super().__init__()
        self.bits, self.group = bits, group
        weight = weight.detach()
        largest = float(weight.abs().max())
        if largest == 0.0:
            raise PruneError(
                f"layer '{name}': all its weights are 0 once the batch norm is folded in, so they "
                "have no range to quantise; train the batch norm, or take the layer out"
            )
        table = torch.from_numpy(nearest_table(bits))
        ones = torch.from_numpy(np.bitwise_count(np.arange(1 << (bits - 1))))
        caps = torch.full_like(weight, bits - 1, dtype=torch.uint8)
        state = {
            # One of the bits is the sign: the published radix 8 - il counts it, so 2^(il - 7).
            "step_size": weight.new_full((1,), 2.0 ** (_integer_bits(largest) - bits + 1)),
            "kept": weight != 0,
            "before": weight.clone(),
            "consensus": torch.zeros_like(weight),
            "dual": torch.zeros_like(weight),
            "caps": caps,
            "budgets": torch.tensor([budget, mean_cap]).clamp_(max=bits - 1),
            "held": torch.tensor([False]),
            "stage": torch.tensor([-1]),
            "goal": torch.tensor([_NO_GOAL]),
            "n_steps": torch.tensor([0]),
        }
        for key, value in state.items():
            self.register_buffer(key, value.to(weight.device))
        self.register_buffer("table", table.to(weight.device), persistent=False)
        self.register_buffer("ones", ones.to(weight.device), persistent=False)

    def forward(
        self, weight: torch.Tensor, gain: torch.Tensor | None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        steps = weight * self.kept / self.step_size
        limit = torch.where(self.held, self.caps, self.bits - 1)
        top = 1 << (self.bits - 1)  # no gradient beyond; the last level is top - 1
        levels = straight_through(self._nearest(steps, limit), steps.clamp(-top, top))
        return levels, self.step_size.expand(len(weight))

    def _nearest(self, steps: torch.Tensor, limit: torch.Tensor | int) -> torch.Tensor:
        """Return the levels nearest to ``steps`` of at most ``limit`` one-bits."""
        last = self.table.shape[1] - 1
        # The clamp also catches NaN: it must come out of the loss, not as an index fault.
        halves = (2 * steps.abs()).long().clamp(0, last)
        row = limit.long() if isinstance(limit, torch.Tensor) else limit
        return torch.sign(steps) * self.table[row, halves].to(steps.dtype)

    def _one_bits(self, weight: torch.Tensor) -> torch.Tensor:
        """Return the one-bits of each weight's level before any budget, uint8."""
        levels = self._nearest(weight / self.step_size, self.bits - 1)
        return self.ones[levels.abs().long()]

    def remember(self, weight: torch.Tensor) -> None:
        """Take ``weight`` as what the next update starts from."""
        self.before.copy_(weight.detach())

    def aim(self, fraction: float) -> None:
        """Set the goal: ``fraction`` of the one-bits there are now shall go.

        The same as a bit sparsity of s0 + (1 - s0) * fraction, s0 the present one.
        """
        n_ones = int(self._one_bits(self.before).sum())
        self.goal.fill_(math.floor(n_ones * (1 - fraction)))

    def release(self) -> None:
        """Drop the goal."""
        self.goal.fill_(_NO_GOAL)

    @torch.no_grad()
    def refuse(self, weight: torch.Tensor) -> torch.Tensor:
        """Take back, in place, the updates that are not allowed; return which, bool.

        Those are updates of a weight that stays 0, and while the layer is above its goal before
        or after the update, those that give a weight more one-bits.
        """
        then, now = self._one_bits(self.before), self._one_bits(weight)
        above = torch.maximum(then.sum(), now.sum()) > self.goal
        refused = (above & (now > then)) | ~self.kept
        weight.copy_(torch.where(refused, self.before, weight))
        self.before.copy_(weight)
        return refused

    @torch.no_grad()
    def deal(self, weight: torch.Tensor) -> None:
        """Give every lock-step group of ``weight`` its cap."""
        budget = int(self.budgets[0])
        mean_cap = int(self.budgets.min())
        if budget == mean_cap:
            self.caps.fill_(budget)
            return
        steps = (weight * self.kept / self.step_size).reshape(len(weight), -1)
        costs = [(self._nearest(steps, cap) - steps).double().square() for cap in range(budget + 1)]
        errors = grouped(torch.stack(costs).cpu().numpy(), self.group)
        caps = torch.from_numpy(deal_caps(errors, mean_cap * errors.shape[2]))
        per_weight = caps.repeat_interleave(self.group, dim=1)[:, : steps.shape[1]]
        self.caps.copy_(per_weight.reshape(self.caps.shape))

    def give(self, weight: torch.Tensor, budget: int) -> None:
        """Change the budget of a weight, and deal anew."""
        self.budgets[0] = budget
        self.deal(weight)

    @torch.no_grad()
    def split(self, weight: torch.Tensor) -> None:
        """Begin ADMM: Z is the projection of W; U is 0 still."""
        self._project(weight)

    @torch.no_grad()
    def follow(self, weight: torch.Tensor, dual_every: int) -> None:
        """Count a step of ADMM; at every ``dual_every``-th, Z = projection(W + U), U += W - Z."""
        self.n_steps.add_(1)
        if int(self.n_steps) % dual_every == 0:
            self._project(weight + self.dual)
            self.dual.add_((weight - self.consensus) * self.kept)

    def _project(self, real: torch.Tensor) -> None:
        steps = real * self.kept / self.step_size
        self.consensus.copy_(self._nearest(steps, self.caps) * self.step_size)

    def distance(self, weight: torch.Tensor) -> torch.Tensor:
        """Return ``||W - Z + U||^2`` over all weights, real units, a scalar."""
        return (weight * self.kept - self.consensus + self.dual).square().sum()


def _integer_bits(largest: float) -> int:
    """Return ``ceil(log2(largest))``, exactly."""
    mantissa, exponent = math.frexp(largest)
    return exponent - 1 if mantissa == 0.5 else exponent
