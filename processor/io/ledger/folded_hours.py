"""Sums by hour and quarter hour that are old: only those by day stay."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import apsw

from processor.io.ledger.addition import Addition
from processor.io.ledger.dialect import Dialect
from processor.io.ledger.tables import SUMS
from processor.io.ledger.translation import TRANSLATED

_LIFETIME: Final = frozenset({"session", "task"})
"""Scopes whose totals are of all time."""
_NEXT: Final = "SELECT scope, id FROM totals WHERE (scope, id) > (?, ?) ORDER BY scope, id LIMIT 1"
_NEXT_SCOPE: Final = "SELECT scope, id FROM totals WHERE scope > ? ORDER BY scope, id LIMIT 1"
_BUCKETS: Final = f"""
SELECT bucket, {", ".join(SUMS)} FROM totals
WHERE scope = ? AND id = ? AND bucket >= ? AND bucket < ? ORDER BY bucket LIMIT ?
"""
_BUCKETS_READ: Final = 1000

Total = tuple[str, str]
"""Scope and id of a total."""


class FoldedHours:
    """Deletes hours, and adds quarter hours up by day; the caller has a transaction."""

    def __init__(self, database: apsw.Connection, words: Dialect) -> None:
        self._database = database
        self._totals = Addition("totals", words)

    @TRANSLATED
    def has_before(self, time_s: int) -> bool:
        """Whether there are sums by hour of a time before."""
        query = "SELECT MIN(start_s) FROM usage_hours WHERE start_s < ?"
        return self._database.execute(query, (time_s,)).get is not None

    @TRANSLATED
    def delete_hour(self, before_s: int) -> bool:
        """Delete the oldest hour, or part of one, that begins before a moment; False for none."""
        query = "SELECT MIN(start_s) FROM usage_hours WHERE start_s < ?"
        start_s: int | None = self._database.execute(query, (before_s,)).get
        if start_s is not None:
            self._database.execute("DELETE FROM usage_hours WHERE start_s = ?", (start_s,))
        return start_s is not None

    @TRANSLATED
    def next_total(self, after: Total | None) -> Total | None:
        """The total after one that is kept by quarter hour; None where it was the last."""
        found = self._after(_NEXT_SCOPE, ("",)) if after is None else self._after(_NEXT, after)
        while found is not None and found[0] in _LIFETIME:
            found = self._after(_NEXT_SCOPE, found[:1])
        return found

    def _after(self, query: str, bindings: tuple[str, ...]) -> Total | None:
        found: list[Any] = self._database.execute(query, bindings).fetchall()
        return found[0] if found else None

    @TRANSLATED
    def fold(
        self, total: Total, range_s: tuple[int, int], day_of: Callable[[int], tuple[int, int]]
    ) -> int | None:
        """Add up some days of a total in ``[start, end)``, each in the bucket that it begins with.

        Returns from when on there is more to do; None for nothing. Both ends are those of days.
        """
        rows = self._database.execute(_BUCKETS, (*total, *range_s, _BUCKETS_READ)).fetchall()
        is_all = len(rows) < _BUCKETS_READ
        days: dict[int, list[tuple[Any, ...]]] = {}
        for row in rows:
            days.setdefault(day_of(int(str(row[0])))[0], []).append(row)
        last_s = max(days, default=0)
        for day_s, some in days.items():
            is_whole = is_all or day_s < last_s
            if is_whole and [row[0] for row in some] != [day_s]:
                self._fold_day(total, day_s, some)
        return None if is_all else last_s

    def _fold_day(self, total: Total, day_s: int, rows: list[tuple[Any, ...]]) -> None:
        columns = zip(*(row[1:] for row in rows), strict=True)
        sums = tuple(sum(map(int, column)) for column in columns)
        self._database.executemany(
            "DELETE FROM totals WHERE scope = ? AND id = ? AND bucket = ?",
            [(*total, row[0]) for row in rows],
        )
        self._totals.run(self._database, [((*total, day_s), sums)])
