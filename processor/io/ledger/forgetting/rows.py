"""Where the id of a user stands in the tables, and how it is replaced there."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Any, Final, NamedTuple

import apsw

from processor.core.errors import InvalidQuestionError
from processor.core.model import DimensionSet
from processor.io.ledger import pending_columns, statements
from processor.io.ledger.database import BUSY_TIMEOUT_MS
from processor.io.ledger.forgetting.texts import Replacement, spellings
from processor.io.ledger.shared import encode_set
from processor.io.ledger.spend_rows import SpendRows
from processor.io.ledger.tables import DIMENSIONS
from processor.io.ledger.translation import TRANSLATED

_LOG = logging.getLogger(__name__)
_IDENTITIES: Final = ("agent", "org", "feature", "task_type", "purpose")
_NOT_IDENTITIES: Final = ("provider", "model", "service", "kind", "status")
"""Dimensions that say what was called, and not by whom."""
_ROWS_READ: Final = 10_000
"""Rows that SQLite looks at in one statement: about 10 ms of owners or stamps."""
_NAME: Final = "SELECT id FROM names WHERE text = ?"
_SCOPES: Final = """
WITH RECURSIVE scopes (scope) AS (SELECT MIN(scope) FROM totals UNION ALL
  SELECT (SELECT MIN(scope) FROM totals WHERE totals.scope > scopes.scope) FROM scopes
  WHERE scopes.scope IS NOT NULL)
SELECT scope FROM scopes WHERE scope IS NOT NULL
"""
"""Each scope once, by the primary key."""
_OWNERS: Final = """
SELECT id FROM owners WHERE id > ?1 AND id <= ?1 + ?2
  AND (task_title = ?3 OR instr(own_dimensions, ?4))
"""
_STAMPS: Final = """
SELECT s.id, s.stamp, t.trace_id FROM spans s JOIN traces t ON t.id = s.trace
WHERE s.id > ?1 AND s.id <= ?1 + ?2 AND s.stamp IS NOT NULL AND instr(s.stamp, ?3)
"""
_SETS: Final = f"""
SELECT id, {", ".join(DIMENSIONS)} FROM dimension_sets
WHERE ?1 IN ({", ".join(_IDENTITIES)})
  OR id IN (SELECT set_id FROM set_values WHERE value = ?1)
"""
_SET_VALUES: Final = "SELECT dimension, value FROM set_values WHERE set_id = ? ORDER BY dimension"


class _Texts(NamedTuple):
    """Columns of a table with longer texts."""

    table: str
    key: str
    sentences: tuple[str, ...]
    values: tuple[str, ...]
    """Those that are JSON."""


_AUDIT: Final = _Texts("audit", "seq", ("actor", "subject"), ("before", "after"))
_JOBS: Final = _Texts("jobs", "id", (), ("parameters", "progress"))


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

    @TRANSLATED
    def check(self, user: str) -> None:
        """Raises InvalidQuestionError for what is a model or the like as well."""
        for name in _NOT_IDENTITIES:
            text = f"SELECT 1 FROM dimension_sets WHERE {name} = ? LIMIT 1"
            if self._database.execute(text, (user,)).get is not None:
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
    def owners_after(self, owner: int, user: str) -> tuple[list[int], int, bool]:
        """Rows of owners after one that name it beside `names`; the last one looked at."""
        last: int = self._database.execute("SELECT COALESCE(MAX(id), 0) FROM owners").get
        bindings = owner, _ROWS_READ, user, spellings(user)[1 if len(spellings(user)) > 1 else 0]
        found = [row[0] for row in self._database.execute(_OWNERS, bindings)]
        end = min(owner + _ROWS_READ, last)
        return found, end, end >= last

    @TRANSLATED
    def rename(self, user: str, tombstone: str, owners: Iterable[int]) -> dict[str, int]:
        """Replace it everywhere but in stamps; returns how many rows had it, by what they are."""
        replacement = Replacement(user, tombstone)
        pair = tombstone, user
        places = {
            "owners": self._owners(user, tombstone, owners, replacement),
            "totals": sum(
                self._run("UPDATE totals SET id = ? WHERE scope = ? AND id = ?", tombstone, *row,
                          user)
                for row in self._database.execute(_SCOPES).fetchall()
            ),
            "crossings": self._run("UPDATE crossings SET id = ? WHERE id = ?", *pair),
            "sets of dimensions": self._sets(user, tombstone),
            "values of own dimensions": self._run(
                "UPDATE own_values SET value = ? WHERE value = ?", *pair
            ),
            "tasks": self._run("UPDATE task_titles SET task = ? WHERE task = ?", *pair)
            + self._run("UPDATE task_titles SET title = ? WHERE title = ?", *pair),
            "audit": self._texts(_AUDIT, replacement),
            "spend of metrics": self._spend.rename(user, tombstone),
        }  # fmt: skip
        self._run("UPDATE names SET text = ? WHERE text = ?", *pair)
        return places

    @TRANSLATED
    def rename_in_jobs(self, user: str, tombstone: str, but: int = 0) -> int:
        """Replace it in what is kept of long work, but for one; returns in how many rows."""
        replacement = Replacement(user, tombstone)
        return self._texts(_JOBS, replacement, but)

    @TRANSLATED
    def rename_waiting(self, user: str, tombstone: str) -> tuple[int, set[bytes]]:
        """Replace it in what waits; returns the rows, and the traces that named it."""
        replacement = Replacement(user, tombstone)
        query = (
            "SELECT upto, traces, span_ids, parent_ids, flags, marks FROM pending "
            "WHERE marks IS NOT NULL AND instr(marks, ?)"
        )
        found: list[tuple[Any, ...]]
        found = self._database.execute(query, (spellings(user)[-1],)).fetchall()
        changed, traces = 0, set[bytes]()
        for upto, *columns in found:
            marks = replacement.in_values(columns[-1])
            if marks is None:
                continue
            changed += 1
            self._run("UPDATE pending SET marks = ? WHERE upto = ?", marks, upto)
            turn = pending_columns.StoredTurn(tuple(columns), {})
            traces |= {
                rows.trace_id
                for rows in map(turn.rows, range(len(turn.sizes)))
                if any(user in _texts_of(mark) for mark in rows.marks.values())
            }
        return changed, traces

    @TRANSLATED
    def rename_stamps(self, position: int, user: str, tombstone: str) -> StampsRenamed:
        """Replace it in the stamps of the next rows of spans."""
        replacement = Replacement(user, tombstone)
        last: int = self._database.execute(statements.LAST_SPAN).get
        needle = spellings(user)[min(1, len(spellings(user)) - 1)]
        found: list[tuple[Any, ...]]
        found = self._database.execute(_STAMPS, (position, _ROWS_READ, needle)).fetchall()
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

    def _owners(
        self, user: str, tombstone: str, owners: Iterable[int], replacement: Replacement
    ) -> int:
        named = self._database.execute(_NAME, (user,)).get
        ids = set(owners)
        for owner in sorted(ids):
            query = "SELECT own_dimensions FROM owners WHERE id = ?"
            changed = replacement.in_values(self._database.execute(query, (owner,)).get)
            if changed is not None:
                self._run("UPDATE owners SET own_dimensions = ? WHERE id = ?", changed, owner)
            text = "UPDATE owners SET task_title = ? WHERE id = ? AND task_title = ?"
            self._run(text, tombstone, owner, user)
        return len(ids) + (named is not None)

    def _sets(self, user: str, tombstone: str) -> int:
        found: list[tuple[Any, ...]] = self._database.execute(_SETS, (user,)).fetchall()
        self._run("UPDATE set_values SET value = ? WHERE value = ?", tombstone, user)
        for set_id, *columns in found:
            values = dict(zip(DIMENSIONS, columns, strict=True))
            values |= {name: tombstone for name in _IDENTITIES if values[name] == user}
            own = tuple((row[0], row[1]) for row in self._database.execute(_SET_VALUES, (set_id,)))
            digest, *texts = encode_set(DimensionSet(**values, own=own))
            assigned = ", ".join(f"{name} = ?" for name in ("digest", *DIMENSIONS))
            self._run(f"UPDATE dimension_sets SET {assigned} WHERE id = ?", digest, *texts, set_id)
        return len(found)

    def _texts(self, where: _Texts, replacement: Replacement, but: int = 0) -> int:
        """Replace it in texts of a table that is small."""
        table, key, sentences, values = where
        columns = (*sentences, *values)
        changed = 0
        found: list[tuple[Any, ...]] = self._database.execute(
            f"SELECT {key}, {', '.join(columns)} FROM {table} WHERE {key} <> ?", (but,)
        ).fetchall()
        for number, *texts in found:
            after = [
                replacement.in_sentence(text) if name in sentences else replacement.in_json(text)
                for name, text in zip(columns, texts, strict=True)
                if text is not None
            ]
            if any(user_text != text for user_text, text in zip(after, texts, strict=True)):
                assigned = ", ".join(f"{name} = ?" for name in columns)
                self._run(f"UPDATE {table} SET {assigned} WHERE {key} = ?", *after, number)
                changed += 1
        return changed


def _texts_of(mark: Any) -> tuple[Any, ...]:  # noqa: ANN401 - a mark
    own, inherited = mark.own, mark.inherited
    values = (value for owner in (own, inherited) for _, value in owner.own_dimensions)
    return (*own[:-1], *inherited[:-1], *values)
