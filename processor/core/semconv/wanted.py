"""What has to be read from spans, scopes and resources: every name that a table mentions."""

from __future__ import annotations

from itertools import chain

from processor.core.model import Wanted
from processor.core.semconv.dialects.costs import REPORTED_COSTS
from processor.core.semconv.dialects.instrumentations import DIALECTS
from processor.core.semconv.dialects.kinds import KINDS, KINDS_BY_KEYS
from processor.core.semconv.dialects.naming import (
    CACHE_HITS,
    HOST,
    MODELS,
    MODELS_INSIDE,
    PROVIDERS,
    RESPONSE_IDS,
    TIERS,
)
from processor.core.semconv.dialects.owners import AMBIENT_OWNERS
from processor.core.semconv.dialects.tokens import COUNTS, PARTIAL

_RESOURCE_KEYS = ("service.name", "telemetry.sdk.name")
_EVENT = "event:"

_SUPPORTING = frozenset({
    # The host of every web and database span; it names the provider of what is a call anyhow.
    HOST,
    # Said of calls, which have a model or tokens besides.
    *CACHE_HITS,
    # A thread of the operating system, except on spans with Codex's own counts.
    "thread.id",
    # Names without a namespace; those who mean what we read write counts of tokens, too.
    "model",
    "request_id",
    "speed",
    # Makes an agent only together with `agent_name`.
    "model_name",
    # Kinds by which some SDKs sort all spans; of what concerns us they say more.
    "logfire.span_type",
    "sentry.op",
    "span.type",
    # Read of resources and scopes.
    *_RESOURCE_KEYS,
    "cost_center",
    "department",
    "team.id",
})  # fmt: skip
"""What ordinary spans carry as well, and what says nothing unless something else does."""

_LATEST = frozenset({"thread.id"})
"""Rust's tracing writes the operating system's thread first, and Codex its conversation after it,
under the same name."""


def _names() -> set[str]:
    """Every key of every table; those of span events as ``event:<name>:<key>``."""
    fields = (MODELS, MODELS_INSIDE, PROVIDERS, TIERS, RESPONSE_IDS, REPORTED_COSTS)
    sources = chain(*fields, *COUNTS.values(), *AMBIENT_OWNERS.values())
    names = {key for source in sources for key in (*source.keys, *source.unless)}
    names.update(key for key, _ in KINDS)
    names.update(*(keys for keys, _ in KINDS_BY_KEYS))
    for dialect in DIALECTS:
        names.update(dialect.keys, (key for key, _ in dialect.values))
    return names | {HOST, *CACHE_HITS, *PARTIAL, *_RESOURCE_KEYS}


def _wanted(names: set[str]) -> Wanted:
    events = {name for name in names if name.startswith(_EVENT)}
    return Wanted(
        keys=frozenset(names - events - _SUPPORTING),
        events=frozenset(name.split(":")[1] for name in events),
        supporting=frozenset(names & _SUPPORTING),
        latest=_LATEST,
    )


WANTED = _wanted(_names())
"""What `wire.scan` has to read for `read`."""
