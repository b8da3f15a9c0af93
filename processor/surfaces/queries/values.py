"""The dimensions there are, and which of their values are used most."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from processor.core.budgets import Policy
from processor.core.ports import LedgerView
from processor.core.questions import CHARGE_DIMENSIONS, DIMENSIONS
from processor.surfaces.queries import checks
from processor.surfaces.queries.answers import AsOf, Group, UsageReport, as_of
from processor.surfaces.queries.requests import TimeRange, UsageRequest
from processor.surfaces.queries.usage import CheckedUsage, check_usage, usage_report

QUICK_DIMENSIONS: Final = tuple(
    name for name in DIMENSIONS if name not in {*CHARGE_DIMENSIONS, "user"}
)
"""Those whose values are sums of few rows. A ranking of the others reads millions of them."""


@dataclass(frozen=True, slots=True)
class UsedDimension:
    """A dimension, and the values of it that cost most in a time."""

    name: str
    is_own: bool
    """The settings declare it."""
    values: Sequence[Group] | None
    """Largest first; None where they were not asked for."""
    further: int
    """How many more there are."""


@dataclass(frozen=True, slots=True)
class DimensionsReport:
    """The dimensions that questions may name."""

    dimensions: Sequence[UsedDimension]
    start_s: int
    end_s: int
    """Of the time that the values were used in."""
    time_zone: str
    as_of: AsOf


def check_values(
    names: Sequence[str], time: TimeRange, policy: Policy, limit: int, now_ns: int
) -> dict[str, CheckedUsage]:
    """A question for each of some dimensions. Raises InvalidQuestionError."""
    asked = {}
    for name in names or (*QUICK_DIMENSIONS, *policy.dimensions):
        checks.check_dimension("dimension", name, policy.dimensions)
        request = UsageRequest(time, group_by=(name,), limit=limit)
        asked[name] = check_usage(request, policy.calendar, policy.dimensions, now_ns)
    return asked


def dimensions_report(
    view: LedgerView, asked: dict[str, CheckedUsage], own: Sequence[str]
) -> DimensionsReport:
    """All dimensions, those that are asked about with their values."""
    found = {name: usage_report(view, each) for name, each in asked.items()}
    first = next(iter(asked.values()))
    zone = first.time.calendar.zone.key
    listed = [_used(name, found.get(name), is_own=name in own) for name in (*DIMENSIONS, *own)]
    moment = as_of(view.freshness(), first.now_ns)
    return DimensionsReport(listed, first.time.start_s, first.time.end_s, zone, moment)


def _used(name: str, report: UsageReport | None, *, is_own: bool) -> UsedDimension:
    if report is None:
        return UsedDimension(name, is_own, None, 0)
    further = 0 if report.others is None else report.others.groups
    return UsedDimension(name, is_own, report.groups, further)
