"""Which stored sums answer a question: whole days and hours where they fit, charges at the edges.

A range is cut into segments, each of whole cells of one table, so that every charge is in exactly
one of them. Days are those of the reporting zone that was in force then.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Literal, NamedTuple

from processor.core.budgets.window import BUCKET_S
from processor.core.budgets.zones import ReportingZones
from processor.core.questions.question import CHARGE_DIMENSIONS, UsageQuestion

Source = Literal["lifetime", "totals", "days", "user_days", "hours", "charges"]


class Segment(NamedTuple):
    """A part of a range, and the table that has its sums."""

    source: Source
    bucket: int
    start_s: int
    end_s: int


class ReadingPlan(NamedTuple):
    """Where the answer to a question is."""

    segments: tuple[Segment, ...]
    left_out: tuple[tuple[int, int], ...]
    """Ranges that nothing kept is fine enough for."""


class _Level(NamedTuple):
    """A table, and the cell ``[start, end)`` of it that holds a moment."""

    source: Source
    cell_at: Callable[[int], tuple[int, int]]


def plan_reading(
    question: UsageQuestion, zones: ReportingZones, charges_kept_since_s: int = 0
) -> ReadingPlan:
    """Where to read what a question asks.

    Single charges are kept from `charges_kept_since_s` on: what would need older ones is left out.
    """
    if has_lifetime(question):
        whole = Segment("lifetime", 0, question.start_s, question.end_s)
        return ReadingPlan((whole,), ())
    levels = _levels(question, zones)
    edges = question.edges or (question.start_s, question.end_s)
    segments: list[Segment] = []
    left_out: list[tuple[int, int]] = []
    for bucket, (start_s, end_s) in enumerate(pairwise(edges)):
        for segment in _split(levels, bucket, start_s, end_s):
            lost_s = min(segment.end_s, charges_kept_since_s)
            if segment.source != "charges" or lost_s <= segment.start_s:
                segments.append(segment)
                continue
            left_out.append((segment.start_s, lost_s))
            if lost_s < segment.end_s:
                segments.append(segment._replace(start_s=lost_s))
    return ReadingPlan(tuple(segments), tuple(left_out))


def scope_of(question: UsageQuestion) -> tuple[str, tuple[str, ...]] | None:
    """The scope and ids that `totals` has by quarter hour, where these answer a question."""
    if question.group_by or question.with_parts:
        return None
    match question.filters:
        case ():
            return "total", ("",)
        case ((("user" | "org") as scope, ids),):
            return scope, ids
    return None


def has_lifetime(question: UsageQuestion) -> bool:
    """Whether the sums of whole sessions, tasks or traces answer a question."""
    if not question.is_all_time or question.with_parts or len(question.edges) > 2:
        return False
    return question.dimensions() in ({"session"}, {"task"}, {"trace"})


def _levels(question: UsageQuestion, zones: ReportingZones) -> tuple[_Level, ...]:
    """The tables that can answer, those with the longest cells first."""
    if scope_of(question) is not None:
        return (_Level("totals", _quarter),)
    named = question.dimensions()
    if not named.isdisjoint(CHARGE_DIMENSIONS):
        return ()
    if "user" in named:
        return (_Level("user_days", zones.day_of),)
    return (_Level("days", zones.day_of), _Level("hours", zones.cell_of))


def _split(levels: tuple[_Level, ...], bucket: int, start_s: int, end_s: int) -> Iterator[Segment]:
    """Segments of a range, in order of time."""
    if start_s >= end_s:
        return
    if not levels:
        yield Segment("charges", bucket, start_s, end_s)
        return
    (source, cell_at), *finer = levels
    cell_start_s, cell_end_s = cell_at(start_s)
    first_s = start_s if cell_start_s == start_s else cell_end_s
    last_s = cell_at(end_s)[0]
    if first_s >= last_s:
        yield from _split(tuple(finer), bucket, start_s, end_s)
        return
    yield from _split(tuple(finer), bucket, start_s, first_s)
    yield Segment(source, bucket, first_s, last_s)
    yield from _split(tuple(finer), bucket, last_s, end_s)


def _quarter(time_s: int) -> tuple[int, int]:
    start_s = time_s // BUCKET_S * BUCKET_S
    return start_s, start_s + BUCKET_S
