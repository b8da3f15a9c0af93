"""How far a ledger reaches, and whether it has changed."""

from __future__ import annotations

from hashlib import sha256
from typing import Final

import apsw

from processor.core.questions import Freshness

_ENDS: Final = ", ".join(f"(SELECT {which}(end_s) FROM charges)" for which in ("MIN", "MAX"))
"""Each for itself, so that each is a few steps into an index, however many end in one second."""
_APPENDED: Final = ", ".join(
    f"(SELECT COALESCE(MAX({key}), 0) FROM {table})"
    for table, key in (("spans", "id"), ("corrections", "id"), ("crossings", "seq"))
)
"""What is charged, and whose it is, follows from rows that are appended: every turn, correction and
reprice that changes any of it has one."""
_DELETED: Final = ", ".join(
    f"TOTAL({name})" for name in ("cost", "input", "output", "calls", "unpriced", "agent_runs")
)
"""Something of what is deleted adds to one of these; in doubles, which take numbers of any size."""
_OTHERS: Final = (
    "SELECT name, filled_to, is_complete FROM series ORDER BY name",
    "SELECT name, span_id FROM series_parts ORDER BY name",
    "SELECT start_s, zone, cell_s FROM reporting_zones ORDER BY start_s",
    "SELECT what, time_s FROM kept_from ORDER BY what",
    f"SELECT COUNT(*), {_DELETED} FROM deleted_days",
    f"SELECT COUNT(*), {_DELETED} FROM deleted_traces",
    "SELECT MAX(seq) FROM forgotten",
)
"""What changes answers beside that: one row for each budget, for each zone there was, and for each
day of which calls or traces are deleted."""
_DIGEST_CHARS: Final = 16


def read_freshness(database: apsw.Connection) -> Freshness:
    """How far the ledger reaches."""
    first_s, last_s, *last = next(database.execute(f"SELECT {_ENDS}, {_APPENDED}"))
    others = [database.execute(statement).fetchall() for statement in _OTHERS]
    digest = sha256(repr(others).encode()).hexdigest()[:_DIGEST_CHARS]
    return Freshness(first_s or 0, last_s or 0, "-".join((*map(str, last), digest)))
