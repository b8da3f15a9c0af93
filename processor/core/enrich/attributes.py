"""What is written on spans: from a stamp to attributes and events. Pure.

Names and meanings are those of the table "What is written on spans" in README.md. A cost
that is unknown is never written as zero: it is left out, and a status says why.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import UTC, datetime

from processor.core.enrich.emission import emitted
from processor.core.enrich.names import CORRECTION, COST, EXCEEDED, STATUS, WARNING
from processor.core.model import (
    SPAN_ID_BYTES,
    Crossing,
    Edit,
    Entry,
    Event,
    Spans,
    Stamp,
    Totals,
    Usage,
    Value,
)
from processor.core.money import NANO_PER_USD

Attributes = dict[str, Value]

_CORRECTED_SHOWN_MAX = 64
"""Span ids listed on one span; a sender decides how deep aggregates nest, so the list has an end.
The sum counts all of them."""


def enrich(
    spans: Spans, stamps: Mapping[int, Stamp], readers: Collection[str] = ()
) -> dict[int, Edit]:
    """The edits that put each stamp on its span, by row; a stamp with nothing to say makes none.

    `readers` get the cost of calls under their own names as well; see `emission.READERS`.
    """
    edits: dict[int, Edit] = {}
    for row, stamp in stamps.items():
        attributes = attributes_of(stamp)
        if readers:
            attributes.update(emitted(stamp, readers, spans.keys[spans.shapes[row]]))
        if stamp.crossings:
            time_ns = spans.end_ns[row] or spans.start_ns[row]
            events = [event_of(crossing, time_ns) for crossing in stamp.crossings]
            edits[row] = Edit(attributes, events)
        elif attributes:
            edits[row] = Edit(attributes)
    return edits


def attributes_of(stamp: Stamp) -> Attributes:
    """What is written on a span, without the events."""
    entry = stamp.entry
    is_ours = entry is not None and entry.adopted_nano_usd is None
    attributes: Attributes = _call(entry) if entry is not None and is_ours else {}
    if stamp.agent is not None:
        _add_totals(attributes, "agent", stamp.agent)
    if stamp.trace is not None:
        _add_totals(attributes, "trace", stamp.trace)
    if stamp.session is not None:
        _add_totals(attributes, "session", stamp.session)
    if stamp.exceeded:
        # One plain string: samplers and query languages match strings, few of them look into
        # arrays. A budget's name has no comma. Two limits of one rule share a name.
        attributes[EXCEEDED] = ",".join(sorted(set(stamp.exceeded)))
    if stamp.corrections:
        corrected = stamp.corrections
        change_nano_usd = sum(nano_usd for _, nano_usd in corrected)
        attributes[CORRECTION] = change_nano_usd / NANO_PER_USD
        attributes["llm.cost.corrects"] = ",".join(
            _span_name(span_id) for span_id, _ in corrected[:_CORRECTED_SHOWN_MAX]
        )
    return attributes


def _span_name(span_id: bytes) -> str:
    """A span id in hex, after that of its trace where it stands in another one."""
    if len(span_id) == SPAN_ID_BYTES:
        return span_id.hex()
    return f"{span_id[:-SPAN_ID_BYTES].hex()}:{span_id[-SPAN_ID_BYTES:].hex()}"


def _call(entry: Entry) -> Attributes:
    """The attributes of one LLM call."""
    amount = entry.amount
    attributes: Attributes
    if amount is None:
        attributes = {STATUS: entry.status}
    else:
        total, input_part, output_part, cache_read, cache_write, fees = amount
        # Integer division by an integer is correctly rounded, so each is the nearest double.
        attributes = {
            COST: total / NANO_PER_USD,
            "llm.cost.input_usd": input_part / NANO_PER_USD,
            "llm.cost.output_usd": output_part / NANO_PER_USD,
            "llm.cost.cache_read_usd": cache_read / NANO_PER_USD,
            "llm.cost.cache_write_usd": cache_write / NANO_PER_USD,
            STATUS: entry.status,
        }
        if fees:
            attributes["llm.cost.request_usd"] = fees / NANO_PER_USD
        if entry.reported_nano_usd is not None and entry.reported_nano_usd != total:
            attributes["llm.cost.reported_usd"] = entry.reported_nano_usd / NANO_PER_USD
    if entry.reason and entry.status != "exact":
        attributes["llm.cost.reason"] = entry.reason
    if entry.model:
        attributes["llm.cost.model"] = entry.model
    if entry.price_version:
        attributes["llm.cost.price_version"] = entry.price_version
    if entry.rule or entry.doubt:
        _add_reading(attributes, entry)
    if entry.time_assumed or entry.time_rescaled:
        name = "time_assumed" if entry.time_assumed else "time_rescaled"
        attributes[f"llm.cost.{name}"] = True
    if entry.usage is not None:
        _add_usage(attributes, entry, entry.usage)
    return attributes


def _add_reading(attributes: Attributes, entry: Entry) -> None:
    """How the counts had to be read, and what is doubtful about them."""
    if entry.rule:
        attributes["llm.cost.rule"] = entry.rule
    if entry.doubt:
        attributes["llm.cost.doubt"] = entry.doubt


def _add_usage(attributes: Attributes, entry: Entry, usage: Usage) -> None:
    """Tokens where the span has none of its own, and what a cache saved."""
    if not entry.has_tokens:
        input_tokens, output_tokens = usage.input_tokens, usage.output_tokens
        attributes["llm.tokens.input"] = input_tokens
        attributes["llm.tokens.output"] = output_tokens
        attributes["llm.tokens.total"] = input_tokens + output_tokens
    if entry.free:  # The cache of responses answered; no prompt cache had a part in it.
        if entry.saved_nano_usd:
            attributes["llm.cache.cost_saved_usd"] = entry.saved_nano_usd / NANO_PER_USD
    elif usage.cache_read > 0:
        attributes["llm.cache.hit"] = True
        attributes["llm.cache.tokens_saved"] = usage.cache_read
        # A cost that was reported, not computed, has no rates: what the cache saved is unknown.
        if entry.amount is not None and entry.rates is not None:
            attributes["llm.cache.cost_saved_usd"] = entry.saved_nano_usd / NANO_PER_USD


def _add_totals(attributes: Attributes, prefix: str, totals: Totals) -> None:
    """Totals as of now, of an agent, a trace or a session; no 0 where nothing is known of it."""
    if totals.is_cost_known or totals.tokens:
        attributes[f"{prefix}.total_tokens"] = totals.tokens
    if totals.is_cost_known:
        attributes[f"{prefix}.total_cost_usd"] = totals.cost_nano_usd / NANO_PER_USD
    if prefix == "session":
        attributes["session.agent_runs"] = totals.agent_runs
    elif totals.calls or not (totals.tokens or totals.cost_nano_usd):
        # Where a sum is all there is, nobody has counted the calls.
        attributes[f"{prefix}.llm_calls"] = totals.calls
    if totals.unpriced:
        attributes[f"{prefix}.cost_at_least"] = True


def event_of(crossing: Crossing, time_ns: int) -> Event:
    """The span event of a budget's limit, or of a warning on the way there."""
    is_limit = crossing.threshold >= 1
    attributes: Attributes = {
        "budget.name": crossing.budget,
        "budget.scope": crossing.scope,
        "budget.scope_id": crossing.scope_id,
    }
    if crossing.window_end_s:
        start = datetime.fromtimestamp(crossing.window_start_s, UTC)
        attributes["budget.window_start"] = start.strftime("%Y-%m-%dT%H:%M:%SZ")
    if crossing.unit == "usd":
        attributes["budget.limit_usd"] = crossing.limit / NANO_PER_USD
        attributes["budget.spent_usd"] = crossing.spent / NANO_PER_USD
    else:
        attributes["budget.limit_tokens"] = crossing.limit
        attributes["budget.spent_tokens"] = crossing.spent
    attributes["budget.ratio"] = crossing.spent / crossing.limit
    if not is_limit:
        attributes["budget.threshold"] = crossing.threshold
    if crossing.late:
        attributes["budget.late"] = True
    if crossing.at_least:
        attributes["budget.at_least"] = True
    if crossing.trigger:
        attributes["budget.trigger"] = crossing.trigger
    return Event(time_ns, EXCEEDED if is_limit else WARNING, attributes)
