"""Which rows have an id, in tables without an index of it: a little at a time, and read only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, NamedTuple

import apsw

from processor.io.ledger.forgetting.texts import as_in_json
from processor.io.ledger.translation import TRANSLATED

IDENTITIES: Final = ("agent", "org", "feature", "task_type", "purpose")
"""Dimensions that say whose a call was."""
NOT_IDENTITIES: Final = frozenset({"provider", "model", "service", "kind", "status"})
"""Those that say what was called."""
_ROWS_READ: Final = 10_000
"""Rows that SQLite looks at in one statement: a few milliseconds."""
_WAITING_READ: Final = 1000
Searched = Literal["owners", "sets", "waiting"]
"""Tables of which the rows with an id are found beforehand, in steps: no index has it, and their
rows do not change, or are looked at once more."""


class _Search(NamedTuple):
    """Statements about one of them."""

    last: str
    last_of_next: str
    """The highest key of the next rows after one."""
    search: str
    """The keys of rows that have it, given two keys, the id, and how it stands in JSON."""


def _search(table: str, key: str, condition: str, rows: int) -> _Search:
    after = f"SELECT {key} FROM {table} WHERE {key} > ? ORDER BY {key} LIMIT {rows}"
    return _Search(
        f"SELECT COALESCE(MAX({key}), 0) FROM {table}",
        f"SELECT MAX({key}) FROM ({after})",
        f"SELECT {key} FROM {table} WHERE {key} > :after AND {key} <= :until AND ({condition})",
    )


_SEARCHED: Final[Mapping[Searched, _Search]] = {
    "owners": _search(
        "owners", "id", "task_title = :user OR instr(own_dimensions, :json)", _ROWS_READ
    ),
    "sets": _search(
        "dimension_sets",
        "id",
        f":user IN ({', '.join(IDENTITIES)}) OR EXISTS "
        "(SELECT 1 FROM set_values v WHERE v.set_id = dimension_sets.id AND v.value = :user)",
        _ROWS_READ,
    ),
    "waiting": _search("pending", "upto", "instr(marks, :nested)", _WAITING_READ),
}


class Found(NamedTuple):
    """Rows that were found among the next ones."""

    keys: list[int]
    until: int
    """The last key that was looked at."""
    is_last: bool


class IdSearch:
    """Reads on the writer's connection."""

    def __init__(self, database: apsw.Connection) -> None:
        self._database = database

    @TRANSLATED
    def last(self, table: Searched) -> int:
        """The highest key of a table; 0 where it is empty."""
        last: int = self._database.execute(_SEARCHED[table].last).get
        return last

    @TRANSLATED
    def find(self, table: Searched, after: int, user: str) -> Found:
        """Which of the next rows after a key of it name a user; of owners, beside `names`."""
        _, last_of_next, search = _SEARCHED[table]
        until: int | None = self._database.execute(last_of_next, (after,)).get
        if until is None:
            return Found([], after, is_last=True)
        values = {
            "after": after, "until": until, "user": user,
            "json": as_in_json(user), "nested": as_in_json(user, depth=2),
        }  # fmt: skip
        found = [row[0] for row in self._database.execute(search, values)]
        return Found(found, until, is_last=False)
