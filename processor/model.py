"""The shapes that pass from room to room, one type for each stage. No behaviour lives here.

    Batch ─▶ Spans ─▶ Reading (Call, Mark) ─▶ Charge | Unpriced ─▶ Entry, Stamp ─▶ Edit ─▶ Receipt

Ids are raw bytes as on the wire: 16 bytes for a trace, 8 for a span, ``b""`` for "no parent".
Times are nanoseconds since the Unix epoch, in UTC.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple
from zoneinfo import ZoneInfo

from processor.money import Amount, Rates

Signal = Literal["traces", "metrics", "logs"]

Value = str | int | float | bool | bytes | None | tuple["Value", ...] | dict[str, "Value"]
"""An OTLP AnyValue in Python; arrays are tuples, key-value lists are dicts, null is None."""


@dataclass(frozen=True, slots=True)
class Batch:
    """One export request as received: its bytes, uncompressed, and when it has to be answered."""

    signal: Signal
    payload: bytes
    received_ns: int
    timeout_s: float | None = None
    """What is left of the caller's own deadline, if it set one."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What `wire.scan` is asked to read; attributes not named here are never decoded."""

    keys: frozenset[str]
    prefixes: tuple[str, ...] = ()
    events: frozenset[str] = frozenset()
    """Names of span events whose attributes are wanted, read as ``event:<name>:<key>``."""


@dataclass(frozen=True, slots=True)
class Group:
    """What the spans of one ScopeSpans share."""

    resource: Mapping[str, Value]
    scope_name: str
    scope_version: str
    scope_attributes: Mapping[str, Value]


@dataclass(slots=True)
class Spans:
    """What one payload says, in columns: item `i` of each belongs to the i-th span on the wire.

    A compiled kernel can fill these columns without an object for each attribute. Spans that
    carry the same wanted keys share a *shape*: ``keys[shapes[i]]`` names the attributes whose
    values are ``values[i]``, in the same order. Shape 0 carries none. A key that a span repeats
    appears once, with its first value.
    """

    payload: bytes
    trace_ids: list[bytes] = field(default_factory=list)
    span_ids: list[bytes] = field(default_factory=list)
    parent_ids: list[bytes] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    start_ns: list[int] = field(default_factory=list)
    end_ns: list[int] = field(default_factory=list)
    kinds: list[int] = field(default_factory=list)
    """OTLP SpanKind as its number."""
    flags: list[int] = field(default_factory=list)
    """OTLP span flags; 0x100 and 0x200 together mean that the parent is remote."""
    failed: list[bool] = field(default_factory=list)
    """True where the span's status is ERROR."""
    groups: list[int] = field(default_factory=list)
    """Index into `group`."""
    shapes: list[int] = field(default_factory=list)
    values: list[tuple[Value, ...]] = field(default_factory=list)
    starts: list[int] = field(default_factory=list)
    """Offset in the payload of the span's first byte (after its tag and length)."""
    ends: list[int] = field(default_factory=list)
    """Offset in the payload just past the span's last byte."""
    group: list[Group] = field(default_factory=list)
    keys: list[tuple[str, ...]] = field(default_factory=lambda: [()])

    def __len__(self) -> int:
        return len(self.span_ids)


class Usage(NamedTuple):
    """Disjoint quantities of one call: no token is in two fields. `money.Rates` has this order.

    Input as reported by most providers is input + cache_read + cache_write + cache_write_1h +
    audio_input + image_input; output is output + reasoning + audio_output + image_output.
    """

    input: int = 0
    """Uncached text input tokens."""
    cache_read: int = 0
    cache_write: int = 0
    """Tokens written to a cache that lives five minutes (or has only one lifetime)."""
    cache_write_1h: int = 0
    audio_input: int = 0
    image_input: int = 0
    output: int = 0
    """Output tokens without reasoning, audio and image."""
    reasoning: int = 0
    audio_output: int = 0
    image_output: int = 0
    requests: int = 1
    web_searches: int = 0

    @property
    def input_tokens(self) -> int:
        """All input, as most providers report it."""
        return (
            self.input
            + self.cache_read
            + self.cache_write
            + self.cache_write_1h
            + self.audio_input
            + self.image_input
        )

    @property
    def output_tokens(self) -> int:
        """All output, as most providers report it."""
        return self.output + self.reasoning + self.audio_output + self.image_output


class Owner(NamedTuple):
    """Whom a span belongs to, as far as it says; None where it says nothing."""

    session: str | None = None
    user: str | None = None
    org: str | None = None
    agent: str | None = None
    feature: str | None = None
    task: str | None = None


NOBODY = Owner()


class Mark(NamedTuple):
    """A span worth keeping in the books: a call, an agent, or one that says whom it belongs to."""

    row: int
    time_ns: int
    """End of the span, or the receive time where the end cannot be trusted."""
    is_agent: bool = False
    """True for the span of an agent or workflow; its name is in ``own.agent``."""
    own: Owner = NOBODY
    """What the span itself says."""
    ambient: Owner = NOBODY
    """What its instrumentation scope and resource say, in that order of preference."""
    service: str = ""
    time_assumed: bool = False


CallKind = Literal["llm", "embedding", "rerank", "image", "audio", "moderation"]

Aggregate = Literal["sum", "last_step", "lifetime", "sole_carrier"]
"""How an aggregate repeats the usage of the spans below it; see ARCHITECTURE.md."""


class Call(NamedTuple):
    """A span that reports (or should report) LLM usage, in plain terms."""

    mark: Mark
    kind: CallKind
    provider: str
    """As the span says it, lower case; ``""`` when it does not."""
    models: tuple[str, ...]
    """Names to try, best first: response model, then request model. May be empty."""
    usage: Usage | None
    """None: the span reports no tokens."""
    aggregate: Aggregate | None = None
    """None for a leaf call."""
    tier: str = ""
    """Service tier as served: flex, priority, batch …; ``""`` for the standard one."""
    response_id: str = ""
    failed: bool = False
    reported_nano_usd: int | None = None
    """A cost that somebody upstream wrote on the span, finite and not negative."""
    reported_by: str = ""
    """The attribute that carried `reported_nano_usd`."""
    rule: str = ""
    """Which cache-inclusion rule decided the reading, when it is not the plain one."""
    dialect: str = ""
    has_tokens: bool = True
    """False when the span lacks ``llm.tokens.*``, which are then written."""
    free: str = ""
    """Why the call costs nothing whatever its tokens (``gateway cache`` …), else ``""``."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What `semconv.read` found in a payload."""

    calls: list[Call]
    marks: list[Mark]
    """Noteworthy spans that are not calls."""
    rejected: list[int]
    """Rows whose trace or span id is short or all zero: never charged, never forwarded."""


Status = Literal[
    "exact", "alias", "pattern", "fallback", "free", "reported", "aggregate",
    "unpriced", "usage_missing", "failed",
]  # fmt: skip


class Charge(NamedTuple):
    """A call with its price."""

    call: Call
    amount: Amount
    status: Status
    provider: str
    """Canonical provider of the price."""
    model: str
    """Canonical model of the price."""
    price_version: str
    rates: Rates | None
    """What each unit costs; None where the amount was reported rather than computed."""
    reason: str = ""
    """How the price was found, when the status is not ``exact``."""
    saved_nano_usd: int = 0
    """What the cached tokens would have cost more as plain input."""


class Unpriced(NamedTuple):
    """A call without a price, and why. Its cost is unknown, which is not zero."""

    call: Call
    status: Status
    """``unpriced``, ``usage_missing`` or ``failed`` (a failed call without usage cost nothing)."""
    reason: str
    provider: str = ""
    model: str = ""
    """The name that could not be priced; ``""`` when the span names none."""
    price_version: str = ""


class Entry(NamedTuple):
    """One immutable row of the ledger: a call as it was first charged."""

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


class Totals(NamedTuple):
    """Sums over calls; they merge by addition, in any order."""

    cost_nano_usd: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    calls: int = 0
    unpriced: int = 0
    """Calls whose cost is unknown: while this is not 0, the cost is "at least"."""
    saved_nano_usd: int = 0
    cache_hits: int = 0
    agent_runs: int = 0

    @property
    def tokens(self) -> int:
        """Input and output tokens together."""
        return self.input_tokens + self.output_tokens


Scope = Literal[
    "call", "trace", "agent_run", "session", "user", "org", "agent", "feature", "task",
    "model", "provider", "service", "total",
]  # fmt: skip

WindowKind = Literal["none", "hour", "day", "week", "month"]


class Calendar(NamedTuple):
    """What decides where calendar windows begin."""

    zone: ZoneInfo
    week_start: int = 0
    """First day of the week, 0 for Monday."""


class Standing(NamedTuple):
    """How one scope stands against one budget in the window that holds a given moment."""

    budget: str
    scope: str
    scope_id: str
    window: str
    window_start_s: int
    window_end_s: int
    limit: int
    unit: Literal["usd", "tokens"]
    spent: int
    at_least: bool
    exceeded: bool


class Crossing(NamedTuple):
    """The moment a budget's limit or warning share was reached; at most one exists per key.

    The key is (budget, scope, scope_id, window_start_s, limit, share).
    """

    budget: str
    scope: str
    scope_id: str
    window_start_s: int
    window_end_s: int
    """0 for a budget without a window."""
    limit: int
    """Nano-USD, or tokens when `unit` is ``tokens``."""
    unit: Literal["usd", "tokens"]
    share: float
    """1.0 for the limit itself, less for a warning."""
    spent: int
    at_least: bool = False
    late: bool = False
    """The window was over when the crossing was found."""
    trigger: str = ""
    """``attribution`` when a span that names an owner moved older calls over the line."""
    span: str = ""
    """The span that carries the event, as ``trace id:span id`` in hex."""


class Stamp(NamedTuple):
    """Everything that is written on one span. It is stored, and given again for a known span."""

    entry: Entry | None = None
    agent: Totals | None = None
    trace: Totals | None = None
    session: Totals | None = None
    crossings: tuple[Crossing, ...] = ()
    exceeded: tuple[str, ...] = ()
    """Names of the budgets that stand exceeded for this span."""
    corrections: tuple[tuple[bytes, int], ...] = ()
    """(span id, nano-USD) of older charges that this span's arrival changed."""


class SpanRow(NamedTuple):
    """What the ledger keeps of one span, appended once and never edited."""

    trace_id: bytes
    span_id: bytes
    parent_id: bytes
    time_ns: int
    is_agent: bool
    is_entry: bool
    """A root, or a span whose parent is in another process."""
    own: Owner
    ambient: Owner
    service: str
    entry: Entry | None
    stamp: Stamp
    is_amendment: bool = False
    """True for the row that gives a span its usage after an earlier row without."""


class Correction(NamedTuple):
    """An older charge that changed because of what is now known below it."""

    trace_id: bytes
    span_id: bytes
    cause_id: bytes
    """The span whose arrival changed it, and on which the correction is written."""
    time_ns: int
    """Time of the corrected span: the window whose totals change."""
    change: Totals


Posting = tuple[str, str, int]
"""(scope, scope id, start of the quarter-hour bucket in epoch seconds)."""


@dataclass(slots=True)
class Plan:
    """All that one turn writes, in one transaction, and what to stamp on the batch's spans."""

    rows: list[SpanRow] = field(default_factory=list)
    corrections: list[Correction] = field(default_factory=list)
    postings: dict[Posting, Totals] = field(default_factory=dict)
    """Changes of totals, to be added."""
    crossings: list[Crossing] = field(default_factory=list)
    stamps: dict[int, Stamp] = field(default_factory=dict)
    """By row of the batch."""
    repeats: int = 0
    """Spans that were on the books already."""
    conflicts: int = 0
    """Repeats that say something else than the first copy; the first stays."""


@dataclass(frozen=True, slots=True)
class Intake:
    """What one batch brings to the books."""

    spans: Spans
    charges: Sequence[Charge | Unpriced]
    marks: Sequence[Mark]
    received_ns: int


class Event(NamedTuple):
    """A span event to add."""

    time_ns: int
    name: str
    attributes: Mapping[str, Value]


class Edit(NamedTuple):
    """What to write on one span. An attribute set here replaces one of the same key."""

    attributes: Mapping[str, Value]
    events: Sequence[Event] = ()


class Receipt(NamedTuple):
    """What the sender is told: OTLP partial success, empty when all went well."""

    rejected: int = 0
    message: str = ""
