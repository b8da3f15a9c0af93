"""Whether a call may be made: what was spent, what is held for others, and its own estimate."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from processor.core.model import Standing


class BudgetCheck(NamedTuple):
    """How a call stands against one budget."""

    standing: Standing
    reserved: int
    """What is held for calls that were allowed and are not charged yet, in the budget's unit."""
    estimate: int | None
    """What the call is expected to use, in the budget's unit; None where that is not known."""
    progress: float = 1.0
    """Below 1 the totals of the budget are still being filled."""

    @property
    def used(self) -> int:
        """What was spent, and what is held."""
        return self.standing.spent + self.reserved

    @property
    def remaining(self) -> int:
        """What is left for this call and others; 0 where more was spent."""
        return max(self.standing.limit - self.used, 0)

    @property
    def is_allowed(self) -> bool:
        """Whether the call stays within the limit, which it may reach.

        One of which nothing is known is allowed while anything is left, for it will use some.
        """
        if self.estimate is None:
            return self.used < self.standing.limit
        return self.used + self.estimate <= self.standing.limit

    @property
    def ratio(self) -> float:
        """What would be used with this call, as a share of the limit."""
        return (self.used + (self.estimate or 0)) / self.standing.limit


def deciding(checks: Sequence[BudgetCheck]) -> BudgetCheck | None:
    """The budget that refuses, or of those that allow the one which is the nearest to its limit."""
    return max(checks, key=lambda each: (not each.is_allowed, each.ratio), default=None)
