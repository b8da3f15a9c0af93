"""What spans add to the totals they belong to, and to what is above them."""

from __future__ import annotations

from dataclasses import dataclass

from processor.core.model import NO_PARTS, NO_USAGE, NOTHING, Parts, Sums, Totals, Usage
from processor.core.money import ZERO, Amount


@dataclass(slots=True)
class Subtotal:
    """What some spans add together to the totals of those above them."""

    totals: Totals
    explains: Usage
    """The quantities that they were charged for; they explain the same quantities further up."""

    @property
    def is_nothing(self) -> bool:
        """True when no total and no quantity is in it."""
        return self.totals.is_zero and (self.explains is NO_USAGE or self.explains == NO_USAGE)

    def plus(self, other: Subtotal) -> Subtotal:
        """Both together."""
        if self is NO_SUBTOTAL:
            return other
        return Subtotal(self.totals.plus(other.totals), self.explains.plus(other.explains))

    def minus(self, other: Subtotal) -> Subtotal:
        """The change from `other` to this."""
        if other is NO_SUBTOTAL:
            return self
        return Subtotal(self.totals.minus(other.totals), self.explains.minus(other.explains))


NO_SUBTOTAL = Subtotal(NOTHING, NO_USAGE)


@dataclass(slots=True)
class Share(Subtotal):
    """What one span adds to every total it belongs to."""

    amount: Amount | None
    """What it is charged, None while that is unknown."""
    other_report: Parts = NO_PARTS
    """What of its parts another report of the same call is charged for."""

    @property
    def sums(self) -> Sums:
        """All that it adds to sums."""
        parts = NO_PARTS
        if self.amount is not None and not self.is_nothing:
            parts = _parts_of(self.explains, self.amount).minus(self.other_report)
        return Sums(self.totals, parts)


def _parts_of(usage: Usage, amount: Amount) -> Parts:
    return Parts(
        usage.cache_write + usage.cache_write_1h,
        usage.reasoning,
        amount.input,
        amount.output,
        amount.cache_read,
        amount.cache_write,
    )


NO_SHARE = Share(NOTHING, NO_USAGE, ZERO)
