"""Every sum of a day against the charges that ended in it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import apsw

from processor.core.budgets.window import BUCKET_S
from processor.core.budgets.zones import ReportingZones
from processor.io.ledger.tables import PARTS, SUMS
from processor.io.ledger.verifying.check import (
    FIRST,
    Describe,
    Findings,
    Step,
    moment,
    name_of,
    set_of,
)
from processor.io.ledger.verifying.comparison import Sides, compare
from processor.io.ledger.verifying.retained import read_retained
from processor.io.ledger.zones import read_zones

_ALL: Final = (*SUMS, *PARTS)
_LISTED, _LISTED_SUMS = ", ".join(_ALL), ", ".join(SUMS)
_TIMES: Final = (
    ("end_s", "charges WHERE true"),
    ("start_s", "usage_hours WHERE true"),
    ("start_s", "usage_days WHERE true"),
    ("start_s", "usage_user_days WHERE true"),
    ("bucket", "totals WHERE scope = 'total' AND id = ''"),
)
"""Columns by which something is found in time, each with an index."""
_DAY_S: Final = 86_400
_SLICE: Final = "temp.verified_slice"


class _Slice(NamedTuple):
    """A day of the reporting zone, and how it is kept."""

    start_s: int
    end_s: int
    cell_s: int
    """Length of the cells in ``usage_hours``."""
    zone_start_s: int
    is_folded: bool
    """There need be no hours any more, and its quarter hours may all be in its first."""
    is_whole: bool
    """All that was charged in it still has its charges."""

    @property
    def bindings(self) -> dict[str, Any]:
        return {
            "start": self.start_s,
            "end": self.end_s,
            # What ended before 1970 counts for the first bucket.
            "first": self.start_s if self.start_s > 0 else FIRST,
            "cell": self.cell_s,
            "zone": self.zone_start_s,
        }


class SumsByTime:
    """Hours, days and users' days, and totals by quarter hour, day by day."""

    name = "days"

    def step(self, database: apsw.Connection, position: int) -> Step:
        """Look at the next day in which something is."""
        findings = Findings(self.name)
        bounds = _bounds(database, position)
        if bounds is None:
            return findings.step(None, 1.0)
        first_s, last_s, next_s = bounds
        zones = read_zones(database)
        start_s, end_s = zones.day_of(max(next_s, 0))
        day = _slice_of(database, zones, start_s, end_s)
        bindings = day.bindings
        _fill(database, bindings)
        for sides, describe in _comparisons(database, day):
            findings.add(compare(database, sides, bindings), describe)
        done = (end_s - first_s) / max(last_s - first_s, 1)
        is_last = end_s > last_s or end_s <= position
        return findings.step(None if is_last else end_s, min(done, 1.0))


def _bounds(database: apsw.Connection, position: int) -> tuple[int, int, int] | None:
    """The first and the last moment of which something is kept, and the next from a position on."""

    def ends(function: str, from_s: int) -> list[int]:
        found = [
            database.execute(f"SELECT {function}({time}) FROM {table} AND {time} >= {from_s}").get
            for time, table in _TIMES
        ]
        return [int(each) for each in found if each is not None]

    following = ends("MIN", position)
    if not following:
        return None
    return min(ends("MIN", FIRST)), max(ends("MAX", FIRST)), min(following)


def _slice_of(database: apsw.Connection, zones: ReportingZones, start_s: int, end_s: int) -> _Slice:
    zone = next(each for each in reversed(zones.zones) if each.start_s <= start_s)
    retained = read_retained(database)
    return _Slice(
        start_s,
        end_s,
        zone.cell_s,
        zone.start_s,
        is_folded=end_s <= retained.hours_s,
        is_whole=not retained.has_deleted(database, start_s, end_s),
    )


def _fill(database: apsw.Connection, bindings: dict[str, Any]) -> None:
    """Put the charges of a day into a temporary table, which is read several times."""
    columns = f"q, set_id, user_id, {_LISTED}"
    database.execute(f"CREATE TEMP TABLE IF NOT EXISTS verified_slice ({columns})")
    database.execute(f"DELETE FROM {_SLICE}")
    quarter = f"MAX(end_s, 0) / {BUCKET_S} * {BUCKET_S}"
    database.execute(
        f"INSERT INTO {_SLICE} SELECT {quarter}, set_id, user_id, {_LISTED} "
        "FROM charged WHERE end_s >= :first AND end_s < :end",
        bindings,
    )


def _comparisons(database: apsw.Connection, day: _Slice) -> Iterator[tuple[Sides, Describe]]:
    within = "start_s >= :start AND start_s < :end"
    users = f"SELECT user_id, set_id, {_LISTED} FROM usage_user_days WHERE start_s = :start"
    days = f"SELECT set_id, {_LISTED} FROM usage_days WHERE start_s = :start"

    def of_day(what: str) -> Describe:
        return lambda key: f"{what} {moment(day.start_s)}: {set_of(database, key[0])}"

    if day.is_whole:
        yield (
            Sides(
                users, f"SELECT user_id, set_id, {_LISTED} FROM {_SLICE}",
                ("user_id", "set_id"), _ALL,
            ),
            lambda key: f"user {name_of(database, key[0])} on {moment(day.start_s)}: "
            f"{set_of(database, key[1])}",
        )  # fmt: skip
        if not day.is_folded:
            cell = "MAX(q / :cell * :cell, :zone) AS start_s"
            yield (
                Sides(
                    f"SELECT start_s, set_id, {_LISTED} FROM usage_hours WHERE {within}",
                    f"SELECT {cell}, set_id, {_LISTED} FROM {_SLICE}",
                    ("start_s", "set_id"), _ALL,
                ),
                lambda key: f"hour {moment(key[0])}: {set_of(database, key[1])}",
            )  # fmt: skip
        yield from _totals(database, day)
    else:
        yield from _with_deleted(day)
    if not day.is_whole and not day.is_folded:
        hours = f"SELECT set_id, {_LISTED} FROM usage_hours WHERE {within}"
        yield Sides(hours, days, ("set_id",), _ALL), of_day("hours of")
    yield Sides(days, users, ("set_id",), _ALL), of_day("day")
    yield (
        Sides(
            f"SELECT 0 AS k, {_LISTED_SUMS} FROM totals WHERE scope = 'total' AND id = '' "
            "AND bucket >= :start AND bucket < :end",
            f"SELECT 0 AS k, {_LISTED_SUMS} FROM usage_days WHERE start_s = :start",
            ("k",), SUMS,
        ),
        lambda _: f"total of {moment(day.start_s)}, by the sums of the day",
    )  # fmt: skip


def _with_deleted(day: _Slice) -> Iterator[tuple[Sides, Describe]]:
    """Totals of days in UTC, against the charges that are left and what was deleted of them."""
    if day.is_folded:  # Its quarter hours are in the first one, perhaps of another day in UTC.
        return
    for start_s in range(day.start_s // _DAY_S * _DAY_S, day.end_s, _DAY_S):
        within = f"BETWEEN {start_s or FIRST} AND {start_s + _DAY_S - 1}"
        yield (
            Sides(
                f"SELECT {start_s} AS k, {_LISTED_SUMS} FROM totals "
                f"WHERE scope = 'total' AND id = '' AND bucket {within}",
                f"SELECT {start_s} AS k, {_LISTED_SUMS} FROM charged WHERE end_s {within} "
                f"UNION ALL SELECT {start_s}, {_LISTED_SUMS} FROM deleted_days "
                f"WHERE start_s = {start_s}",
                ("k",), SUMS,
            ),
            lambda key: f"total of the day {moment(key[0])}, by its charges and deleted ones",
        )  # fmt: skip


def _totals(database: apsw.Connection, day: _Slice) -> Iterator[tuple[Sides, Describe]]:
    """Totals by quarter hour of everything, of users and of organisations."""
    quarter, kept = ("q AS bucket", "bucket")
    if day.is_folded:
        quarter = kept = ":start AS bucket"
    within = "bucket >= :start AND bucket < :end"
    yield (
        Sides(
            f"SELECT {kept}, {_LISTED_SUMS} FROM totals "
            f"WHERE scope = 'total' AND id = '' AND {within}",
            f"SELECT {quarter}, {_LISTED_SUMS} FROM {_SLICE}",
            ("bucket",), SUMS,
        ),
        lambda key: f"total of the quarter hour {moment(key[0])}",
    )  # fmt: skip
    listed = ", ".join(f"t.{name}" for name in SUMS)
    # The order of these joins is that in which SQLite has to go.
    yield (
        Sides(
            f"SELECT u.user_id, {kept}, {listed} FROM (SELECT DISTINCT user_id FROM {_SLICE}) AS u "
            "CROSS JOIN names AS n ON n.id = u.user_id "
            f"CROSS JOIN totals AS t ON t.scope = 'user' AND t.id = n.text AND {within}",
            f"SELECT user_id, {quarter}, {_LISTED_SUMS} FROM {_SLICE}",
            ("user_id", "bucket"), SUMS,
        ),
        lambda key: f"user {name_of(database, key[0])} in the quarter hour {moment(key[1])}",
    )  # fmt: skip
    yield (
        Sides(
            f"SELECT o.org, {kept}, {listed} FROM (SELECT DISTINCT d.org FROM "
            f"(SELECT DISTINCT set_id FROM {_SLICE}) AS s "
            "CROSS JOIN dimension_sets AS d ON d.id = s.set_id) AS o "
            f"CROSS JOIN totals AS t ON t.scope = 'org' AND t.id = o.org AND {within}",
            f"SELECT org, {quarter}, {_LISTED_SUMS} FROM {_SLICE} "
            "JOIN dimension_sets AS d ON d.id = set_id",
            ("org", "bucket"), SUMS,
        ),
        lambda key: f"organisation {key[0]!r} in the quarter hour {moment(key[1])}",
    )  # fmt: skip
