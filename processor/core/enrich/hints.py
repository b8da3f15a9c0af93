"""That a smaller model would do, written on calls of which somebody has said so. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Final

from processor.core.enrich.names import RECOMMENDATION
from processor.core.insight import KnownSiblings, LowQuality
from processor.core.model import Call, Charge, Edit, Entry, Spans, Stamp, Value
from processor.core.pricing import Catalog, price

_DOWNGRADE: Final = "could_downgrade"
_COULD_USE: Final = "prompt.could_use_"
_FAMILIES: Final = ("haiku", "sonnet")
"""Words that stand for a model in the name of the attribute, as other programs have it."""


class Hints:
    """Knows for which calls a smaller model would do, and which one."""

    def __init__(self, low_quality: LowQuality) -> None:
        self._low_quality = low_quality
        self._siblings = KnownSiblings()

    def add(
        self,
        edits: dict[int, Edit],
        spans: Spans,
        calls: Sequence[Call],
        stamps: Mapping[int, Stamp],
        catalog: Catalog,
    ) -> None:
        """Add the attributes to the edits of calls, but to none that has a recommendation."""
        for call in calls:
            row = call.mark.row
            stamp = stamps.get(row)
            if stamp is None or stamp.entry is None:
                continue
            if RECOMMENDATION in spans.keys[spans.shapes[row]]:
                continue
            found = dict(self._attributes(call, stamp.entry, catalog))
            if found:
                edit = edits.get(row, Edit({}))
                edits[row] = edit._replace(attributes={**edit.attributes, **found})

    def _attributes(
        self, call: Call, entry: Entry, catalog: Catalog
    ) -> Iterator[tuple[str, Value]]:
        if not entry.is_leaf_charge or entry.kind != "llm" or entry.adopted_nano_usd is not None:
            return
        own = call.mark.own
        if entry.amount is None or not self._low_quality.allows(partial(_value, call), own):
            return
        sibling = self._siblings.find(entry.provider, entry.model, catalog)
        if sibling is None:
            return
        as_sibling = replace(
            call, provider=entry.provider, models=(sibling,), reported_nano_usd=None
        )
        [other] = price([as_sibling], catalog)
        if isinstance(other, Charge) and other.amount.total < entry.amount.total:
            yield RECOMMENDATION, _DOWNGRADE
            family = next((word for word in _FAMILIES if word in sibling), sibling)
            yield f"{_COULD_USE}{family}", True


def _value(call: Call, dimension: str) -> str:
    """What a span says of a dimension itself, or the call is."""
    own = call.mark.own
    if dimension in own._fields:
        return str(getattr(own, dimension) or "")
    if dimension == "model":
        return call.models[0] if call.models else ""
    if dimension in {"provider", "kind"}:
        return str(getattr(call, dimension))
    if dimension == "service":
        return call.mark.service
    return dict(own.own_dimensions).get(dimension, "")
