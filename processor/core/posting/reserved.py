"""Which reservations the charges of a batch are of."""

from __future__ import annotations

from processor.core.enrich.names import RESERVATION
from processor.core.model import Intake


def reservations_of(intake: Intake) -> list[str]:
    """The ids that spans of calls name, those without a known cost as well."""
    spans = intake.spans
    places = {
        at: keys.index(RESERVATION) for at, keys in enumerate(spans.keys) if RESERVATION in keys
    }
    if not places:
        return []
    found = []
    for charge in intake.charges:
        row = charge.call.mark.row
        place = places.get(spans.shapes[row])
        if place is not None:
            value = spans.values[row][place]
            if isinstance(value, str):
                found.append(value)
    return found
