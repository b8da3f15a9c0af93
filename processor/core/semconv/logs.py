"""Reading log records: those of a coding agent that report a call, as if each were a span."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

from processor.core.model import Call, Group, Logs, Mark, Spans, Value, Wanted
from processor.core.providers import is_placeholder, normalise_tier
from processor.core.semconv.counts import Counts, UsageRules
from processor.core.semconv.dialects.logs import (
    COSTS,
    DURATION_MS,
    EVENT_NAME,
    IDENTITY,
    LOG_DIALECTS,
    LOG_RESPONSE_IDS,
    MODEL,
    TIERS,
    LogDialect,
)
from processor.core.semconv.dialects.owners import INHERITED_OWNERS, OWNERS
from processor.core.semconv.emitter import likely_provider, name_family, sells_lifetimes
from processor.core.semconv.ids import log_trace, record_id
from processor.core.semconv.interpretation import UNREADABLE_COUNT
from processor.core.semconv.layout import Slots, lay_out_fields
from processor.core.semconv.options import ReadOptions, inherited_owner, operator_rule
from processor.core.semconv.owners import read_owner
from processor.core.semconv.plausibility import find_implausible
from processor.core.semconv.sources import Row
from processor.core.semconv.times import read_time
from processor.core.semconv.usage import normalise_usage
from processor.core.semconv.values import (
    bound,
    looks_like_count,
    read_count,
    read_nano_usd,
    read_text,
)

_DURATION_MAX_MS = 24 * 3600 * 1000
_NS_PER_MS = 10**6
_NO_COUNTS = Counts()
_BY_EVENT = {event: dialect for dialect in LOG_DIALECTS for event in dialect.events}
_SELECTORS = {dialect.only[0] for dialect in LOG_DIALECTS if dialect.only is not None}
_COUNT_KEYS = {key for dialect in LOG_DIALECTS for keys in dialect.counts.values() for key in keys}
_OWN_KEYS = {key for sources in OWNERS.values() for source in sources for key in source.keys}
_INHERITED_KEYS = {
    key for sources in INHERITED_OWNERS.values() for source in sources for key in source.keys
}
_FACTS = frozenset(
    {MODEL, DURATION_MS, *COSTS, *TIERS, *LOG_RESPONSE_IDS, *IDENTITY} | _COUNT_KEYS | _SELECTORS
)

LOGS_WANTED = Wanted(
    keys=_FACTS | _OWN_KEYS | _INHERITED_KEYS | {"service.name"}, events=frozenset(_BY_EVENT)
)
"""What `wire.scan_logs` has to read for `read_logs`."""


class LogReading(NamedTuple):
    """The calls that log records report, and the spans they would be."""

    spans: Spans
    """One for each call, with ids that follow from what the record says."""
    calls: list[Call]


def read_logs(logs: Logs, received_ns: int, options: ReadOptions) -> LogReading:
    """Find the records that report a call; those without usage are none.

    Its parent is its session, which is no span: so it is no root, and no span is its parent.
    """
    reader = _Reader(logs, received_ns, options)
    for row in range(len(logs)):
        reader.read(row)
    return LogReading(reader.spans, reader.calls)


class _Reader:
    """The state of one reading."""

    def __init__(self, logs: Logs, received_ns: int, options: ReadOptions) -> None:
        self._logs = logs
        self._received_ns = received_ns
        self._options = options
        self.spans = Spans(b"")
        self.calls: list[Call] = []

    def read(self, row: int) -> None:
        """Read one record; it adds a call and a span, or nothing."""
        logs, attributes = self._logs, self._logs.attributes[row]
        dialect = _find_dialect(logs.event_names[row], logs.bodies[row], attributes)
        if dialect is None:
            return
        counts = _read_counts(dialect, attributes)
        if counts == _NO_COUNTS:
            return
        mark = self._mark(row, dialect, logs.group[logs.groups[row]])
        call = self._call(dialect, attributes, counts, mark)
        self.calls.append(call)
        session = mark.own.session or mark.inherited.session
        stated_ns = logs.time_ns[row] or logs.observed_ns[row]
        facts = [f"{key}={attributes[key]!r}" for key in sorted(_FACTS & attributes.keys())]
        span_id = record_id((dialect.events[0], session, stated_ns, *facts))
        # Without a session there is nothing that a record belongs to but its call, or itself.
        trace_id = log_trace(dialect.name, session or call.response_id or span_id.hex())
        spans = self.spans
        spans.trace_ids.append(trace_id)
        spans.span_ids.append(span_id)
        spans.parent_ids.append(trace_id[-len(span_id) :])
        spans.names.append(dialect.events[0])
        spans.flags.append(0)
        spans.start_ns.append(mark.start_ns)
        spans.end_ns.append(mark.time_ns)

    def _mark(self, row: int, dialect: LogDialect, group: Group) -> Mark:
        logs, attributes = self._logs, self._logs.attributes[row]
        salt = self._options.user_hash_salt
        own = read_owner(_slots(tuple(attributes)), Row(tuple(attributes.values())), salt)
        inherited = inherited_owner(group, self._options)
        dimensions = self._options.dimensions
        if dimensions:
            own = own._replace(
                own_dimensions=dimensions.read(tuple(attributes), tuple(attributes.values()))
            ).or_nobody()
        service = read_text(group.resource.get("service.name")) or ""
        if own.agent is None and inherited.agent is None:
            # The tool that writes the record is the agent that makes the call.
            own = own._replace(agent=service or dialect.name)
        stated_ns = logs.time_ns[row] or logs.observed_ns[row]
        end_ns = read_time(stated_ns, self._received_ns)
        duration_ms = min(read_count(attributes.get(DURATION_MS)) or 0, _DURATION_MAX_MS)
        return Mark(
            len(self.calls),
            end_ns or self._received_ns,
            own=own,
            inherited=inherited,
            service=service,
            time_assumed=not end_ns,
            start_ns=max(end_ns - duration_ms * _NS_PER_MS, 1) if end_ns else 0,
            scope=bound(group.scope_name),
            time_rescaled=end_ns not in {0, stated_ns},
        )

    def _call(
        self, dialect: LogDialect, attributes: Mapping[str, Value], counts: Counts, mark: Mark
    ) -> Call:
        model = read_text(attributes.get(MODEL))
        models = () if model is None or is_placeholder(model) else (model,)
        likely = likely_provider(dialect.provider, models)
        family = name_family(likely, models)
        rules = UsageRules(
            "llm",
            family,
            dialect.cache,
            dialect.reasoning,
            has_lifetimes=sells_lifetimes(family, models),
        )
        operator = operator_rule((mark.scope, dialect.provider, likely), self._options)
        doubts = [UNREADABLE_COUNT] if _has_unreadable(dialect, attributes) else []
        usage, rule, doubt = normalise_usage(counts, rules, operator, doubts=doubts)
        reported, reported_by = _first_cost(attributes)
        return Call(
            mark,
            "llm",
            dialect.provider,
            models,
            usage,
            tier=normalise_tier(_first_text(attributes, TIERS)),
            response_id=_first_text(attributes, LOG_RESPONSE_IDS),
            reported_nano_usd=reported,
            reported_by=reported_by,
            rule=rule,
            dialect=dialect.name,
            doubt=doubt,
            implausible=find_implausible(usage, reported, self._options.limits, is_leaf=True),
        )


def _find_dialect(event_name: str, body: str, attributes: Mapping[str, Value]) -> LogDialect | None:
    """Whose record it is, by the name that it has in one of three places."""
    names = (event_name, attributes.get(EVENT_NAME), body)
    found = next(
        (_BY_EVENT[name] for name in names if isinstance(name, str) and name in _BY_EVENT), None
    )
    if found is not None and found.only is not None:
        key, value = found.only
        return found if attributes.get(key) == value else None
    return found


def _read_counts(dialect: LogDialect, attributes: Mapping[str, Value]) -> Counts:
    found: dict[str, int] = {}
    for name, keys in dialect.counts.items():
        numbers = [
            number for key in keys if (number := read_count(attributes.get(key))) is not None
        ]
        if numbers:
            found[name] = sum(numbers)
    return Counts(**found)


def _has_unreadable(dialect: LogDialect, attributes: Mapping[str, Value]) -> bool:
    keys = (key for name, keys in dialect.counts.items() if name != "total" for key in keys)
    return any(looks_like_count(attributes.get(key)) for key in keys)


def _first_text(attributes: Mapping[str, Value], keys: tuple[str, ...]) -> str:
    return next((text for key in keys if (text := read_text(attributes.get(key)))), "")


def _first_cost(attributes: Mapping[str, Value]) -> tuple[int | None, str]:
    for key in COSTS:
        amount = read_nano_usd(attributes.get(key))
        if amount is not None:
            return amount, key
    return None, ""


@lru_cache(maxsize=256)
def _slots(keys: tuple[str, ...]) -> Slots:
    index = {key: position for position, key in enumerate(keys)}
    return lay_out_fields(OWNERS, index, frozenset({"", "bare"}))
