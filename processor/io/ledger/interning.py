"""What many rows share stands in tables of its own, once; the rows have its id."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Final, Generic, TypeVar

import apsw

from processor.core.budgets.zones import ReportingZones
from processor.core.model import DimensionSet
from processor.io.ledger import statements
from processor.io.ledger.shared import Columns, encode_set
from processor.io.ledger.used_ids import UsedIds

_CACHED_MAX: Final = 4096
NAMES_CACHED_MAX: Final = 16_384
"""Sessions are many, and each is asked for a few times in a row."""
OWN_VALUES_MAX: Final = 1_000
"""Values that an own dimension may have in a day and count by themselves."""
_DAYS_CACHED_MAX: Final = 64
_NO_DAY: Final = (0, 0)
OTHER: Final = "other"
"""What a value beyond these counts as in sums by dimensions. Budgets know every value."""

_Key = TypeVar("_Key", bound=Hashable)
_Value = TypeVar("_Value")


class Cache(OrderedDict[_Key, _Value]):
    """A dict that keeps the entries that were made last."""

    def __init__(self, entries_max: int) -> None:
        super().__init__()
        self._entries_max = entries_max

    def __setitem__(self, key: _Key, value: _Value) -> None:
        super().__setitem__(key, value)
        if len(self) > self._entries_max:
            self.popitem(last=False)


class Interned(Generic[_Key]):
    """The ids of what is in one table, each of which is made when it is first asked for."""

    def __init__(
        self,
        database: apsw.Connection,
        table: tuple[str, str],
        encode: Callable[[_Key], Columns],
        cached_max: int = _CACHED_MAX,
    ) -> None:
        """`table` are the statements that find a row by its first column, and that make it.

        The second one makes nothing where the row is there.
        """
        self._database = database
        self._find, self._insert = table
        self._encode = encode
        self._ids = Cache[_Key, int](cached_max)
        self._used: UsedIds | None = None

    def id_of(self, value: _Key) -> tuple[int, bool]:
        """The id of a value, and whether its row is new."""
        known = self._ids.get(value)
        if known is not None:
            return known, False
        columns = self._encode(value)
        # What is not remembered is new more often than not.
        self._database.execute(self._insert, columns)
        is_new = self._database.changes() > 0
        if is_new:
            found = self._database.last_insert_rowid()
        else:
            found = self._database.execute(self._find, columns[:1]).get
        if self._used is not None:
            self._used.add(found)
        self._ids[value] = found
        return found, is_new

    def __call__(self, value: _Key) -> int:
        """The id of a value."""
        known = self._ids.get(value)
        return self.id_of(value)[0] if known is None else known

    def forget(self) -> None:
        """A transaction was undone: ids that it gave are no longer valid."""
        self._ids.clear()

    def note(self, used: UsedIds | None) -> None:
        """Note from now on every id that is given, in the turn at hand or any later one."""
        self._used = used
        # So that each is asked for, and noted, once more.
        self._ids.clear()


class DimensionSets:
    """The ids of sets of dimensions, in which own dimensions have no more values than a day may."""

    def __init__(self, database: apsw.Connection, zones: Callable[[], ReportingZones]) -> None:
        """`zones` says what a day is."""
        self._zones = zones
        self._day = _NO_DAY
        """The day of the last moment, which is that of most others."""
        self._own = Cache[tuple[DimensionSet, int], int](_CACHED_MAX)
        """Ids of sets with own dimensions, as they were given, by day."""
        table = statements.FIND_SET, statements.INSERT_SET
        self._database = database
        self._sets: Interned[DimensionSet] = Interned(database, table, encode_set)
        self._days = Cache[tuple[str, int], set[str]](_DAYS_CACHED_MAX)

    def id_of(self, dimensions: DimensionSet, time_s: int) -> int:
        """The id of a set, as it counts on the day of a moment."""
        if not dimensions.own:
            return self._sets(dimensions)
        start_s, end_s = self._day
        if not start_s <= time_s < end_s:
            start_s, _ = self._day = self._zones().day_of(time_s)
        known = self._own.get((dimensions, start_s))
        if known is None:
            own = tuple(
                (name, self._counted(name, start_s, value)) for name, value in dimensions.own
            )
            known, is_new = self._sets.id_of(dimensions._replace(own=own))
            if is_new:
                values = [(known, name, value) for name, value in own]
                self._database.executemany(statements.INSERT_SET_VALUE, values)
            self._own[dimensions, start_s] = known
        return known

    def forget(self) -> None:
        """A transaction was undone: what it noted is no longer valid."""
        self._sets.forget()
        self._days.clear()
        self._own.clear()
        self._day = _NO_DAY

    def _counted(self, dimension: str, day: int, value: str) -> str:
        """The value itself, or `OTHER` where the day has had as many as it may.

        Once a value counts in one way on a day, it always does: the day's values are only added
        to, and never beyond the limit.
        """
        known = self._days.get((dimension, day))
        if known is None:
            found = self._database.execute(statements.FIND_OWN_VALUES, (dimension, day))
            known = self._days[dimension, day] = {row[0] for row in found}
        if value in known:
            return value
        if len(known) >= OWN_VALUES_MAX:
            return OTHER
        known.add(value)
        self._database.execute(statements.INSERT_OWN_VALUE, (dimension, day, value))
        return value
