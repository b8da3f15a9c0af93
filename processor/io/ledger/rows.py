"""Rows of the ledger between our types and the columns of a table."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from processor.core.model import (
    NS_PER_S,
    ChargeRow,
    Crossing,
    Entry,
    Owner,
    SpanRow,
    Sums,
    Totals,
    TraceSummary,
    Usage,
)
from processor.core.money import Amount
from processor.io.ledger.numbers import INTEGER_MAX, encode_number, encode_numbers
from processor.io.ledger.shared import Columns, Details, dump
from processor.io.ledger.stamps import adopted_nano_usd, decode_stamp, encode_stamp

AGENT, LOCAL_ROOT, AMENDMENT, CUT, REFERENCE, TOOL, ELSEWHERE, EXCLUDED = (1 << n for n in range(8))
"""The flags of a row in ``spans``, by the fields of `SpanRow`."""
_RARE = (*Usage._fields[4:6], *Usage._fields[8:])
_USUAL = tuple(int(name == "requests") for name in _RARE)
"""The rare quantities of nearly every call: one request, and nothing else."""
_NO_ENTRY = (None,) * 17
_ONE_RUN = Totals(agent_runs=1)


def encode_span(
    row: SpanRow, trace: int, own_id: int | None, origin_id: int, details_id: int | None
) -> Columns:
    """Columns of a span after its id; `Interned` gives the ids."""
    flags = (
        row.is_agent * AGENT
        | row.is_local_root * LOCAL_ROOT
        | row.is_amendment * AMENDMENT
        | row.is_cut * CUT
        | row.is_reference * REFERENCE
        | row.is_tool * TOOL
        | row.is_charged_elsewhere * ELSEWHERE
        | row.is_excluded * EXCLUDED
    )
    entry = row.entry
    return (
        trace, row.span_id, row.parent_id, row.time_ns, flags, own_id, origin_id, details_id,
        *(_NO_ENTRY if entry is None else (*_quantities(entry.usage), *_money(entry, row.time_ns))),
        encode_stamp(row.stamp, entry),
    )  # fmt: skip


def _quantities(usage: Usage | None) -> Columns:
    if usage is None:
        return (None,) * 7
    rare, more = (*usage[4:6], *usage[8:]), None
    if rare != _USUAL:
        kept = zip(_RARE, rare, _USUAL, strict=True)
        more = dump({name: count for name, count, usual in kept if count != usual})
    return (*usage[:4], usage.output, usage.reasoning, more)


def _money(entry: Entry, time_ns: int) -> Columns:
    amount: Columns = (None,) * 6
    if entry.amount is not None:
        total, *parts = amount = entry.amount
        if total == sum(parts):
            amount = (None, *parts)
    duration_ns = time_ns - entry.start_ns if entry.start_ns else None
    saved, reported = entry.saved_nano_usd, entry.reported_nano_usd
    return (*amount, saved, reported, entry.response or None, duration_ns)


def decode_span(
    columns: Sequence[Any],
    trace_id: bytes,
    own: Owner,
    origin: tuple[Owner, str],
    details: Details | None,
) -> SpanRow:
    """A span from its columns, with its id, and what the ids among them stand for."""
    row_id, _, span_id, parent_id, time_ns, flags = columns[:6]
    inherited, service = origin
    entry = None if details is None else _entry(columns[9:], details, time_ns)
    return SpanRow(
        trace_id,
        span_id,
        parent_id,
        time_ns,
        bool(flags & AGENT),
        bool(flags & LOCAL_ROOT),
        own,
        inherited,
        service,
        entry,
        decode_stamp(columns[-1], entry),
        bool(flags & CUT),
        bool(flags & AMENDMENT),
        bool(flags & REFERENCE),
        bool(flags & TOOL),
        bool(flags & ELSEWHERE),
        bool(flags & EXCLUDED),
        row_id,
    )


def _entry(columns: Sequence[Any], details: Details, time_ns: int) -> Entry:
    """An entry from its quantities, money, response, duration and stamp."""
    usage = None
    if columns[0] is not None:
        *input_side, output, reasoning = columns[:6]
        rare = _USUAL
        if columns[6] is not None:
            said = dict(zip(_RARE, _USUAL, strict=True)) | json.loads(columns[6])
            rare = tuple(said[name] for name in _RARE)
        usage = Usage._make((*input_side, *rare[:2], output, reasoning, *rare[2:]))
    return Entry(
        details.status, details.reason, details.provider, details.model, details.service,
        details.price_version, usage, _amount(columns[7:13]),
        details.rates, details.aggregate, columns[13], columns[14], details.rule,
        details.has_tokens, details.kind, details.time_assumed,
        (details.asked_provider, details.asked_models, details.asked_tier), columns[15] or 0,
        details.reported_by, details.free, details.scope,
        0 if columns[16] is None else time_ns - columns[16], details.doubt,
        details.is_cumulative, details.may_exclude_cache, details.time_rescaled,
        adopted_nano_usd(columns[17]),
    )  # fmt: skip


def _amount(columns: Sequence[int | None]) -> Amount | None:
    cost, *parts = columns
    if parts[0] is None:
        return None
    return Amount._make((sum(parts) if cost is None else cost, *parts))


def values_of(sums: Sums) -> tuple[int, ...]:
    """Sums and their parts, in the order of the columns."""
    return (*sums.totals.values(), *sums.parts)


def encode_charge(
    charge: ChargeRow, row_id: int, set_id: int, names: tuple[int, int, int]
) -> Columns:
    """Columns of a charge; `names` are the ids of its user, session and task."""
    return (row_id, charge.end_ns // NS_PER_S, set_id, *names)


def follows_from_span(charge: ChargeRow) -> bool:
    """Whether the view `charged` makes the sums of a charge out of the row of its span."""
    totals, parts = charge.sums
    entry = charge.entry
    if entry is None:
        return totals == _ONE_RUN and not any(parts)
    usage, amount = entry.usage, entry.amount
    if usage is None or amount is None:
        return False
    written, cached = usage.cache_write + usage.cache_write_1h, usage.cache_read
    input_tokens = usage.input + cached + written
    # What is more than 64 bits have, SQL cannot add up.
    return (
        parts
        == (written, usage.reasoning, amount.input, amount.output, amount.cache_read,
            amount.cache_write)
        and totals.values()
        == (amount.total, input_tokens, usage.output + usage.reasoning, cached, 1, 0,
            entry.saved_nano_usd, int(cached > 0), 0, 0, 0, 0)
        and min(amount) >= 0
        and max(amount.total, input_tokens, totals.output_tokens) <= INTEGER_MAX
    )  # fmt: skip


def encode_summary(summary: TraceSummary, names: Iterable[int | None]) -> Columns:
    """Columns of a trace after its id; `names` are the ids of its owner's texts."""
    sums = encode_numbers(summary.totals.values())
    return (summary.start_ns, summary.end_ns, *names, *sums)


def encode_crossing(crossing: Crossing) -> Columns:
    """Columns of a crossing."""
    values = crossing._asdict()
    limit, spent = encode_number(crossing.limit), encode_number(crossing.spent)
    return tuple((values | {"limit": limit, "spent": spent}).values())


def decode_crossing(columns: Sequence[Any]) -> Crossing:
    """A crossing from its columns."""
    found = Crossing._make(columns)
    return found._replace(
        limit=int(found.limit),
        spent=int(found.spent),
        at_least=bool(found.at_least),
        late=bool(found.late),
    )
