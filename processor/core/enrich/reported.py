"""Our own attributes and events as they come in: what another sender wrote under our names.

What stands on a span under our names is ours, so that sums over spans are the ledger's. The cost of
a call that a sender reports has been read as such, and is kept as `llm.cost.reported_usd` where it
differs. Everything else stays on the span as well, under its name with `SUFFIX`; events stay as
they are, and say with `MARK` that they are not ours.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import lru_cache
from typing import Final

from processor.core.enrich.names import COST, OWN_NAMES
from processor.core.model import Kept, Spans, Stamp

SUFFIX: Final = ".reported"
MARK: Final = "budget.reported"
_MARKED: Final = {MARK: True}


def keep_reported(
    spans: Spans,
    stamps: Mapping[int, Stamp],
    events: Mapping[int, Collection[tuple[str, object]]],
) -> dict[int, Kept]:
    """What somebody else wrote under our names, and is kept aside, by row.

    `events` are our events that came in, by row: their names, and whatever is known of them.
    """
    found: dict[int, Kept] = {}
    own = [_own_of(keys) for keys in spans.keys]
    if any(own):
        for row, shape in enumerate(spans.shapes):
            names = own[shape] and _names_to_keep(own[shape], stamps.get(row))
            if names:
                found[row] = Kept(dict.fromkeys(names, SUFFIX))
    for row, some in events.items():
        marks = {name: _MARKED for name, _ in some}
        found[row] = found.get(row, Kept({}))._replace(marks=marks)
    return found


def _names_to_keep(names: Collection[str], stamp: Stamp | None) -> Collection[str]:
    """All of them, but for a cost that was read: what the span claims is written in its place."""
    entry = None if stamp is None else stamp.entry
    if entry is None or entry.reported_by != COST or entry.amount is None:
        return names
    return [name for name in names if name != COST]


@lru_cache(maxsize=4096)
def _own_of(keys: tuple[str, ...]) -> tuple[str, ...]:
    """Those of a shape's names that are ours."""
    return tuple(key for key in keys if key in OWN_NAMES)
