"""A span's row between our types and the columns of a table."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import fields, replace
from functools import lru_cache
from typing import Any

from processor.core.model import (
    NOBODY,
    Crossing,
    Entry,
    Owner,
    SpanRow,
    Stamp,
    Totals,
    UnpricedCalls,
    Usage,
)
from processor.core.money import Amount
from processor.io.ledger.numbers import encode_number

Columns = tuple[Any, ...]
"""Values in the order of the table's columns, without `seq`."""

_ENTRY_FIELDS = tuple(field.name for field in fields(Entry))
_AGENT, _ENTRY, _AMENDMENT, _CUT, _REFERENCE, _TOOL = 1, 2, 4, 8, 16, 32


def key_of(trace_id: bytes, span_id: bytes) -> int:
    """The index key of a span: signed, the trace's part first, so that a trace is one range."""
    trace_part = int.from_bytes(trace_id[-4:], signed=True)
    return (trace_part << 32) | int.from_bytes(span_id[-4:])


def key_range(trace_id: bytes) -> tuple[int, int]:
    """First and last key that a span of the trace can have."""
    first = int.from_bytes(trace_id[-4:], signed=True) << 32
    return first, first | 0xFFFFFFFF


def dump(value: object) -> str:
    """Compact JSON."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def encode(row: SpanRow, label: Callable[[Columns], int]) -> Columns:
    """Columns of a span row; `label` gives the id of what many rows have in common."""
    flags = (
        row.is_agent * _AGENT
        | row.is_local_root * _ENTRY
        | row.is_amendment * _AMENDMENT
        | row.is_cut * _CUT
        | row.is_reference * _REFERENCE
        | row.is_tool * _TOOL
    )
    entry = row.entry
    own = owner_text(row.own)
    origin = label((row.service, *row.inherited))
    head = (
        key_of(row.trace_id, row.span_id), row.trace_id, row.span_id, row.parent_id,
        row.time_ns, flags, own, origin,
    )  # fmt: skip
    stamp = encode_stamp(row.stamp, entry)
    if entry is None:
        return (*head, *(None,) * 18, stamp)
    return (*head, label(_label(entry)), *_quantities(entry.usage), *_money(entry), stamp)


def owner_text(own: Owner) -> str | None:
    """What a span says of its owner, as JSON; None when that is nothing."""
    return None if own == NOBODY else _own_text(own)


def owner_of(text: str | None) -> Owner:
    """What a span says of its owner, as it was written."""
    return NOBODY if text is None else _owner(json.loads(text))


@lru_cache(maxsize=4096)
def _own_text(own: Owner) -> str:
    """The same few owners stand on most of the spans of a while.

    What is not said at the end is left out, so that a field that is added later changes no old row.
    """
    last = max(at for at, name in enumerate(own) if name not in {None, ()})
    return dump(own[: last + 1])


def _owner(parts: Sequence[Any]) -> Owner:
    """An owner as it was written, perhaps with fewer fields than there are today."""
    if len(parts) < len(NOBODY):
        return Owner(*parts)
    *plain, own_ids = parts
    return Owner._make((*plain, tuple((name, value) for name, value in own_ids)))


def _label(entry: Entry) -> Columns:
    return (
        entry.status, entry.reason, entry.provider, entry.model, entry.service,
        entry.price_version, entry.rates, entry.aggregate, entry.rule, entry.has_tokens,
        entry.kind, entry.time_assumed, entry.asked, entry.reported_by,
        entry.free, entry.scope, entry.doubt, entry.is_cumulative,
        entry.may_exclude_cache, entry.time_rescaled,
    )  # fmt: skip


_USUAL = (0, 0, 0, 0, 1, *(0,) * (len(Usage._fields) - 11))
"""The rare quantities of nearly every call: one request, and nothing else."""


def _quantities(usage: Usage | None) -> Columns:
    if usage is None:
        return (None,) * 7
    rare = (*usage[4:6], *usage[8:])
    more = None
    if rare != _USUAL:
        # Trailing zeros are left out, so that a quantity that is added later changes no old row.
        last = max((at for at, count in enumerate(rare) if count), default=-1)
        more = dump(rare[: last + 1])
    return (*usage[:4], usage.output, usage.reasoning, more)


def _money(entry: Entry) -> Columns:
    amount = entry.amount if entry.amount is not None else (None,) * 6
    saved, reported = entry.saved_nano_usd, entry.reported_nano_usd
    return (*amount, saved, reported, entry.response_id or None, entry.start_ns or None)


_ADOPTED = '"d":'
"""What is in the JSON of a stamp that says what was adopted; inside a text it would be escaped."""


def decode(columns: Sequence[Any], text_of: Callable[[int], str]) -> SpanRow:
    """A span row from its columns; `text_of` gives the text of a label."""
    _, trace_id, span_id, parent_id, time_ns, flags, own, origin = columns[:8]
    service, *inherited = json.loads(text_of(origin))
    entry = _entry(columns[8:], text_of) if columns[8] is not None else None
    if entry is not None and columns[-1] is not None and _ADOPTED in columns[-1]:
        entry = replace(entry, adopted_nano_usd=json.loads(columns[-1])["d"])
    return SpanRow(
        trace_id,
        span_id,
        parent_id,
        time_ns,
        bool(flags & _AGENT),
        bool(flags & _ENTRY),
        owner_of(own),
        _owner(inherited).or_nobody(),
        service,
        entry,
        decode_stamp(columns[-1], entry),
        bool(flags & _CUT),
        bool(flags & _AMENDMENT),
        bool(flags & _REFERENCE),
        bool(flags & _TOOL),
    )


def _entry(columns: Sequence[Any], text_of: Callable[[int], str]) -> Entry:
    (
        status, reason, provider, model, service, version, rates, aggregate, rule, has_tokens,
        kind, time_assumed, (asked_provider, asked_models, tier), reported_by, free,
        scope, *later,
    ) = json.loads(text_of(columns[0]))  # fmt: skip
    # Labels of tables 1 end with the scope.
    doubt: str = later[0] if later else ""
    is_cumulative: bool = later[1] if len(later) > 1 else False
    may_exclude_cache: bool = later[2] if len(later) > 2 else True
    time_rescaled: bool = later[3] if len(later) > 3 else False
    usage = None
    if columns[1] is not None:
        *input_side, output, reasoning = columns[1:7]
        rare = _filled(json.loads(columns[7]), len(_USUAL)) if columns[7] is not None else _USUAL
        usage = Usage._make((*input_side, *rare[:2], output, reasoning, *rare[2:]))
    return Entry(
        status, reason, provider, model, service, version, usage,
        None if columns[8] is None else Amount(*columns[8:14]),
        None if rates is None else _filled(rates, len(Usage._fields)),
        aggregate, columns[14], columns[15], rule, has_tokens, kind, time_assumed,
        (asked_provider, tuple(asked_models), tier), columns[16] or "", reported_by, free,
        scope, columns[17] or 0, doubt, is_cumulative, may_exclude_cache,
        time_rescaled,
    )  # fmt: skip


def encode_stamp(stamp: Stamp, entry: Entry | None) -> str | None:
    """What a stamp says beyond its entry, as JSON; None when that is nothing."""
    parts: dict[str, Any] = {}
    shown = stamp.entry
    if shown is not None and entry is not None and shown is not entry and shown != entry:
        # Most fields are the same even after a reprice, so only those that differ are kept.
        parts["e"] = {
            name: getattr(shown, name)
            for name in _ENTRY_FIELDS
            if getattr(shown, name) != getattr(entry, name)
        }
    sums = {"a": stamp.agent, "t": stamp.trace, "s": stamp.session}
    parts |= {name: totals.values() for name, totals in sums.items() if totals is not None}
    if stamp.crossings:
        parts["x"] = stamp.crossings
    if stamp.exceeded:
        parts["f"] = stamp.exceeded
    if stamp.corrections:
        parts["c"] = [(span_id.hex(), nano_usd) for span_id, nano_usd in stamp.corrections]
    if entry is not None and entry.adopted_nano_usd is not None:
        parts["d"] = entry.adopted_nano_usd
    if stamp.leaf_corrections_nano_usd:
        parts["r"] = stamp.leaf_corrections_nano_usd
    return dump(parts) if parts else None


def decode_stamp(text: str | None, entry: Entry | None) -> Stamp:
    """The stamp as it was first written."""
    if text is None:
        return Stamp(entry=entry)
    parts = json.loads(text)
    written = entry
    if "e" in parts and entry is not None:
        shown = {name: _revived(name, value) for name, value in parts["e"].items()}
        written = replace(entry, **shown)
    totals = {name: Totals(*parts[name]) for name in "ats" if name in parts}
    return Stamp(
        written,
        totals.get("a"),
        totals.get("t"),
        totals.get("s"),
        tuple(Crossing(*crossing) for crossing in parts.get("x", ())),
        tuple(parts.get("f", ())),
        tuple((bytes.fromhex(span_id), nano_usd) for span_id, nano_usd in parts.get("c", ())),
        parts.get("r", 0),
    )


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


def decode_unknown(columns: Sequence[Any]) -> UnpricedCalls:
    """A line of `schema.UNPRICED`."""
    # Tokens are added up in two parts, of 32 bits and the rest, neither of which can overflow.
    provider, models, reason, service, calls, high, low, first_ns, last_ns = columns
    tokens = (high << 32) + low
    names = provider, tuple(json.loads(models)), reason, service
    return UnpricedCalls(*names, calls, tokens, first_ns, last_ns)


def _filled(numbers: Sequence[int], size: int) -> tuple[int, ...]:
    """Numbers as they were stored, with zeros for quantities that had not been thought of yet."""
    return (*numbers, *(0,) * (size - len(numbers)))


def _revived(name: str, value: Any) -> Any:  # noqa: ANN401 - JSON has no type before it is read
    """A field of an entry as it was before it was JSON, which knows lists only."""
    if value is None:
        return None
    match name:
        case "usage":
            return Usage(*_filled(value, len(Usage._fields)))
        case "amount":
            return Amount(*value)
        case "rates":
            return _filled(value, len(Usage._fields))
        case "asked":
            provider, models, tier = value
            return provider, tuple(models), tier
    return value
