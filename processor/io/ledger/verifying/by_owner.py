"""Lifetime totals of sessions and tasks, and days of users and organisations, by owner."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import apsw

from processor.core.budgets.zones import ReportingZones
from processor.io.ledger import statements
from processor.io.ledger.tables import SUMS
from processor.io.ledger.verifying.check import FIRST, Findings, Step, moment, name_of
from processor.io.ledger.verifying.comparison import Sides, compare
from processor.io.ledger.verifying.retained import read_retained
from processor.io.ledger.zones import read_zones

_LISTED: Final = ", ".join(SUMS)
_TRACES_READ: Final = 100_000
_NAMES_COMPARED: Final = 20_000
_DAY: Final = (
    "(SELECT d.start_s FROM temp.verified_starts AS d WHERE d.start_s <= t.bucket "
    "ORDER BY d.start_s DESC LIMIT 1)"
)
"""The start of the day that a quarter hour is in."""
_RANGE: Final = "BETWEEN :first AND :last"


class LifetimeTotals:
    """Totals of sessions, or of tasks, against the traces and charges that name them.

    Traces that name one session are added up as they are. Those of several are found first, and
    noted in a temporary table, which each step extends by what has come since.
    """

    def __init__(self, scope: str) -> None:
        self.name = f"{scope}s"
        self._scope = scope
        self._column = f"{scope}_id"
        self._several = f"temp.verified_{scope}s"
        self._database: apsw.Connection | None = None
        self._read_to = self._last_span = 0

    def step(self, database: apsw.Connection, position: int) -> Step:
        """Look at the next names; before the first, find the traces of several."""
        findings = Findings(self.name)
        if not self._prepare(database):
            return findings.step(position, 0.0)
        return _by_names(database, findings, position, self._compare, self._compare_all)

    def _prepare(self, database: apsw.Connection) -> bool:
        """Note the traces of several names, some at a time; returns whether all are noted."""
        if self._database is not database:
            self._database, self._read_to = database, 0
            table = self._several.removeprefix("temp.")
            database.execute(
                f"CREATE TEMP TABLE IF NOT EXISTS {table} (name_id, trace, "
                "PRIMARY KEY (name_id, trace)) WITHOUT ROWID"
            )
            database.execute(f"DELETE FROM {self._several}")
            self._last_span = _last_span(database)
        highest = int(database.execute(statements.LAST_TRACE).get)
        if self._read_to < highest:
            begin, self._read_to = self._read_to, self._read_to + _TRACES_READ
            self._note(database, f"t.id > {begin} AND t.id <= {self._read_to}")
        return self._read_to >= highest

    def _note(self, database: apsw.Connection, which: str) -> None:
        """Note names and traces of those without one name that all charges of theirs share."""
        database.execute(
            f"INSERT OR IGNORE INTO {self._several} SELECT c.{self._column}, s.trace "
            "FROM traces AS t CROSS JOIN spans AS s ON s.trace = t.id "
            "CROSS JOIN charges AS c ON c.id = s.id "
            f"WHERE {which} AND t.{self._column} IS NULL "
            f"AND c.{self._column} NOT IN (SELECT id FROM names WHERE text = '')"
        )

    def _compare(
        self, database: apsw.Connection, findings: Findings, first: int, last: int
    ) -> None:
        bindings = {"first": first, "last": last}
        kept = (
            f"SELECT n.id, {_listed('t')} FROM names AS n CROSS JOIN totals AS t "
            f"ON t.scope = '{self._scope}' AND t.id = n.text AND t.bucket = 0 "
            f"WHERE n.id {_RANGE} AND n.text <> ''"
        )
        of_traces = f"SELECT {self._column} AS id, {_LISTED} FROM traces WHERE {self._column} "
        quick = Sides(kept, of_traces + _RANGE, ("id",), SUMS)
        if not compare(database, quick, bindings).differing:
            return
        if read_retained(database).has_deleted_any(database):
            # Of traces that are deleted nobody knows which sessions shared them.
            return
        # Some of these traces have charges that name none, or traces of several have more of them.
        last_span = _last_span(database)
        if last_span > self._last_span:
            new = f"(SELECT trace FROM spans WHERE id > {self._last_span})"
            self._note(database, f"t.id IN {new}")
            self._last_span = last_span
        column = self._column
        exact = Sides(
            kept,
            f"SELECT c.{column} AS id, {_listed('c')} FROM traces AS t "
            f"CROSS JOIN spans AS s ON s.trace = t.id CROSS JOIN charged AS c ON c.id = s.id "
            f"WHERE t.{column} {_RANGE} AND c.{column} = t.{column} "
            f"UNION ALL SELECT c.{column}, {_listed('c')} FROM {self._several} AS m "
            f"CROSS JOIN traces AS t ON t.id = m.trace AND t.{column} IS NULL "
            "CROSS JOIN spans AS s ON s.trace = m.trace CROSS JOIN charged AS c ON c.id = s.id "
            f"WHERE m.name_id {_RANGE} AND c.{column} = m.name_id",
            ("id",),
            SUMS,
        )
        found = compare(database, exact, bindings)
        findings.add(found, lambda key: f"{self._scope} {name_of(database, key[0])}")

    def _compare_all(self, database: apsw.Connection, findings: Findings) -> None:
        """What belongs to no session, or task, is the rest of everything."""
        sides = Sides(
            f"SELECT 0 AS k, {_LISTED} FROM totals WHERE scope = '{self._scope}'",
            f"SELECT 0 AS k, {_LISTED} FROM totals WHERE scope = 'total' AND id = ''",
            ("k",),
            SUMS,
        )
        findings.add(
            compare(database, sides, {}),
            lambda _: f"all {self._scope}s and what has none, together",
        )


class OwnerDays:
    """Quarter hours of users and organisations, added up by day, against the sums by day."""

    name = "users"

    def step(self, database: apsw.Connection, position: int) -> Step:
        """Look at the next users; with the last ones, at all organisations."""
        findings = Findings(self.name)
        _note_days(database, read_zones(database))
        return _by_names(database, findings, position, self._compare_users, self._compare_orgs)

    def _compare_users(
        self, database: apsw.Connection, findings: Findings, first: int, last: int
    ) -> None:
        bindings = {"first": first, "last": last}
        totals = (
            "FROM names AS n CROSS JOIN totals AS t ON t.scope = 'user' AND t.id = n.text "
            f"WHERE n.id {_RANGE}"
        )
        database.execute("CREATE TEMP TABLE IF NOT EXISTS verified_days (user_id, start_s)")
        database.execute("DELETE FROM temp.verified_days")
        database.execute(
            f"INSERT INTO temp.verified_days SELECT DISTINCT n.id, {_DAY} {totals}",
            bindings,
        )
        sides = Sides(
            f"SELECT n.id, {_DAY} AS start_s, {_listed('t')} {totals}",
            f"SELECT u.user_id AS id, u.start_s, {_listed('u')} FROM temp.verified_days AS d "
            "CROSS JOIN usage_user_days AS u ON u.start_s = d.start_s AND u.user_id = d.user_id",
            ("id", "start_s"),
            SUMS,
        )
        findings.add(
            compare(database, sides, bindings),
            lambda key: f"user {name_of(database, key[0])} on {moment(key[1])}",
        )

    def _compare_orgs(self, database: apsw.Connection, findings: Findings) -> None:
        sides = Sides(
            f"SELECT id, {_DAY} AS start_s, {_LISTED} FROM totals AS t WHERE scope = 'org'",
            f"SELECT s.org AS id, d.start_s, {_listed('d')} FROM usage_days AS d "
            "JOIN dimension_sets AS s ON s.id = d.set_id",
            ("id", "start_s"),
            SUMS,
        )
        findings.add(
            compare(database, sides, {}),
            lambda key: f"organisation {key[0]!r} on {moment(key[1])}",
        )


def _by_names(
    database: apsw.Connection,
    findings: Findings,
    position: int,
    compare_some: Callable[[apsw.Connection, Findings, int, int], None],
    compare_rest: Callable[[apsw.Connection, Findings], None],
) -> Step:
    """Compare the next names, in the order of their numbers; after the last ones, the rest."""
    first = max(position, 0)
    last = first + _NAMES_COMPARED - 1
    compare_some(database, findings, first, last)
    highest = int(database.execute(statements.LAST_NAME).get)
    if last < highest:
        return findings.step(last + 1, last / highest)
    compare_rest(database, findings)
    return findings.step(None, 1.0)


def _listed(table: str) -> str:
    return ", ".join(f"{table}.{name}" for name in SUMS)


def _last_span(database: apsw.Connection) -> int:
    return int(database.execute(statements.LAST_SPAN).get)


def _note_days(database: apsw.Connection, zones: ReportingZones) -> None:
    """Put the starts of all days in which something was charged into a temporary table."""
    database.execute(
        "CREATE TEMP TABLE IF NOT EXISTS verified_starts (start_s INTEGER PRIMARY KEY)"
    )
    database.execute("DELETE FROM temp.verified_starts")
    query = "SELECT bucket FROM totals WHERE scope = 'total' AND id = '' ORDER BY bucket"
    end_s = FIRST
    for (bucket,) in database.execute(query).fetchall():
        if int(str(bucket)) >= end_s:
            start_s, end_s = zones.day_of(int(str(bucket)))
            database.execute("INSERT INTO temp.verified_starts VALUES (?)", (start_s,))
