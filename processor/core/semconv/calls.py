"""Reading one call: its tokens, its cost as reported, and the rest of what it says."""

from __future__ import annotations

import re
from collections.abc import Sequence

from processor.core.model import Call, Mark, Spans, Usage
from processor.core.providers import REGION_MARK, is_placeholder, normalise_tier
from processor.core.semconv.counts import COUNT_FIELDS, Counts
from processor.core.semconv.dialects.logs import LOG_TOOLS
from processor.core.semconv.grounding import count_grounding
from processor.core.semconv.ids import log_trace
from processor.core.semconv.interpretation import (
    CONTRADICT,
    LIFETIMES,
    SEARCHES_ASSUMED,
    UNREADABLE_COUNT,
)
from processor.core.semconv.layout import INPUT, OUTPUT, TOTAL, Layout
from processor.core.semconv.options import ReadOptions, operator_rule
from processor.core.semconv.plausibility import (
    UsageLimits,
    find_implausible,
    find_implausible_text,
)
from processor.core.semconv.recognise import Profile
from processor.core.semconv.response_cache import find_response_cache
from processor.core.semconv.sources import Columns, Row, first, first_sum
from processor.core.semconv.usage import (
    ALL_ZERO,
    ONE_IMAGE,
    UNREADABLE,
    Normalised,
    normalise_usage,
    read_usual,
)
from processor.core.semconv.values import (
    COUNT_MAX,
    PLAIN_MAX,
    looks_like_count,
    read_nano_usd,
    read_text,
)

_REGION = re.compile(r"[a-z][a-z0-9_-]{1,30}", re.ASCII)
_WEB_SEARCHES = COUNT_FIELDS.index("web_searches")
_SIDES = frozenset({INPUT, OUTPUT})
_EVIDENCE = frozenset(map(COUNT_FIELDS.index, ("total", "uncached", "raw_input", "raw_output")))
"""What only shows what the others mean: no token is lost without it."""
_PLAIN_INPUT, _PLAIN_OUTPUT = map(Usage._fields.index, ("input", "output"))
_NO_COST: tuple[int | None, str] = (None, "")
_BILLED = (
    (INPUT, COUNT_FIELDS.index("billed_input")),
    (OUTPUT, COUNT_FIELDS.index("billed_output")),
)
_NO_COUNTS: list[int | None] = [None] * len(COUNT_FIELDS)


def read_call(
    profile: Profile, reader: Row, spans: Spans, mark: Mark, options: ReadOptions
) -> Call | None:
    """Read one call; None when the span is one only if it reports usage, and it does not."""
    row, layout = mark.row, profile.layout
    usage, rule, doubt = read_usage(profile, reader, options)
    if usage is None and profile.needs_usage:
        return None
    if usage is None and profile.makes_one_image and not spans.failed[row] and rule != UNREADABLE:
        usage, rule, doubt = ONE_IMAGE
    amount, reported_by = _read_cost(layout, reader, spans, row) if layout.costs else _NO_COST
    models = profile.models or _models_inside(layout, reader)
    tier = _read_tier(profile, reader) if profile.may_have_tier else ""
    response_id = first(reader, layout.response_ids, read_text) if layout.response_ids else None
    if rule == ALL_ZERO and spans.failed[row]:
        # A failed call with a response is missing its usage; this one says that it used nothing.
        response_id = None
    free = find_response_cache(layout.cache, reader, usage) if layout.cache else ""
    log_trace_id = b""
    if profile.dialect in LOG_TOOLS:
        log_trace_id = _log_trace_of(profile.dialect, mark, response_id)
    may_exclude_cache = profile.may_exclude_cache
    if options.cache_semantics and not may_exclude_cache:
        may_exclude_cache = operator_rule(profile.rule_names, options) == "exclusive"
    implausible = _find_implausible(profile, reader, usage, amount, options.limits)
    # In the order of its fields: with their names, reading a plain call takes a fifth longer.
    return Call(
        mark,
        profile.call_kind or "llm",
        profile.provider,
        models,
        usage,
        profile.aggregate,
        tier,
        response_id or "",
        spans.failed[row],
        amount,
        reported_by,
        rule,
        profile.dialect,
        profile.has_tokens,
        free,
        log_trace_id,
        doubt,
        profile.is_cumulative,
        may_exclude_cache,
        implausible,
    )


def _find_implausible(
    profile: Profile,
    reader: Row,
    usage: Usage | None,
    amount: int | None,
    limits: UsageLimits,
) -> str:
    # Most calls have input and output and nothing else, or cached tokens and reasoning in these.
    if amount is None and usage is not None and profile.is_usual:
        is_plain = profile.plain is not None
        count = usage[_PLAIN_INPUT] + usage[_PLAIN_OUTPUT] if is_plain else sum(usage)
        if count <= limits.tokens:
            return ""
    is_leaf = profile.aggregate is None
    if usage is None:  # Perhaps because a count is too large to be read.
        counts = [
            (COUNT_FIELDS[slot.position], reader.values[slot.first])
            for slot in profile.layout.counts
            if slot.first >= 0
        ]
        found = find_implausible_text(counts, limits, is_leaf=is_leaf)
        if found:
            return found
    return find_implausible(usage, amount, limits, is_leaf=is_leaf)


def read_usage(profile: Profile, reader: Row, options: ReadOptions) -> Normalised:
    """Read a call's tokens as disjoint quantities, with the rules that were not the plain ones."""
    values = reader.values
    if profile.plain is not None:
        input_at, output_at, total_at = profile.plain
        input_count, output_count = values[input_at], values[output_at]
        if (
            type(input_count) is int
            and type(output_count) is int
            and 0 < input_count <= PLAIN_MAX
            and 0 <= output_count <= PLAIN_MAX
            and (total_at < 0 or values[total_at] == input_count + output_count)
        ):
            return Normalised(Usage(input_count, output=output_count))
    found, are_buckets, is_unreadable, doubts = _read_counts(profile.layout, reader)
    grounding = profile.layout.grounding
    if grounding and found[_WEB_SEARCHES] is None:
        found[_WEB_SEARCHES] = count_grounding(reader, grounding, profile.models) or None
        doubts = (*doubts, *(SEARCHES_ASSUMED,) * bool(found[_WEB_SEARCHES]))
    operator = operator_rule(profile.rule_names, options)
    if profile.is_usual and operator is None and not is_unreadable and not doubts:
        usual = read_usual(found, profile.rules)
        if usual is not None:
            return usual
    counts = Counts(*found)
    if is_unreadable and not _is_derivable(counts):
        return Normalised(None, UNREADABLE)
    if counts.input is counts.output is counts.total is None and not counts.has_units:
        return Normalised(None)
    unknown = tuple(name for usage_map in reader.usage_maps() for name in usage_map.unknown)
    rules = profile.rules
    if rules.family in LIFETIMES and any(each.is_openai for each in reader.usage_maps()):
        # Somebody in between answered in OpenAI's format.
        rules = rules._replace(family="openai", cache="inclusive", is_certain=True)
    return normalise_usage(
        counts,
        rules,
        operator,
        are_buckets=are_buckets,
        unknown=unknown,
        doubts=doubts,
    )


def _read_counts(layout: Layout, reader: Row) -> tuple[list[int | None], bool, bool, Sequence[str]]:
    """The counts in the order of `Counts`, and what is known about them.

    Namely whether they exclude one another, whether an input or output cannot be read, and what is
    doubtful about the others.
    """
    values = reader.values
    found = _NO_COUNTS.copy()
    are_buckets = is_unreadable = False
    doubts: tuple[str, ...] = ()
    for position, index, columns in layout.counts:
        value = values[index] if index >= 0 else None
        if type(value) is int and 0 <= value <= COUNT_MAX:
            found[position] = value
            continue
        found[position], column, is_bad = first_sum(reader, columns)
        if is_bad and position in _SIDES:
            is_unreadable = True
        elif is_bad and _state_count(position, reader, columns):
            doubts += (UNREADABLE_COUNT,)
        if position == INPUT and column is not None:
            are_buckets = reader.is_exclusive(column)
    for usage_map in reader.usage_maps():
        unread = {at for at in map(COUNT_FIELDS.index, usage_map.unreadable) if found[at] is None}
        is_unreadable = is_unreadable or not unread.isdisjoint(_SIDES)
        doubts += (UNREADABLE_COUNT,) * bool(unread - _SIDES - _EVIDENCE)
        doubts += (CONTRADICT,) * usage_map.contradict
    if any(found[billed] is not None for _, billed in _BILLED):
        for counted, billed in _BILLED:
            found[counted] = found[billed]
        found[TOTAL] = None
    return found, are_buckets, is_unreadable, doubts


def _state_count(position: int, reader: Row, columns: Columns) -> bool:
    """Whether any column states a number to be charged, though not one that can be read."""
    return position not in _EVIDENCE and any(
        looks_like_count(raw) for column in columns for raw in reader.raw(column)
    )


def _read_tier(profile: Profile, reader: Row) -> str:
    """The service tier by which the counts are called, or else the one that is stated.

    Where the call was served stands beside it, as pricing expects it.
    """
    layout = profile.layout
    named = next((usage_map.tier for usage_map in reader.usage_maps() if usage_map.tier), "")
    tier = named or (first(reader, layout.tiers, read_text) or "" if layout.tiers else "")
    region = first(reader, layout.regions, _read_region) if layout.regions else None
    region = region or profile.region
    return normalise_tier(f"{tier} {REGION_MARK}{region}" if region else tier)


def _read_region(value: object) -> str | None:
    text = value.strip().lower() if isinstance(value, str) else ""
    return text if _REGION.fullmatch(text) else None


def _is_derivable(counts: Counts) -> bool:
    """Whether the total and the other count yield what could not be read."""
    known = [count for count in (counts.input, counts.output) if count is not None]
    return counts.total is not None and len(known) == 1 and counts.total >= known[0]


def _models_inside(layout: Layout, reader: Row) -> tuple[str, ...]:
    """The model that JSON on the span names, where no attribute does."""
    model = first(reader, layout.models_inside, read_text)
    return () if model is None or is_placeholder(model) else (model,)


def _read_cost(layout: Layout, reader: Row, spans: Spans, row: int) -> tuple[int | None, str]:
    """A cost that somebody wrote on the span, in nano-USD, and the attribute that has it."""
    amount, source, _ = first_sum(reader, layout.costs, read_nano_usd)
    return amount, "" if source is None else spans.keys[spans.shapes[row]][source.indices[0]]


def _log_trace_of(dialect: str, mark: Mark, response_id: str | None) -> bytes:
    """Where log records of the same session are charged; the tool writes such."""
    session = mark.own.session or mark.inherited.session or response_id
    return log_trace(dialect, session) if session else b""
