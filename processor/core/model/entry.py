"""What the ledger keeps, and what one turn writes."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, Protocol

from processor.core.model.call import (
    Aggregate,
    CallKind,
    Charge,
    Mark,
    Owner,
    Status,
    Unpriced,
    Usage,
)
from processor.core.model.posting import DimensionSet, Sums, TraceSummary
from processor.core.model.spans import Spans
from processor.core.model.total import Crossing, Totals
from processor.core.money import Amount, Rates


@dataclass(slots=True)
class Entry:
    """One row of the ledger, never changed once made: a call as it was first charged."""

    status: Status
    reason: str
    provider: str
    model: str
    service: str
    price_version: str
    usage: Usage | None
    """What the span reported, in disjoint quantities."""
    amount: Amount | None
    """None while the cost is unknown. For an aggregate, the part that was charged."""
    rates: Rates | None
    aggregate: Aggregate | None = None
    saved_nano_usd: int = 0
    reported_nano_usd: int | None = None
    rule: str = ""
    has_tokens: bool = True
    kind: CallKind = "llm"
    time_assumed: bool = False
    asked: tuple[str, tuple[str, ...], str] = ("", (), "")
    """Provider, models and service tier as the span named them, to price it again by."""
    response: int = 0
    """64 bits of a digest of the response's id; 0 for none. The span has the id itself."""
    reported_by: str = ""
    """The attribute that carried `reported_nano_usd`."""
    free: str = ""
    """Why the call cost nothing whatever its tokens; see `Call.free`."""
    scope: str = ""
    """Name of the instrumentation scope, or of the dialect where it has no name."""
    start_ns: int = 0
    """Start of the call; 0 where its times cannot be trusted."""
    doubt: str = ""
    """What is doubtful about the counts; see `Call.doubt`."""
    is_cumulative: bool = False
    """See `Call.is_cumulative`."""
    may_exclude_cache: bool = True
    """See `Call.may_exclude_cache`."""
    time_rescaled: bool = False
    """See `Mark.time_rescaled`."""
    adopted_nano_usd: int | None = None
    """See `Call.adopted_nano_usd`."""

    @property
    def is_leaf_charge(self) -> bool:
        """True for a priced leaf call, the one kind of span that others may add up."""
        return self.amount is not None and self.aggregate is None and self.status != "aggregate"


@dataclass(slots=True)
class Stamp:
    """Everything that is written on one span. It is stored, and given again for a known span."""

    entry: Entry | None = None
    agent: Totals | None = None
    trace: Totals | None = None
    session: Totals | None = None
    crossings: tuple[Crossing, ...] = ()
    exceeded: tuple[str, ...] = ()
    """Names of the budgets that stand exceeded for this span."""
    corrections: tuple[tuple[bytes, int], ...] = ()
    """(span id, nano-USD) of older charges that this span's arrival changed. The id of a span in
    another trace stands after that of its trace."""
    leaf_corrections_nano_usd: int = 0
    """The part of `corrections` that changes leaf charges: what they were charged stands on
    them under the names of other tools, which know no corrections."""


class StoredCall(Protocol):
    """A call that the ledger has, as its row or its working copy."""

    @property
    def entry(self) -> Entry | None:
        """What is known of it; None for what is no call."""

    @property
    def time_ns(self) -> int:
        """When it ended, in nanoseconds since 1970."""


@dataclass(slots=True)
class SpanRow:
    """What the ledger keeps of one span, appended once and never edited."""

    trace_id: bytes
    span_id: bytes
    parent_id: bytes
    time_ns: int
    is_agent: bool
    is_local_root: bool
    """A root, or a span whose parent is in another process."""
    own: Owner
    inherited: Owner
    service: str
    entry: Entry | None
    stamp: Stamp
    is_cut: bool = False
    """True when its parent is not followed, since that would lead back to itself or too far."""
    is_amendment: bool = False
    """True for the row that gives a span its usage after an earlier row without."""
    is_reference: bool = False
    """True for a reference to a span among the log records of its session: it charges nothing."""
    is_tool: bool = False
    """True for the span of a tool."""
    is_charged_elsewhere: bool = False
    """True for a call that a span of another trace is charged for."""
    is_excluded: bool = False
    """True for a call or agent that somebody has taken out of all sums."""
    id: int = field(default=0, compare=False)
    """Of the row, when it has been read."""


@dataclass(slots=True)
class ChargeRow:
    """What one span is charged now, and whose it is: the row of `charges` that it has from now."""

    trace_id: bytes
    span_id: bytes
    row: int
    """Position in `Plan.rows` of the row of this span that the turn writes; -1 for none."""
    row_id: int
    """Id of its latest row before this turn; 0 for none. With `row` as well, the span has got its
    usage or another price, and what is kept under this id gives way."""
    end_ns: int
    dimensions: DimensionSet
    user: str
    session: str
    task: str
    sums: Sums
    entry: Entry | None
    """What its latest row says: the sums of a usual call follow from that."""


class Correction(NamedTuple):
    """An older charge that changed because of what is now known below it."""

    trace_id: bytes
    span_id: bytes
    cause_id: bytes
    """The span whose arrival changed it, and on which the correction is written; ``b""`` for a
    reprice, which has none."""
    time_ns: int
    """Time of the corrected span: the window whose totals change."""
    change: Totals


class TaskTitle(NamedTuple):
    """What a span calls its task."""

    title: str
    time_ns: int
    """Time of the span."""

    def is_later_than(self, other: TaskTitle) -> bool:
        """Whether this one counts, in whatever order the two came."""
        return (self.time_ns, self.title) > (other.time_ns, other.title)


Posting = tuple[str, str, int]
"""(series, scope id, start of the quarter-hour bucket in epoch seconds; 0 for all time)."""

Cell = tuple[int, DimensionSet]
"""(start of an hour or day in epoch seconds, dimensions)."""
UserCell = tuple[int, str, DimensionSet]
"""(start of a day, user, dimensions)."""

SpendPart = Literal["first", "up", "down"]
"""What was charged first, and by how much corrections have raised and lowered it."""
SpendKey = tuple[tuple[str, ...], SpendPart]
"""(values of the dimensions that metrics have, part); see `posting.spend`."""


class PendingRows(NamedTuple):
    """Spans of one trace that wait for a call, in columns: most are never asked for."""

    trace_id: bytes
    span_ids: Sequence[bytes]
    parent_ids: Sequence[bytes]
    """``b""`` for a root."""
    flags: Sequence[int]
    """OTLP span flags."""
    marks: Mapping[int, Mark]
    """What some say of their owner, by position in the other columns."""
    tools: Collection[int] = ()
    """Positions of tools."""


@dataclass(slots=True)
class LateCalls:
    """Calls that came after what would tell what they repeat was deleted; see `posting.late`."""

    hours: dict[int, int] = field(default_factory=dict)
    """By start of the hour in which they ended, in epoch seconds, how many: they have no row."""
    span_ids: Mapping[bytes, Sequence[bytes]] = field(default_factory=dict)
    """By trace whose calls are deleted, ids that are known from now on."""

    @property
    def count(self) -> int:
        """How many there are."""
        return sum(self.hours.values())


@dataclass(slots=True)
class Plan:
    """All that one turn writes, in one transaction, and what to stamp on the batch's spans."""

    rows: list[SpanRow] = field(default_factory=list)
    corrections: list[Correction] = field(default_factory=list)
    charges: list[ChargeRow] = field(default_factory=list)
    """Of every span of which something has changed that is charged."""
    traces: list[TraceSummary] = field(default_factory=list)
    """Of every trace of which something has changed."""
    postings: dict[Posting, Totals] = field(default_factory=dict)
    """Changes of totals, to be added; as are the following."""
    hours: dict[Cell, Sums] = field(default_factory=dict)
    days: dict[Cell, Sums] = field(default_factory=dict)
    user_days: dict[UserCell, Sums] = field(default_factory=dict)
    spend: dict[SpendKey, Totals] = field(default_factory=dict)
    crossings: list[Crossing] = field(default_factory=list)
    task_titles: dict[str, TaskTitle] = field(default_factory=dict)
    """The latest title of each task that a span of this turn names together with one."""
    pending: list[PendingRows] = field(default_factory=list)
    """Spans that wait from now on."""
    stamps: dict[int, Stamp] = field(default_factory=dict)
    """By row of the batch."""
    repeats: int = 0
    """Spans that were in the ledger already."""
    conflicts: int = 0
    """Repeats that say something else than the first copy; the first stays."""
    uncharged: Mapping[bytes, int] = field(default_factory=dict)
    """By trace id, the calls that are beyond the limit of one trace and charged nothing."""
    unfollowed: int = 0
    """Agents, roots and spans that name an owner which are beyond that limit."""
    late: LateCalls | None = None


@dataclass(frozen=True, slots=True)
class Intake:
    """What one batch brings to the ledger."""

    spans: Spans
    charges: Sequence[Charge | Unpriced]
    marks: Sequence[Mark]
    received_ns: int
    tools: AbstractSet[int] = frozenset()
    """Rows of tools."""
    crossed: Sequence[Crossing] = ()
    """What a trusted processor has written an event of, on spans of this batch."""
