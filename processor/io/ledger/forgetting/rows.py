"""Where the id of a user stands in the tables, and how it is replaced there."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Mapping
from typing import Any, Final, Literal, NamedTuple

import apsw

from processor.core import posting
from processor.core.errors import InvalidQuestionError
from processor.core.model import DimensionSet
from processor.io.ledger import pending_columns, statements
from processor.io.ledger.database import BUSY_TIMEOUT_MS
from processor.io.ledger.forgetting.searching import IDENTITIES, NOT_IDENTITIES, IdSearch, Searched
from processor.io.ledger.forgetting.texts import Replacement, as_in_json
from processor.io.ledger.shared import encode_set
from processor.io.ledger.spend_rows import SpendRows
from processor.io.ledger.tables import DIMENSIONS, SUMS
from processor.io.ledger.translation import TRANSLATED

_LOG = logging.getLogger(__name__)
_ROWS_READ: Final = 10_000
"""Rows that SQLite looks at in one statement: about 10 ms of owners or stamps."""
_TEXTS_READ: Final = 200


def _each_once(name: str, table: str) -> str:
    """The values of the first column of a key, each once, by that key."""
    return f"""
WITH RECURSIVE found (value) AS (SELECT MIN({name}) FROM {table} UNION ALL
  SELECT (SELECT MIN({name}) FROM {table} WHERE {name} > found.value) FROM found
  WHERE found.value IS NOT NULL)
SELECT value FROM found WHERE value IS NOT NULL
"""


_SCOPES: Final = _each_once("scope", "totals")
_CROSSED_SCOPES: Final = _each_once("scope", "crossings")
_OWN_NAMES: Final = _each_once("dimension", "own_values")
_COPY_TOTALS: Final = f"""
INSERT INTO totals (id, scope, bucket, {", ".join(SUMS)})
SELECT ?1, scope, bucket, {", ".join(SUMS)} FROM totals WHERE scope = ?2 AND id = ?3
"""
_CROSSINGS: Final = "UPDATE crossings SET id = ? WHERE scope = ? AND id = ?"
_OWN_VALUES: Final = """
WITH RECURSIVE days (day) AS (SELECT MIN(day) FROM own_values WHERE dimension = ?1 UNION ALL
  SELECT (SELECT MIN(day) FROM own_values WHERE dimension = ?1 AND day > days.day) FROM days
  WHERE days.day IS NOT NULL)
UPDATE own_values SET value = ?2 WHERE dimension = ?1 AND value = ?3
  AND day IN (SELECT day FROM days WHERE day IS NOT NULL)
"""
_LAST_TITLE: Final = f"""
SELECT MAX(task) FROM
  (SELECT task FROM task_titles WHERE task > ? ORDER BY task LIMIT {_ROWS_READ})
"""
_TITLES: Final = "UPDATE task_titles SET title = ? WHERE title = ? AND task > ? AND task <= ?"
_WAITING: Final = (
    "SELECT traces, span_ids, parent_ids, flags, marks FROM pending WHERE upto = ? AND marks <> ''"
)

_STAMPS: Final = """
SELECT s.id, s.stamp, t.trace_id FROM spans s JOIN traces t ON t.id = s.trace
WHERE s.id > ?1 AND s.id <= ?1 + ?2 AND s.stamp IS NOT NULL AND instr(s.stamp, ?3)
"""
_SET: Final = f"SELECT {', '.join(DIMENSIONS)} FROM dimension_sets WHERE id = ?"
_SET_VALUES: Final = "SELECT dimension, value FROM set_values WHERE set_id = ? ORDER BY dimension"


_TEXTS: Final = {
    "audit": ("seq", ("action", "actor", "subject", "before", "after")),
    "jobs": ("id", ("parameters", "progress")),
}
"""The key and the columns of tables with longer texts."""


class StampsRenamed(NamedTuple):
    """What a step has changed among stamps."""

    position: int
    changed: int
    traces: list[bytes]
    is_last: bool


class IdRows:
    """Reads and writes on the writer's connection, between `begin` and `commit` of its store."""

    def __init__(self, database: apsw.Connection, spend: SpendRows) -> None:
        self._database, self._spend = database, spend
        self.search = IdSearch(database)

    @TRANSLATED
    def check(self, user: str) -> None:
        """Raises InvalidQuestionError for what is a model or the like as well."""
        names = sorted(NOT_IDENTITIES)
        listed = ", ".join(names)
        text = f"SELECT {listed} FROM dimension_sets WHERE ? IN ({listed}) LIMIT 1"
        for row in self._database.execute(text, (user,)):
            name = names[row.index(user)]
            message = (
                f"cannot be forgotten, since a {name} has the same name, which would be "
                "replaced in answers: exclude what it has cost instead"
            )
            raise InvalidQuestionError("user", message)

    @TRANSLATED
    def calls_of(self, user: str) -> int:
        """How many calls the totals of a user count."""
        text = "SELECT COALESCE(SUM(calls), 0) FROM totals WHERE scope = 'user' AND id = ?"
        found: int = self._database.execute(text, (user,)).get
        return found

    @TRANSLATED
    def rename(
        self, user: str, tombstone: str, found: Mapping[Searched, Iterable[int]]
    ) -> dict[str, int]:
        """Replace it wherever turns look, given the rows of tables that have to be searched.

        Returns how many rows had it, by what they are.
        """
        return {
            "owners": self._owners(user, tombstone, set(found["owners"])),
            "totals": sum(self._totals(user, tombstone, scope) for scope in self._each(_SCOPES)),
            "crossings": sum(
                self._run(_CROSSINGS, tombstone, scope, user)
                for scope in self._each(_CROSSED_SCOPES)
            ),
            "sets of dimensions": self._sets(user, tombstone, set(found["sets"])),
            "values of own dimensions": sum(
                self._run(_OWN_VALUES, name, tombstone, user) for name in self._each(_OWN_NAMES)
            ),
            "tasks": self._run("UPDATE task_titles SET task = ? WHERE task = ?", tombstone, user),
            "spend of metrics": self._spend.rename(user, tombstone),
        }

    @TRANSLATED
    def rename_titles(self, after: str, user: str, tombstone: str) -> tuple[int, str | None]:
        """Replace it in the next titles after a task; how many, and where to go on."""
        until: str | None = self._database.execute(_LAST_TITLE, (after,)).get
        if until is None:
            return 0, None
        return self._run(_TITLES, tombstone, user, after, until), until

    @TRANSLATED
    def rename_texts(
        self, table: Literal["audit", "jobs"], after: int, user: str, tombstone: str, but: int
    ) -> tuple[int, int | None]:
        """The same of longer texts, by the number of the row; one of the jobs is left out."""
        key, columns = _TEXTS[table]
        replacement = Replacement(user, tombstone)
        replaced = replacement.in_line if table == "audit" else replacement.in_job
        found: list[tuple[Any, ...]] = self._database.execute(
            f"SELECT {key}, {', '.join(columns)} FROM {table} WHERE {key} > ? "
            f"ORDER BY {key} LIMIT {_TEXTS_READ}",
            (after,),
        ).fetchall()
        assigned = ", ".join(f"{name} = ?" for name in columns)
        changed = 0
        for number, *texts in found:
            if table == "jobs" and number == but:
                continue
            texts_after = replaced(*texts)
            if texts_after != tuple(texts):
                changed += 1
                self._run(f"UPDATE {table} SET {assigned} WHERE {key} = ?", *texts_after, number)
        return changed, found[-1][0] if found else None

    @TRANSLATED
    def rename_waiting(
        self, user: str, tombstone: str, found: Iterable[int]
    ) -> tuple[int, set[bytes]]:
        """Replace it in what waits, in these rows; returns how many, and the traces."""
        replacement = Replacement(user, tombstone)
        changed, traces = 0, set[bytes]()
        for upto in found:
            row: Any = self._database.execute(_WAITING, (upto,)).fetchone()
            marks = replacement.in_marks(row[-1]) if row else None
            if marks is None:
                continue
            changed += 1
            self._run("UPDATE pending SET marks = ? WHERE upto = ?", marks, upto)
            turn = pending_columns.StoredTurn(row, {})
            traces |= {
                rows.trace_id
                for rows in map(turn.rows, range(len(turn.sizes)))
                if any(posting.span_names(mark, user) for mark in rows.marks.values())
            }
        return changed, traces

    @TRANSLATED
    def last_span(self) -> int:
        """The id of the last row of spans."""
        last: int = self._database.execute(statements.LAST_SPAN).get
        return last

    @TRANSLATED
    def rename_stamps(self, position: int, user: str, tombstone: str) -> StampsRenamed:
        """Replace it in the stamps of the next rows of spans."""
        replacement, last = Replacement(user, tombstone), self.last_span()
        found: list[tuple[Any, ...]]
        found = self._database.execute(_STAMPS, (position, _ROWS_READ, as_in_json(user))).fetchall()
        traces = []
        for row_id, stamp, trace_id in found:
            changed = replacement.in_stamp(stamp)
            if changed is not None:
                self._run("UPDATE spans SET stamp = ? WHERE id = ?", changed, row_id)
                traces.append(trace_id)
        end = min(position + _ROWS_READ, last)
        return StampsRenamed(end, len(traces), traces, end >= last)

    @TRANSLATED
    def start_overwriting(self) -> None:
        """From now on SQLite overwrites what it deletes or replaces with zeros."""
        self._database.pragma("secure_delete", 1)

    @TRANSLATED
    def stop_overwriting(self) -> None:
        """No longer. Tries to copy the log into the file and to cut it off, which may fail.

        A reader in the way prevents that, and then the log goes on until it is used again.
        """
        self._database.pragma("secure_delete", 0)
        self._database.set_busy_timeout(0)
        try:
            self._database.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
        except apsw.Error as error:
            _LOG.info("the log of the ledger was not cut off: %s", error)
        finally:
            self._database.set_busy_timeout(BUSY_TIMEOUT_MS)

    def _run(self, statement: str, *bindings: object) -> int:
        self._database.execute(statement, bindings)
        return self._database.changes()

    def _each(self, query: str) -> list[str]:
        return [row[0] for row in self._database.execute(query)]

    def _totals(self, user: str, tombstone: str, scope: str) -> int:
        # As two statements they take two thirds of the time of an UPDATE of the key.
        self._database.execute(_COPY_TOTALS, (tombstone, scope, user))
        return self._run("DELETE FROM totals WHERE scope = ? AND id = ?", scope, user)

    def _owners(self, user: str, tombstone: str, owners: Collection[int]) -> int:
        replacement = Replacement(user, tombstone)
        for owner in sorted(owners):
            query = "SELECT own_dimensions FROM owners WHERE id = ?"
            changed = replacement.in_own(self._database.execute(query, (owner,)).get)
            if changed is not None:
                self._run("UPDATE owners SET own_dimensions = ? WHERE id = ?", changed, owner)
            text = "UPDATE owners SET task_title = ? WHERE id = ? AND task_title = ?"
            self._run(text, tombstone, owner, user)
        named = self._run("UPDATE names SET text = ? WHERE text = ?", tombstone, user)
        return len(owners) + named

    def _sets(self, user: str, tombstone: str, sets: Collection[int]) -> int:
        for set_id in sorted(sets):
            found = self._database.execute(_SET, (set_id,)).fetchone()
            self._run(
                "UPDATE set_values SET value = ? WHERE set_id = ? AND value = ?",
                tombstone, set_id, user,
            )  # fmt: skip
            values = dict(zip(DIMENSIONS, found or (), strict=True))
            values |= {name: tombstone for name in IDENTITIES if values[name] == user}
            own = tuple((row[0], row[1]) for row in self._database.execute(_SET_VALUES, (set_id,)))
            digest, *texts = encode_set(DimensionSet(**values, own=own))
            assigned = ", ".join(f"{name} = ?" for name in ("digest", *DIMENSIONS))
            self._run(f"UPDATE dimension_sets SET {assigned} WHERE id = ?", digest, *texts, set_id)
        return len(sets)
