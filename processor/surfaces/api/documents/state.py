"""What makes totals say "at least", who has changed what, and how the processor is."""

from __future__ import annotations

import json
from typing import Literal
from zoneinfo import ZoneInfo

from pydantic import Field

from processor.core.model import AuditEntry
from processor.surfaces.api.documents.values import (
    Answer,
    AsOfDocument,
    Document,
    Moment,
    known,
    moment_ns,
)
from processor.surfaces.queries import AsOf, AuditPage, Report, UnknownCalls, UnknownReport


class UnknownDocument(Document):
    """Calls whose cost is unknown, alike ones together, and how to change that."""

    provider: str | None
    models: list[str] = Field(description="Names on the spans, best first; may be empty.")
    service: str | None
    status: str
    reason: str | None
    calls: int
    tokens: int
    first_at: Moment
    last_at: Moment
    has_price: bool = Field(description="There is a price by now, so a reprice would charge it.")
    fix: str
    entry: list[str] = Field(
        description="Lines for the price file, below `models:`; empty where no price would help."
    )

    @classmethod
    def from_calls(cls, each: UnknownCalls, zone: ZoneInfo) -> UnknownDocument:
        """The document of some calls."""
        calls = each.calls
        return cls(
            provider=known(calls.provider),
            models=list(calls.models),
            service=known(calls.service),
            status=calls.status,
            reason=known(calls.reason),
            calls=calls.calls,
            tokens=calls.tokens,
            first_at=moment_ns(calls.first_ns, zone),
            last_at=moment_ns(calls.last_ns, zone),
            has_price=calls.has_price,
            fix=each.fix,
            entry=list(each.entry),
        )


class UnpricedDocument(Answer):
    """All that makes totals say "at least", most calls first."""

    data: list[UnknownDocument]
    calls: int = Field(description="Of all, listed or not.")
    kinds_left_out: int = Field(description="How many further kinds there are.")
    calls_left_out: int
    next_cursor: str | None = Field(description="Always null; raise `limit` for more.")
    time_zone: str
    partial: list[str]

    @classmethod
    def from_report(cls, report: UnknownReport, zone: ZoneInfo) -> UnpricedDocument:
        """The document of a report."""
        return cls(
            data=[UnknownDocument.from_calls(each, zone) for each in report.unknown],
            calls=report.calls,
            kinds_left_out=report.kinds_left_out,
            calls_left_out=report.calls_left_out,
            next_cursor=None,
            time_zone=zone.key,
            partial=[],
            as_of=AsOfDocument.from_answer(report.as_of, zone),
        )


class AuditLine(Document):
    """Something that somebody has changed."""

    number: int
    changed_at: Moment
    actor: str | None
    action: str
    subject: str
    before: dict[str, str]
    after: dict[str, str]

    @classmethod
    def from_entry(cls, entry: AuditEntry, zone: ZoneInfo) -> AuditLine:
        """The document of a line of the audit."""
        return cls(
            number=entry.number,
            changed_at=moment_ns(entry.time_ns, zone),
            actor=known(entry.actor),
            action=entry.action,
            subject=entry.subject,
            before=json.loads(entry.before),
            after=json.loads(entry.after),
        )


class AuditDocument(Answer):
    """Who has changed what, latest first."""

    data: list[AuditLine]
    next_cursor: str | None = Field(description="Asks for the page after; null on the last one.")
    time_zone: str
    partial: list[str]

    @classmethod
    def from_page(cls, page: AuditPage, zone: ZoneInfo) -> AuditDocument:
        """The document of a page."""
        return cls(
            data=[AuditLine.from_entry(each, zone) for each in page.entries],
            next_cursor=known(page.cursor),
            time_zone=zone.key,
            partial=[],
            as_of=AsOfDocument.from_answer(page.as_of, zone),
        )


class StatusDocument(Answer):
    """What answers here, and how it is."""

    version: str = Field(description="Of the program.")
    health: Literal["starting", "serving", "degraded", "failing", "stopping"] | None = Field(
        description="Null where a ledger's file is read that no processor has open."
    )
    reasons: list[str] = Field(description="In words, why it is not `serving`.")
    time_zone: str = Field(description="Where days begin unless a question says otherwise.")
    price_version: str
    price_file: str | None = Field(description="Null for the bundled prices.")
    budgets_version: str
    budgets: int = Field(description="How many there are.")
    dimensions: list[str] = Field(description="The operator's own.")

    @classmethod
    def from_parts(
        cls,
        *,
        version: str,
        report: Report | None,
        zone: ZoneInfo,
        prices: tuple[str, str],
        budgets: tuple[str, int],
        dimensions: tuple[str, ...],
        as_of: AsOf,
        times_in: ZoneInfo,
    ) -> StatusDocument:
        """The document of what runs; `prices` are version and file, `budgets` version and count."""
        return cls(
            version=version,
            health=None if report is None else report.status,
            reasons=[] if report is None else list(report.reasons),
            time_zone=zone.key,
            price_version=prices[0],
            price_file=known(prices[1]),
            budgets_version=budgets[0],
            budgets=budgets[1],
            dimensions=list(dimensions),
            as_of=AsOfDocument.from_answer(as_of, times_in),
        )
