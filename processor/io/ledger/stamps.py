"""What is stamped on a span, between our type and the text that is kept of it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import fields, replace
from typing import Any

from processor.core.model import Crossing, Entry, Stamp, Totals, Usage
from processor.core.money import Amount
from processor.io.ledger.shared import dump, filled

_ENTRY_FIELDS = tuple(field.name for field in fields(Entry))
_AS_TRACE = 0
"""Stands for totals that are those of the trace."""
_ADOPTED = '"d":'
"""What is in the JSON of a stamp that says what was adopted; inside a text it would be escaped."""


def encode_stamp(stamp: Stamp, entry: Entry | None) -> str | None:
    """What a stamp says beyond its entry, as JSON; None when that is nothing."""
    parts: dict[str, Any] = {}
    shown = stamp.entry
    if shown is not entry and shown is not None and entry is not None and shown != entry:
        # Most fields are the same even after a reprice, so only those that differ are kept.
        parts["e"] = {
            name: getattr(shown, name)
            for name in _ENTRY_FIELDS
            if getattr(shown, name) != getattr(entry, name)
        }
    if stamp.agent is not None:
        parts["a"] = _values_of(stamp.agent)
    if stamp.trace is not None:
        parts["t"] = _values_of(stamp.trace)
    if stamp.session is not None:
        # The first trace of a session is all of it.
        parts["s"] = _values_of(stamp.session) if stamp.session != stamp.trace else _AS_TRACE
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


def _values_of(totals: Totals) -> Sequence[int]:
    """The sums without the zeros at the end, of which there are many."""
    values = totals.values()
    size = len(values)
    while size and not values[size - 1]:
        size -= 1
    return values[:size]


def adopted_nano_usd(text: str | None) -> int | None:
    """What an entry had adopted whose stamp was kept as `text`; see `Call.adopted_nano_usd`."""
    if text is None or _ADOPTED not in text:
        return None
    found: int | None = json.loads(text).get("d")
    return found


def decode_stamp(text: str | None, entry: Entry | None) -> Stamp:
    """The stamp as it was first written."""
    if text is None:
        return Stamp(entry=entry)
    parts = json.loads(text)
    written = entry
    if "e" in parts and entry is not None:
        shown = {name: _revived(name, value) for name, value in parts["e"].items()}
        written = replace(entry, **shown)
    if parts.get("s") == _AS_TRACE:
        parts["s"] = parts["t"]
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


def _revived(name: str, value: Any) -> Any:  # noqa: ANN401 - JSON has no type before it is read
    """A field of an entry as it was before it was JSON, which knows lists only."""
    if value is None:
        return None
    match name:
        case "usage":
            return Usage(*filled(value))
        case "amount":
            return Amount(*value)
        case "rates":
            return filled(value)
        case "asked":
            provider, models, tier = value
            return provider, tuple(models), tier
    return value
