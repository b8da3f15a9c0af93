"""The running sums that metrics show, by the dimensions that the settings choose."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

import apsw

from processor.core.model import NOTHING, SpendKey, SpendPart, Totals
from processor.core.posting.spend import shown_of, split_by_sign
from processor.io.ledger.addition import Addition
from processor.io.ledger.dialect import Dialect
from processor.io.ledger.reading.sums import define_sum, rows_of, totals_of
from processor.io.ledger.tables import DIMENSIONS, SUMS
from processor.io.ledger.translation import TRANSLATED

OTHER: Final = ""
"""The key of all combinations that have no sums of their own."""
_VALUE_CHARS_MAX: Final = 128
"""A combination with a longer value counts among the others: senders choose the text."""
_SUMS: Final = ", ".join(SUMS)
_READ_DIMENSIONS: Final = "SELECT names FROM spend_dimensions"
_CHARGED: Final = """
SELECT set_id, {sums} FROM (
  SELECT set_id, {columns} FROM usage_months WHERE is_part = 0 UNION ALL
  SELECT set_id, {columns} FROM usage_days
  WHERE start_s >= (SELECT COALESCE(MAX(until_s), -9223372036854775808) FROM months_until))
GROUP BY set_id
"""
"""What every set of dimensions is charged in all: each day is in its month, or by itself."""


class SpendBy(NamedTuple):
    """What metrics tell apart."""

    dimensions: tuple[str, ...] = ("model", "provider")
    values_max: int = 100
    """Combinations of their values that have sums of their own; further ones share those of the
    others. One that has its own keeps them."""


BY_MODEL: Final = SpendBy()


class SpendRows:
    """Reads and writes on the writer's connection, between `begin` and `commit` of its store."""

    def __init__(self, database: apsw.Connection, words: Dialect) -> None:
        self._database = database
        self._addition = Addition("spend", words)
        self._by: SpendBy | None = None
        self._known: set[str] | None = None
        """The combinations with sums of their own; None while that is not known."""

    @property
    def dimensions(self) -> tuple[str, ...] | None:
        """Those whose values have sums of their own; None before `follow`, which keeps none."""
        return None if self._by is None else self._by.dimensions

    @TRANSLATED
    def follow(self, by: SpendBy) -> None:
        """Keep sums by these from now on, where others were kept from what has been charged."""
        names = json.dumps(by.dimensions)
        self._by, self._known = by, None
        if self._database.execute(_READ_DIMENSIONS).get == names:
            return
        for table in ("spend", "spend_dimensions"):
            self._database.execute(f"DELETE FROM {table}")
        self._database.execute("INSERT INTO spend_dimensions (names) VALUES (?)", (names,))
        charged = self._charged(by.dimensions)
        largest = sorted(charged, key=lambda values: _size(charged[values]), reverse=True)
        self.add(split_by_sign((values, charged[values]) for values in largest))

    @TRANSLATED
    def add(self, changes: Mapping[SpendKey, Totals]) -> None:
        """Add to the sums. Nothing is kept before `follow`."""
        if self._by is None:
            return
        added = dict[tuple[str, SpendPart], Totals]()
        for (values, part), sums in changes.items():
            key = self._key(values), part
            added[key] = added.get(key, NOTHING).plus(sums)
        self._addition.run(self._database, ((key, sums.values()) for key, sums in added.items()))

    def forget(self) -> None:
        """A transaction was undone, or values have other names."""
        self._known = None

    def rename(self, value: str, after: str) -> int:
        """Replace a value of any dimension; returns how many rows had it."""
        found = list(read_rows(self._database))
        named = [row for row in found if row.values is not None and value in row.values]
        for row in named:
            values = [after if each == value else each for each in row.values or ()]
            bindings = json.dumps(values), json.dumps(row.values), row.part
            text = "UPDATE spend SET labels = ? WHERE labels = ? AND part = ?"
            self._database.execute(text, bindings)
        return len(named)

    def _key(self, values: tuple[str, ...]) -> str:
        """The key of a combination, which gets sums of its own while there is room."""
        if self._known is None:
            rows = self._database.execute("SELECT DISTINCT labels FROM spend WHERE labels <> ''")
            self._known = {row[0] for row in rows}
        key = json.dumps(values)
        if key in self._known:
            return key
        has_room = self._by is not None and len(self._known) < self._by.values_max
        if not has_room or any(len(value) > _VALUE_CHARS_MAX for value in values):
            return OTHER
        self._known.add(key)
        return key

    def _charged(self, dimensions: tuple[str, ...]) -> dict[tuple[str, ...], Totals]:
        """What each combination is charged in all."""
        define_sum(self._database)
        sets = values_of_sets(self._database, dimensions)
        found = dict[tuple[str, ...], Totals]()
        for set_id, *sums in rows_of(self._database, _charged_with, (), len(SUMS)):
            values = sets[set_id]
            found[values] = found.get(values, NOTHING).plus(shown_of(totals_of(sums)))
        return {values: sums for values, sums in found.items() if not sums.is_zero}


class SpendRow(NamedTuple):
    """A row of the table."""

    values: tuple[str, ...] | None
    """None for the others."""
    part: SpendPart
    sums: Totals


def read_rows(database: apsw.Connection) -> Iterable[SpendRow]:
    """All of them, in one order."""
    found: Iterable[tuple[Any, ...]]
    found = database.execute(f"SELECT labels, part, {_SUMS} FROM spend ORDER BY labels, part")
    for labels, part, *sums in found:
        values = tuple(json.loads(labels)) if labels else None
        yield SpendRow(values, part, totals_of(sums))


def read_dimensions(database: apsw.Connection) -> tuple[str, ...] | None:
    """What the rows tell apart; None while nothing is kept in them."""
    names: str | None = database.execute(_READ_DIMENSIONS).get
    return tuple(json.loads(names)) if names else None


def _charged_with(function: str) -> str:
    sums = ", ".join(f"{function}({name})" for name in SUMS)
    return _CHARGED.format(sums=sums, columns=_SUMS)


def values_of_sets(
    database: apsw.Connection, dimensions: tuple[str, ...]
) -> dict[int, tuple[str, ...]]:
    """The values of the dimensions by the id of each set."""
    own = dict[tuple[int, str], str]()
    if not set(dimensions) <= set(DIMENSIONS):
        rows = database.execute("SELECT set_id, dimension, value FROM set_values")
        own = {(set_id, name): value for set_id, name, value in rows}
    found = {}
    for set_id, *texts in database.execute(
        f"SELECT id, {', '.join(DIMENSIONS)} FROM dimension_sets"
    ):
        values = dict(zip(DIMENSIONS, texts, strict=True))
        found[set_id] = tuple(
            values[name] if name in values else own.get((set_id, name), "") for name in dimensions
        )
    return found


def _size(sums: Totals) -> tuple[int, int]:
    return sums.cost_nano_usd, sums.calls
