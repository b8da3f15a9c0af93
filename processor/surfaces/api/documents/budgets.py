"""Budgets with how they stand, and crossings."""

from __future__ import annotations

from typing import Any, Literal
from zoneinfo import ZoneInfo

from pydantic import Field

from processor.core.budgets import Budget, Policy
from processor.core.model import Crossing
from processor.core.money import exact_usd
from processor.core.notices import crossing_id
from processor.surfaces.api.documents.values import (
    Answer,
    AsOfDocument,
    Document,
    Moment,
    Share,
    Usd,
    known,
    moment,
    share,
)
from processor.surfaces.queries import BudgetsReport, BudgetState, CrossingsPage


class Limited(Document):
    """What a budget limits, and what was spent: in dollars or in tokens, the others being null."""

    budget: str
    scope: str
    scope_id: str | None = Field(description="Null where the scope has only one, as `total` has.")
    starting_at: Moment | None = Field(description="Of the window; null without one.")
    ending_at: Moment | None
    unit: Literal["usd", "tokens"]
    limit_usd: Usd | None
    spent_usd: Usd | None
    limit_tokens: int | None
    spent_tokens: int | None
    ratio: Share | None = Field(description="What was spent, as a share of the limit.")
    at_least: bool = Field(description="Some calls are not in what was spent.")


class BudgetDocument(Limited):
    """How one scope id stands under one budget in the window of now."""

    window: str
    remaining_usd: Usd | None = Field(description="0 where more was spent.")
    remaining_tokens: int | None
    warn_at: list[Share] = Field(description="Shares of the limit at which it warns.")
    state: Literal["ok", "warning", "exceeded"]
    progress: Share = Field(
        description="Below 1 the totals that it looks at are still being filled, and it is not in "
        "force yet."
    )

    projected_crossing_at: Moment | None = Field(
        description="The start of the hour in which the limit will be met, if it goes on as in the "
        "weeks before. Null where it is met already or will not be in this window, where too "
        "little is known to say, and for windows that are no day, week or month."
    )

    @classmethod
    def from_state(
        cls, state: BudgetState, warn_at: tuple[float, ...], zone: ZoneInfo
    ) -> BudgetDocument:
        """The document of a budget's state."""
        standing = state.standing
        ratio = standing.spent / standing.limit
        left = max(standing.limit - standing.spent, 0)
        is_usd = standing.unit == "usd"
        warns = bool(warn_at) and ratio >= warn_at[0]
        return cls(
            budget=standing.budget,
            scope=standing.scope,
            scope_id=known(standing.scope_id),
            window=standing.window,
            starting_at=moment(standing.window_start_s, zone),
            ending_at=moment(standing.window_end_s, zone),
            remaining_usd=exact_usd(left) if is_usd else None,
            remaining_tokens=None if is_usd else left,
            warn_at=list(warn_at),
            state="exceeded" if standing.exceeded else "warning" if warns else "ok",
            progress=round(state.progress, 6),
            projected_crossing_at=moment(state.projected_crossing_s or 0, zone),
            at_least=standing.at_least,
            **_amounts(standing.unit, standing.limit, standing.spent),
        )


class BudgetRule(Document):
    """A budget as its file has it."""

    budget: str
    scope: str
    window: str
    unit: Literal["usd", "tokens"]
    limit_usd: Usd | None
    limit_tokens: int | None
    warn_at: list[Share]
    match: dict[str, list[str]] = Field(description="Which calls count; empty for all.")
    overrides: int = Field(description="How many scope ids have another limit.")

    @classmethod
    def from_budget(cls, budget: Budget) -> BudgetRule:
        """The document of a budget."""
        is_usd = budget.unit == "usd"
        return cls(
            budget=budget.name,
            scope=budget.scope,
            window=budget.window,
            unit=budget.unit,
            limit_usd=exact_usd(budget.limit) if is_usd else None,
            limit_tokens=None if is_usd else budget.limit,
            warn_at=list(map(float, budget.warn_at)),
            match={name: list(patterns) for name, patterns in budget.match.items()},
            overrides=len(budget.overrides),
        )


class BudgetsDocument(Answer):
    """Every budget, with the scope ids that have spent most."""

    data: list[BudgetDocument]
    budgets: list[BudgetRule] = Field(
        description="All budgets in force, also those of which no scope id has spent anything."
    )
    next_cursor: str | None = Field(description="Always null: all budgets are there.")
    time_zone: str
    partial: list[str]

    @classmethod
    def from_report(cls, report: BudgetsReport, policy: Policy, zone: ZoneInfo) -> BudgetsDocument:
        """The document of a report."""
        warnings = {each.name: tuple(map(float, each.warn_at)) for each in policy.budgets}
        rows = [
            BudgetDocument.from_state(each, warnings.get(name, ()), zone)
            for name, each in ((each.standing.budget, each) for each in report.states)
        ]
        as_of = AsOfDocument.from_answer(report.as_of, zone)
        return cls(
            data=rows,
            budgets=[BudgetRule.from_budget(each) for each in policy.budgets],
            next_cursor=None,
            time_zone=zone.key,
            partial=[],
            as_of=as_of,
        )


class CrossingDocument(Limited):
    """The moment when a budget's limit, or a share of it that warns, was reached."""

    id: str = Field(
        description="The same wherever the crossing is sent: as `webhook-id`, as the Message-ID of "
        "e-mail, and in notifications."
    )
    threshold: Share = Field(description="1 for the limit itself, less for a warning.")
    late: bool = Field(description="The window was over when it was found.")
    trigger: str | None = Field(
        description="`attribution` when a span that names an owner moved older calls over the line."
    )
    trace_id: str | None
    span_id: str | None = Field(description="The span that carries the event.")

    @classmethod
    def from_crossing(cls, crossing: Crossing, zone: ZoneInfo) -> CrossingDocument:
        """The document of a crossing."""
        trace_id, _, span_id = crossing.span.partition(":")
        return cls(
            id=crossing_id(crossing),
            budget=crossing.budget,
            scope=crossing.scope,
            scope_id=known(crossing.scope_id),
            starting_at=moment(crossing.window_start_s, zone),
            ending_at=moment(crossing.window_end_s, zone),
            threshold=crossing.threshold,
            at_least=crossing.at_least,
            late=crossing.late,
            trigger=known(crossing.trigger),
            trace_id=known(trace_id),
            span_id=known(span_id),
            **_amounts(crossing.unit, crossing.limit, crossing.spent),
        )


class CrossingsDocument(Answer):
    """Budget crossings, latest first."""

    data: list[CrossingDocument]
    next_cursor: str | None = Field(description="Asks for the page after; null on the last one.")
    time_zone: str
    partial: list[str]

    @classmethod
    def from_page(cls, page: CrossingsPage, zone: ZoneInfo) -> CrossingsDocument:
        """The document of a page."""
        return cls(
            data=[CrossingDocument.from_crossing(each, zone) for each in page.crossings],
            next_cursor=known(page.cursor),
            time_zone=zone.key,
            partial=[],
            as_of=AsOfDocument.from_answer(page.as_of, zone),
        )


def _amounts(unit: Literal["usd", "tokens"], limit: int, spent: int) -> dict[str, Any]:
    """Limit and spent in the fields of their unit."""
    is_usd = unit == "usd"
    return {
        "unit": unit,
        "limit_usd": exact_usd(limit) if is_usd else None,
        "spent_usd": exact_usd(spent) if is_usd else None,
        "limit_tokens": None if is_usd else limit,
        "spent_tokens": None if is_usd else spent,
        "ratio": share(spent, limit),
    }
