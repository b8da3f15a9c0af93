"""What retention has deleted of a ledger, so that what is left can be held to it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

import apsw

_DAY_S: Final = 86_400


class Retained(NamedTuple):
    """From when on what is kept."""

    tables: frozenset[str]
    """All tables there are."""
    kept_from: Mapping[str, int]
    """By what, in seconds since 1970; without a limit it is not there."""

    @property
    def hours_s(self) -> int:
        """Before that there are sums by day only; 0 where there are all."""
        return self.kept_from.get("hours", 0)

    def has_deleted_any(self, database: apsw.Connection) -> bool:
        """Whether any charge was deleted, or never had a row."""
        if "deleted_days" not in self.tables:
            return False
        return bool(database.execute("SELECT 1 FROM deleted_days LIMIT 1").get)

    def has_deleted(self, database: apsw.Connection, start_s: int, end_s: int) -> bool:
        """Whether charges of the days in UTC of a time were deleted, or never had a row."""
        if "deleted_days" not in self.tables:
            return False
        query = "SELECT 1 FROM deleted_days WHERE start_s > ? AND start_s < ? LIMIT 1"
        return bool(database.execute(query, (start_s - _DAY_S, end_s)).get)


def read_retained(database: apsw.Connection) -> Retained:
    """What is kept of a ledger at this moment."""
    query = "SELECT name FROM sqlite_schema WHERE type = 'table'"
    tables = frozenset(str(row[0]) for row in database.execute(query))
    kept: dict[str, int] = {}
    if "kept_from" in tables:
        kept = {str(what): time_s for what, time_s in database.execute("SELECT * FROM kept_from")}
    return Retained(tables, kept)
