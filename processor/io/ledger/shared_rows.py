"""Rows that others share: which of them are in use, and deleting the others."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, Literal, NamedTuple

import apsw

from processor.core.model import TraceOwner
from processor.io.ledger.tables import NAMED
from processor.io.ledger.translation import TRANSLATED
from processor.io.ledger.used_ids import UsedIds

Shared = Literal["owners", "call_details", "names"]
"""Tables with rows of which others have the id. Sets of dimensions stay: sums by day have them."""
Uses = Mapping[Shared, UsedIds]
NoteUses = Callable[[UsedIds | None, UsedIds | None], None]
"""Has names and details that are used from then on noted, or no longer."""

_READ: Final = 1000
"""Rows that SQLite looks at in one statement: one or two milliseconds."""
_DELETED: Final = 16
"""Rows in one piece; each may be in another page of the file, and of an index."""
_USER_DAYS: Final = """
SELECT DISTINCT start_s, user_id FROM usage_user_days WHERE (start_s, user_id) > (?, ?)
ORDER BY start_s, user_id LIMIT ?
"""


class User(NamedTuple):
    """A table whose rows have ids of shared rows."""

    table: str
    key: str
    columns: Mapping[str, Shared]


USERS_OF_OWNERS: Final = (
    User("spans", "id", {"own_id": "owners", "origin_id": "owners", "details_id": "call_details"}),
)
_OF_TRACE: Final[Mapping[str, Shared]] = {f"{name}_id": "names" for name in TraceOwner._fields}
USERS_OF_NAMES: Final = (
    User("owners", "id", dict.fromkeys(NAMED, "names")),
    User("charges", "id", dict.fromkeys(("user_id", "session_id", "task_id"), "names")),
    User("traces", "id", _OF_TRACE),
    # After traces, since it is from there that its rows come.
    User("resumed_traces", "trace", _OF_TRACE),
)
"""Beside `usage_user_days`, which has no such key."""


class SharedRows:
    """On the writer's connection; the caller has a transaction around each piece.

    What is written meanwhile is noted as used when it is looked for, and not remembered.
    """

    def __init__(self, database: apsw.Connection, note_uses: NoteUses) -> None:
        self._database = database
        self._note_uses = note_uses

    @TRANSLATED
    def follow(self) -> Uses:
        """From now on what is used is noted in the result, which has nothing yet."""
        uses: dict[Shared, UsedIds] = {
            "owners": UsedIds(self._last("owners", "id")),
            "call_details": UsedIds(self._last("call_details", "id")),
            "names": UsedIds(self._last("names", "id")),
        }
        self._note_uses(uses["names"], uses["call_details"])
        return uses

    def follow_no_longer(self) -> None:
        """Note nothing any more."""
        self._note_uses(None, None)

    def note(self, user: User, uses: Uses) -> Iterator[None]:
        """Note what the rows of a table use, as far as they are there at first; in pieces."""
        columns = ", ".join(user.columns)
        between = f"{user.key} > ? AND {user.key} <= ?"
        query = f"SELECT DISTINCT {columns} FROM {user.table} WHERE {between}"
        after = f"SELECT MIN({user.key}) FROM {user.table} WHERE {user.key} > ?"
        adds = [uses[shared].add for shared in user.columns.values()]
        position, last = -1, self._last(user.table, user.key)
        while (first := self._value(after, position)) is not None and first <= last:
            position = first + _READ - 1
            for row in self._rows(query, (first - 1, position)):
                for add, row_id in zip(adds, row, strict=True):
                    if row_id is not None:
                        add(row_id)
            yield

    def note_user_days(self, used: UsedIds) -> Iterator[None]:
        """Note the names of `usage_user_days`, in pieces."""
        rows = [(-1, -1)]
        while rows := self._rows(_USER_DAYS, (*rows[-1], _READ)):
            for _, name in rows:
                used.add(name)
            yield

    def delete(self, table: Shared, used: UsedIds) -> Iterator[int]:
        """Delete what is not used, in pieces; yields how many rows."""
        query = f"SELECT id FROM {table} WHERE id > ? ORDER BY id LIMIT ?"
        position = 0
        while rows := self._rows(query, (position, _READ)):
            position = rows[-1][0]
            unused = used.without(row[0] for row in rows)
            yield 0
            for at in range(0, len(unused), _DELETED):
                # What a turn has used since is not deleted.
                some = used.without(unused[at : at + _DELETED])
                self._delete(table, some)
                yield len(some)

    @TRANSLATED
    def _delete(self, table: Shared, row_ids: list[int]) -> None:
        keys = ((row_id,) for row_id in row_ids)
        self._database.executemany(f"DELETE FROM {table} WHERE id = ?", keys)

    @TRANSLATED
    def _rows(self, query: str, bindings: tuple[int, ...]) -> list[tuple[Any, ...]]:
        return self._database.execute(query, bindings).fetchall()

    @TRANSLATED
    def _value(self, query: str, *bindings: int) -> int | None:
        found: int | None = self._database.execute(query, bindings).get
        return found

    def _last(self, table: str, key: str) -> int:
        return self._value(f"SELECT MAX({key}) FROM {table}") or 0
