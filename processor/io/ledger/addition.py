"""Adds to sums that are kept in tables."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from itertools import compress

import apsw

from processor.io.ledger.dialect import Dialect
from processor.io.ledger.interning import Cache
from processor.io.ledger.numbers import encode_numbers
from processor.io.ledger.shared import Columns
from processor.io.ledger.tables import COUNTS, PARTS, SUMS

Change = tuple[Columns, tuple[int, ...]]
"""The key of a row, and what is added to its sums."""

_KEYS = {
    "totals": ("scope", "id", "bucket"),
    "spend": ("labels", "part"),
    "usage_hours": ("start_s", "set_id"),
    "usage_days": ("start_s", "set_id"),
    "usage_months": ("is_part", "start_s", "set_id"),
    "usage_user_days": ("start_s", "user_id", "set_id"),
    "deleted_days": ("start_s",),
    "deleted_traces": ("start_s",),
}
_WITHOUT_PARTS = frozenset({"totals", "spend", "deleted_traces"})
_TOGETHER = (
    frozenset({"cost", "input", "output", "calls", "cost_input", "cost_output"}),
    frozenset({"agent_runs"}),
    frozenset(
        {"cached", "saved", "cache_hits", "cache_write", "cost_cache_read", "cost_cache_write"}
    ),
    frozenset({"unpriced", "doubtful", "response_hits", "response_saved", "reasoning"}),
)
"""Sums that mostly change together. Each sum that is added to takes time, also where it is 0."""
_CHOICES_CACHED_MAX = 1024


class Addition:
    """Adds to one of the tables, in batches of what changes the same sums."""

    def __init__(self, table: str, words: Dialect) -> None:
        self._sums = SUMS if table in _WITHOUT_PARTS else (*SUMS, *PARTS)
        self._statements = [
            _statement(table, self._sums, frozenset[str]().union(*some), words)
            for some in _choices()
        ]
        self._chosen = Cache[tuple[bool, ...], str](_CHOICES_CACHED_MAX)
        """The statement for a change of just these of the sums."""

    def run(self, database: apsw.Connection, changes: Iterable[Change]) -> None:
        """Make the changes; a row that is not there is made."""
        alike: dict[str, list[Columns]] = {}
        for key, numbers in changes:
            are_changed = tuple(map(bool, numbers))
            statement = self._chosen.get(are_changed) or self._choose(are_changed)
            alike.setdefault(statement, []).append((*key, *encode_numbers(numbers)))
        for statement, columns in alike.items():
            database.executemany(statement, columns)

    def _choose(self, are_changed: tuple[bool, ...]) -> str:
        names = set(compress(self._sums, are_changed))
        at = sum(bool(group & names) << at for at, group in enumerate(_TOGETHER))
        statement = self._chosen[are_changed] = self._statements[at]
        return statement


def _choices() -> Iterator[list[frozenset[str]]]:
    """Some of the groups: by the bits of 0, 1, 2 and so on."""
    for chosen in range(1 << len(_TOGETHER)):
        yield [group for at, group in enumerate(_TOGETHER) if chosen >> at & 1]


def addition_of(table: str, source: str, words: Dialect) -> str:
    """The statement that adds the rows of a query, whose columns are those of a table, to it.

    The query has a WHERE, since SQLite would take what follows for the condition of a join.
    """
    sums = (*SUMS, *PARTS)
    return _statement(table, sums, frozenset(sums), words, source)


def _statement(
    table: str, sums: Sequence[str], changed: AbstractSet[str], words: Dialect, source: str = ""
) -> str:
    """Without a source it adds one row."""
    added = ", ".join(
        f"{name} = {table}.{name} + excluded.{name}"
        if name in COUNTS
        else f"{name} = {words.sum_of(f'{table}.{name}', f'excluded.{name}')}"
        for name in sums
        if name in changed
    )
    key, columns = ", ".join(_KEYS[table]), (*_KEYS[table], *sums)
    source = source or f"VALUES ({', '.join('?' * len(columns))})"
    return (
        f"INSERT INTO {table} ({', '.join(columns)}) {source} "
        f"ON CONFLICT ({key}) DO {f'UPDATE SET {added}' if added else 'NOTHING'}"
    )
