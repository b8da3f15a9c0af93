"""What a span says once it is read, and what it costs once it is priced."""

from __future__ import annotations

from dataclasses import dataclass, field
from operator import add, sub
from typing import Literal, NamedTuple

from processor.core.money import Amount, Rates


class Usage(NamedTuple):
    """Disjoint quantities of one call: no token is in two fields. `money.Rates` has this order.

    Input as reported by most providers is `input_tokens`, output `output_tokens`. What follows
    `web_searches` is rare; fields are added at the end, since stored rows name them by position.
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
    audio_cache_read: int = 0
    """Audio tokens read from a cache; not in `cache_read`."""
    image_cache_read: int = 0
    video_input: int = 0
    video_output: int = 0
    citations: int = 0
    """Citation tokens that a provider bills apart; not in `output`."""
    characters: int = 0
    """Characters of text that was made into speech."""
    duration_ms: int = 0
    """Milliseconds of audio or video."""
    images: int = 0
    pages: int = 0
    searches: int = 0
    """Search units of a reranker, searches in stored files, queries of a research model."""

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
            + self.audio_cache_read
            + self.image_cache_read
            + self.video_input
        )

    @property
    def output_tokens(self) -> int:
        """All output, as most providers report it."""
        return (
            self.output
            + self.reasoning
            + self.audio_output
            + self.image_output
            + self.video_output
            + self.citations
        )

    @property
    def cached_tokens(self) -> int:
        """All that was read from a cache."""
        return self.cache_read + self.audio_cache_read + self.image_cache_read

    def plus(self, other: Usage) -> Usage:
        """Both together."""
        if self is NO_USAGE:
            return other
        return self if other is NO_USAGE else Usage._make(map(add, self, other))

    def minus(self, other: Usage) -> Usage:
        """The change from `other` to this."""
        return self if other is NO_USAGE else Usage._make(map(sub, self, other))


NO_USAGE = Usage(requests=0)
"""The one that is recognised without a comparison."""


OwnIds = tuple[tuple[str, str], ...]
"""Names of the operator's own dimensions and what each is, ordered by name."""


class Owner(NamedTuple):
    """Whom a span belongs to, as far as it says; None where it says nothing.

    Fields are added at the end, since stored rows name them by position.
    """

    session: str | None = None
    user: str | None = None
    org: str | None = None
    agent: str | None = None
    feature: str | None = None
    task: str | None = None
    task_type: str | None = None
    purpose: str | None = None
    task_title: str | None = None
    """The label of the task, no dimension; where no task has an id, it stands for one."""
    own_dimensions: OwnIds = ()
    """What it says of the operator's own dimensions. Each names itself, since settings change."""

    def or_nobody(self) -> Owner:
        """`NOBODY`, which is recognised without a comparison, where it says nothing."""
        return self if any(self) else NOBODY

    def over(self, other: Owner) -> Owner:
        """What this says, and of what it says nothing, what the other says."""
        if self is NOBODY:
            return other
        if other is NOBODY:
            return self
        # Written out, since a loop takes twice as long, and this is done for most calls.
        session, user, org, agent, feature, task, task_type, purpose, title, own_ids = self
        (
            session_2, user_2, org_2, agent_2, feature_2, task_2, type_2, purpose_2, title_2,
            own_2,
        ) = other  # fmt: skip
        return Owner._make(
            (
                session_2 if session is None else session,
                user_2 if user is None else user,
                org_2 if org is None else org,
                agent_2 if agent is None else agent,
                feature_2 if feature is None else feature,
                task_2 if task is None else task,
                type_2 if task_type is None else task_type,
                purpose_2 if purpose is None else purpose,
                title_2 if title is None else title,
                merge_own_ids(own_ids, own_2) if own_2 else own_ids,
            )
        )


NOBODY = Owner()


def merge_own_ids(near: OwnIds, far: OwnIds) -> OwnIds:
    """Both together; where they name the same dimension, the near one counts."""
    return tuple(sorted((dict(far) | dict(near)).items())) if near and far else near or far


TRACE_ID_BYTES = 16
SPAN_ID_BYTES = 8
LOG_TRACE = b"llm-logs"
"""How the ids of traces begin that hold no spans but the log records of one session; what follows
is derived from the session. No random trace id begins like this."""


@dataclass(slots=True)
class Mark:
    """A span worth keeping in the ledger: a call, an agent, or one that says whom it belongs to."""

    row: int
    time_ns: int
    """End of the span, or the receive time where the end cannot be trusted."""
    is_agent: bool = False
    """True for the span of an agent or workflow; its name is in ``own.agent``."""
    own: Owner = NOBODY
    """What the span itself says."""
    inherited: Owner = NOBODY
    """What its instrumentation scope and resource say, in that order of preference."""
    service: str = ""
    time_assumed: bool = False
    start_ns: int = 0
    """Start of the span; 0 where its times cannot be trusted."""
    scope: str = ""
    """Name of the instrumentation scope."""
    time_rescaled: bool = False
    """True where the end was written in a larger unit than nanoseconds."""


CallKind = Literal["llm", "embedding", "rerank", "image", "audio", "video", "moderation"]

Aggregate = Literal["sum", "last_step", "lifetime", "sole_carrier"]
"""How an aggregate repeats the usage of the spans below it; see ARCHITECTURE.md."""


@dataclass(slots=True)
class Call:
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
    """Why the call costs nothing whatever its tokens (``response_cache``), else ``""``."""
    log_trace: bytes = b""
    """Of a span whose tool writes log records as well: the trace in which these are charged."""
    doubt: str = ""
    """What is doubtful about the counts, as words joined by commas: ``counts_contradict``,
    ``split_assumed``, ``unknown_bucket``, ``unreadable_count``, ``input_missing``,
    ``output_missing``, ``searches_assumed``, ``response_id_repeated``; ``""`` when nothing is."""
    is_cumulative: bool = False
    """True when the counts may be those of all requests of a tool loop so far, each of which has a
    span below the same parent."""
    may_exclude_cache: bool = True
    """False where neither the API of the model's maker nor whoever wrote the span is known to leave
    out of the input what was read from a cache or written to it."""
    implausible: str = ""
    """What it reports more of than any call can have, in words, so that it is not charged; ``""``
    for nothing."""
    adopted_nano_usd: int | None = None
    """Of a span that a trusted processor has charged: what it and its corrections add to a sum over
    spans. None: it is charged here."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What `semconv.read` found in a payload."""

    calls: list[Call]
    marks: list[Mark]
    """Noteworthy spans that are not calls."""
    rejected: list[int]
    """Rows whose trace or span id is short or all zero: never charged, never forwarded."""
    tools: list[int] = field(default_factory=list)
    """Rows of tools: what is called below them is no part of the call or agent above them."""


Status = Literal[
    "exact", "alias", "pattern", "fallback", "free", "reported", "aggregate",
    "unpriced", "usage_missing", "implausible", "late", "failed", "excluded",
]  # fmt: skip


@dataclass(slots=True)
class Charge:
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
    """What the cached tokens would have cost more as plain input; of a response from an
    application's cache, what the call would have cost."""


@dataclass(slots=True)
class Unpriced:
    """A call without a price, and why. Its cost is unknown, which is not zero."""

    call: Call
    status: Status
    """``unpriced``, ``usage_missing``, ``implausible``, or ``failed`` (a failed call without usage
    cost nothing)."""
    reason: str
    provider: str = ""
    model: str = ""
    """The name that could not be priced; ``""`` when the span names none."""
    price_version: str = ""
