"""How much was used: totals, series and rankings of a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import cast

from processor.core.model import NO_PARTS, NOTHING, NS_PER_S, Calendar, Parts, Totals
from processor.core.ports import LedgerView
from processor.core.questions import (
    BucketWidth,
    UsageAnswer,
    UsageQuestion,
    UsageRow,
    bucket_at,
)
from processor.surfaces.queries import checks
from processor.surfaces.queries.answers import (
    Bucket,
    CacheUse,
    Group,
    Others,
    Previous,
    UsageReport,
    as_of,
)
from processor.surfaces.queries.checks import CheckedRange
from processor.surfaces.queries.partial import partial_reasons
from processor.surfaces.queries.requests import UsageRequest


@dataclass(frozen=True, slots=True)
class CheckedUsage:
    """A request that has been checked."""

    time: CheckedRange
    bucket: str
    question: UsageQuestion
    compare: bool
    now_ns: int


def check_usage(
    request: UsageRequest, calendar: Calendar, own: Sequence[str], now_ns: int
) -> CheckedUsage:
    """Check a request. Raises InvalidQuestionError."""
    now_s = now_ns // NS_PER_S
    time = checks.check_range(request.time, calendar, now_s)
    group_by = checks.check_group_by(request.group_by, own)
    limit = checks.check_limit(request.limit, checks.GROUPS_MAX)
    if time.is_all_time:
        checks.check_edges(CheckedRange(0, 1, calendar), request.bucket)
    else:
        edges = checks.check_edges(time, request.bucket)
        checks.check_rows(limit if group_by else 1, len(edges) - 1)
    question = UsageQuestion(
        time.start_s,
        time.end_s,
        group_by,
        checks.check_filters(request.filters, own),
        (),
        checks.check_measure(request.order_by),
        limit,
        request.with_parts,
    )
    return CheckedUsage(time, request.bucket, question, request.compare, now_ns)


def usage_report(view: LedgerView, asked: CheckedUsage) -> UsageReport:
    """Answer a request. Raises InvalidQuestionError for buckets of too long a time."""
    time, freshness = asked.time, view.freshness()
    if asked.bucket and time.is_all_time:
        # Of all time there are buckets from the first call to the last one.
        time = CheckedRange(
            freshness.first_charge_s,
            freshness.last_charge_s + 1,
            time.calendar,
        )
    edges = checks.check_edges(time, asked.bucket)
    checks.check_rows(asked.question.limit if asked.question.group_by else 1, len(edges) - 1)
    question = _within(asked.question, time.start_s, time.end_s, edges)
    answer = view.usage(question)
    totals, parts = _added(answer.totals)
    previous, lacks = _previous(view, asked) if asked.compare else (None, ())
    task_at = question.group_by.index("task") if "task" in question.group_by else -1
    labels = _labels(view, task_at, answer)
    return UsageReport(
        time.start_s,
        time.end_s,
        time.calendar.zone.key,
        asked.bucket,
        question.group_by,
        totals,
        parts,
        cache_use(totals),
        previous,
        _buckets(answer, edges, asked),
        _groups(answer, labels, task_at, has_series=bool(edges)),
        _others(answer, has_series=bool(edges)),
        partial_reasons(view, question.filters, (time.start_s, time.end_s), answer) + lacks,
        as_of(freshness, asked.now_ns),
    )


def cache_use(totals: Totals) -> CacheUse:
    """What caches have done, of totals."""
    return CacheUse(
        totals.cache_hits,
        _share(totals.cache_hits, totals.calls),
        totals.cached_tokens,
        _share(totals.cached_tokens, totals.input_tokens),
        totals.saved_nano_usd,
        totals.response_cache_hits,
        _share(totals.response_cache_hits, totals.calls),
        totals.response_cache_saved_nano_usd,
    )


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole > 0 else None


def _within(
    question: UsageQuestion, start_s: int, end_s: int, edges: tuple[int, ...]
) -> UsageQuestion:
    return UsageQuestion(
        start_s, end_s, question.group_by, question.filters, edges, question.order_by,
        question.limit, question.with_parts,
    )  # fmt: skip


def _previous(view: LedgerView, asked: CheckedUsage) -> tuple[Previous | None, tuple[str, ...]]:
    """What was used in the range before, and what that lacks; None before all time."""
    start_s, end_s = asked.time.before(asked.now_ns // NS_PER_S)
    if asked.time.is_all_time or end_s <= 0:
        return None, ()
    start_s = max(start_s, 0)
    question = UsageQuestion(start_s, end_s, filters=asked.question.filters)
    answer = view.usage(question)
    totals, _ = _added(answer.totals)
    lacks = partial_reasons(view, question.filters, (start_s, end_s), answer)
    reasons = tuple(f"of the time before, to compare with: {each}" for each in lacks)
    return Previous(start_s, end_s, totals), reasons


def _buckets(answer: UsageAnswer, edges: Sequence[int], asked: CheckedUsage) -> list[Bucket]:
    by_bucket = {row.bucket: row for row in answer.totals}
    nothing = UsageRow(0, (), NOTHING, NO_PARTS)
    now_s, width = asked.now_ns // NS_PER_S, cast("BucketWidth", asked.bucket)
    found = []
    for at, (start_s, end_s) in enumerate(pairwise(edges)):
        row = by_bucket.get(at, nothing)
        whole = bucket_at(width, start_s, asked.time.calendar)
        is_partial = (start_s, end_s) != whole or end_s > now_s
        found.append(Bucket(start_s, end_s, is_partial, row.totals, row.parts))
    return found


def _groups(
    answer: UsageAnswer, labels: dict[str, str], task_at: int, *, has_series: bool
) -> list[Group]:
    rows: dict[tuple[str, ...], list[UsageRow]] = {}
    for row in answer.rows:
        rows.setdefault(row.values, []).append(row)
    return [
        Group(
            values,
            labels.get(values[task_at], "") if labels else "",
            *_added(some),
            some if has_series else (),
        )
        for values, some in rows.items()
    ]


def _others(answer: UsageAnswer, *, has_series: bool) -> Others | None:
    listed = len({row.values for row in answer.rows})
    if answer.groups <= listed:
        return None
    series = answer.others if has_series else ()
    return Others(answer.groups - listed, *_added(answer.others), series)


def _labels(view: LedgerView, task_at: int, answer: UsageAnswer) -> dict[str, str]:
    """Titles of the tasks at a position of the values of groups; -1 for none."""
    if task_at < 0:
        return {}
    return view.task_titles(sorted({row.values[task_at] for row in answer.rows}))


def _added(rows: Sequence[UsageRow]) -> tuple[Totals, Parts]:
    totals, parts = NOTHING, NO_PARTS
    for row in rows:
        totals, parts = totals.plus(row.totals), parts.plus(row.parts)
    return totals, parts
