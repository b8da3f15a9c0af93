"""Adds to sums that are kept in tables."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from operator import itemgetter

import apsw

from processor.io.ledger.dialect import Dialect
from processor.io.ledger.numbers import encode_numbers
from processor.io.ledger.shared import Columns
from processor.io.ledger.tables import COUNTS, PARTS, SUMS

Change = tuple[Columns, tuple[int, ...]]
"""The key of a row, and what is added to its sums."""

_KEYS = {
    "totals": ("scope", "id", "bucket"),
    "usage_hours": ("start_s", "set_id"),
    "usage_days": ("start_s", "set_id"),
    "usage_user_days": ("start_s", "user_id", "set_id"),
}
_TOGETHER = (
    frozenset({"cost", "input", "output", "calls", "cost_input", "cost_output"}),
    frozenset({"agent_runs"}),
    frozenset(
        {"cached", "saved", "cache_hits", "cache_write", "cost_cache_read", "cost_cache_write"}
    ),
    frozenset({"unpriced", "doubtful", "response_hits", "response_saved", "reasoning"}),
)
"""Sums that mostly change together. Each sum that is added to takes time, also where it is 0."""


class Addition:
    """Adds to one of the tables, in batches of what changes the same sums."""

    def __init__(self, table: str, words: Dialect) -> None:
        sums = SUMS if table == "totals" else (*SUMS, *PARTS)
        places = [[at for at, name in enumerate(sums) if name in group] for group in _TOGETHER]
        # One is taken twice, since of one alone no tuple would be made.
        self._get = [itemgetter(*some, some[0]) for some in places]
        self._statements = [
            _statement(table, sums, frozenset[str]().union(*some), words) for some in _choices()
        ]

    def run(self, database: apsw.Connection, changes: Iterable[Change]) -> None:
        """Make the changes; a row that is not there is made."""
        alike: list[list[Columns]] = [[] for _ in self._statements]
        for key, numbers in changes:
            chosen = sum(any(get(numbers)) << at for at, get in enumerate(self._get))
            alike[chosen].append((*key, *encode_numbers(numbers)))
        for statement, columns in zip(self._statements, alike, strict=True):
            if columns:
                database.executemany(statement, columns)


def _choices() -> Iterator[list[frozenset[str]]]:
    """Some of the groups: by the bits of 0, 1, 2 and so on."""
    for chosen in range(1 << len(_TOGETHER)):
        yield [group for at, group in enumerate(_TOGETHER) if chosen >> at & 1]


def _statement(table: str, sums: Sequence[str], changed: AbstractSet[str], words: Dialect) -> str:
    added = ", ".join(
        f"{name} = {table}.{name} + excluded.{name}"
        if name in COUNTS
        else f"{name} = {words.sum_of(f'{table}.{name}', f'excluded.{name}')}"
        for name in sums
        if name in changed
    )
    key = ", ".join(_KEYS[table])
    values = ", ".join("?" * (len(_KEYS[table]) + len(sums)))
    return (
        f"INSERT INTO {table} ({key}, {', '.join(sums)}) VALUES ({values}) "
        f"ON CONFLICT ({key}) DO {f'UPDATE SET {added}' if added else 'NOTHING'}"
    )
