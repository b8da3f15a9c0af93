"""What comes in and goes out: batches, their spans in columns, edits, receipts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from processor.core.memory import Holding

NS_PER_S = 10**9
"""Nanoseconds, in which all times are, in a second."""

REMOTE_PARENT = 0x300
"""Of the flags of a span: "is remote" is known (0x100) and true (0x200)."""

Signal = Literal["traces", "metrics", "logs"]
Transport = Literal["grpc", "http"]

Value = str | int | float | bool | bytes | None | tuple["Value", ...] | dict[str, "Value"]
"""An OTLP AnyValue in Python; arrays are tuples, key-value lists are dicts, null is None."""


Metadata = tuple[tuple[str, str], ...]
"""Headers of a request that travel on with it: each name once, in lower case, sorted by name."""


@dataclass(frozen=True, slots=True)
class Batch:
    """One export request as received: its bytes, uncompressed, and when it has to be answered."""

    signal: Signal
    payload: bytes
    received_ns: int
    timeout_s: float | None = None
    """What is left of the caller's own deadline, if it set one."""
    metadata: Metadata = ()
    """The headers that are passed on to the backend; batches that differ in them never merge."""
    transport: Transport = "grpc"
    """How it came in."""
    memory: Holding | None = field(default=None, compare=False, repr=False)
    """What it holds of the memory limit; whoever hands it on gives that back in the end."""
    is_trusted: bool = False
    """Whether its sender has shown that it is another processor like this one."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What `wire.scan` is asked to read; attributes not named here are never decoded."""

    keys: frozenset[str]
    prefixes: tuple[str, ...] = ()
    events: frozenset[str] = frozenset()
    """Names of span events whose attributes are wanted, read as ``event:<name>:<key>``."""
    supporting: frozenset[str] = frozenset()
    """Keys that are never a reason to look at a span: of a span they are read only when it also
    carries something of the above, of scopes and resources always. A span that has nothing else
    counts as one that carries nothing. For names that nearly every span has."""
    latest: frozenset[str] = frozenset()
    """Keys whose last value counts where a span repeats them; of all others it is the first."""


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
    """``b""`` for a root; `semconv.read` takes out what cannot be the id of a parent."""
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


@dataclass(slots=True)
class Logs:
    """What the log records of one payload say that carry a wanted event's name, in columns."""

    event_names: list[str] = field(default_factory=list)
    """The name where OTLP has a field for it; ``""`` for none."""
    bodies: list[str] = field(default_factory=list)
    """The body of a record that is a short text, else ``""``."""
    time_ns: list[int] = field(default_factory=list)
    observed_ns: list[int] = field(default_factory=list)
    groups: list[int] = field(default_factory=list)
    """Index into `group`."""
    attributes: list[Mapping[str, Value]] = field(default_factory=list)
    """The wanted ones in wire order; of a repeated key, the first."""
    group: list[Group] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.attributes)


def is_local_root(parent_id: bytes, flags: int) -> bool:
    """True for a root, and for a span whose parent is in another process."""
    return not parent_id or flags & REMOTE_PARENT == REMOTE_PARENT


class Event(NamedTuple):
    """A span event to add."""

    time_ns: int
    name: str
    attributes: Mapping[str, Value]


class Edit(NamedTuple):
    """What to write on one span. An attribute set here replaces one of the same key."""

    attributes: Mapping[str, Value]
    events: Sequence[Event] = ()


class Kept(NamedTuple):
    """What is on one span already and stays, but not as it was."""

    suffixes: Mapping[str, str]
    """Attributes that get another name before any is set: what is appended to theirs, not empty."""
    marks: Mapping[str, Mapping[str, Value]] = {}
    """By name, what events get as further attributes, unless they have them."""


class RequestPart(NamedTuple):
    """A part of a request that was too large, and a request by itself."""

    payload: bytes
    items: int
    """Spans, data points or log records in it."""


class SplitRequest(NamedTuple):
    """All of a request that was too large, in the order it had."""

    parts: Sequence[RequestPart]
    left_out: int
    """Items that no part can hold, each being too large alone."""


class Receipt(NamedTuple):
    """What the sender is answered: OTLP partial success, empty when all went well."""

    rejected: int = 0
    message: str = ""
