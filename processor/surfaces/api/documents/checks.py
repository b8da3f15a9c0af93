"""Whether a call may be made, and what is held for it."""

from __future__ import annotations

from typing import Literal
from zoneinfo import ZoneInfo

from pydantic import Field

from processor.core.budgets.call_check import BudgetCheck
from processor.core.budgets.window import rolling_s_of
from processor.core.money import exact_usd
from processor.surfaces.api.documents.values import (
    Document,
    Moment,
    Share,
    Usd,
    known,
    moment,
    moment_ns,
)
from processor.surfaces.queries import BudgetCheckAnswer


class CheckedBudget(Document):
    """How the call stands against one budget: in dollars or in tokens, the others being null."""

    budget: str
    allowed: bool = Field(
        description="Whether what was spent, what is reserved and the estimate are together not "
        "above the limit. Where the estimate is not known: whether anything is left."
    )
    scope: str
    scope_id: str | None = Field(description="Null where the scope has only one, as `total` has.")
    window: str
    starting_at: Moment | None = Field(description="Of the window; null without one.")
    resets_at: Moment | None = Field(
        description="When the window ends; null without one, and of a rolling one."
    )
    unit: Literal["usd", "tokens"]
    limit_usd: Usd | None
    spent_usd: Usd | None
    reserved_usd: Usd | None = Field(
        description="What is held for calls that were allowed and are not charged yet."
    )
    remaining_usd: Usd | None = Field(description="Before this call; 0 where more was used.")
    estimate_usd: Usd | None = Field(description="Of this call; null where it is not known.")
    limit_tokens: int | None
    spent_tokens: int | None
    reserved_tokens: int | None
    remaining_tokens: int | None
    estimate_tokens: int | None
    at_least: bool = Field(description="Some calls are not in what was spent.")
    progress: Share = Field(
        description="Below 1 the totals that it looks at are still being filled."
    )

    @classmethod
    def from_check(cls, check: BudgetCheck, zone: ZoneInfo) -> CheckedBudget:
        """The document of a check."""
        standing = check.standing
        is_usd, is_rolling = standing.unit == "usd", rolling_s_of(standing.window) > 0
        amounts = {
            "limit": standing.limit,
            "spent": standing.spent,
            "reserved": check.reserved,
            "remaining": check.remaining,
            "estimate": check.estimate,
        }
        in_usd = {
            f"{name}_usd": exact_usd(value) if is_usd and value is not None else None
            for name, value in amounts.items()
        }
        in_tokens = {f"{name}_tokens": None if is_usd else value for name, value in amounts.items()}
        return cls.model_validate(
            {
                "budget": standing.budget,
                "allowed": check.is_allowed,
                "scope": standing.scope,
                "scope_id": known(standing.scope_id),
                "window": standing.window,
                "starting_at": moment(standing.window_start_s, zone),
                "resets_at": None if is_rolling else moment(standing.window_end_s, zone),
                "unit": standing.unit,
                "at_least": standing.at_least,
                "progress": round(check.progress, 6),
                **in_usd,
                **in_tokens,
            }
        )


class CheckEstimate(Document):
    """What the call is expected to use."""

    cost_usd: Usd | None = Field(description="Null where it is not known.")
    tokens: int | None
    provider: str | None = Field(description="As the prices name it; null without a model.")
    model: str | None
    price_status: str | None = Field(
        description="How the price was found, as in `llm.cost.status`: `unpriced` where none was."
    )
    price_reason: str | None


class CheckReservation(Document):
    """What is held for the call."""

    id: str = Field(description="For `llm.budget.reservation` on the span of the call.")
    expires_at: Moment


class UncheckedBudget(Document):
    """A budget that may apply, of which nobody can tell without further scopes."""

    budget: str
    missing: list[str]


class BudgetCheckDocument(Document):
    """Whether a call may be made."""

    allowed: bool
    message: str | None = Field(description="Why not, in words; null where it is allowed.")
    deciding: CheckedBudget | None = Field(
        description="The budget that refuses, or of those that allow the one which is the nearest "
        "to its limit; null where none applies."
    )
    budgets: list[CheckedBudget] = Field(description="Every budget that applies.")
    not_checked: list[UncheckedBudget] = Field(description="At most 100.")
    estimate: CheckEstimate
    reservation: CheckReservation | None
    checked_at: Moment

    @classmethod
    def from_answer(cls, found: BudgetCheckAnswer, zone: ZoneInfo) -> BudgetCheckDocument:
        """The document of an answer."""
        deciding, priced = found.deciding, found.priced
        reservation = None
        if found.reservation_id:
            expires_at = moment_ns(found.expires_ns, zone)
            reservation = CheckReservation(id=found.reservation_id, expires_at=expires_at)
        cost = found.estimate.cost_nano_usd
        return cls(
            allowed=found.is_allowed,
            message=known(found.message),
            deciding=None if deciding is None else CheckedBudget.from_check(deciding, zone),
            budgets=[CheckedBudget.from_check(each, zone) for each in found.checks],
            not_checked=[
                UncheckedBudget(budget=each.budget, missing=list(each.missing))
                for each in found.unchecked
            ],
            estimate=CheckEstimate(
                cost_usd=None if cost is None else exact_usd(cost),
                tokens=found.estimate.tokens,
                provider=known(priced and priced.provider),
                model=known(priced and priced.model),
                price_status=priced and priced.status,
                price_reason=known(priced and priced.reason),
            ),
            reservation=reservation,
            checked_at=moment_ns(found.time_ns, zone),
        )


class ReleaseDocument(Document):
    """What has become of a reservation."""

    reservation_id: str
    released: bool = Field(description="Always true.")
