"""Calls one by one."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from pydantic import Field

from processor.core.money import exact_usd
from processor.core.questions import SET_DIMENSIONS, CallRow
from processor.surfaces.api.documents.sums import TokenClasses, Tokens, classes_of, tokens_of
from processor.surfaces.api.documents.values import (
    Answer,
    AsOfDocument,
    Document,
    Moment,
    SpanId,
    TraceId,
    Usd,
    duration_ms,
    known,
    known_moment_ns,
    moment_ns,
)
from processor.surfaces.queries import CallsPage


class CallDocument(Document):
    """One span that is charged: a call, what an aggregate adds, or the start of an agent run."""

    trace_id: TraceId
    span_id: SpanId
    parent_span_id: SpanId | None
    started_at: Moment | None
    ended_at: Moment
    duration_ms: float | None
    cost_usd: Usd | None = Field(description="Null while it is unknown.")
    at_least: bool = Field(description="A part of the cost is unknown.")
    tokens: Tokens
    classes: TokenClasses
    saved_usd: Usd = Field(description="What cached tokens would have cost more as plain input.")
    response_cache_saved_usd: Usd = Field(
        description="What a call that an application's cache answered would have cost."
    )
    provider: str | None
    model: str | None
    service: str | None
    agent: str | None
    org: str | None
    feature: str | None
    task_type: str | None
    purpose: str | None
    kind: str | None
    status: str | None = Field(description="How the price is known; see llm.cost.status.")
    user: str | None
    session: str | None
    task: str | None
    dimensions: dict[str, str] = Field(description="The operator's own, as far as they are known.")
    reason: str | None = Field(description="Why its status is what it is.")
    doubt: str | None = Field(description="What is doubtful about its counts.")
    rule: str | None = Field(description="How its counts had to be read.")
    price_version: str | None
    aggregate: str | None = Field(
        description="How its numbers relate to those below it; null for a single call."
    )

    @classmethod
    def from_row(cls, row: CallRow, zone: ZoneInfo) -> CallDocument:
        """The document of a call."""
        totals, dimensions = row.totals, row.dimensions
        is_unknown = totals.unpriced > 0
        names = {name: known(getattr(dimensions, name)) for name in SET_DIMENSIONS}
        return cls(
            trace_id=row.trace_id.hex(),
            span_id=row.span_id.hex(),
            parent_span_id=known(row.parent_id.hex()),
            started_at=known_moment_ns(row.start_ns, zone),
            ended_at=moment_ns(row.end_ns, zone),
            duration_ms=duration_ms(row.start_ns, row.end_ns),
            cost_usd=known_cost(totals.cost_nano_usd, is_unknown=is_unknown),
            at_least=is_unknown,
            tokens=tokens_of(totals),
            classes=classes_of(row.parts),
            saved_usd=exact_usd(totals.saved_nano_usd),
            response_cache_saved_usd=exact_usd(totals.response_cache_saved_nano_usd),
            **names,
            user=known(row.user),
            session=known(row.session),
            task=known(row.task),
            dimensions=dict(dimensions.own),
            reason=known(row.reason),
            doubt=known(row.doubt),
            rule=known(row.rule),
            price_version=known(row.price_version),
            aggregate=known(row.aggregate),
        )


def known_cost(nano_usd: int, *, is_unknown: bool) -> str | None:
    """The cost of one call; None where nothing of it is known."""
    return None if is_unknown and not nano_usd else exact_usd(nano_usd)


class CallsDocument(Answer):
    """Some calls, newest first."""

    data: list[CallDocument]
    next_cursor: str | None = Field(description="Asks for the page after; null on the last one.")
    time_zone: str
    partial: list[str] = Field(description="Why some calls of the range may be missing.")

    @classmethod
    def from_page(cls, page: CallsPage, zone: ZoneInfo) -> CallsDocument:
        """The document of a page."""
        return cls(
            data=[CallDocument.from_row(each, zone) for each in page.calls],
            next_cursor=known(page.cursor),
            time_zone=zone.key,
            partial=list(page.partial),
            as_of=AsOfDocument.from_answer(page.as_of, zone),
        )
