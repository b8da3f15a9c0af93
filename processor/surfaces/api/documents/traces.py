"""Traces as a whole, and as trees."""

from __future__ import annotations

from typing import Literal
from zoneinfo import ZoneInfo

from pydantic import Field

from processor.core.money import exact_usd
from processor.core.questions import TraceRow, TraceSpan
from processor.surfaces.api.documents.calls import CallDocument
from processor.surfaces.api.documents.sums import Sums, sums_of
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
from processor.surfaces.queries import Group, TraceReport, TracesPage, TreeSpan


class TraceSummary(Sums):
    """A trace as a whole. Its owners are null where its calls name several, or none."""

    trace_id: TraceId
    started_at: Moment | None
    ended_at: Moment
    duration_ms: float | None
    session: str | None
    user: str | None
    task: str | None
    task_title: str | None
    agent: str | None
    org: str | None
    service: str | None

    @classmethod
    def from_row(cls, row: TraceRow, zone: ZoneInfo, title: str = "") -> TraceSummary:
        """The document of a trace."""
        return cls(
            trace_id=row.trace_id.hex(),
            started_at=known_moment_ns(row.start_ns, zone),
            ended_at=moment_ns(row.end_ns, zone),
            duration_ms=duration_ms(row.start_ns, row.end_ns),
            session=known(row.session),
            user=known(row.user),
            task=known(row.task),
            task_title=known(title),
            agent=known(row.agent),
            org=known(row.org),
            service=known(row.service),
            **sums_of(row.totals),
        )


class TracesDocument(Answer):
    """Some traces, the last that began to be charged first."""

    data: list[TraceSummary]
    next_cursor: str | None = Field(description="Asks for the page after; null on the last one.")
    time_zone: str
    partial: list[str]

    @classmethod
    def from_page(cls, page: TracesPage, zone: ZoneInfo) -> TracesDocument:
        """The document of a page."""
        return cls(
            data=[
                TraceSummary.from_row(each, zone, page.titles.get(each.task or "", ""))
                for each in page.traces
            ],
            next_cursor=known(page.cursor),
            time_zone=zone.key,
            partial=[],
            as_of=AsOfDocument.from_answer(page.as_of, zone),
        )


class Correction(Document):
    """What later changed the charge of a span."""

    by_span_id: SpanId | None = Field(description="The span that did; null for new prices.")
    change_usd: Usd


class SpanDocument(Document):
    """A span in the tree of its trace."""

    span_id: SpanId
    parent_span_id: SpanId | None
    depth: int = Field(description="0 for one without a parent that is kept.")
    kind: Literal["call", "agent", "tool", "span"]
    name: str | None = Field(description="The agent that it names.")
    started_at: Moment | None
    ended_at: Moment
    duration_ms: float | None
    parent_missing: bool = Field(description="It names a parent that is not kept.")
    call: CallDocument | None = Field(description="What it is charged itself.")
    subtotal: Sums = Field(description="It and all below it that is shown.")
    corrections: list[Correction]

    @classmethod
    def from_span(cls, each: TreeSpan, zone: ZoneInfo) -> SpanDocument:
        """The document of a span."""
        span = each.span
        return cls(
            span_id=span.span_id.hex(),
            parent_span_id=known(span.parent_id.hex()),
            depth=each.depth,
            kind=_kind(span),
            name=known(span.agent),
            started_at=known_moment_ns(span.start_ns, zone),
            ended_at=moment_ns(span.end_ns, zone),
            duration_ms=duration_ms(span.start_ns, span.end_ns),
            parent_missing=each.is_parent_missing,
            call=None if span.charge is None else CallDocument.from_row(span.charge, zone),
            subtotal=Sums(**sums_of(each.subtotal)),
            corrections=[
                Correction(by_span_id=known(cause.hex()), change_usd=exact_usd(nano_usd))
                for cause, nano_usd in span.corrections
            ],
        )


def _kind(span: TraceSpan) -> Literal["call", "agent", "tool", "span"]:
    if span.is_agent:
        return "agent"
    if span.is_tool:
        return "tool"
    return "span" if span.charge is None else "call"


class ModelSums(Sums):
    """What one model has used."""

    provider: str | None
    model: str | None

    @classmethod
    def from_group(cls, group: Group) -> ModelSums:
        """The document of a group by provider and model."""
        provider, model = group.values
        return cls(provider=known(provider), model=known(model), **sums_of(group.totals))


class TraceDocument(Answer):
    """A trace, or the run of one of its agents, as a tree."""

    trace: TraceSummary
    totals: Sums = Field(description="Of all its spans, shown or not; of a run, of the run.")
    spans: list[SpanDocument] = Field(
        description="Each before those below it; those of one parent in order of time."
    )
    missing_parents: list[SpanId]
    by_model: list[ModelSums] = Field(description="Largest first; of what is shown.")
    is_cut: bool = Field(description="It has more spans than are shown.")
    time_zone: str
    partial: list[str] = Field(description="Why no span is shown.")

    @classmethod
    def from_report(cls, report: TraceReport, zone: ZoneInfo) -> TraceDocument:
        """The document of a report."""
        return cls(
            trace=TraceSummary.from_row(report.trace, zone, report.title),
            totals=Sums(**sums_of(report.totals)),
            spans=[SpanDocument.from_span(each, zone) for each in report.spans],
            missing_parents=[each.hex() for each in report.missing_parents],
            by_model=[ModelSums.from_group(each) for each in report.by_model],
            is_cut=report.is_cut,
            time_zone=zone.key,
            partial=list(report.partial),
            as_of=AsOfDocument.from_answer(report.as_of, zone),
        )
