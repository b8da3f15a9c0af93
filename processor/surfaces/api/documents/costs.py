"""What was used in a time: totals, series, rankings, a comparison."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import Field

from processor.core.model import Parts, Totals
from processor.core.money import exact_usd
from processor.surfaces.api.documents.sums import CacheUseDocument, Sums, sums_of
from processor.surfaces.api.documents.values import (
    Answer,
    AsOfDocument,
    Moment,
    Share,
    Usd,
    group_of,
    known,
    moment,
    share,
)
from processor.surfaces.queries import Previous, UsageReport


class CostRow(Sums):
    """What one group has used in one bucket of time, or in the whole range."""

    starting_at: Moment | None = Field(description="Included; null for the beginning of all time.")
    ending_at: Moment | None = Field(description="Excluded; null for the end of all time.")
    group: dict[str, str | None] = Field(
        description="Values by dimension, null for what has none. Empty where nothing is grouped "
        "by, and for the groups that are not listed."
    )
    label: str | None = Field(description="What people call it: the title of a task.")
    other: bool = Field(description="It is all groups that are not listed, together.")
    groups: int | None = Field(description="How many groups that are; null for a single one.")
    partial: bool = Field(
        description="A part of this bucket is not in the range or not over, or the answer is "
        "partial as a whole."
    )


class Rest(Sums):
    """The groups that are not listed, together."""

    groups: int = Field(description="How many there are.")


class PreviousCosts(Sums):
    """What was used in the range before; in as much of it as has passed of this one."""

    starting_at: Moment | None
    ending_at: Moment | None
    change_usd: Usd = Field(description="What this range has cost more.")
    change: Share | None = Field(description="The same as a share of the range before.")


class CostsDocument(Answer):
    """What was used in a time. The rows of `data` add up to `totals`."""

    data: list[CostRow] = Field(
        description="Groups with the largest first, each by time, and after them all that are not "
        "listed as one. Buckets in which a group has used nothing are left out; without groups "
        "all buckets are there."
    )
    totals: Sums
    other: Rest | None = Field(description="Null where all groups are listed.")
    buckets: list[CostRow] = Field(
        description="Each bucket as a whole, where `data` has groups by bucket; else empty."
    )
    previous: PreviousCosts | None
    cache: CacheUseDocument
    starting_at: Moment | None
    ending_at: Moment | None
    time_zone: str
    bucket: str | None
    group_by: list[str]
    has_more: bool = Field(description="Some groups are not listed.")
    partial: list[str] = Field(description="Why something is missing from all these numbers.")

    @classmethod
    def from_report(cls, report: UsageReport, *, with_classes: bool = False) -> CostsDocument:
        """The document of a report."""
        rows = _Rows(report, with_classes=with_classes)
        zone, others = rows.zone, report.others
        rest = None
        if others is not None:
            rest = Rest(groups=others.groups, **rows.sums(others.totals, others.parts))
        return cls(
            data=list(rows.data()),
            totals=Sums(**rows.sums(report.totals, report.parts)),
            other=rest,
            buckets=list(rows.buckets()) if report.group_by else [],
            previous=_previous(report.previous, report.totals, zone),
            cache=CacheUseDocument.from_answer(report.cache),
            starting_at=moment(report.start_s, zone),
            ending_at=moment(report.end_s, zone),
            time_zone=report.time_zone,
            bucket=known(report.bucket),
            group_by=list(report.group_by),
            has_more=others is not None,
            partial=list(report.partial),
            as_of=AsOfDocument.from_answer(report.as_of, zone),
        )


class _Rows:
    """Makes rows of a report."""

    def __init__(self, report: UsageReport, *, with_classes: bool) -> None:
        self._report = report
        self._with_classes = with_classes
        self.zone = ZoneInfo(report.time_zone)
        edges = [each.start_s for each in report.buckets]
        edges += [each.end_s for each in report.buckets[-1:]]
        self._times = [
            (moment(start_s, self.zone), moment(end_s, self.zone))
            for start_s, end_s in pairwise(edges)
        ]
        self._whole = moment(report.start_s, self.zone), moment(report.end_s, self.zone)

    def sums(self, totals: Totals, parts: Parts) -> dict[str, Any]:
        """The fields of `Sums`."""
        return sums_of(totals, parts if self._with_classes else None)

    def data(self) -> Iterator[CostRow]:
        """The rows that add up to the totals."""
        report = self._report
        if not report.group_by:
            yield from self.buckets()
            if not report.bucket:
                yield self._row({}, report.totals, report.parts)
            return
        for group in report.groups:
            values = group_of(report.group_by, group.values)
            if not report.bucket:
                yield self._row(values, group.totals, group.parts, label=group.label)
            for each in group.series:
                yield self._row(values, each.totals, each.parts, each.bucket, label=group.label)
        others = report.others
        if others is None:
            return
        if not report.bucket:
            yield self._row({}, others.totals, others.parts, groups=others.groups)
        for each in others.series:
            yield self._row({}, each.totals, each.parts, each.bucket, groups=others.groups)

    def buckets(self) -> Iterator[CostRow]:
        """Each bucket as a whole."""
        for at, each in enumerate(self._report.buckets):
            yield self._row({}, each.totals, each.parts, at)

    def _row(
        self,
        group: dict[str, str | None],
        totals: Totals,
        parts: Parts,
        bucket: int | None = None,
        *,
        label: str = "",
        groups: int | None = None,
    ) -> CostRow:
        starting_at, ending_at = self._whole if bucket is None else self._times[bucket]
        is_cut = bucket is not None and self._report.buckets[bucket].is_partial
        return CostRow(
            starting_at=starting_at,
            ending_at=ending_at,
            group=group,
            label=known(label),
            other=groups is not None,
            groups=groups,
            partial=is_cut or bool(self._report.partial),
            **self.sums(totals, parts),
        )


def _previous(previous: Previous | None, totals: Totals, zone: ZoneInfo) -> PreviousCosts | None:
    if previous is None:
        return None
    before = previous.totals.cost_nano_usd
    change = totals.cost_nano_usd - before
    return PreviousCosts(
        starting_at=moment(previous.start_s, zone),
        ending_at=moment(previous.end_s, zone),
        change_usd=exact_usd(change),
        change=share(change, before),
        **sums_of(previous.totals),
    )
