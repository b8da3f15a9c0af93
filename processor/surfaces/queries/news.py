"""What is new in the ledger since a position in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from processor.core.budgets import Policy
from processor.core.model import Crossing, Totals
from processor.core.ports import LedgerView
from processor.core.questions import CallRow
from processor.surfaces.queries.answers import AsOf, as_of
from processor.surfaces.queries.requests import TimeRange, UsageRequest
from processor.surfaces.queries.usage import CheckedUsage, check_usage, usage_report

LISTED_MAX: Final = 200
"""Calls, and crossings, of one answer."""
WINDOWS: Final = ("today", "week", "month")


class Position(NamedTuple):
    """How far somebody has seen the ledger; both numbers only rise."""

    call: int
    """Id of the last row of a charge."""
    crossing: int
    """Number of the last crossing."""


class Known(NamedTuple):
    """What the asker has seen."""

    position: Position | None
    """None for one who has seen nothing, and wants nothing of before."""
    version: str = ""
    day_s: int = 0
    """When the day of its totals began: another day has other ones."""


@dataclass(frozen=True, slots=True)
class News:
    """What is new, oldest first."""

    calls: Sequence[CallRow]
    """Those that are charged, or charged anew."""
    crossings: Sequence[Crossing]
    is_cut: bool
    """There was more than is listed, or the position was one of another ledger."""
    position: Position
    """Up to which this goes."""
    totals: Sequence[Totals]
    """Of each of `WINDOWS`."""
    time_zone: str
    day_s: int
    as_of: AsOf


def check_windows(policy: Policy, now_ns: int) -> tuple[CheckedUsage, ...]:
    """The questions for the totals of `WINDOWS`."""
    return tuple(
        check_usage(UsageRequest(TimeRange(word)), policy.calendar, policy.dimensions, now_ns)
        for word in WINDOWS
    )


def news_since(view: LedgerView, known: Known, windows: Sequence[CheckedUsage]) -> News | None:
    """What is new; None where nothing is."""
    today = windows[0]
    moment = as_of(view.freshness(), today.now_ns)
    if (moment.version, today.time.start_s) == (known.version, known.day_s):
        return None
    crossed = view.crossings(LISTED_MAX + 1)
    position = Position(view.last_charge_id, crossed[0][0] if crossed else 0)
    calls: list[CallRow] = []
    crossings: list[tuple[int, Crossing]] = []
    is_cut = False
    if known.position is not None:
        after = known.position
        is_cut = after.call > position.call or after.crossing > position.crossing
        calls = view.calls_after(after.call, LISTED_MAX + 1)
        crossings = [each for each in reversed(crossed) if each[0] > after.crossing]
        is_cut = is_cut or max(len(calls), len(crossings)) > LISTED_MAX
    return News(
        calls[-LISTED_MAX:],
        [crossing for _, crossing in crossings[-LISTED_MAX:]],
        is_cut,
        position,
        [usage_report(view, each).totals for each in windows],
        today.time.calendar.zone.key,
        today.time.start_s,
        moment,
    )
