"""What can be asked of a ledger, and what it answers.

A question has been checked before it is made: names are known, numbers are within bounds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

from processor.core.model import DimensionSet, Parts, UnpricedCalls
from processor.core.model.total import Totals

TIME_END_S: Final = (2**63 - 1) // 10**9
"""The end of all time, in epoch seconds: no charge is kept that ended later, in 2262."""

SET_DIMENSIONS: Final = tuple(name for name in DimensionSet._fields if name != "own")
"""Few calls differ in these, so that sums are kept for every combination."""
CHARGE_DIMENSIONS: Final = ("session", "task", "trace")
"""Sums by these are made of single charges."""
DIMENSIONS: Final = (*SET_DIMENSIONS, "user", *CHARGE_DIMENSIONS)
"""What every call has; beside them stand the operator's own."""

Measure = Literal["cost", "calls", "tokens"]
"""What the largest groups are the largest by."""

Filters = tuple[tuple[str, tuple[str, ...]], ...]
"""(dimension, accepted values); ``""`` accepts what has no value. All of them have to be met."""


@dataclass(frozen=True, slots=True)
class UsageQuestion:
    """How much was used in a time, by up to two dimensions.

    Times are epoch seconds, ranges ``[start, end)``.
    """

    start_s: int = 0
    end_s: int = TIME_END_S
    group_by: tuple[str, ...] = ()
    filters: Filters = ()
    edges: tuple[int, ...] = ()
    """Where buckets begin and end: ascending, from `start_s` to `end_s`. Empty: one bucket."""
    order_by: Measure = "cost"
    limit: int = 100
    """Groups to list, the largest of the whole range; the others are summed up."""
    with_parts: bool = False
    """Whether `Parts` are wanted too, which takes longer for the totals of a scope."""

    @property
    def is_all_time(self) -> bool:
        """Whether it leaves out no time."""
        return self.start_s <= 0 and self.end_s >= TIME_END_S

    def dimensions(self) -> set[str]:
        """All that it groups and filters by."""
        return {*self.group_by, *(name for name, _ in self.filters)}


class UsageRow(NamedTuple):
    """What one group has used in one bucket."""

    bucket: int
    """Position of the bucket."""
    values: tuple[str, ...]
    """In the order of `UsageQuestion.group_by`; ``""`` where there is none."""
    totals: Totals
    parts: Parts
    """Zeros unless they were asked for."""


class UsageAnswer(NamedTuple):
    """What was used; groups and `others` add up to `totals`, bucket by bucket."""

    rows: Sequence[UsageRow]
    """The groups that are listed, largest first, each by bucket; buckets without usage are left
    out. None where the question has no dimension."""
    totals: Sequence[UsageRow]
    """Each bucket as a whole; buckets without usage are left out."""
    others: Sequence[UsageRow]
    """What is in each bucket beyond the groups that are listed; zeros are left out."""
    groups: int
    """How many there are, listed or not."""
    left_out: Sequence[tuple[int, int]]
    """Ranges that nothing kept is fine enough for, in epoch seconds: they are in no number."""
    lacks_late_s: Sequence[int] = ()
    """Starts of hours of which it may lack calls that came too late; see `ReadingPlan`."""


class CallRow(NamedTuple):
    """One span that is charged: a call, what an aggregate adds, or the start of an agent run."""

    id: int
    """Of its latest row: another one once it has changed."""
    trace: int
    """Number of its trace in the ledger."""
    trace_id: bytes
    span_id: bytes
    parent_id: bytes
    start_ns: int
    """0 where it is not known."""
    end_ns: int
    dimensions: DimensionSet
    user: str
    session: str
    task: str
    totals: Totals
    parts: Parts
    reason: str
    """Why its status is what it is; ``""`` where that needs no reason."""
    doubt: str
    rule: str
    price_version: str
    aggregate: str
    """How its numbers relate to those below it; ``""`` for a single call."""


@dataclass(frozen=True, slots=True)
class CallsQuestion:
    """Which calls there were in a time, newest first; those of one moment in one order."""

    start_s: int = 0
    end_s: int = TIME_END_S
    filters: Filters = ()
    before: tuple[int, int, bytes] | None = None
    """(end in nanoseconds, number of the trace, span id) of the last call that has been seen; None
    for the newest ones. No call ever gets another of these, however often it changes."""
    limit: int = 50


class PricedBy(NamedTuple):
    """How calls were priced, each text once; empty where no single call is kept."""

    price_versions: Sequence[str] = ()
    """``""`` for a call without a price."""
    rules: Sequence[str] = ()
    """See `Entry.rule`; ``""`` for the plain one."""
    tiers: Sequence[str] = ()
    """Service tiers; ``""`` for the standard one."""


class CellRow(NamedTuple):
    """What the calls of one combination of dimensions have used in one bucket."""

    bucket: int
    """Position of the bucket."""
    dimensions: DimensionSet
    totals: Totals
    parts: Parts
    priced_by: PricedBy = PricedBy()
    """Where that was asked for."""


class CellsAnswer(NamedTuple):
    """What was used by every combination of dimensions."""

    rows: Sequence[CellRow]
    """In the order of buckets; zeros are left out."""
    left_out: Sequence[tuple[int, int]]
    """As in `UsageAnswer`, like what follows."""
    lacks_late_s: Sequence[int]


class TraceSpan(NamedTuple):
    """One span that the ledger keeps of a trace."""

    span_id: bytes
    parent_id: bytes
    """``b""`` for a root."""
    start_ns: int
    """0 where it is not known."""
    end_ns: int
    is_agent: bool
    is_local_root: bool
    is_tool: bool
    is_cut: bool
    """Its parent is not followed, since that would lead back to itself or too far."""
    agent: str
    """The name it says; ``""`` for none."""
    charge: CallRow | None
    """None for a span that only links others."""
    corrections: tuple[tuple[bytes, int], ...]
    """(span id, nano-USD) of what later changed its charge: the span that did, ``b""`` for prices
    that were put right."""


class TraceRow(NamedTuple):
    """One trace as a whole."""

    id: int
    trace_id: bytes
    start_ns: int
    end_ns: int
    session: str | None
    """None where its charges name several, or none; so are the others."""
    user: str | None
    task: str | None
    agent: str | None
    org: str | None
    service: str | None
    totals: Totals


@dataclass(frozen=True, slots=True)
class TracesQuestion:
    """Which traces there were, the last that began to be charged first."""

    owner: tuple[str, str] | None = None
    """(dimension, value) that they belong to as a whole, such as a session; None for all."""
    before: int | None = None
    """Id of the last trace that has been seen."""
    limit: int = 50


class ValueInOther(NamedTuple):
    """A value of an own dimension that is not kept by itself on some days.

    A day keeps 1,000 values by themselves. What further ones used is added up as ``other``.
    """

    dimension: str
    value: str
    days: int
    """How many there are in the time asked about."""
    first_s: int
    """When the first and the last of them began, in epoch seconds."""
    last_s: int


class UnknownAnswer(NamedTuple):
    """All that makes totals say "at least"."""

    listed: Sequence[UnpricedCalls]
    """Calls that are alike together, most calls first."""
    kinds: int
    """How many such groups there are, listed or not."""
    calls: int
    """Of all of them; the totals of all time have the same number."""

    @property
    def left_out(self) -> tuple[int, int]:
        """How many kinds are not listed, and how many calls these have."""
        listed = sum(each.calls for each in self.listed)
        return self.kinds - len(self.listed), self.calls - listed


class Freshness(NamedTuple):
    """How far a ledger reaches."""

    first_charge_s: int
    """When the earliest call ended, in whole epoch seconds; 0 for an empty ledger."""
    last_charge_s: int
    """When the latest call ended, likewise."""
    version: str
    """Another one after every change of what the ledger answers, and the same as long as nothing
    changes: for every reader, and after a restart."""
