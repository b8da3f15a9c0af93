"""What questions are answered with. Money is nano-USD; surfaces write it as `format_usd` does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from processor.core.model import AuditEntry, Crossing, Parts, Standing, Totals, UnpricedCalls
from processor.core.notices import Notifications
from processor.core.questions import CallRow, Freshness, TraceRow, TraceSpan, UsageRow


@dataclass(frozen=True, slots=True)
class AsOf:
    """Which moment an answer is of."""

    read_ns: int
    """When the ledger was read: all that was acknowledged by then is in the answer."""
    last_charge_s: int
    """When the latest call ended, in whole epoch seconds; 0 for an empty ledger."""
    version: str
    """Another one after every change of what the ledger answers, and the same as long as nothing
    changes, for everybody and after a restart. Prices, budgets and the time of asking, on which
    some answers depend as well, are not in it."""


NO_MOMENT = AsOf(0, 0, "")
"""Of an answer that does not say."""


def as_of(freshness: Freshness, now_ns: int) -> AsOf:
    """The moment of an answer that is read now from a ledger which reaches this far."""
    return AsOf(now_ns, freshness.last_charge_s, freshness.version)


@dataclass(frozen=True, slots=True)
class Bucket:
    """One bucket of a series."""

    start_s: int
    end_s: int
    is_partial: bool
    """The question leaves out a part of this hour, day, week or month, or it is not over."""
    totals: Totals
    parts: Parts


@dataclass(frozen=True, slots=True)
class Group:
    """What one value, or pair of values, has used."""

    values: tuple[str, ...]
    """In the order of `group_by`; ``""`` where there is none."""
    label: str
    """What people call it: the title of a task; else ``""``."""
    totals: Totals
    parts: Parts
    series: Sequence[UsageRow]
    """By bucket, where buckets were asked for; those without usage are left out."""


@dataclass(frozen=True, slots=True)
class Others:
    """The groups that are not listed, together."""

    groups: int
    totals: Totals
    parts: Parts
    series: Sequence[UsageRow]


@dataclass(frozen=True, slots=True)
class Previous:
    """What was used in the range before."""

    start_s: int
    end_s: int
    """Where the range is not over yet, the one before ends after the same time."""
    totals: Totals


@dataclass(frozen=True, slots=True)
class CacheUse:
    """What caches have done. Shares are from 0 to 1, None where there was nothing."""

    hits: int
    """Calls that a prompt cache gave a part of their input."""
    hit_rate: float | None
    """The share of calls."""
    cached_tokens: int
    cached_share: float | None
    """The share of input tokens."""
    saved_nano_usd: int
    response_hits: int
    """Calls that an application's own cache of responses answered."""
    response_hit_rate: float | None
    response_saved_nano_usd: int


@dataclass(frozen=True, slots=True)
class UsageReport:
    """How much was used in a time. Groups and others add up to the totals, and so do buckets."""

    start_s: int
    end_s: int
    time_zone: str
    bucket: str
    group_by: tuple[str, ...]
    totals: Totals
    parts: Parts
    """Zeros unless they were asked for."""
    cache: CacheUse
    previous: Previous | None
    buckets: Sequence[Bucket]
    """All of the range, also those without usage."""
    groups: Sequence[Group]
    """Largest first."""
    others: Others | None
    """None where all groups are listed."""
    partial: tuple[str, ...]
    """Why something is missing from all these numbers; empty where nothing is."""
    as_of: AsOf


@dataclass(frozen=True, slots=True)
class CallsPage:
    """Some calls, newest first."""

    calls: Sequence[CallRow]
    cursor: str
    """Asks for those that come after; ``""`` where there are none."""
    partial: tuple[str, ...]
    """Why some calls of the range may be missing; empty where none is."""
    as_of: AsOf


@dataclass(frozen=True, slots=True)
class TreeSpan:
    """A span in the tree of its trace."""

    span: TraceSpan
    depth: int
    """0 for one without a parent that is kept."""
    subtotal: Totals
    """It and all below it that is shown."""
    is_parent_missing: bool
    """It names a parent that is not kept: one that is still under way, or lost, or plain."""


@dataclass(frozen=True, slots=True)
class TraceReport:
    """A trace, or the run of one of its agents, as a tree."""

    trace: TraceRow
    title: str
    """Of its task; ``""`` where it has none."""
    totals: Totals
    """Of all its spans, shown or not."""
    spans: Sequence[TreeSpan]
    """Each before those below it; those of one parent in order of time."""
    missing_parents: tuple[bytes, ...]
    """Ids of spans that others name as their parent, and that are not kept; of a trace that is cut,
    or not shown."""
    by_model: Sequence[Group]
    is_cut: bool
    """It has more spans than are shown."""
    partial: tuple[str, ...]
    """Why no span is shown; empty where there are some."""
    as_of: AsOf


@dataclass(frozen=True, slots=True)
class TracesPage:
    """Some traces, the last that began to be charged first."""

    traces: Sequence[TraceRow]
    titles: Mapping[str, str]
    """Of their tasks that have one."""
    cursor: str
    """Asks for those that come after; ``""`` where there are none."""
    as_of: AsOf


@dataclass(frozen=True, slots=True)
class OwnerReport:
    """A session, user, agent, task or another owner."""

    dimension: str
    value: str
    label: str
    """The title of a task; else ``""``."""
    usage: UsageReport
    """By model."""
    traces: Sequence[TraceRow]
    """Its newest ones: those that belong to it as a whole."""


@dataclass(frozen=True, slots=True)
class BudgetState:
    """How one scope id stands under one budget."""

    standing: Standing
    progress: float
    """Below 1 the totals that it looks at are still being filled, and it is not yet in force."""
    projected_crossing_s: int | None = None
    """The start of the hour in which the limit will be met, if it goes on as in the weeks before;
    None where it is not asked for, is met, will not be met in this window, or is not known."""


@dataclass(frozen=True, slots=True)
class BudgetsReport:
    """Every budget, with the scope ids that have spent most."""

    states: Sequence[BudgetState]
    as_of: AsOf


@dataclass(frozen=True, slots=True)
class CrossingsPage:
    """Budget crossings, latest first."""

    crossings: Sequence[Crossing]
    cursor: str
    """Asks for those that come after; ``""`` where there are none."""
    as_of: AsOf


@dataclass(frozen=True, slots=True)
class NotificationsPage:
    """Notifications, latest first, and what of each channel has not arrived."""

    notifications: Notifications
    cursor: str
    """Asks for those that come after; ``""`` where there are none."""
    as_of: AsOf


@dataclass(frozen=True, slots=True)
class AuditPage:
    """Who has changed what, latest first."""

    entries: Sequence[AuditEntry]
    cursor: str
    """Asks for those that come after; ``""`` where there are none."""
    as_of: AsOf = NO_MOMENT


@dataclass(frozen=True, slots=True)
class UnknownCalls:
    """Calls whose cost is unknown, alike ones together, and how to change that."""

    calls: UnpricedCalls
    fix: str
    """In words, to be done by whoever runs the processor or the application."""
    entry: tuple[str, ...]
    """Lines for the price file, below ``models:``; empty where no price would help."""


@dataclass(frozen=True, slots=True)
class UnknownReport:
    """All that makes totals say "at least"."""

    unknown: Sequence[UnknownCalls]
    """Most calls first."""
    calls: int
    """Of all, listed or not; the totals of all time have the same number."""
    kinds_left_out: int
    """How many further kinds there are."""
    calls_left_out: int
    """How many calls these have."""
    as_of: AsOf
