"""Totals that are kept for budgets alone, against what the spans of a quarter hour add to them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any, Final

import apsw

from processor.core import posting
from processor.core.budgets.verdict import Watch
from processor.core.budgets.watches import Watches
from processor.core.budgets.window import BUCKET_S
from processor.core.model import NOTHING, Totals
from processor.io.ledger.forgetting.searching import IDENTITIES, NOT_IDENTITIES
from processor.io.ledger.row_reader import RowReader
from processor.io.ledger.tables import SUMS
from processor.io.ledger.verifying.check import FIRST, Findings, Step, moment
from processor.io.ledger.verifying.retained import read_retained

_Key = tuple[str, str]
"""Series and scope id."""
_TEXT_MAX: Final = 200
_TOMBSTONES: Final = "(SELECT tombstone FROM forgotten)"
_FORGOTTEN_NAMES: Final = f"(SELECT id FROM names WHERE text IN {_TOMBSTONES})"
_FORGOTTEN_SETS: Final = (
    "(SELECT id FROM dimension_sets WHERE "
    + " OR ".join(f"{name} IN {_TOMBSTONES}" for name in IDENTITIES)
    + f" UNION SELECT set_id FROM set_values WHERE value IN {_TOMBSTONES})"
)
_FORGOTTEN: Final = f"""
SELECT EXISTS (SELECT 1 FROM charges WHERE end_s >= ? AND end_s < ? AND (
  user_id IN {_FORGOTTEN_NAMES} OR session_id IN {_FORGOTTEN_NAMES}
  OR task_id IN {_FORGOTTEN_NAMES} OR set_id IN {_FORGOTTEN_SETS}))
"""


class FollowedTotals:
    """Totals by quarter hour that budgets follow, as far as they are filled.

    One quarter hour of `every` is looked at, another one each time.
    """

    name = "budgets"

    def __init__(self, watches: Sequence[Watch], every: int, offset: int = 0) -> None:
        self._watches = {each.series: each for each in watches if each.has_own_totals}
        self._every = every
        self._offset = offset % every
        self._names: tuple[str, ...] = ()
        self._together = Watches(())

    def step(self, database: apsw.Connection, position: int) -> Step:
        """Look at the next quarter hour in which something was charged."""
        findings = Findings(self.name)
        watches = self._complete(database)
        bounds = _bounds(database, position)
        if watches is None or bounds is None:
            return findings.step(None, 1.0)
        first_s, last_s, next_s = bounds
        bucket = max(next_s, 0) // BUCKET_S * BUCKET_S
        skipped = (self._offset - bucket // BUCKET_S) % self._every
        end_s = bucket + (skipped or 1) * BUCKET_S
        retained = read_retained(database)
        if bucket < retained.hours_s:  # Kept by day only.
            end_s = max(end_s, retained.hours_s)
        elif not skipped and not retained.has_deleted(database, bucket, bucket + BUCKET_S):
            if any(map(_names_somebody, watches)) and _has_forgotten(database, bucket):
                watches = Watches(each for each in watches if not _names_somebody(each))
            findings.say(_differences(database, watches, bucket))
        share = (end_s - first_s) / max(last_s - first_s, 1)
        return findings.step(None if end_s > last_s else end_s, min(share, 1.0))

    def _complete(self, database: apsw.Connection) -> Watches | None:
        """Those that are filled, together; None for none."""
        kept = database.execute("SELECT name FROM series WHERE is_complete ORDER BY name")
        names = tuple(str(name) for (name,) in kept if name in self._watches)
        if names != self._names:
            self._names = names
            self._together = Watches(self._watches[name] for name in names)
        return self._together if names else None


def _bounds(database: apsw.Connection, position: int) -> tuple[int, int, int] | None:
    query = "SELECT MIN(end_s) FROM charges WHERE end_s >= ?"
    next_s = database.execute(query, (position,)).get
    if next_s is None:
        return None
    first_s = database.execute(query, (FIRST,)).get
    last_s = database.execute("SELECT MAX(end_s) FROM charges").get
    return int(first_s), int(last_s), int(next_s)


def _names_somebody(watch: Watch) -> bool:
    return not watch.match.keys() <= NOT_IDENTITIES


def _has_forgotten(database: apsw.Connection, bucket: int) -> bool:
    """Whether a call of a quarter hour is under a tombstone.

    Nobody knows any more which filters its id has met, so their totals cannot be held to it.
    """
    if not database.execute("SELECT EXISTS (SELECT 1 FROM forgotten)").get:
        return False
    return bool(database.execute(_FORGOTTEN, (bucket or FIRST, bucket + BUCKET_S)).get)


def _differences(database: apsw.Connection, watches: Watches, bucket: int) -> Iterator[str]:
    expected = _expected(database, watches, bucket)
    query = f"SELECT {', '.join(SUMS)} FROM totals WHERE scope = ? AND id = ? AND bucket = ?"
    for (series, scope_id), totals in expected.items():
        found = next(iter(database.execute(query, (series, scope_id, bucket))), (0,) * len(SUMS))
        for name, kept, wanted in zip(SUMS, map(int, found), totals.values(), strict=True):
            if kept != wanted:
                yield (
                    f"{series} {scope_id[:_TEXT_MAX]!r} in the quarter hour {moment(bucket)}: "
                    f"{name} is {kept} and should be {wanted}"
                )


def _expected(database: apsw.Connection, watches: Watches, bucket: int) -> dict[_Key, Totals]:
    """What the traces of a quarter hour add to the totals of some watches."""
    query = (
        "SELECT DISTINCT t.id, t.trace_id FROM charges AS c CROSS JOIN spans AS s ON s.id = c.id "
        "CROSS JOIN traces AS t ON t.id = s.trace WHERE c.end_s >= ? AND c.end_s < ?"
    )
    first_s = bucket or FIRST  # What ended before 1970 counts for the first one.
    found: list[tuple[Any, ...]]
    found = database.execute(query, (first_s, bucket + BUCKET_S)).fetchall()
    reader, sums = RowReader(database), defaultdict[_Key, Totals](lambda: NOTHING)
    for trace, trace_id in found:
        rebuilt = posting.rebuild(trace_id, reader.rows_of(trace_id, trace))
        nodes = rebuilt.nodes.values()
        for (series, scope_id, at), totals in posting.contributions(watches, trace_id, nodes):
            if at == bucket:
                key = series, scope_id
                sums[key] = sums[key].plus(totals)
    return sums
